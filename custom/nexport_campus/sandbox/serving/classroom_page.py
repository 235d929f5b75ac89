"""Pages for a student's browser: the classroom and the campus behind the URLs of SsoApi."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from nexport_campus.sandbox.campus_state import CampusState, Row

__all__ = ["make_classroom_route"]

_PHASES: Final = {
    0: "Not started",
    1: "In progress",
    2: "Finished",
    15: "To be graded",
    16: "Resubmit required",
}
_NO_CHROME: Final = 1
# The URL of the page is a secret: no cache may keep it, and no link may pass it on.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 1rem/1.5 sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }}</style>
</head><body>
{content}
</body></html>
"""
_TOKEN: Final = """SELECT sso_token.*, first_name, last_name, name AS organization,
    logout_url, invalid_token_url, expired_token_url FROM sso_token
    JOIN subscription ON subscription.number = sso_token.subscription
    JOIN user ON user.number = subscription.user JOIN organization ON organization.number = subscription.organization
    LEFT JOIN redirect ON redirect.subscription = sso_token.subscription WHERE value = ?"""
_COURSES: Final = """SELECT enrollment.number, title, phase FROM enrollment
    JOIN syllabus ON syllabus.number = enrollment.syllabus WHERE enrollment."""
_ASSIGNMENTS: Final = """SELECT assignment_type FROM assignment
    WHERE syllabus = (SELECT syllabus FROM enrollment WHERE number = ?) ORDER BY display_order, added"""


def make_classroom_route(campus: CampusState) -> Route:
    """Return the route of the URLs that SignIn and Classroom hand out."""
    return Route("/sso/{token}", functools.partial(_show, campus))


async def _show(campus: CampusState, request: Request) -> Response:
    visit = campus.row(_TOKEN, request.path_params["token"].lower())
    if visit is None:
        return _refuse("This address is not valid.", None)
    if visit["expires"] <= campus.clock.now():
        return _refuse("This address has expired. Please open the course again.", visit["expired_token_url"])
    if visit["enrollment"] is None:
        return _respond(visit["organization"], _render_campus(campus, visit))
    course = campus.row(_COURSES + "number = ?", visit["enrollment"])
    if course is None:
        return _refuse("You are no longer enrolled in this course.", visit["invalid_token_url"])
    return _respond(course["title"], _render_classroom(campus, visit, course))


def _refuse(reason: str, redirect: str | None) -> Response:
    """Send the browser to the address that the caller of SsoApi gave, or else show the reason."""
    if redirect:
        return RedirectResponse(redirect, 302, _HEADERS)
    return _respond("Sign-in failed", [f"<h1>Sign-in failed</h1><p>{reason}</p>"], 403)


def _render_classroom(campus: CampusState, visit: Row, course: Row) -> list[str]:
    assignments = campus.rows(_ASSIGNMENTS, visit["enrollment"])
    return [
        *_render_header(visit),
        f"<h1>{html.escape(course['title'])}</h1>",
        f"<p>Student: {html.escape(_format_student(visit))}</p><p>Status: {_PHASES[course['phase']]}</p>",
        _list(each["assignment_type"] for each in assignments),
    ]


def _render_campus(campus: CampusState, visit: Row) -> list[str]:
    courses = campus.rows(
        _COURSES + "subscription = ? ORDER BY enrollment.number DESC LIMIT 100", visit["subscription"]
    )
    items = (f"{each['title']}: {_PHASES[each['phase']].lower()}" for each in courses)
    return [
        *_render_header(visit),
        f"<h1>{html.escape(visit['organization'])}</h1>",
        f"<p>Student: {html.escape(_format_student(visit))}</p>",
        _list(items),
    ]


def _render_header(visit: Row) -> list[str]:
    """Return the header and menu, which `display` can hide."""
    if visit["display"] == _NO_CHROME:
        return []
    logout = visit["logout_url"]
    link = f' <a href="{html.escape(logout)}">Sign out</a>' if logout else ""
    return [f"<header>{html.escape(visit['organization'])}{link}</header>"]


def _format_student(visit: Row) -> str:
    return f"{visit['first_name']} {visit['last_name']}"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"


def _respond(title: str, content: list[str], status: int = 200) -> Response:
    page = _PAGE.format(title=html.escape(title), content="\n".join(content))
    return HTMLResponse(page, status, _HEADERS)
