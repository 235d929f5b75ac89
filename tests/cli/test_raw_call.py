"""`nexport call METHOD PATH`: requests for any path of the campus."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nexport_campus.sandbox import Samples
from tests.cli.conftest import Nexport
from tests.support.clients import needs
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

SECTION = "/api/v1/LearningApi/GetSection"
SEARCH = "/api/v1/LearningApi/SearchEnrollments"
DROP = "/api/v1/LearningApi/DropEnrollment"
UNKNOWN = "/api/v1/AdminApi/GetUsersOfTests"


def environment(server: ScriptedServer) -> Mapping[str, str]:
    """Return the variables that name a scripted server and its token."""
    return {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}


async def run(nexport: Nexport, server: ScriptedServer, *arguments: str, stdin: str | None = None) -> Any:
    """Run `nexport call` in a thread, against a scripted server."""
    return await asyncio.to_thread(lambda: nexport("call", *arguments, stdin=stdin, env=environment(server)))


def test_a_get_of_a_known_operation(nexport: Nexport, samples: Samples) -> None:
    """It prints the JSON of the response, as the operation's own command does."""
    raw = nexport("call", "get", SECTION, "--param", f"syllabus_id={samples.section_id}")
    own = nexport("call", "learning.get_section", "--syllabus-id", samples.section_id)
    assert (raw.exit_code, raw.stderr) == (0, "")
    section = json.loads(raw.stdout)
    assert section["syllabus_id"] == samples.section_id
    assert section["title"] == json.loads(own.stdout)["title"]


