"""Signing students in with SsoApi, and the pages that their browsers see."""

import html
import uuid

import httpx
import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

SIGN_IN = "SsoApi_SignIn"
CLASSROOM = "SsoApi_Classroom"
NOTHING = str(uuid.uuid4())
REDIRECTS = {
    "logout_url": 'https://shop.example/bye?a=1&b="2"',
    "invalid_token_url": "https://shop.example/invalid",
    "expired_token_url": "https://shop.example/expired",
}


async def open_classroom(api: HttpApi, samples: Samples, **more: object) -> str:
    """Return the URL of the classroom of the finished enrollment."""
    body = {"enrollment_id": samples.finished_enrollment_id, **more}
    url: str = (await api.get(CLASSROOM, body))["url"]
    return url


async def visit(url: str) -> httpx.Response:
    """Open a URL as a browser does, without following redirects."""
    async with httpx.AsyncClient() as browser:
        return await browser.get(url)


async def test_the_classroom_names_student_and_course(
    api: HttpApi, sandbox: Sandbox, samples: Samples
) -> None:
    """The URL leads to a page of the sandbox that names the student and the course."""
    user = await api.get("AdminApi_GetUser", user_id=samples.finished_user_id)
    body = {"user_ids": [samples.finished_user_id], "enrollment_ids": [samples.finished_enrollment_id]}
    (enrollment,) = (await api.get("LearningApi_SearchEnrollments", body))["enrollments"]
    section = await api.get("LearningApi_GetSection", syllabus_id=enrollment["syllabus_id"])
    response = await api.get(CLASSROOM, {"enrollment_id": samples.finished_enrollment_id})
    assert response["url"].startswith(sandbox.url)
    assert response["access_token"] in response["url"]
    assert (response["token_type"], response["expires_in"]) == ("bearer", 300)
    page = await visit(response["url"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{html.escape(section['title'])}</h1>" in page.text
    assert f"Student: {user['first_name']} {user['last_name']}" in page.text
    assert "Status: Finished" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_signing_in(api: HttpApi, samples: Samples) -> None:
    """SignIn takes a subscription, or user and organization, and leads to a page with the student's courses."""
    body = {"user_id": samples.user_id, "org_id": samples.org_id}
    subscription = await api.get("AdminApi_GetSubscription", **body)
    pages = [
        (await visit((await api.get(SIGN_IN, each))["url"])).text
        for each in (body, {"subscription_id": subscription["subscription_id"]})
    ]
    user = await api.get("AdminApi_GetUser", user_id=samples.user_id)
    assert pages[0] == pages[1]
    assert "<h1>Boston Trade School</h1>" in pages[0]
    assert f"Student: {user['first_name']} {user['last_name']}" in pages[0]
    assert "<li>" in pages[0]


async def test_an_address_expires(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """After its lifetime an address shows no course, or redirects to the caller's own page."""
    url = await open_classroom(api, samples)
    assert (await visit(url)).status_code == (await visit(url)).status_code == 200
    await sandbox.advance(301)
    expired = await visit(url)
    assert expired.status_code == 403
    assert "has expired" in expired.text
    api = await api.log_in(sandbox.accounts["administrator"])
    await open_classroom(api, samples, redirect_entity_request=REDIRECTS)
    redirected = await visit(url)
    assert (redirected.status_code, redirected.headers["location"]) == (302, REDIRECTS["expired_token_url"])


async def test_addresses_that_are_not_valid(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """An unknown token is refused; so is that of a removed enrollment, at the caller's own page if there is one."""
    assert (await visit(f"{sandbox.url}/sso/{NOTHING}")).status_code == 403
    url = await open_classroom(api, samples, redirect_entity_request=REDIRECTS)
    await api.get("LearningApi_DropEnrollment", enrollment_id=samples.finished_enrollment_id)
    gone = await visit(url)
    assert (gone.status_code, gone.headers["location"]) == (302, REDIRECTS["invalid_token_url"])


async def test_header_and_redirects(api: HttpApi, samples: Samples) -> None:
    """The header has the escaped address for signing out, kept for later calls; NoChrome hides the header."""
    await open_classroom(api, samples, redirect_entity_request=REDIRECTS)
    page = (await visit(await open_classroom(api, samples, display=0))).text
    assert f'<a href="{html.escape(REDIRECTS["logout_url"])}">' in page
    assert "<header>" not in (await visit(await open_classroom(api, samples, display=1))).text


async def test_a_browsers_token_does_not_work_for_the_api(api: HttpApi, samples: Samples) -> None:
    """The token in the address does not open the Web API."""
    token = (await api.get(CLASSROOM, {"enrollment_id": samples.finished_enrollment_id}))["access_token"]
    student = HttpApi(api.client, token)
    assert await student.refusal("AdminApi_GetUser", user_id=samples.user_id) == (403, 4)


@pytest.mark.parametrize(
    ("operation", "body", "refusal"),
    [
        pytest.param(CLASSROOM, {}, (422, 2), id="no enrollment"),
        pytest.param(CLASSROOM, {"enrollment_id": NOTHING}, (409, 3), id="unknown enrollment"),
        pytest.param(SIGN_IN, {}, (422, 2), id="no user"),
        pytest.param(SIGN_IN, {"user_id": NOTHING}, (422, 2), id="user without organization"),
        pytest.param(SIGN_IN, {"subscription_id": NOTHING}, (409, 6), id="unknown subscription"),
        pytest.param(SIGN_IN, {"user_id": NOTHING, "org_id": NOTHING}, (409, 3), id="unknown user"),
        pytest.param(SIGN_IN, {"subscription_id": NOTHING, "display": 2}, (422, 2), id="unknown display"),
    ],
)
async def test_refused_sign_ins(
    api: HttpApi, operation: str, body: dict[str, object], refusal: tuple[int, int]
) -> None:
    """Missing and malformed arguments are 422, unknown ids 409."""
    assert await api.refusal(operation, body) == refusal


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//shop.example", "shop", "https://a\nb", "http://[x"]
)
async def test_redirects_are_web_addresses(api: HttpApi, samples: Samples, url: str) -> None:
    """Only addresses of web pages are accepted as redirects."""
    for name in REDIRECTS:
        body = {"enrollment_id": samples.finished_enrollment_id, "redirect_entity_request": {name: url}}
        assert await api.refusal(CLASSROOM, body) == (422, 2)


async def test_who_may_sign_students_in(viewer: HttpApi, registrar: HttpApi, samples: Samples) -> None:
    """Use SSO API is required in the organization of the subscription, or above it."""
    for caller in (viewer, registrar):
        body = {"enrollment_id": samples.finished_enrollment_id}
        assert await caller.refusal(CLASSROOM, body) == (403, 5)
        user = {"user_id": samples.user_id, "org_id": samples.org_id}
        assert await caller.refusal(SIGN_IN, user) == (403, 5)
