"""Template records of the client's namespaces, one for each area of the API."""

from collections.abc import Mapping
from typing import Any

import attrs
from openapi_python_client.strings import ClassName, PythonIdentifier

from pipeline.operations_view import OperationView, make_operation_view
from pipeline.python_names import area_name
from pipeline.spec import METHODS

__all__ = ["AreaView", "make_area_views"]


@attrs.frozen
class AreaView:
    """One area of the vendor's API, which is one namespace of the client."""

    tag: str
    name: str
    package: str
    class_name: str
    operations: list[OperationView]
    imports: list[str]
    protocols: list[str]
    types_imports: list[str]
    references: list[str]


def make_area_views(document: Mapping[str, Any]) -> list[AreaView]:
    """Return the records of all areas, sorted by name, with their operations sorted by name."""
    by_tag: dict[str, list[OperationView]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                view = make_operation_view(document, path, method, item[method])
                by_tag.setdefault(item[method]["tags"][0], []).append(view)
    return [
        _make_area(tag, sorted(views, key=lambda view: view.name)) for tag, views in sorted(by_tag.items())
    ]


def _make_area(tag: str, operations: list[OperationView]) -> AreaView:
    arguments = [argument for operation in operations for argument in operation.arguments]
    imports = {
        line
        for argument in arguments
        for line in argument.kind.imports
        if line.rpartition(" ")[2] in argument.annotation  # a list of anything is an `Iterable[object]`
    }
    imports |= {line for operation in operations for line in operation.result_imports}
    references = {name for operation in operations for name in operation.shown}
    references |= {name for argument in arguments for name in argument.kind.references}
    if references:
        imports.add("from typing import TYPE_CHECKING")
    paged = any(operation.paging for operation in operations)
    deprecated = any(operation.deprecated for operation in operations)
    secret = any(argument.secret for argument in arguments)
    nullable = any(argument.default == "UNSET" for argument in arguments)
    types = [*["UNSET", "Unset"] * nullable, *["conceal"] * secret]
    return AreaView(
        tag=tag,
        name=area_name(tag),
        package=str(PythonIdentifier(tag, "tag")),
        class_name=str(ClassName(tag, "tag")),
        operations=operations,
        imports=sorted(imports | ({"from typing_extensions import deprecated"} if deprecated else set())),
        protocols=[*["AsyncPager"] * paged, "Caller"],
        types_imports=types,
        references=sorted(references),
    )
