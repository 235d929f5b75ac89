"""What may be sent again, and when: a decision without side effects, and the budget that keeps storms small."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Literal

import attrs

from ._errors import ConfigurationError

__all__ = ["Budget", "Failure", "RetryPolicy", "delay_before", "may_retry", "retry_after_seconds"]

_TRANSIENT = frozenset({500, 502, 503, 504})


@attrs.frozen
class RetryPolicy:
    """How often and how long a call is tried. All durations are seconds.

    `max_attempts`: requests at most, the first one included. `initial_delay`, `max_delay`: the wait before attempt n is
    random between 0 and `initial_delay * 2**(n - 2)`, at most `max_delay` (full jitter). `max_retry_after`: the longest
    `Retry-After` that is waited for; beyond it the error is raised at once. `total_timeout`: for all attempts and waits
    of a call together, or None. Raises ConfigurationError for values that can't work.
    """

    max_attempts: int = 4
    initial_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 60.0
    total_timeout: float | None = None

    def __attrs_post_init__(self) -> None:
        if (
            isinstance(self.max_attempts, bool)
            or not isinstance(self.max_attempts, int)
            or self.max_attempts < 1
        ):
            raise ConfigurationError(
                f"RetryPolicy: max_attempts must be a whole number from 1, got {self.max_attempts!r}"
            )
        for name in ("initial_delay", "max_delay", "max_retry_after"):
            _check_seconds(name, getattr(self, name), least=0)
        if self.total_timeout is not None:
            _check_seconds("total_timeout", self.total_timeout, least=math.ulp(0.0))


def _check_seconds(name: str, value: object, *, least: float) -> None:
    finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not (finite and isinstance(value, int | float) and value >= least):
        raise ConfigurationError(
            f"RetryPolicy: {name} must be a finite number of seconds, not negative, got {value!r}"
        )


class Failure(Enum):
    """How an attempt failed, as far as it matters for another one."""

    NOT_SENT = auto()
    """The request provably never reached the server: refused, connect timeout, no free connection."""
    NO_ANSWER = auto()
    """It may have reached the server; no usable answer came."""
    STATUS = auto()
    """An answer with a status and without an error entity."""
    CONSIDERED = auto()
    """An answer with an error entity, or one that can't be read: the server has dealt with the request."""


def may_retry(effect: Literal["read", "write"], failure: Failure, status: int | None) -> bool:
    """Whether a failed attempt may be followed by another, by what the operation does (never by its HTTP method)."""
    if failure is Failure.CONSIDERED:
        return False
    if failure is Failure.NOT_SENT or status == 429:
        return True
    if effect == "write":
        return False
    return failure is Failure.NO_ANSWER or status in _TRANSIENT


def delay_before(
    attempt: int, policy: RetryPolicy, retry_after: float | None, jitter: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait before the attempt of this number (2 is the first retry); None if the server asks for too much."""
    if retry_after is not None:
        return retry_after if retry_after <= policy.max_retry_after else None
    longest = min(policy.max_delay, policy.initial_delay * 2.0 ** min(attempt - 2, 60))
    return longest * jitter()


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """A `Retry-After` header in seconds from now (RFC 9110, 10.2.3: seconds or a date); None for what says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value.strip())
    except ValueError:
        seconds = _seconds_until(value, now or datetime.now(UTC))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(value: str, now: datetime) -> float:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


class Budget:
    """How many retries a client may spend: each costs 5 of 500, each success gives one back (botocore's figures)."""

    CAPACITY = 500
    COST = 5

    def __init__(self) -> None:
        self._left = self.CAPACITY

    def spend(self) -> bool:
        """Take the cost of one retry; False if there isn't enough left."""
        if self._left < self.COST:
            return False
        self._left -= self.COST
        return True

    def refund(self, retries: int = 0) -> None:
        """A call succeeded: give back what its retries cost, and one more."""
        self._left = min(self.CAPACITY, self._left + max(1, retries * self.COST))
