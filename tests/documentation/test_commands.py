"""The commands in the documentation exist and accept the options shown."""

import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from documentation.fences import read_fences

from nexport_campus.cli.common_options import ConnectionOptions
from nexport_campus.cli.root import root
from tests.support.spec import SOME_ID

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
SEPARATORS = {"&&", ";", "|", "||"}
REDIRECTIONS = {">", ">>", "<"}
# Commands of other projects; their options are not checked.
OTHER_PROGRAMS = {
    *(
        "cat",
        "cd",
        "curl",
        "echo",
        "export",
        "git",
        "gzip",
        "head",
        "jq",
        "openssl",
        "sqlite3",
        "source",
        "uvicorn",
    )
}


def commands(document: Path) -> list[list[str]]:
    """Return the commands in a document's console blocks, each as a list of words."""
    found = []
    for fence in read_fences(document):
        if fence.language == "console":
            code = fence.code.replace("\\\n", " ")
            for line in re.findall(r"^\$ (.*)$", code, flags=re.MULTILINE):
                found += simple_commands(line)
    return found


def simple_commands(line: str) -> list[list[str]]:
    """Return the commands on one shell line, without variable assignments and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&;|<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word in REDIRECTIONS:
            lexer.get_token()
        elif word in SEPARATORS:
            found.append([])
        elif found[-1] or not re.match(r"\w+=", word):
            found[-1].append(word)
    return [each for each in found if each]


# Each command once, although several documents show it.
SHOWN = {shlex.join(command): command for document in DOCUMENTS for command in commands(document)}


@pytest.mark.parametrize("command", SHOWN.values(), ids=SHOWN)
def test_documented_commands_exist(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command and its options exist."""
    program, *arguments = command
    if program == "nexport":
        monkeypatch.chdir(tmp_path)
        for argument in arguments:
            if argument.startswith("@"):
                Path(argument[1:]).write_text(f"{SOME_ID}\n", encoding="utf-8")
        parse(arguments)
    elif program.startswith(("./scripts/", "scripts/")):
        assert_script_accepts(ROOT / program, arguments)
    elif program == "pip":
        assert_extras_exist(arguments)
    elif program == "python":
        module = arguments[1] if arguments[0] == "-m" else None
        places = [folder / arguments[0] for folder in (ROOT, ROOT / "examples")]
        assert find_spec(module) if module else any(place.is_file() for place in places)
    else:
        assert program in OTHER_PROGRAMS, f"{program}: add it to OTHER_PROGRAMS or check its options"


def parse(arguments: list[str]) -> None:
    """Parse the arguments of `nexport` with click, down to the last command, without running any."""
    command: click.Command | None = root
    name: str | None = "nexport"
    context = None
    while command is not None:
        try:
            context = command.make_context(name, arguments, parent=context, obj=ConnectionOptions())
        except click.exceptions.Exit:  # --help and similar options
            return
        arguments = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not arguments:
            return
        name, command, arguments = command.resolve_command(context, arguments)


def assert_script_accepts(script: Path, arguments: list[str]) -> None:
    """Assert that the script exists and that its help has each option."""
    assert script.is_file()
    options = [argument for argument in arguments if argument.startswith("-")]
    if options:
        help_text = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
        assert all(option in help_text for option in options)


def assert_extras_exist(arguments: list[str]) -> None:
    """Assert that the package has the extras in brackets."""
    for argument in arguments:
        extras = re.fullmatch(r"nexport-campus\[([\w,]+)\]", argument)
        assert set(extras[1].split(",") if extras else ()) <= set(EXTRAS)
