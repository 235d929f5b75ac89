"""The root of the command line: its commands, loaded when they are used, and how each run of it ends."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from nexport_campus._version import __version__

from ._connect import Connection, common_options
from ._exits import BROKEN_PIPE, INTERRUPTED, UNEXPECTED, epilog, exit_code
from ._output import fail, logs_to_stderr

__all__ = ["Nexport", "root"]

_COMMANDS = (
    "call",
    "completion",
    "demo",
    "doctor",
    "ensure-enrollment",
    "export",
    "login",
    "logout",
    "sandbox",
)


class Nexport(click.Group):
    """The root group.

    The command `name` is the attribute `command` of the module `_name` beside this one.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name.replace("_", "-")
        if name not in _COMMANDS:
            return None
        module = import_module(f"._{name.replace('-', '_')}", __package__)
        return cast("click.Command", module.command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            # While it can still be told whether it got through. Python has no stdout if the parent process closed it.
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(BROKEN_PIPE)
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "nexport",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run, and exit: an error is one line, and its kind the exit code."""
        connection = extra.setdefault("obj", Connection())
        try:
            with logs_to_stderr():
                result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.Abort:
            fail("interrupted")
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            fail(_usage(error))
            sys.exit(error.exit_code)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the user gets one line, and all of it on demand
            if connection.debug:
                traceback.print_exc()
            code = exit_code(error)
            where = "" if connection.debug else "; --debug shows where"
            fail(f"{type(error).__name__}: {error}{where}" if code == UNEXPECTED else str(error))
            sys.exit(code)
        sys.exit(result if isinstance(result, int) else 0)


def _usage(error: click.ClickException) -> str:
    """A mistake on the command line, in one line that says where the help is."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see {context.command_path} --help" if context else message


@click.group(
    cls=Nexport,
    name="nexport",
    epilog=epilog(),
    invoke_without_command=True,
    # An option may be written as Python has it, too: --syllabus_id.
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: name.replace("_", "-").rstrip("-"),
    },
)
@click.version_option(__version__, prog_name="nexport-campus", message="%(prog)s %(version)s")
@common_options
@click.pass_context
def root(ctx: click.Context) -> None:
    """Work with a NexPort campus from the command line.

    The campus is https://www.nexportcampus.com, or what NEXPORT_BASE_URL or --base-url names. Who logs in comes from
    NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN; else from the keyring, where `nexport login` puts it;
    else from a prompt, on a terminal.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
