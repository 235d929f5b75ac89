"""Terminal output: notes, warnings and errors on stderr, one line each, and tables on stdout."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

import click

from .messages import adapt_message

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "choose_color",
    "fail",
    "get_terminal_width",
    "is_interactive",
    "is_terminal",
    "log_to_stderr",
    "make_console",
    "note",
    "render_table",
    "replace_control_characters",
    "show_logs",
    "warn",
]


_WIDE = 100_000
_NARROWEST = 60
"""Columns; rich omits values from a narrower table. Some terminals report 0 or 1, and wrap lines themselves."""


def is_terminal(stream: TextIO | None = None) -> bool:
    """Return whether a stream, by default stdout, is a terminal, so that its output is read by a person."""
    return (sys.stdout if stream is None else stream).isatty()


def is_interactive() -> bool:
    """Return whether the user can be prompted, on stderr with input from stdin."""
    # Python has None for a stream that the parent process closed.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def replace_control_characters(text: str) -> str:
    """Return a string without control characters, so that a server's message can't control the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def choose_color() -> bool | None:
    """Return the value for click's `color`: False with NO_COLOR or TERM=dumb, otherwise None, to let click decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def note(text: str) -> None:
    """Write a line to stderr, if it is a terminal."""
    if is_terminal(sys.stderr):
        click.echo(replace_control_characters(text), err=True)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    _report("warning", text, "yellow")


def fail(text: str) -> None:
    """Write an error to stderr."""
    _report("error", text, "red")


def make_console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """Return a rich console, with colors only on a terminal that has them."""
    from rich.console import Console

    system: Literal["auto"] | None = None if choose_color() is False else "auto"
    return Console(
        stderr=stderr, width=width, color_system=system, highlight=False, markup=False, emoji=False
    )


def render_table(table: "Table") -> str:
    """Render a rich table for stdout, as wide as the terminal; without a terminal, lines aren't wrapped."""
    out = make_console(width=get_terminal_width() if is_terminal() else _WIDE)
    with out.capture() as capture:
        out.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def get_terminal_width() -> int:
    """Return the width of the terminal, or the minimum that a table needs."""
    return max(_NARROWEST, make_console().width)


@contextmanager
def log_to_stderr() -> Iterator[None]:
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
    click.echo(f"{prefix} {replace_control_characters(adapt_message(text))}", err=True, color=choose_color())


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
            click.echo(replace_control_characters(f"{record.name}: {text}"), err=True)
