"""All checks, in the order in which one needs the other."""

from collections.abc import AsyncGenerator
from uuid import UUID

import attrs

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus._settings import Settings

from ._clock import check_clock
from ._findings import Finding, Status, failed, ok, skipped
from ._permissions import check_permissions
from ._probe import probe
from ._reachability import check_reachability
from ._tls import check_tls
from ._token import check_token

__all__ = ["Patient", "examine"]


@attrs.frozen(kw_only=True)
class Patient:
    """What is examined.

    `settings`: of the client, and `campus`: the client itself; None where `error` keeps them from being made. `who`: who
    logs in, and where that comes from. `static`: whether it is with a token that is there already.
    """

    settings: Settings | None = None
    campus: NexportCampus | None = None
    who: str = ""
    static: bool = False
    error: ConfigurationError | None = None


async def examine(
    patient: Patient, *, organization: UUID | None, seconds: float
) -> AsyncGenerator[Finding, None]:
    """Each finding as it is made.

    Args:
        patient: What to examine.
        organization: Where to try permissions, or None.
        seconds: How long a step on the way to the server may take.
    """
    yield _settings(patient)
    if patient.settings is None:
        for check in ("reachability", "tls", "token", "permissions", "clock"):
            yield skipped(check, "the settings can't work")
        return
    reachable = await check_reachability(patient.settings, seconds)
    yield reachable
    if reachable.status is Status.FAILED:
        for check in ("tls", "token", "permissions", "clock"):
            yield skipped(check, "there is no way to the server")
        return
    answer = await probe(patient.settings, seconds)
    tls = check_tls(patient.settings, answer)
    yield tls
    if patient.campus is None or tls.status is Status.FAILED:
        reason = "nobody says who logs in" if patient.campus is None else "the server can't be trusted"
        yield skipped("token", reason)
        yield skipped("permissions", reason)
    else:
        token = await check_token(patient.campus, answer, static=patient.static)
        yield token
        if token.status is Status.FAILED:
            yield skipped("permissions", "there is no token to ask with")
        else:
            yield await check_permissions(patient.campus, organization)
    yield check_clock(answer)


def _settings(patient: Patient) -> Finding:
    if patient.error is not None:
        advice = "Mend NEXPORT_BASE_URL, or --base-url."
        if patient.settings is not None:
            advice = "`nexport login --help` tells more."
        return failed("settings", str(patient.error), advice, patient.error)
    assert patient.settings is not None
    return ok("settings", f"{patient.settings.base_url}, {patient.who}")
