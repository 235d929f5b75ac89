"""Compares each enum that the overlay declares with the vendor's statements of it, and makes them refer to the declaration.

The vendor repeats an enum in every property that has it: its values in `enum`, its words in the description. What all
properties say becomes the declaration, so that a new value gets its member, and a removed one loses it. Where they
contradict each other, the run stops.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .enum_words import make_member_name, read_code_names, read_labels, simplify_label
from .errors import Problems
from .jsontext import Document
from .layout import Layout
from .remedies import make_schema_path, write_action
from .schema_forms import member_name
from .spec import Areas, get_components, iterate_schemas

__all__ = ["refer_to_enums"]

_LEAST_COMMON = 2  # words that a property and an enum must share, unless the enum has fewer


@dataclass
class _Enum:
    """A declared enum: its members in order, and the properties that state it."""

    name: str
    schema: Document
    uses: list["_Use"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.members = dict(zip(self.schema["enum"], self.schema["x-enum-varnames"], strict=True))
        self.labels = dict(zip(self.schema["enum"], self.schema["x-enum-labels"], strict=True))
        self.words = {simplify_label(label): value for value, label in self.labels.items()}


class _Use:
    """A property that states an enum."""

    def __init__(self, pointer: str, schema: Document) -> None:
        description = str(schema.get("description", ""))
        self.pointer = pointer
        self.schema = schema
        self.listed = [value for value in schema["enum"] if type(value) is int]
        self.labels = read_labels(description, self.listed)
        self.code_names = read_code_names(description)

    @property
    def values(self) -> dict[int, None]:
        """All values that it states, in its `enum` list or in its description."""
        return dict.fromkeys([*self.listed, *self.labels])

    def write_separation(self) -> str:
        """Return the overlay action that makes the property a separate enum."""
        words = {value: self.labels.get(value, str(value)) for value in self.listed}
        members = [make_member_name(label) or member_name(value) for value, label in words.items()]
        update = {"x-enum-varnames": members, "x-enum-labels": list(words.values())}
        reason = "The vendor's own values and words of this property."
        return write_action(make_schema_path(self.pointer), reason, json.dumps(update, ensure_ascii=False))


def refer_to_enums(document: Document, vendor: Document, problems: Problems) -> list[str]:
    """Make each property that states a declared enum refer to it, and bring the declarations up to date.

    Args:
        document: The corrected document, which is changed.
        vendor: The document before the corrections: an enum that it lacks is declared by the overlay.
        problems: Receives a problem for each contradiction.

    Returns:
        list: What the vendor changed in the declared enums, as notes.
    """
    known = get_components(document, "schemas")
    declared = [
        _Enum(name, schema)
        for name, schema in known.items()
        if name not in get_components(vendor, "schemas") and _is_declaration(schema)
    ]
    for pointer, schema in iterate_schemas(document):
        if "enum" in schema and "$ref" not in schema and "x-enum-varnames" not in schema:
            use = _Use(pointer, schema)
            if enum := _match(use, declared):
                enum.uses.append(use)
    notes: list[str] = []
    areas = Areas(document)
    for enum in declared:
        found = list(_find_contradictions(enum))
        for pointer, message, action in found:
            problems.add(message, areas.of(pointer), action)
        if not found:
            notes += [*_bring_up_to_date(enum), *_find_incomplete(enum)]
        for use in enum.uses:
            for key in ("type", "format", "enum"):
                use.schema.pop(key, None)
            use.schema["$ref"] = f"#/components/schemas/{enum.name}"
        if not enum.uses:
            del document["components"]["schemas"][enum.name]
            notes.append(
                f"the vendor no longer states the enum {enum.name}; remove its declaration from {Layout.OVERLAY}"
            )
    return notes


def _is_declaration(schema: Mapping[str, Any]) -> bool:
    parts = [schema.get(key) for key in ("enum", "x-enum-varnames", "x-enum-labels")]
    return all(isinstance(part, list) for part in parts) and len({len(part or []) for part in parts}) == 1


def _match(use: _Use, declared: list[_Enum]) -> _Enum | None:
    """Return the enum that a property states: all of its words, or else most of them."""

    def common(enum: _Enum) -> int:
        return sum(simplify_label(label) in enum.words for label in use.labels.values())

    best = max(declared, key=lambda enum: (enum.labels == use.labels, common(enum)), default=None)
    if best is None or not use.labels:
        return None
    fewest = min(len(best.labels), len(use.labels))
    enough = common(best) * 2 >= fewest and common(best) >= min(_LEAST_COMMON, fewest)
    return best if enough and common(best) else None


def _find_contradictions(enum: _Enum) -> Iterator[tuple[str, str, str]]:
    """Yield where properties contradict each other: the place, the message and an overlay action."""
    numbers: dict[str, tuple[int, _Use]] = {}
    words: dict[int, _Use] = {}
    for use in enum.uses:
        for value, label in use.labels.items():
            number, first = numbers.setdefault(simplify_label(label), (value, use))
            other = words.setdefault(value, use)
            if number != value:
                yield _describe_contradiction(enum, first, use, f"{label!r} is {number} and {value}")
            elif simplify_label(other.labels[value]) != simplify_label(label):
                yield _describe_contradiction(
                    enum, other, use, f"{value} is {other.labels[value]!r} and {label!r}"
                )


def _describe_contradiction(enum: _Enum, one: _Use, other: _Use, what: str) -> tuple[str, str, str]:
    message = (
        f"{one.pointer} and {other.pointer} disagree about {enum.name}: {what}; import the newest pages of all areas at "
        "once, or make one a separate enum"
    )
    return other.pointer, message, other.write_separation()


def _find_incomplete(enum: _Enum) -> Iterator[str]:
    """Yield the values that only some of the vendor's statements have, as notes."""
    stated = dict.fromkeys(value for use in enum.uses for value in use.values)
    for value in stated:
        lacking = [use.pointer for use in enum.uses if value not in use.values]
        if lacking:
            yield f"{enum.name}: some properties state {value}, and these don't: {_list_pointers(lacking)}"
        unnamed = [use.pointer for use in enum.uses if value in use.listed and value not in use.labels]
        if unnamed:
            yield f"{enum.name}: {value} is in the `enum` list and not in the description of {_list_pointers(unnamed)}"
        unlisted = [use.pointer for use in enum.uses if value in use.labels and value not in use.listed]
        if unlisted:
            yield f"{enum.name}: {value} is in the description and not in the `enum` list of {_list_pointers(unlisted)}"


