"""What the doctor finds."""

from enum import Enum
from typing import Any

import attrs

from nexport_campus._errors import NexportError

__all__ = ["Finding", "Status", "failed", "ok", "skipped", "warning"]


class Status(Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen
class Finding:
    """One check: what was found, and what to do about it. `error`: what a call would raise for that reason, or None."""

    check: str
    status: Status
    message: str
    advice: str = ""
    error: NexportError | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding in JSON's types."""
        return {
            "check": self.check,
            "status": self.status.value,
            "message": self.message,
            "advice": self.advice,
        }


def ok(check: str, message: str, advice: str = "") -> Finding:
    """Nothing to worry about."""
    return Finding(check, Status.OK, message, advice)


def warning(check: str, message: str, advice: str) -> Finding:
    """It works, and may not for long, or not for everything."""
    return Finding(check, Status.WARNING, message, advice)


def failed(check: str, message: str, advice: str, error: NexportError | None = None) -> Finding:
    """It can't work."""
    return Finding(check, Status.FAILED, message, advice, error)


def skipped(check: str, message: str) -> Finding:
    """It couldn't be checked, or needn't be."""
    return Finding(check, Status.SKIPPED, message)
