"""The records of areas and operations for their templates."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from openapi_python_client.strings import ClassName, PythonIdentifier, snake_case

from pipeline.docs import operation_doc
from pipeline.kinds import KindView, kind_of

__all__ = ["AreaView", "ArgumentView", "OperationView", "areas_view"]

_METHODS = ("get", "put", "post", "delete", "patch")


@attrs.frozen
class ArgumentView:
    """One argument of a method, out of the query or the body."""

    name: str
    key: str
    kind: KindView
    doc: str
    required: bool
    nullable: bool
    min_items: int
    secret: bool

    @property
    def annotation(self) -> str:
        """How the method annotates it; None means not sent, unless the schema allows null."""
        if self.nullable and not self.required:
            return f"{self.kind.argument} | None | Unset"
        return self.kind.argument if self.required else f"{self.kind.argument} | None"

    @property
    def default(self) -> str | None:
        """Its default in code, or None for a required one."""
        if self.required:
            return None
        return "UNSET" if self.nullable else "None"

    @property
    def declaration(self) -> str:
        """The `Parameter` that describes it to the client."""
        marks = [f"{name}=True" for name in ("required", "nullable", "secret") if getattr(self, name)]
        marks += [f"min_items={self.min_items}"] * bool(self.min_items)
        return f"Parameter({', '.join([repr(self.name), repr(self.key), self.kind.code, *marks])})"


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


@attrs.frozen
class AreaView:
    """One area of the vendor's API: a namespace of the client's."""

    tag: str
    name: str
    package: str
    class_name: str
    operations: list[OperationView]
    imports: list[str]
    client_imports: list[str]
    types_imports: list[str]
    references: list[str]


def areas_view(document: Mapping[str, Any]) -> list[AreaView]:
    """The records of all areas, in alphabetical order, each with its operations in the order of their names."""
    by_tag: dict[str, list[OperationView]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                view = _operation(document, path, method, item[method])
                by_tag.setdefault(item[method]["tags"][0], []).append(view)
    return [_area(tag, sorted(views, key=lambda view: view.name)) for tag, views in sorted(by_tag.items())]


def _area(tag: str, operations: list[OperationView]) -> AreaView:
    arguments = [argument for operation in operations for argument in operation.arguments]
    imports = {line for argument in arguments for line in argument.kind.imports} | {
        "from typing import TYPE_CHECKING"
    }
    paged = any(operation.pages for operation in operations)
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
        client_imports=sorted({"Caller", "RawResponse"} | ({"AsyncPager"} if paged else set())),
        types_imports=types,
        references=sorted(
            {name for operation in operations for name in operation.shown}
            | {name for argument in arguments for name in argument.kind.references}
        ),
    )


def area_name(tag: str) -> str:
    """The namespace of a tag: `PointOfSaleApi` is `point_of_sale`."""
    return str(PythonIdentifier(tag.removesuffix("Api"), "area_"))


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> OperationView:
    schemas = document["components"]["schemas"]
    operation_id = operation["operationId"]
    query = [_query_argument(item, schemas) for item in operation.get("parameters", [])]
    body = _body_arguments(operation, schemas)
    paging = _paging_place(query, operation, schemas)
    query = [item for item in query if not (paging == "query" and item.key in {"page", "per_page"})]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    result, annotation, items = _result(schema, schemas)
    returns = f"AsyncPager[{_item_annotation(schema, schemas, items)}]" if paging else annotation
    arguments = sorted([*query, *(body or [])], key=lambda argument: not argument.required)
    _refuse_repeated(operation_id, arguments)
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


def _query_argument(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> ArgumentView:
    required = parameter.get("required", False)
    return _argument(
        parameter["name"], {**parameter, **parameter["schema"]}, parameter, schemas, required=required
    )


def _body_arguments(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[ArgumentView] | None:
    schema = _body_schema(operation, schemas)
    if schema is None:
        return None
    required = schema.get("required", [])
    return [
        _argument(key, value, value, schemas, required=key in required)
        for key, value in schema["properties"].items()
        if not _is_paging_field(value)
    ]


def _body_schema(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    resolved: Mapping[str, Any] = schemas[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    return resolved


def _argument(
    key: str,
    schema: Mapping[str, Any],
    marked: Mapping[str, Any],
    schemas: Mapping[str, Any],
    *,
    required: bool,
) -> ArgumentView:
    types = schema.get("type")
    return ArgumentView(
        name=str(PythonIdentifier(key, "field_")),
        key=key,
        kind=kind_of(schema, schemas),
        doc=(marked.get("description") or "") + "\nMust not be empty." * bool(schema.get("minItems")),
        required=required,
        nullable=isinstance(types, list) and "null" in types,
        min_items=schema.get("minItems", 0),
        secret=marked.get("x-nexport-secret", False),
    )


def _paging_place(
    query: Iterable[ArgumentView], operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> str | None:
    """Where the page number travels: a pair of query parameters, or the body's paging object."""
    if {"page", "per_page"} <= {argument.key for argument in query}:
        return "query"
    body = _body_schema(operation, schemas)
    return "body" if body and any(_is_paging_field(value) for value in body["properties"].values()) else None


def _is_paging_field(schema: Mapping[str, Any]) -> bool:
    return str(schema.get("$ref", "")).endswith("/ApiPaginationOptions")


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
        for method in _METHODS
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


def _refuse_repeated(operation_id: str, arguments: list[ArgumentView]) -> None:
    names = [argument.name for argument in arguments]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{operation_id}: query and body share the name {repeated[0]!r}")


def _references(annotation: str, schemas: Mapping[str, Any]) -> set[str]:
    words = annotation.replace("[", " ").replace("]", " ").replace("|", " ").split()
    return {word for word in words if word in schemas}


def _kinds_in(result: str) -> set[str]:
    return {name for name in ("Array", "ModelOf", "EnumOf") if f"{name}(" in result}
