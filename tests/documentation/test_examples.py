"""Every example in the documentation runs against a sandbox, exactly as shown."""

import ast
import asyncio
import doctest
import inspect
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from documentation.fences import Fence, read_fences
from documentation.includes import find_included

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Sandbox
from tests.support.valkey import Valkey

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# Its blocks are test modules, which tests/plugin runs.
TEST_MODULES = ROOT / "docs" / "testing.md"
SHOWN = ("json", "text")
EXAMPLES = {
    document.relative_to(ROOT).as_posix(): document
    for document in DOCUMENTS
    if document != TEST_MODULES and any(fence.language == "python" for fence in read_fences(document))
}


@pytest.fixture
def names(
    nexport_sandbox: Sandbox,
    campus: NexportCampus,
    valkey: Valkey,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> dict[str, Any]:
    """Return the names for an example, with credentials in the environment and an empty working directory."""
    monkeypatch.setenv("NEXPORT_BASE_URL", nexport_sandbox.url)
    monkeypatch.setenv("NEXPORT_USERNAME", nexport_sandbox.username)
    monkeypatch.setenv("NEXPORT_PASSWORD", nexport_sandbox.password)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("NEXPORT_WEBHOOK_SECRET", "secret-of-the-example")
    monkeypatch.chdir(tmp_path)
    samples = asyncio.run(nexport_sandbox.samples())
    return {"__name__": "example", "campus": campus, "samples": samples, "sandbox": nexport_sandbox}


@pytest.mark.parametrize("document", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_run(document: Path, names: dict[str, Any]) -> None:
    """The blocks of a document run in order, and print the output that the document shows."""
    with asyncio.Runner() as runner:
        for block, shown in with_output(read_fences(document)):
            printed = StringIO()
            with redirect_stdout(printed):
                run(block, document, names, runner)
            if shown is not None:
                assert_matches(shown, printed.getvalue())


def test_no_example_is_overlooked() -> None:
    """Every line that starts a Python block belongs to a block that is found."""
    for document in DOCUMENTS:
        opened = re.findall(r"^ *[`~]{3,}[ {.]*py", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found = [fence for fence in read_fences(document) if fence.language == "python" and not fence.hidden]
        assert len(found) == len(opened), document


def test_few_examples_are_not_run() -> None:
    """Blocks that the tests don't run are rare."""
    not_run = [fence for document in DOCUMENTS for fence in read_fences(document) if fence.not_run]
    assert len(not_run) <= 3


def test_docstrings_have_no_examples() -> None:
    """No docstring has a Python block: nothing would run it."""
    for module in [*(ROOT / "custom").rglob("*.py"), *(ROOT / "nexport_client").rglob("*.py")]:
        assert "```python" not in module.read_text(encoding="utf-8"), module


def test_included_programs_have_tests() -> None:
    """A program that a page includes is one of examples/, with tests."""
    paths = {path for document in DOCUMENTS for path in find_included(document.read_text(encoding="utf-8"))}
    programs = {Path(path) for path in paths if path.endswith(".py")}
    assert {program.parent for program in programs} == {Path("examples")}
    assert all((ROOT / "tests" / "examples" / f"test_{program.stem}.py").is_file() for program in programs)


def with_output(blocks: list[Fence]) -> Iterator[tuple[Fence, str | None]]:
    """Yield the blocks to run, each with the output block that follows it."""
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language == "python" and not block.not_run:
            output = following is not None and following.language in SHOWN and following.follows
            yield block, following.code if output and following else None


def run(block: Fence, document: Path, names: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run a block, which may await at its top level; tracebacks show the document's lines."""
    source = "\n" * block.line + block.code
    code = compile(source, document, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        runner.run(result)


def assert_matches(shown: str, printed: str) -> None:
    """Assert that the output is what is shown, where `...` matches anything."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(shown, printed, options), printed
