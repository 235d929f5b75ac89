"""Shows objects in the reference under the names that users type, not those of the modules that define them."""

from typing import Any

from griffe import Alias, Attribute, ExprName, Extension, GriffeLoader, Module

import nexport_campus

__all__ = ["AsUsersSeeThem"]


class AsUsersSeeThem(Extension):
    """Adds the vendor's areas (`campus.learning`), the models (`nexport_campus.models`), and the errors of operations.

    Areas and models only exist at run time, and griffe reads the code without running it. The generated code doesn't
    import the errors that its docstrings name; with aliases for them, these names become links.
    """

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **_: Any) -> None:
        """Add the names to a loaded package; `nexport_client` is loaded first."""
        code = loader.modules_collection
        if pkg.name == "campus":
            _add_areas(pkg, code["nexport_client.client.Areas"])
            _add_errors(code["nexport_client.api"])
        elif pkg.name == "nexport_campus":
            _add_models(pkg["models"], code["nexport_client.models"])


def _add_areas(campus: Module, areas: Any) -> None:
    for name, area in areas.members.items():
        if isinstance(area, Attribute) and isinstance(area.annotation, ExprName):
            target = campus.modules_collection[area.annotation.canonical_path]
            target.docstring = None  # the page has its own introduction
            campus.set_member(name, Alias(name, area.annotation.canonical_path))


def _add_errors(api: Module) -> None:
    for area in api.modules.values():
        for name in nexport_campus.__all__:
            if name.endswith("Error"):
                area.set_member(name, Alias(name, f"nexport_campus.{name}"))


def _add_models(ours: Module, generated: Module) -> None:
    for name in map(str, generated.exports or ()):
        ours.set_member(name, Alias(name, f"{generated.path}.{name}"))
