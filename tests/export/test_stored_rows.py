"""Rows read from the state, and files that are left as they are."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportCampus
from nexport_campus._export import completed_rows, parquet_writer
from nexport_campus._export.datasets import DATASETS, Dataset, Record
from nexport_campus._export.request import LAST, ExportRequest
from nexport_campus._export.stored_rows import StoredRows
from nexport_campus._export.tables import to_text
from nexport_campus.sandbox import Samples
from nexport_client.types import fields_of
from tests.export.running import make_request, read_rows, run
from tests.support.clients import campus_with
from tests.support.examples import FEW
from tests.support.moving_campus import ORG, START, MovingCampus

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
ELEMENTS = ("cmi.exit", "cmi.core.score.raw")

dates = st.sampled_from(
    [
        "2026-01-31T08:00:00Z",
        "2026-01-31T08:00:00.25+00:00",
        "2026-01-31T08:00:00.1234567Z",
        "2026-01-31T08:00:00+05:30",
        "2026-01-31T08:00:00",
        "2026-01-31T08:00:00.123456-11:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999",
    ]
)
values: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids().map(str),
    "date-time": dates,
    "string": st.text(st.characters(exclude_categories=["Cs"])),
    "boolean": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
}


@st.composite
def records(draw: st.DrawFn, dataset: Dataset) -> Record:
    """Draw a record with any of its fields missing, and perhaps with unknown ones."""
    data: dict[str, Any] = draw(
        st.dictionaries(
            st.sampled_from(["extra", "more", "user_name"]), st.none() | st.text('aé"\n'), max_size=2
        )
    )
    for field in fields_of(dataset.cls):
        if not field.required and draw(st.booleans()):
            continue
        kind: Any = field.kind
        if field.key == "cmi_fields":
            data[field.key] = draw(st.lists(cmi_fields, max_size=3))
        elif field.key == "api_error_entity":
            data[field.key] = {"error_code": 0}
        else:
            data[field.key] = draw(values.get(getattr(kind, "name", ""), st.integers(0, 9)))
    own: dict[str, Any] = {
        name: draw(st.integers(0, 3)) if held is int else str(draw(st.uuids()))
        for name, held in dataset.own.items()
    }
    return Record(dataset.cls.from_dict(data), own)


cmi_fields = st.fixed_dictionaries(
    {"cmi_element_name": st.sampled_from([*ELEMENTS, "cmi.other"])},
    optional={"cmi_element_value": st.text("ab="), "error_message": st.sampled_from(["", "unknown"])},
)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("labels", [True, False])
@FEW
@given(st.data())
def test_they_equal_those_of_the_models(name: str, labels: bool, data: st.DataObject) -> None:
    """A row read from the stored JSON has the values of the model's row."""
    dataset = DATASETS[name]
    elements = ELEMENTS if name == "scorm-data" else ()
    record = data.draw(records(dataset))
    stored = json.dumps(record.to_dict(), ensure_ascii=False, separators=(",", ":"))
    rows = StoredRows(dataset, elements, labels=labels)
    (row,) = rows.read([stored])
    expected = dataset.make_row(dataset.from_dict(json.loads(stored)), elements, labels=labels)
    assert list(rows.columns) == list(expected)
    assert row == [to_text(value) if isinstance(value, datetime) else value for value in expected.values()]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
async def test_rows_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Each row is in the file once, in order, though a few at a time are read from the state and written to Parquet."""
    monkeypatch.setattr(completed_rows, "_BATCH", 3)
    monkeypatch.setattr(parquet_writer, "_ROWS", 5)
    server, target = MovingCampus(), tmp_path / f"e.{suffix}"
    expected = [str(server.add(START - timedelta(days=20 - number)).id) for number in range(20)]
    async with campus_with(server.respond) as (campus, _):
        summary = await run(campus, make_request("enrollments", str(ORG)), target)
    assert summary.rows == 20
    assert [row["enrollment_id"] for row in read_rows(target)] == expected
    if suffix == "parquet":
        groups = pyarrow.parquet.ParquetFile(target).metadata
        assert [groups.row_group(each).num_rows for each in range(groups.num_row_groups)] == [6, 6, 6, 2]


@pytest.fixture
def export_request(samples: Samples) -> ExportRequest:
    """Return a request for what has changed in an organization."""
    return make_request("enrollments", samples.org_id, since=LAST)


@pytest.mark.parametrize("name", ["e.csv", "e.parquet", "e.jsonl"])
async def test_a_file_without_changes_is_not_written(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, name: str
) -> None:
    """Neither an update nor a full export writes it again."""
    target = tmp_path / name
    await run(campus, export_request, target)
    before = target.stat()
    for each in (export_request, make_request("enrollments", str(export_request.filters.org_ids[0]))):
        summary = await run(campus, each, target)
        assert (summary.new, summary.updated, summary.removed) == (0, 0, 0)
        assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_another_form_is_written(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """Labels instead of numbers need a new file, though the rows are the same."""
    target = tmp_path / "e.csv"
    await run(campus, export_request, target, labels=False)
    numbers = read_rows(target)
    await run(campus, export_request, target, labels=True)
    assert read_rows(target) != numbers
    await run(campus, export_request, target, labels=False)
    assert read_rows(target) == numbers


async def test_a_lost_or_changed_file_is_written(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """Whatever happened to it, it holds the rows afterwards."""
    target = tmp_path / "e.csv"
    await run(campus, export_request, target)
    rows = read_rows(target)
    target.unlink()
    await run(campus, export_request, target)
    assert read_rows(target) == rows
    target.write_text("mine")
    await run(campus, export_request, target, force=True)
    assert read_rows(target) == rows


async def test_a_replaced_export_without_rows(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """The rows of the export that it replaces don't stay in the file."""
    target = tmp_path / "e.csv"
    assert (await run(campus, export_request, target)).rows
    none = make_request(
        "enrollments", str(export_request.filters.org_ids[0]), filters={"syllabus_ids": (UUID(int=1),)}
    )
    assert (await run(campus, none, target, restart=True)).rows == 0
    assert read_rows(target) == []
