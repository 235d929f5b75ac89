"""Conversion of a response to a result: the check for errors, wherever they are, and then the models."""

from typing import Any, Generic, TypeVar

import attrs

from nexport_campus._auth.redaction import Scrubber
from nexport_campus._errors import (
    APIError,
    AuthenticationError,
    InvalidRequestError,
    RateLimitError,
    ResponseDecodeError,
    choose_error_class,
)
from nexport_campus._http.attempt import AttemptFailed, HttpResponse
from nexport_campus._retry import Failure, parse_retry_after
from nexport_client.errors import DecodeError
from nexport_client.kinds import NOTHING
from nexport_client.operation import Operation

from .decoder import NO_MATCH, Decoder, NotJSON, parse_json
from .default_messages import make_default_message
from .error_entity import ErrorEntity, find_warnings, read_entity, read_field

__all__ = ["Outcome", "ResponseReader"]

T = TypeVar("T")
_SNIPPET = 200
_LOOKED_AT = 65_536


@attrs.frozen(eq=False, repr=False)
class Outcome(Generic[T]):
    """The result of a successful response: its models and its warnings."""

    response: HttpResponse
    parsed: T
    warnings: tuple[str, ...]
    attempts: int = 1


@attrs.frozen
class ResponseReader:
    """Reader of responses with one decoder, whose errors hold no secret that the scrubber knows."""

    decoder: Decoder
    scrubber: Scrubber

    def read(self, operation: Operation[T], response: HttpResponse) -> Outcome[T]:
        """Return the models of a response. Raises AttemptFailed unless it is successful.

        Only the documented statuses are success, as a rule only 200; an error entity still counts as an error (the
        vendor's ApiErrorEntity).
        """
        if response.status_code not in operation.success:
            raise self._make_status_error(operation, response)
        parsed = self._parse(operation, response)
        entity = read_entity(parsed)
        if entity.code:
            raise self._make_response_error(operation, response, entity)
        for sign in () if parsed is None else operation.failures:
            if sign.is_in(parsed):
                message = read_field(parsed, "message")
                words = message if isinstance(message, str) else ""
                raise self._make_code_0_error(
                    operation, response, entity, words or entity.message or sign.meaning
                )
        return Outcome(response, parsed, tuple(map(self.scrubber.scrub, find_warnings(parsed))))

    def make_item_error(
        self, operation: Operation[Any], outcome: Outcome[Any], index: int, item: Any
    ) -> APIError:
        """Return the error that one element of a list reports in its own error entity."""
        entity = read_entity(item)
        cls = choose_error_class(outcome.response.status_code, entity.code)
        error = self._make_api_error(cls, operation, outcome.response, entity, entity.code)
        error.index, error.attempts = index, outcome.attempts
        return error

    def quote_start(self, operation: Operation[Any], response: HttpResponse) -> bytes | None:
        """Return the first bytes of a body for an error, without secrets; None if it may hold an unknown one."""
        # Scrubbed before truncation: half a secret would not be recognized.
        start = self._keep_body(operation, response.content[:_LOOKED_AT])
        return None if start is None else start[:_SNIPPET]

    def _parse(self, operation: Operation[Any], response: HttpResponse) -> Any:
        """Return the models of a body. Raises AttemptFailed."""
        parsed = self.decoder.decode_fast(operation.result, response.content)
        return self._read_tolerantly(operation, response) if parsed is NO_MATCH else parsed

    def _read_tolerantly(self, operation: Operation[Any], response: HttpResponse) -> Any:
        if not response.content.strip() and (operation.result == NOTHING or response.status_code == 204):
            return None
        decoder = self.decoder
        try:
            parts = decoder.decode_elements(operation.id, operation.result, response.content)
            if parts is not NO_MATCH:
                return parts
            value = decoder.parse(operation.id, response.content)
            entity = read_entity(value)
            if entity.code:
                raise self._make_response_error(operation, response, entity)
            return decoder.decode_tolerantly(operation.id, operation.result, value)
        except DecodeError as error:
            place = f"{error.path}: " if error.path else ""
            raise self._make_unreadable_error(
                operation, response, f"{place}{error.reason}", error.path
            ) from error
        except NotJSON as error:
            raise self._make_unreadable_error(operation, response, str(error)) from None

    def _make_status_error(self, operation: Operation[Any], response: HttpResponse) -> AttemptFailed:
        """Return the error for a status that the operation doesn't document as success."""
        try:
            entity = read_entity(parse_json(response.content))
        except NotJSON:
            entity = ErrorEntity()
        if entity.code or not 200 <= response.status_code < 300:
            return self._make_response_error(operation, response, entity)
        due = " or ".join(map(str, operation.success))
        message = f"HTTP {response.status_code} instead of HTTP {due} with the documented body"
        return self._make_decode_error(operation, response, message)

    def _make_unreadable_error(
        self, operation: Operation[Any], response: HttpResponse, reason: str, path: str = ""
    ) -> AttemptFailed:
        return self._make_decode_error(operation, response, f"the response can't be read: {reason}", path)

    def _make_decode_error(
        self, operation: Operation[Any], response: HttpResponse, message: str, path: str = ""
    ) -> AttemptFailed:
        error = ResponseDecodeError(
            self.scrubber.scrub(message),
            path=self.scrubber.scrub(path),
            snippet=self.quote_start(operation, response),
        )
        return AttemptFailed(error, Failure.PROCESSED, status=response.status_code, unknown_outcome=True)

    def _make_response_error(
        self, operation: Operation[Any], response: HttpResponse, entity: ErrorEntity
    ) -> AttemptFailed:
        """Return the error for a response that reports one, by its code or by its status."""
        cls = _choose_class(operation, response, entity)
        retry_after = parse_retry_after(response.headers.get("retry-after"))
        error = self._make_api_error(cls, operation, response, entity, entity.code or None)
        if isinstance(error, RateLimitError):
            error.retry_after = retry_after
        return AttemptFailed(
            error,
            Failure.PROCESSED if entity.code else Failure.STATUS,
            status=response.status_code,
            unknown_outcome=not entity.code and response.status_code >= 500,
            retry_after=retry_after,
        )

    def _make_code_0_error(
        self, operation: Operation[Any], response: HttpResponse, entity: ErrorEntity, message: str
    ) -> AttemptFailed:
        if not entity.present:
            return self._make_unreadable_error(
                operation, response, "an error is reported without api_error_entity"
            )
        entity = attrs.evolve(entity, message=message)
        error = self._make_api_error(InvalidRequestError, operation, response, entity, 0)
        return AttemptFailed(error, Failure.PROCESSED, status=response.status_code)

    def _make_api_error(
        self,
        cls: type[APIError],
        operation: Operation[Any],
        response: HttpResponse,
        entity: ErrorEntity,
        error_code: int | None,
    ) -> APIError:
        scrubber = self.scrubber
        return cls(
            scrubber.scrub(entity.message) or make_default_message(cls, response, entity, scrubber),
            method=operation.method,
            path=operation.path,
            status_code=response.status_code,
            error_code=error_code,
            warnings=tuple(map(scrubber.scrub, entity.warnings)),
            headers=scrubber.scrub_headers(response.headers),
            body=self._keep_body(operation, response.content),
            operation_id=operation.id,
            provisional=operation.provisional,
        )

    def _keep_body(self, operation: Operation[Any], content: bytes) -> bytes | None:
        """Return the part of a body that an error keeps; nothing of one that may hold an unknown secret."""
        return None if operation.secret_result else self.scrubber.scrub_bytes(content)


def _choose_class(operation: Operation[Any], response: HttpResponse, entity: ErrorEntity) -> type[APIError]:
    """Return the class of an error.

    A rejected login or token must come from the campus itself, as far as can be seen.
    """
    cls = choose_error_class(response.status_code, entity.code or None)
    by_campus = entity.present or response.empty
    if operation.token == "none" and response.status_code == 403:
        return AuthenticationError if by_campus else APIError
    return APIError if cls is AuthenticationError and not by_campus else cls
