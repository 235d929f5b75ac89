"""Request arguments by name: strings of the query, JSON values of the body.

Every method returns None for an argument that is absent or null, and raises a 422 refusal for a value
that the vendor's page does not allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from .aspnet_values import read_date, read_time_span
from .ids import EMPTY_ID
from .operation_results import invalid

__all__ = ["QueryArguments", "RequestArguments", "read_body"]

_UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII
)
_INTEGER: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_JSON_TYPES: Final = ("application/json", "text/json")

T = TypeVar("T")


class RequestArguments:
    """The fields of a JSON object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Return whether the argument was sent, even as null."""
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return a string."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"{name} must be a string")
        return value

    def id(self, name: str) -> str | None:
        """Return a uuid; .NET's empty one counts as absent."""
        return self._uuid(name, self._values.get(name))

    def integer(self, name: str) -> int | None:
        """Return a 32-bit integer."""
        value = self._values.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise invalid(f"{name} must be an integer")
        return _check_int32(name, value)

    def choice(self, name: str, allowed: tuple[int, ...]) -> int | None:
        """Return one of the numbers of an enum."""
        value = self.integer(name)
        if value is not None and value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(map(str, allowed))}")
        return value

    def number(self, name: str) -> float | None:
        """Return a number."""
        value = self._values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise invalid(f"{name} must be a number")
        return value

    def boolean(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(f"{name} must be true or false")
        return value

    def date(self, name: str) -> int | None:
        """Return a date and time in ticks."""
        text = self.text(name)
        value = None if text is None else read_date(text)
        if text is not None and value is None:
            raise invalid(f"{name} must be a date and time")
        return value

    def time_span(self, name: str) -> int | None:
        """Return a .NET TimeSpan in ticks."""
        text = self.text(name)
        value = None if text is None else read_time_span(text)
        if text is not None and value is None:
            raise invalid(f"{name} must be a time span, such as 30.00:00:00")
        return value

    def name_or_number(self, name: str) -> str | int | None:
        """Return a member of an enum, given by name or by number."""
        value = self._values.get(name)
        return value if isinstance(value, str) else self.integer(name)

    def texts(self, name: str) -> list[str] | None:
        """Return a list of strings."""
        values = self._list(name)
        if values is not None and not all(isinstance(value, str) for value in values):
            raise invalid(f"{name} must hold strings only")
        return values

    def ids(self, name: str) -> list[str] | None:
        """Return a list of uuids, none of them null or empty."""
        values = self._list(name)
        if values is None:
            return None
        found = [self._uuid(name, value) for value in values]
        if None in found:
            raise invalid(f"{name} holds a null or empty id")
        return [value for value in found if value is not None]

    def pairs(self, name: str) -> dict[str, str] | None:
        """Return a mapping from strings to strings."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise invalid(f"{name} must be an object whose values are strings")
        return value

    def nested(self, name: str) -> RequestArguments | None:
        """Return a nested object."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise invalid(f"{name} must be an object")
        return None if value is None else RequestArguments(value)

    def required(self, read: Callable[[str], T | None], name: str) -> T:
        """Return what `read` returns, or refuse a missing argument: `body.required(body.id, "org_id")`."""
        value = read(name)
        if value is None:
            raise invalid(f"{name} is required")
        return value

    def _list(self, name: str) -> list[Any] | None:
        value = self._values.get(name)
        if value is not None and not isinstance(value, list):
            raise invalid(f"{name} must be a list")
        return value

    @staticmethod
    def _uuid(name: str, value: object) -> str | None:
        if value is None or value == EMPTY_ID:
            return None
        if not isinstance(value, str) or _UUID.fullmatch(value) is None:
            raise invalid(f"{name} must be a uuid")
        return value.lower()


class QueryArguments(RequestArguments):
    """Query parameters, all of them strings; an empty one counts as absent, as in ASP.NET."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__({name: value for name, value in values.items() if value != ""})

    def integer(self, name: str) -> int | None:
        """Parse a 32-bit integer in decimal digits."""
        text = self.text(name)
        if text is not None and _INTEGER.fullmatch(text) is None:
            raise invalid(f"{name} must be an integer")
        return None if text is None else _check_int32(name, int(text))


def read_body(content: bytes, content_type: str) -> RequestArguments:
    """Return the arguments in a JSON body. Raises a 422 refusal for anything but a JSON object."""
    if content_type.partition(";")[0].strip().lower() not in _JSON_TYPES:
        raise invalid("The request body must be JSON")
    try:
        values = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("The request body is not valid JSON") from error
    if not isinstance(values, dict):
        raise invalid("The request body must be a JSON object")
    return RequestArguments(values)


def _check_int32(name: str, value: int | None) -> int | None:
    if value is not None and not -(2**31) <= value < 2**31:
        raise invalid(f"{name} must be a 32 bit integer")
    return value
