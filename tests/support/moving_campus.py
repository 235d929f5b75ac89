"""A campus of enrollments behind a loopback socket, which changes between any two requests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal
from uuid import UUID

import attrs

from tests.support.scripted_server import Request, Response, error_entity, json_response

__all__ = ["ORG", "OTHER_ORG", "START", "USER", "MovingCampus", "Record"]

ORG, OTHER_ORG, USER = UUID(int=1), UUID(int=2), UUID(int=3)
START = datetime.now(UTC).replace(microsecond=0)
"""The campus's time at first. Its clock is near this machine's, as the clocks of real campuses are."""
_FIELDS = {"enrolled": "enrolled", "activity": "active", "completed": "completed"}


@attrs.define
class Record:
    """An enrollment, as the campus stores it."""

    number: int
    enrolled: datetime | None
    active: datetime | None = None
    completed: datetime | None = None
    org: UUID = ORG
    user: UUID = USER

    @property
    def id(self) -> UUID:
        return UUID(int=1000 + self.number)

    def to_json(self) -> dict[str, Any]:
        dates = {
            "enrollment_date": self.enrolled,
            "last_activity_date": self.active,
            "completion_date": self.completed,
        }
        return {
            "enrollment_id": str(self.id),
            "user_id": str(self.user),
            "result": 1 if self.completed else 0,
            "phase": 2 if self.completed else 1,
            **{name: date.isoformat() if date else None for name, date in dates.items()},
        }


@attrs.define
class MovingCampus:
    """SearchEnrollments over records in memory.

    `now` is the campus's clock, and `date_header` what its responses show of it; None sends no header. `between` is
    called before each request is handled. `inclusive`: whether date filters include the instant itself. `undated`: where
    records without an enrollment date are listed. `clamp`: the largest page. `totals`: whether responses have a total.
    `shift`: how far the dates that filters compare are from those that are shown.
    """

    records: dict[UUID, Record] = attrs.field(factory=dict)
    now: datetime = START
    between: Callable[["MovingCampus"], object] = lambda _: None
    date_header: Callable[[datetime], datetime | None] = lambda now: now
    inclusive: bool = False
    undated: Literal["first", "last"] = "first"
    clamp: int = 1000
    totals: bool = True
    shift: timedelta = timedelta()
    newest_first: bool = False
    searches: list[dict[str, Any]] = attrs.field(factory=list)
    returned: int = 0
    _count: int = attrs.field(default=0, init=False)

    def add(self, enrolled: datetime | None, **fields: Any) -> Record:
        """Add an enrollment."""
        record = Record(self._count, enrolled, **fields)
        self.records[record.id] = record
        self._count += 1
        return record

    async def respond(self, request: Request) -> Response:
        """Handle a request, as a handler of `ScriptedServer`."""
        self.between(self)
        query, body = dict(request.query), request.json
        self.searches.append(body | {"page": int(query["page"])})
        found = self._found(body)
        number, size = int(query["page"]), min(self.clamp, max(1, int(query["per_page"])))
        items = found[(number - 1) * size : number * size]
        self.returned += len(items)
        response = {"enrollments": [record.to_json() for record in items], "page": number, "page_size": size}
        response |= {"total_count": len(found) if self.totals else None} | error_entity()
        shown = self.date_header(self.now)
        headers = (
            {} if shown is None else {"Date": format_datetime(shown.replace(microsecond=0), usegmt=True)}
        )
        return json_response(response, headers=headers)

    def _found(self, body: dict[str, Any]) -> list[Record]:
        found = [record for record in self.records.values() if all(self._conditions(record, body))]
        found.sort(key=self._order, reverse=self.newest_first)
        return found

    def _order(self, record: Record) -> tuple[int, datetime, int]:
        place = -1 if self.undated == "first" else 1
        # Numbers that ascend aren't the only order of equal dates.
        tie = record.number * 7919 % 10007
        return (0, record.enrolled, tie) if record.enrolled else (place, START, tie)

    def _conditions(self, record: Record, body: dict[str, Any]) -> Iterator[bool]:
        for name, held in (("org_ids", record.org), ("user_ids", record.user), ("enrollment_ids", record.id)):
            if body.get(name):
                yield str(held) in body[name]
        for name, bound in body.items():
            if name.startswith("utc_"):
                _, what, side = name.split("_")
                yield self._is_within(getattr(record, _FIELDS[what]), datetime.fromisoformat(bound), side)

    def _is_within(self, date: datetime | None, bound: datetime, side: str) -> bool:
        if date is None:
            return False
        date += self.shift
        if date == bound:
            return self.inclusive
        return date > bound if side == "after" else date < bound
