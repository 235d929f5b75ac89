"""`nexport call` against the sandbox: arguments, output and formats."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexport_campus.sandbox import Samples
from tests.cli.conftest import Nexport
from tests.support.clients import needs

LARGE = 1000


def records(text: str) -> list[dict[str, Any]]:
    """Parse JSON Lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_json_off_a_terminal(nexport: Nexport, samples: Samples) -> None:
    """Off a terminal the output is JSON, with enums and dates as the API has them, and nothing else is on stdout."""
    done = nexport("call", "learning.get_section", "--syllabus-id", samples.section_id)
    assert (done.exit_code, done.stderr) == (0, "")
    section = json.loads(done.stdout)
    assert section["syllabus_id"] == samples.section_id
    assert section["utc_date_created"].endswith("+00:00")


@pytest.mark.parametrize(
    "words",
    [
        ["learning.get_section", "--syllabus-id"],
        ["learning.get_section", "--syllabus_id"],
        ["learning.get-section", "--syllabus_id"],
        ["LearningApi_GetSection", "--syllabus-id"],
        ["learningapi_getsection", "--syllabus-id"],
    ],
)
def test_spellings_of_names(nexport: Nexport, samples: Samples, words: list[str]) -> None:
    """An operation is accepted by its Python and its vendor name, an option with dashes and with underscores."""
    done = nexport("call", *words, samples.section_id, "--output", "jsonl")
    assert [record["syllabus_id"] for record in records(done.stdout)] == [samples.section_id]


def test_tables_show_labels_and_dates(nexport: Nexport, samples: Samples) -> None:
    """A table shows labels of enums, dates in UTC, and one line per record unless a terminal limits the width."""
    ask = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "3"]
    lines = nexport(*ask, "--output", "table").stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:2] == ["enrollment_id", "enrollment_date"]
    machines = json.loads(nexport(*ask).stdout)
    assert [line.split()[0] for line in lines[1:]] == [record["enrollment_id"] for record in machines]
    assert "In Progress" in lines[1]
    assert machines[0]["phase"] == 1
    assert "api_error_entity" not in lines[0]


def test_one_page_by_default(nexport: Nexport, samples: Samples) -> None:
    """A list prints one page, and a hint on stderr how to get the rest."""
    done = nexport("call", "learning.search_enrollments", "--org-ids", samples.org_id, "--per-page", "5")
    assert len(json.loads(done.stdout)) == 5
    assert done.stderr.startswith("nexport: warning: 5 of ")
    assert "--page 2 has the next ones, --all has all" in done.stderr


def test_a_list_without_a_total(nexport: Nexport, samples: Samples) -> None:
    """Without a total, the next page is requested to know whether there is more; if there isn't, no hint is printed."""
    ask = ["call", "learning.get_training_plan_enrollments", "--syllabus-id", samples.training_plan_id]
    ask += ["--org-id", samples.root_org_id]
    whole = nexport(*ask)
    count = len(json.loads(whole.stdout))
    assert (whole.stderr, count > 5) == ("", True)
    part = nexport(*ask, "--per-page", "5")
    assert (
        part.stderr
        == "nexport: warning: 5 records; there are more: --page 2 has the next ones, --all has all\n"
    )


def test_page_limit_and_all(nexport: Nexport, samples: Samples) -> None:
    """`--page` sets the first page, `--limit` and `--all` cross pages, and no record is repeated."""
    ask = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--output", "jsonl"]
    everything = records(nexport(*ask, "--all").stdout)
    assert len(everything) > 2 * LARGE
    second = records(nexport(*ask, "--page", "2", "--per-page", "7").stdout)
    assert second == everything[7:14]
    limited = nexport(*ask, "--limit", "12", "--per-page", "5")
    assert (records(limited.stdout), limited.stderr) == (everything[:12], "")
    rest = records(nexport(*ask, "--page", "2", "--per-page", "1000", "--all").stdout)
    assert rest == everything[LARGE:]


@pytest.mark.parametrize("raw", [False, True], ids=["known", "raw"])
def test_a_limit_does_not_move_a_page(nexport: Nexport, samples: Samples, raw: bool) -> None:
    """`--page` with `--limit` prints the first records of the page that `--page` has without it."""
    ask = ["call", "learning.search_enrollments", "--org-ids", samples.org_id]
    if raw:
        body = json.dumps({"org_ids": [samples.org_id]})
        ask = [
            "call",
            "POST",
            "/api/v1/LearningApi/SearchEnrollments",
            "--json",
            body,
            "--items",
            "enrollments",
        ]
    page = json.loads(nexport(*ask, "--page", "2").stdout)
    assert len(page) > 3
    assert json.loads(nexport(*ask, "--page", "2", "--limit", "3").stdout) == page[:3]


