"""A writer of Parquet files. It needs pyarrow, from the extra `parquet`."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, BinaryIO, Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow has no type annotations
from pyarrow.parquet import ParquetWriter as GroupWriter  # type: ignore[import-untyped]

from .datasets import Dataset
from .tables import fits

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
        self._kind = dataset
        self._elements = elements
        self._labels = labels
        columns = dataset.columns(elements).items()
        self._schema = pa.schema([(name, _type(cls, labels=labels)) for name, cls in columns])
        self._writer = GroupWriter(file, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def write(self, records: Sequence[str]) -> None:
        found = (self._kind.from_dict(json.loads(record)) for record in records)
        rows = [self._kind.row(record, self._elements, labels=self._labels) for record in found]
        self._batches.append(self._batch(rows))
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

    def _batch(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        try:
            return pa.RecordBatch.from_pylist(rows, schema=self._schema)
        except (OverflowError, pa.ArrowInvalid):
            widths = {
                field.name: field.type.bit_width for field in self._schema if pa.types.is_integer(field.type)
            }
            for row in rows:
                for name, bits in widths.items():
                    if row[name] is not None and not fits(name, row[name], bits):
                        row[name] = None
            return pa.RecordBatch.from_pylist(rows, schema=self._schema)

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches.clear()


def _type(cls: type, *, labels: bool) -> pa.DataType:
    if labels and issubclass(cls, IntEnum):
        return pa.string()
    return next((arrow for base, arrow in _TYPES if issubclass(cls, base)), pa.string())
