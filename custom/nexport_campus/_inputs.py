"""Handling of user input: numbers of any type as Python's own, callbacks, and values in error messages."""

import functools
import inspect
import math
import operator
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import Any

__all__ = [
    "Concealed",
    "describe",
    "find_zone_problem",
    "is_async",
    "quote_value",
    "takes_one_argument",
    "to_number",
    "to_whole",
]

_LONGEST = 32
_MOST_BITS = 1024
"""Bits of the largest number that a float can represent."""


class Concealed:
    """A value that no repr shows, so that tracebacks, which record the locals of frames, don't show it either."""

    def __init__(self, value: object) -> None:
        self.reveal: Callable[[], Any] = lambda: value


def to_whole(value: object) -> int | None:
    """Return an integer of any type (numpy's, an IntEnum's) as an int, or None. Booleans and floats don't count."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]  # checks whether it is an integer
    except (TypeError, ValueError):
        return None


def to_number(value: object) -> float | Decimal | None:
    """Return a real number of any type as a float, or as a Decimal if a float can't represent it exactly; else None."""
    if isinstance(value, float):
        return float(value)
    exact = value if isinstance(value, Decimal) else to_whole(value)
    if exact is not None:
        return _to_exact_number(exact)
    # A duration counts as an integer in numpy.
    if not isinstance(value, Real) or isinstance(value, Integral):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _to_exact_number(value: int | Decimal) -> float | Decimal:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return math.inf
    exact = Decimal(value)
    if exact.is_nan():
        return math.nan
    near = float(exact)
    return near if Decimal(repr(near)) == exact else exact


def find_zone_problem(value: datetime) -> str | None:
    """Return why a datetime isn't an instant, phrased to follow its name, or None."""
    # pandas' NaT, an empty cell in a column of dates, is a datetime by class, and like NaN equals nothing.
    if value != value:
        return "is NaT, which isn't a date: pass None or leave it out"
    try:
        offset = value.utcoffset()
    except Exception as error:  # noqa: BLE001 -- a time zone may be third-party code
        return f"has a time zone that gives no offset ({type(error).__name__})"
    if offset is None:
        return "must be a datetime with a zone, such as datetime(2026, 1, 31, tzinfo=UTC)"
    return None


def describe(value: object) -> str:
    """Return a description of an invalid value for an error message: a number or enum member itself, else its type."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a number of {value.bit_length()} bits"
    # numpy's own repr of a float is `np.float64(1.5)`.
    if isinstance(value, float):
        return float.__repr__(value)
    if not isinstance(value, int | Decimal | None):
        return type(value).__name__
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def quote_value(value: str) -> str:
    """Return a short string quoted on one line for an error message; of a longer one only its length.

    A truncated secret that a user passed by mistake could not be redacted.
    """
    text = str.__str__(value)
    return repr(text) if len(text) <= _LONGEST else f"a string of {len(text)} characters"


def is_async(function: object) -> bool:
    """Return whether calling this only creates a coroutine: async functions, partials of them, async `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, inspect.getattr_static(type(function), "__call__", None))
    )


def takes_one_argument(function: object) -> bool:
    """Return whether this can be called with one argument; True if its signature is unknown."""
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]  # what isn't callable has no signature
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True
