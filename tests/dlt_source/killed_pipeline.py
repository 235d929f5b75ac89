"""Runs a pipeline and kills its process at a step: `python -m tests.dlt_source.killed_pipeline STEP URL ORG FOLDER DATABASE`.

The steps: "extract", after the first page; "normalize" and "load", before the step's result is stored; "none".
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlt.load.load import Load
from dlt.normalize.normalize import Normalize

from nexport_campus import StaticToken
from nexport_campus.dlt import campus_source, tables
from tests.dlt_source.warehouse import Warehouse


def kill(*_: object, **__: object) -> Any:
    """End this process as a crash would."""
    os.kill(os.getpid(), signal.SIGKILL)


def _after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that kills the process at a call."""
    made = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        return kill() if made > calls else function(*arguments, **named)

    return call


def main(step: str, url: str, org: str, folder: str, database: str) -> None:
    """Run the pipeline."""
    if step == "extract":
        tables.RowWriter.rows = _after(1, tables.RowWriter.rows)  # type: ignore[method-assign] # the planted crash
    elif step == "normalize":
        Normalize.spool_schema_files = kill  # type: ignore[method-assign] # the planted crash
    elif step == "load":
        Load.complete_package = kill  # type: ignore[method-assign] # the planted crash
    source = campus_source(credentials=StaticToken("token"), base_url=url, org_ids=[org])
    warehouse = Warehouse(Path(folder), "postgres", database)
    warehouse.pipeline().run(source.with_resources("enrollments"))


if __name__ == "__main__":
    main(*sys.argv[1:])
