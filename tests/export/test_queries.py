"""Time ranges and the searches for them: every matching enrollment is found, and no other is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ConfigurationError
from nexport_campus._export.datasets import DATASETS
from nexport_campus._export.queries import (
    TimeRange,
    build_queries,
    get_enrollment_bound,
    is_in_range,
    split_into_ranges,
    to_arguments,
)
from nexport_campus._export.request import ExportRequest, Filters, find_zone, parse_instant
from nexport_campus.models import ApiEnrollmentItem
from tests.export.lists import enrollment

ORG, USER = UUID(int=1), UUID(int=2)
START = datetime(2026, 3, 1, tzinfo=UTC)
FIELDS = {"enrolled": "enrollment_date", "activity": "last_activity_date", "completed": "completion_date"}


def make_request(kind: str = "enrollments", **given: Any) -> ExportRequest:
    """Return a request for one organization by default."""
    filters = given.pop("filters", {"org_ids": (ORG,)})
    return ExportRequest(dataset=DATASETS[kind], filters=Filters(**filters), **given)


def at(half_seconds: int) -> datetime:
    """Return an instant, by its distance from the start."""
    return START + timedelta(seconds=half_seconds / 2)


moments = st.integers(-8, 8)
bounds = st.none() | moments.map(at)


@st.composite
def enrollments(draw: st.DrawFn) -> ApiEnrollmentItem:
    """Draw an enrollment with an enrollment date and perhaps later dates of activity and completion."""
    enrolled, active, completed = sorted(draw(st.lists(moments, min_size=3, max_size=3)))
    began, ended = draw(st.booleans()), draw(st.booleans())
    return enrollment(
        draw(st.integers(0, 10**6)),
        at(enrolled),
        last_activity_date=at(active) if began else None,
        completion_date=at(completed) if ended else None,
    )


def finds(query: dict[str, Any], item: ApiEnrollmentItem, *, strict: bool) -> bool:
    """Return whether SearchEnrollments finds an enrollment, with or without the bounds themselves."""
    for name, bound in to_arguments(query).items():
        if not name.startswith("utc_"):
            continue
        _, what, side = name.split("_")
        date = getattr(item, FIELDS[what])
        if date is None or (strict and date == bound) or (date < bound if side == "after" else date > bound):
            return False
    return True


@given(st.lists(enrollments(), max_size=20), bounds, bounds, bounds, st.booleans())
def test_a_time_range_is_complete_and_exact(
    items: list[ApiEnrollmentItem],
    start: datetime | None,
    end: datetime | None,
    before: datetime | None,
    strict: bool,
) -> None:
    """Exactly the enrollments created, active or completed in the range are kept, for either rule about bounds."""
    if start and end and start >= end:
        return
    time_range = TimeRange(start, end)
    filters = {"org_ids": (ORG,)} | ({"utc_enrolled_before": before} if before else {})
    queries = build_queries(make_request(filters=filters), time_range)
    for item in items:
        dates = [getattr(item, name) for name in FIELDS.values() if getattr(item, name)]
        wanted = any(date in time_range for date in dates)
        if before is not None:
            # At the bound itself the campus decides, because the filter is the user's.
            assert item.enrollment_date
            if item.enrollment_date == before:
                continue
            wanted = wanted and item.enrollment_date < before
        kept = any(finds(query, item, strict=strict) for query in queries) and is_in_range(item, time_range)
        ends = get_enrollment_bound(make_request(), time_range)
        if ends is not None:
            assert item.enrollment_date
            kept = kept and item.enrollment_date < ends
        assert kept == wanted


def test_doubtful_dates_are_kept() -> None:
    """An enrollment that the campus returns is kept, even if its dates are far from the range."""
    time_range = TimeRange(START, START + timedelta(days=1))
    assert is_in_range(enrollment(1, START - timedelta(days=30)), time_range)
    assert is_in_range(enrollment(1, None), time_range)
    assert not is_in_range(enrollment(1, START - timedelta(seconds=0.5)), time_range)


def test_months_of_a_learner() -> None:
    """A backfill is cut at midnight in the learner's zone, and without an end its last month is open."""
    since = parse_instant("2026-01-15", find_zone("America/Chicago"))
    monthly = make_request(since=since, by="month", zone="America/Chicago")
    ranges = split_into_ranges(monthly, since, datetime(2026, 3, 10, tzinfo=UTC))
    starts = [time_range.start.astimezone(UTC).isoformat() for time_range in ranges if time_range.start]
    assert starts == ["2026-01-15T06:00:00+00:00", "2026-02-01T06:00:00+00:00", "2026-03-01T06:00:00+00:00"]
    assert [time_range.end for time_range in ranges[:-1]] == [time_range.start for time_range in ranges[1:]]
    assert ranges[-1].end is None
    bounded = make_request(since=since, until=datetime(2026, 2, 3, tzinfo=UTC), by="day")
    assert split_into_ranges(bounded, since, START)[-1].end == bounded.until
    assert len(split_into_ranges(bounded, since, START)) == 19


