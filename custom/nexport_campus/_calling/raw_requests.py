"""Requests for any operation of the campus, which is given by its method and path."""

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from nexport_campus._decoding.decoder import Decoder
from nexport_campus._decoding.exact_json import ExactReader
from nexport_campus._decoding.response import Outcome
from nexport_campus._errors import ResponseDecodeError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._inputs import describe
from nexport_campus._paging.page_iterator import PageSource, RawPage
from nexport_campus._paging.pager import Pager
from nexport_campus._settings import Settings
from nexport_client.operation import Operation, Paging
from nexport_client.results import RawResponse

from .arguments import LARGE_PAGE, check_page_arguments, make_argument_error
from .outcome_converter import OutcomeConverter
from .raw_arguments import RawArguments, RawPaging, encode_raw, find_operation
from .runner import CallRunner, SharedState

__all__ = ["RawRequests"]

_NUMBERS: Final = ("page", "per_page")
_OBJECT: Final = re.compile(r"body\.[^.]+")


class RawRequests:
    """The raw requests of a client or a view."""

    def __init__(self, state: SharedState, settings: Settings, decoder: Decoder) -> None:
        self._reader = ExactReader(decoder, state.scrubber)
        self._runner = CallRunner(state, settings, self._reader)
        self._convert = OutcomeConverter(self._reader)
        self._drift = decoder.drift
        self._scrubber = state.scrubber

    async def request(
        self, method: object, path: object, given: RawArguments, effect: object
    ) -> RawResponse[Any]:
        """Return the response of an operation, with its JSON as `parsed`. Raises NexportError."""
        operation, sent = find_operation(method, path, effect, self._scrubber)
        encoded = encode_raw(operation, sent, given)
        return self._convert.to_response(
            await self._runner.run(operation, encoded, check=self._convert.check)
        )

    def pages(
        self, method: object, path: object, given: RawArguments, paging: RawPaging
    ) -> Pager[dict[str, Any]]:
        """Return the pager of a list. Raises ArgumentError."""
        operation, sent = find_operation(method, path, "read", self._scrubber)
        first, per_page = check_page_arguments(operation, paging.page, paging.per_page)
        size = per_page or LARGE_PAGE
        where, items = _check_paging(operation, paging)
        encoded = encode_raw(operation, sent, given, _NUMBERS if where == "query" else ())
        _check_body(operation, encoded, where)

        async def fetch(number: int, *, compared: bool) -> RawPage:
            paged = _add_page(encoded, where, number, size)
            outcome = await self._runner.run(operation, paged, page=number, check=self._check_records(items))
            records = _get_records(outcome.parsed, items)
            return self._convert.to_page(operation, outcome, records, items, compared=compared)

        def drift(kind: str, detail: str) -> None:
            self._drift.report(kind, operation.id, "", detail)

        return Pager(PageSource(operation.id, first, size, fetch, drift))

    def _check_records(self, items: str | None) -> "Check":
        """Return a function that raises ResponseDecodeError for a response without a list of objects."""

        def check(operation: Operation[Any], outcome: Outcome[Any]) -> Outcome[Any]:
            problem = _find_problem(outcome.parsed, items)
            if problem is None:
                return outcome
            path, reason = problem
            raise ResponseDecodeError(
                f"the response can't be read: {path}{': ' if path else ''}{reason}",
                path=path,
                snippet=self._reader.quote_start(operation, outcome.response),
                operation_id=operation.id,
                attempts=outcome.attempts,
            )

        return check


Check = Callable[[Operation[Any], Outcome[Any]], Outcome[Any]]


def _find_problem(parsed: Any, items: str | None) -> tuple[str, str] | None:
    """Return where and why a response isn't a list of objects, or None."""
    place = items or ""
    if items is None:
        if not isinstance(parsed, list):
            return "", "expected a list; if a field of an object holds it, name that field in items"
    elif not isinstance(parsed, dict) or items not in parsed:
        return place, "there is no such field"
    elif not isinstance(parsed[items], list | None):
        return place, "expected a list"
    for index, record in enumerate(_get_records(parsed, items)):
        if not isinstance(record, dict):
            return f"{place}[{index}]", "expected an object"
    return None


def _get_records(parsed: Any, items: str | None) -> list[dict[str, Any]]:
    return (parsed if items is None else parsed[items]) or []


def _check_paging(operation: Operation[Any], paging: RawPaging) -> tuple[str, str | None]:
    """Return where page numbers are sent, and the field with the records. Raises ArgumentError."""
    where, items = paging.where, paging.items
    if not isinstance(where, str) or not (where in ("query", "body") or _OBJECT.fullmatch(where)):
        raise make_argument_error(operation, "paging", 'must be "query", "body" or "body.NAME"')
    if items is not None and (not isinstance(items, str) or not items):
        raise make_argument_error(
            operation, "items", f"must be the name of a field, or None, got {describe(items)}"
        )
    return str.__str__(where), None if items is None else str.__str__(items)


def _check_body(operation: Operation[Any], encoded: EncodedRequest, where: str) -> None:
    """Raise ArgumentError for a body that can't take the page numbers."""
    if where == "query":
        return
    fields: Any = {} if encoded.fields is None else encoded.fields
    name = where.partition(".")[2]
    if isinstance(fields, dict) and name:
        fields = fields.get(name, {})
    if not isinstance(fields, dict):
        place = f"json[{name!r}]" if name else "json"
        raise make_argument_error(
            operation, "json", f"must have an object at {place}: page numbers are sent in it"
        )
    for number in _NUMBERS:
        if number in fields:
            raise make_argument_error(
                operation, "json", f"must not contain {number}: use the argument of this name"
            )


def _add_page(encoded: EncodedRequest, where: str, page: int, per_page: int) -> EncodedRequest:
    """Return the request for one page of a list."""
    if where == "query":
        return encoded.with_page(Paging("query"), page, per_page)
    fields = encoded.fields or {}
    numbers = {"page": page, "per_page": per_page}
    name = where.partition(".")[2]
    if name:
        return attrs.evolve(encoded, fields={**fields, name: {**fields.get(name, {}), **numbers}})
    return attrs.evolve(encoded, fields={**fields, **numbers})
