"""Where a list of enrollments ends: bounds of filters and of time ranges hold together, and nothing else is left out."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.export.running import make_request, read_rows, run
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus

DAY = timedelta(days=1)


@pytest.mark.parametrize("undated", ["first", "last"])
@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_long_list_is_exported_to_its_end(
    tmp_path: Path, concurrency: int, undated: Literal["first", "last"]
) -> None:
    """Enrollments without a date, and those dated in the future, are exported whichever part of the list has them."""
    server = MovingCampus(clamp=10, undated=undated)
    for number in range(45):
        server.add(START - (50 - number) * DAY)
    for number in range(15):
        server.add(START + number * DAY)
        server.add(None)
    request = make_request("enrollments", str(ORG), per_page=10, concurrency=concurrency)
    async with campus_with(server.respond) as (campus, _):
        await run(campus, request, tmp_path / "e.jsonl")
    rows = read_rows(tmp_path / "e.jsonl")
    assert sorted(row["enrollment_id"] for row in rows) == sorted(map(str, server.records))


EARLY, LATE = START - 30 * DAY, START - 10 * DAY


@pytest.mark.parametrize("first", [EARLY, LATE], ids=["earlier filter", "later filter"])
@pytest.mark.parametrize(
    ("filter_name", "name"),
    [("utc_enrolled_after", "since"), ("utc_enrolled_before", "until"), ("utc_enrolled_before", "both")],
)
async def test_the_stricter_bound_holds(tmp_path: Path, filter_name: str, name: str, first: datetime) -> None:
    """Of a filter by enrollment date and the time range, neither replaces the other."""
    second = LATE if first == EARLY else EARLY
    server = MovingCampus(clamp=10)
    for number in range(40):
        server.add(START - (40 - number) * DAY + timedelta(hours=1))
    given: dict[str, Any] = {"filters": {filter_name: first}, name: second}
    if name == "both":
        given |= {"since": START - 90 * DAY, "until": given.pop("both")}
    async with campus_with(server.respond) as (campus, _):
        await run(campus, make_request("enrollments", str(ORG), **given), tmp_path / "e.jsonl")
    after = filter_name.endswith("_after")
    expected = [
        str(key)
        for key, record in server.records.items()
        if record.enrolled and (record.enrolled > LATE if after else record.enrolled < EARLY)
    ]
    assert [row["enrollment_id"] for row in read_rows(tmp_path / "e.jsonl")] == expected != []
