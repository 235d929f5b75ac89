"""Template records of operations."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from openapi_python_client.strings import PythonIdentifier

from pipeline.arguments_view import Arguments, ArgumentView, make_arguments
from pipeline.docstrings import OperationText
from pipeline.python_names import area_name, method_name
from pipeline.results_view import PagingView, ResultView, holds_secret, make_paging, make_result
from pipeline.spec import METHODS

__all__ = ["OperationView", "make_operation_view"]


@attrs.frozen
class OperationView:
    """One operation: the declaration in its module and the signature of its method."""

    id: str
    name: str
    method: str
    path: str
    effect: str
    token: str
    travelling: Arguments
    result: ResultView
    paging: PagingView | None
    text: OperationText
    area: str
    deprecated: str | None
    failures: list[Mapping[str, str]]
    secret_result: bool
    provisional: bool
    uncertain: str

    @property
    def module(self) -> str:
        """The module that declares the operation."""
        return str(PythonIdentifier(self.id, "field_"))

    @property
    def constant(self) -> str:
        """The name of its declaration in the area's module."""
        return self.name.upper()

    @property
    def arguments(self) -> list[ArgumentView]:
        """All arguments, required ones first."""
        return self.travelling.all

    @property
    def returns(self) -> str:
        """The return annotation of its method."""
        return f"AsyncPager[{self.paging.item.annotation}]" if self.paging else self.result.kind.annotation

    @property
    def declarations(self) -> dict[str, str]:
        """The remaining arguments of its declaration as code, without those that equal the defaults."""
        travelling, body = self.travelling, "None"
        if travelling.body is not None:
            body = travelling.body[0].declaration if travelling.whole_body else _format_tuple(travelling.body)
        said = {"query": _format_tuple(travelling.query), "body": body, "result": self.result.kind.code}
        said["paging"] = self.paging.declaration if self.paging else "None"
        further = {"parts": _format_tuple(travelling.path), "headers": _format_tuple(travelling.header)}
        said |= {name: code for name, code in further.items() if code != "()"}
        said |= {"success": repr(self.result.success)} if self.result.success != (200,) else {}
        said |= {"fixed": repr(tuple(travelling.fixed.items()))} if travelling.fixed else {}
        signs = "".join(f"FailureSign({_format_keywords(sign)}), " for sign in self.failures)
        said |= {"failures": f"({signs})"} if signs else {}
        marks = {"secret_result": self.secret_result, "provisional": self.provisional}
        said |= {name: "True" for name, given in marks.items() if given}
        said |= {"uncertain": repr(self.uncertain)} if self.uncertain else {}
        return said | self._description

    @property
    def _description(self) -> dict[str, str]:
        """Those arguments of its declaration that programs and people read, but that no call needs."""
        text = self.text
        said = {"area": self.area, "name": self.name, "description": "\n\n".join(text.paragraphs)}
        said |= {"return_type": self.returns, "returns": text.returns}
        coded = {name: repr(value) for name, value in said.items()} | {"raises": repr(text.raises)}
        return coded | ({} if self.deprecated is None else {"deprecated": self.deprecated})

    @property
    def doc(self) -> str:
        """The docstring of its method."""
        arguments = ((argument.name, argument.description) for argument in self.arguments)
        stated = "public facts" if self.provisional else "the vendor's page"
        source = f"{stated}, {self.method} {self.path}"
        return self.text.make_docstring(arguments, self.returns, paged=bool(self.paging), source=source)

    @property
    def result_imports(self) -> list[str]:
        """The imports of the return annotation, except models."""
        return sorted(line for line in self.result.kind.imports if "collections" not in line)

    @property
    def references(self) -> list[str]:
        """The models and enums in the return annotation."""
        return sorted(self.result.kind.references)

    @property
    def shown(self) -> frozenset[str]:
        """The models and enums in the return annotations of the method and its raw twin."""
        return self.result.kind.references | (self.paging.item.references if self.paging else frozenset())

    @property
    def operation_imports(self) -> list[str]:
        """The imports of its declaration from `nexport_client.operation`."""
        signs = ["FailureSign"] * bool(self.failures)
        return [*signs, "Operation", *["Paging"] * bool(self.paging), *["Parameter"] * bool(self.arguments)]

    @property
    def kind_imports(self) -> list[str]:
        """The imports of its declaration from `nexport_client.kinds`."""
        kinds = {kind for argument in self.arguments for kind in argument.kind.kinds}
        return sorted(kinds | self.result.kind.kinds)


def make_operation_view(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> OperationView:
    """Return the record of an operation of a normalized document. Raises ValueError if it can't become a method."""
    schemas = document["components"]["schemas"]
    try:
        result = make_result(operation, schemas)
        paging = make_paging(operation, result, schemas)
        arguments = make_arguments(operation, schemas, paging.where if paging else None)
    except ValueError as error:
        raise ValueError(f"{operation['operationId']}: {error}") from error
    return OperationView(
        id=operation["operationId"],
        name=method_name(operation["operationId"]),
        method=method.upper(),
        path=path,
        effect=operation.get("x-nexport-effect", "write"),
        token=_classify_token(operation, arguments.query),
        travelling=arguments,
        result=result,
        paging=paging,
        text=OperationText.of(operation, result.doc),
        failures=operation.get("x-nexport-failures", []),
        secret_result=holds_secret(result.schema, schemas),
        provisional=operation.get("x-nexport-provisional", False),
        uncertain=operation.get("x-uncertain", ""),
        area=area_name(operation["tags"][0]),
        deprecated=_describe_deprecation(document, operation),
    )


def _format_keywords(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _format_tuple(parameters: Iterable[ArgumentView]) -> str:
    """Return the code of a tuple; the trailing comma makes the formatter put each parameter on its own line."""
    declared = "".join(f"{parameter.declaration}, " for parameter in parameters)
    return f"({declared})"


def _classify_token(operation: Mapping[str, Any], query: Iterable[ArgumentView]) -> str:
    if not operation.get("x-nexport-credentials"):
        return "own"
    return "argument" if any(argument.key == "access_token" for argument in query) else "none"


def _describe_deprecation(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str | None:
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
            f"The vendor marks this operation as obsolete: use campus.{area_name(tag)}.{method_name(replacement)}."
        )
    return repr(
        f"The vendor marks this operation as obsolete and names {tag}/{name}, which is not in this SDK yet."
    )
