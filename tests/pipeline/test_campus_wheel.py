"""`--wheel` where a test of the client fails: the run names it, and says what to do."""

import json
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.pipeline.test_swagger import join_fragments

Capture = pytest.CaptureFixture[str]


def test_failing_tests_come_first(repository: Path, tmp_path: Path, capsys: Capture) -> None:
    """The message starts with the names of the failing tests and the ways out; no wheel is built."""
    (repository / "tests/client").mkdir(parents=True)
    (repository / "tests/paging").mkdir()
    (repository / "tests/client/test_calls.py").write_text(
        "import pytest\n\n\n@pytest.mark.parametrize('name', ['a', 'b'])\n"
        "def test_call(name: str) -> None:\n    assert name == 'a', 'not - a'\n",
        encoding="utf-8",
    )
    definition = tmp_path / "definition.json"
    definition.write_text(json.dumps(join_fragments(repository)), encoding="utf-8")
    command = ["--swagger", str(definition), "--wheel", "x", "--output", str(tmp_path / "dist")]
    assert main(command, repository) == 1
    first, name, advice, *rest = capsys.readouterr().err.splitlines()
    assert first == "regenerate: 1 of the client's tests fail with this definition:"
    assert name == "  tests/client/test_calls.py::test_call[b]"
    assert "--keep-provisional keeps them" in advice
    assert "--no-test builds the wheel without running the tests" in advice
    assert any("1 failed, 1 passed" in line for line in rest)
    assert not (tmp_path / "dist").exists()
