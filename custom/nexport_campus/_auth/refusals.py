"""Rejections by the campus: logins held back for a while, and calls for which another login would not help."""

from collections.abc import Callable
from typing import NamedTuple

import attrs

from nexport_campus._errors import APIError, AuthenticationError, RateLimitError, ServerError, fresh_copy
from nexport_client.types import Secret

__all__ = ["CallKey", "Denials", "HoldBack", "Refusal", "to_login_refusal"]

_FIRST_SECONDS = 60.0
_LONGEST_SECONDS = 900.0
_REMEMBERED_CALLS = 1024


@attrs.frozen
class HoldBack:
    """A time in which a rejected request is not repeated.

    It lasts 60 seconds after the first rejection and doubles with each further one, up to 15 minutes. `since`: the
    latest rejection, in seconds of a monotonic clock. `refusals`: the number of consecutive rejections.
    """

    since: float
    refusals: int = 1

    @property
    def until(self) -> float:
        """The end, on the same clock."""
        seconds = _FIRST_SECONDS * 2.0 ** min(self.refusals - 1, 10)
        return self.since + min(seconds, _LONGEST_SECONDS)

    def remaining(self, now: float) -> float:
        """Return the remaining seconds, or 0."""
        return max(0.0, self.until - now)

    def extended(self, now: float) -> "HoldBack":
        """Return the hold-back that follows another rejection."""
        return HoldBack(now, self.refusals + 1)


@attrs.frozen
class Refusal:
    """A login that the campus rejected, with the time until the next attempt: campuses lock accounts."""

    reason: AuthenticationError
    hold: HoldBack

    @classmethod
    def of(cls, error: AuthenticationError, former: "Refusal | None", now: float) -> "Refusal":
        """Return the refusal for an error; `former` is the previous one, if any."""
        # A copy, because a traceback would keep the frames of the login in memory.
        return cls(fresh_copy(error), HoldBack(now) if former is None else former.hold.extended(now))

    def error(self, now: float) -> AuthenticationError:
        """Return an error to raise instead of logging in again."""
        error = fresh_copy(self.reason)
        error.retry_after = self.hold.remaining(now)
        return error


def to_login_refusal(error: APIError) -> AuthenticationError | None:
    """Return the rejection of the credentials that a failed login means, or None if it failed for another reason.

    Error codes other than 4 also reject the credentials: if code 3 of a login were passed on, it would mean that the
    caller's record doesn't exist.
    """
    if isinstance(error, AuthenticationError):
        return error
    if not error.error_code or isinstance(error, ServerError | RateLimitError):
        return None
    refusal = AuthenticationError(error.message)
    refusal.__dict__.update(vars(error))
    return refusal


class CallKey(NamedTuple):
    """The identity of a call: its operation, and a hash of everything it sends except the token."""

    operation_id: str
    arguments: int


class Denials:
    """Operations that were rejected with a token that the campus had just issued.

    Such a rejection means a missing permission: another login would not help, and each call would cost one. But the
    token may still be revoked later. So a call that succeeded before is assumed to be permitted, and other calls retry
    when the `HoldBack` is over.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._denied: dict[str, tuple[Secret, HoldBack]] = {}
        self._accepted: dict[CallKey, None] = {}

    def accept(self, call: CallKey) -> None:
        """Record that a call succeeded. The latest 1024 distinct calls are kept."""
        self._accepted.pop(call, None)
        self._accepted[call] = None
        if len(self._accepted) > _REMEMBERED_CALLS:
            del self._accepted[next(iter(self._accepted))]

    def add(self, call: CallKey, token: Secret) -> None:
        """Record that a call was rejected with a fresh token, which counts once for each operation."""
        if call in self._accepted:
            # Its permission was withdrawn, and perhaps others as well, so earlier successes prove nothing any more.
            self._accepted.clear()
        now = self._clock()
        former_token, former = self._denied.get(call.operation_id, (None, None))
        if former_token is token:
            return
        recent = former is not None and now - former.since < 2 * _LONGEST_SECONDS
        self._denied[call.operation_id] = (
            token,
            former.extended(now) if former is not None and recent else HoldBack(now),
        )

    def explain(self, call: CallKey) -> bool:
        """Return whether a rejection of this call means a missing permission rather than a revoked token."""
        if call in self._accepted or call.operation_id not in self._denied:
            return False
        _, hold = self._denied[call.operation_id]
        return hold.remaining(self._clock()) > 0
