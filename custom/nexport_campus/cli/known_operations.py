"""Lookup of operations by the names that users type, and what their results hold."""

from typing import Any, cast

from nexport_client import OPERATIONS
from nexport_client.kinds import Array, Kind, MapOf, ModelOf, Nullable
from nexport_client.operation import Operation
from nexport_client.types import fields_of

__all__ = ["find", "holds_secrets", "record_kind"]


def find(name: str) -> Operation[Any] | None:
    """Return an operation by its name in Python or its operationId, in any case, with dashes or underscores."""
    wanted = name.replace("-", "_").lower()
    return next(
        (each for each in OPERATIONS.values() if wanted in (each.full_name, each.id.lower())),
        None,
    )


def record_kind(operation: Operation[Any]) -> Kind:
    """Return the kind of the records of a paginated list, otherwise of the whole response."""
    kind = operation.result
    if operation.paging is None:
        return kind
    if operation.paging.items is not None:
        fields = fields_of(cast("ModelOf", kind).cls)
        kind = next(field.kind for field in fields if field.attribute == operation.paging.items)
    return cast("Array", kind).item


def holds_secrets(kind: Kind, _seen: frozenset[str] = frozenset()) -> bool:
    """Return whether values of a kind contain a secret anywhere."""
    if isinstance(kind, Array | MapOf | Nullable):
        return holds_secrets(kind.item, _seen)
    if not isinstance(kind, ModelOf) or kind.name in _seen:
        return False
    seen = _seen | {kind.name}
    return any(field.secret or holds_secrets(field.kind, seen) for field in fields_of(kind.cls))
