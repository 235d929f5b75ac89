"""What can be exported: the records, what tells them apart, and how they become rows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import attrs

from nexport_client.types import Model

__all__ = ["DATASETS", "DEFAULT_ELEMENTS", "Dataset", "Record"]

# How a call went, which is no part of a record; and the elements, which have columns of their own.
_NO_COLUMNS: Final = ("api_error_entity_", "cmi_fields")

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
"""How far a learner is, in SCORM 1.2's words and in SCORM 2004's; an attempt has one half of them."""


@attrs.frozen
class Record:
    """A record as it came, and what the campus's answer doesn't repeat of the question: `own`, by column."""

    item: Model
    own: Mapping[str, str | int] = attrs.field(factory=dict)

    def value(self, column: str) -> Any:
        """What it has under a name, its own or the model's."""
        return self.own[column] if column in self.own else getattr(self.item, column)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, with its own columns first."""
        return {**self.own, **self.item.to_dict(), **self.own}


@attrs.frozen(kw_only=True)
class Dataset:
    """One thing that can be exported.

    `name` is what the command line calls it, `table` its table. `own` are the columns that its model lacks. `key` are the
    columns that tell two records apart, whatever else changes. `sorted_by`: the date by which a file is in order.
    `overlap`: how far before the last export the next one begins. `parents`: what has to be asked, one by one.
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
        """The model of its records, imported when first needed."""
        from nexport_campus import models

        found: type[Model] = getattr(models, self.model)
        return found

    def columns(self, elements: tuple[str, ...] = ()) -> dict[str, type]:
        """The columns of its rows and what they hold: its own, the model's, and one for each CMI element."""
        return {**self.own, **self._columns(self.cls.columns()), **dict.fromkeys(elements, str)}

    def row(self, record: Record, elements: tuple[str, ...] = (), *, labels: bool = False) -> dict[str, Any]:
        """A record in these columns; enums by number, or by the vendor's words."""
        row: dict[str, Any] = {**record.own, **self._columns(record.item.to_row(labels=labels))}
        if elements:
            data = {
                field.cmi_element_name: field.cmi_element_value
                for field in record.value("cmi_fields")
                if not field.error_message
            }
            row |= {element: data.get(element) for element in elements}
        return row

    def identity(self, record: Record) -> str:
        """What tells a record apart, as one text."""
        return "/".join(str(record.value(column)) for column in self.key)

    def moment(self, record: Record) -> str:
        """The date by which it has its place in a file, as a text that sorts."""
        date = record.value(self.sorted_by) if self.sorted_by else None
        return _sortable(date) if date is not None else ""

    def from_dict(self, data: dict[str, Any]) -> Record:
        """The record that `Record.to_dict` wrote."""
        own = {column: data.pop(column) for column in self.own}
        return Record(self.cls.from_dict(data), own)

    def _columns(self, columns: dict[str, Any]) -> dict[str, Any]:
        return {name: held for name, held in columns.items() if not name.startswith(_NO_COLUMNS)}


def _sortable(date: datetime) -> str:
    try:
        date = date.astimezone(UTC)
    except OverflowError:  # .NET's first or last date, with an offset
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
    # The spec doesn't promise a session's id. Where it is missing, `session_key` is made of all that a session is.
    # A session that was open when it was read has its end later: the overlap has to hold the longest one.
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
    # A SCO's id is unique in its course; should an answer have several rows of one, `occurrence` counts them.
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
"""Everything that can be exported, by name."""
