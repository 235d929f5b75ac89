"""The pages can be read as Markdown, on a forge or in an editor: nothing in them is only there on the site."""

import re
from pathlib import Path

import pytest
from documentation import tables
from documentation.includes import included, with_includes

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = {path.relative_to(ROOT).as_posix(): path for path in PAGES}
EVERY_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
ONLY_ON_THE_SITE = {
    "an include": r"--8<--",
    "an admonition": r"^(?:!!!|\?\?\?\+?) ",
    "a reference of mkdocstrings": r"\]\[(?:nexport_|campus\.)|^:::",
    "attributes": r"\{[:.#][^}\n]*\}",
    "a tab": r"^=== ",
}  # fmt: skip


@EVERY_DOCUMENT
@pytest.mark.parametrize("mark", ONLY_ON_THE_SITE.values(), ids=ONLY_ON_THE_SITE)
def test_nothing_needs_the_site(document: Path, mark: str) -> None:
    """A page has no syntax that is shown raw elsewhere; in blocks of code, and between backticks, it may stand."""
    text = re.sub(r"```.*?^ *```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]+`", "", text)
    assert not re.findall(mark, text, flags=re.MULTILINE)


@EVERY_DOCUMENT
def test_tables_are_up_to_date(document: Path) -> None:
    """Run scripts/docs if this fails: a table in docs/ says what the code does."""
    text = document.read_text(encoding="utf-8")
    assert tables.up_to_date(text) == text


def test_there_are_tables() -> None:
    """Those of errors and retries have a row for each class, and each operation."""
    errors, retries = DOCUMENTS["docs/errors.md"].read_text(), DOCUMENTS["docs/retries.md"].read_text()
    assert len(re.findall(r"^\| `\w+Error` \|", errors, flags=re.MULTILINE)) == len(tables.errors_in_order())
    assert (
        len(
            re.findall(r"^\| `\w+\.\w+` \| (?:GET|POST) \| (?:reads|writes) \|$", retries, flags=re.MULTILINE)
        )
        >= 36
    )


def test_a_stale_table_is_found_and_mended(tmp_path: Path) -> None:
    """Only what stands between the marks is written anew; a table of another script's is left alone."""
    page = tmp_path / "page.md"
    begin, end = "<!-- table: errors, written by scripts/docs -->\n", "<!-- end of table -->\n"
    other = "<!-- table: retries, written by scripts/regenerate -->\nstale\n" + end
    page.write_text(f"# A\n\n{begin}stale\n{end}\nB\n\n{other}", encoding="utf-8")
    tables.write(tmp_path)
    mended = page.read_text(encoding="utf-8")
    assert mended.startswith(f"# A\n\n{begin}\n| class | meaning |")
    assert mended.endswith(f"|\n\n{end}\nB\n\n{other}")
    tables.write(tmp_path)
    assert page.read_text(encoding="utf-8") == mended


def test_links_on_the_site() -> None:
    """There the tables have links, and both their marks are gone."""
    shown = tables.with_links(DOCUMENTS["docs/retries.md"].read_text(encoding="utf-8"))
    assert "[`learning.get_section`][campus.learning.get_section]" in shown
    assert "<!--" not in shown.partition("# Retries by operation")[2]


@EVERY_DOCUMENT
def test_links_to_files_lead_somewhere(document: Path) -> None:
    """A relative link has a target in the repository; the reference, which the site has, is none."""
    text = re.sub(r"``[^\n]+?``", "", document.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text):
        assert (document.parent / link).exists(), link


def test_a_linked_file_is_shown_on_the_site(tmp_path: Path) -> None:
    """A link with a line to itself is replaced by what it leads to; in a sentence it is a link."""
    (tmp_path / "program.py").write_text('"""A program."""\n\nprint(1)\n', encoding="utf-8")
    (tmp_path / "NOTES.md").write_text("# Notes\n", encoding="utf-8")
    page = "[`program.py`](../program.py)\n\nSee [notes](../NOTES.md).\n\n[NOTES.md](../NOTES.md)\n"
    assert included(page) == ["program.py", "NOTES.md"]
    code = '??? example "program.py"\n\n    ```python\n    """A program."""\n\n    print(1)\n    ```\n'
    assert with_includes(page, tmp_path) == f"{code}\nSee [notes](../NOTES.md).\n\n# Notes\n"
