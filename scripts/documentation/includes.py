"""Includes files from outside docs/ in a page: on the site, their contents replace the link to them."""

import re
import textwrap
from pathlib import Path

__all__ = ["find_included", "insert_includes"]

_LINK = re.compile(r"^\[`?[^\]\n]+`?\]\(\.\./(?P<path>[\w./-]+\.(?:py|md))\)$", re.MULTILINE)


def find_included(markdown: str) -> list[str]:
    """Return the paths of the files that a page includes, from the root of the repository."""
    return [match["path"] for match in _LINK.finditer(markdown)]


def insert_includes(markdown: str, root: Path) -> str:
    """Replace each link that is the only content of its line with the file that it leads to."""
    return _LINK.sub(lambda match: _read_content(root, match["path"]), markdown)


def _read_content(root: Path, path: str) -> str:
    text = (root / path).read_text(encoding="utf-8").rstrip()
    if path.endswith(".md"):
        return text
    block = textwrap.indent(f"```python\n{text}\n```", "    ")
    return f'??? example "{path}"\n\n{block}'
