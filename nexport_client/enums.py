# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""The base class of the vendor's enums."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["OpenIntEnum"]


class OpenIntEnum(IntEnum):
    """Base of the vendor's enums. An undeclared number becomes a pseudo-member that keeps its value."""

    @property
    def label(self) -> str:
        """Return the vendor's label of this value."""
        labels = cast("Mapping[int, str]", getattr(type(self), "__labels__", {}))
        return labels.get(self.value, f"Unknown ({self.value})")

    @property
    def is_declared(self) -> bool:
        """Return whether the spec declares this value."""
        return self.name in type(self).__members__

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}".replace("-", "MINUS_")
        member._value_ = value
        return member

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from .pydantic_schema import make_enum_schema

        return make_enum_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        from .pydantic_schema import describe_enum

        return describe_enum(cls)
