"""Breaking changes of the generated package's Python API, found by griffe.

griffe compares names and signatures; types of arguments, fields and responses are compared in the spec.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import griffe

from pipeline.changes import Change

__all__ = ["find_python_changes"]

_NEEDS = {griffe.BreakageKind.PARAMETER_ADDED_REQUIRED, griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED}


_AREA_DEPTH = 2  # nexport_client.api.learning_api


class AttrsInit(griffe.Extension):
    """griffe extension that adds the `__init__` that attrs generates: keyword-only, with the fields' defaults."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Add the `__init__` to a class that attrs decorates."""
        if not any(str(item.value).startswith("define(") for item in cls.decorators):
            return
        parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        for name, attribute in cls.attributes.items():
            code = str(attribute.value or "")
            if code.startswith("field(") and "init=False" not in code:
                optional = "default=" in code or "factory=" in code
                keyword = griffe.ParameterKind.keyword_only
                default = "None" if optional else None
                parameters.append(
                    griffe.Parameter(name, annotation=attribute.annotation, kind=keyword, default=default)
                )
        cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters)))


def find_python_changes(old: Path, new: Path, package: str, sent: Container[str]) -> list[Change]:
    """Compare two states of a package.

    Args:
        old: the folder that the package is in.
        new: the same, later.
        package: its name.
        sent: the models that users make; what another's `__init__` requires breaks no program.
    """
    before, after = _load(old, package), _load(new, package)
    return sorted(set(_find_breaks(before, after, sent)))


def _load(folder: Path, package: str) -> griffe.Object | griffe.Alias:
    return griffe.load(
        package,
        search_paths=[folder],
        extensions=griffe.load_extensions(AttrsInit()),
        allow_inspection=False,
        resolve_aliases=False,
        try_relative_path=False,
    )


def _find_breaks(
    before: griffe.Object | griffe.Alias, after: griffe.Object | griffe.Alias, sent: Container[str]
) -> Iterator[Change]:
    for breakage in griffe.find_breaking_changes(before, after):
        path, kind = breakage.obj.path, breakage.kind
        if kind in _NEEDS and ".__init__" in path and path.split(".")[-2] not in sent:
            continue
        # Users import models and operations from another module than the one that defines them.
        if breakage.obj.is_module and (".models." in path or path.count(".") > _AREA_DEPTH):
            continue
        if path.startswith(f"{before.path}.kinds"):
            continue  # internal to the two packages: how responses are decoded
        what = "removed" if kind is griffe.BreakageKind.OBJECT_REMOVED else "changed"
        yield Change("python", _place(path, breakage), what, kind.value.lower(), breaks=True)


def _place(path: str, breakage: griffe.Breakage) -> str:
    """Return the Python name of a breakage, with the parameter's if it is about one."""
    value = breakage.old_value or breakage.new_value
    return f"{path}({value.name})" if isinstance(value, griffe.Parameter) else path
