"""Comparison of the server's clock with this machine's."""

from datetime import timedelta

from .findings import Finding, failed, ok, skipped, warning
from .probe import Probe

__all__ = ["check_clock"]

_CHECK = "clock"
_NOTICED = timedelta(seconds=30)
_TOO_MUCH = timedelta(minutes=5)


def check_clock(probe: Probe) -> Finding:
    """Check this machine's clock against the `Date` header of a response, which has whole seconds."""
    if probe.date is None:
        return skipped(_CHECK, "the server sent no usable Date header")
    early, late = probe.sent - timedelta(seconds=1), probe.received
    off = probe.date - late if probe.date > late else min(probe.date - early, timedelta(0))
    side = "behind" if off > timedelta(0) else "ahead of"
    message = f"this machine's clock is {_describe(abs(off))} {side} the server's, {probe.date:%Y-%m-%d %H:%M:%S %Z}"
    advice = "Set this machine's clock by NTP: dates that are sent and compared would be wrong."
    if abs(off) > _TOO_MUCH:
        return failed(_CHECK, message, advice)
    if abs(off) > _NOTICED:
        return warning(_CHECK, message, advice)
    return ok(_CHECK, "this machine's clock and the server's agree")


def _describe(off: timedelta) -> str:
    return f"{off.days} days" if off.days else f"{off.total_seconds():.0f} s"
