"""What one export is to do: said once, checked, and remembered with what came of it."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
from dateutil.tz import resolve_imaginary

from nexport_campus._errors import ConfigurationError

from .datasets import Dataset

__all__ = [
    "DATE_FILTERS",
    "FIRST_YEAR",
    "ID_FILTERS",
    "LAST",
    "ExportRequest",
    "Filters",
    "find_zone",
    "parse_instant",
]

LAST: Final = "last"
"""`since` the last export into the same target."""

FIRST_YEAR: Final = 1900
"""The first year that a date can have; .NET's unset date is in the year 1."""

_LAST_YEAR: Final = 9998
ID_FILTERS: Final = ("org_ids", "user_ids", "enrollment_ids", "syllabus_ids", "syllabus_unique_names")
DATE_FILTERS: Final = tuple(
    f"utc_{what}_{side}" for what in ("enrolled", "activity", "completed") for side in ("after", "before")
)


@attrs.frozen(kw_only=True)
class Filters:
    """Which enrollments: the arguments of SearchEnrollments under the vendor's names; an empty list filters nothing."""

    org_ids: tuple[UUID, ...] = ()
    user_ids: tuple[UUID, ...] = ()
    enrollment_ids: tuple[UUID, ...] = ()
    syllabus_ids: tuple[UUID, ...] = ()
    syllabus_unique_names: tuple[str, ...] = ()
    utc_enrolled_after: datetime | None = None
    utc_enrolled_before: datetime | None = None
    utc_activity_after: datetime | None = None
    utc_activity_before: datetime | None = None
    utc_completed_after: datetime | None = None
    utc_completed_before: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Those that are set, as JSON: lists in an order of their own, dates in UTC."""
        ids = {name: sorted({str(each) for each in getattr(self, name)}) for name in ID_FILTERS}
        dates = {name: getattr(self, name) for name in DATE_FILTERS}
        kept: dict[str, Any] = {name: value for name, value in ids.items() if value}
        return kept | {name: date.astimezone(UTC).isoformat() for name, date in dates.items() if date}


@attrs.frozen(kw_only=True)
class ExportRequest:
    """An export: what of, which, since and until when, in which portions.

    Args:
        kind: What is exported.
        filters: Which enrollments, or whose enrollments' records.
        address: Of which campus.
        since: What changed from then on, or since the last export (`LAST`); None is everything.
        until: What changed before; None is no end.
        overlap: How far before the last export `LAST` begins; None is the kind's own.
        by: Portions of a month or a day, each finished before the next.
        zone: Whose months and days.
        elements: The CMI elements of SCORM data.
        per_page: Records a page; None leaves it to the SDK.
        concurrency: Calls at a time.

    Raises:
        ConfigurationError: It can't be done; nothing was sent.
    """

    dataset: Dataset
    filters: Filters
    address: str = ""
    since: datetime | Literal["last"] | None = None
    until: datetime | None = None
    overlap: timedelta | None = None
    by: Literal["month", "day"] | None = None
    zone: str = "UTC"
    elements: tuple[str, ...] = ()
    per_page: int | None = None
    concurrency: int = 8

    def __attrs_post_init__(self) -> None:
        self._check_filters()
        self._check_span()
        self._check_elements()

    @property
    def by_enrollment_ids(self) -> bool:
        """Whether the parents are named one by one, so that there is nothing to search for."""
        named = self.filters.enrollment_ids and not (self.filters.org_ids or self.filters.user_ids)
        return bool(named) and self.dataset.parents == "enrollments"

    def scope(self) -> dict[str, Any]:
        """What two runs must have in common to go into one target."""
        elements = {"elements": list(self.elements)} if self.elements else {}
        campus = self.address.rstrip("/").lower()
        return {"campus": campus, "kind": self.dataset.name, **self.filters.to_dict(), **elements}

    def span(self) -> dict[str, Any]:
        """What a run that was cut short must have in common with the one that finishes it."""
        since = self.since.isoformat() if isinstance(self.since, datetime) else self.since
        until = self.until.isoformat() if self.until else None
        return {"since": since, "until": until, "by": self.by, "zone": self.zone if self.by else None}

    def _check_filters(self) -> None:
        filters = self.filters
        if self.by_enrollment_ids:
            if set(filters.to_dict()) != {"enrollment_ids"} or self.since or self.until:
                raise ConfigurationError(
                    "--enrollment alone names all that is asked for; other filters and dates need --org or --user"
                )
        elif self.dataset.parents == "users" and not filters.org_ids:
            raise ConfigurationError(
                "--org is needed: the campus tells sessions by user and organization alone"
            )
        elif not (filters.org_ids or filters.user_ids):
            raise ConfigurationError(
                "--org or --user is needed: the campus lists enrollments of certain organizations or users alone"
            )

    def _check_span(self) -> None:
        for name, date in (("--since", self.since), ("--until", self.until)):
            if isinstance(date, datetime) and not FIRST_YEAR <= date.year <= _LAST_YEAR:
                raise ConfigurationError(f"{name} must be a date from {FIRST_YEAR} to {_LAST_YEAR}")
        if isinstance(self.since, datetime) and self.until and not self.since < self.until:
            raise ConfigurationError("--until must be later than --since")
        if self.by and self.since is None:
            raise ConfigurationError(f"--by-{self.by} needs --since, where the first {self.by} begins")
        find_zone(self.zone)

    def _check_elements(self) -> None:
        """Refuse elements that can't be columns; SQL and many data frames ignore case in names."""
        columns = {column.casefold(): column for column in self.dataset.columns()} if self.elements else {}
        elements: dict[str, str] = {}
        for element in self.elements:
            if not element.strip() or not element.isprintable():
                raise ConfigurationError(
                    f"--element {element!r} is no name of a CMI element, such as cmi.core.exit"
                )
            folded = element.casefold()
            if folded in columns:
                raise ConfigurationError(
                    f"--element {element}: {self.dataset.name} has a column {columns[folded]} already"
                )
            if elements.setdefault(folded, element) != element:
                raise ConfigurationError(
                    f"--element {element} differs from --element {elements[folded]} in case only"
                )


def find_zone(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises ConfigurationError."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ConfigurationError(
            f"--zone: there is no time zone {name!r}; they have IANA names, such as America/Chicago"
        ) from None


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """An ISO 8601 date, with or without a time; without an offset it is of that zone. Raises ValueError."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = resolve_imaginary(read.replace(tzinfo=zone))
    return read.astimezone(UTC)
