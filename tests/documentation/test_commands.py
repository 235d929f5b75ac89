"""The commands in the documentation exist, and take the options that it shows."""

import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from documentation.fences import fences

from nexport_campus.cli._connect import Connection
from nexport_campus.cli._main import root
from tests.support.spec import SOME_ID

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
SEPARATORS = {"&&", ";", "|", "||"}
REDIRECTIONS = {">", ">>", "<"}
# Commands of others, whose options are none of ours.
OTHERS = {"cat", "cd", "export", "git", "gzip", "head", "jq", "sqlite3", "source", "uvicorn"}


def commands(document: Path) -> list[list[str]]:
    """The commands of a document's console blocks, each as a list of words."""
    found = []
    for fence in fences(document):
        if fence.language == "console":
            code = fence.code.replace("\\\n", " ")
            for line in re.findall(r"^\$ (.*)$", code, flags=re.MULTILINE):
                found += simple_commands(line)
    return found


def simple_commands(line: str) -> list[list[str]]:
    """The commands of one line of a shell, without settings of variables and without the files of redirections."""
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


SHOWN = [
    pytest.param(command, id=f"{document.name}: {shlex.join(command)}")
    for document in DOCUMENTS
    for command in commands(document)
]


@pytest.mark.parametrize("command", SHOWN)
def test_command(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It exists, and so do its options."""
    program, *arguments = command
    if program == "nexport":
        monkeypatch.chdir(tmp_path)
        for argument in arguments:
            if argument.startswith("@"):
                Path(argument[1:]).write_text(f"{SOME_ID}\n", encoding="utf-8")
        parse(arguments)
    elif program.startswith(("./scripts/", "scripts/")):
        assert_script_takes(ROOT / program, arguments)
    elif program == "pip":
        assert_extras_exist(arguments)
    elif program == "python":
        module = arguments[1] if arguments[0] == "-m" else None
        assert find_spec(module) if module else (ROOT / arguments[0]).is_file()
    else:
        assert program in OTHERS, f"{program}: teach the test what it is"


def parse(arguments: list[str]) -> None:
    """Let click read the arguments of `nexport`, down to the last command, without running any."""
    command: click.Command | None = root
    name: str | None = "nexport"
    context = None
    while command is not None:
        try:
            context = command.make_context(name, arguments, parent=context, obj=Connection())
        except click.exceptions.Exit:  # --help and its like
            return
        arguments = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not arguments:
            return
        name, command, arguments = command.resolve_command(context, arguments)


def assert_script_takes(script: Path, arguments: list[str]) -> None:
    """The script is there, and its help tells of each option."""
    assert script.is_file()
    options = [argument for argument in arguments if argument.startswith("-")]
    if options:
        told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
        assert all(option in told for option in options)


def assert_extras_exist(arguments: list[str]) -> None:
    """What is installed of ours has the extras that stand in brackets."""
    for argument in arguments:
        extras = re.fullmatch(r"nexport-campus\[([\w,]+)\]", argument)
        assert set(extras[1].split(",") if extras else ()) <= set(EXTRAS)
