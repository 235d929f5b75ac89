"""The tables of operations in README.md, between two marks; all else in it is people's."""

from collections.abc import Iterable

from .areas_view import areas_view
from .errors import PipelineError
from .jsontext import Document
from .layout import Layout
from .normal import normalized
from .operations_view import OperationView

__all__ = ["with_operations"]

BEGIN = "<!-- operations: scripts/regenerate writes what follows -->\n"
END = "<!-- operations: end -->\n"


def with_operations(text: str, document: Document) -> str:
    """The text with the tables of a document's operations between its marks; without marks, as it is.

    Raises:
        PipelineError: one of the marks is there, and not the other behind it.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if bool(begin) != (END in text) or bool(begin) != bool(end):
        raise PipelineError(f"{Layout.README}: the marks around the operations are not a pair; mend them")
    if not begin:
        return text
    return f"{before}{begin}{_tables(document)}{end}{after}"


def _tables(document: Document) -> str:
    areas = areas_view(normalized(document))
    count = sum(len(area.operations) for area in areas)
    parts = [f"{count} methods in {len(areas)} namespaces."]
    for area in areas:
        rows = [
            f"| `{item.name}` | `{item.returns.replace(' | ', ' or ')}` | {', '.join(_remarks(item))} |"
            for item in area.operations
        ]
        parts.append(
            "\n".join(
                [f"### `campus.{area.name}`", "", "| method | returns | |", "| --- | --- | --- |", *rows]
            )
        )
    return "\n" + "\n\n".join(parts) + "\n\n"


def _remarks(operation: OperationView) -> Iterable[str]:
    if operation.effect == "write":
        yield "writes"
    if operation.deprecated is not None:
        yield "obsolete"
