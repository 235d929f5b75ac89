# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""The generated models and enums by name, each imported when it is first needed."""

from functools import cache
from importlib import import_module
from typing import Any, Final

__all__ = ["load_class", "register_models"]

_packages: Final[list[str]] = []


def register_models(package: str) -> None:
    """Add a package that has models and enums as attributes, and their names in `__all__`."""
    _packages.append(package)


@cache
def load_class(name: str) -> Any:
    """Return a model or an enum. Raises KeyError if there is none of that name."""
    for package in map(import_module, _packages):
        if name in package.__all__:
            return getattr(package, name)
    raise KeyError(name)
