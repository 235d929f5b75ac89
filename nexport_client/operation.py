# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Declarations of the API's operations: method, path, arguments, result, paging."""

from typing import Generic, Literal, TypeVar

import attrs

from .kinds import Kind

__all__ = ["FailureSign", "Operation", "Paging", "Parameter"]

T = TypeVar("T")


@attrs.frozen
class Parameter:
    """One argument of an operation: its Python name, the vendor's name, its kind, and the spec's constraints."""

    name: str
    key: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    min_items: int = 0
    secret: bool = False
    description: str = ""


@attrs.frozen
class Paging:
    """How an operation is paged: `where` the page number is sent, and which response field holds the records.

    `key` is the field of the request body that holds the page number and the page size, or None if they are fields of
    the body itself.
    """

    where: Literal["query", "body"]
    items: str | None = None
    key: str | None = "paging"


@attrs.frozen
class FailureSign:
    """A field by which a response reports a failure although its error code is 0.

    `when` says which value does: True, an empty or missing list, or a string with any text. `meaning` is the error's
    message if the response has none.
    """

    field: str
    when: Literal["true", "empty", "text"]
    meaning: str

    def is_in(self, result: object) -> bool:
        """Return whether a model or a JSON object has the sign, also in a field that the model does not declare."""
        if isinstance(result, dict):
            value = result.get(self.field)
        else:
            undeclared = getattr(result, "additional_properties", {})
            value = getattr(result, self.field, undeclared.get(self.field))
        if self.when == "true":
            return value is True
        return not value if self.when == "empty" else isinstance(value, str) and bool(value.strip())


@attrs.frozen
class Operation(Generic[T]):
    """One operation of the vendor's API, as its page documents it and the overlay marks it.

    `effect` says whether it changes data; retries depend on it, not on the HTTP method. `token` says which token the
    request carries: the client's own, none, or the one given as an argument. `body` lists the fields of the body, or is
    the single parameter that forms it. `parts` fill the path's placeholders. `success` lists the statuses of a success.

    `fixed` lists fields of the body that are the same in every request, by key. `failures` are the ways to report one with
    error code 0. `secret_result` says whether the response holds a secret.

    `provisional` marks an operation that is declared from public facts, and `uncertain` says which part of it is least so.
    `area` and `name` are its names in Python. `description` has paragraphs, between empty lines. `return_type` is the
    return annotation of its method, and `returns` describes the response. `raises` names errors, and when each is raised.
    `deprecated` is the notice on an obsolete operation.
    """

    id: str
    method: str
    path: str
    effect: Literal["read", "write"]
    token: Literal["own", "none", "argument"]
    query: tuple[Parameter, ...]
    body: tuple[Parameter, ...] | Parameter | None
    result: Kind
    paging: Paging | None = None
    parts: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    success: tuple[int, ...] = (200,)
    fixed: tuple[tuple[str, object], ...] = ()
    failures: tuple[FailureSign, ...] = ()
    secret_result: bool = False
    provisional: bool = False
    uncertain: str = attrs.field(default="", repr=False)
    area: str = ""
    name: str = ""
    description: str = attrs.field(default="", repr=False)
    return_type: str = "Any"
    returns: str = attrs.field(default="", repr=False)
    raises: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    deprecated: str | None = None

    @property
    def full_name(self) -> str:
        """Return the name with the area, such as `learning.get_section`."""
        return f"{self.area}.{self.name}"

    @property
    def summary(self) -> str:
        """Return the first paragraph of the description."""
        return self.description.partition("\n\n")[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return all parameters, required ones first."""
        body = (self.body,) if isinstance(self.body, Parameter) else self.body or ()
        found = (*self.parts, *self.query, *self.headers, *body)
        return tuple(sorted(found, key=lambda parameter: not parameter.required))

    def __str__(self) -> str:
        return self.id
