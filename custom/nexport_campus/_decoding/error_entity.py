"""The error entity (the vendor's ApiErrorEntity), which a response or an element of a list may have.

A code other than 0 makes it an error, whatever the status of the response. Its warnings don't.
"""

from collections.abc import Iterable
from typing import Any, Final

import attrs

from nexport_client.errors import DecodeError
from nexport_client.kinds import INTEGER
from nexport_client.reader import Reader

__all__ = [
    "KEY",
    "ErrorEntity",
    "find_failing",
    "find_warnings",
    "read_entity",
    "read_field",
    "reports_error",
]

KEY = "api_error_entity"
"""The field that holds the entity, and the attribute of models."""


@attrs.frozen
class ErrorEntity:
    """An error entity as received: `code` is 0 if none was reported.

    `present`: whether the response had an entity at all.
    """

    code: int = 0
    message: str = ""
    warnings: tuple[str, ...] = ()
    present: bool = False


def read_entity(value: Any) -> ErrorEntity:
    """Return the error entity of a model or a JSON object, also where the spec declares none."""
    declared = getattr(value, KEY, None)
    if declared is not None:
        code = declared.error_code
        return ErrorEntity(
            code=int(code or 0),
            message=declared.error_message or "",
            warnings=tuple(filter(None, declared.warning_messages or ())),
            present=code is not None,
        )
    return _read_json(_find_undeclared(value))


def reports_error(value: Any) -> bool:
    """Return whether a model or a JSON object has an error entity with a code other than 0."""
    declared = getattr(value, KEY, None)
    return _read_json(_find_undeclared(value)).code != 0 if declared is None else bool(declared.error_code)


def read_field(value: Any, name: str) -> Any:
    """Return a field of a model or a JSON object, or None."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def find_failing(items: Iterable[Any]) -> list[int]:
    """Return the indexes of the elements that report an error."""
    return [
        index
        for index, item in enumerate(items)
        # Most elements report nothing, and need no call to say so.
        if ((declared := getattr(item, KEY, None)) is None or declared.error_code) and reports_error(item)
    ]


def find_warnings(parsed: Any) -> tuple[str, ...]:
    """Return the warnings of an object, or of all elements of a list."""
    elements = parsed if isinstance(parsed, list) else [parsed]
    likely = [
        element
        for element in elements
        if (declared := getattr(element, KEY, None)) is None or declared.warning_messages
    ]
    return tuple(text for element in likely for text in read_entity(element).warnings)


def _find_undeclared(value: Any) -> Any:
    """Return the JSON of an error entity that the spec doesn't declare, or None."""
    extra = getattr(value, "additional_properties", value)
    return extra.get(KEY) if isinstance(extra, dict) else None


def _read_json(entity: Any) -> ErrorEntity:
    """Return an error entity from its JSON.

    Its code must be an integer: a foreign object that happens to have the key must not pass as the campus's.
    """
    if not isinstance(entity, dict):
        return _NONE
    try:
        code = INTEGER.read(entity.get("error_code"), Reader())
    except DecodeError:
        return _NONE
    message, texts = entity.get("error_message"), entity.get("warning_messages")
    texts = texts if isinstance(texts, list) else []
    return ErrorEntity(
        code=code,
        message=message if isinstance(message, str) else "",
        warnings=tuple(text for text in texts if isinstance(text, str) and text),
        present=True,
    )


_NONE: Final = ErrorEntity()
