"""Responses of operations without a model: their JSON as Python objects, with every number exact."""

from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import attrs

from nexport_campus._http.attempt import HttpResponse
from nexport_client.operation import Operation
from nexport_client.reader import Reader

from .decoder import NotJSON, parse_json
from .response import ResponseReader

__all__ = ["ExactReader", "parse_exact_number"]


def parse_exact_number(text: str) -> float | Decimal:
    """Return a JSON number as a float, or as a Decimal if a float can't carry it. Raises ValueError."""
    near = float(text)
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent of many digits
        raise ValueError("the number is out of range") from None
    return near if isfinite(near) and Decimal(repr(near)) == exact else exact


@attrs.frozen
class ExactReader(ResponseReader):
    """Reader of responses whose result is their JSON, or None for an empty body."""

    def _parse(self, operation: Operation[Any], response: HttpResponse) -> Any:
        if not response.content.strip():
            return None
        try:
            return parse_json(response.content, Reader(), parse_exact_number)
        except NotJSON as error:
            raise self._make_unreadable_error(operation, response, str(error)) from None
