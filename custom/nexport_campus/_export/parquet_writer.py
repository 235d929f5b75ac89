"""A writer of Parquet files. It needs pyarrow, from the extra `parquet`."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, BinaryIO, Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow has no type annotations
from pyarrow.parquet import ParquetWriter as GroupWriter  # type: ignore[import-untyped]

from .datasets import Dataset
from .stored_rows import StoredRows
from .tables import check_range

__all__ = ["ParquetWriter"]

_ROWS: Final = 50_000
_TYPES: Final[tuple[tuple[type, pa.DataType], ...]] = (
    (bool, pa.bool_()),
    (IntEnum, pa.int32()),
    (int, pa.int64()),
    (float, pa.float64()),
    (datetime, pa.timestamp("us", tz="UTC")),
)


class ParquetWriter:
    """A writer of typed columns: dates as UTC timestamps, ids as strings, enums as numbers or the vendor's labels.

    Args:
        file: The file to write to.
        dataset: The dataset of the records.
        elements: The CMI elements that have columns.
        labels: Whether enums are written as the vendor's labels.
    """

    def __init__(self, file: BinaryIO, dataset: Dataset, elements: tuple[str, ...], *, labels: bool) -> None:
        self._rows = StoredRows(dataset, elements, labels=labels)
        columns = self._rows.columns.items()
        self._schema = pa.schema([(name, _choose_type(cls, labels=labels)) for name, cls in columns])
        self._writer = GroupWriter(file, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def write(self, records: Sequence[str]) -> None:
        columns = zip(*self._rows.read(records), strict=True)
        arrays = [_make_array(field, values) for field, values in zip(self._schema, columns, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= _ROWS:
            self._write_group()

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._batches:
            self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        """Mark the writer as closed, so that pyarrow doesn't write the footer when the writer is freed."""
        self._writer.is_open = False

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches.clear()


def _choose_type(cls: type, *, labels: bool) -> pa.DataType:
    if labels and issubclass(cls, IntEnum):
        return pa.string()
    return next((arrow for base, arrow in _TYPES if issubclass(cls, base)), pa.string())


def _make_array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Return the array of a column. A number that is too large for it becomes null."""
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.string()).cast(field.type)
    try:
        return pa.array(values, field.type)
    except (OverflowError, pa.ArrowInvalid):
        bits = field.type.bit_width
        kept = [value if value is None or check_range(field.name, value, bits) else None for value in values]
        return pa.array(kept, field.type)
