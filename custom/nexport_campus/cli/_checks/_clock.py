"""The server's clock and ours."""

from datetime import timedelta

from ._findings import Finding, failed, ok, skipped, warning
from ._probe import Probe

__all__ = ["check_clock"]

_CHECK = "clock"
_NOTICED = timedelta(seconds=30)
_TOO_MUCH = timedelta(minutes=5)


def check_clock(probe: Probe) -> Finding:
    """Compare the `Date` header of an answer with our clock; it has whole seconds, and was set on the way."""
    if probe.date is None:
        return skipped(_CHECK, "the server didn't tell its time")
    early, late = probe.asked - timedelta(seconds=1), probe.answered
    off = probe.date - late if probe.date > late else min(probe.date - early, timedelta(0))
    told = f"ours is {abs(off).total_seconds():.0f} s {'behind' if off > timedelta(0) else 'ahead of'} the server's"
    advice = "Let this machine's clock be set by NTP: dates that are sent and compared would be wrong."
    if abs(off) > _TOO_MUCH:
        return failed(_CHECK, told, advice)
    if abs(off) > _NOTICED:
        return warning(_CHECK, told, advice)
    return ok(_CHECK, "ours and the server's agree")
