"""Confirmation of commands that change data."""

import click

from .common_options import ConnectionOptions
from .exit_codes import INTERRUPTED
from .terminal import fail, is_interactive

__all__ = ["confirm_change"]


def confirm_change(ctx: click.Context, name: str) -> None:
    """Prompt for confirmation on a terminal, and exit if it is declined; without a terminal, assume consent."""
    question = f"{name} changes data at {ctx.ensure_object(ConnectionOptions).address}. Continue?"
    if is_interactive() and not click.confirm(question, err=True):
        fail("not confirmed; nothing was sent")
        ctx.exit(INTERRUPTED)
