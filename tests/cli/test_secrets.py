"""Passwords and tokens: on the wire, but never on a command line or in output, at any verbosity."""

import asyncio
import gc
import json
import logging
from collections.abc import Callable
from typing import Any

import click
import pytest

from nexport_campus.cli.root import root
from nexport_campus.sandbox import Sandbox
from nexport_client import OPERATIONS
from tests.cli.conftest import MemoryKeyring, Nexport
from tests.support.clients import needs
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
)

PASSWORD = "correct-horse-battery-staple"
OTHER = "0c0d14bd-4de6-4838-b8e3-efb80828b0ce"
ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
LOGIN = json_response({"access_token": TOKEN, "token_type": "bearer", "expires_in": 60} | error_entity())
AUTHENTICATES = needs("AdminApi_Authenticate")
AUTHENTICATE = ("call", "admin.authenticate", "--username", "api.user", "--grant-type", "password")
_ALL_COMMANDS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "read": (("call", "learning.get_section_description", "--section-id", ID), None),
    "write": (("call", "learning.drop_enrollment", "--enrollment-id", ID, "--output", "table"), None),
    "authenticate": (AUTHENTICATE, None),
    "authenticate, stdin": ((*AUTHENTICATE, "--password-stdin"), PASSWORD),
    "authenticate, table": ((*AUTHENTICATE, "--output", "table"), None),
    "validate": (("call", "admin.validate_access_token"), None),
    "validate, stdin": (("call", "admin.validate_access_token", "--access-token-stdin"), OTHER),
    "doctor": (("doctor",), None),
    "doctor --json": (("doctor", "--json"), None),
    "login": (("login", "--username", "api.user"), PASSWORD),
    "login --access-token": (("login", "--access-token"), OTHER),
}
_KNOWN = {operation.full_name for operation in OPERATIONS.values()}
# A page of AdminApi may lack the provisional operations.
COMMANDS = {
    name: (words, stdin)
    for name, (words, stdin) in _ALL_COMMANDS.items()
    if words[0] != "call" or words[1] in _KNOWN
}


def echo(request: Request) -> dict[str, str]:
    """Return a header that echoes a request."""
    return {"X-Echo": f"{request.target} {request.body.decode()}"}


def failure(code: int, status: int) -> Callable[[Request], Response]:
    """Return an error entity that echoes a request."""
    return lambda request: json_response(
        error_entity(code, f"not {request.target} {request.body.decode()}"),
        status=status,
        headers=echo(request),
    )


RESPONSES: dict[str, Callable[[Request], Response]] = {
    "good": lambda request: json_response(
        {"description": "Safety", "echo": request.target} | error_entity(warnings=[request.target]),
        headers=echo(request),
    ),
    "refused": failure(4, 403),
    "failed": failure(2, 422),
    "unreadable": lambda request: Response(
        body=request.target.encode(), headers=tuple(echo(request).items())
    ),
    "reset": lambda request: Response(raw=b"", ending="reset"),
}
LOGINS = {"a login": LOGIN, "no login": None}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("flags", [(), ("-v",), ("--debug",)], ids=["quiet", "verbose", "debug"])
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
async def test_no_output_shows_a_secret(
    flags: tuple[str, ...], response: Callable[[Request], Response], login: Response | None, nexport: Nexport
) -> None:
    """Whatever the campus sends, no command prints password or token at any verbosity."""

    async def campus(request: Request) -> Response:
        is_login = request.operation_id == "AdminApi_Authenticate"
        return login if is_login and login is not None else response(request)

    async with ScriptedServer(campus) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_USERNAME": "api.user", "NEXPORT_PASSWORD": PASSWORD}
        for name, (words, stdin) in COMMANDS.items():
            done = await asyncio.to_thread(nexport, *flags, *words, stdin=stdin, env=env)
            for secret in (TOKEN, PASSWORD, OTHER):
                for form in (secret, secret.replace("-", ""), secret.upper()):
                    assert form not in done.stdout + done.stderr, name
        sent = [request.target + request.body.decode() for request in server.requests]
        assert any(TOKEN in text for text in sent) is (login is not None)
        assert any(PASSWORD in text for text in sent)
        assert any(OTHER in text for text in sent)


