"""From the command line, the environment, the keyring and the user to a client of a campus."""

import os
from typing import Any, TypeVar

import attrs
import click

from nexport_campus import AccessToken, ConfigurationError, NexportCampus, PasswordAuth
from nexport_campus._auth import Auth
from nexport_campus._settings import DEFAULT_BASE_URL, auth_from_env

from ._keys import stored_auth
from ._output import interactive, show_logs

__all__ = ["Connection", "Credentials", "common_options", "find_credentials", "open_campus"]

F = TypeVar("F", bound=Any)


@attrs.define
class Connection:
    """What the command line says of the campus and the way to it; None leaves it to the environment.

    `timeout`: seconds for one attempt. `debug`: whether an error shows its traceback.
    """

    base_url: str | None = None
    timeout: float | None = None
    debug: bool = False

    @property
    def address(self) -> str:
        """Where the campus is."""
        return self.base_url or os.environ.get("NEXPORT_BASE_URL") or DEFAULT_BASE_URL


@attrs.frozen
class Credentials:
    """How to log in, and in words, who does, and where that is known from."""

    auth: Auth
    who: str


def open_campus(
    ctx: click.Context, *, auth: Auth | None = None, login: bool = True, **settings: Any
) -> NexportCampus:
    """A client of the campus that a command works with, to be used with `async with`.

    Args:
        ctx: The command's context; its command has `common_options`.
        auth: How to log in; None looks for it in the environment, in the keyring, and on a terminal asks.
        login: Whether calls need a token; without it nobody is asked who they are.
        settings: Further arguments of `NexportCampus`.

    Raises:
        ConfigurationError: The settings can't work, or nobody says who logs in.
    """
    connection = ctx.ensure_object(Connection)
    if connection.timeout is not None:
        settings.setdefault("timeout", connection.timeout)
    if auth is None:
        # An address that can't be is refused before anybody is asked for a password.
        NexportCampus(_no_token, base_url=connection.address, **settings)
        auth = find_credentials(connection.address).auth if login else _no_token
    return NexportCampus(auth, base_url=connection.address, **settings)


def find_credentials(address: str) -> Credentials:
    """Who logs in: as the environment says, else the keyring, else the user. Raises ConfigurationError."""
    username, password = os.environ.get("NEXPORT_USERNAME"), os.environ.get("NEXPORT_PASSWORD")
    if password or os.environ.get("NEXPORT_ACCESS_TOKEN"):
        auth = auth_from_env(os.environ)
        return Credentials(auth, f"{_who(auth)} from the environment")
    stored = stored_auth(address, username)
    if stored is not None:
        return Credentials(stored, f"{_who(stored)} from the keyring")
    if not interactive():
        raise ConfigurationError(
            f"nobody says who logs in to {address}: set NEXPORT_USERNAME and NEXPORT_PASSWORD, "
            "or NEXPORT_ACCESS_TOKEN, or run `nexport login` once"
        )
    name = username or click.prompt("User name", err=True)
    asked = PasswordAuth(name, click.prompt(f"Password of {name}", hide_input=True, err=True))
    return Credentials(asked, f"{_who(asked)} from the terminal")


def _who(auth: Auth) -> str:
    return f"{auth.username} with a password" if isinstance(auth, PasswordAuth) else "an access token"


async def _no_token() -> AccessToken:
    raise ConfigurationError("this call needs no token")


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        setattr(ctx.ensure_object(Connection), str(parameter.name), value)


def _log(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    show_logs("nexport_campus")
    if parameter.name == "debug":
        ctx.ensure_object(Connection).debug = True
        show_logs("httpx", "httpcore")


def common_options(command: F) -> F:
    """The options of every command that talks to a campus; `nexport` itself takes them too, before the command."""
    options = (
        click.option("--base-url", metavar="URL", callback=_keep, expose_value=False, help="The campus."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            callback=_keep,
            expose_value=False,
            help="For one attempt of a call.  [default: 30]",
        ),
        click.option(
            "-v", "--verbose", is_flag=True, callback=_log, expose_value=False, help="One line a call."
        ),
        click.option(
            "--debug", is_flag=True, callback=_log, expose_value=False, help="All logs, and tracebacks."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
