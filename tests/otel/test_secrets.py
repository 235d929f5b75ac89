"""No span shows a secret, a student's data, or a string from the campus, however a call ends."""

import json

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy, StaticToken
from nexport_campus.otel import with_tracer_provider
from tests.support.clients import method_of, needs
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

PASSWORD = "correct-horse-battery-staple"
USER = "api-user@college.example"
STUDENT = "12345678-1234-5678-9abc-123456789abc"
PERSONAL_DATA = "Ada Lovelace, born 10 December 1815"
SECRETS = (TOKEN, TOKEN.replace("-", ""), PASSWORD, USER, STUDENT, "Lovelace")
ECHO = {"X-Echo": f"token={TOKEN}; password={PASSWORD}; student={STUDENT}"}
LOGIN = json_response(
    {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}
    | error_entity(warnings=[PERSONAL_DATA])
)
ENDINGS = {
    "success": json_response(
        {"enrollments": []} | error_entity(warnings=[f"{PERSONAL_DATA} {TOKEN}"]), headers=ECHO
    ),
    "an error entity": json_response(
        error_entity(3, f"{PERSONAL_DATA} {STUDENT} {TOKEN}"), 409, headers=ECHO
    ),
    "refused": json_response(
        error_entity(4, f"{TOKEN.upper()} of {PERSONAL_DATA} has expired"), 403, headers=ECHO
    ),
    "HTML": html_response(502, f"<html>{PERSONAL_DATA} {TOKEN}</html>"),
    "redirect": json_response(
        {}, 302, headers={"Location": f"https://elsewhere.example/?access_token={TOKEN}"}
    ),
    "unreadable": Response(body=f'{{"{PERSONAL_DATA}": {TOKEN}'.encode()),
    "wrong type": json_response({"enrollments": PERSONAL_DATA} | error_entity()),
    "cut": Response(body=PERSONAL_DATA.encode(), claimed_length=100, ending="close"),
    "reset": Response(raw=b"", ending="reset"),
    "not HTTP": Response(raw=f"220 {PERSONAL_DATA} {TOKEN}\r\n\r\n".encode(), ending="close"),
}


async def make_calls(campus: NexportCampus) -> None:
    """Make calls with a student's id in the query, in the body and in a list, and an explicit login."""
    for call in (
        campus.learning.get_certificate_url(enrollment_id=STUDENT),
        campus.learning.drop_enrollment(enrollment_id=STUDENT),
        campus.learning.search_enrollments(user_ids=[STUDENT]).collect(),
        method_of(campus, "AdminApi_Authenticate")(username=USER, password=PASSWORD, grant_type="password"),
        method_of(campus, "AdminApi_ValidateAccessToken")(access_token=TOKEN),
    ):
        try:
            await call
        except NexportError:
            continue


@needs("AdminApi_Authenticate", "AdminApi_ValidateAccessToken")
@pytest.mark.parametrize("at_login", [False, True], ids=["in calls", "at the login"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_spans_hide_secrets(
    ending: Response, at_login: bool, provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    """No secret is in a name, an attribute, a status or an event."""

    async def respond(request: Request) -> Response:
        is_login = request.operation_id == "AdminApi_Authenticate"
        return LOGIN if is_login and not at_login else ending

    async with ScriptedServer(respond) as server:
        auth, retry = PasswordAuth(USER, PASSWORD), RetryPolicy(max_attempts=2, initial_delay=0)
        async with NexportCampus(auth, base_url=server.url, retry=retry) as campus:
            await make_calls(with_tracer_provider(campus, provider))
    recorded = [span.to_json() for span in spans.get_finished_spans()]
    operations = {json.loads(span)["attributes"]["nexport.operation_id"] for span in recorded}
    assert {
        "AdminApi_Authenticate",
        "AdminApi_ValidateAccessToken",
        "LearningApi_DropEnrollment",
    } <= operations
    shown = [span for span in recorded if any(secret.lower() in span.lower() for secret in SECRETS)]
    assert shown == []


class VaultError(Exception):
    """A foreign exception with attributes named like the SDK's."""

    error_code = PASSWORD
    maybe_applied = True


class FailingTransport(httpx.AsyncBaseTransport):
    """A user's transport with a bug."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise VaultError(PASSWORD)


async def test_a_foreign_exception(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """The span names the class of a foreign exception, and nothing that it carries."""
    async with NexportCampus(StaticToken(TOKEN), transport=FailingTransport()) as campus:
        with pytest.raises(VaultError):
            await with_tracer_provider(campus, provider).learning.get_section(syllabus_id=STUDENT)
    (span,) = spans.get_finished_spans()
    assert dict(span.attributes or {})["error.type"] == "VaultError"
    assert PASSWORD not in span.to_json()
