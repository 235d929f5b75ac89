"""Reads the code blocks of a document, and removes what only the tests need.

    <!-- run
    org = samples.org_id
    -->

prepares the example below it, or checks the one above: the tests run it, and the site doesn't show it.
`<!-- not run: it needs a display -->` above a block excludes the block from the tests, with a reason.
"""

import re
import textwrap
from pathlib import Path

import attrs

__all__ = ["Fence", "read_fences", "remove_hidden"]

_HIDDEN = r"^<!-- run\n(?P<hidden>.*?)^-->\n"
_REASON = r"^<!-- not run: (?P<reason>[^\n]+) -->\n"
_FENCE = r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$"
_BLOCK = re.compile(rf"{_HIDDEN}|(?:{_REASON}\n?)?{_FENCE}", re.DOTALL | re.MULTILINE)
_UNSEEN = re.compile(rf"{_HIDDEN}|{_REASON}", re.DOTALL | re.MULTILINE)


@attrs.frozen
class Fence:
    """A code block.

    `line` is the number of the line above its code. `follows`: only whitespace separates it from the block before.
    `hidden`: the site doesn't show it. `not_run`: why the tests don't run it, or None.
    """

    language: str
    code: str
    line: int
    hidden: bool
    follows: bool
    not_run: str | None


def read_fences(document: Path) -> list[Fence]:
    """Return the blocks of a document, in order."""
    text, end, found = document.read_text(encoding="utf-8"), 0, []
    for match in _BLOCK.finditer(text):
        group = "code" if match["hidden"] is None else "hidden"
        found.append(
            Fence(
                language=match["language"] or "python" * (group == "hidden"),
                code=textwrap.dedent(match[group]),
                line=text.count("\n", 0, match.start(group)),
                hidden=group == "hidden",
                follows=not text[end : match.start()].strip(),
                not_run=match["reason"],
            )
        )
        end = match.end()
    return found


def remove_hidden(markdown: str) -> str:
    """Return a document without what only the tests need."""
    return _UNSEEN.sub("", markdown)
