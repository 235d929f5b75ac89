"""`nexport sandbox`: serve a simulated campus, which needs no account."""

import shlex
import sqlite3
from pathlib import Path
from typing import Any

import click

from nexport_campus import ConfigurationError
from nexport_campus._version import describe_missing_extra
from nexport_campus.cli.fault_options import parse_fault
from nexport_campus.cli.terminal import is_terminal
from nexport_campus.sandbox.sandbox_settings import DEFAULTS, FOREGROUND_PORT, SandboxSettings

__all__ = ["command"]


class _FaultType(click.ParamType):  # type: ignore[type-arg]  # at run time, older versions of click take none
    """The type of `--fault`: the arguments of one scripted failure."""

    name = "FAULT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return parse_fault(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(name="sandbox")
@click.option("--host", default=DEFAULTS["host"], show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=FOREGROUND_PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--seed",
    type=int,
    default=DEFAULTS["seed"],
    show_default=True,
    help="Seed of the made-up data: the same seed makes the same campus.",
)
@click.option(
    "--enrollments",
    type=click.IntRange(min=500),
    default=DEFAULTS["enrollments"],
    show_default=True,
    help="Number of enrollments.",
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULTS["token_lifetime"],
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
@click.option(
    "--fault",
    "faults",
    type=_FaultType(),
    multiple=True,
    metavar="NAME=VALUE,...",
    help="Make requests fail, with the arguments of `sandbox.faults.add`; may be repeated.",
)
def command(faults: tuple[dict[str, Any], ...], database: Path | None, **given: Any) -> None:
    """Serve a sandbox campus on this machine until Ctrl-C.

    Prints its address and a made-up account as lines for a shell. Paste them into another shell, and every command of
    nexport, and NexportCampus.from_env(), work with the sandbox.

    \b
    --fault scripts a failure:
      --fault operation=learning.get_section,status=503,nth=1
      --fault operation=learning.create_enrollment,when=after,reset
      --fault '{"rate": 0.1, "status": 429, "headers": {"Retry-After": "2"}}'
    """  # noqa: D301 -- click's escape for a paragraph that isn't rewrapped
    try:
        from nexport_campus.sandbox.serving.faults import Fault
        from nexport_campus.sandbox.serving.server import serve_in_foreground
    except ModuleNotFoundError:
        raise ConfigurationError(describe_missing_extra("nexport_campus.sandbox", "sandbox")) from None
    for fault in faults:
        try:
            Fault(**fault)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--fault'") from None
    host, port, seed = given["host"], given["port"], given["seed"]
    try:
        settings = SandboxSettings(database=None if database is None else str(database), **given)
        serve_in_foreground(settings, lambda url: _announce(url, seed), faults)
    except (OSError, ValueError, sqlite3.Error) as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ConfigurationError(f"the sandbox can't start at {where}: {error}") from error


def _announce(url: str, seed: int) -> None:
    """Print the address and the account as lines for a shell."""
    from nexport_campus.sandbox.accounts import account_password, account_username
    from nexport_campus.sandbox.ids import Ids
    from nexport_campus.sandbox.seeding.seed_people import BUSY

    account = {
        "NEXPORT_BASE_URL": url,
        "NEXPORT_USERNAME": account_username("administrator"),
        "NEXPORT_PASSWORD": account_password(seed, "administrator"),
    }
    for name, value in account.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    organization = Ids(seed).make("organization", BUSY)
    click.echo(
        f"# To begin with: nexport call learning.search_enrollments --org-ids {organization} --limit 5"
    )
    if is_terminal():
        click.echo("# Serving until Ctrl-C.", err=True)
