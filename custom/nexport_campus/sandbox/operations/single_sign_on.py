"""Single sign-on: SignIn and Classroom of SsoApi, which return a URL that signs a student in."""

from __future__ import annotations

import dataclasses
import urllib.parse
import uuid
from typing import Final

from nexport_campus.sandbox.aspnet_values import SECOND
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, invalid, no_subscription, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_arguments import RequestArguments

from .registry import OperationCall, operation

_LIFETIME: Final = 300
_DISPLAYS: Final = (0, 1)
_REDIRECTS: Final = ("logout_url", "invalid_token_url", "expired_token_url")


@operation("POST", "SsoApi_SignIn")
def sign_in(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a URL for a subscription: by its id, or by user and organization.

    Page: Use SSO API in the subscription's organization or an ancestor.
    """
    body = call.body
    options = _read_options(body)
    return _issue(campus, call, options, _find_subscription(campus, body))


@operation("POST", "SsoApi_Classroom")
def classroom(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a URL that leads to the classroom of an enrollment."""
    body = call.body
    enrollment_id = body.required(body.id, "enrollment_id")
    options = _read_options(body)
    enrollment = campus.find("enrollment", enrollment_id)
    subscription = campus.rows("SELECT * FROM subscription WHERE number = ?", enrollment["subscription"])[0]
    return _issue(campus, call, options, subscription, enrollment["number"])


@dataclasses.dataclass(frozen=True, slots=True)
class _Options:
    """How the page looks, and the addresses outside the campus, or None to keep those of the subscription."""

    display: int
    redirects: tuple[str | None, ...] | None


def _find_subscription(campus: CampusState, body: RequestArguments) -> Row:
    """Return the subscription with the id, or else of the user in the organization."""
    subscription_id, user_id, org_id = map(body.id, ("subscription_id", "user_id", "org_id"))
    if subscription_id is not None:
        number = campus.ids.number("subscription", subscription_id)
        found = campus.row("SELECT * FROM subscription WHERE number = ?", number)
    elif user_id is None or org_id is None:
        raise invalid("Either subscription_id, or both user_id and org_id are required")
    else:
        user, organization = campus.find("user", user_id), campus.find("organization", org_id)
        found = campus.row(
            "SELECT * FROM subscription WHERE user = ? AND organization = ?",
            *(user["number"], organization["number"]),
        )
    if found is None:
        raise no_subscription()
    return found


def _read_options(body: RequestArguments) -> _Options:
    """Return `display` and the addresses in `redirect_entity_request`."""
    display, request = body.choice("display", _DISPLAYS) or 0, body.nested("redirect_entity_request")
    if request is None:
        return _Options(display, None)
    urls = tuple(map(request.text, _REDIRECTS))
    for name, url in zip(_REDIRECTS, urls, strict=True):
        if url and not _is_web_address(url):
            raise invalid(f"{name} must be an address that begins with http:// or https://")
    return _Options(display, urls)


def _is_web_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and url.isprintable()


def _issue(
    campus: CampusState,
    call: OperationCall,
    options: _Options,
    subscription: Row,
    enrollment: int | None = None,
) -> OperationResult:
    """Issue a token for the student's browser, and keep the redirects with the subscription."""
    campus.permissions.require(
        call.user, subscription["organization"], Permission.USE_SSO_API, action="use the SSO API"
    )
    if options.redirects is not None:
        campus.change(
            "INSERT OR REPLACE INTO redirect VALUES (?, ?, ?, ?)", subscription["number"], *options.redirects
        )
    token = str(uuid.uuid4())
    expires = campus.clock.now() + _LIFETIME * SECOND
    campus.connection.execute(
        "INSERT INTO sso_token VALUES (?, ?, ?, ?, ?)",
        (token, subscription["number"], enrollment, options.display, expires),
    )
    return success(
        {
            "url": f"{call.base_url}/sso/{token}",
            "access_token": token,
            "token_type": "bearer",
            "expires_in": _LIFETIME,
        }
    )
