"""Runs exports in-process and reads their files."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet  # type: ignore[import-untyped]  # it has no types

from nexport_campus._export.children import ExportClient
from nexport_campus._export.datasets import DATASETS, DEFAULT_ELEMENTS
from nexport_campus._export.engine import export
from nexport_campus._export.output import FORMATS, Output
from nexport_campus._export.request import ExportRequest, Filters
from nexport_campus._export.session_opening import open_session
from nexport_campus.export import ExportSummary

__all__ = ["file_names", "make_request", "read_rows", "run"]


def make_request(kind: str, org: str | None = None, **given: Any) -> ExportRequest:
    """Return a request with small pages, so that there are several."""
    filters: dict[str, Any] = {"org_ids": (UUID(org),)} if org else {}
    filters |= given.pop("filters", {})
    if kind == "scorm-data":
        given.setdefault("elements", DEFAULT_ELEMENTS)
    given.setdefault("per_page", 40)
    return ExportRequest(dataset=DATASETS[kind], filters=Filters(**filters), **given)


async def run(
    campus: ExportClient,
    request: ExportRequest,
    target: Path,
    *,
    restart: bool = False,
    force: bool = False,
    form: Any = None,
    **output: Any,
) -> ExportSummary:
    """Run one export."""
    made = Output(target=target, format=form or FORMATS[target.suffix], **output)
    with open_session(request, made, restart=restart, force=force) as session:
        return await export(campus, session)


def file_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def read_rows(path: Path, table: str = "enrollments") -> list[dict[str, Any]]:
    """Return the rows of a file, in order."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]
