"""How a run of `nexport` ends: one line on stderr, and an exit code that says what kind of error it was."""

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
def against(nexport: Nexport) -> Run:
    """Runs `nexport` against scripted answers, with a token."""

    async def run(words: tuple[str, ...], *answers: Response, **env: str) -> tuple[Result, list[Request]]:
        async with ScriptedServer(answers) as server:
            environment = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN} | env
            done = await asyncio.to_thread(nexport, *words, env=environment)
            return done, server.requests

    return run


@pytest.mark.parametrize(
    ("answer", "code"),
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
async def test_errors_of_the_campus(against: Run, answer: Response, code: int) -> None:
    """Each kind of error has a code of its own; nothing is on stdout, one line on stderr."""
    done, _ = await against(READ, answer)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("nexport: error: LearningApi_GetSectionDescription: ")
    assert len(done.stderr.splitlines()) == 1


async def test_a_lost_answer_to_a_write(against: Run) -> None:
    """Where a write may have been carried out all the same, the line says so."""
    done, requests = await against(WRITE, html_response(502))
    assert done.exit_code == 9
    assert "(the campus may have carried it out)" in done.stderr
    assert len(requests) == 1


async def test_no_answer(against: Run) -> None:
    """A connection that breaks is 11, an answer that comes too late is 12."""
    done, _ = await against(WRITE, Response(raw=b"", ending="reset"))
    assert done.exit_code == 11
    done, _ = await against(("--timeout", "0.05", *WRITE), Response(gate=asyncio.Event()))
    assert done.exit_code == 12
    done, _ = await against((*WRITE, "--timeout", "0.05"), Response(gate=asyncio.Event()))
    assert done.exit_code == 12
    assert "timed out" in done.stderr


async def test_a_list_that_breaks_off(against: Run) -> None:
    """What came before an error is written; a JSON list is then left open, so that nobody takes it for the whole."""
    record = {"assignment_id": ID, "name": "One", "syllabus_id": ID} | error_entity()
    answers = (json_response([record]), json_response(error_entity(2, "Invalid"), status=422))
    done, _ = await against((*LIST, "--output", "jsonl"), *answers)
    assert done.exit_code == 6
    assert [json.loads(line)["assignment_id"] for line in done.stdout.splitlines()] == [ID]
    assert "LearningApi_GetAssignments page 2: " in done.stderr
    done, _ = await against(LIST, *answers)
    assert done.stdout.startswith("[")
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(done.stdout)


def test_each_kind_of_error_has_a_code(nexport: Nexport) -> None:
    """Every class of error that the SDK raises has a code; only trouble on this machine and unexpected errors are 1."""

    def classes(cls: type[NexportError]) -> list[type[NexportError]]:
        ours = (sub for sub in cls.__subclasses__() if sub.__module__.split(".")[0] == "nexport_campus")
        return [each for sub in ours for each in (sub, *classes(sub))]

    codes = {cls.__name__: exit_code(cls("why")) for cls in classes(NexportError)}
    assert codes.pop("ExportError") == 1
    assert 1 not in codes.values()
    assert codes["PaginationError"] == 14
    assert (codes["ConfigurationError"], codes["ArgumentError"]) == (2, 2)
    assert exit_code(ZeroDivisionError()) == 1
    told = nexport("--help").stdout
    assert all(f"{code:>4}  " in told for code in {0, 1, 130, 141, *codes.values()})


async def test_what_a_server_says_moves_no_cursor(against: Run) -> None:
    """Control characters in the campus's words, which a terminal would obey, are taken out."""
    done, _ = await against(
        READ, json_response(error_entity(3, "gone\x1b[2J\r\nnexport: all is well"), status=409)
    )
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "address", ["nexportcampus.com", "http://campus.example", "https://u:p@campus.example"]
)
@pytest.mark.parametrize("way", ["option", "environment"])
def test_settings_that_cannot_work(nexport: Nexport, address: str, way: str) -> None:
    """A wrong address is found before anybody is asked or anything is sent, and is 2."""
    words = ("--base-url", address, *READ) if way == "option" else READ
    done = nexport(*words, env={"NEXPORT_BASE_URL": address})
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_nobody_to_ask(nexport: Nexport) -> None:
    """Without a terminal there is no prompt: the line says what to set."""
    done = nexport(*READ)
    assert (done.exit_code, done.stdout) == (2, "")
    for name in ("NEXPORT_USERNAME", "NEXPORT_PASSWORD", "NEXPORT_ACCESS_TOKEN", "`nexport login`"):
        assert name in done.stderr


def test_what_nobody_foresaw(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is one line too, and --debug shows all of it."""

    def broken(name: str) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("nexport_campus.cli.commands.call.find", broken)
    done = nexport(*READ)
    assert done.exit_code == 1
    assert done.stderr == (
        "nexport: error: ZeroDivisionError: division by zero; run it again with --debug for the traceback\n"
    )
    assert "Traceback" in nexport("--debug", *READ).stderr


async def test_an_interrupt() -> None:
    """Ctrl-C ends a call that waits for its answer at once, with 130 and one line."""
    async with ScriptedServer([Response(gate=asyncio.Event())]) as server:
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "nexport_campus.cli", *READ),
            env=os.environ | {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
        )
        await server.wait_for_requests(1)
        running.send_signal(signal.SIGINT)
        _, told = await running.communicate()
    assert running.returncode == 130
    assert told.decode().split() == ["nexport:", "error:", "interrupted"]


def test_a_reader_that_goes_away(samples: Samples) -> None:
    """`nexport ... | head -1` is silent."""
    words = f"call learning.search_enrollments --org-ids {samples.org_id} --all --output jsonl"
    line = f"'{sys.executable}' -W error -m nexport_campus.cli {words} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    record, code = done.stdout.splitlines()
    assert json.loads(record)["enrollment_id"]
    assert (code, done.stderr) == ("141", "")


def test_without_the_extra() -> None:
    """Where click is missing, one line says what to install."""
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
    assert done.stderr == 'nexport: error: click missing: pip install "nexport-campus[cli]"\n'


def test_it_starts_lazily() -> None:
    """A command's help loads neither keyring nor server nor models, and no command but its own."""
    code = "import sys\nsys.argv[1:] = ['sandbox', '--help']\nfrom nexport_campus.cli.root import root\n"
    code += "try:\n    root.main()\nexcept SystemExit:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "nexport_campus.cli.commands.sandbox" in loaded
    assert not loaded & {"keyring", "uvicorn", "nexport_client.models", "nexport_campus.cli.commands.call"}


def test_alone_it_tells_what_it_can(nexport: Nexport) -> None:
    """Without a command, `nexport` shows its help."""
    assert nexport().stdout == nexport("--help").stdout
    assert nexport("--version").stdout == f"nexport-campus {__version__}\n"


def test_every_command_is_there() -> None:
    """The root lists its commands, and each can be had."""
    import click

    context = click.Context(root)
    names = root.list_commands(context)
    before, after = ["call", "completion", "demo", "doctor"], ["export", "login", "logout", "sandbox"]
    assert names == [*before, "ensure-enrollment", *after]
    assert all(root.get_command(context, name) is not None for name in names)


def test_the_page_has_the_same_codes(nexport: Nexport) -> None:
    """The documentation's table of exit codes is the one that `nexport --help` ends with."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| (\d+) \| (.*) \|$", page, flags=re.MULTILINE))
    told = dict(re.findall(r"^ +(\d+)  (.*)$", nexport("--help").stdout, flags=re.MULTILINE))
    assert documented.keys() == told.keys()
    for code, text in told.items():
        assert documented[code].startswith(text)