def test_a_list_is_one_json_list(nexport: Nexport, samples: Samples) -> None:
    """Several pages, and an empty list, are one JSON list."""
    ask = ["call", "learning.get_catalogs", "--group-id", samples.root_org_id, "--all"]
    assert len(json.loads(nexport(*ask, "--per-page", "2").stdout)) > 2
    empty_list = ["call", "learning.get_test_attempts", "--enrollment-id", samples.test_enrollment_id]
    assert (
        json.loads(nexport(*empty_list, "--assignment-id", samples.test_assignment_id, "--page", "99").stdout)
        == []
    )


def test_a_list_without_pages(nexport: Nexport, samples: Samples) -> None:
    """A list operation without paging prints the same formats."""
    ask = ["call", "learning.get_custom_enrollment_fields", "--org-id", samples.root_org_id]
    listed = json.loads(nexport(*ask).stdout)
    assert len(listed) > 1
    assert records(nexport(*ask, "--output", "jsonl").stdout) == listed
    assert len(nexport(*ask, "--output", "table").stdout.splitlines()) == 1 + len(listed)


@pytest.mark.parametrize("value", ["1", "owned", "Owned", "OWNED"])
def test_enums_by_number_name_and_label(nexport: Nexport, samples: Samples, value: str) -> None:
    """An enum option accepts number, name and label."""
    ask = ["call", "learning.get_catalogs", "--group-id", samples.root_org_id, "--limit", "1"]
    done = nexport(*ask, "--catalog-access-option", value)
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)) == 1


