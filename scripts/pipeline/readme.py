"""Updates the tables of operations in README.md and in two pages of the documentation, between two marks."""

from collections.abc import Callable, Iterable

from .areas_view import make_area_views
from .errors import PipelineError
from .jsontext import Document
from .layout import Layout
from .normalization import normalize
from .operations_view import OperationView

__all__ = ["update_effects", "update_operations", "update_provisional"]

BEGIN = "<!-- operations: scripts/regenerate writes what follows -->\n"
END = "<!-- operations: end -->\n"
EFFECTS_BEGIN = "<!-- table: retries, written by scripts/regenerate -->\n"
PROVISIONAL_BEGIN = "<!-- table: provisional, written by scripts/regenerate -->\n"
TABLE_END = "<!-- end of table -->\n"


def update_operations(text: str, document: Document) -> str:
    """Return the README with the tables of a document's operations; unchanged if it has no marks.

    Raises:
        PipelineError: Only one of the marks is there, or they are in the wrong order.
    """
    return _replace_between(text, (BEGIN, END), Layout.README, lambda: _make_tables(document))


def update_effects(text: str, document: Document) -> str:
    """Return docs/retries.md with the effect of each operation; unchanged if it has no marks.

    Raises:
        PipelineError: Only one of the marks is there, or they are in the wrong order.
    """
    return _replace_between(text, (EFFECTS_BEGIN, TABLE_END), Layout.RETRIES, lambda: _make_effects(document))


def update_provisional(text: str, document: Document) -> str:
    """Return docs/provisional.md with the table of a document's provisional operations; unchanged if it has no marks.

    Raises:
        PipelineError: Only one of the marks is there, or they are in the wrong order.
    """
    marks = (PROVISIONAL_BEGIN, TABLE_END)
    return _replace_between(text, marks, Layout.PROVISIONAL_PAGE, lambda: _make_provisional(document))


def _replace_between(text: str, marks: tuple[str, str], file: str, make: Callable[[], str]) -> str:
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if bool(begin) != (marks[1] in text) or bool(begin) != bool(end):
        raise PipelineError(f"{file}: the marks around the operations are not a pair; correct them")
    if not begin:
        return text
    return f"{before}{begin}{make()}{end}{after}"


def _make_tables(document: Document) -> str:
    areas = make_area_views(normalize(document))
    count = sum(len(area.operations) for area in areas)
    parts = [f"{count} methods in {len(areas)} namespaces."]
    for area in areas:
        rows = [
            f"| `{item.name}` | `{item.returns.replace(' | ', ' or ')}` | {', '.join(_list_remarks(item))} |"
            for item in area.operations
        ]
        parts.append(
            "\n".join(
                [f"### `campus.{area.name}`", "", "| method | returns | |", "| --- | --- | --- |", *rows]
            )
        )
    return "\n" + "\n\n".join(parts) + "\n\n"


def _list_remarks(operation: OperationView) -> Iterable[str]:
    if operation.effect == "write":
        yield "writes"
    if operation.deprecated is not None:
        yield "obsolete"
    if operation.provisional:
        yield "provisional"


def _make_effects(document: Document) -> str:
    rows = [
        (area.name, item.name, item.method.upper(), f"{item.effect}s")
        for area in make_area_views(normalize(document))
        for item in area.operations
    ]
    return _make_table("effect", rows)


def _make_provisional(document: Document) -> str:
    rows = [
        (area.name, item.name, item.method.upper(), item.uncertain)
        for area in make_area_views(normalize(document))
        for item in area.operations
        if item.provisional
    ]
    return _make_table("least certain", rows)


def _make_table(heading: str, rows: Iterable[tuple[str, str, str, str]]) -> str:
    lines = [f"| `{area}.{name}` | {method} | {words} |" for area, name, method, words in rows]
    return "\n".join(["", f"| operation | HTTP | {heading} |", "| --- | --- | --- |", *lines, "", ""])