def test_a_post_with_a_body(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """The body is JSON, in a file, on stdin, or written out."""
    body = json.dumps({"org_ids": [samples.org_id]})
    file = tmp_path / "body.json"
    file.write_text(body, encoding="utf-8")
    results = [
        nexport("call", "POST", SEARCH, "--json", f"@{file}"),
        nexport("call", "POST", SEARCH, "--json", "-", stdin=body),
        nexport("call", "POST", SEARCH, "--json", body),
    ]
    for done in results:
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["enrollments"]


def test_a_list_page_by_page(nexport: Nexport, samples: Samples) -> None:
    """`--items` names the field of the records; `--all`, `--limit` and `--page` work as for known operations."""
    command = ["call", "POST", SEARCH, "--json", json.dumps({"org_ids": [samples.org_id]})]
    paged = [*command, "--items", "enrollments", "--output", "jsonl"]
    first = nexport(*paged, "--limit", "3")
    everything = nexport(*paged, "--all", "--per-page", "7")
    own = nexport(
        "call", "learning.search_enrollments", "--org-ids", samples.org_id, "--all", "--output", "jsonl"
    )
    assert (first.exit_code, len(first.stdout.splitlines())) == (0, 3)
    ids = [json.loads(line)["enrollment_id"] for line in everything.stdout.splitlines()]
    assert ids == [json.loads(line)["enrollment_id"] for line in own.stdout.splitlines()]
    second = nexport(*paged, "--page", "2", "--per-page", "2")
    assert [json.loads(line)["enrollment_id"] for line in second.stdout.splitlines()] == ids[2:4]
    assert "there are more: --page 3" in second.stderr


async def test_the_arguments_on_the_wire(nexport: Nexport) -> None:
    """A parameter that is repeated is a list; numbers of the body and of the response are exact."""
    body = Response(body=b'{"big": 123456789012345678901234567890, "small": 0.12345678901234567890}')
    async with ScriptedServer([body]) as server:
        done = await run(
            nexport,
            server,
            *("PUT", UNKNOWN, "--param", "id=1", "--param", "id=2", "--param", "q=a=b&c"),
            *("--json", '{"n": 0.12345678901234567890}'),
        )
    (request,) = server.requests
    assert request.method == "PUT"
    assert request.query == [("id", "1"), ("id", "2"), ("q", "a=b&c"), ("access_token", TOKEN)]
    assert request.body == b'{"n":0.12345678901234567890}'
    assert done.exit_code == 0
    assert '"big": 123456789012345678901234567890' in done.stdout
    assert '"small": 0.12345678901234567890' in done.stdout


async def test_an_unknown_request_counts_as_writing(nexport: Nexport) -> None:
    """It is not retried, and its error says that it may have been carried out; with --read it is a read."""
    async with ScriptedServer([html_response(503), *[html_response(503)] * 4]) as server:
        written = await run(nexport, server, "GET", UNKNOWN)
        assert len(server.requests) == 1
        read = await run(nexport, server, "GET", UNKNOWN, "--read")
        assert len(server.requests) == 5
    assert "may have carried it out" in written.stderr
    assert "may have carried it out" not in read.stderr


def test_writes_and_unknown_operations_need_confirmation(
    nexport: Nexport, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a write prompts, an unknown operation too, unless --yes or --read; a known read doesn't."""
    monkeypatch.setattr("nexport_campus.cli.confirmation.is_interactive", lambda: True)
    for command in (
        ["GET", DROP, "--param", f"enrollment_id={samples.finished_enrollment_id}"],
        ["POST", UNKNOWN, "--json", "{}"],
        ["GET", UNKNOWN],
    ):
        done = nexport("call", *command, stdin="n\n")
        assert "changes data" in done.stderr
        assert "nothing was sent" in done.stderr
    for command in (
        ["GET", UNKNOWN, "--read"],
        ["POST", UNKNOWN, "--yes"],
        ["GET", SECTION, "--param", f"syllabus_id={samples.section_id}"],
    ):
        assert "changes data" not in nexport("call", *command, stdin="n\n").stderr


def test_a_known_write_stays_one(nexport: Nexport, samples: Samples) -> None:
    """`--read` for an operation that changes data is an error, and so is a page of it."""
    done = nexport(
        "call", "GET", DROP, "--param", f"enrollment_id={samples.finished_enrollment_id}", "--read"
    )
    assert done.exit_code == 2
    assert "learning.drop_enrollment changes data" in done.stderr
    paged = nexport("call", "GET", DROP, "--all")
    assert paged.exit_code == 2
    assert "add --read" in paged.stderr


def test_errors_have_the_exit_codes_of_other_calls(nexport: Nexport, account: dict[str, str]) -> None:
    """A missing record, and arguments that can't be."""
    missing = "00000000-0000-4000-8000-000000000000"
    done = nexport("call", "GET", SECTION, "--param", f"syllabus_id={missing}")
    own = nexport("call", "learning.get_section", "--syllabus-id", missing)
    assert (done.exit_code, done.stdout) == (own.exit_code, "")
    assert done.exit_code not in (0, 1, 2)
    for arguments, message in {
        ("GET", "api/v1/X"): "PATH must begin",
        ("GET", "/api/v1/X?a=b"): "go into params",
        ("GET", "//evil.example"): "PATH must not",
        ("GET", "/api/v1/X", "--param", "a"): "NAME=VALUE",
        ("GET", "/api/v1/X", "--param", "access_token=x"): "--param must not contain access_token",
        ("POST", "/api/v1/X", "--json", "{"): "is not JSON",
        ("POST", "/api/v1/X", "--json", "[NaN]"): "is not JSON",
        ("POST", "/api/v1/X", "--json", "@missing.json"): "can't be read",
        ("GET",): "PATH",
    }.items():
        refused = nexport("call", *arguments)
        assert refused.exit_code == 2, refused.stderr
        assert message in refused.stderr


async def test_an_empty_response_prints_nothing(nexport: Nexport) -> None:
    """And is a success."""
    async with ScriptedServer([Response(status=204)]) as server:
        done = await run(nexport, server, "DELETE", UNKNOWN)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


async def test_tables_have_one_line_per_record(nexport: Nexport) -> None:
    """Records become lines, nested values JSON, and an error entity without an error isn't shown."""
    rows = [{"id": 1, "tags": ["a", {"b": 2}], "on": True} | error_entity(), {"id": 2}]
    async with ScriptedServer([json_response(rows)]) as server:
        done = await run(nexport, server, "GET", UNKNOWN, "--read", "--output", "table")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["id", "tags", "on"]
    assert '["a", {"b": 2}]' in lines[1]
    assert "api_error_entity" not in done.stdout


@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
async def test_secrets_are_masked(nexport: Nexport, form: str) -> None:
    """The token that Authenticate returns, and one anywhere in an unknown response, unless --show-secret."""
    secret = "0123-4567-89ab"
    login = json_response({"access_token": secret, "token_type": "bearer", "expires_in": 9} | error_entity())
    nested = json_response([{"session": {"Access_Token": secret}}])
    body = '{"username": "ada", "password": "a-password"}'
    async with ScriptedServer([login, nested, login]) as server:
        path = "/api/v1/AdminApi/Authenticate"
        masked = await run(nexport, server, "POST", path, "--json", body, "--output", form)
        unknown = await run(nexport, server, "GET", UNKNOWN, "--output", form)
        shown = await run(
            nexport, server, "POST", path, "--json", "-", "--show-secret", "--output", form, stdin=body
        )
    assert masked.exit_code == unknown.exit_code == 0
    assert secret not in masked.output + unknown.output
    assert secret in shown.stdout


@needs("AdminApi_Authenticate")
async def test_a_login_is_sent_without_a_token(nexport: Nexport) -> None:
    """The path of Authenticate is known, so its request carries no token."""
    async with ScriptedServer([json_response({"token_type": "bearer"} | error_entity())]) as server:
        done = await run(nexport, server, "POST", "/api/v1/AdminApi/Authenticate", "--json", "{}")
    assert done.exit_code == 0
    assert [request.query for request in server.requests] == [[]]


async def test_requests_are_sent_one_after_another(nexport: Nexport) -> None:
    """Each page of a list is a request with its own number."""

    async def respond(request: Request) -> Response:
        page = int(dict(request.query)["page"])
        return json_response([{"n": page}] if page < 3 else [])

    async with ScriptedServer(respond) as server:
        done = await run(
            nexport, server, "GET", UNKNOWN, "--read", "--all", "--per-page", "1", "--output", "jsonl"
        )
    assert done.stdout == '{"n": 1}\n{"n": 2}\n'


def test_each_method_has_its_help(nexport: Nexport) -> None:
    """Each method has its help, and the group mentions them."""
    done = nexport("call", "POST", "--help")
    assert done.exit_code == 0
    assert "Send a POST request" in done.stdout
    assert "--read" in done.stdout
    assert "nexport call GET /api/v1/" in nexport("call", "--help").stdout
