"""`nexport login`: who logs in to a campus, kept in the keyring."""

import asyncio
import os

import click

from nexport_campus import AuthenticationError, PasswordAuth, StaticToken

from ._connect import Connection, common_options, open_campus
from ._keys import keep
from ._output import interactive
from ._secrets import first_line

__all__ = ["command"]


@click.command(name="login")
@click.option("--username", metavar="NAME", help="Who logs in; a terminal is asked.")
@click.option(
    "--access-token", is_flag=True, help="Keep an access token, in place of a user name and a password."
)
@common_options
@click.pass_context
def command(ctx: click.Context, username: str | None, access_token: bool) -> None:
    """Keep who logs in to a campus in the keyring.

    The password, or with --access-token the token, is asked for on a terminal, and else read from the first line of
    stdin. It is kept only if the campus takes it. The environment outranks the keyring.
    """
    if access_token and username is not None:
        raise click.UsageError("--access-token needs no --username", ctx)
    auth = StaticToken(first_line("Access token")) if access_token else _password(ctx, username)
    asyncio.run(_check(ctx, auth))
    address = ctx.ensure_object(Connection).address
    keep(address, auth)
    click.echo(f"kept in the keyring, for {address}", err=True)


def _password(ctx: click.Context, username: str | None) -> PasswordAuth:
    name = username or os.environ.get("NEXPORT_USERNAME")
    if name is None:
        if not interactive():
            raise click.UsageError("--username is missing", ctx)
        name = click.prompt("User name", err=True)
    return PasswordAuth(name, first_line(f"Password of {name}"))


async def _check(ctx: click.Context, auth: PasswordAuth | StaticToken) -> None:
    """Ask the campus. Raises AuthenticationError for what it doesn't take."""
    async with open_campus(ctx, auth=auth) as campus:
        verdict = await campus.admin.validate_access_token()
    if verdict.error_message:
        raise AuthenticationError(
            verdict.error_message, operation_id="AdminApi_ValidateAccessToken", status_code=200
        )
