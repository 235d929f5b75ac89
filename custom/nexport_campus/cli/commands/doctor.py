"""`nexport doctor`: diagnose why calls fail."""

import asyncio
import json
from contextlib import aclosing
from typing import Any
from uuid import UUID

import click

from nexport_campus import ConfigurationError, RetryPolicy, StaticToken
from nexport_campus.cli.checks import Finding, Setup, Status, examine
from nexport_campus.cli.common_options import ConnectionOptions, common_options
from nexport_campus.cli.connection import Credentials, find_credentials, open_campus
from nexport_campus.cli.exit_codes import UNEXPECTED, exit_code
from nexport_campus.cli.terminal import choose_color, replace_control_characters

__all__ = ["command"]

_SECONDS = 10.0
_COLOURS = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "red",
    Status.SKIPPED: "bright_black",
}


@click.command(name="doctor")
@click.option("--org-id", type=click.UUID, metavar="UUID", help="Organization to check permissions in.")
@click.option("--json", "as_json", is_flag=True, help="Write the results as a JSON list.")
@common_options
@click.pass_context
def command(ctx: click.Context, org_id: UUID | None, as_json: bool) -> None:
    """Check everything that a call needs, and give advice.

    Checks settings, network, TLS, token, permissions and clock. Prints one line for each: ok, warning, failed or skipped,
    with the finding and advice. Sends only reads. The exit code is that of the error that a call would end with.
    """
    findings = asyncio.run(_examine(ctx, org_id, as_json=as_json))
    if as_json:
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=2))
    for finding in findings:
        if finding.status is Status.FAILED:
            ctx.exit(UNEXPECTED if finding.error is None else exit_code(finding.error))


async def _examine(ctx: click.Context, org_id: UUID | None, *, as_json: bool) -> list[Finding]:
    setup = _find_setup(ctx)
    seconds = ctx.ensure_object(ConnectionOptions).timeout or _SECONDS
    findings = []
    try:
        async with aclosing(examine(setup, organization=org_id, seconds=seconds)) as found:
            async for finding in found:
                findings.append(finding)
                if not as_json:
                    _show(finding)
    finally:
        if setup.campus is not None:
            await setup.campus.aclose()
    return findings


def _find_setup(ctx: click.Context) -> Setup:
    """Return as much of the setup as the settings and credentials allow."""
    once: dict[str, Any] = {"retry": RetryPolicy(max_attempts=1)}
    try:
        settings = open_campus(ctx, login=False, **once)._settings
    except ConfigurationError as error:
        return Setup(error=error)
    try:
        found: Credentials = find_credentials(ctx.ensure_object(ConnectionOptions).address)
        campus = open_campus(ctx, auth=found.auth, **once)
    except ConfigurationError as error:
        return Setup(settings=settings, error=error)
    static = isinstance(found.auth, StaticToken)
    return Setup(settings=settings, campus=campus, credentials=found.description, static=static)


def _show(finding: Finding) -> None:
    status = click.style(f"{finding.status.value:<8}", fg=_COLOURS[finding.status])
    advice = f"{'' if finding.message.endswith('.') else '.'} {finding.advice}" if finding.advice else ""
    click.echo(
        f"{status} {finding.check:<13} {replace_control_characters(finding.message + advice)}",
        color=choose_color(),
    )
