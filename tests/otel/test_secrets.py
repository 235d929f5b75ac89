"""No span shows a secret, a student, or a word of the campus's, however a call ends."""

import json

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy, StaticToken
from nexport_campus.otel import with_tracer_provider
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
WORDS = "Ada Lovelace, born 10 December 1815"
SECRETS = (TOKEN, TOKEN.replace("-", ""), PASSWORD, USER, STUDENT, "Lovelace")
ECHO = {"X-Echo": f"token={TOKEN}; password={PASSWORD}; student={STUDENT}"}
LOGIN = json_response(
    {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | error_entity(warnings=[WORDS])
)
ENDINGS = {
    "well": json_response({"enrollments": []} | error_entity(warnings=[f"{WORDS} {TOKEN}"]), headers=ECHO),
    "an error entity": json_response(error_entity(3, f"{WORDS} {STUDENT} {TOKEN}"), 409, headers=ECHO),
    "refused": json_response(error_entity(4, f"{TOKEN.upper()} of {WORDS} has expired"), 403, headers=ECHO),
    "HTML": html_response(502, f"<html>{WORDS} {TOKEN}</html>"),
    "elsewhere": json_response(
        {}, 302, headers={"Location": f"https://elsewhere.example/?access_token={TOKEN}"}
    ),
    "unreadable": Response(body=f'{{"{WORDS}": {TOKEN}'.encode()),
    "wrong type": json_response({"enrollments": WORDS} | error_entity()),
    "cut": Response(body=WORDS.encode(), claimed_length=100, ending="close"),
    "reset": Response(raw=b"", ending="reset"),
    "no HTTP": Response(raw=f"220 {WORDS} {TOKEN}\r\n\r\n".encode(), ending="close"),
}


async def calls(campus: NexportCampus) -> None:
    """Calls that name a student in the query, in the body, and in a list; and a login of one's own."""
    for call in (
        campus.learning.get_certificate_url(enrollment_id=STUDENT),
        campus.learning.drop_enrollment(enrollment_id=STUDENT),
        campus.learning.search_enrollments(user_ids=[STUDENT]).collect(),
        campus.admin.authenticate(username=USER, password=PASSWORD, grant_type="password"),
        campus.admin.validate_access_token(access_token=TOKEN),
    ):
        try:
            await call
        except NexportError:
            continue


@pytest.mark.parametrize("at_login", [False, True], ids=["in calls", "at the login"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_nothing_secret(
    ending: Response, at_login: bool, provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    """Not in a name, an attribute, a status or an event."""

    async def answer(request: Request) -> Response:
        is_login = request.operation_id == "AdminApi_Authenticate"
        return LOGIN if is_login and not at_login else ending

    async with ScriptedServer(answer) as server:
        auth, retry = PasswordAuth(USER, PASSWORD), RetryPolicy(max_attempts=2, initial_delay=0)
        async with NexportCampus(auth, base_url=server.url, retry=retry) as campus:
            await calls(with_tracer_provider(campus, provider))
    recorded = [span.to_json() for span in spans.get_finished_spans()]
    operations = {json.loads(text)["attributes"]["nexport.operation_id"] for text in recorded}
    assert {
        "AdminApi_Authenticate",
        "AdminApi_ValidateAccessToken",
        "LearningApi_DropEnrollment",
    } <= operations
    shown = [text for text in recorded if any(secret.lower() in text.lower() for secret in SECRETS)]
    assert shown == []


class VaultError(Exception):
    """An error of somebody else's, whose attributes have our names."""

    error_code = PASSWORD
    maybe_applied = True


class Failing(httpx.AsyncBaseTransport):
    """A transport of a user's own with a mistake in it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise VaultError(PASSWORD)


async def test_a_foreign_exception(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """Of an error that isn't the SDK's, the name of its class is told, and nothing that it carries."""
    async with NexportCampus(StaticToken(TOKEN), transport=Failing()) as campus:
        with pytest.raises(VaultError):
            await with_tracer_provider(campus, provider).learning.get_section(syllabus_id=STUDENT)
    (span,) = spans.get_finished_spans()
    assert dict(span.attributes or {})["error.type"] == "VaultError"
    assert PASSWORD not in span.to_json()
