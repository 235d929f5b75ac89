"""Lookup of operations by the names that users type, and of the records in their results."""

from typing import Any, cast

from nexport_client import OPERATIONS
from nexport_client.kinds import Array, Kind, ModelOf
from nexport_client.operation import Operation
from nexport_client.types import fields_of

__all__ = ["find_operation", "find_record_kind"]


def find_operation(name: str) -> Operation[Any] | None:
    """Return an operation by its name in Python or its operationId, in any case, with dashes or underscores."""
    wanted = name.replace("-", "_").lower()
    return next(
        (each for each in OPERATIONS.values() if wanted in (each.full_name, each.id.lower())),
        None,
    )


def find_record_kind(operation: Operation[Any]) -> Kind:
    """Return the kind of the records of a paginated list, otherwise of the whole response."""
    kind = operation.result
    if operation.paging is None:
        return kind
    if operation.paging.items is not None:
        fields = fields_of(cast("ModelOf", kind).cls)
        kind = next(field.kind for field in fields if field.attribute == operation.paging.items)
    return cast("Array", kind).item
