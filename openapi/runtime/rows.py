# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Models as flat rows for a data frame or a table. Imported when a row is first needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import attrs

from .enums import OpenIntEnum
from .kinds import EnumOf, Kind, ModelOf, Scalar
from .scalar_formats import with_zone
from .types import Model, fields_of

__all__ = ["Column", "get_columns"]

_REST: Final = "additional_properties"


@attrs.frozen
class Column:
    """One column: its name, the attribute path to its value, the type of its values, and how to write them."""

    name: str
    path: tuple[str, ...]
    holds: type
    write: Callable[[Any], object]

    def cell(self, model: Model, *, labels: bool) -> object:
        """Return a model's value in this column."""
        value: Any = model
        for attribute in self.path:
            value = getattr(value, attribute)
            if value is None:
                return None
        if labels and issubclass(self.holds, OpenIntEnum):
            return self.holds(value).label
        return self.write(value)


@cache
def get_columns(model: Any) -> tuple[Column, ...]:
    """Return the columns of a model's rows in the vendor's order, with the unknown fields last."""
    return tuple(_iterate_columns(model, (model,)))


def _iterate_columns(model: type[Model], around: tuple[type[Model], ...]) -> Iterator[Column]:
    """Yield the columns of a model. The models in `around`, which ends with it, are not flattened again."""
    fields = [field for field in fields_of(model) if not field.secret]
    taken = {_REST, *(field.attribute for field in fields)}
    for field in fields:
        kind = field.kind
        if not isinstance(kind, ModelOf) or kind.cls in around:
            yield Column(field.attribute, (field.attribute,), *_choose_writer(kind))
            continue
        for column in _iterate_columns(kind.cls, (*around, kind.cls)):
            name = f"{field.attribute}_{column.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            yield attrs.evolve(column, name=name, path=(field.attribute, *column.path))
    yield Column(_REST, (_REST,), str, lambda rest: _dump_json(rest) if rest else None)


def _choose_writer(kind: Kind) -> tuple[type, Callable[[Any], object]]:
    if isinstance(kind, EnumOf):
        return kind.cls, int
    return _SCALARS.get(kind.name, _AS_JSON) if isinstance(kind, Scalar) else _AS_JSON


def _dump_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_to_jsonable)


def _to_jsonable(value: object) -> object:
    """Convert values that the json module does not support, as `to_dict` does but without secrets."""
    if not isinstance(value, Model):
        return value.isoformat() if isinstance(value, datetime) else str(value)
    pairs = (
        (field.key, getattr(value, field.attribute)) for field in fields_of(type(value)) if not field.secret
    )
    return value.additional_properties | {key: item for key, item in pairs if item is not None}


def _to_utc(value: datetime) -> datetime:
    return with_zone(value).astimezone(UTC)


def _keep(value: object) -> object:
    return value


_AS_JSON: Final[tuple[type, Callable[[Any], object]]] = (str, _dump_json)
_SCALARS: Final[dict[str, tuple[type, Callable[[Any], object]]]] = {
    "boolean": (bool, _keep),
    "date-time": (datetime, _to_utc),
    "int32": (int, _keep),
    "integer": (int, _keep),
    "int-or-string": (str, str),
    "number": (float, _keep),
    "string": (str, _keep),
    "uuid": (UUID, str),
}
