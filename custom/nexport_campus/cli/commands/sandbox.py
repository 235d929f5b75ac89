"""`nexport sandbox`: serve a simulated campus, which needs no account."""

import shlex
from pathlib import Path

import click

from nexport_campus import ConfigurationError
from nexport_campus._version import missing_extra
from nexport_campus.cli.terminal import on_terminal

__all__ = ["command"]


@click.command(name="sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8010,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--seed",
    type=int,
    default=7,
    show_default=True,
    help="Seed of the made-up data: the same seed makes the same campus.",
)
@click.option(
    "--enrollments",
    type=click.IntRange(min=500),
    default=5000,
    show_default=True,
    help="Number of enrollments.",
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(min=0, min_open=True),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Time for which an access token is valid.",
)
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the campus in a file.  [default: in memory]",
)
@click.option("--strict", is_flag=True, help="Follow the vendor's schemas to the letter: no nulls.")
def command(
    host: str,
    port: int,
    seed: int,
    enrollments: int,
    token_lifetime: float,
    database: Path | None,
    strict: bool,
) -> None:
    """Serve a sandbox campus on this machine until Ctrl-C.

    Prints its address and a made-up account as lines for a shell. Paste them into another shell, and every command of
    nexport, and NexportCampus.from_env(), work with the sandbox.
    """
    import sqlite3

    try:
        from nexport_campus.sandbox.sandbox_settings import SandboxSettings
        from nexport_campus.sandbox.serving.server import serve_in_foreground
    except ModuleNotFoundError:
        raise ConfigurationError(missing_extra("nexport_campus.sandbox", "sandbox")) from None
    try:
        settings = SandboxSettings(
            host=host,
            port=port,
            seed=seed,
            enrollments=enrollments,
            token_lifetime=token_lifetime,
            database=None if database is None else str(database),
            strict=strict,
        )
        serve_in_foreground(settings, lambda url: _announce(url, seed))
    except (OSError, ValueError, sqlite3.Error) as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ConfigurationError(f"the sandbox can't start at {where}: {error}") from error


def _announce(url: str, seed: int) -> None:
    """Print the address and the account as lines for a shell."""
    from nexport_campus.sandbox.accounts import account_password
    from nexport_campus.sandbox.ids import Ids
    from nexport_campus.sandbox.seeding.seed_people import BUSY

    account = {
        "NEXPORT_BASE_URL": url,
        "NEXPORT_USERNAME": "api.administrator",
        "NEXPORT_PASSWORD": account_password(seed, "administrator"),
    }
    for name, value in account.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    organization = Ids(seed).make("organization", BUSY)
    click.echo(
        f"# To begin with: nexport call learning.search_enrollments --org-ids {organization} --limit 5"
    )
    if on_terminal():
        click.echo("# Serving until Ctrl-C.", err=True)
