"""Results of checks."""

from enum import Enum
from typing import Any

import attrs

from nexport_campus._errors import NexportError
from nexport_campus.cli.messages import adapt_message

__all__ = ["Finding", "Status", "failed", "ok", "skipped", "warning"]


class Status(Enum):
    """The result of a check, in one word."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen
class Finding:
    """The result of one check, with advice. `error`: the error that a call would raise, or None."""

    check: str
    status: Status
    message: str
    advice: str = ""
    error: NexportError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding in the types of JSON."""
        return {
            "check": self.check,
            "status": self.status.value,
            "message": self.message,
            "advice": self.advice,
        }


def ok(check: str, message: str, advice: str = "") -> Finding:
    """Return a check that passed."""
    return Finding(check, Status.OK, message, advice)


def warning(check: str, message: str, advice: str) -> Finding:
    """Return a check that passed, but needs attention."""
    return Finding(check, Status.WARNING, message, advice)


def failed(check: str, message: str, advice: str, error: NexportError | None = None) -> Finding:
    """Return a check that failed."""
    return Finding(check, Status.FAILED, adapt_message(message), advice, error)


def skipped(check: str, message: str) -> Finding:
    """Return a check that wasn't made."""
    return Finding(check, Status.SKIPPED, message)
