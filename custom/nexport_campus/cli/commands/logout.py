"""`nexport logout`: remove the credentials for a campus from the keyring."""

import click

from nexport_campus.cli.common_options import ConnectionOptions, common_options
from nexport_campus.cli.keyring_store import delete_auth

__all__ = ["command"]


@click.command(name="logout")
@common_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Remove the credentials for a campus from the keyring."""
    address = ctx.ensure_object(ConnectionOptions).address
    removed = delete_auth(address)
    click.echo(f"{'removed from' if removed else 'nothing was in'} the keyring for {address}", err=True)
