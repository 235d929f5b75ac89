"""The arguments of the change feed, checked before anything is sent."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from nexport_campus._calling.arguments import check_page_arguments, read_uuids
from nexport_campus._errors import ArgumentError
from nexport_campus._inputs import describe, find_zone_problem
from nexport_client.api.learning_api.learning_api_search_enrollments import OPERATION

__all__ = ["FeedArguments", "check_org_and_user_ids"]


@attrs.frozen(kw_only=True)
class FeedArguments:
    """The arguments of `NexportCampus.enrollment_changes`. `filters` holds its ids as arguments of SearchEnrollments."""

    filters: dict[str, list[UUID]]
    since: datetime | None
    cursor: str | None
    until: datetime | None
    overlap: timedelta
    poll_interval: timedelta | None
    per_page: int | None

    @classmethod
    def check(cls, *, org_ids: object, user_ids: object, per_page: object, **rest: Any) -> "FeedArguments":
        """Return the arguments. Raises ArgumentError, which names one that is wrong."""
        filters = check_org_and_user_ids(org_ids, user_ids)
        _, size = check_page_arguments(OPERATION, 1, per_page)
        return cls(filters=filters, per_page=size, **rest)

    def __attrs_post_init__(self) -> None:
        for name in ("since", "until"):
            _check_instant(name, getattr(self, name))
        if self.cursor is not None and not isinstance(self.cursor, str):
            raise _make_error("cursor", f"must be a string, got {describe(self.cursor)}")
        if self.since is not None and self.cursor is not None:
            raise _make_error("since", "can't be combined with cursor, which says where to start")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise _make_error("until", "must be later than since")
        self._check_durations()

    def _check_durations(self) -> None:
        if not isinstance(self.overlap, timedelta):
            raise _make_error("overlap", f"must be a timedelta, got {describe(self.overlap)}")
        if self.overlap < timedelta():
            raise _make_error("overlap", "must not be negative")
        if self.poll_interval is None:
            return
        if not isinstance(self.poll_interval, timedelta):
            raise _make_error("poll_interval", f"must be a timedelta, got {describe(self.poll_interval)}")
        if self.poll_interval <= timedelta():
            raise _make_error("poll_interval", "must be positive")
        if self.until is not None:
            raise _make_error("poll_interval", "can't be combined with until, at which the feed ends")


def check_org_and_user_ids(org_ids: object, user_ids: object) -> dict[str, list[UUID]]:
    """Return the ids of organizations and users, each once, as arguments of SearchEnrollments. Raises ArgumentError."""
    given = {"org_ids": org_ids, "user_ids": user_ids}
    filters = {
        name: list(dict.fromkeys(read_uuids(name, ids))) for name, ids in given.items() if ids is not None
    }
    for name, ids in filters.items():
        if not ids:
            raise _make_error(
                name,
                "must not be empty: the campus ignores an empty filter and would return everybody's records",
            )
    if not filters:
        raise _make_error(
            "org_ids", "or user_ids is needed: the campus lists enrollments only by either of them"
        )
    return filters


def _check_instant(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, datetime):
        raise _make_error(name, f"must be a datetime, got {describe(value)}")
    problem = find_zone_problem(value)
    if problem is not None:
        raise _make_error(name, problem)


def _make_error(name: str, reason: str) -> ArgumentError:
    return ArgumentError(f"{name} {reason}; nothing was sent", argument=name)
