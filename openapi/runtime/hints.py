# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Annotations that are evaluated when they are read.

Models and methods refer to other models. Importing those for the annotations would load every model with the first one,
so the imports are under TYPE_CHECKING, where `typing.get_type_hints` and similar functions do not find the names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar

from .registry import load_class

__all__ = ["lazy_annotations"]

T = TypeVar("T")


def lazy_annotations(namespace: Mapping[str, Any]) -> Callable[[type[T]], type[T]]:
    """Evaluate the annotations of a class and its methods when they are read.

    Apply it after `attrs.define` (in the line above), which reads the annotations as strings.

    Args:
        namespace: The `globals()` of the module; names that it lacks are models, imported when needed.
    """

    def decorate(cls: type[T]) -> type[T]:
        for annotated in (cls, *_iterate_functions(cls)):
            if annotated.__annotations__:
                annotated.__annotations__ = _Annotations(annotated.__annotations__, namespace)
        return cls

    return decorate


def _iterate_functions(cls: type) -> Iterator[Any]:
    """Yield the functions of a class, including those wrapped by decorators."""
    for value in vars(cls).values():
        function = getattr(value, "__func__", value)
        while inspect.isfunction(function):
            yield function
            function = getattr(function, "__wrapped__", None)


class _Names(dict[str, Any]):
    """A module's names, with the models as a fallback."""

    def __missing__(self, name: str) -> object:
        return load_class(name)


class _Annotations(dict[str, Any]):
    """Annotations whose strings are evaluated before the first read."""

    def __init__(self, annotations: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
        super().__init__(annotations)
        self._namespace = namespace

    def _evaluate(self) -> None:
        names = _Names(self._namespace)
        for name, annotation in dict.items(self):
            if isinstance(annotation, str):
                # The strings are this package's own annotations.
                self[name] = eval(annotation, {}, names)  # noqa: S307


def _evaluate_before(name: str) -> Callable[..., Any]:
    read = getattr(dict, name)

    @wraps(read)
    def evaluate_and_read(self: _Annotations, *arguments: Any) -> Any:
        self._evaluate()
        return read(self, *arguments)

    return evaluate_and_read


# `__iter__` is included because `dict(...)` copies a subclass directly unless it overrides iteration.
for _name in (
    "__eq__",
    "__getitem__",
    "__iter__",
    "__or__",
    "__repr__",
    "copy",
    "get",
    "items",
    "keys",
    "values",
):
    setattr(_Annotations, _name, _evaluate_before(_name))
