"""Decoding of JSON to models: the fast path first, then the tolerant one, which reports drift or locates the error."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from math import isfinite
from typing import Any, NoReturn

from nexport_campus._drift import DriftReporter
from nexport_client.errors import DecodeError
from nexport_client.kinds import Array, Kind, ModelOf, Nullable
from nexport_client.reader import Reader
from nexport_client.surrogates import replace_surrogates
from nexport_client.types import Model, fields_of

from . import error_entity
from .observed_schema import Learned

__all__ = ["NO_MATCH", "Decoder", "NotJSON", "parse_json"]

_BOM = b"\xef\xbb\xbf"
_MAX_LEARNED = 64
_MAX_UNINFORMATIVE = 8
"""Limit of deviating elements from which nothing was learned; beyond it, the rest of a list skips the fast path."""
_LONGEST_LEARNED = 100
_UNDECLARABLE = re.compile(r'["\\\x00-\x1f]')
NO_MATCH: Any = object()
"""Result of the fast path for a response that needs the tolerant path."""


class NotJSON(ValueError):
    """A body that isn't JSON; the message describes it."""


def parse_json(
    content: bytes, reader: Reader | None = None, number: Callable[[str], Any] | None = None
) -> Any:
    """Return the JSON value of a body, with or without a byte order mark. Raises NotJSON.

    Args:
        content: The body.
        reader: Gets repairs reported as drift.
        number: Converts numbers that aren't integers; it may raise ValueError. None converts them to floats.
    """
    content = content.removeprefix(_BOM)
    if not content.strip():
        raise NotJSON("the body is empty")
    import msgspec

    try:
        return msgspec.json.Decoder(float_hook=number).decode(content)
    except RecursionError:
        raise NotJSON("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise NotJSON("not JSON: the body isn't UTF-8") from None
    except ValueError as error:
        with suppress(ValueError, RecursionError):
            return _parse_with_surrogates(content, reader or Reader(), number or _to_finite)
        markup = content.lstrip()[:1] == b"<"
        raise NotJSON("HTML or XML instead of JSON" if markup else f"not JSON: {error}") from None


def _parse_with_surrogates(content: bytes, reader: Reader, number: Callable[[str], Any]) -> Any:
    """Parse JSON with an escaped lone surrogate, which msgspec rejects. Raises ValueError."""
    parsed = json.loads(content.decode(), parse_constant=_refuse, parse_float=number)
    value = replace_surrogates(parsed, reader)
    if value is parsed:
        raise ValueError("msgspec refused it for another reason")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _to_finite(number: str) -> float:
    if not isfinite(value := float(number)):
        raise ValueError(f"{number} is out of range")
    return value


class Decoder:
    """Decoder of responses that remembers observed deviations from the spec."""

    def __init__(self, drift: DriftReporter) -> None:
        self.drift = drift
        self._learned = Learned()

    def decode_fast(self, kind: Kind, content: bytes) -> Any:
        """Return the models of a response that matches the spec, or NO_MATCH."""
        try:
            return _load_compiler()(kind, self._learned)(content)
        except (ValueError, KeyError, RecursionError, OverflowError):
            return NO_MATCH

    def decode_elements(self, operation_id: str, kind: Kind, content: bytes) -> Any:
        """Return the models of a list, or NO_MATCH if it isn't one. Only deviating elements take the tolerant path.

        A deviation of one element is learned, so later elements with it are fast. Raises nexport_client.errors.DecodeError.
        """
        import msgspec

        if not (isinstance(kind, Array) and isinstance(kind.item, ModelOf)):
            return NO_MATCH
        try:
            parts = msgspec.json.decode(content.removeprefix(_BOM), type=list[msgspec.Raw])
        except (ValueError, RecursionError):
            return NO_MATCH
        made, uninformative = [], 0
        for index, part in enumerate(parts):
            content, learned = bytes(part), self._learned
            model = self.decode_fast(kind.item, content) if uninformative < _MAX_UNINFORMATIVE else NO_MATCH
            if model is NO_MATCH:
                reader = Reader()
                model = _read_element(kind.item, parse_json(content, reader), index, reader)
                self._report(operation_id, reader)
                uninformative += learned is self._learned
            made.append(model)
        return made

    def parse(self, operation_id: str, content: bytes) -> Any:
        """Return the JSON value of a body for `tolerant`. Raises NotJSON."""
        reader = Reader()
        value = parse_json(content, reader)
        self._report(operation_id, reader)
        return value

    def decode_tolerantly(self, operation_id: str, kind: Kind, value: Any) -> Any:
        """Return the models of a JSON value. Raises nexport_client.errors.DecodeError, which locates the error."""
        reader = Reader()
        try:
            made = self._read(kind, value, reader)
        except RecursionError:
            raise DecodeError("", "the response is nested too deeply") from None
        self._report(operation_id, reader)
        return made

    def _read(self, kind: Kind, value: Any, reader: Reader) -> Any:
        if isinstance(kind, Nullable):
            return None if value is None else self._read(kind.item, value, reader)
        if isinstance(kind, ModelOf):
            _refuse_foreign(kind, value)
        if isinstance(kind, Array) and isinstance(kind.item, ModelOf) and isinstance(value, list):
            return [_read_element(kind.item, item, index, reader) for index, item in enumerate(value)]
        return kind.read(value, reader)

    def _report(self, operation_id: str, reader: Reader) -> None:
        keys, nulls, values = set(self._learned.keys), set(self._learned.nulls), set(self._learned.values)
        for kind, path, detail, model, field in reader.drifts:
            self.drift.report(kind, operation_id, path, detail)
            if kind == "unknown_field" and model and _is_declarable(field) and _has_room(keys, model):
                keys.add((model, field))
            elif kind == "missing_required" and model and _is_plain(model, field):
                nulls.add((model, field))
            elif kind == "unknown_enum_value" and _has_room(values, field):
                values.add((field, int(detail.rsplit(" ", 1)[-1])))
        unusual = self._learned.unusual | reader.unusual_fields
        learned = Learned(frozenset(keys), frozenset(nulls), frozenset(values), unusual)
        if learned != self._learned:
            self._learned = learned


@cache
def _load_compiler() -> Callable[[Kind, Learned], Callable[[bytes], Any]]:
    # It imports msgspec, which a program that only imports the package doesn't need yet.
    from .fast_path import compile_decoder

    return compile_decoder


def _is_declarable(key: str) -> bool:
    """Return whether a struct can have a field of this name.

    msgspec allows no quotes, backslashes or control characters.

    An error entity that the spec doesn't declare is never learned, because each one has to be checked.
    """
    return key != error_entity.KEY and len(key) <= _LONGEST_LEARNED and not _UNDECLARABLE.search(key)


def _has_room(learned: set[Any], owner: object) -> bool:
    """Return whether more may be learned: responses with ever new keys must not grow structs without limit."""
    return sum(1 for known, _ in learned if known is owner or known == owner) < _MAX_LEARNED


def _is_plain(model: type[Model], attribute: str) -> bool:
    """Return whether a null may be learned. A missing error entity may not: it marks an object as not the campus's."""
    return not any(
        field.attribute == attribute and isinstance(field.kind, ModelOf) for field in fields_of(model)
    )


def _refuse_foreign(kind: ModelOf, value: Any) -> None:
    """Raise for an object with none of the required fields: it isn't the campus's, rather than incomplete."""
    if isinstance(value, dict):
        required = [field.key for field in fields_of(kind.cls) if field.required]
        if required and not any(key in value for key in required):
            raise DecodeError("", f"none of the fields of {kind.name}: {', '.join(required[:5])}")


def _read_element(kind: ModelOf, value: Any, index: int, reader: Reader) -> Any:
    """Return one element of a list. An element that reports an error may lack other required fields."""
    inner = Reader(lenient=error_entity.reports_error(value))
    inner.trail.append(index)
    if value is None:
        raise inner.wrong("an object", value)
    made = kind.read(value, inner)
    if not inner.lenient:
        reader.drifts += inner.drifts
    reader.unusual_fields |= inner.unusual_fields
    return made
