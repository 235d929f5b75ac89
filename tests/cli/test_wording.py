"""Messages of the command line name existing options, commands and variables, and no Python settings."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import nexport_campus
from nexport_campus import ArgumentError, NexportCampus, RetryPolicy
from nexport_campus.cli.messages import adapt_message, render_error
from nexport_campus.cli.root import root
from tests.cli.conftest import SETTINGS, Nexport
from tests.support.scripted_server import TOKEN, Response, ScriptedServer, json_response

PACKAGE = Path(nexport_campus.__file__).parent
ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
READ = ("call", "learning.get_section_description", "--section-id", ID)


def module_strings(path: Path) -> Iterator[str]:
    """Return the strings in a module that aren't docstrings; `{}` replaces what an f-string inserts."""
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


def strings_of(*folders: str) -> list[tuple[str, str]]:
    """Return the strings of the modules in some folders, each with the name of its module."""
    paths = [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]
    return [(str(path.relative_to(PACKAGE)), string) for path in paths for string in module_strings(path)]


def all_commands(
    group: click.Group, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Return all commands below a group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield name, command, inner
        if isinstance(command, click.Group):
            yield from all_commands(command, inner)


COMMANDS = list(all_commands(root, click.Context(root, info_name="nexport")))
OPTIONS = {
    name: {option for param in command.get_params(context) for option in (*param.opts, *param.secondary_opts)}
    for name, command, context in COMMANDS
}
CALL = next((command, context) for name, command, context in COMMANDS if name == "call")
assert isinstance(CALL[0], click.Group)
RAW_CALL = CALL[0].get_command(CALL[1], "GET")
assert RAW_CALL is not None
ALL_OPTIONS = set().union(*OPTIONS.values(), *(param.opts for param in RAW_CALL.params))
SCRIPT_OPTIONS = {"--pages", "--swagger"}  # of scripts/regenerate, which replaces provisional operations
HELPS = [
    pytest.param(context.command.get_help(context), id=context.command_path) for _, _, context in COMMANDS
]


def test_options_that_messages_name_exist() -> None:
    """Every option named in a string of the command line or of the export exists."""
    found = 0
    for module, string in strings_of("cli", "_export"):
        known = OPTIONS["export"] if "export" in module else ALL_OPTIONS
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", string):
            found += 1
            whole = option in known or (
                option.endswith("-") and any(each.startswith(option) for each in known)
            )
            # The prefix of our options where an argument of an operation has the same name.
            assert whole or option == "--nexport-", f"{module}: {string}"
    assert found > 50


@pytest.mark.parametrize("string", HELPS)
def test_options_and_commands_that_helps_name_exist(string: str) -> None:
    """Every option, command and variable named in a help text exists."""
    # Click breaks lines within an option, too.
    unbroken = re.sub(r"(?<=[a-z]-)\n +(?=[a-z])", "", string)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", unbroken)) <= ALL_OPTIONS | SCRIPT_OPTIONS | {"--help"}
    names = {name for name, _, _ in COMMANDS}
    assert set(re.findall(r"`nexport ([a-z-]+)", string)) <= names
    assert set(re.findall(r"\bNEXPORT_[A-Z_]+", string)) <= set(SETTINGS)


def test_commands_and_variables_that_messages_name_exist() -> None:
    """Every command and variable named in a message exists."""
    names = {name for name, _, _ in COMMANDS} | {"{}", ""}
    for module, string in strings_of("cli", "_export"):
        assert set(re.findall(r"`nexport ([a-z-]*|\{\})", string)) <= names, f"{module}: {string}"
        variables = set(re.findall(r"\bNEXPORT_[A-Z_]+", string)) - {"NEXPORT_"}
        assert variables <= set(SETTINGS), f"{module}: {string}"


# Settings that have an option; the command line sets no others, so no message can be about them.
OURS = {"base_url", "max_concurrency", "timeout"}
UNUSED = {"on_attempt", "on_drift", "token_encryption_keys", "token_store", "total_timeout", "user_agent"}


def test_python_settings_are_rewritten() -> None:
    """Every message of the SDK that names a Python setting is rewritten for the command line."""
    settings = {
        *inspect.signature(NexportCampus.__init__).parameters,
        *inspect.signature(RetryPolicy).parameters,
    } - {"self"}
    long = "|".join(sorted(name for name in settings - UNUSED if "_" in name))
    short = "|".join(sorted(name for name in settings if "_" not in name))
    named = re.compile(rf"\b(?:{long})\b|\b(?:{short})=|\braise (?:{short})\b")
    messages = []
    for module, string in strings_of("."):
        validated = re.match(r"(\w+) must ", string)
        reached = (validated is None or validated[1] in OURS) and not string.startswith("RetryPolicy: ")
        if (
            " " in string
            and reached
            and named.search(string)
            and module.partition("/")[0] not in ("cli", "sandbox")
        ):
            messages.append(string)
    assert len(messages) >= 8
    for string in messages:
        output = adapt_message(string)
        assert not named.search(output), output
        assert set(re.findall(r"--[a-z-]+", output)) <= ALL_OPTIONS
        assert adapt_message(output) == output


@pytest.mark.parametrize("host", ["campus.example.com", "campus.learning.org"])
def test_host_names_are_kept(host: str) -> None:
    """A host is never taken for an operation, whatever its name."""
    message = f"{host} can't be resolved"
    assert adapt_message(message) == message


@pytest.mark.parametrize(
    ("message", "argument", "expected"),
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
def test_arguments_are_options(message: str, argument: str, expected: str) -> None:
    """Names of arguments become options; quoted values and other words stay."""
    assert render_error(ArgumentError(message, argument=argument)) == expected
    error = ArgumentError(message, argument=argument, operation_id="LearningApi_GetSections")
    assert render_error(error) == f"LearningApi_GetSections: {expected}"


@pytest.mark.parametrize(
    ("response", "words", "advice"),
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
async def test_advice_in_call_errors(
    nexport: Nexport, response: Response, words: tuple[str, ...], advice: str
) -> None:
    """Errors of calls give advice that can be followed on the command line."""
    import asyncio

    async with ScriptedServer([response] * 4) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        done = await asyncio.to_thread(nexport, *words, *READ, env=env)
    assert advice in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "http://campus.example",
            "campus.example would get the token and the password over plain http: use https",
        ),
        (
            "campus.example",
            "the address (--base-url or NEXPORT_BASE_URL) must begin with https://",
        ),
    ],
)
def test_advice_on_settings(nexport: Nexport, address: str, expected: str) -> None:
    """Calls and the doctor name the option and the variable of an invalid address, and no Python setting."""
    for words in (READ, ("doctor",)):
        done = nexport(*words, env={"NEXPORT_BASE_URL": address})
        line = (done.stderr or done.stdout).splitlines()[0]
        assert done.exit_code == 2
        assert expected in line
        assert "allow_insecure_http" not in line


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e400"])
def test_errors_about_the_timeout_name_the_option(nexport: Nexport, seconds: str) -> None:
    """An error about the setting `timeout` names the option."""
    for words in (READ, ("doctor",)):
        done = nexport("--timeout", seconds, *words, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
        assert done.exit_code == 2
        assert "--timeout must be " in done.stdout + done.stderr
