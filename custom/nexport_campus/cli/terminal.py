"""Writes for people: notes, warnings and errors to stderr, one line each, and tables to stdout."""

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
    "rendered",
    "show_logs",
    "terminal_width",
    "warn",
]


_WIDE = 100_000
_NARROWEST = 60
"""Columns; rich would leave values out of a narrower table. Some terminals report 0 or 1, and fold lines themselves."""


def on_terminal(stream: TextIO | None = None) -> bool:
    """Return whether a stream, by default stdout, is a terminal: it is for people then, otherwise for programs."""
    return (sys.stdout if stream is None else stream).isatty()


def interactive() -> bool:
    """Return whether a question can be asked: on stderr, with its answer from stdin."""
    # Python has None for a stream that the parent process closed.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def printable(text: str) -> str:
    """Return a text without control characters, so that a server's words can't steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def colour() -> bool | None:
    """Return what click's `color` is to be: False with NO_COLOR or TERM=dumb, otherwise None, for click to decide."""
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


def rendered(table: "Table") -> str:
    """Return a rich table as text for stdout, as wide as the terminal; without a terminal no line is folded."""
    out = console(width=terminal_width() if on_terminal() else _WIDE)
    with out.capture() as capture:
        out.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def terminal_width() -> int:
    """Return the columns of the terminal, but no fewer than a table needs."""
    return max(_NARROWEST, console().width)


@contextmanager
def logs_to_stderr() -> Iterator[None]:
    """Write what the SDK and the libraries below it log to stderr; only warnings, unless `show_logs` changes that."""
    loggers = [logging.getLogger(name) for name in ("nexport_campus", "httpx", "httpcore")]
    handler, former = _Handler(), [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, former, strict=True):
            logger.setLevel(level)
            logger.removeHandler(handler)
            logger.propagate = propagate


def show_logs(*names: str) -> None:
    """Write everything that these loggers log."""
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)


def _report(kind: str, text: str, shade: str) -> None:
    prefix = click.style(f"nexport: {kind}:", fg=shade)
    click.echo(f"{prefix} {printable(for_command_line(text))}", err=True, color=colour())


class _Handler(logging.Handler):
    """Writes one line for each record to what is stderr at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 -- arguments that don't fit are no reason to lose the message
            text = str(record.msg)
        if record.levelno >= logging.WARNING:
            warn(text)
        else:
            click.echo(printable(f"{record.name}: {text}"), err=True)
