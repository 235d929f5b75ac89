"""Recognition of a page that comes again."""

import re
from collections.abc import Hashable
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import attrs

from nexport_client.types import fields_of

__all__ = ["fingerprint_of_json", "fingerprint_of_records", "is_distinct"]

_ID_OR_DATE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9]{4}-[0-9]{2}-[0-9]{2}T", re.ASCII | re.IGNORECASE)


def fingerprint_of_json(content: bytes, field: str | None) -> Hashable | None:
    """Return a value that is equal for responses whose lists are equal, or None if there is no list to be found.

    It covers all records, as pages may share first and last. The rest of the response is excluded: its page number and
    its total may merely repeat the request, or change.

    Args:
        content: The JSON of a response.
        field: The field that holds the list. None means that the response is the list.
    """
    if field is None:
        return hash(content)
    try:
        records = bytes(_decoder(field)(content).records)
    except (ValueError, RecursionError):
        return None
    return hash(records) if records else None


def fingerprint_of_records(records: list[Any]) -> Hashable:
    """Return a value that is equal for pages with equal records. It takes much longer than that of their JSON."""
    import msgspec

    try:
        return hash(msgspec.json.encode(records))
    except OverflowError:  # a raw record with an integer of more than 64 bits
        return hash(repr(records))


@lru_cache(maxsize=64)
def _decoder(field: str) -> Any:
    """Return a decoder of objects that leaves the JSON of one field as it is and skips all others."""
    import msgspec

    records = ("records", msgspec.Raw, msgspec.field(name=field, default=msgspec.Raw()))
    return msgspec.json.Decoder(msgspec.defstruct("Records", [records])).decode


def is_distinct(items: list[Any]) -> bool:
    """Return whether these records can be distinguished from others: they differ, or hold an id or a date.

    GetCmiData's records have no id: attempts not yet started all look alike and may fill two pages, especially small
    ones.
    """
    if not items:
        return True
    first = items[0]
    fields = fields_of(type(first)) if attrs.has(type(first)) else ()
    values = [getattr(first, field.attribute) for field in fields] or [first]
    if isinstance(first, dict):
        values = list(first.values())
    return any(_is_distinctive(value) for value in values) or any(item != first for item in items)


def _is_distinctive(value: object) -> bool:
    """Return whether a value is an id or a date, also as the string of a raw record."""
    return isinstance(value, UUID | datetime) or (
        isinstance(value, str) and _ID_OR_DATE.match(value) is not None
    )
