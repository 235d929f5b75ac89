"""The datasets that can be exported: their records, keys and columns."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import attrs

from nexport_client.types import Model

__all__ = ["DATASETS", "DEFAULT_ELEMENTS", "Dataset", "Record"]

# The error entity isn't part of the record, and each CMI element has a separate column.
_EXCLUDED_COLUMNS: Final = ("api_error_entity_", "cmi_fields")

DEFAULT_ELEMENTS: Final = (
    "cmi.core.lesson_status",
    "cmi.core.score.raw",
    "cmi.core.lesson_location",
    "cmi.core.exit",
    "cmi.core.total_time",
    "cmi.completion_status",
    "cmi.success_status",
    "cmi.score.raw",
    "cmi.score.scaled",
    "cmi.location",
    "cmi.exit",
    "cmi.total_time",
)
"""The elements for a learner's progress in SCORM 1.2 and SCORM 2004; an attempt has those of one version."""


@attrs.frozen
class Record:
    """A record of the campus, with `own`: values for columns that its model lacks, such as arguments of the request."""

    item: Model
    own: Mapping[str, str | int] = attrs.field(factory=dict)

    def get_value(self, column: str) -> Any:
        """Return the value of a column, from `own` or the model."""
        return self.own[column] if column in self.own else getattr(self.item, column)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON, with the `own` columns first."""
        return {**self.own, **self.item.to_dict(), **self.own}


@attrs.frozen(kw_only=True)
class Dataset:
    """A dataset that can be exported.

    `name`: its name on the command line. `table`: its table in SQLite. `own`: the columns that its model lacks. `key`: the
    columns that identify a record. `sorted_by`: the date by which files are sorted. `overlap`: how far before the end of
    the last export the next one starts. `parents`: the parents whose records are fetched one by one, if any.
    `parent_columns`: the columns that identify a record's parent, and their names in `Parent.ids`.
    """

    name: str
    table: str
    model: str
    key: tuple[str, ...]
    sorted_by: str | None
    overlap: timedelta = timedelta(hours=1)
    own: Mapping[str, type] = attrs.field(factory=dict)
    parents: Literal["enrollments", "users"] | None = None
    parent_columns: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def cls(self) -> type[Model]:
        """The model of its records, imported on first use."""
        from nexport_campus import models

        found: type[Model] = getattr(models, self.model)
        return found

    def columns(self, elements: tuple[str, ...] = ()) -> dict[str, type]:
        """Return the columns of its rows with their types: `own`, the model's, and one for each CMI element."""
        return {**self.own, **self._columns(self.cls.columns()), **dict.fromkeys(elements, str)}

    def make_row(
        self, record: Record, elements: tuple[str, ...] = (), *, labels: bool = False
    ) -> dict[str, Any]:
        """Return a record as a row of these columns, with enums as numbers or as the vendor's labels."""
        row: dict[str, Any] = {**record.own, **self._columns(record.item.to_row(labels=labels))}
        if elements:
            data = {
                field.cmi_element_name: field.cmi_element_value
                for field in record.get_value("cmi_fields")
                if not field.error_message
            }
            row |= {element: data.get(element) for element in elements}
        return row

    def get_identity(self, record: Record) -> str:
        """Return the key of a record as one string."""
        return "/".join(str(record.get_value(column)) for column in self.key)

    def get_moment(self, record: Record) -> str:
        """Return the date that a record is sorted by, as a sortable string, or "" without one."""
        date = record.get_value(self.sorted_by) if self.sorted_by else None
        return _to_sortable(date) if date is not None else ""

    def from_dict(self, data: dict[str, Any]) -> Record:
        """Return a record from the output of `Record.to_dict`."""
        own = {column: data.pop(column) for column in self.own}
        return Record(self.cls.from_dict(data), own)

    def _columns(self, columns: dict[str, Any]) -> dict[str, Any]:
        return {name: held for name, held in columns.items() if not name.startswith(_EXCLUDED_COLUMNS)}


def _to_sortable(date: datetime) -> str:
    try:
        date = date.astimezone(UTC)
    except OverflowError:  # .NET's minimum or maximum date with an offset
        date = date.replace(tzinfo=UTC)
    return date.isoformat(timespec="microseconds")


_ALL = (
    Dataset(
        name="enrollments",
        table="enrollments",
        model="ApiEnrollmentItem",
        key=("enrollment_id",),
        sorted_by="enrollment_date",
    ),
    Dataset(
        name="assignment-statuses",
        table="assignment_statuses",
        model="AssignmentStatusResponseItem",
        key=("assignment_status_id",),
        sorted_by="utc_creation_date",
        parents="enrollments",
        parent_columns={"enrollment_id": "enrollment_id"},
    ),
    # The specification doesn't require a session's id; without one, `session_key` is made of the other fields.
    # The end of a session that was open when it was fetched is set later: the overlap must cover the longest session.
    Dataset(
        name="sessions",
        table="sessions",
        model="AssignmentSession",
        key=("session_key",),
        sorted_by="utc_start",
        overlap=timedelta(days=1),
        own={"session_key": str},
        parents="users",
        parent_columns={"organization_id": "org_id", "user_id": "user_id"},
    ),
    # A SCO's id is unique in its course; `occurrence` distinguishes several rows of one SCO in a response.
    Dataset(
        name="scorm-data",
        table="scorm_data",
        model="GetCmiDataResponseItem",
        key=("enrollment_id", "assignment_id", "sco_id", "occurrence"),
        sorted_by=None,
        own={
            "enrollment_id": UUID,
            "assignment_id": UUID,
            "assignment_status_id": UUID,
            "user_id": UUID,
            "occurrence": int,
        },
        parents="enrollments",
        parent_columns={"enrollment_id": "enrollment_id"},
    ),
)

DATASETS: Final[Mapping[str, Dataset]] = {dataset.name: dataset for dataset in _ALL}
"""All datasets by name."""
