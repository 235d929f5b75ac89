"""Every example of the documentation runs, against a sandbox, as it stands."""

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
from documentation.fences import Fence, fences
from documentation.includes import included

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# Its blocks are modules of tests, which tests/plugin runs.
MODULES_OF_TESTS = ROOT / "docs" / "testing.md"
SHOWN = ("json", "text")
EXAMPLES = {
    document.relative_to(ROOT).as_posix(): document
    for document in DOCUMENTS
    if document != MODULES_OF_TESTS and any(fence.language == "python" for fence in fences(document))
}


@pytest.fixture
def names(
    nexport_sandbox: Sandbox, campus: NexportCampus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, Any]:
    """What an example finds: a campus in the environment, a client of it, ids worth trying, and an empty folder."""
    monkeypatch.setenv("NEXPORT_BASE_URL", nexport_sandbox.url)
    monkeypatch.setenv("NEXPORT_USERNAME", nexport_sandbox.username)
    monkeypatch.setenv("NEXPORT_PASSWORD", nexport_sandbox.password)
    monkeypatch.chdir(tmp_path)
    samples = asyncio.run(nexport_sandbox.samples())
    return {"__name__": "example", "campus": campus, "samples": samples, "sandbox": nexport_sandbox}


@pytest.mark.parametrize("document", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_run(document: Path, names: dict[str, Any]) -> None:
    """The blocks of a document run one after another, and print what the document says that they print."""
    with asyncio.Runner() as runner:
        for block, shown in with_output(fences(document)):
            printed = StringIO()
            with redirect_stdout(printed):
                run(block, document, names, runner)
            if shown is not None:
                assert_matches(shown, printed.getvalue())


def test_no_example_is_overlooked() -> None:
    """Every line that opens a block of Python opens one that is found."""
    for document in DOCUMENTS:
        opened = re.findall(r"^ *[`~]{3,}[ {.]*py", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found = [fence for fence in fences(document) if fence.language == "python" and not fence.hidden]
        assert len(found) == len(opened), document


def test_few_examples_are_not_run() -> None:
    """What the tests leave out is the exception, and says why."""
    left_out = [fence for document in DOCUMENTS for fence in fences(document) if fence.not_run]
    assert len(left_out) <= 3


def test_docstrings_leave_examples_to_the_documents() -> None:
    """No docstring has a block of Python: nothing would run it."""
    for module in [*(ROOT / "custom").rglob("*.py"), *(ROOT / "nexport_client").rglob("*.py")]:
        assert "```python" not in module.read_text(encoding="utf-8"), module


def test_included_programs_have_tests() -> None:
    """A program that a page shows whole is one of examples/, with tests of its own."""
    paths = {path for document in DOCUMENTS for path in included(document.read_text(encoding="utf-8"))}
    programs = {Path(path) for path in paths if path.endswith(".py")}
    assert {program.parent for program in programs} == {Path("examples")}
    assert all((ROOT / "tests" / "examples" / f"test_{program.stem}.py").is_file() for program in programs)


def with_output(blocks: list[Fence]) -> Iterator[tuple[Fence, str | None]]:
    """The blocks to run, each with the block of text right behind it: what it prints."""
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language == "python" and not block.not_run:
            output = following is not None and following.language in SHOWN and following.follows
            yield block, following.code if output and following else None


def run(block: Fence, document: Path, names: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run a block, which may await at its top level; tracebacks name the document's lines."""
    source = "\n" * block.line + block.code
    code = compile(source, document, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        runner.run(result)


def assert_matches(shown: str, printed: str) -> None:
    """What was printed is what is shown, in which `...` stands for anything."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(shown, printed, options), printed
