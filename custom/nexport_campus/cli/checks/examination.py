"""Execution of all checks, each after those that it depends on."""

from collections.abc import AsyncGenerator
from uuid import UUID

import attrs

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus._settings import Settings

from .clock_check import check_clock
from .findings import Finding, Status, failed, ok, skipped
from .permission_check import check_permissions
from .probe import probe
from .reachability_check import check_reachability
from .tls_check import check_tls
from .token_check import check_token

__all__ = ["Setup", "examine"]


@attrs.frozen(kw_only=True)
class Setup:
    """The configuration to check.

    `settings`, `campus`: the client's settings and the client; None if `error` prevented them. `credentials`: a
    description of the credentials and their source. `static`: whether they are a token instead of a password.
    """

    settings: Settings | None = None
    campus: NexportCampus | None = None
    credentials: str = ""
    static: bool = False
    error: ConfigurationError | None = None


async def examine(
    setup: Setup, *, organization: UUID | None, seconds: float
) -> AsyncGenerator[Finding, None]:
    """Run the checks and yield each finding immediately.

    Args:
        setup: What to check.
        organization: Where to check permissions, or None.
        seconds: Time limit for each step on the way to the server.
    """
    yield _check_settings(setup)
    if setup.settings is None:
        for check in ("reachability", "tls", "token", "permissions", "clock"):
            yield skipped(check, "the settings can't work")
        return
    reachable = await check_reachability(setup.settings, seconds)
    yield reachable
    if reachable.status is Status.FAILED:
        for check in ("tls", "token", "permissions", "clock"):
            yield skipped(check, "the server can't be reached")
        return
    probed = await probe(setup.settings, seconds)
    tls = check_tls(setup.settings, probed)
    yield tls
    if setup.campus is None or tls.status is Status.FAILED:
        reason = "there are no credentials" if setup.campus is None else "the server can't be trusted"
        yield skipped("token", reason)
        yield skipped("permissions", reason)
    else:
        token = await check_token(setup.campus, probed, static=setup.static)
        yield token
        if token.status is Status.FAILED:
            yield skipped("permissions", "there is no token")
        else:
            yield await check_permissions(setup.campus, organization)
    yield check_clock(probed)


def _check_settings(setup: Setup) -> Finding:
    if setup.error is not None:
        advice = "Correct the settings, on the command line or in the environment."
        if setup.settings is not None:
            advice = "Without credentials, only the way to the campus is checked."
        return failed("settings", str(setup.error), advice, setup.error)
    assert setup.settings is not None
    return ok("settings", f"{setup.settings.base_url}, {setup.credentials}")
