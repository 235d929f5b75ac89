"""Conversion of a response to a result: the check for errors, wherever they are, and then the models."""

import logging
from typing import Any, Generic, TypeVar

import attrs

from nexport_campus._auth.redaction import Scrubber
from nexport_campus._errors import (
    APIError,
    AuthenticationError,
    InvalidRequestError,
    RateLimitError,
    ResponseDecodeError,
    error_class,
)
from nexport_campus._http.attempt import AttemptFailed, HttpResponse
from nexport_campus._retry import Failure, retry_after_seconds
from nexport_client.client import Operation
from nexport_client.errors import DecodeError
from nexport_client.kinds import NOTHING

from .decoder import NO_MATCH, Decoder, Entity, NotJSON, entity_of, parse_json
from .default_messages import default_message

__all__ = ["Outcome", "item_error", "read_response"]

T = TypeVar("T")
_logger = logging.getLogger("nexport_campus")
_SNIPPET = 200
_LOOKED_AT = 65_536


@attrs.frozen(eq=False, repr=False)
class Outcome(Generic[T]):
    """The result of a successful response: its models and its warnings."""

    response: HttpResponse
    parsed: T
    warnings: tuple[str, ...]
    attempts: int = 1


def read_response(
    operation: Operation[T], response: HttpResponse, decoder: Decoder, scrubber: Scrubber
) -> Outcome[T]:
    """Return the models of a response. Raises AttemptFailed unless it is successful.

    Only the documented statuses are success, as a rule only 200; an error entity still counts as an error (the vendor's
    ApiErrorEntity).
    """
    if response.status_code not in operation.success:
        raise _unexpected_status(operation, response, scrubber)
    parsed = decoder.fast(operation.result, response.content)
    if parsed is NO_MATCH:
        parsed = _tolerant(operation, response, decoder, scrubber)
    entity = getattr(parsed, "api_error_entity", None)
    found = entity_of(parsed)  # for responses without a model
    if entity is not None:
        found = _entity(entity)
    if found.code:
        raise _error_response(operation, response, found, scrubber)
    if getattr(parsed, "error", None) is True:
        # SetCustomEnrollmentFieldValues reports an invalid field this way, with code 0 (the vendor's example).
        raise _failed_at_code_0(operation, response, found, getattr(parsed, "message", None), scrubber)
    return Outcome(response, parsed, tuple(scrubber.text(text) for text in _warnings(parsed)))


def item_error(
    operation: Operation[Any], item: Any, index: int, outcome: Outcome[Any], scrubber: Scrubber
) -> APIError | None:
    """Return the error that one element of a list reports in its own error entity, or None."""
    entity = getattr(item, "api_error_entity", None)
    # The spec declares no entity for some elements; one that is present still counts.
    extra = getattr(item, "additional_properties", None)
    found = entity_of(extra) if entity is None else _entity(entity)
    if not found.code:
        return None
    cls = error_class(outcome.response.status_code, found.code)
    error = _api_error(cls, operation, outcome.response, found, scrubber)
    error.index, error.attempts = index, outcome.attempts
    return error


def _tolerant(operation: Operation[Any], response: HttpResponse, decoder: Decoder, scrubber: Scrubber) -> Any:
    if not response.content.strip() and (operation.result == NOTHING or response.status_code == 204):
        return None
    try:
        parts = decoder.elements(operation.id, operation.result, response.content)
        if parts is not NO_MATCH:
            return parts
        value = decoder.parse(operation.id, response.content)
        entity = entity_of(value)
        if entity.code and isinstance(value, dict):
            raise _error_response(operation, response, entity, scrubber)
        return decoder.tolerant(operation.id, operation.result, value)
    except DecodeError as error:
        place = f"{error.path}: " if error.path else ""
        raise _unreadable(operation, f"{place}{error.reason}", error.path, response, scrubber) from error
    except NotJSON as error:
        raise _unreadable(operation, str(error), "", response, scrubber) from None


def _unreadable(
    operation: Operation[Any], reason: str, path: str, response: HttpResponse, scrubber: Scrubber
) -> AttemptFailed:
    return _undecoded(operation, f"the response can't be read: {reason}", path, response, scrubber)


