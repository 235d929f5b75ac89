"""`nexport export`: options, summary and exit codes."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import Nexport

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)


def test_the_summary_is_one_line_on_stderr(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """Off a terminal the summary is one line on stderr, and stdout is empty."""
    target = tmp_path / "e.csv"
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", str(target))
    rows = len(target.read_text().splitlines()) - 1
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"e.csv: {rows} rows ({rows} new, 0 updated, 0 removed) in ")
    assert result.stderr.count("\n") == 1


def test_summary_as_json(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """With --json the summary is on stdout, and stderr is empty."""
    target = tmp_path / "e.jsonl"
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", str(target), "--json")
    output = json.loads(result.stdout)
    assert result.stderr == ""
    assert output["rows"] == output["new"] == len(target.read_text().splitlines())
    assert (output["file"], output["kind"], output["failed"]) == (str(target), "enrollments", 0)


def test_ids_from_a_file(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """Ids can be read from a file that another export wrote; -q prints nothing."""
    ids = tmp_path / "ids.txt"
    ids.write_text(f"{samples.scorm_enrollment_id}\n\n{samples.finished_enrollment_id}\n")
    target = tmp_path / "s.jsonl"
    result = nexport("export", "assignment-statuses", "--enrollment", f"@{ids}", "--to", str(target), "-q")
    assert (result.exit_code, result.output) == (0, "")
    found = {json.loads(line)["enrollment_id"] for line in target.read_text().splitlines()}
    assert found == {samples.scorm_enrollment_id, samples.finished_enrollment_id}


def test_since_last(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """`--since last` exports everything first, and what changed afterwards."""
    arguments = (
        "export",
        "enrollments",
        "--org",
        samples.org_id,
        "--since",
        "last",
        "--to",
        str(tmp_path / "e.db"),
    )
    assert nexport(*arguments).exit_code == 0
    assert "(0 new, 0 updated, 0 removed)" in nexport(*arguments).stderr
    other = nexport(*arguments, "--base-url", "http://127.0.0.1:9")
    assert (other.exit_code, "differs in the campus" in other.stderr) == (2, True)


def test_failures_have_an_exit_code(
    nexport: Nexport, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """Records that failed twice are named, the others are exported, and the exit code is 15."""
    # The other list takes two requests: it ends with an empty page.
    for nth in (1, 4):
        fault = nexport_sandbox.faults.add(
            operation="LearningApi_GetAssignmentStatuses", nth=nth, body='[{"phase": "none"}]'
        )
        asyncio.run(fault)
    ids = (samples.scorm_enrollment_id, samples.finished_enrollment_id)
    given = [part for each in ids for part in ("--enrollment", each)]
    target = tmp_path / "s.jsonl"
    result = nexport("export", "assignment-statuses", *given, "--to", str(target), "--concurrency", "1")
    assert result.exit_code == 15
    first, second, last = result.stderr.splitlines()
    assert first.startswith(f"nexport: warning: enrollment_id {ids[0]}: LearningApi_GetAssignmentStatuses")
    assert second.startswith("nexport: warning: could not read 1 of the enrollments or users")
    assert last.startswith("s.jsonl: ")
    found = {json.loads(line)["enrollment_id"] for line in target.read_text().splitlines()}
    assert found == {ids[1]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("enrollments", "--to", "e.csv"), "--org or --user is needed"),
        (("enrollments", "--org", "x", "--to", "e.csv"), "--org: 'x' is not a UUID"),
        (
            ("enrollments", "--org", "@none.txt", "--to", "e.csv"),
            "--org can't be read from none.txt: No such file",
        ),
        (("enrollments", "--org", "@empty.txt", "--to", "e.csv"), "empty.txt holds no ids"),
        (("enrollments", "--org", "ORG", "--to", "e.txt"), "doesn't determine the format; add --format"),
        (("enrollments", "--org", "ORG", "--to", "nowhere/e.csv"), "there is no folder"),
        (("enrollments", "--org", "ORG", "--to", "folder", "--format", "csv"), "is a folder"),
        (("enrollments", "--org", "ORG", "--to", "e.jsonl", "--labels"), "jsonl always has numbers"),
        (("enrollments", "--org", "ORG", "--to", "e.jsonl", "--bom"), "--bom is for CSV only"),
        (
            ("enrollments", "--org", "ORG", "--to", "e.csv", "--since", "today"),
            "'today' isn't an ISO 8601 date",
        ),
        (("enrollments", "--org", "ORG", "--to", "e.csv", "--overlap", "9999d"), "at most 3650d"),
        (
            ("enrollments", "--org", "ORG", "--to", "e.csv", "--overlap", "2w", "--since", "last"),
            "such as 15m",
        ),
        (
            ("enrollments", "--org", "ORG", "--to", "e.csv", "--overlap", "2h"),
            "--overlap is for --since last",
        ),
        (("enrollments", "--org", "ORG", "--to", "e.csv", "--by-month"), "--by-month needs --since"),
        (
            ("enrollments", "--org", "ORG", "--to", "e.csv", "--since", "last", "--by-day"),
            "there is no earlier export",
        ),
        (
            ("enrollments", "--org", "ORG", "--to", "e.csv", "--since", "last", "--no-state"),
            "--no-state removes",
        ),
        (("enrollments", "--org", "ORG", "--to", "e.csv", "--zone", "Mars"), "unknown time zone 'Mars'"),
        (("enrollments", "--org", "ORG", "--to", "e.csv", "--element", "cmi.x"), "for scorm-data only"),
        (("grades", "--to", "e.csv"), "'grades' is not one of"),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "user_id"),
            "has a column user_id already",
        ),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "SCO_ID"),
            "has a column sco_id already",
        ),
        (("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "Title"), "has a column title already"),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "occurrence"),
            "--element occurrence: scorm-data has a column occurrence already",
        ),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "additional_properties"),
            "has a column additional_properties already",
        ),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "cmi.exit", "--element", "CMI.Exit"),
            "--element CMI.Exit differs from --element cmi.exit only in case",
        ),
        (("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", " "), "--element ' ' isn't the name"),
        (
            ("scorm-data", "--org", "ORG", "--to", "e.csv", "--element", "a\tb"),
            "--element 'a\\tb' isn't the name",
        ),
        (("enrollments", "--org", "ORG", "--to", "mine.csv"), "add --force to overwrite the file"),
        (
            ("enrollments", "--org", "ORG", "--to", "mine.csv", "--restart"),
            "add --force to overwrite the file",
        ),
    ],
)
def test_mistakes_leave_no_file(
    nexport: Nexport,
    samples: Samples,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    """A mistake is one line of advice with exit code 2; nothing is sent and no file is left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "mine.csv").write_text("mine")
    given = [samples.org_id if argument == "ORG" else argument for argument in arguments]
    result = nexport("export", *given, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 2
    assert result.stderr.startswith("nexport: error: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.txt", "folder", "mine.csv"]


@pytest.mark.parametrize("name", ["e.csv", "e.db"])
def test_elements_like_columns(nexport: Nexport, samples: Samples, tmp_path: Path, name: str) -> None:
    """An element given twice is one column; a column name of other datasets doesn't collide."""
    elements = ("cmi.exit", "cmi.exit", "api_error_entity", "cmi_fields", "Ünïcode")
    given = [part for each in elements for part in ("--element", each)]
    target = str(tmp_path / name)
    result = nexport(
        "export", "scorm-data", "--enrollment", samples.scorm_enrollment_id, "--to", target, *given
    )
    assert result.exit_code == 0, result.stderr


def test_force_overwrites_a_foreign_file(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """`--force` overwrites a file that no export wrote; afterwards it isn't needed."""
    target = tmp_path / "mine.csv"
    target.write_text("mine")
    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", str(target), "-q")
    assert nexport(*arguments).exit_code == 2
    assert target.read_text() == "mine"
    assert nexport(*arguments, "--force").exit_code == 0
    assert target.read_text().startswith("enrollment_id,")
    assert nexport(*arguments).exit_code == 0


def test_a_folder_that_cannot_be_written(
    run_process: Callable[..., subprocess.CompletedProcess[str]], samples: Samples, tmp_path: Path
) -> None:
    """An unwritable folder is reported in one line, before anything is fetched."""
    # Not a folder below /proc: exports refuse these before they try to write.
    folder = Path("/sys/kernel")
    if not folder.is_dir():
        pytest.skip("only Linux has a folder in which not even root can make files")
    done = run_process("export", "enrollments", "--org", samples.org_id, "--to", str(folder / "e.csv"))
    assert done.returncode == 1
    assert done.stderr.startswith("nexport: error: ")
    assert "/sys/kernel/e.csv.state" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_password(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """A wrong password ends with its exit code, and no file is left."""
    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", str(tmp_path / "e.csv"))
    result = nexport(*arguments, env={"NEXPORT_PASSWORD": "wrong"})
    assert result.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(
    run_process: Callable[..., subprocess.CompletedProcess[str]], samples: Samples, tmp_path: Path
) -> None:
    """A full disk is reported in one line; with space again, the same command resumes."""
    resource = pytest.importorskip("resource", reason="limits are Unix's")

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", str(tmp_path / "e.jsonl"))
    done = run_process(*arguments, preexec_fn=limit_file_size)
    assert done.returncode == 1
    assert done.stderr.startswith("nexport: error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "e.jsonl").exists()
    assert run_process(*arguments).returncode == 0
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) > 200
