"""Provisional operations: those that are declared from public facts, until a page of the vendor's replaces them."""

from collections.abc import Collection

from .jsontext import Document
from .spec import operations

__all__ = ["mark_provisional"]


def mark_provisional(document: Document, ids: Collection[str]) -> None:
    """Mark the operations with these ids as provisional."""
    for operation in operations(document):
        if operation.id in ids:
            operation.body["x-nexport-provisional"] = True
