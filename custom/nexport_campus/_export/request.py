"""The validated parameters of an export, which are stored with its result."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
from dateutil.tz import resolve_imaginary

from nexport_campus._changes.searches import ID_FILTERS

from .datasets import Dataset
from .errors import OptionError

__all__ = [
    "DATE_FILTERS",
    "FIRST_YEAR",
    "LAST",
    "ExportRequest",
    "Filters",
    "find_zone",
    "parse_instant",
]

LAST: Final = "last"
"""Value of `since`: continue from the last export into the same target."""

FIRST_YEAR: Final = 1900
"""The earliest year of a valid date; .NET's unset date is in year 1."""

_LAST_YEAR: Final = 9998
DATE_FILTERS: Final = tuple(
    f"utc_{what}_{side}" for what in ("enrolled", "activity", "completed") for side in ("after", "before")
)


@attrs.frozen(kw_only=True)
class Filters:
    """Filters for enrollments: the arguments of SearchEnrollments by their Python names. An empty list doesn't filter."""

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
        """Return the filters that are set as JSON, with sorted lists and dates in UTC."""
        ids = {name: sorted({str(each) for each in getattr(self, name)}) for name in ID_FILTERS}
        dates = {name: getattr(self, name) for name in DATE_FILTERS}
        kept: dict[str, Any] = {name: value for name, value in ids.items() if value}
        return kept | {name: date.astimezone(UTC).isoformat() for name, date in dates.items() if date}


@attrs.frozen(kw_only=True)
class ExportRequest:
    """The parameters of an export.

    Args:
        dataset: The dataset to export.
        filters: Filters for enrollments, or for the enrollments whose records are exported.
        address: The campus's address.
        since: Export only changes since then, or since the last export (`LAST`); None exports everything.
        until: Export only changes before then; None means no end.
        overlap: How far before the end of the last export `LAST` starts; None takes the dataset's default.
        by: Split the export into months or days, each of which is finished before the next.
        zone: The time zone of these months and days.
        elements: The CMI elements of SCORM data to export.
        per_page: Records per page; None takes the SDK's default.
        concurrency: The number of concurrent calls.

    Raises:
        OptionError: The parameters contradict each other or are invalid; nothing was sent.
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
        self._check_bounds()
        self._check_elements()

    @property
    def by_enrollment_ids(self) -> bool:
        """Whether the parents are given by id, so that no query is needed."""
        named = self.filters.enrollment_ids and not (self.filters.org_ids or self.filters.user_ids)
        return bool(named) and self.dataset.parents == "enrollments"

    def get_scope(self) -> dict[str, Any]:
        """Return the parameters that two exports into the same target must share."""
        elements = {"elements": list(self.elements)} if self.elements else {}
        campus = self.address.rstrip("/").lower()
        return {"campus": campus, "kind": self.dataset.name, **self.filters.to_dict(), **elements}

    def get_time_parameters(self) -> dict[str, Any]:
        """Return the parameters, beyond the scope, that an export must share with the one that it resumes."""
        since = self.since.isoformat() if isinstance(self.since, datetime) else self.since
        until = self.until.isoformat() if self.until else None
        return {"since": since, "until": until, "by": self.by, "zone": self.zone if self.by else None}

    def _check_filters(self) -> None:
        filters = self.filters
        if self.by_enrollment_ids:
            if set(filters.to_dict()) != {"enrollment_ids"} or self.since or self.until:
                raise OptionError(
                    "{enrollment_ids} can be combined with other filters and dates only if {org_ids} or {user_ids}"
                    " is given"
                )
        elif self.dataset.parents == "users" and not filters.org_ids:
            raise OptionError("{org_ids} is needed: the campus lists sessions only by user and organization")
        elif not (filters.org_ids or filters.user_ids):
            raise OptionError(
                "{org_ids} or {user_ids} is needed: the campus lists enrollments only by organization or user"
            )

    def _check_bounds(self) -> None:
        for name, date in (("{since}", self.since), ("{until}", self.until)):
            if isinstance(date, datetime) and not FIRST_YEAR <= date.year <= _LAST_YEAR:
                raise OptionError(f"{name} must be a date from {FIRST_YEAR} to {_LAST_YEAR}")
        if isinstance(self.since, datetime) and self.until and not self.since < self.until:
            raise OptionError("{until} must be later than {since}")
        if self.by and self.since is None:
            raise OptionError("--by-{by} needs {since}, where the first {by} begins", by=self.by)
        find_zone(self.zone)

    def _check_elements(self) -> None:
        """Raise OptionError for elements that can't be columns; SQL and many data frames ignore case in names."""
        columns = {column.casefold(): column for column in self.dataset.columns()} if self.elements else {}
        elements: dict[str, str] = {}
        for element in self.elements:
            if not element.strip() or not element.isprintable():
                raise OptionError(
                    "{elements} {element} isn't the name of a CMI element, such as cmi.core.exit",
                    element=repr(element),
                )
            folded = element.casefold()
            if folded in columns:
                raise OptionError(
                    "{elements} {element}: {scorm_data} has a column {column} already",
                    element=element,
                    column=columns[folded],
                )
            if elements.setdefault(folded, element) != element:
                raise OptionError(
                    "{elements} {element} differs from {elements} {other} only in case",
                    element=element,
                    other=elements[folded],
                )


def find_zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name. Raises OptionError."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise OptionError(
            "--zone: unknown time zone {name}: use an IANA name, such as America/Chicago", name=repr(name)
        ) from None


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """Return the instant of an ISO 8601 date or datetime; without an offset it is in that zone. Raises ValueError."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = resolve_imaginary(read.replace(tzinfo=zone))
    return read.astimezone(UTC)
