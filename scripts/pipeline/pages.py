"""Extracts fragments from the vendor's documentation pages.

A page is Markdown. Its ```json fences hold one OpenAPI document per operation; all other text is prose, and without effect. The
page of models holds documents without paths: they repeat what the operations' documents carry themselves, and add nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import PipelineError, Problems
from .fences import find_fences
from .jsontext import Document, loads
from .meaning import find_differences_in_meaning
from .overloads import make_ids_distinct
from .spec import get_operation, validate

__all__ = ["Stated", "find_fences", "read_pages", "take_over"]


@dataclass
class Stated:
    """The documents that pages state, by operationId, the areas that they cover, and notes for a person."""

    fragments: dict[str, Document] = field(default_factory=dict)
    areas: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def read_pages(files: Iterable[Path]) -> Stated:
    """Read the fragments of pages.

    Raises:
        PipelineError: A page cannot be read, has no fence or an unclosed one; JSON does not parse; a document has more
            than one operation; two documents of one operationId disagree. All of them are named.
    """
    stated, problems = Stated(), Problems()
    valid: list[tuple[str, Document]] = []
    for file in files:
        for where, document in _read_documents(file, problems):
            if document.get("paths"):
                with problems.collecting(_find_area(document)):
                    validate(document, where)
                    get_operation(document, where)
                    valid.append((where, document))
    sources: dict[str, str] = {}
    documents, stated.notes = make_ids_distinct(valid)
    for where, document in documents:
        with problems.collecting(_find_area(document)):
            _state(stated, sources, document, where)
    problems.stop()
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
        if name not in stated.fragments and get_operation(document, name).area in stated.areas
    ]
    kept = {name: document for name, document in known.items() if name not in gone}
    return dict(sorted({**kept, **stated.fragments}.items())), sorted(gone)


def _state(stated: Stated, sources: dict[str, str], document: Document, where: str) -> None:
    """Add a document of a page."""
    operation = get_operation(document, where)
    known = stated.fragments.setdefault(operation.id, document)
    if places := find_differences_in_meaning(known, document):
        first = sources[operation.id]
        raise PipelineError(
            f"{where} and {first} both state {operation.id}, and disagree at {', '.join(places)}",
            operation.area,
        )
    sources.setdefault(operation.id, where)
    stated.areas.add(operation.area)


def _find_area(document: Document) -> str:
    """Return the area of a document that need not be valid; empty if it can't be determined."""
    try:
        return get_operation(document, "").area
    except (PipelineError, AttributeError, TypeError, KeyError):
        return ""


def _read_documents(file: Path, problems: Problems) -> Iterator[tuple[str, Document]]:
    """Yield the documents of a page with their places."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problems.add(f"{file}: the page cannot be read: {getattr(error, 'strerror', None) or error}")
        return
    before = len(problems.found)
    found = find_fences(text, file.name, problems)
    if not found and len(problems.found) == before:
        problems.add(f"{file}:1: the page has no ```json fence; is it one of the vendor's API pages?")
    for fence in found:
        with problems.collecting():
            yield f"{file.name}:{fence.line}", loads(fence.content, file.name, fence.line)
