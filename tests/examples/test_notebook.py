"""The notebook: its cells run in order on one loop, as in Jupyter, against the sandbox."""

import ast
import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from nexport_campus import NexportError
from nexport_campus.models import Phase
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=2000)
NOTEBOOK = json.loads((Path(__file__).parents[2] / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


async def run_cell(cell: dict[str, Any], names: dict[str, Any]) -> None:
    """Run a cell, which may use await at its top level."""
    code = compile("".join(cell["source"]), cell["id"], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        await result


def test_the_notebook_has_no_output() -> None:
    """The notebook has format 4.5, cell ids, and no output, which could hold students' data."""
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(ids)) == len(ids)
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in CELLS)


async def test_its_cells_run(
    environment: dict[str, str], samples: Samples, nexport_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cells give a frame of enrollments with titles, with one login, and close the client."""
    for name, value in (environment | {"NEXPORT_ORGANIZATION": samples.org_id}).items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    for cell in CELLS:
        await run_cell(cell, names)
    frame = names["frame"]
    assert len(frame) == len(names["enrollments"]) > 100
    assert frame["enrollment_id"].is_unique
    assert set(frame["phase"]) <= {phase.label for phase in Phase}
    assert frame["title"].notna().any()
    assert (await nexport_sandbox.books()).counts["AdminApi_Authenticate"] == 1
    with pytest.raises(NexportError, match="closed"):
        await names["campus"].learning.get_section(syllabus_id=samples.section_id)
    assert len(asyncio.all_tasks()) == 1
