"""Generates the tables of the documentation from the code.

The Markdown contains some of them between two marks, without links, so that it can also be read outside the site.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import nexport_campus
from documentation.error_meanings import MEANINGS
from nexport_campus import APIError, AuthenticationError, NexportError, TransportError
from nexport_campus._errors import choose_error_class
from nexport_campus._retry import Failure, may_retry
from nexport_client import OPERATIONS
from nexport_client.enums import OpenIntEnum
from nexport_client.operation import Operation

__all__ = [
    "add_links",
    "group_operations",
    "list_errors",
    "make_areas_table",
    "make_effects_table",
    "make_errors_table",
    "make_members_table",
    "make_operations_table",
    "make_retries_table",
    "update_tables",
    "write",
]

_BLOCK = re.compile(
    r"^(?P<begin><!-- table: (?P<name>\w+), written by scripts/(?P<script>\w+) -->\n)"
    r"(?P<table>.*?)^(?P<end><!-- end of table -->\n)",
    re.MULTILINE | re.DOTALL,
)
_REFERENCE = re.compile(r"\[(`[^`]+`)\]\[[\w.]+\]")
_STATUSES = range(300, 600)


def add_links(markdown: str) -> str:
    """Return a page with links in its tables, for the site. Raises KeyError for an unknown table."""
    return _BLOCK.sub(lambda block: f"{_TABLES[block['name']]()}\n", markdown)


def update_tables(markdown: str) -> str:
    """Return a page with the tables that `scripts/docs` writes, brought up to date."""
    return _BLOCK.sub(_write_block, markdown)


def write(folder: Path) -> None:
    """Update the tables of all pages in a folder."""
    for page in folder.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        if (new := update_tables(text)) != text:
            page.write_text(new, encoding="utf-8", newline="\n")


def _write_block(block: re.Match[str]) -> str:
    if block["script"] != "docs":
        return block[0]
    table = _REFERENCE.sub(r"\1", _TABLES[block["name"]]())
    return f"{block['begin']}\n{table}\n\n{block['end']}"


def make_areas_table() -> str:
    """Return the table of the vendor's areas."""
    rows = [
        (f"[`campus.{name}`]({name}.md)", str(len(operations)))
        for name, operations in group_operations().items()
    ]
    return _make_table(("area", "methods"), rows)


def group_operations() -> dict[str, list[Operation[Any]]]:
    """Return all operations by area."""
    found: dict[str, list[Operation[Any]]] = {}
    for operation in OPERATIONS.values():
        found.setdefault(operation.area, []).append(operation)
    return found


def make_operations_table(area: str) -> str:
    """Return the table of an area's methods: return types, and whether they write or are obsolete or provisional."""
    rows = [
        (_link(each, each.name), f"`{each.return_type.replace(' | ', ' or ')}`", _list_notes(each))
        for each in group_operations()[area]
    ]
    return _make_table(("method", "returns", ""), rows)


def _link(operation: Operation[Any], text: str) -> str:
    """Return a Markdown link to the documentation of an operation's method."""
    return f"[`{text}`][campus.{operation.full_name}]"


def _list_notes(operation: Operation[Any]) -> str:
    notes = {
        "writes": operation.effect == "write",
        "obsolete": operation.deprecated is not None,
        "[provisional](../provisional.md)": operation.provisional,
    }
    return ", ".join(note for note, applies in notes.items() if applies)


def make_provisional_table() -> str:
    """Return the table of provisional operations, with the least certain part of each."""
    rows = [
        (_link(each, each.full_name), each.method, each.uncertain)
        for each in OPERATIONS.values()
        if each.provisional
    ]
    return _make_table(("operation", "HTTP", "least certain"), rows)


def make_retries_table() -> str:
    """Return the table of operations with their effects."""
    rows = [(_link(each, each.full_name), each.method, f"{each.effect}s") for each in OPERATIONS.values()]
    return _make_table(("operation", "HTTP", "effect"), rows)


def make_effects_table() -> str:
    """Return the table of effects, with the failures after which an operation is retried."""
    effects: tuple[Literal["read", "write"], ...] = ("read", "write")
    return _make_table(
        ("effect", "retried after"), [(f"{each}s", ", ".join(_list_causes(each))) for each in effects]
    )


def _list_causes(effect: Literal["read", "write"]) -> list[str]:
    """Return the failures that are retried: without a response, and statuses without an error code."""
    words = {Failure.NO_RESPONSE: "no response", Failure.NOT_SENT: "no connection"}
    failures = [text for failure, text in words.items() if may_retry(effect, failure, None)]
    return failures + [str(status) for status in _STATUSES if may_retry(effect, Failure.STATUS, status)]


def list_errors() -> list[type[NexportError]]:
    """Return all public error classes, each after its base class."""
    public = {value for value in vars(nexport_campus).values() if isinstance(value, type)}

    def walk(error: type[NexportError]) -> Iterable[type[NexportError]]:
        yield error
        for kind in error.__subclasses__():
            if kind in public:
                yield from walk(kind)

    return list(walk(NexportError))


def make_errors_table() -> str:
    """Return the table of errors: meaning, codes and statuses, attributes, and the failures that are retried first."""
    rows = [
        (
            f"[`{error.__name__}`][nexport_campus.{error.__name__}]",
            MEANINGS[error.__name__],
            _list_signs(error),
            ", ".join(f"`{name}`" for name in _list_own_attributes(error)),
            _describe_retries(error),
        )
        for error in list_errors()
    ]
    return _make_table(("class", "meaning", "code, HTTP status", "attributes", "retried"), rows)


def _list_signs(error: type[NexportError]) -> str:
    if error is APIError:
        return "any other"
    if not issubclass(error, APIError):
        return ""
    codes = [code for code in range(1, 100) if choose_error_class(200, code) is error]
    statuses = [status for status in _STATUSES if choose_error_class(status, None) is error]
    if statuses == [*range(500, 600)]:
        return ", ".join([*(f"code {code}" for code in codes), "HTTP 5xx"])
    return ", ".join([*(f"code {code}" for code in codes), *(f"HTTP {status}" for status in statuses)])


def _list_own_attributes(error: type[NexportError]) -> Sequence[str]:
    if "__init__" not in vars(error):
        return ()
    parameters = inspect.signature(error).parameters.values()
    named = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    return [name for name in named if name != "message" or error is NexportError]


def _describe_retries(error: type[NexportError]) -> str:
    if error is AuthenticationError:
        return "once, with a new token"
    if error is NexportError:
        return ""
    reads, writes = (
        ", ".join(filter(_make_predicate(error), _list_causes(effect))) for effect in ("read", "write")
    )
    if reads == writes:
        return "reads and writes" if reads else "never"
    return "; ".join(f"{kind}: {causes}" for kind, causes in (("reads", reads), ("writes", writes)) if causes)


def _make_predicate(error: type[NexportError]) -> Callable[[str], bool]:
    """Return a predicate that is true for the retried failures that raise this error."""
    if issubclass(error, TransportError):
        return lambda cause: not cause.isdecimal()
    return lambda cause: cause.isdecimal() and choose_error_class(int(cause), None) is error


def make_members_table(enum: type[OpenIntEnum]) -> str:
    """Return the table of an enum's members, with their numbers and the vendor's labels."""
    return _make_table(
        ("member", "value", "label"),
        [(f"`{member.name}`", str(int(member)), member.label) for member in enum],
    )


def _make_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_TABLES = {
    "effects": make_effects_table,
    "errors": make_errors_table,
    "provisional": make_provisional_table,
    "retries": make_retries_table,
}
