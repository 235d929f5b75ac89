"""Terminal output: notes, warnings and errors on stderr, one line each, and tables on stdout."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

import click

from .messages import for_command_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "colour",
    "console",
    "fail",
    "interactive",
    "logs_to_stderr",
    "note",
    "on_terminal",
    "printable",
    "render_table",
    "show_logs",
    "terminal_width",
    "warn",
]


_WIDE = 100_000
_NARROWEST = 60
"""Columns; rich omits values from a narrower table. Some terminals report 0 or 1, and wrap lines themselves."""


def on_terminal(stream: TextIO | None = None) -> bool:
    """Return whether a stream, by default stdout, is a terminal, so that its output is read by a person."""
    return (sys.stdout if stream is None else stream).isatty()


def interactive() -> bool:
    """Return whether the user can be prompted, on stderr with input from stdin."""
    # Python has None for a stream that the parent process closed.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def printable(text: str) -> str:
    """Return a string without control characters, so that a server's message can't control the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def colour() -> bool | None:
    """Return the value for click's `color`: False with NO_COLOR or TERM=dumb, otherwise None, to let click decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def note(text: str) -> None:
    """Write a line to stderr, if it is a terminal."""
    if on_terminal(sys.stderr):
        click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    _report("warning", text, "yellow")


def fail(text: str) -> None:
    """Write an error to stderr."""
    _report("error", text, "red")


def console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """Return a rich console, with colours only on a terminal that has them."""
    from rich.console import Console

    system: Literal["auto"] | None = None if colour() is False else "auto"
    return Console(
        stderr=stderr, width=width, color_system=system, highlight=False, markup=False, emoji=False
    )


def render_table(table: "Table") -> str:
    """Render a rich table for stdout, as wide as the terminal; without a terminal, lines aren't wrapped."""
    out = console(width=terminal_width() if on_terminal() else _WIDE)
    with out.capture() as capture:
        out.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def terminal_width() -> int:
    """Return the width of the terminal, or the minimum that a table needs."""
    return max(_NARROWEST, console().width)


@contextmanager
def logs_to_stderr() -> Iterator[None]:
    """Write the warnings that the SDK and its HTTP libraries log to stderr; `show_logs` includes the other levels."""
    loggers = [logging.getLogger(name) for name in ("nexport_campus", "httpx", "httpcore")]
    handler, levels = _Handler(), [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(handler)
            logger.propagate = propagate


def show_logs(*names: str) -> None:
    """Show all levels of these loggers."""
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)


def _report(kind: str, text: str, shade: str) -> None:
    prefix = click.style(f"nexport: {kind}:", fg=shade)
    click.echo(f"{prefix} {printable(for_command_line(text))}", err=True, color=colour())


class _Handler(logging.Handler):
    """A handler that writes one line per record to the current `sys.stderr`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 -- show the message even if its arguments don't fit
            text = str(record.msg)
        if record.levelno >= logging.WARNING:
            warn(text)
        else:
            click.echo(printable(f"{record.name}: {text}"), err=True)
