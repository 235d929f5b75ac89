"""All operations, collected from the declarations and docstrings of the generated facade."""

import importlib
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any, cast

import attrs

from nexport_client.client import Areas, Caller, Operation, Parameter
from nexport_client.kinds import Array, Kind, MapOf, ModelOf, Nullable
from nexport_client.types import fields_of

from .docstrings import Documentation, read_docstring

__all__ = ["KnownOperation", "all_operations", "find", "holds_secrets"]


@attrs.frozen(eq=False)
class KnownOperation:
    """One operation. `area`, `method`: its names in Python. `operation`: its declaration in the specification."""

    area: str
    method: str
    operation: Operation[Any]
    function: Any

    @property
    def name(self) -> str:
        """The name, such as `learning.get_section`."""
        return f"{self.area}.{self.method}"

    @property
    def writes(self) -> bool:
        """Whether it changes data; an operation without a mark counts as doing so."""
        return self.operation.effect == "write"

    @property
    def obsolete(self) -> str | None:
        """The vendor's remark on an obsolete operation, or None."""
        return cast("str | None", getattr(self.function, "__deprecated__", None))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The arguments, required ones first."""
        operation = self.operation
        body = (operation.body,) if isinstance(operation.body, Parameter) else operation.body or ()
        found = (*operation.parts, *operation.query, *operation.headers, *body)
        return tuple(sorted(found, key=lambda parameter: not parameter.required))

    @property
    def documentation(self) -> Documentation:
        """The parts of its docstring."""
        return read_docstring(self.function)

    @property
    def item(self) -> Kind:
        """The kind of the records of a paginated list, otherwise of the whole response."""
        operation = self.operation
        if operation.paging is None:
            return operation.result
        kind = operation.result
        if operation.paging.items is not None:
            fields = fields_of(cast("ModelOf", kind).cls)
            kind = next(field.kind for field in fields if field.attribute == operation.paging.items)
        return cast("Array", kind).item


@cache
def all_operations() -> tuple[KnownOperation, ...]:
    """Return all operations, by area and name."""
    return tuple(_collect_operations())


def find(name: str) -> KnownOperation | None:
    """Return an operation by its name in Python or its operationId, in any case, with dashes or underscores."""
    wanted = name.replace("-", "_").lower()
    for candidate in all_operations():
        if wanted in (candidate.name, candidate.operation.id.lower()):
            return candidate
    return None


def _collect_operations() -> Iterator[KnownOperation]:
    # The areas are only inspected, so they need no caller.
    areas = Areas(cast("Caller", None))
    for area, attribute in vars(Areas).items():
        if not isinstance(attribute, cached_property):
            continue
        facade = type(getattr(areas, area))
        module = importlib.import_module(facade.__module__)
        for method, function in sorted(vars(facade).items()):
            if not method.startswith("_"):
                yield KnownOperation(area, method, getattr(module, method.upper()), function)


def holds_secrets(kind: Kind, _seen: frozenset[str] = frozenset()) -> bool:
    """Return whether values of a kind contain a secret anywhere."""
    if isinstance(kind, Array | MapOf | Nullable):
        return holds_secrets(kind.item, _seen)
    if not isinstance(kind, ModelOf) or kind.name in _seen:
        return False
    seen = _seen | {kind.name}
    return any(field.secret or holds_secrets(field.kind, seen) for field in fields_of(kind.cls))
