"""The list of commands in `nexport --help`."""

import subprocess
import sys

import click
import pytest

from nexport_campus.cli.root import root

CONTEXT = click.Context(root)


@pytest.mark.parametrize("name", root.list_commands(CONTEXT))
def test_a_command_has_the_short_help_of_the_list(name: str) -> None:
    """The list shows what the command's own help begins with, or its short help, in full."""
    with CONTEXT.scope():
        listed = root.get_help(CONTEXT)
    command = root.get_command(CONTEXT, name)
    assert command is not None
    short = command.get_short_help_str(limit=200).rstrip(".")
    assert f"  {name} " in listed
    assert f"{short}." in " ".join(listed.split())


def test_the_list_imports_neither_a_command_nor_the_client() -> None:
    """Help is shown without the client and its dependencies."""
    program = "import sys; sys.argv[1:] = ['--help']; from nexport_campus.cli import main\n"
    program += "try: main()\nfinally: print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "nexport_campus.cli.root" in loaded
    assert not loaded & {"httpx", "rich", "asyncio", "nexport_client", "nexport_campus._client"}
    assert not [name for name in loaded if name.startswith("nexport_campus.cli.commands.")]
