"""What the reference calls things: as users type them, not where the code happens to stand."""

from typing import Any

from griffe import Alias, Attribute, ExprName, Extension, GriffeLoader, Module

import nexport_campus

__all__ = ["AsUsersSeeThem"]


class AsUsersSeeThem(Extension):
    """Shows the vendor's areas as `campus.learning`, and every model as one of `nexport_campus.models`.

    Both are made when a program runs; who only reads the code, as the reference does, doesn't find them. The generated
    code doesn't import the errors that its docstrings name; with these they are links.
    """

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **_: Any) -> None:
        """Add the names to a package that was read; `nexport_client` is the first."""
        code = loader.modules_collection
        if pkg.name == "campus":
            _add_areas(pkg, code["nexport_client.client.Areas"])
            _add_errors(code["nexport_client.api"])
        elif pkg.name == "nexport_campus":
            _add_models(pkg["models"], code["nexport_client.models"])


def _add_areas(campus: Module, areas: Any) -> None:
    for name, area in areas.members.items():
        if isinstance(area, Attribute) and isinstance(area.annotation, ExprName):
            campus.set_member(name, Alias(name, area.annotation.canonical_path))


def _add_errors(api: Module) -> None:
    for area in api.modules.values():
        for name in nexport_campus.__all__:
            if name.endswith("Error"):
                area.set_member(name, Alias(name, f"nexport_campus.{name}"))


def _add_models(ours: Module, generated: Module) -> None:
    for name in map(str, generated.exports or ()):
        ours.set_member(name, Alias(name, f"{generated.path}.{name}"))