@needs("AdminApi_ValidateAccessToken")
def test_verbose_and_debug(nexport: Nexport, account: dict[str, str]) -> None:
    """-v prints one line per call, --debug the connection log too; before the command and after it."""
    gc.collect()  # the secrets of a client that other tests left behind would be removed from these lines
    words = ("call", "admin.validate_access_token")
    for done in (nexport("-v", *words), nexport(*words, "--verbose")):
        lines = done.stderr.splitlines()
        assert [line.split()[:3] for line in lines] == [
            ["nexport_campus:", "AdminApi_Authenticate", "ok"],
            ["nexport_campus:", "AdminApi_ValidateAccessToken", "ok"],
        ]
    for done in (nexport("--debug", *words), nexport(*words, "--debug")):
        assert "httpcore" in done.stderr
        assert account["NEXPORT_PASSWORD"] not in done.stdout + done.stderr
    assert nexport(*words).stderr == ""
    assert logging.getLogger("httpcore").level == logging.NOTSET


@needs("AdminApi_Authenticate", "AdminApi_ValidateAccessToken")
def test_show_secret(nexport: Nexport, account: dict[str, str]) -> None:
    """`--show-secret` prints a token; without it, it is masked."""
    words = [
        "call",
        "admin.authenticate",
        "--username",
        account["NEXPORT_USERNAME"],
        "--grant-type",
        "password",
    ]
    hidden = json.loads(nexport(*words).stdout)
    assert hidden["access_token"] == "***"
    token = json.loads(nexport(*words, "--show-secret").stdout)["access_token"]
    table = nexport(*words, "--show-secret", "--output", "table").stdout
    assert len(token) == 36
    assert "***" not in table
    verdict = nexport(
        "call", "admin.validate_access_token", "--access-token-stdin", stdin=f"{token}\n"
    ).stdout
    assert "error_message" not in json.loads(verdict)
    assert token not in verdict


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(AUTHENTICATE, "set NEXPORT_PASSWORD, or add --password-stdin", marks=AUTHENTICATES),
        pytest.param(
            (*AUTHENTICATE, "--password-stdin"), "the first line of stdin is empty", marks=AUTHENTICATES
        ),
        pytest.param((*AUTHENTICATE, "--password", PASSWORD), "No such option", marks=AUTHENTICATES),
        pytest.param(
            ("call", "admin.validate_access_token", "--access-token", TOKEN),
            "No such option",
            marks=needs("AdminApi_ValidateAccessToken"),
        ),
        (("login", "--password", PASSWORD), "No such option"),
        (("login", "--username", "api.user"), "the first line of stdin is empty"),
    ],
)
def test_secrets_that_are_missing_or_misplaced(
    nexport: Nexport, words: tuple[str, ...], expected: str
) -> None:
    """A secret on the command line is an unknown option; a missing one is reported with what to set."""
    done = nexport(*words, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
    assert done.exit_code == 2
    assert expected in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_no_command_takes_a_secret() -> None:
    """No option of any command takes a password or a token as its value."""

    def list_options(command: click.Command, context: click.Context) -> list[click.Option]:
        found = [param for param in command.params if isinstance(param, click.Option)]
        if isinstance(command, click.Group):
            inner = click.Context(command, parent=context)
            for name in command.list_commands(inner):
                below = command.get_command(inner, name)
                assert below is not None
                found += list_options(below, inner)
        return found

    found = list_options(root, click.Context(root))
    assert len(found) > 100
    for option in found:
        if any(word in opt for word in ("password", "token", "secret") for opt in option.opts):
            assert option.is_flag or option.opts == ["--token-lifetime"], option.opts


def test_an_expired_token_in_the_keyring(
    nexport: Nexport, nexport_sandbox: Sandbox, keys: MemoryKeyring
) -> None:
    """A refused token from the keyring is reported like any other, and not shown."""
    held: dict[str, Any] = {"token": OTHER}
    keys.stored["nexport-campus", nexport_sandbox.url] = json.dumps(held)
    done = nexport(
        "call", "learning.get_section", "--syllabus-id", ID, env={"NEXPORT_BASE_URL": nexport_sandbox.url}
    )
    assert done.exit_code == 3
    assert OTHER not in done.stdout + done.stderr
