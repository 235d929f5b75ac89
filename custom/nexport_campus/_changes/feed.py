"""The change feed: runs that find every enrollment that was created or changed since a point in time."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from nexport_campus._clock import Clock
from nexport_client.models import ApiEnrollmentItem, EnrollmentSearchResponse
from nexport_client.results import RawResponse

from .campus_time import estimate_campus_time
from .cursor import Position, decode_cursor, digest_feed, encode_cursor
from .date_walk import DateWalk
from .enrollment_dates import EARLIEST, EDGE, LATEST
from .enrollment_search import EnrollmentSearch, SearchClient
from .feed_arguments import FeedArguments
from .results import ChangeBatch
from .searches import build_change_filters, split_ids

__all__ = ["ChangeFeed"]

_FIRST: Final = EARLIEST + timedelta(days=1)


class ChangeFeed:
    """The feed of one campus and one set of filters.

    Args:
        campus: The client.
        base_url: The campus's address.
        clock: The client's clock.
        arguments: The checked arguments.

    Raises:
        ArgumentError: The cursor can't be read, or belongs to another feed.
    """

    def __init__(self, campus: SearchClient, base_url: str, clock: Clock, arguments: FeedArguments) -> None:
        self._campus = campus
        self._clock = clock
        self._arguments = arguments
        filters = arguments.filters
        self._digest = digest_feed(base_url, filters.get("org_ids", ()), filters.get("user_ids", ()))
        self._until = None if arguments.until is None else min(arguments.until, LATEST)
        self._position = (
            Position(since=arguments.since, until=self._until)
            if arguments.cursor is None
            else decode_cursor(self._digest, arguments.cursor)
        )

    async def batches(self) -> AsyncGenerator[ChangeBatch, None]:
        """Yield the batches of one run or, with `poll_interval`, of one run after the other.

        Raises:
            NexportError: A request failed. The cursor of the last batch resumes.
        """
        interval = self._arguments.poll_interval
        while True:
            run = _Run(self._campus, self._clock, self._arguments, self._begin(self._position))
            while (items := await run.next()) is not None:
                yield self._batch(items, run.position, caught_up=False)
            self._position = run.get_completed() or self._position
            yield self._batch([], self._position, caught_up=True)
            if interval is None:
                return
            await self._clock.sleep(interval.total_seconds())

    def _begin(self, position: Position) -> Position:
        """Return the position at the start of the next run, or the same one if it is within a run."""
        if position.reached is None:
            ends = [end for end in (position.until, self._until) if end is not None]
            return replace(position, until=min(ends, default=None))
        overlap = min(self._arguments.overlap, max(position.reached - _FIRST, timedelta()))
        return Position(since=position.reached - overlap, until=self._until)

    def _batch(self, items: list[ApiEnrollmentItem], position: Position, *, caught_up: bool) -> ChangeBatch:
        return ChangeBatch(items, encode_cursor(self._digest, position), caught_up)


class _Run:
    """One run, from its start or from a position within it.

    The searches run one after another, so that an older copy of an enrollment never follows a newer one.
    """

    def __init__(
        self, campus: SearchClient, clock: Clock, arguments: FeedArguments, position: Position
    ) -> None:
        self.position = position
        self._campus = campus
        self._clock = clock
        self._per_page = arguments.per_page
        self._searches = _build_searches(arguments.filters, position)
        self._walk: DateWalk | None = None
        self._sent = datetime.now(UTC)
        self._sent_at = clock.monotonic()

    async def next(self) -> list[ApiEnrollmentItem] | None:
        """Return the next enrollments, at most a page, or None at the end. `position` then follows them."""
        while self.position.search < len(self._searches):
            self._walk = walk = self._walk or self._begin_search()
            step = await walk.next()
            if step is None or step.last:
                self.position = replace(self.position, search=self.position.search + 1, after=None)
                self._walk = None
            else:
                self.position = replace(self.position, after=step.after)
            if step is not None and (items := self._drop_later(step.items)):
                return items
        return None

    def get_completed(self) -> Position | None:
        """Return the position after the run, or None if it had nothing to search for."""
        started, until = self.position.started, self.position.until
        if started is None:
            return None
        return Position(reached=started if until is None else min(started, until))

    def _begin_search(self) -> DateWalk:
        position = self.position
        search = EnrollmentSearch(
            self._campus, self._searches[position.search], self._per_page, on_response=self._note_start
        )
        return DateWalk(search, position.after, before=self._get_bound(), now=self._get_now)

    def _get_bound(self) -> datetime | None:
        """Return where a walk ends: enrollments that were created later may have been active or completed earlier."""
        return self.position.until if self.position.since is None else None

    def _note_start(self, response: RawResponse[EnrollmentSearchResponse]) -> None:
        """Set the start of the run by the campus's clock, from its first response."""
        if self.position.started is None:
            seconds = self._clock.monotonic() - self._sent_at
            started = estimate_campus_time(response.headers.get("date"), self._sent, seconds)
            self.position = replace(self.position, started=started)

    def _get_now(self) -> datetime:
        return self.position.started or self._sent

    def _drop_later(self, items: list[ApiEnrollmentItem]) -> list[ApiEnrollmentItem]:
        """Return the enrollments without those that were created or changed at or after `until` only."""
        until = self.position.until
        if until is None:
            return items
        return [item for item in items if _find_earliest_change(item, until) < until]


def _build_searches(filters: dict[str, Any], position: Position) -> list[dict[str, Any]]:
    """Return the filters of the searches of a run, always in the same order."""
    since, until = position.since, position.until
    chunks = split_ids(filters)
    if since is None:
        return list(chunks)
    since = max(since, _FIRST)
    if until is not None and since >= until:
        return []
    return [search for chunk in chunks for search in build_change_filters(chunk, since, until)]


def _find_earliest_change(item: ApiEnrollmentItem, until: datetime) -> datetime:
    dates = (item.enrollment_date, item.last_activity_date, item.completion_date)
    return min((date for date in dates if date is not None), default=until - EDGE)
