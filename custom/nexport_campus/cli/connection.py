"""Creation of a client from the command line, the environment, the keyring and prompts."""

import os
from typing import Any

import attrs
import click

from nexport_campus import AccessToken, ConfigurationError, NexportCampus, PasswordAuth
from nexport_campus._auth.credentials import Auth
from nexport_campus._settings import read_auth

from .common_options import ConnectionOptions
from .keyring_store import KeyringUnavailable, load_auth
from .terminal import is_interactive

__all__ = ["Credentials", "find_credentials", "open_campus"]


@attrs.frozen
class Credentials:
    """The credentials of a login. `description`: who logs in, and the source of the credentials."""

    auth: Auth
    description: str


def open_campus(
    ctx: click.Context, *, auth: Auth | None = None, login: bool = True, **settings: Any
) -> NexportCampus:
    """Return a client of the campus that a command works with, to be used with `async with`.

    Args:
        ctx: The command's context; its command has `common_options`.
        auth: How to log in; None takes it from the environment, the keyring, or a prompt.
        login: Whether calls need a token; if false, no credentials are looked up.
        settings: Further arguments of `NexportCampus`.

    Raises:
        ConfigurationError: The settings are invalid, or credentials are missing.
    """
    connection = ctx.ensure_object(ConnectionOptions)
    if connection.timeout is not None:
        settings.setdefault("timeout", connection.timeout)
    if auth is None:
        # Validate the address before the user types a password.
        NexportCampus(_refuse_token, base_url=connection.address, **settings)
        auth = find_credentials(connection.address).auth if login else _refuse_token
    return NexportCampus(auth, base_url=connection.address, **settings)


def find_credentials(address: str) -> Credentials:
    """Return credentials from the environment, else the keyring, else a prompt. Raises ConfigurationError."""
    username, password = os.environ.get("NEXPORT_USERNAME"), os.environ.get("NEXPORT_PASSWORD")
    if password or os.environ.get("NEXPORT_ACCESS_TOKEN"):
        auth = read_auth(os.environ)
        return Credentials(auth, f"{_describe_account(auth)} from the environment")
    keyring_advice = ", or run `nexport login` once"
    try:
        stored = load_auth(address, username)
    except KeyringUnavailable as error:
        stored, keyring_advice = None, f" (no keyring works on this machine: {error.reason})"
    if stored is not None:
        return Credentials(stored, f"{_describe_account(stored)} from the keyring")
    if not is_interactive():
        raise ConfigurationError(
            f"no credentials for {address}: set NEXPORT_USERNAME and NEXPORT_PASSWORD, "
            f"or NEXPORT_ACCESS_TOKEN{keyring_advice}"
        )
    name = username or click.prompt("User name", err=True)
    prompted = PasswordAuth(name, click.prompt(f"Password of {name}", hide_input=True, err=True))
    return Credentials(prompted, f"{_describe_account(prompted)} from the terminal")


def _describe_account(auth: Auth) -> str:
    return f"{auth.username} with a password" if isinstance(auth, PasswordAuth) else "an access token"


async def _refuse_token() -> AccessToken:
    raise ConfigurationError("this call needs no token")
