"""Spans of time and the searches for them: every enrollment that belongs is found, and no other is kept."""

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


def plan(kind: str = "enrollments", **given: Any) -> ExportRequest:
    """A plan of one organization, unless told otherwise."""
    filters = given.pop("filters", {"org_ids": (ORG,)})
    return ExportRequest(dataset=DATASETS[kind], filters=Filters(**filters), **given)


def at(half_seconds: int) -> datetime:
    """An instant, by its distance from the start."""
    return START + timedelta(seconds=half_seconds / 2)


moments = st.integers(-8, 8)
bounds = st.none() | moments.map(at)


@st.composite
def enrollments(draw: st.DrawFn) -> ApiEnrollmentItem:
    """Somebody enrolled, perhaps began, perhaps completed: in this order."""
    enrolled, active, completed = sorted(draw(st.lists(moments, min_size=3, max_size=3)))
    began, ended = draw(st.booleans()), draw(st.booleans())
    return enrollment(
        draw(st.integers(0, 10**6)),
        at(enrolled),
        last_activity_date=at(active) if began else None,
        completion_date=at(completed) if ended else None,
    )


def finds(scan: dict[str, Any], item: ApiEnrollmentItem, *, strict: bool) -> bool:
    """Whether SearchEnrollments finds an enrollment, with or without the instants that bound it."""
    for name, bound in to_arguments(scan).items():
        if not name.startswith("utc_"):
            continue
        _, what, side = name.split("_")
        date = getattr(item, FIELDS[what])
        if date is None or (strict and date == bound) or (date < bound if side == "after" else date > bound):
            return False
    return True


@given(st.lists(enrollments(), max_size=20), bounds, bounds, bounds, st.booleans())
def test_a_span_is_found_whole_and_nothing_else_kept(
    items: list[ApiEnrollmentItem],
    start: datetime | None,
    end: datetime | None,
    before: datetime | None,
    strict: bool,
) -> None:
    """Made, active or completed in the span, edges exact: whether the campus counts the edges in or not."""
    if start and end and start >= end:
        return
    span = TimeRange(start, end)
    filters = {"org_ids": (ORG,)} | ({"utc_enrolled_before": before} if before else {})
    scans = build_queries(plan(filters=filters), span)
    for item in items:
        dates = [getattr(item, name) for name in FIELDS.values() if getattr(item, name)]
        wanted = any(date in span for date in dates)
        if before is not None:
            # At the very instant the campus decides: the filter is the user's own.
            assert item.enrollment_date
            if item.enrollment_date == before:
                continue
            wanted = wanted and item.enrollment_date < before
        kept = any(finds(scan, item, strict=strict) for scan in scans) and is_in_range(item, span)
        assert kept == wanted


def test_doubtful_dates_are_kept() -> None:
    """An enrollment that the campus gives, and whose dates are far from the span, is the campus's word against ours."""
    span = TimeRange(START, START + timedelta(days=1))
    assert is_in_range(enrollment(1, START - timedelta(days=30)), span)
    assert is_in_range(enrollment(1, None), span)
    assert not is_in_range(enrollment(1, START - timedelta(seconds=0.5)), span)


def test_months_of_a_learner() -> None:
    """A backfill is cut at the learner's midnights, and its last month is open where nothing ends it."""
    since = parse_instant("2026-01-15", find_zone("America/Chicago"))
    monthly = plan(since=since, by="month", zone="America/Chicago")
    spans = split_into_ranges(monthly, since, datetime(2026, 3, 10, tzinfo=UTC))
    starts = [span.start.astimezone(UTC).isoformat() for span in spans if span.start]
    assert starts == ["2026-01-15T06:00:00+00:00", "2026-02-01T06:00:00+00:00", "2026-03-01T06:00:00+00:00"]
    assert [span.end for span in spans[:-1]] == [span.start for span in spans[1:]]
    assert spans[-1].end is None
    bounded = plan(since=since, until=datetime(2026, 2, 3, tzinfo=UTC), by="day")
    assert split_into_ranges(bounded, since, START)[-1].end == bounded.until
    assert len(split_into_ranges(bounded, since, START)) == 19


def test_a_span_that_begins_in_the_future() -> None:
    """It is one portion; the campus has nothing for it yet."""
    since = START + timedelta(days=400)
    assert split_into_ranges(plan(since=since, by="month"), since, START) == [TimeRange(since, None)]


def test_long_lists_of_ids_are_parted() -> None:
    """No request names more than 500 ids of a kind; sessions are asked of one organization at a time."""
    users = tuple(UUID(int=number) for number in range(1200))
    scans = build_queries(plan(filters={"org_ids": (ORG,), "user_ids": users}), TimeRange())
    assert [len(scan["user_ids"]) for scan in scans] == [500, 500, 200]
    assert {user for scan in scans for user in scan["user_ids"]} == {str(user) for user in users}
    apart = build_queries(plan("sessions", filters={"org_ids": (ORG, USER)}), TimeRange())
    assert [scan["org_ids"] for scan in apart] == [[str(ORG)], [str(USER)]]


def test_sessions_of_those_who_were_active_later() -> None:
    """Who has a session in a month may have been active after it: the last activity bounds it on one side alone."""
    span = TimeRange(START, START + timedelta(days=31))
    (scan,) = build_queries(plan("sessions"), span)
    assert set(scan) == {"org_ids", "utc_activity_after", "utc_enrolled_before"}


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
def test_plans_that_cannot_work(kind: str, given: dict[str, Any], words: str) -> None:
    """They are refused before anything is sent, with what to do."""
    with pytest.raises(ConfigurationError, match=words):
        plan(kind, **given)


def test_dates_as_people_write_them() -> None:
    """A date is a midnight of the zone, the first instant where clocks skip it; an offset outranks the zone."""
    chicago, beirut = find_zone("America/Chicago"), find_zone("Asia/Beirut")
    assert parse_instant("2026-07-01", chicago).isoformat() == "2026-07-01T05:00:00+00:00"
    assert parse_instant("2022-03-27", beirut).isoformat() == "2022-03-26T22:00:00+00:00"
    assert parse_instant("2026-07-01T12:00:00+02:00", chicago).isoformat() == "2026-07-01T10:00:00+00:00"
