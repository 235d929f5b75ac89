"""Compares files and folders with the results of a run: content, missing files, unexpected files."""

from collections.abc import Iterator
from pathlib import Path

FOUND = ("is missing", "differs from what would be written", "is not generated")
WRITTEN = ("is new", "is changed", "is gone")
_CACHES = "__pycache__"  # Python writes these when a module is imported


def find_differences(
    actual: Path, expected: Path, name: str, words: tuple[str, str, str] = FOUND
) -> Iterator[str]:
    """Yield one line for each file that differs, is missing or is unexpected; hidden files count.

    Args:
        actual: A file or folder of the repository.
        expected: The pipeline's output; it exists.
        name: The name to report.
        words: The words for a missing, a different and an unexpected file.
    """
    missing, different, unwanted = words
    have, want = _list_places(actual), _list_places(expected)
    for place in sorted(have | want):
        called = f"{name}/{place}" if place else name
        if place not in have:
            yield f"{called} {missing}"
        elif place not in want and not (expected / place).is_dir():
            yield f"{called} {unwanted}"
        elif place in want and _read_content(actual / place) != _read_content(expected / place):
            yield f"{called} {different}"


def _list_places(top: Path) -> set[str]:
    """Return the relative paths of files, links and empty folders; the top itself is ''."""
    if not top.is_dir() or top.is_symlink():
        return {""} if top.exists() or top.is_symlink() else set()
    paths = (path for path in top.rglob("*") if _CACHES not in path.relative_to(top).parts)
    return {path.relative_to(top).as_posix() for path in paths if path.is_symlink() or _is_leaf(path)}


def _is_leaf(path: Path) -> bool:
    """Return whether a path is a file or an empty folder."""
    return not path.is_dir() or all(child.name == _CACHES for child in path.iterdir())


def _read_content(path: Path) -> object:
    if path.is_symlink():
        return ("link", path.readlink())
    return path.read_bytes() if path.is_file() else "folder"
