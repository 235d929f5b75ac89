"""The tables that are loaded: their columns with dlt's types, and their rows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import attrs
from dlt.common.data_types import TDataType
from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns

from nexport_campus._export.datasets import DATASETS, DEFAULT_ELEMENTS, Dataset, Record
from nexport_campus._export.tables import check_range

__all__ = ["TABLES", "ResourceTable", "RowWriter", "UnknownFields"]

UnknownFields = Literal["json", "columns"]

_FETCHED_AT: Final = "fetched_at"
_ADDITIONAL: Final = "additional_properties"
_TYPES: Final[tuple[tuple[type, TDataType], ...]] = (
    (bool, "bool"),
    (int, "bigint"),  # enums, too, as their numbers
    (float, "double"),
    (datetime, "timestamp"),
)


@attrs.frozen
class ResourceTable:
    """A table of the warehouse.

    `dataset`: its records, key and columns. `elements`: the CMI elements that have a column each. `per_page`: the page
    size of the requests; None takes the SDK's default.
    """

    dataset: Dataset
    elements: tuple[str, ...] = ()
    per_page: int | None = None

    @property
    def key(self) -> list[str]:
        """The columns of the primary key."""
        return list(self.dataset.key)

    def columns(self) -> TTableSchemaColumns:
        """Return all columns with their types, so that dlt infers none; only keys are never null."""
        columns: TTableSchemaColumns = {
            name: {"data_type": _choose_data_type(name, cls), "nullable": name not in self.dataset.key}
            for name, cls in self.dataset.columns(self.elements).items()
        }
        # Of several copies of a record in one run, the one that was read last is kept.
        fetched: TColumnSchema = {"data_type": "timestamp", "nullable": False, "dedup_sort": "desc"}
        return {**columns, _FETCHED_AT: fetched}


class RowWriter:
    """Turns the records of one run into rows.

    Args:
        table: The table.
        unknown_fields: Where fields go that the specification does not have: into one JSON column, or into columns.
    """

    def __init__(self, table: ResourceTable, unknown_fields: UnknownFields = "json") -> None:
        self._table = table
        self._flat = unknown_fields == "columns"
        self._whole_numbers = [
            name for name, column in table.columns().items() if column["data_type"] == "bigint"
        ]
        self._fetched_at = datetime.min.replace(tzinfo=UTC)

    def rows(self, records: list[Record]) -> list[dict[str, Any]]:
        """Return the rows of records that were fetched together. They are newer than all earlier ones."""
        self._fetched_at = max(datetime.now(UTC), self._fetched_at + timedelta(microseconds=1))
        return [self._row(record) for record in records]

    def _row(self, record: Record) -> dict[str, Any]:
        row: dict[str, Any] = _replace_nul(self._table.dataset.make_row(record, self._table.elements))
        for name in self._whole_numbers:
            if row[name] is not None and not check_range(name, row[name], 64):
                row[name] = None
        unknown: dict[str, Any] = _replace_nul(dict(record.item.additional_properties))
        row[_ADDITIONAL] = None if self._flat else unknown or None
        row[_FETCHED_AT] = self._fetched_at
        return unknown | row if self._flat else row


def _replace_nul(value: Any) -> Any:
    """Return a JSON value with U+FFFD for every NUL, which PostgreSQL can't store."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if "\x00" in value else value
    if isinstance(value, dict):
        return {name: _replace_nul(each) for name, each in value.items()}
    return [_replace_nul(each) for each in value] if isinstance(value, list) else value


def _choose_data_type(name: str, cls: type) -> TDataType:
    if name == _ADDITIONAL:
        return "json"
    return next((data_type for base, data_type in _TYPES if issubclass(cls, base)), "text")


def _make_reference_dataset(name: str, model: str) -> Dataset:
    """Return the dataset of records that enrollments refer to."""
    return Dataset(name=name, table=name, model=model, key=("syllabus_id",), sorted_by=None)


TABLES: Final[Mapping[str, ResourceTable]] = {
    "enrollments": ResourceTable(DATASETS["enrollments"]),
    "assignment_statuses": ResourceTable(DATASETS["assignment-statuses"]),
    "sessions": ResourceTable(DATASETS["sessions"]),
    "scorm_data": ResourceTable(DATASETS["scorm-data"], DEFAULT_ELEMENTS),
    "sections": ResourceTable(_make_reference_dataset("sections", "SectionResponse")),
    "training_plans": ResourceTable(_make_reference_dataset("training_plans", "TrainingPlanResponse")),
    "catalogs": ResourceTable(
        Dataset(
            name="catalogs",
            table="catalogs",
            model="CatalogResponseItem",
            key=("group_id", "catalog_id"),
            sorted_by=None,
            own={"group_id": str},
        )
    ),
}
"""All tables by the name of their resource."""
