# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Results that are not the vendor's models: pages and whole responses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema, SchemaSerializer

__all__ = ["JSONResult", "Page", "RawResponse"]

T = TypeVar("T")


class JSONResult:
    """Base of the SDK's own attrs classes, such as `Page`, that pydantic validates and serializes as JSON objects."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from .pydantic_results import make_result_schema

        return make_result_schema(cls, source, handler)

    @property
    def __pydantic_serializer__(self) -> "SchemaSerializer":
        """Return the serializer that pydantic uses where a schema allows any value."""
        from .pydantic_results import make_result_serializer

        return make_result_serializer()


@attrs.frozen(eq=False)
class Page(JSONResult, Generic[T]):
    """One page of a list.

    `number` is one-based. `size` is the page size that the server applied, and `total` the number of records on all
    pages; each is None if unknown. `has_next` says whether another page follows.
    """

    items: list[T]
    number: int
    size: int | None
    total: int | None
    has_next: bool


@attrs.frozen(eq=False)
class RawResponse(Generic[T]):
    """A whole response: status, headers and body besides the model.

    `content` holds the bytes of the body, `parsed` the model, and `attempts` the number of requests that were sent. The
    repr omits headers and content because they can hold secrets and students' data.
    """

    status_code: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    parsed: T = attrs.field(repr=False)
    warnings: tuple[str, ...] = attrs.field(repr=False)
    attempts: int
