"""Provisional operations: those that are declared from public facts, until a page of the vendor's replaces them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from .changes import Change
from .jsontext import Document
from .reachable import find_schemas
from .spec import iterate_operations

__all__ = ["exempt", "mark_provisional"]

_MARK = "x-nexport-provisional"


def mark_provisional(document: Document, ids: Collection[str]) -> None:
    """Mark the operations with these ids as provisional."""
    for operation in iterate_operations(document):
        if operation.id in ids:
            operation.body[_MARK] = True


def exempt(changes: Iterable[Change], before: Document) -> list[Change]:
    """Return changes, with those of provisional operations and of their models as not breaking.

    Args:
        changes: The changes.
        before: The document that they change: what is provisional there is exempt from semantic versioning.
    """
    known = list(iterate_operations(before))
    provisional = [each for each in known if each.body.get(_MARK)]
    stated = [each for each in known if not each.body.get(_MARK)]
    names = {each.id for each in provisional}
    names |= find_schemas(before, provisional) - find_schemas(before, stated)
    return [
        replace(each, breaks=False, provisional=True) if each.breaks and _name(each) in names else each
        for each in changes
    ]


def _name(change: Change) -> str:
    """Return the operation or the model that a change of the spec is about."""
    return re.split(r"[(.]", change.place)[0]
