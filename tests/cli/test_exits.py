"""How `nexport` ends: one line on stderr, and an exit code for the kind of error."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nexport_campus import NexportError, __version__
from nexport_campus._export.errors import OptionNamingError
from nexport_campus.cli.exit_codes import exit_code
from nexport_campus.cli.root import root
from nexport_campus.sandbox import Samples
from tests.cli.conftest import Nexport
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
READ = ("call", "learning.get_section_description", "--section-id", ID)
WRITE = ("call", "learning.drop_enrollment", "--enrollment-id", ID)
LIST = ("call", "learning.get_assignments", "--section-id", ID, "--per-page", "1", "--all")
Run = Callable[..., Any]


@pytest.fixture
def run_against(nexport: Nexport) -> Run:
    """Return a function that runs `nexport` with a token against scripted responses."""

    async def run(words: tuple[str, ...], *responses: Response, **env: str) -> tuple[Result, list[Request]]:
        async with ScriptedServer(responses) as server:
            environment = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN} | env
            done = await asyncio.to_thread(nexport, *words, env=environment)
            return done, server.requests

    return run


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (json_response(error_entity(4, "The token has expired"), status=403), 3),
        (Response(status=401), 3),
        (json_response(error_entity(5, "Not authorized"), status=403), 4),
        (json_response(error_entity(3, "No such section"), status=409), 5),
        (json_response(error_entity(6, "No subscription"), status=409), 5),
        (json_response(error_entity(2, "Invalid"), status=422), 6),
        (json_response(error_entity(7, "Enrolled"), status=409), 7),
        (json_response(error_entity(8, "Subscribed"), status=409), 7),
        (json_response({}, status=429, headers={"Retry-After": "3600"}), 8),
        (json_response(error_entity(1, "Unknown error")), 9),
        (html_response(403), 10),
        (html_response(404), 10),
        (html_response(409), 10),
        (json_response({"Message": "No HTTP resource was found"}, status=404), 10),
        (json_response({}, status=302, headers={"Location": "https://elsewhere.example"}), 10),
        (html_response(), 13),
        (json_response({"description": 5} | error_entity()), 13),
    ],
)
async def test_errors_of_the_campus(run_against: Run, response: Response, code: int) -> None:
    """Each kind of error has its exit code; stdout is empty, stderr has one line."""
    done, _ = await run_against(READ, response)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("nexport: error: LearningApi_GetSectionDescription: ")
    assert len(done.stderr.splitlines()) == 1


async def test_a_lost_response_to_a_write(run_against: Run) -> None:
    """If a write may have been carried out, the line says so."""
    done, requests = await run_against(WRITE, html_response(502))
    assert done.exit_code == 9
    assert "(the campus may have carried it out)" in done.stderr
    assert len(requests) == 1


async def test_a_broken_or_late_response(run_against: Run) -> None:
    """A broken connection is 11, a timeout is 12."""
    done, _ = await run_against(WRITE, Response(raw=b"", ending="reset"))
    assert done.exit_code == 11
    done, _ = await run_against(("--timeout", "0.05", *WRITE), Response(gate=asyncio.Event()))
    assert done.exit_code == 12
    done, _ = await run_against((*WRITE, "--timeout", "0.05"), Response(gate=asyncio.Event()))
    assert done.exit_code == 12
    assert "timed out" in done.stderr


async def test_a_list_that_fails_midway(run_against: Run) -> None:
    """Records before the error are written; a JSON list is left open so that it can't be taken for complete."""
    record = {"assignment_id": ID, "name": "One", "syllabus_id": ID} | error_entity()
    responses = (json_response([record]), json_response(error_entity(2, "Invalid"), status=422))
    done, _ = await run_against((*LIST, "--output", "jsonl"), *responses)
    assert done.exit_code == 6
    assert [json.loads(line)["assignment_id"] for line in done.stdout.splitlines()] == [ID]
    assert "LearningApi_GetAssignments page 2: " in done.stderr
    done, _ = await run_against(LIST, *responses)
    assert done.stdout.startswith("[")
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(done.stdout)


def test_each_kind_of_error_has_a_code(nexport: Nexport) -> None:
    """Every error class of the SDK has a code; only local trouble, unexpected errors and webhooks' are 1."""

    def all_subclasses(cls: type[NexportError]) -> list[type[NexportError]]:
        ours = (sub for sub in cls.__subclasses__() if sub.__module__.split(".")[0] == "nexport_campus")
        return [each for sub in ours for each in (sub, *all_subclasses(sub))]

    codes = {cls.__name__: exit_code(cls("why")) for cls in all_subclasses(NexportError)}
    del codes[OptionNamingError.__name__]  # an abstract base
    for name in (
        "ExportError",
        "TargetChangedError",
        "WebhookError",
        "WebhookSecretError",
        "WebhookFormatError",
    ):
        assert codes.pop(name) == 1
    assert 1 not in codes.values()
    assert codes["PaginationError"] == 14
    assert (codes["ConfigurationError"], codes["ArgumentError"]) == (2, 2)
    assert exit_code(ZeroDivisionError()) == 1
    output = nexport("--help").stdout
    assert all(f"{code:>4}  " in output for code in {0, 1, 130, 141, *codes.values()})


