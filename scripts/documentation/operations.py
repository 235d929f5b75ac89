"""The vendor's operations as the generated code has them: by area and method."""

import inspect
from functools import cache
from importlib import import_module
from typing import Any

import attrs

from nexport_client.client import Areas, Caller, Operation

__all__ = ["Method", "areas"]


@attrs.frozen
class Method:
    """One method of an area: its operation, what it returns, in words for a table, and whether it is obsolete."""

    area: str
    name: str
    operation: Operation[Any]
    returns: str
    obsolete: bool

    @property
    def link(self) -> str:
        """A reference to the method's own documentation, in Markdown."""
        return f"[`{self.name}`][campus.{self.area}.{self.name}]"


@cache
def areas() -> dict[str, tuple[Method, ...]]:
    """The methods of each area, such as `learning`."""
    nobody: Any = Caller
    client = Areas(nobody)
    names = [name for name in vars(Areas) if not name.startswith("_")]
    return {name: _methods(name, type(getattr(client, name))) for name in names}


def _methods(area: str, facade: type) -> tuple[Method, ...]:
    methods = {name: value for name, value in vars(facade).items() if not name.startswith("_")}
    return tuple(
        Method(
            area,
            name,
            _operation(method),
            str(inspect.signature(method).return_annotation).replace(" | ", " or "),
            hasattr(method, "__deprecated__"),
        )
        for name, method in methods.items()
    )


def _operation(method: Any) -> Operation[Any]:
    """The operation that the method's code names; the module's constants follow no rule that holds for every name."""
    code = inspect.unwrap(method)
    module = import_module(code.__module__)
    named = (getattr(module, name, None) for name in code.__code__.co_names)
    return next(value for value in named if isinstance(value, Operation))
