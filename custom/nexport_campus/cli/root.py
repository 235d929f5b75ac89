"""The root command, which imports commands on use and reports every error as one line and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from nexport_campus._errors import NexportError
from nexport_campus._version import __version__

from .common_options import ConnectionOptions, common_options
from .exit_codes import BROKEN_PIPE, INTERRUPTED, OUTPUT_FAILED, exit_code, make_epilog
from .messages import render_error
from .standard_streams import OutputError, Streams
from .suggestions import RISKY_OPTIONS, find_similar_words, render_suggestions
from .terminal import fail, log_to_stderr, warn

__all__ = ["Nexport", "root"]

_COMMANDS = {
    "call": "Call an operation of the campus, or list all operations.",
    "completion": "Print the completion script for a shell.",
    "demo": "Demonstrate the SDK against a sandbox.",
    "doctor": "Check everything that a call needs, and give advice.",
    "ensure-enrollment": "Enroll a user who is not enrolled yet.",
    "export": "Export records to a file that stays up to date.",
    "login": "Store credentials for a campus in the keyring.",
    "logout": "Remove the credentials for a campus from the keyring.",
    "sandbox": "Serve a sandbox campus on this machine until Ctrl-C.",
}
"""The commands and their short help, so that the list of them imports none."""
_CHANGING = {"ensure-enrollment", "login", "logout"}
"""Commands that are suggested for a mistyped word only if a single typo separates them."""


class Nexport(click.Group):
    """The root group.

    The command `name` is the attribute `command` of the module `commands.name`, imported when it is used.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of all commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        name = cmd_name.replace("_", "-")
        if name in _COMMANDS:
            module = import_module(f".commands.{name.replace('-', '_')}", __package__)
            return cast("click.Command", module.command)
        if ctx.resilient_parsing or name.startswith("-"):
            return None
        similar = find_similar_words(cmd_name, set(_COMMANDS) - _CHANGING, _CHANGING)
        raise click.UsageError(f"there is no command {cmd_name}{render_suggestions(similar)}", ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "nexport",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and exit. An error is reported as one line, and determines the exit code."""
        with Streams() as streams:
            code = self._run(args, prog_name, complete_var, **extra)
            if streams.output_lost:
                warn("stdout is closed: the output is lost")
        sys.exit(code)

    def _run(
        self, args: Sequence[str] | None, prog_name: str | None, complete_var: str | None, **extra: Any
    ) -> int:
        connection = extra.setdefault("obj", ConnectionOptions())
        try:
            with log_to_stderr():
                result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
                sys.stdout.flush()
        except click.Abort:
            fail("interrupted")
            return INTERRUPTED
        except click.ClickException as error:
            fail(_render_usage_error(error))
            return error.exit_code
        except OutputError as error:
            if error.carried_out or not error.reader_gone:
                fail(str(error))
            return BROKEN_PIPE if error.reader_gone else OUTPUT_FAILED
        except Exception as error:  # noqa: BLE001 -- any error is reported as one line, with a traceback only for --debug
            if connection.debug:
                traceback.print_exc()
            fail(_render_line(error, debug=connection.debug))
            return exit_code(error)
        return result if isinstance(result, int) else 0


def _render_line(error: Exception, *, debug: bool) -> str:
    """Return the line that reports an error."""
    if isinstance(error, NexportError):
        return render_error(error)
    where = "" if debug else "; run it again with --debug for the traceback"
    return f"{type(error).__name__}: {error}{where}"


def _render_usage_error(error: click.ClickException) -> str:
    """Return the line that reports a mistake on the command line, and points to its help."""
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        message = f"{error.message.rstrip('.')}{_suggest_options(error)}"
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see {context.command_path} --help" if context else message


def _suggest_options(error: click.NoSuchOption) -> str:
    if error.ctx is None:
        return ""
    parameters = error.ctx.command.get_params(error.ctx)
    options = {name for each in parameters for name in (*each.opts, *each.secondary_opts) if name[:2] == "--"}
    return render_suggestions(
        find_similar_words(error.option_name, options - RISKY_OPTIONS, options & RISKY_OPTIONS)
    )


@click.group(
    cls=Nexport,
    name="nexport",
    epilog=make_epilog(),
    invoke_without_command=True,
    # Also accept options spelled as in Python: --syllabus_id.
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

    The campus is https://www.nexportcampus.com unless NEXPORT_BASE_URL or --base-url names another one. Credentials come
    from NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN; otherwise from the keyring, where `nexport login`
    stores them; otherwise from a prompt, if there is a terminal.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
