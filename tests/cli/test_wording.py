"""Messages on the command line name existing options, commands and variables, and no settings of Python."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import nexport_campus
from nexport_campus import ArgumentError, NexportCampus, RetryPolicy
from nexport_campus.cli.messages import error_text, for_command_line
from nexport_campus.cli.root import root
from tests.cli.conftest import SETTINGS, Nexport
from tests.support.scripted_server import TOKEN, Response, ScriptedServer, json_response

PACKAGE = Path(nexport_campus.__file__).parent
ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
READ = ("call", "learning.get_section_description", "--section-id", ID)


def texts(path: Path) -> Iterator[str]:
    """The strings in a module that aren't docstrings; `{}` stands for what an f-string inserts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield "".join(parts)


def texts_of(*folders: str) -> list[tuple[str, str]]:
    """The strings of the modules in some folders, each with the name of its module."""
    paths = [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]
    return [(str(path.relative_to(PACKAGE)), text) for path in paths for text in texts(path)]


def commands(
    group: click.Group, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """All commands below a group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield name, command, inner
        if isinstance(command, click.Group):
            yield from commands(command, inner)


COMMANDS = list(commands(root, click.Context(root, info_name="nexport")))
OPTIONS = {
    name: {option for param in command.get_params(context) for option in (*param.opts, *param.secondary_opts)}
    for name, command, context in COMMANDS
}
ALL_OPTIONS = set().union(*OPTIONS.values())
HELPS = [
    pytest.param(context.command.get_help(context), id=context.command_path) for _, _, context in COMMANDS
]


def test_options_that_messages_name_exist() -> None:
    """Every option named in a string of the command line or of the export is an option of a command."""
    found = 0
    for module, text in texts_of("cli", "_export"):
        known = OPTIONS["export"] if "export" in module else ALL_OPTIONS
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text):
            found += 1
            whole = option in known or (
                option.endswith("-") and any(each.startswith(option) for each in known)
            )
            # The prefix of our own options where an argument of the vendor's has the same name.
            assert whole or option == "--nexport-", f"{module}: {text}"
    assert found > 50


@pytest.mark.parametrize("text", HELPS)
def test_options_and_commands_that_helps_name_exist(text: str) -> None:
    """Every option, command and variable named in a help text exists."""
    # Click breaks lines within an option, too.
    unbroken = re.sub(r"(?<=[a-z]-)\n +(?=[a-z])", "", text)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", unbroken)) <= ALL_OPTIONS | {"--help"}
    names = {name for name, _, _ in COMMANDS}
    assert set(re.findall(r"`nexport ([a-z-]+)", text)) <= names
    assert set(re.findall(r"\bNEXPORT_[A-Z_]+", text)) <= set(SETTINGS)


def test_commands_and_variables_that_messages_name_exist() -> None:
    """Every command and variable named in a message exists."""
    names = {name for name, _, _ in COMMANDS} | {"{}", ""}
    for module, text in texts_of("cli", "_export"):
        assert set(re.findall(r"`nexport ([a-z-]*|\{\})", text)) <= names, f"{module}: {text}"
        variables = set(re.findall(r"\bNEXPORT_[A-Z_]+", text)) - {"NEXPORT_"}
        assert variables <= set(SETTINGS), f"{module}: {text}"


# Settings that the command line has options for; others it leaves alone, so that nothing finds fault with them.
OURS = {"base_url", "max_concurrency", "timeout"}
UNUSED = {"on_drift", "total_timeout"}


def test_no_setting_of_python_is_left() -> None:
    """Every message of the SDK that names a setting of Python is rewritten for the command line."""
    settings = {
        *inspect.signature(NexportCampus.__init__).parameters,
        *inspect.signature(RetryPolicy).parameters,
    } - {"self"}
    long = "|".join(sorted(name for name in settings - UNUSED if "_" in name))
    short = "|".join(sorted(name for name in settings if "_" not in name))
    named = re.compile(rf"\b(?:{long})\b|\b(?:{short})=|\braise (?:{short})\b")
    messages = []
    for module, text in texts_of("."):
        validated = re.match(r"(\w+) must ", text)
        reached = (validated is None or validated[1] in OURS) and not text.startswith("RetryPolicy: ")
        if (
            " " in text
            and reached
            and named.search(text)
            and module.partition("/")[0] not in ("cli", "sandbox")
        ):
            messages.append(text)
    assert len(messages) >= 8
    for text in messages:
        told = for_command_line(text)
        assert not named.search(told), told
        assert set(re.findall(r"--[a-z-]+", told)) <= ALL_OPTIONS
        assert for_command_line(told) == told


@pytest.mark.parametrize(
    ("message", "argument", "told"),
    [
        (
            "org_ids must not be empty; nothing was sent",
            "org_ids",
            "--org-ids must not be empty; nothing was sent",
        ),
        (
            "exactly one of syllabus_id and syllabus_unique_name",
            "syllabus_id",
            "exactly one of --syllabus-id and --syllabus-unique-name",
        ),
        (
            "utc_from [2] is no date, got 'next_week'",
            "utc_from",
            "--utc-from [2] is no date, got 'next_week'",
        ),
        ("sections must not hold two sections", "sections", "--sections must not hold two sections"),
        ("syllabus_id names another syllabus", "syllabus_id", "--syllabus-id names another syllabus"),
    ],
)
def test_arguments_are_options(message: str, argument: str, told: str) -> None:
    """Names of arguments become options; quoted values and other words stay as they are."""
    assert error_text(ArgumentError(message, argument=argument)) == told
    error = ArgumentError(message, argument=argument, operation_id="LearningApi_GetSections")
    assert error_text(error) == f"LearningApi_GetSections: {told}"


@pytest.mark.parametrize(
    ("answer", "words", "advice"),
    [
        (
            json_response({}, status=302, headers={"Location": "/"}),
            (),
            "check the address (--base-url or NEXPORT_BASE_URL)",
        ),
        (Response(status=404), (), "a wrong address (--base-url or NEXPORT_BASE_URL)"),
        (Response(drip_seconds=1.0, body=b"{" * 9), ("--timeout", "0.05"), "raise --timeout"),
        (
            json_response({}, status=429, headers={"Retry-After": "86400"}),
            (),
            "not retried: Retry-After (86400 s) is more than 60 s",
        ),
    ],
)
async def test_advice_on_the_wire(
    nexport: Nexport, answer: Response, words: tuple[str, ...], advice: str
) -> None:
    """Errors of calls give advice that can be followed on the command line."""
    import asyncio

    async with ScriptedServer([answer] * 4) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        done = await asyncio.to_thread(nexport, *words, *READ, env=env)
    assert advice in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://campus.example", "campus.example would get token and password over plain http: use https"),
        (
            "campus.example",
            "the address (--base-url or NEXPORT_BASE_URL) must begin with https://",
        ),
    ],
)
def test_advice_on_settings(nexport: Nexport, address: str, told: str) -> None:
    """Calls and the doctor name the option and the variable of a wrong address, and no setting of Python."""
    for words in (READ, ("doctor",)):
        done = nexport(*words, env={"NEXPORT_BASE_URL": address})
        line = (done.stderr or done.stdout).splitlines()[0]
        assert done.exit_code == 2
        assert told in line
        assert "allow_insecure_http" not in line


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e400"])
def test_a_timeout_that_is_no_number(nexport: Nexport, seconds: str) -> None:
    """An error about the setting `timeout` names the option."""
    for words in (READ, ("doctor",)):
        done = nexport("--timeout", seconds, *words, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
        assert done.exit_code == 2
        assert "--timeout must be " in done.stdout + done.stderr
