"""The `Caller` behind the generated facade: converts outcomes of calls to models, pagers and full responses."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from nexport_campus._decoding.decoder import Decoder
from nexport_campus._decoding.error_entity import KEY, find_failing
from nexport_campus._decoding.response import Outcome
from nexport_campus._errors import APIError, ArgumentError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._paging.page_iterator import PageSource, RawPage
from nexport_campus._paging.pager import Pager
from nexport_campus._settings import Settings
from nexport_client.client import Operation, RawResponse

from .arguments import encode, page_arguments
from .runner import CallRunner, ClientState

__all__ = ["CampusCaller"]

T = TypeVar("T")
LARGE_PAGE = 1000
_COUNT = re.compile(r"[0-9]{1,18}")


class CampusCaller:
    """The implementation of `nexport_client.client.Caller` for one set of settings."""

    def __init__(self, core: ClientState, settings: Settings, decoder: Decoder | None = None) -> None:
        self.decoder = decoder or core.decoder(settings.on_drift)
        self._runner = CallRunner(core, settings, self.decoder)
        self._scrubber = core.scrubber

    async def call(self, operation: Operation[T], arguments: Mapping[str, object]) -> T:
        outcome = await self._runner.run(
            operation, self.encode(operation, arguments), check=self._raise_item_errors
        )
        return outcome.parsed

    async def call_raw(self, operation: Operation[T], arguments: Mapping[str, object]) -> RawResponse[T]:
        outcome = await self._runner.run(
            operation, self.encode(operation, arguments), check=self._raise_item_errors
        )
        return self._raw(outcome)

    async def paged_raw(
        self, operation: Operation[T], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> RawResponse[T]:
        page, per_page = page_arguments(operation, page, per_page)
        paged = self._for_page(operation, self.encode(operation, arguments), page, per_page)
        return self._raw(await self._runner.run(operation, paged, page=page, check=self._raise_item_errors))

    def paged(
        self, operation: Operation[Any], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> Pager[Any]:
        page, per_page = page_arguments(operation, page, per_page)
        encoded = self.encode(operation, arguments)

        async def fetch(number: int) -> RawPage:
            paged = self._for_page(operation, encoded, number, per_page)
            outcome = await self._runner.run(operation, paged, page=number)
            return self._fetched(operation, outcome)

        def drift(kind: str, detail: str) -> None:
            self.decoder.drift.report(kind, operation.id, "", detail)

        return Pager(PageSource(operation.id, page, per_page or LARGE_PAGE, fetch, drift))

    def encode(self, operation: Operation[Any], arguments: Mapping[str, object]) -> EncodedRequest:
        """Return the arguments of a call, encoded for sending. Raises ArgumentError."""
        with self.redacting():
            return encode(operation, arguments)

    @contextmanager
    def redacting(self) -> Iterator[None]:
        """Redact known secrets in the message of an ArgumentError, in case one was passed as the wrong argument."""
        try:
            yield
        except ArgumentError as error:
            error.message = self._scrubber.text(error.message)
            error.args = (error.message,)
            raise

    def _for_page(
        self, operation: Operation[Any], encoded: EncodedRequest, page: int, per_page: int | None
    ) -> EncodedRequest:
        return encoded.with_page(operation.paging, page, LARGE_PAGE if per_page is None else per_page)

    def _fetched(self, operation: Operation[Any], outcome: Outcome[Any]) -> RawPage:
        parsed, headers = outcome.parsed, outcome.response.headers
        field = operation.paging.items if operation.paging else None
        items = parsed if field is None else getattr(parsed, field) or []
        # Where the vendor's elements declare no error entity, a key of that name is data.
        failing = find_failing(items) if items and hasattr(items[0], KEY) else []
        return RawPage(
            items=items,
            total=_count(getattr(parsed, "total_count", None), headers.get("x-total-count")),
            reported_size=_count(getattr(parsed, "page_size", None), headers.get("x-per-page")),
            failing=frozenset(failing),
            error=self._item_error(operation, outcome, items, failing),
        )

    def _raise_item_errors(self, operation: Operation[T], outcome: Outcome[T]) -> Outcome[T]:
        """Return the outcome. Raises the error of the first list element that reports one."""
        if isinstance(outcome.parsed, list):
            failing = find_failing(outcome.parsed)
            error = self._item_error(operation, outcome, outcome.parsed, failing)
            if error is not None:
                raise error
        return outcome

    def _item_error(
        self, operation: Operation[Any], outcome: Outcome[Any], items: list[Any], failing: list[int]
    ) -> APIError | None:
        """Return the error of the first failing element, if there is one."""
        if not failing:
            return None
        return self._runner.reader.item_error(operation, outcome, failing[0], items[failing[0]])

    def _raw(self, outcome: Outcome[T]) -> RawResponse[T]:
        response = outcome.response
        return RawResponse(
            status_code=response.status_code,
            headers=self._scrubber.headers(response.headers),
            content=response.content,
            parsed=outcome.parsed,
            warnings=outcome.warnings,
            attempts=outcome.attempts,
        )


def _count(body: object, header: str | None) -> int | None:
    """Return a number of records from the body or else from a header; None if it isn't a valid number."""
    if isinstance(body, int) and body >= 0:
        return body
    return int(header) if header is not None and _COUNT.fullmatch(header) else None
