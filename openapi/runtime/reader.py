# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""The state of reading one response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import DecodeError

if TYPE_CHECKING:
    from .types import Model

__all__ = ["Reader"]


class Reader:
    """The state of reading one response: the current path, and the drift so far as (kind, path, detail, model, field).

    A `lenient` reader reads every missing required value as None, because an element that reports an error may lack
    everything else. `unusual` is set by a valid value in an unusual format (`3.0` for a whole number, a uuid in braces);
    `unusual_fields` collects the fields that held one.
    """

    __slots__ = ("drifts", "lenient", "trail", "unusual", "unusual_fields")

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.unusual = False
        self.unusual_fields: set[tuple[type[Model], str]] = set()
        self.trail: list[str | int] = []
        self.drifts: list[tuple[str, str, str, type[Model] | None, str]] = []

    def path(self, *more: str | int) -> str:
        """Return the current path, such as `[2].section.enrollment_end`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*self.trail, *more))
        return "".join(steps).removeprefix(".")

    def wrong(self, expected: str, value: object) -> DecodeError:
        """Return the error for an unexpected value. It names the value's type but never quotes the value."""
        names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
        found = names.get(type(value), "a number")
        found = f"{found} that is out of range" if found == expected else found
        return DecodeError(self.path(), f"expected {expected}, got {found}")
