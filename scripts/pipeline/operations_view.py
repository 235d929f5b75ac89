"""The records of operations for their templates."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from openapi_python_client.strings import PythonIdentifier, snake_case

from pipeline.arguments_view import (
    ArgumentView,
    body_arguments,
    paging_place,
    query_arguments,
    refuse_repeated,
)
from pipeline.docs import operation_doc
from pipeline.kinds import kind_of

__all__ = ["METHODS", "OperationView", "area_name", "operation_view"]

METHODS = ("get", "put", "post", "delete", "patch")


@attrs.frozen
class OperationView:
    """One operation: what its module declares and what its method looks like."""

    id: str
    module: str
    name: str
    constant: str
    method: str
    path: str
    effect: str
    token: str
    query: list[ArgumentView]
    body: list[ArgumentView] | None
    result: str
    result_annotation: str
    returns: str
    paging: str
    pages: bool
    doc: str
    deprecated: str | None
    references: list[str]
    shown: list[str]
    client_imports: list[str]
    kind_imports: list[str]

    @property
    def arguments(self) -> list[ArgumentView]:
        """All arguments, required ones first."""
        return sorted([*self.query, *(self.body or [])], key=lambda argument: not argument.required)


def area_name(tag: str) -> str:
    """The namespace of a tag: `PointOfSaleApi` is `point_of_sale`."""
    return str(PythonIdentifier(tag.removesuffix("Api"), "area_"))


def operation_view(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> OperationView:
    """The record of one operation. Raises ValueError for what can't become a method."""
    schemas = document["components"]["schemas"]
    operation_id = operation["operationId"]
    query = query_arguments(operation, schemas)
    body = body_arguments(operation, schemas)
    paging = paging_place(query, operation, schemas)
    query = [item for item in query if not (paging == "query" and item.key in {"page", "per_page"})]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    result, annotation, items = _result(schema, schemas)
    returns = f"AsyncPager[{_item_annotation(schema, schemas, items)}]" if paging else annotation
    arguments = sorted([*query, *(body or [])], key=lambda argument: not argument.required)
    refuse_repeated(operation_id, arguments)
    kinds = {kind for argument in arguments for kind in argument.kind.kinds} | _kinds_in(result)
    name = str(snake_case(operation_id.split("_", 1)[1]))
    return OperationView(
        id=operation_id,
        module=str(PythonIdentifier(operation_id, "field_")),
        name=str(PythonIdentifier(name, "operation_")),
        constant=name.upper(),
        method=method.upper(),
        path=path,
        effect=operation.get("x-nexport-effect", "write"),
        token=_token(operation, query),
        query=query,
        body=body,
        result=result,
        result_annotation=annotation,
        returns=returns,
        paging=f'Paging("{paging}"' + (f', items="{items}")' if items else ")") if paging else "None",
        pages=bool(paging),
        doc=operation_doc(operation, method, path, arguments, returns, paged=bool(paging)),
        deprecated=_deprecation(document, operation),
        references=sorted(_references(annotation, schemas)),
        shown=sorted(_references(annotation, schemas) | _references(returns, schemas)),
        client_imports=["Operation", *["Paging"] * bool(paging), *["Parameter"] * bool(arguments)],
        kind_imports=sorted(kinds),
    )


def _result(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """The kind and the annotation of an answer, and which field of an object holds the records of a list."""
    options = [option for option in schema.get("oneOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        kind = kind_of(options[0], schemas)
        return kind.code.replace(")", ", nullable=True)"), f"{kind.annotation} | None", None
    kind = kind_of(schema, schemas)
    return kind.code, kind.annotation, _items_field(schema, schemas)


def _items_field(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str | None:
    if "$ref" not in schema:
        return None
    properties = schemas[schema["$ref"].rsplit("/", 1)[-1]].get("properties", {})
    lists = [
        key
        for key, value in properties.items()
        if value.get("type") == "array" and "$ref" in value.get("items", {})
    ]
    return lists[0] if len(lists) == 1 else None


def _item_annotation(schema: Mapping[str, Any], schemas: Mapping[str, Any], items: str | None) -> str:
    listed = schemas[schema["$ref"].rsplit("/", 1)[-1]]["properties"][items] if items else schema
    return kind_of(listed["items"], schemas).annotation


def _token(operation: Mapping[str, Any], query: Iterable[ArgumentView]) -> str:
    if not operation.get("x-nexport-credentials"):
        return "own"
    return "argument" if any(argument.key == "access_token" for argument in query) else "none"


def _deprecation(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str | None:
    if not operation.get("deprecated"):
        return None
    replacement = operation.get("x-nexport-replacement")
    known = {
        item[method]["operationId"]
        for item in document["paths"].values()
        for method in METHODS
        if method in item
    }
    if replacement is None:
        return repr("The vendor marks this operation as obsolete and names no replacement.")
    tag, _, name = replacement.partition("_")
    if replacement in known:
        return repr(
            f"The vendor marks this operation as obsolete: use campus.{area_name(tag)}.{snake_case(name)}."
        )
    return repr(
        f"The vendor marks this operation as obsolete and names {tag}/{name}, which is not in this SDK yet."
    )


def _references(annotation: str, schemas: Mapping[str, Any]) -> set[str]:
    words = annotation.replace("[", " ").replace("]", " ").replace("|", " ").split()
    return {word for word in words if word in schemas}


def _kinds_in(result: str) -> set[str]:
    return {name for name in ("Array", "ModelOf", "EnumOf") if f"{name}(" in result}