def test_lists_by_repeating_and_from_files(nexport: Nexport, samples: Samples, tmp_path: Path) -> None:
    """A list is given by repeating its option, as JSON, from a file with one value per line, or from stdin."""
    ids = json.loads(
        nexport("call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "3").stdout
    )
    wanted = [record["enrollment_id"] for record in ids]
    lines = tmp_path / "ids.txt"
    lines.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    ask = ["call", "learning.search_enrollments", "--org-ids", samples.org_id]
    ways = [
        [word for each in wanted for word in ("--enrollment-ids", each)],
        ["--enrollment-ids", json.dumps(wanted)],
        ["--enrollment-ids", f"@{lines}"],
    ]
    for way in ways:
        assert json.loads(nexport(*ask, *way).stdout) == ids
    for given in (lines.read_text(encoding="utf-8"), json.dumps(wanted, indent=1)):
        assert json.loads(nexport(*ask, "--enrollment-ids", "-", stdin=given).stdout) == ids


def test_writes_off_a_terminal(nexport: Nexport, samples: Samples) -> None:
    """Off a terminal an operation that changes data runs without confirmation; an empty list is given as JSON."""
    ask = ["call", "learning.create_enrollment", "--org-id", samples.org_id, "--user-id", samples.user_id]
    ask += ["--syllabus-id", samples.section_id, "--membership-group-ids", "[]"]
    made = nexport(*ask)
    assert made.exit_code == 0, made.stderr
    enrollment = json.loads(made.stdout)["enrollment_id"]
    again = nexport(*ask, "--yes")
    assert again.exit_code == 7
    assert again.stderr.startswith("nexport: error: LearningApi_CreateEnrollment: ")
    assert len(again.stderr.splitlines()) == 1
    dropped = nexport("call", "learning.drop_enrollment", "--enrollment-id", enrollment)
    assert dropped.exit_code == 0


def test_mappings_and_numbers(nexport: Nexport, samples: Samples) -> None:
    """A mapping is given as repeated NAME=VALUE or as a JSON object; numbers and booleans in their usual spelling."""
    ask = ["call", "scorm.edit_scorm_data", "--sco-id", samples.scorm_sco_id]
    ask += ["--assignment-status-id", samples.scorm_assignment_status_id]
    edited = nexport(*ask, "--lesson-status", "completed", "--raw-score", "92.5", "--for-credit", "true")
    assert edited.exit_code == 0, edited.stderr
    ask = ["call", "scorm.get_cmi_data", "--enrollment-id", samples.scorm_enrollment_id]
    ask += ["--assignment-id", samples.scorm_assignment_id, "--cmi-element-names", "cmi.core.score.raw"]
    fields = [field for item in json.loads(nexport(*ask).stdout) for field in item["cmi_fields"]]
    assert "92.5" in [field.get("cmi_element_value") for field in fields]
    enrollment = ["--enrollment-id", samples.finished_enrollment_id]
    for number, given in ((1, ["po_number=PO-1"]), (2, [json.dumps({"po_number": "PO-2"})])):
        done = nexport(
            *("call", "learning.set_custom_enrollment_field_values", *enrollment),
            *("--custom-enrollment-field-values", *given),
        )
        assert done.exit_code == 0, done.stderr
        read = nexport("call", "learning.get_custom_enrollment_field_values", *enrollment)
        assert f"PO-{number}" in read.stdout


def test_warnings_go_to_stderr(nexport: Nexport, samples: Samples) -> None:
    """The campus's warnings and the note that an operation is obsolete go to stderr only."""
    twice = json.dumps([samples.section_id] * 2)
    done = nexport("call", "learning.get_sections", "--sections", twice)
    assert json.loads(done.stdout)["sections"]
    assert done.stderr.startswith("nexport: warning: LearningApi_GetSections: the campus warns: ")
    done = nexport("call", "learning.get_organizations", "--org-id", samples.root_org_id)
    assert len(json.loads(done.stdout)) > 1
    assert (
        "nexport: warning: learning.get_organizations: The vendor marks this operation as obsolete"
        in done.stderr
    )


@needs("AdminApi_Authenticate")
def test_null_is_sent_as_null(nexport: Nexport, account: dict[str, str]) -> None:
    """Where the specification allows null, the word null is sent as such: here it requests a token without expiry."""
    ask = [
        "call",
        "admin.authenticate",
        "--username",
        account["NEXPORT_USERNAME"],
        "--grant-type",
        "password",
    ]
    assert json.loads(nexport(*ask).stdout)["expires_in"] == 3600
    assert "expires_in" not in json.loads(nexport(*ask, "--utc-expiration-date", "null").stdout)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Missing option '--enrollment-id'"),
        (["--enrollment-id", "7"], "'--enrollment-id': must be a UUID"),
        (["--enrollment-id", "@/missing"], "can't be read from /missing: No such file"),
        (["--enrolment-id", "7"], "--enrolment-id"),
        (["--enrollment-id", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "surplus"], "unexpected extra argument"),
    ],
)
@pytest.mark.usefixtures("account")
def test_mistakes_on_the_command_line_are_reported_in_one_line(
    nexport: Nexport, words: list[str], expected: str
) -> None:
    """A mistake on the command line is one line that names it and the help, with exit code 2; nothing is sent."""
    done = nexport("call", "learning.drop_enrollment", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr
    assert done.stderr.startswith("nexport: error: ")
    assert done.stderr.endswith("see nexport call learning.drop_enrollment --help\n")
    assert len(done.stderr.splitlines()) == 1


def test_dates_need_a_zone(nexport: Nexport, samples: Samples) -> None:
    """A date without a zone is refused with the expected spelling; one with a zone filters."""
    ask = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--utc-enrolled-after"]
    naive = nexport(*ask, "2025-01-01T00:00:00")
    assert naive.exit_code == 2
    assert "needs a time zone: end it with Z" in naive.stderr
    (record,) = json.loads(nexport(*ask, "2025-01-01T00:00:00Z", "--limit", "1").stdout)
    assert record["enrollment_date"] >= "2025-01-01"


def test_an_empty_filter_is_refused(nexport: Nexport, samples: Samples) -> None:
    """An ArgumentError of the client is reported like a usage error: it names the argument, and nothing is sent."""
    done = nexport("call", "learning.search_enrollments", "--org-ids", samples.org_id, "--user-ids", "[]")
    assert done.exit_code == 2
    assert "--user-ids must not be empty" in done.stderr
    assert "nothing was sent" in done.stderr


def test_an_unknown_operation(nexport: Nexport) -> None:
    """A misspelled operation gets a suggestion."""
    done = nexport("call", "learning.get_sectoin")
    assert done.exit_code == 2
    assert "did you mean learning.get_section" in done.stderr


def test_the_installed_command_runs_as_a_process(
    run_process: Callable[..., subprocess.CompletedProcess[str]], samples: Samples
) -> None:
    """The installed command works as a process, with warnings as errors."""
    done = run_process("call", "learning.get_section", "--syllabus-id", samples.section_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["syllabus_id"] == samples.section_id
    missing = run_process("call", "learning.get_section", "--syllabus-id", samples.user_id)
    assert (missing.returncode, missing.stdout) == (5, "")
    assert missing.stderr.startswith("nexport: error: LearningApi_GetSection: ")
