"""`--wheel`: a failing test of the client is named, and provisional operations are kept on request."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline import steps
from pipeline.cli import main
from pipeline.errors import PipelineError
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


@pytest.mark.sampled(1)
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "remove"])
def test_provisional_operations_that_a_definition_lacks(
    repository: Path,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    keep: bool,
) -> None:
    """With `--keep-provisional`, they stay in the wheel; without it, they are removed."""
    reports: list[steps.Report] = []

    def stop_after(*arguments: Any, **options: Any) -> steps.Report:
        reports.append(regenerate(*arguments, **options))
        raise PipelineError("regenerated")

    regenerate = steps.regenerate
    monkeypatch.setattr(steps, "regenerate", stop_after)
    monkeypatch.setattr(steps, "generate", lambda *_: None)
    definition, whole = tmp_path / "definition.json", join_fragments(repository)
    stated = json.loads((repository / "openapi/provisional/SsoApi_SignIn.json").read_bytes())
    del stated["paths"]["/api/v1/SsoApi/SignIn"]["post"]["x-uncertain"]
    whole["paths"] |= stated["paths"]
    whole["components"]["schemas"] = stated["components"]["schemas"] | whole["components"]["schemas"]
    definition.write_text(json.dumps(whole), encoding="utf-8")
    command = ["--swagger", str(definition), "--wheel", "x", "--no-test", "--output", str(tmp_path / "dist")]
    assert main([*command, *["--keep-provisional"] * keep], repository) == 1
    assert capsys.readouterr().err == "regenerate: regenerated\n"
    (report,) = reports
    notes = [note for note in report.notes if "SsoApi_Classroom" in note and "provisional" in note]
    assert [re.findall("removed|stay", note) for note in notes] == [["stay" if keep else "removed"]]