def _list_pointers(pointers: list[str]) -> str:
    shown = 3
    more = f" and {len(pointers) - shown} more" if len(pointers) > shown else ""
    return ", ".join(pointers[:shown]) + more


def _bring_up_to_date(enum: _Enum) -> list[str]:
    """Update the declaration to what its uses state; return notes."""
    stated: dict[int, str | None] = {}
    named: dict[int, str] = {}
    for use in enum.uses:
        for value in use.values:
            stated[value] = stated.get(value) or use.labels.get(value)
        named |= use.code_names
    order = [value for value in enum.members if value in stated]
    order += sorted(value for value in stated if value not in enum.members)
    if not enum.uses or {value: stated[value] for value in order} == enum.labels:
        return []
    members = _name_members(enum, {value: stated[value] for value in order}, named)
    enum.schema["enum"] = order
    enum.schema["x-enum-varnames"] = list(members.values())
    enum.schema["x-enum-labels"] = [stated[value] or str(value) for value in order]
    return [
        f"{enum.name}: {change}; update its declaration in {Layout.OVERLAY}"
        for change in _describe_changes(enum, stated, members)
    ]


def _name_members(enum: _Enum, stated: Mapping[int, str | None], named: Mapping[int, str]) -> dict[int, str]:
    """Return the member's name of each value: the declared one for the same words, else one from the vendor's words."""
    members: dict[int, str] = {}
    for value, label in stated.items():
        owner = enum.words.get(simplify_label(label)) if label else None
        if owner is not None:
            members[value] = enum.members[owner]
    now = {simplify_label(label) for label in stated.values() if label}
    for value, label in stated.items():
        if value in members:
            continue
        renamed = value in enum.members and simplify_label(enum.labels[value]) not in now
        name = enum.members[value] if renamed else make_member_name(named.get(value) or label or "")
        members[value] = name if name and name not in members.values() else member_name(value)
    return {value: members[value] for value in stated}


def _describe_changes(
    enum: _Enum, stated: Mapping[int, str | None], members: Mapping[int, str]
) -> Iterator[str]:
    was = {member: value for value, member in enum.members.items()}
    for value, member in members.items():
        label = stated[value]
        if member not in was:
            words = f" = {label}" if label else ", without words for it,"
            yield f"the vendor adds {value}{words} ({enum.name}.{member})"
        elif was[member] != value:
            yield f"the vendor renumbers {label}: {value}, was {was[member]} ({enum.name}.{member})"
        elif label != enum.labels[value]:
            yield f"the vendor calls {value} {label!r}, was {enum.labels[value]!r} ({enum.name}.{member})"
    for member, value in was.items():
        if member not in members.values():
            yield f"the vendor removes {value} = {enum.labels[value]} ({enum.name}.{member})"