def test_a_time_range_in_the_future() -> None:
    """A range in the future is one portion."""
    since = START + timedelta(days=400)
    assert split_into_ranges(make_request(since=since, by="month"), since, START) == [TimeRange(since, None)]


def test_long_lists_of_ids_are_split() -> None:
    """No request has more than 500 ids of a kind; sessions are requested per organization."""
    users = tuple(UUID(int=number) for number in range(1200))
    queries = build_queries(make_request(filters={"org_ids": (ORG,), "user_ids": users}), TimeRange())
    assert [len(query["user_ids"]) for query in queries] == [500, 500, 200]
    assert {user for query in queries for user in query["user_ids"]} == {str(user) for user in users}
    apart = build_queries(make_request("sessions", filters={"org_ids": (ORG, USER)}), TimeRange())
    assert [query["org_ids"] for query in apart] == [[str(ORG)], [str(USER)]]


def test_sessions_of_those_who_were_active_later() -> None:
    """A user with a session in a month may have been active after it, so the last activity has a lower bound only.

    The enrollment date ends the query but doesn't filter it, which would exclude enrollments without one.
    """
    time_range = TimeRange(START, START + timedelta(days=31))
    (query,) = build_queries(make_request("sessions"), time_range)
    assert set(query) == {"org_ids", "utc_activity_after"}
    assert get_enrollment_bound(make_request("sessions"), time_range) == time_range.end


def test_no_bound_on_the_enrollment_date_is_added() -> None:
    """Queries by activity and completion have none, so that enrollments without a date are exported when they change."""
    queries = build_queries(make_request(), TimeRange(START, START + timedelta(days=31)))
    assert [{name.split("_")[1] for name in query if name.startswith("utc_")} for query in queries] == [
        {"enrolled"},
        {"activity"},
        {"completed"},
    ]


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("enrollments", {"filters": {}}, "--org or --user is needed"),
        ("enrollments", {"filters": {"enrollment_ids": (USER,)}}, "--org or --user is needed"),
        ("sessions", {"filters": {"user_ids": (USER,)}}, "--org is needed"),
        (
            "scorm-data",
            {"filters": {"enrollment_ids": (USER,)}, "since": "last"},
            "can be combined with other filters",
        ),
        ("enrollments", {"since": START, "until": START}, "later than --since"),
        ("enrollments", {"since": datetime(1, 1, 1, tzinfo=UTC)}, "--since must be a date from 1900"),
        ("enrollments", {"until": datetime(9999, 1, 1, tzinfo=UTC)}, "--until must be a date from 1900"),
        ("enrollments", {"by": "month"}, "--by-month needs --since"),
        ("enrollments", {"zone": "Mars/Olympus"}, "unknown time zone 'Mars/Olympus'"),
    ],
)
def test_invalid_requests_are_refused(kind: str, given: dict[str, Any], words: str) -> None:
    """Invalid options are refused with advice before anything is sent."""
    with pytest.raises(ConfigurationError, match=words):
        make_request(kind, **given)


def test_dates_without_a_time() -> None:
    """A date is midnight in the zone, or the first instant where clocks skip it; an offset wins over the zone."""
    chicago, beirut = find_zone("America/Chicago"), find_zone("Asia/Beirut")
    assert parse_instant("2026-07-01", chicago).isoformat() == "2026-07-01T05:00:00+00:00"
    assert parse_instant("2022-03-27", beirut).isoformat() == "2022-03-26T22:00:00+00:00"
    assert parse_instant("2026-07-01T12:00:00+02:00", chicago).isoformat() == "2026-07-01T10:00:00+00:00"
