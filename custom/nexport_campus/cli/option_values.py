"""Parsing of option values into arguments; error messages describe the expected format."""

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any, Final, NoReturn
from uuid import UUID

from nexport_client.enums import OpenIntEnum
from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Array, EnumOf, Kind, MapOf, Nullable, Scalar
from nexport_client.reader import Reader

__all__ = ["NULL", "Null", "get_member_name", "is_repeated", "join_occurrences", "make_metavar", "parse"]


class Null(Enum):
    """The type of `NULL`, a value that is sent as null; without a value nothing is sent."""

    NULL = "null"


NULL: Final = Null.NULL


def is_repeated(kind: Kind) -> bool:
    """Return whether an option is repeated for each element; `parse` then returns the elements of one occurrence."""
    return isinstance(kind, Array | MapOf)


def parse(kind: Kind, text: str, *, nullable: bool = False) -> Any:
    """Return the value of a string. Raises ValueError, whose message continues a sentence that begins with the option."""
    if nullable and text == "null":
        return NULL
    if isinstance(kind, Scalar):
        return _SCALARS[kind.name](text)
    if isinstance(kind, EnumOf):
        return _parse_enum(kind, text)
    if isinstance(kind, Array):
        return _parse_elements(kind, text)
    if isinstance(kind, MapOf):
        return _parse_entries(kind, text)
    if isinstance(kind, Nullable):
        return None if text == "null" else parse(kind.item, text)
    return _read(kind, _parse_json(text))


def join_occurrences(kind: Kind, parts: Iterable[Any]) -> Any:
    """Return the occurrences of a repeated option as one value. Raises ValueError for a name given twice."""
    if isinstance(kind, Array):
        return [element for part in parts for element in part]
    entries: dict[str, Any] = {}
    for part in parts:
        twice = entries.keys() & part.keys()
        if twice:
            raise ValueError(f"{min(twice)} is given twice")
        entries |= part
    return entries


def make_metavar(kind: Kind) -> str:
    """Return the placeholder for a value in an option's help."""
    if isinstance(kind, Array | Nullable):
        return make_metavar(kind.item)
    if isinstance(kind, MapOf):
        return f"NAME={make_metavar(kind.item)}"
    if isinstance(kind, EnumOf):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.name).upper()
    return _METAVARS[kind.name] if isinstance(kind, Scalar) else "JSON"


def get_member_name(member: OpenIntEnum) -> str:
    """Return the name of an enum member on the command line: its name in lower case."""
    return member.name.lower()


def _parse_enum(kind: EnumOf, text: str) -> OpenIntEnum:
    for member in kind.cls:
        if text.strip() == str(member.value):
            return member
    for member in kind.cls:
        if (
            _keep_letters(text) in (_keep_letters(member.name), _keep_letters(member.label))
            and _keep_letters(text).isalpha()
        ):
            return member
    known = ", ".join(f"{member.value} {get_member_name(member)}" for member in kind.cls)
    raise ValueError(f"must be one of {known}")


def _keep_letters(text: str) -> str:
    """Return a name without case, spaces and dashes, so that different spellings compare equal."""
    return "".join(char for char in text.casefold() if char.isalnum())


def _parse_elements(kind: Array, text: str) -> list[Any]:
    """Return one element, or those of a JSON list."""
    if text.lstrip().startswith("["):
        return [_convert_json(kind.item, item) for item in _parse_json(text)]
    return [parse(kind.item, text)]


def _parse_entries(kind: MapOf, text: str) -> dict[str, Any]:
    """Return one entry, NAME=VALUE, or those of a JSON object."""
    if text.lstrip().startswith("{"):
        return {name: _convert_json(kind.item, value) for name, value in _parse_json(text).items()}
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError("must be NAME=VALUE, or a JSON object")
    return {name: parse(kind.item, value)}


def _convert_json(kind: Kind, value: Any) -> Any:
    """Return a value found in JSON; a string is parsed like an option's value."""
    return parse(kind, value) if isinstance(value, str) else _read(kind, value)


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant)
    except ValueError as error:
        raise ValueError(f"must be JSON: {error}") from None


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("an object has the same name twice")
    return dict(pairs)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _read(kind: Kind, value: Any) -> Any:
    """Return a value in the API's own JSON. Unknown fields are refused: the campus would ignore them."""
    reader = Reader()
    try:
        read = None if value is None and isinstance(kind, Nullable) else kind.read(value, reader)
    except DecodeError as error:
        place = error.path or "the value"
        raise ValueError(f"doesn't match the specification: {place}: {error.reason}") from None
    for _, path, detail, _, _ in reader.drifts:
        raise ValueError(f"doesn't match the specification: {path or 'the value'}: {detail}")
    return read


def _parse_uuid(text: str) -> UUID:
    try:
        # Spreadsheets and PowerShell put every cell of a CSV file in quotes.
        value: UUID = UUID_.read(text.strip().strip('"'), Reader())
    except DecodeError:
        raise ValueError("must be a UUID, such as 8ebf2d8d-01eb-4af5-a317-4279e2b752d4") from None
    return value


def _parse_whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text.strip(), re.ASCII):
        raise ValueError("must be a whole number")
    return int(text)


def _parse_whole_or_string(text: str) -> int | str:
    try:
        return _parse_whole(text)
    except ValueError:
        return text


def _parse_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number")
    return value


def _parse_boolean(text: str) -> bool:
    try:
        names = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        return names[text.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _parse_date(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("must be a date and time, such as 2026-01-31T12:00:00Z") from None
    if value.utcoffset() is None:
        raise ValueError(
            "needs a time zone: end it with Z for UTC, or an offset, as in 2026-01-31T12:00:00-06:00"
        )
    return value


_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "anything": _parse_json,
    "boolean": _parse_boolean,
    "date-time": _parse_date,
    "int32": _parse_whole,
    "integer": _parse_whole,
    "int-or-string": _parse_whole_or_string,
    "number": _parse_number,
    "string": str,
    "uuid": _parse_uuid,
}
_METAVARS: Final = {
    "anything": "JSON",
    "boolean": "true|false",
    "date-time": "DATE",
    "int32": "INTEGER",
    "integer": "INTEGER",
    "int-or-string": "INTEGER|TEXT",
    "number": "NUMBER",
    "string": "TEXT",
    "uuid": "UUID",
}
