"""The `Caller` behind the generated facade: converts outcomes of calls to models, pagers and full responses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from nexport_campus._decoding.decoder import Decoder
from nexport_campus._decoding.error_entity import KEY
from nexport_campus._decoding.response import Outcome, ResponseReader
from nexport_campus._errors import ArgumentError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._paging.page_iterator import PageSource, RawPage
from nexport_campus._paging.pager import Pager
from nexport_campus._settings import Settings
from nexport_client.operation import Operation
from nexport_client.results import RawResponse

from .arguments import LARGE_PAGE, check_page_arguments, encode
from .client_state import ClientState
from .outcome_converter import OutcomeConverter
from .raw_requests import RawRequests
from .runner import CallRunner

__all__ = ["CampusCaller"]

T = TypeVar("T")


class CampusCaller:
    """The implementation of `nexport_client.protocols.Caller` for one set of settings."""

    def __init__(self, state: ClientState, settings: Settings, decoder: Decoder | None = None) -> None:
        self.decoder = decoder or state.get_decoder(settings.on_drift)
        reader = ResponseReader(self.decoder, state.scrubber)
        self._runner = CallRunner(state, settings, reader)
        self._convert = OutcomeConverter(reader)
        self._scrubber = state.scrubber

    @property
    def raw_requests(self) -> RawRequests:
        """The requests for operations that are given by method and path."""
        return RawRequests(self._runner.state, self._runner.settings, self.decoder)

    async def call(self, operation: Operation[T], arguments: Mapping[str, object]) -> T:
        outcome = await self._runner.run(
            operation, self.encode(operation, arguments), check=self._convert.check
        )
        return outcome.parsed

    async def call_raw(self, operation: Operation[T], arguments: Mapping[str, object]) -> RawResponse[T]:
        outcome = await self._runner.run(
            operation, self.encode(operation, arguments), check=self._convert.check
        )
        return self._convert.to_response(outcome)

    async def paged_raw(
        self, operation: Operation[T], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> RawResponse[T]:
        page, per_page = check_page_arguments(operation, page, per_page)
        encoded = self.encode(operation, arguments)
        paged = encoded.with_page(operation.paging, page, per_page or LARGE_PAGE)
        return self._convert.to_response(
            await self._runner.run(operation, paged, page=page, check=self._convert.check)
        )

    def paged(
        self, operation: Operation[Any], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> Pager[Any]:
        page, per_page = check_page_arguments(operation, page, per_page)
        size, encoded = per_page or LARGE_PAGE, self.encode(operation, arguments)

        async def fetch(number: int, *, compared: bool) -> RawPage:
            paged = encoded.with_page(operation.paging, number, size)
            outcome = await self._runner.run(operation, paged, page=number)
            return self._convert_page(operation, outcome, compared=compared)

        def drift(kind: str, detail: str) -> None:
            self.decoder.drift.report(kind, operation.id, "", detail)

        return Pager(PageSource(operation.id, page, size, fetch, drift))

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
            error.message = self._scrubber.scrub(error.message)
            error.args = (error.message,)
            raise

    def _convert_page(self, operation: Operation[Any], outcome: Outcome[Any], *, compared: bool) -> RawPage:
        field = operation.paging.items if operation.paging else None
        items = outcome.parsed if field is None else getattr(outcome.parsed, field) or []
        # Where the vendor's elements declare no error entity, a key of that name is data.
        may_fail = bool(items) and hasattr(items[0], KEY)
        return self._convert.to_page(operation, outcome, items, field, compared=compared, may_fail=may_fail)
