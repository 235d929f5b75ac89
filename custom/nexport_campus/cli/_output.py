"""Where words and records go: records to stdout, everything else, one line each, to stderr."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

import click

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


def on_terminal(stream: TextIO | None = None) -> bool:
    """Whether a stream, or else stdout, is a terminal: there people read, everywhere else machines do."""
    asked = sys.stdout if stream is None else stream
    # Python has none where the shell closed it.
    return asked is not None and asked.isatty()


def interactive() -> bool:
    """Whether somebody can be asked: what is asked goes to stderr, the answer comes from stdin."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def printable(text: str) -> str:
    """A text without control characters: what a server sends moves no cursor and rings no bell."""
    return "".join(char if char.isprintable() else " " for char in text)


def colour() -> bool | None:
    """What click is told of colours: none where NO_COLOR is set, else it is for click to decide."""
    return False if os.environ.get("NO_COLOR") else None


def note(text: str) -> None:
    """Tell something that is good to know, on a terminal alone."""
    if on_terminal(sys.stderr):
        click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """Tell what may be wrong."""
    _tell("warning", text, "yellow")


def fail(text: str) -> None:
    """Tell what went wrong."""
    _tell("error", text, "red")


def console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """A rich console: colour and bold on a terminal alone, and neither where NO_COLOR is set."""
    from rich.console import Console

    system: Literal["auto"] | None = None if colour() is False else "auto"
    return Console(
        stderr=stderr, width=width, color_system=system, highlight=False, markup=False, emoji=False
    )


def rendered(table: "Table") -> str:
    """A rich table as text for stdout: as wide as the terminal; elsewhere no line is folded."""
    out = console(width=None if on_terminal() else _WIDE)
    with out.capture() as capture:
        out.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def terminal_width() -> int:
    """The columns of the terminal."""
    return console().width


@contextmanager
def logs_to_stderr() -> Iterator[None]:
    """Send what the loggers of the SDK, and of what carries its requests, tell to stderr: warnings, unless told otherwise."""
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
    """Show everything that these loggers tell."""
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)


def _tell(kind: str, text: str, shade: str) -> None:
    click.echo(f"{click.style(f'nexport: {kind}:', fg=shade)} {printable(text)}", err=True, color=colour())


class _Handler(logging.Handler):
    """One line for each record, on what stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            warn(text)
        else:
            click.echo(printable(f"{record.name}: {text}"), err=True)
