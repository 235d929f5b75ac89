"""`nexport ensure-enrollment` against the sandbox: enrolls once, finds the enrollment afterwards, and confirms first."""

import asyncio
import json
import os
import sys
from typing import Any
from uuid import uuid4

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import Nexport
from tests.cli.pseudo_terminal import run_on_terminal

CREATE = "LearningApi_CreateEnrollment"


@pytest.fixture
def command(samples: Samples) -> list[str]:
    """Return the command with a user who is not enrolled in a section."""
    who = ["--org-id", samples.org_id, "--user-id", samples.user_id]
    return ["ensure-enrollment", *who, "--syllabus-id", samples.section_id]


def logged_requests(sandbox: Sandbox, operation: str | None = None) -> list[Any]:
    """Return the logged requests of an operation; without one, all except logins."""
    entries = asyncio.run(sandbox.books()).entries
    return [
        each
        for each in entries
        if operation in (None, each.operation) and "Authenticate" not in each.operation
    ]


def test_it_enrolls_and_then_finds(nexport: Nexport, command: list[str], nexport_sandbox: Sandbox) -> None:
    """The first run enrolls, the second one finds; off a terminal the output is JSON, and nothing else is on stdout."""
    first, second = nexport(*command), nexport(*command, "--yes")
    assert (first.exit_code, first.stderr) == (0, "")
    made, found = json.loads(first.stdout), json.loads(second.stdout)
    assert made == {
        "enrollment_id": made["enrollment_id"],
        "created": True,
        "warnings": [],
        "existing": None,
    }
    assert (found["enrollment_id"], found["created"]) == (made["enrollment_id"], False)
    assert found["existing"]["enrollment_id"] == made["enrollment_id"]
    assert found["existing"]["phase"] == 0
    assert len(logged_requests(nexport_sandbox, CREATE)) == 1


def test_the_enrollment_is_printed_in_each_format(nexport: Nexport, command: list[str]) -> None:
    """JSON Lines is one line; a table has enums by their labels and the dates of the enrollment that was found."""
    line = nexport(*command, "--output", "jsonl").stdout
    made = json.loads(line)
    assert line.count("\n") == 1
    table = nexport(*command, "--output", "table").stdout
    shown = dict(row.split(maxsplit=1) for row in table.splitlines())
    assert (shown["enrollment_id"], shown["created"]) == (made["enrollment_id"], "no")
    assert shown["phase"] == "Not Started"
    assert "warnings" not in shown


def test_a_lost_response(nexport: Nexport, command: list[str], nexport_sandbox: Sandbox) -> None:
    """If the response is lost after the campus has enrolled, the command searches and sends no second create."""
    asyncio.run(nexport_sandbox.faults.add(operation=CREATE, reset=True, when="after", times=1))
    done = nexport(*command)
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["created"]
    assert made["existing"]["enrollment_id"] == made["enrollment_id"]
    assert len(logged_requests(nexport_sandbox, CREATE)) == 1


def test_groups_are_repeated_options_or_a_list(
    nexport: Nexport, command: list[str], samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """Groups are given by repeating their option or as a JSON list; an unknown one is reported by the campus."""
    unknown = str(uuid4())
    for given in (["--membership-group-ids", unknown], ["--membership_group_ids", json.dumps([unknown])]):
        done = nexport(*command, *given)
        assert done.exit_code == 5, done.stderr
        assert done.stderr.startswith(f"nexport: error: {CREATE}: ")


WRONG: dict[str, tuple[list[str], list[str], str]] = {
    "no syllabus": (["--syllabus-id"], [], "exactly one of --syllabus-id and --syllabus-unique-name"),
    "two names": (
        [],
        ["--syllabus-unique-name", "A"],
        "exactly one of --syllabus-id and --syllabus-unique-name",
    ),
    "an empty name": (["--syllabus-id"], ["--syllabus-unique-name", ""], "must not be empty"),
    "no user": (["--user-id"], [], "--user-id"),
    "no UUID": (["--user-id"], ["--user-id", "ada"], "must be a UUID"),
    "no group": ([], ["--membership-group-ids", "staff"], "must be a UUID"),
}


@pytest.mark.parametrize(("without", "more", "message"), WRONG.values(), ids=WRONG)
def test_mistakes_in_arguments_send_nothing(
    nexport: Nexport,
    command: list[str],
    nexport_sandbox: Sandbox,
    without: list[str],
    more: list[str],
    message: str,
) -> None:
    """A mistake in an argument ends with exit code 2, before anything is sent."""
    for option in without:
        at = command.index(option)
        del command[at : at + 2]
    done = nexport(*command, *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert logged_requests(nexport_sandbox) == []


def test_errors_have_their_exit_codes(nexport: Nexport, command: list[str], nexport_sandbox: Sandbox) -> None:
    """An unknown user ends with the code for not found; a firewall's page stops the command before it creates anything."""
    unknown = [*command]
    unknown[unknown.index("--user-id") + 1] = str(uuid4())
    assert nexport(*unknown).exit_code == 5
    asyncio.run(
        nexport_sandbox.faults.add(operation="LearningApi_SearchEnrollments", status=403, html=True, times=1)
    )
    refused = nexport(*command)
    assert refused.exit_code != 0
    assert logged_requests(nexport_sandbox, CREATE) == []


@pytest.mark.parametrize(("reply", "code"), [("y", 0), ("n", 130)])
def test_writes_on_a_terminal_need_confirmation(
    command: list[str], account: dict[str, str], nexport_sandbox: Sandbox, reply: str, code: int
) -> None:
    """On a terminal the command needs confirmation unless --yes is given; without a yes nothing is sent."""
    command = [sys.executable, "-m", "nexport_campus.cli", *command]
    env = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done, shown = run_on_terminal(command, env, replies={"[y/N]": reply})
    assert done == code, shown
    assert f"ensure-enrollment changes data at {account['NEXPORT_BASE_URL']}" in shown
    assert len(logged_requests(nexport_sandbox, CREATE)) == (code == 0)
    if code:
        assert "not confirmed; nothing was sent" in shown
        done, shown = run_on_terminal([*command, "--yes"], env)
        assert done == 0, shown
    assert "created" in shown


def test_the_help_names_the_arguments_of_the_method(nexport: Nexport) -> None:
    """The help names the arguments as the method does, and mentions nothing else."""
    shown = nexport("ensure-enrollment", "--help").stdout
    for option in ("org-id", "user-id", "syllabus-id", "syllabus-unique-name", "membership-group-ids", "yes"):
        assert f"--{option}" in shown
    assert "iterable" not in shown
    assert shown.count("[required]") == 2
    assert "ensure-enrollment" in nexport("--help").stdout
