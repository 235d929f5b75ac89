"""Names classes after schemas: .NET's generics, namespaces, lower case and underscores become good Python names."""

import builtins
import re
from collections.abc import Iterable, Iterator

from openapi_python_client.strings import ClassName, PythonIdentifier

from .python_names import TAKEN_CLASSES

__all__ = ["find_name_clashes", "is_class_name", "is_schema_name", "make_class_names"]

_SCHEMA_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_.,`+<>\[\]-]*")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")
_GENERIC = re.compile(r"[\[\],<>`+]+")
_WORDS = re.compile(r"[A-Za-z0-9]+")


def make_class_names(schema_names: Iterable[str]) -> dict[str, str]:
    """Return the class name of each schema; a schema that none can be made for is left out.

    `PagedResult[User]` is PagedResultUser, `user_item` is UserItem, `Nexport.Api.User` is User, or NexportApiUser if
    another schema is User. A name that Python or the generated code uses gets the prefix Api.
    """
    names = list(schema_names)
    short = {name: _make_class_name(name, whole=False) for name in names}
    count: dict[str | None, int] = {}
    for made in short.values():
        count[made] = count.get(made, 0) + 1
    found = {
        name: _make_class_name(name, whole=True) if count[made] > 1 and "." in name else made
        for name, made in short.items()
    }
    return {name: made for name, made in found.items() if made}


def is_schema_name(name: str) -> bool:
    """Return whether a class can be named after a schema."""
    return _make_class_name(name, whole=False) is not None


def is_class_name(name: str) -> bool:
    """Return whether a name is free for a class."""
    free = name not in TAKEN_CLASSES and not hasattr(builtins, name)
    return free and _CLASS.fullmatch(name) is not None and ClassName(name, "") == name


def find_name_clashes(names: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield schemas whose classes would be in the same module: the first, the other, and the other's class."""
    modules: dict[str, str] = {}
    for name, made in sorted(names.items()):
        first = modules.setdefault(str(PythonIdentifier(made, "")), name)
        if first != name:
            yield first, name, made


def _make_class_name(name: str, *, whole: bool) -> str | None:
    if not _SCHEMA_NAME.fullmatch(name):
        return None
    parts = [part for part in _GENERIC.split(name) if part and not part.isdecimal()]
    if not whole:
        parts = [part.rstrip(".").rsplit(".", 1)[-1] for part in parts]
    words = [word for part in parts for word in _WORDS.findall(part)]
    made = "".join(word[0].upper() + word[1:] for word in words)
    if made and not is_class_name(made):
        made = str(ClassName(made, "")).rstrip("_")
        made = made if is_class_name(made) else f"Api{made}"
    return made if is_class_name(made) else None
