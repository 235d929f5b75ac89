"""`nexport login`: store credentials for a campus in the keyring."""

import asyncio
import os

import click

from nexport_campus import AuthenticationError, PasswordAuth, StaticToken
from nexport_campus.cli.common_options import ConnectionOptions, common_options
from nexport_campus.cli.connection import open_campus
from nexport_campus.cli.keyring_store import check_keyring, store_auth
from nexport_campus.cli.secret_options import read_secret
from nexport_campus.cli.terminal import is_interactive
from nexport_campus.cli.token_validation import VALIDATION, validate_token

__all__ = ["command"]


@click.command(name="login")
@click.option("--username", metavar="NAME", help="User name.  [default: NEXPORT_USERNAME, or a prompt]")
@click.option(
    "--access-token", is_flag=True, help="Store an access token instead of a user name and a password."
)
@common_options
@click.pass_context
def command(ctx: click.Context, username: str | None, access_token: bool) -> None:
    """Store credentials for a campus in the keyring.

    The password, or with --access-token the token, comes from a prompt, or from the first line of stdin if there is no
    terminal. It is stored only if the campus accepts it. Credentials in the environment take precedence over the keyring.
    """
    if access_token and username is not None:
        raise click.UsageError("--access-token and --username exclude each other", ctx)
    address = ctx.ensure_object(ConnectionOptions).address
    # Fail before the user types a password.
    check_keyring(address)
    auth = StaticToken(read_secret("Access token")) if access_token else _read_password(ctx, username)
    asyncio.run(_check(ctx, auth))
    store_auth(address, auth)
    click.echo(f"stored in the keyring for {address}", err=True)


def _read_password(ctx: click.Context, username: str | None) -> PasswordAuth:
    name = username or os.environ.get("NEXPORT_USERNAME")
    if name is None:
        if not is_interactive():
            raise click.UsageError("there is no user name: add --username or set NEXPORT_USERNAME", ctx)
        name = click.prompt("User name", err=True)
    return PasswordAuth(name, read_secret(f"Password of {name}"))


async def _check(ctx: click.Context, auth: PasswordAuth | StaticToken) -> None:
    """Raise AuthenticationError if the campus refuses the credentials."""
    async with open_campus(ctx, auth=auth) as campus:
        validity = await validate_token(campus)
    if validity.error_message:
        raise AuthenticationError(validity.error_message, operation_id=VALIDATION, status_code=200)
