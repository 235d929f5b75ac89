"""Extracts fragments from the vendor's documentation pages.

A page is Markdown. Its ```json fences hold one OpenAPI document per operation; all other text, every other fence, and
what is commented out, is prose, and without effect. The page of models holds documents without paths: they repeat what the operations'
documents carry themselves, and add nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import PipelineError
from .jsontext import Document, first_difference, loads
from .spec import the_operation, validate

_COMMENT = re.compile(r" {0,3}<!--")
_OPENING = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`]*")


@dataclass
class Stated:
    """The documents that pages state, by operationId, and the areas that they cover."""

    fragments: dict[str, Document] = field(default_factory=dict)
    areas: set[str] = field(default_factory=set)


def read_pages(files: Iterable[Path]) -> Stated:
    """Read the fragments of pages.

    Raises:
        PipelineError: a page that cannot be read, has no fence or an unclosed one; JSON that does not parse; a document
            with more than one operation; two documents of one operationId that disagree.
    """
    stated = Stated()
    sources: dict[str, str] = {}
    for file in files:
        for where, document in _documents(file):
            if not document.get("paths"):
                continue
            validate(document, where)
            operation = the_operation(document, where)
            known = stated.fragments.setdefault(operation.id, document)
            if (place := first_difference(known, document)) is not None:
                first = sources[operation.id]
                raise PipelineError(f"{where} and {first} both state {operation.id}, and disagree at {place}")
            sources.setdefault(operation.id, where)
            stated.areas.add(operation.area)
    return stated


def take_over(stated: Stated, known: Mapping[str, Document]) -> tuple[dict[str, Document], list[str]]:
    """Replace the fragments of the areas that the pages cover.

    A page states its whole area: operations that it lacks are removed.

    Returns:
        tuple: The fragments sorted by operationId, and the ids of removed operations.
    """
    gone = [
        name
        for name, document in known.items()
        if name not in stated.fragments and the_operation(document, name).area in stated.areas
    ]
    kept = {name: document for name, document in known.items() if name not in gone}
    return dict(sorted({**kept, **stated.fragments}.items())), sorted(gone)


def fences(text: str, where: str) -> list[tuple[int, str]]:
    """Return the content of each ```json fence with the number of its first line, by CommonMark's rules.

    Raises:
        PipelineError: a fence, or a comment, is never closed.
    """
    found: list[tuple[int, str]] = []
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if comment := _COMMENT.match(line):
            _skip_comment(lines, line[comment.end() :], f"{where}:{number}")
        opening = _OPENING.fullmatch(line)
        if not opening:
            continue
        marks = opening["marks"]
        closing = re.compile(rf" {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*")
        content: list[str] = []
        for _, inner in lines:
            if closing.fullmatch(inner):
                break
            content.append(inner)
        else:
            raise PipelineError(
                f"{where}:{number}: the fence that opens here is never closed; is the page complete?"
            )
        if opening["language"].lower() == "json":
            found.append((number + 1, "\n".join(content)))
    return found


def _skip_comment(lines: Iterator[tuple[int, str]], rest: str, place: str) -> None:
    """Advance past an HTML comment; `rest` is its first line after the opening."""
    while "-->" not in rest:
        try:
            _, rest = next(lines)
        except StopIteration:
            raise PipelineError(
                f"{place}: the comment that opens here is never closed; is the page complete?"
            ) from None


def _documents(file: Path) -> list[tuple[str, Document]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{file}: the page cannot be read: {error}") from error
    found = fences(text, file.name)
    if not found:
        raise PipelineError(f"{file}:1: the page has no ```json fence; is it one of the vendor's API pages?")
    return [(f"{file.name}:{line}", loads(content, file.name, line)) for line, content in found]