async def test_control_characters_from_the_server(run_against: Run) -> None:
    """Control characters in a server's message are removed before it reaches a terminal."""
    done, _ = await run_against(
        READ, json_response(error_entity(3, "gone\x1b[2J\r\nnexport: all is well"), status=409)
    )
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "address", ["nexportcampus.com", "http://campus.example", "https://u:p@campus.example"]
)
@pytest.mark.parametrize("way", ["option", "environment"])
def test_invalid_addresses_exit_with_2(nexport: Nexport, address: str, way: str) -> None:
    """An invalid address is exit code 2, before any prompt or request."""
    words = ("--base-url", address, *READ) if way == "option" else READ
    done = nexport(*words, env={"NEXPORT_BASE_URL": address})
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_no_prompt_off_a_terminal(nexport: Nexport) -> None:
    """Without a terminal the command doesn't prompt: the line names the variables to set."""
    done = nexport(*READ)
    assert (done.exit_code, done.stdout) == (2, "")
    for name in ("NEXPORT_USERNAME", "NEXPORT_PASSWORD", "NEXPORT_ACCESS_TOKEN", "`nexport login`"):
        assert name in done.stderr


def test_unexpected_errors(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is reported in one line; --debug shows the traceback."""

    def broken(name: str) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("nexport_campus.cli.commands.call.find_operation", broken)
    done = nexport(*READ)
    assert done.exit_code == 1
    assert done.stderr == (
        "nexport: error: ZeroDivisionError: division by zero; run it again with --debug for the traceback\n"
    )
    assert "Traceback" in nexport("--debug", *READ).stderr


async def test_ctrl_c_ends_a_call_at_once() -> None:
    """Ctrl-C ends a call that waits for its response at once, with 130 and one line."""
    async with ScriptedServer([Response(gate=asyncio.Event())]) as server:
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "nexport_campus.cli", *READ),
            env=os.environ | {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
        )
        await server.wait_for_requests(1)
        running.send_signal(signal.SIGINT)
        _, output = await running.communicate()
    assert running.returncode == 130
    assert output.decode().split() == ["nexport:", "error:", "interrupted"]


def test_a_reader_that_goes_away(samples: Samples) -> None:
    """`nexport ... | head -1` prints no error."""
    words = f"call learning.search_enrollments --org-ids {samples.org_id} --all --output jsonl"
    line = f"'{sys.executable}' -W error -m nexport_campus.cli {words} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    record, code = done.stdout.splitlines()
    assert json.loads(record)["enrollment_id"]
    assert (code, done.stderr) == ("141", "")


def test_the_missing_extra_is_named() -> None:
    """Without click, one line names the package to install."""
    program = textwrap.dedent("""
        import sys
        sys.modules["click"] = None
        import importlib.util
        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *package: None if name == "click" else found(name, *package)
        import nexport_campus.cli
        nexport_campus.cli.main()
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == 'nexport: error: nexport_campus.cli needs: pip install "nexport-campus[cli]"\n'


def test_it_starts_lazily() -> None:
    """The help of a command imports neither keyring, server, models nor other commands."""
    code = "import sys\nsys.argv[1:] = ['sandbox', '--help']\nfrom nexport_campus.cli.root import root\n"
    code += "try:\n    root.main()\nexcept SystemExit:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "nexport_campus.cli.commands.sandbox" in loaded
    assert not loaded & {"keyring", "uvicorn", "nexport_client.models", "nexport_campus.cli.commands.call"}


def test_the_help_is_shown_without_a_command(nexport: Nexport) -> None:
    """Without a command, `nexport` shows its help."""
    assert nexport().stdout == nexport("--help").stdout
    assert nexport("--version").stdout == f"nexport-campus {__version__}\n"


def test_every_command_is_listed() -> None:
    """The root lists all commands, and each can be loaded."""
    import click

    context = click.Context(root)
    names = root.list_commands(context)
    before, after = ["call", "completion", "demo", "doctor"], ["export", "login", "logout", "sandbox"]
    assert names == [*before, "ensure-enrollment", *after]
    assert all(root.get_command(context, name) is not None for name in names)


def test_the_page_has_the_same_codes(nexport: Nexport) -> None:
    """The documentation's table of exit codes matches the one in `nexport --help`."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| (\d+) \| (.*) \|$", page, flags=re.MULTILINE))
    output = dict(re.findall(r"^ +(\d+)  (.*)$", nexport("--help").stdout, flags=re.MULTILINE))
    assert documented.keys() == output.keys()
    for code, text in output.items():
        assert documented[code].startswith(text)
