"""`nexport logout`: what the keyring holds for a campus is forgotten."""

import click

from ._connect import Connection, common_options
from ._keys import forget

__all__ = ["command"]


@click.command(name="logout")
@common_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Forget what the keyring holds for a campus."""
    address = ctx.ensure_object(Connection).address
    held = forget(address)
    click.echo(f"{'forgotten' if held else 'nothing was kept'}, for {address}", err=True)
