"""The options of every command that calls a campus."""

import os
from typing import Any, TypeVar

import attrs
import click

from .terminal import show_logs

__all__ = ["ConnectionOptions", "common_options"]

F = TypeVar("F", bound=Any)


@attrs.define
class ConnectionOptions:
    """The common options of a command; None stands for the default.

    `timeout`: seconds for one attempt. `debug`: whether an error shows its traceback.
    """

    base_url: str | None = None
    timeout: float | None = None
    debug: bool = False

    @property
    def address(self) -> str:
        """The campus's address."""
        # Imported here, because `nexport --help` needs no client.
        from nexport_campus._settings import DEFAULT_BASE_URL

        return self.base_url or os.environ.get("NEXPORT_BASE_URL") or DEFAULT_BASE_URL


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        setattr(ctx.ensure_object(ConnectionOptions), str(parameter.name), value)


def _enable_logs(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    show_logs("nexport_campus")
    if parameter.name == "debug":
        ctx.ensure_object(ConnectionOptions).debug = True
        show_logs("httpx", "httpcore")


def common_options(command: F) -> F:
    """Add the options of every command that calls a campus; `nexport` takes them too, before the command."""
    options = (
        click.option(
            "--base-url",
            metavar="URL",
            callback=_keep,
            expose_value=False,
            help="Address of the campus.  [default: NEXPORT_BASE_URL, or https://www.nexportcampus.com]",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            callback=_keep,
            expose_value=False,
            help="Time limit for one attempt of a call.  [default: 30]",
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            callback=_enable_logs,
            expose_value=False,
            help="Log one line per call.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            callback=_enable_logs,
            expose_value=False,
            help="Show all logs, and tracebacks of errors.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
