"""The rules for retries, without side effects, and the budget that prevents retry storms."""

import logging
import math
import re
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Literal

import attrs

from . import _setting_values as values
from ._clock import parse_http_date

__all__ = [
    "Budget",
    "Failure",
    "RetryPolicy",
    "compute_backoff",
    "exceeds_max_retry_after",
    "may_retry",
    "parse_retry_after",
    "wait_before_retry",
]

_logger = logging.getLogger("nexport_campus")
_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504, *range(520, 525)})
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


@attrs.frozen
class RetryPolicy:
    """How often and how long a call is attempted. All durations are in seconds.

    `max_attempts`: the maximum number of requests, including the first. `initial_delay`, `max_delay`: the wait before
    attempt n is random between 0 and `initial_delay * 2**(n - 2)`, at most `max_delay` (full jitter).
    `max_retry_after`: the longest `Retry-After` to wait for; beyond it the error is raised at once. `total_timeout`:
    the limit for all attempts and waits of a call together, or None. Raises ConfigurationError for invalid values.
    """

    max_attempts: int = 4
    initial_delay: float = 0.5
    max_delay: float = 8.0
    max_retry_after: float = 60.0
    total_timeout: float | None = None

    def __attrs_post_init__(self) -> None:
        checked: dict[str, float | None] = {
            "max_attempts": values.check_whole("RetryPolicy: max_attempts", self.max_attempts),
            "total_timeout": None
            if self.total_timeout is None
            else values.check_positive("RetryPolicy: total_timeout", self.total_timeout, "seconds"),
        }
        for name in ("initial_delay", "max_delay", "max_retry_after"):
            checked[name] = values.check_seconds(f"RetryPolicy: {name}", getattr(self, name))
        for name, value in checked.items():
            object.__setattr__(self, name, value)


class Failure(Enum):
    """How an attempt failed, as far as it matters for a retry."""

    NOT_SENT = auto()
    """The request provably never reached the server: refused, connect timeout, no free connection."""
    NO_RESPONSE = auto()
    """The request may have reached the server, but no usable response arrived."""
    STATUS = auto()
    """A response with a status and without an error entity."""
    PROCESSED = auto()
    """A response with an error entity, or an unreadable one: the server has processed the request."""


def may_retry(effect: Literal["read", "write"], failure: Failure, status: int | None) -> bool:
    """Return whether to retry a failed attempt, by the operation's effect (never by its HTTP method)."""
    if failure is Failure.PROCESSED:
        return False
    if failure is Failure.NOT_SENT or status == 429:
        return True
    if effect == "write":
        return False
    return failure is Failure.NO_RESPONSE or status in _TRANSIENT


def compute_backoff(retry: int, policy: RetryPolicy, jitter: float) -> float:
    """Return the seconds to wait before a retry, counted from 1: `jitter` (0 to 1) times an exponential limit."""
    try:
        longest = policy.initial_delay * 2.0 ** (retry - 1)
    except OverflowError:
        longest = policy.max_delay
    return min(policy.max_delay, longest) * jitter


def wait_before_retry(
    policy: RetryPolicy,
    effect: Literal["read", "write"],
    failure: Failure,
    status: int | None = None,
    *,
    attempt: int,
    retry_after: float | None = None,
    seconds_left: float | None = None,
    jitter: float,
) -> float | None:
    """Return the seconds to wait after a failed attempt before the next one, or None to give up.

    Args:
        policy: How often and how long the call is attempted.
        effect: Whether the operation reads or writes.
        failure: How the attempt failed.
        status: The status of its response, if there was one.
        attempt: The number of the failed attempt, from 1; a replay with a new token doesn't count.
        retry_after: Seconds to wait according to the server, or None.
        seconds_left: The remaining seconds of the call's total time, or None for no limit.
        jitter: A random number from 0 to 1.
    """
    if attempt >= policy.max_attempts or not may_retry(effect, failure, status):
        return None
    if exceeds_max_retry_after(policy, retry_after):
        return None
    wait = compute_backoff(attempt, policy, jitter) if retry_after is None else retry_after
    return wait if seconds_left is None or wait < seconds_left else None


def exceeds_max_retry_after(policy: RetryPolicy, retry_after: float | None) -> bool:
    """Return whether the server requires a longer wait than the policy allows; then the error is raised at once."""
    return retry_after is not None and retry_after > policy.max_retry_after


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return a `Retry-After` header as seconds from now (RFC 9110, 10.2.3), or None if it is invalid.

    Fractions of a second are accepted too. A date in the past means no wait.
    """
    if value is None:
        return None
    seconds = float(value) if _SECONDS.fullmatch(value.strip()) else _compute_seconds_until(value, now)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _compute_seconds_until(value: str, now: datetime | None) -> float:
    date = parse_http_date(value)
    return math.nan if date is None else max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


class Budget:
    """The retries that a client may spend: each costs 5 of 500, each success gives one back (botocore's figures)."""

    CAPACITY = 500
    COST = 5

    def __init__(self) -> None:
        self._left = self.CAPACITY
        self._logged = False

    def spend(self) -> bool:
        """Spend the cost of one retry. Returns False if not enough is left, which is logged once until there is."""
        if self._left < self.COST:
            if not self._logged:
                _logger.info("the retry budget is spent: no call is retried until others succeed")
            self._logged = True
            return False
        self._left -= self.COST
        self._logged = False
        return True

    def refund(self, retries: int = 0) -> None:
        """Refund the cost of a successful call's retries, plus one."""
        self._left = min(self.CAPACITY, self._left + max(1, retries * self.COST))
