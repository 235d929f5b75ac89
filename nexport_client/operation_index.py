# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""The index of all operations."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import unquote

import attrs

from .operation import Operation

__all__ = ["IndexEntry", "OperationIndex"]


@attrs.frozen
class IndexEntry:
    """What is known of an operation without importing its module."""

    method: str
    path: str
    module: str


class OperationIndex(Mapping[str, Operation[Any]]):
    """All operations by operationId; the module that declares an operation is imported when it is looked up.

    Args:
        package: The package that the modules' names are relative to.
        entries: The operations' methods, paths and modules by operationId.
    """

    def __init__(self, package: str, entries: Mapping[str, IndexEntry]) -> None:
        self._package = package
        self._entries = entries

    def __getitem__(self, operation_id: str) -> Operation[Any]:
        module = import_module(self._entries[operation_id].module, self._package)
        operation: Operation[Any] = module.OPERATION
        return operation

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, method: str, path: str) -> Operation[Any] | None:
        """Return the operation that a request with this method and path reaches, or None.

        Case, percent-encoding and a trailing slash make no difference, as on an ASP.NET server.
        """
        wanted = _normalize(path)
        for name, entry in self._entries.items():
            if entry.method == method.upper() and _matches(_normalize(entry.path), wanted):
                return self[name]
        return None


def _normalize(path: str) -> list[str]:
    return unquote(path).rstrip("/").lower().split("/")


def _matches(template: list[str], path: list[str]) -> bool:
    """Return whether a path fits a template, whose placeholders stand for any one segment."""
    return len(template) == len(path) and all(
        part == given or (part.startswith("{") and bool(given))
        for part, given in zip(template, path, strict=True)
    )
