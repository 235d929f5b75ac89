"""The scripted faults of the load test: 10 % of all requests, logins included."""

from typing import Any, Final

from nexport_campus.sandbox import Sandbox

__all__ = ["RATE", "TIMEOUT", "install"]

TIMEOUT: Final = 2.0
"""The client's timeout in seconds; the sandbox's longest delay exceeds it."""

_FAULTS: Final[tuple[tuple[str, float, dict[str, Any]], ...]] = (
    ("503 instead of the change", 0.0200, {"status": 503}),
    ("503 after the change", 0.0050, {"status": 503, "when": "after"}),
    ("429, try again at once", 0.0050, {"status": 429, "headers": {"Retry-After": "0"}}),
    ("429, try again in an hour", 0.0050, {"status": 429, "headers": {"Retry-After": "3600"}}),
    ("a gateway's page instead of the change", 0.0100, {"html": True}),
    ("a gateway's page after the change", 0.0025, {"html": True, "when": "after"}),
    ("reset before the change", 0.0150, {"reset": True}),
    ("reset after the change", 0.0100, {"reset": True, "when": "after"}),
    ("response cut", 0.0100, {"cut": 20}),
    ("delayed by 50 ms", 0.0150, {"delay": 0.05}),
    ("response after the client's timeout", 0.0005, {"delay": TIMEOUT + 1, "when": "after"}),
    ("token expired", 0.0020, {"expire_token": True}),
)
RATE: Final = sum(rate for _, rate, _ in _FAULTS)


async def install(sandbox: Sandbox) -> dict[int, str]:
    """Script the faults; return their names by their numbers in the request log."""
    return {await sandbox.faults.add(rate=rate, **what): name for name, rate, what in _FAULTS}
