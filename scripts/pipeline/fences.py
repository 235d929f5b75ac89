"""Finds the ```json fences of a Markdown page, by CommonMark's rules: in lists and quotes too.

Other text is prose and has no effect. But an operation must not get lost: a fence of another language that contains one, or a
fence that is never closed, is refused.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from .errors import Problems, reporting

__all__ = ["Fence", "find_fences"]


def _parse_comment(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse an HTML comment, which hides its fences. Other HTML doesn't: it is read like text."""
    first = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or not state.src.startswith("<!--", first):
        return False
    if silent:
        return True
    line = start
    while line + 1 < end and "-->" not in state.src[first : state.eMarks[line]]:
        line += 1
    token = state.push("comment", "", 0)
    token.map, token.content = [start, line + 1], state.src[first : state.eMarks[line]]
    state.line = line + 1
    return True


# Only the structure of a page matters. Deeper nesting would be skipped; it is far beyond any page.
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 200})
_MARKDOWN.core.ruler.enableOnly(["normalize", "block"])
_MARKDOWN.disable("reference")
_MARKDOWN.block.ruler.at("html_block", _parse_comment, {"alt": ["paragraph", "blockquote"]})

_JSON = re.compile(r"\{?\.?json\b(?![\w.+-])", re.IGNORECASE)
_OPERATION = re.compile(r'"operationId"\s*:')
_OPENING = re.compile(r"^[ \t>]*(?P<marks>`{3,}|~{3,})[ \t]*[^\s`]", re.MULTILINE)


class Fence(NamedTuple):
    """The content of a fence, and the number of its first line in the page."""

    line: int
    content: str


def find_fences(text: str, where: str, problems: Problems | None = None) -> list[Fence]:
    """Return the ```json fences of a page.

    Args:
        text: The page.
        where: Its name, for messages.
        problems: Receives a problem for each fence or comment that is never closed, and each operation that would be
            skipped because it is not in a ```json fence. Without it, they are raised.

    Raises:
        PipelineError: There are problems, and no `problems` to receive them.
    """
    with reporting(problems) as reported:
        return list(_find_fences(text, where, reported))


def _find_fences(text: str, where: str, problems: Problems) -> Iterator[Fence]:
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        problems.add(f"{where}:{line}: a NUL character; the page is not text")
        return
    for token in _MARKDOWN.parse(f"{text}\n"):
        if token.map is None or token.type not in ("fence", "code_block", "comment"):
            continue
        number = token.map[0] + 1
        if fault := next(_find_faults(token), None):
            problems.add(f"{where}:{number}: {fault}")
        elif _is_json(token):
            yield Fence(number + 1, token.content.removesuffix("\n"))


def _is_json(token: Token) -> bool:
    return token.type == "fence" and _JSON.match(token.info.strip()) is not None


def _find_faults(token: Token) -> Iterator[str]:
    """Yield what is wrong with a block."""
    if token.type == "comment":
        if "-->" not in token.content:
            yield "the comment that opens here is never closed; is the page complete?"
    elif token.type == "code_block":
        if _hides_operation(token.content):
            yield "an operation in an indented block, which is not read; put it into a ```json fence"
    elif not _is_closed(token):
        yield "the fence that opens here is never closed; is the page complete?"
    elif any(_reopens(token, match["marks"]) for match in _OPENING.finditer(token.content)):
        yield "another fence opens within the fence that opens here; is this the end of a fence, or is its end missing?"
    elif not _is_json(token) and _hides_operation(token.content):
        language = token.info.split()[0] if token.info.strip() else "no language"
        yield f"an operation in a fence of {language}, which is not read; make it a ```json fence"


def _is_closed(token: Token) -> bool:
    """Return whether a fence has a closing line: without one, it ends with the page, or with its list or quote."""
    first, end = token.map or (0, 0)
    return end - first - 1 > token.content.count("\n")


def _reopens(token: Token, marks: str) -> bool:
    return marks[0] == token.markup[0] and len(marks) >= len(token.markup)


def _hides_operation(content: str) -> bool:
    return _OPERATION.search(content) is not None
