"""The check finds every kind of difference between the files on disk and the generated ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.tree import find_differences


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Return two equal folders: the files on disk, and the generated ones."""
    for name in ("actual", "expected"):
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_bytes(b"import a\n")
        (tmp_path / name / "models" / "thing.py").write_bytes(b"class Thing: ...\n")
    return tmp_path / "actual", tmp_path / "expected"


def list_lines(trees: tuple[Path, Path]) -> list[str]:
    """Return the differences between the two."""
    return list(find_differences(*trees, "client"))


def test_equal_trees_have_no_difference(trees: tuple[Path, Path]) -> None:
    """Equal files are accepted, and Python's caches are ignored."""
    (trees[0] / "models" / "__pycache__").mkdir()
    (trees[0] / "models" / "__pycache__" / "thing.pyc").write_bytes(b"")
    assert list_lines(trees) == []


DIFFERENCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte": (
        lambda top: (top / "__init__.py").write_bytes(b"import b\n"),
        "client/__init__.py differs from what would be written",
    ),
    "a trailing line": (
        lambda top: (top / "__init__.py").write_bytes(b"import a\n\n"),
        "client/__init__.py differs from what would be written",
    ),
    "a missing last newline": (
        lambda top: (top / "__init__.py").write_bytes(b"import a"),
        "client/__init__.py differs from what would be written",
    ),
    "another line ending": (
        lambda top: (top / "__init__.py").write_bytes(b"import a\r\n"),
        "client/__init__.py differs from what would be written",
    ),
    "an emptied file": (
        lambda top: (top / "__init__.py").write_bytes(b""),
        "client/__init__.py differs from what would be written",
    ),
    "a missing file": (
        lambda top: (top / "models" / "thing.py").unlink(),
        "client/models/thing.py is missing",
    ),
    "an orphan": (
        lambda top: (top / "models" / "old.py").write_bytes(b""),
        "client/models/old.py is not generated",
    ),
    "a hidden file": (
        lambda top: (top / ".hidden").write_bytes(b""),
        "client/.hidden is not generated",
    ),
    "an empty folder": (lambda top: (top / "old_api").mkdir(), "client/old_api is not generated"),
    "a folder of caches": (
        lambda top: (top / "old_api" / "__pycache__").mkdir(parents=True),
        "client/old_api is not generated",
    ),
    "a link": (
        lambda top: (top / "link.py").symlink_to("nowhere"),
        "client/link.py is not generated",
    ),
}


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_a_difference_is_named(trees: tuple[Path, Path], kind: str) -> None:
    """One difference is reported in one line that names the file."""
    plant, line = DIFFERENCES[kind]
    plant(trees[0])
    assert list_lines(trees) == [line]


def test_a_link_instead_of_a_file_is_found(trees: tuple[Path, Path]) -> None:
    """A link to identical bytes is a difference."""
    target = trees[0] / "__init__.py"
    target.rename(trees[0].parent / "elsewhere.py")
    target.symlink_to(trees[0].parent / "elsewhere.py")
    assert list_lines(trees) == ["client/__init__.py differs from what would be written"]


def test_a_missing_tree_is_found(tmp_path: Path, trees: tuple[Path, Path]) -> None:
    """If nothing exists yet, everything is reported as missing."""
    assert len(list(find_differences(tmp_path / "nothing", trees[1], "client"))) == 2


def test_single_files_are_compared_too(tmp_path: Path) -> None:
    """A result may be a single file."""
    (tmp_path / "a.json").write_bytes(b"{}\n")
    (tmp_path / "b.json").write_bytes(b"{}")
    assert list(find_differences(tmp_path / "a.json", tmp_path / "b.json", "spec")) == [
        "spec differs from what would be written"
    ]
