"""Creation of a client from the command line, the environment, the keyring and prompts."""

import os
from typing import Any, TypeVar

import attrs
import click

from nexport_campus import AccessToken, ConfigurationError, NexportCampus, PasswordAuth
from nexport_campus._auth.credentials import Auth
from nexport_campus._settings import DEFAULT_BASE_URL, read_auth

from .keyring_store import KeyringUnavailable, load_auth
from .terminal import is_interactive, show_logs

__all__ = ["ConnectionOptions", "Credentials", "common_options", "find_credentials", "open_campus"]

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
        return self.base_url or os.environ.get("NEXPORT_BASE_URL") or DEFAULT_BASE_URL


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
        NexportCampus(_no_token, base_url=connection.address, **settings)
        auth = find_credentials(connection.address).auth if login else _no_token
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


async def _no_token() -> AccessToken:
    raise ConfigurationError("this call needs no token")


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
