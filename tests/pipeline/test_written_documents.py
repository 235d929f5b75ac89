"""Documents that a run updates: README's tables and the changelog's draft."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.changelog import insert_draft, remove_places, write_lines
from pipeline.changes import Change
from pipeline.cli import main
from pipeline.difference import Difference
from pipeline.errors import PipelineError
from pipeline.readme import BEGIN, EFFECTS_BEGIN, END, TABLE_END, update_effects, update_operations
from tests.support import new_area

ROOT = Path(__file__).parents[2]
INTRO = "# Changelog\n\nNewest first.\n\n"
RELEASED = "## 1.2.0, 2026-01-31\n\n- The first.\n"

Capture = pytest.CaptureFixture[str]
Document = dict[str, Any]


@pytest.mark.full
def test_a_new_page_is_documented(repository: Path, tmp_path: Path, capsys: Capture) -> None:
    """README lists the new methods and the changelog has a draft; another run adds nothing, and existing text stays."""
    page, before = tmp_path / "page.md", (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    page.write_text(new_area.page(repository), encoding="utf-8")
    assert main(["--pages", str(page)], repository) == 0
    readme = (repository / "README.md").read_text(encoding="utf-8")
    sdk = json.loads((repository / "openapi/nexport.sdk.json").read_bytes())
    assert f"{len(sdk['paths'])} methods in 6 namespaces." in readme
    assert "### `campus.assessment`\n\n| method | returns | |\n" in readme
    assert "| `get_nearest` | `Test or None` | writes |\n" in readme
    assert "| `assessment.get_nearest` | GET | writes |\n" in (repository / "docs/retries.md").read_text()
    drafted = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "- Added `campus.assessment.get_tests` (AssessmentApi_GetTests).\n" in drafted
    assert set(before.splitlines()) <= set(drafted.splitlines())
    assert main(["--pages", str(page)], repository) == 0
    assert "everything is up to date" in capsys.readouterr().out
    assert (repository / "CHANGELOG.md").read_text(encoding="utf-8") == drafted


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "row"), [("README.md", "`get_section`"), ("docs/retries.md", "`scorm.get_cmi_data`")]
)
def test_the_check_includes_documents(name: str, row: str, repository: Path, capsys: Capture) -> None:
    """An edited table is found by the check and restored by a run; the rest of the page is ignored."""
    file = repository / name
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace(f"| {row} |", "| `edited` |"), encoding="utf-8")
    assert main(["--check"], repository) == 1
    assert f"{name} differs from what would be written" in capsys.readouterr().out
    assert main([], repository) == 0
    assert file.read_text(encoding="utf-8") == before
    file.write_text(f"{before}\nMore words.\n", encoding="utf-8")
    assert main(["--check"], repository) == 0


def test_readme_without_marks_is_not_changed(make_document: Any) -> None:
    """Removing both marks disables the tables; a single mark is an error."""
    document: Document = make_document()
    assert update_operations("# A\n", document) == "# A\n"
    made = update_operations(f"# A\n{BEGIN}old\n{END}# B\n", document)
    assert made.startswith(f"# A\n{BEGIN}\n1 methods in 1 namespaces.\n")
    assert made.endswith(f"| `get_thing` | `Thing` | writes |\n\n{END}# B\n")
    for half in (BEGIN, END, END + BEGIN):
        with pytest.raises(PipelineError, match=r"README\.md: the marks"):
            update_operations(half, document)


def test_retries_without_marks_is_not_changed(make_document: Any) -> None:
    """The page on retries follows the same rules."""
    document: Document = make_document()
    assert update_effects("# A\n", document) == "# A\n"
    made = update_effects(f"# A\n{EFFECTS_BEGIN}old\n{TABLE_END}# B\n", document)
    rows = "| operation | HTTP | effect |\n| --- | --- | --- |\n| `learning.get_thing` | GET | writes |\n"
    assert made == f"# A\n{EFFECTS_BEGIN}\n{rows}\n{TABLE_END}# B\n"
    with pytest.raises(PipelineError, match=r"docs/retries\.md: the marks"):
        update_effects(EFFECTS_BEGIN, document)


def test_a_draft_is_inserted_before_the_releases() -> None:
    """The entry of the next version is the first one."""
    made = insert_draft(INTRO + RELEASED, "1.2.0", "1.3.0", ["- Added."])
    assert made == f"{INTRO}## 1.3.0, not released yet\n\n- Added.\n\n{RELEASED}"


def test_a_draft_is_extended() -> None:
    """A later run adds new lines, keeps edited ones, and raises the version if needed."""
    draft = insert_draft(INTRO + RELEASED, "1.2.0", "1.3.0", ["- Added.", "- And more."])
    draft = draft.replace("- And more.\n", "- And more, by hand.\n")
    made = insert_draft(draft, "1.2.0", "2.0.0", ["- Added.", "- **Breaking.** Removed."])
    expected = "## 2.0.0, not released yet\n\n- Added.\n- And more, by hand.\n- **Breaking.** Removed.\n"
    assert made == f"{INTRO}{expected}\n{RELEASED}"
    assert insert_draft(made, "1.2.0", "1.2.1", ["- Added."]) == made


def test_a_changelog_without_entries_gets_its_first() -> None:
    """The draft becomes the first entry."""
    assert insert_draft("# Changelog\n", "0.1.0", "0.1.1", ["- A."]) == (
        "# Changelog\n\n## 0.1.1, not released yet\n\n- A.\n"
    )


def test_changelog_lines_use_public_names() -> None:
    """Methods have the names that users call, new models share a line, and breaks come first."""
    changes = [
        Change("spec", "PointOfSaleApi_GetURL", "added", "", breaks=False),
        Change("spec", "A", "added", "", breaks=False),
        Change("spec", "B", "added", "", breaks=False),
        Change("spec", "B.c", "changed", "its documentation", breaks=False),
        Change("spec", "LearningApi_GetSection(syllabus_id)", "removed", "", breaks=True),
        Change("python", "nexport_client.models.X", "removed", "", breaks=True),
        Change("spec", "Mode.B", "removed", "1 is Mode.C now", breaks=True),
    ]
    assert write_lines(changes) == [
        "- **Breaking.** Removed `campus.learning.get_section(syllabus_id)` (LearningApi_GetSection).",
        "- **Breaking.** Removed `Mode.B`: 1 is Mode.C now.",
        "- Added `campus.point_of_sale.get_url` (PointOfSaleApi_GetURL).",
        "- Added the models `A`, `B`.",
    ]
    assert write_lines([changes[3]]) == ["- Documentation."]


@pytest.mark.parametrize(
    ("unreleased", "within", "beside"),
    [
        (
            "LearningApi_GetSection",
            ["LearningApi_GetSection", "LearningApi_GetSection(org_id)"],
            ["LearningApi_GetSectionEnrollments", "LearningApi_GetSections(org_id)", "LearningApi_Get"],
        ),
        (
            "LearningApi_GetSection(org_id)",
            ["LearningApi_GetSection(org_id)"],
            ["LearningApi_GetSection", "LearningApi_GetSection(org_ids)", "LearningApi_GetSection(org)"],
        ),
        ("Mode", ["Mode", "Mode.B"], ["Model", "ModeOfAccess.B"]),
        ("Mode.B", ["Mode.B"], ["Mode", "Mode.BOTH", "Mode.A"]),
    ],
)
def test_only_unreleased_places_are_left_out(unreleased: str, within: list[str], beside: list[str]) -> None:
    """Changes of an unreleased place and its parts aren't reported; those of places whose names begin like it are."""
    changes = [Change("spec", place, "removed", "", breaks=True) for place in (*within, *beside)]
    kept = Difference(changes, "1.2.0").exclude({unreleased}).changes
    assert [change.place for change in kept] == beside


def test_only_removed_places_leave_the_draft() -> None:
    """An unreleased operation that is removed leaves the draft with its arguments; others, and releases, stay."""
    added = [
        f"- Added `campus.learning.{method}` ({name}).\n"
        for method, name in (
            ("get_section", "LearningApi_GetSection"),
            ("get_section(org_id)", "LearningApi_GetSection"),
            ("get_section_enrollments", "LearningApi_GetSectionEnrollments"),
            ("get_sections(org_id)", "LearningApi_GetSections"),
        )
    ]
    text = f"{INTRO}## 1.3.0, not released yet\n\n{''.join(added)}\n{RELEASED}{added[0]}"
    assert remove_places(text, {"LearningApi_GetSection"}) == (
        f"{INTRO}## 1.3.0, not released yet\n\n{''.join(added[2:])}\n{RELEASED}{added[0]}"
    )