def _undecoded(
    operation: Operation[Any], message: str, path: str, response: HttpResponse, scrubber: Scrubber
) -> AttemptFailed:
    # Scrubbed before truncation: half a secret would not be recognized.
    start = _kept_body(operation, response.content[:_LOOKED_AT], scrubber)
    error = ResponseDecodeError(
        scrubber.text(message), path=scrubber.text(path), snippet=start and start[:_SNIPPET]
    )
    return AttemptFailed(error, Failure.CONSIDERED, status=response.status_code, unknown_outcome=True)


def _kept_body(operation: Operation[Any], content: bytes, scrubber: Scrubber) -> bytes | None:
    """Return the part of a body that an error keeps; nothing of a login's, which may hold an unknown token."""
    return None if operation.token == "none" else scrubber.body(content)


def _entity_if_any(content: bytes) -> Entity:
    try:
        return entity_of(parse_json(content))
    except NotJSON:
        return Entity()


def _unexpected_status(
    operation: Operation[Any], response: HttpResponse, scrubber: Scrubber
) -> AttemptFailed:
    """Return the error for a status that the operation doesn't document as success."""
    entity = _entity_if_any(response.content)
    if entity.code or not 200 <= response.status_code < 300:
        return _error_response(operation, response, entity, scrubber)
    due = " or ".join(map(str, operation.success))
    message = f"HTTP {response.status_code} instead of HTTP {due} with the documented body"
    return _undecoded(operation, message, "", response, scrubber)


def _error_response(
    operation: Operation[Any], response: HttpResponse, entity: Entity, scrubber: Scrubber
) -> AttemptFailed:
    """Return the error for a response that reports one, by its code or by its status."""
    cls = _class_of(operation, response, entity)
    extra: dict[str, Any] = {}
    if cls is RateLimitError:
        extra["retry_after"] = retry_after_seconds(response.headers.get("retry-after"))
    return AttemptFailed(
        _api_error(cls, operation, response, entity, scrubber, **extra),
        Failure.CONSIDERED if entity.code else Failure.STATUS,
        status=response.status_code,
        unknown_outcome=not entity.code and response.status_code >= 500,
        retry_after=retry_after_seconds(response.headers.get("retry-after")),
    )


def _class_of(operation: Operation[Any], response: HttpResponse, entity: Entity) -> type[APIError]:
    """Return the class of an error.

    A rejected login or token must come from the campus itself, as far as can be seen.
    """
    cls = error_class(response.status_code, entity.code or None)
    by_campus = entity.present or response.empty
    if operation.token == "none" and response.status_code == 403:
        return AuthenticationError if by_campus else APIError
    return APIError if cls is AuthenticationError and not by_campus else cls


def _api_error(
    cls: type[APIError],
    operation: Operation[Any],
    response: HttpResponse,
    entity: Entity,
    scrubber: Scrubber,
    **extra: Any,
) -> APIError:
    return cls(
        scrubber.text(entity.message) or default_message(cls, response, entity, scrubber),
        method=operation.method,
        path=operation.path,
        status_code=response.status_code,
        warnings=tuple(scrubber.text(text) for text in entity.warnings),
        headers=scrubber.headers(response.headers),
        body=_kept_body(operation, response.content, scrubber),
        operation_id=operation.id,
        **{"error_code": entity.code or None} | extra,
    )


def _failed_at_code_0(
    operation: Operation[Any], response: HttpResponse, entity: Entity, message: str | None, scrubber: Scrubber
) -> AttemptFailed:
    if not entity.present:
        return _unreadable(operation, "an error is reported without api_error_entity", "", response, scrubber)
    entity = attrs.evolve(entity, message=message or entity.message)
    error = _api_error(InvalidRequestError, operation, response, entity, scrubber, error_code=0)
    return AttemptFailed(error, Failure.CONSIDERED, status=response.status_code)


def _entity(model: Any) -> Entity:
    """Return the contents of an error entity's model."""
    code = model.error_code
    return Entity(int(code or 0), model.error_message or "", _texts(model), present=code is not None)


def _texts(entity: Any) -> tuple[str, ...]:
    return tuple(text for text in getattr(entity, "warning_messages", None) or () if text)


def _warnings(parsed: Any) -> tuple[str, ...]:
    """Return the warnings of an object, or of all elements of a list."""
    if not isinstance(parsed, list):
        return _texts(getattr(parsed, "api_error_entity", None))
    if not parsed or not hasattr(parsed[0], "api_error_entity"):
        return ()
    entities = (item.api_error_entity for item in parsed)
    return tuple(
        text
        for entity in entities
        if entity is not None and entity.warning_messages
        for text in _texts(entity)
    )
