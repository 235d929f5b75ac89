"""The pages can be read as plain Markdown: no part of them exists only on the site."""

import re
from pathlib import Path

import pytest
from documentation import page_tables
from documentation.includes import find_included, insert_includes

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
def test_pages_have_no_site_syntax(document: Path, mark: str) -> None:
    """A page has no syntax that is shown raw outside the site, except in code."""
    content = re.sub(
        r"```.*?^ *```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    content = re.sub(r"`[^`\n]+`", "", content)
    assert not re.findall(mark, content, flags=re.MULTILINE)


@EVERY_DOCUMENT
def test_tables_are_up_to_date(document: Path) -> None:
    """Each table matches the code; run scripts/docs if this fails."""
    content = document.read_text(encoding="utf-8")
    assert page_tables.update_tables(content) == content


def test_tables_are_complete() -> None:
    """The tables of errors and retries have a row for each class and each operation."""
    errors, retries = DOCUMENTS["docs/errors.md"].read_text(), DOCUMENTS["docs/retries.md"].read_text()
    assert len(re.findall(r"^\| `\w+Error` \|", errors, flags=re.MULTILINE)) == len(page_tables.list_errors())
    assert (
        len(
            re.findall(r"^\| `\w+\.\w+` \| (?:GET|POST) \| (?:reads|writes) \|$", retries, flags=re.MULTILINE)
        )
        >= 36
    )


def test_a_stale_table_is_rewritten(tmp_path: Path) -> None:
    """Only the part between the marks is rewritten; a table of another script is unchanged."""
    page = tmp_path / "page.md"
    begin, end = "<!-- table: errors, written by scripts/docs -->\n", "<!-- end of table -->\n"
    other = "<!-- table: retries, written by scripts/regenerate -->\nstale\n" + end
    page.write_text(f"# A\n\n{begin}stale\n{end}\nB\n\n{other}", encoding="utf-8")
    page_tables.write(tmp_path)
    rewritten = page.read_text(encoding="utf-8")
    assert rewritten.startswith(f"# A\n\n{begin}\n| class | meaning |")
    assert rewritten.endswith(f"|\n\n{end}\nB\n\n{other}")
    page_tables.write(tmp_path)
    assert page.read_text(encoding="utf-8") == rewritten


def test_tables_have_links_on_the_site() -> None:
    """On the site the tables have links, and the marks are removed."""
    shown = page_tables.add_links(DOCUMENTS["docs/retries.md"].read_text(encoding="utf-8"))
    assert "[`learning.get_section`][campus.learning.get_section]" in shown
    assert "<!--" not in shown.partition("# Retries by operation")[2]


@EVERY_DOCUMENT
def test_links_to_files_exist(document: Path) -> None:
    """The target of a relative link exists in the repository."""
    content = re.sub(r"``[^\n]+?``", "", document.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", content):
        assert (document.parent / link).exists(), link


def test_a_linked_file_is_included_on_the_site(tmp_path: Path) -> None:
    """A link on its own line is replaced by the file; a link in a sentence stays a link."""
    (tmp_path / "program.py").write_text('"""A program."""\n\nprint(1)\n', encoding="utf-8")
    (tmp_path / "NOTES.md").write_text("# Notes\n", encoding="utf-8")
    page = "[`program.py`](../program.py)\n\nSee [notes](../NOTES.md).\n\n[NOTES.md](../NOTES.md)\n"
    assert find_included(page) == ["program.py", "NOTES.md"]
    code = '??? example "program.py"\n\n    ```python\n    """A program."""\n\n    print(1)\n    ```\n'
    assert insert_includes(page, tmp_path) == f"{code}\nSee [notes](../NOTES.md).\n\n# Notes\n"
