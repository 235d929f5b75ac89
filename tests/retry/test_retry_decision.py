"""The decision whether and when to retry a call, without a client."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ConfigurationError, RetryPolicy
from nexport_campus._retry import Failure, compute_backoff, may_retry, parse_retry_after, wait_before_retry

Effect = Literal["read", "write"]
NOW = datetime(2026, 5, 26, 12, 0, 0, tzinfo=UTC)
TRANSIENT = {408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524}

effects: st.SearchStrategy[Effect] = st.sampled_from(["read", "write"])
failures = st.sampled_from(Failure)
statuses = st.none() | st.integers(100, 599)
jitters = st.floats(0, 1)
seconds = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("failure", "status", "read", "write"),
    [
        (Failure.NOT_SENT, None, True, True),
        (Failure.NO_RESPONSE, None, True, False),
        (Failure.PROCESSED, None, False, False),
        (Failure.PROCESSED, 200, False, False),
        (Failure.PROCESSED, 429, False, False),
        (Failure.PROCESSED, 503, False, False),
        (Failure.STATUS, 429, True, True),
        *((Failure.STATUS, status, True, False) for status in sorted(TRANSIENT)),
        *(
            (Failure.STATUS, status, False, False)
            for status in range(100, 600)
            if status not in TRANSIENT | {429}
        ),
    ],
)
def test_retryable_failures(failure: Failure, status: int | None, read: bool, write: bool) -> None:
    """Every failure and status, of a reading and of a writing operation, is retried as documented."""
    assert may_retry("read", failure, status) is read
    assert may_retry("write", failure, status) is write


@pytest.mark.parametrize(
    ("retry", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)]
)
def test_the_wait_doubles_up_to_its_bound(retry: int, longest: float) -> None:
    """With maximum jitter the wait is its bound, and with none it is zero."""
    assert compute_backoff(retry, RetryPolicy(), 1.0) == longest
    assert compute_backoff(retry, RetryPolicy(), 0.0) == 0.0


@given(st.integers(1, 10**6), jitters, st.floats(0, 1e300), st.floats(0, 1e300))
def test_jitter_stays_within_its_bounds(retry: int, jitter: float, initial: float, most: float) -> None:
    """Full jitter draws from zero to the exponential bound, never above `max_delay`."""
    wait = compute_backoff(retry, RetryPolicy(initial_delay=initial, max_delay=most), jitter)
    assert 0 <= wait <= most
    assert wait <= initial * 2.0 ** min(retry - 1, 1000) or math.isclose(wait, most * jitter)


@given(effects, failures, statuses, st.integers(1, 9), st.none() | seconds, st.none() | seconds, jitters)
def test_a_call_is_given_up_for_one_of_three_reasons(
    effect: Effect,
    failure: Failure,
    status: int | None,
    attempt: int,
    retry_after: float | None,
    left: float | None,
    jitter: float,
) -> None:
    """A call is given up for its attempts, its kind of failure, or a wait that is too long."""
    policy = RetryPolicy(max_attempts=5)
    wait = wait_before_retry(
        policy,
        effect,
        failure,
        status,
        attempt=attempt,
        retry_after=retry_after,
        seconds_left=left,
        jitter=jitter,
    )
    asked = min(8.0, 0.5 * 2 ** (attempt - 1)) * jitter if retry_after is None else retry_after
    reasons_to_give_up = [
        attempt >= 5,
        not may_retry(effect, failure, status),
        retry_after is not None and retry_after > 60,
        left is not None and asked >= left,
    ]
    assert wait == (None if any(reasons_to_give_up) else asked)


@given(failures, statuses, st.integers(1, 3), jitters)
def test_a_write_is_repeated_only_if_nothing_was_done(
    failure: Failure, status: int | None, attempt: int, jitter: float
) -> None:
    """Whatever else holds, a write that may have been carried out isn't sent again."""
    wait = wait_before_retry(RetryPolicy(), "write", failure, status, attempt=attempt, jitter=jitter)
    refused_before = failure is not Failure.PROCESSED and status == 429
    assert wait is None or failure is Failure.NOT_SENT or refused_before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("007", 7.0),
        ("99999999999", 99999999999.0),
        ("-1", None),
        ("-0", None),
        ("+5", None),
        ("inf", None),
        ("Infinity", None),
        ("nan", None),
        ("9" * 400, None),
        ("1e3", None),
        ("1_000", None),
        ("0x10", None),
        ("٣", None),
        ("", None),
        (" ", None),
        ("soon", None),
        ("5, 6", None),
        ("Tue, 26 May 2026 12:00:30 GMT", 30.0),
        ("Tue, 26 May 2026 14:00:30 +0200", 30.0),
        ("Tuesday, 26-May-26 12:00:30 GMT", 30.0),
        ("Tue May 26 12:00:30 2026", 30.0),
        ("Tue, 26 May 2026 11:59:00 GMT", 0.0),
        ("Tue, 99 May 2026 12:00:30 GMT", None),
        ("Tue, 26 May 99999 12:00:30 GMT", None),
        ("Tue, 26 May 2026 12:00:30 +9999999999", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    """It is seconds or a date; any other value, or a time that is past or infinite, is None."""
    assert parse_retry_after(value, NOW) == expected


@given(st.text(max_size=40))
def test_retry_after_accepts_any_string(value: str) -> None:
    """For any string the result is None or a finite wait."""
    found = parse_retry_after(value, NOW)
    assert found is None or (math.isfinite(found) and found >= 0)


@given(st.integers(-(10**6), 10**8))
def test_retry_after_reads_every_date(offset: int) -> None:
    """It reads every RFC 9110 date, past or future."""
    value = format_datetime(NOW + timedelta(seconds=offset), usegmt=True)
    assert parse_retry_after(value, NOW) == max(0, offset)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_attempts": True},
        {"max_attempts": 2.0},
        {"initial_delay": -1},
        {"initial_delay": math.nan},
        {"max_delay": math.inf},
        {"max_retry_after": "60"},
        {"total_timeout": 0},
        {"total_timeout": math.inf},
    ],
    ids=str,
)
def test_a_policy_that_cannot_work(wrong: dict[str, Any]) -> None:
    """It raises when it is created, with the setting's name."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        RetryPolicy(**wrong)
