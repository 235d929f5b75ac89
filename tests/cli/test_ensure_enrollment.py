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
from tests.cli.pseudo_terminal import on_a_terminal

CREATE = "LearningApi_CreateEnrollment"


@pytest.fixture
def words(samples: Samples) -> list[str]:
    """The command with a user who is not enrolled in a section."""
    who = ["--org-id", samples.org_id, "--user-id", samples.user_id]
    return ["ensure-enrollment", *who, "--syllabus-id", samples.section_id]


def requests(sandbox: Sandbox, operation: str | None = None) -> list[Any]:
    """The requests that the sandbox got, logins aside."""
    entries = asyncio.run(sandbox.books()).entries
    return [
        each
        for each in entries
        if operation in (None, each.operation) and "Authenticate" not in each.operation
    ]


def test_it_enrolls_and_then_finds(nexport: Nexport, words: list[str], nexport_sandbox: Sandbox) -> None:
    """The first run enrolls, the second one finds; off a terminal the result is JSON, and nothing else is on stdout."""
    first, second = nexport(*words), nexport(*words, "--yes")
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
    assert len(requests(nexport_sandbox, CREATE)) == 1


def test_formats(nexport: Nexport, words: list[str]) -> None:
    """JSON Lines is one line; a table has enums by their labels and the dates of the enrollment that was found."""
    line = nexport(*words, "--output", "jsonl").stdout
    made = json.loads(line)
    assert line.count("\n") == 1
    table = nexport(*words, "--output", "table").stdout
    shown = dict(row.split(maxsplit=1) for row in table.splitlines())
    assert (shown["enrollment_id"], shown["created"]) == (made["enrollment_id"], "no")
    assert shown["phase"] == "Not Started"
    assert "warnings" not in shown


def test_a_lost_response_is_settled(nexport: Nexport, words: list[str], nexport_sandbox: Sandbox) -> None:
    """A response that is lost after the campus has enrolled costs a search, and no second create."""
    asyncio.run(nexport_sandbox.faults.add(operation=CREATE, reset=True, when="after", times=1))
    done = nexport(*words)
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["created"]
    assert made["existing"]["enrollment_id"] == made["enrollment_id"]
    assert len(requests(nexport_sandbox, CREATE)) == 1


def test_groups(nexport: Nexport, words: list[str], samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Groups are given by repeating their option or as a JSON list; an unknown one is the campus's own error."""
    unknown = str(uuid4())
    for given in (["--membership-group-ids", unknown], ["--membership_group_ids", json.dumps([unknown])]):
        done = nexport(*words, *given)
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
def test_a_mistake_is_one_line_and_nothing_is_sent(
    nexport: Nexport,
    words: list[str],
    nexport_sandbox: Sandbox,
    without: list[str],
    more: list[str],
    message: str,
) -> None:
    """A mistake in an argument ends with code 2, before anything is sent."""
    for option in without:
        at = words.index(option)
        del words[at : at + 2]
    done = nexport(*words, *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert requests(nexport_sandbox) == []


def test_exit_codes(nexport: Nexport, words: list[str], nexport_sandbox: Sandbox) -> None:
    """An unknown user is the campus's not found; a firewall's page is no reason to create without having looked."""
    unknown = [*words]
    unknown[unknown.index("--user-id") + 1] = str(uuid4())
    assert nexport(*unknown).exit_code == 5
    asyncio.run(
        nexport_sandbox.faults.add(operation="LearningApi_SearchEnrollments", status=403, html=True, times=1)
    )
    refused = nexport(*words)
    assert refused.exit_code != 0
    assert requests(nexport_sandbox, CREATE) == []


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_a_terminal_is_asked(
    words: list[str], account: dict[str, str], nexport_sandbox: Sandbox, answer: str, code: int
) -> None:
    """On a terminal the command asks, unless --yes is given; without a yes nothing is sent."""
    command = [sys.executable, "-m", "nexport_campus.cli", *words]
    env = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done, shown = on_a_terminal(command, env, answers={"[y/N]": answer})
    assert done == code, shown
    assert f"ensure-enrollment changes data at {account['NEXPORT_BASE_URL']}" in shown
    assert len(requests(nexport_sandbox, CREATE)) == (code == 0)
    if code:
        assert "not confirmed; nothing was sent" in shown
        done, shown = on_a_terminal([*command, "--yes"], env)
        assert done == 0, shown
    assert "created" in shown


def test_help(nexport: Nexport) -> None:
    """The help names the arguments as the method does, and speaks of nothing but the command line."""
    shown = nexport("ensure-enrollment", "--help").stdout
    for option in ("org-id", "user-id", "syllabus-id", "syllabus-unique-name", "membership-group-ids", "yes"):
        assert f"--{option}" in shown
    assert "iterable" not in shown
    assert shown.count("[required]") == 2
    assert "ensure-enrollment" in nexport("--help").stdout
