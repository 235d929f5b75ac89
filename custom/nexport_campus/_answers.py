"""From an answer to a result: the check for errors, wherever they stand, and then the models."""

import logging
from typing import Any, Generic, TypeVar

import attrs

from nexport_client.client import Operation
from nexport_client.errors import DecodeError
from nexport_client.kinds import NOTHING

from ._attempt import Answer, AttemptFailed
from ._decode import NO_MATCH, Decoder, Entity, NotJSON, entity_of, parse_json
from ._errors import (
    APIError,
    AuthenticationError,
    InvalidRequestError,
    NexportError,
    RateLimitError,
    ResponseDecodeError,
    error_class,
)
from ._retry import Failure, retry_after_seconds
from ._secrets import Scrubber

__all__ = ["Outcome", "item_error", "read_answer"]

T = TypeVar("T")
_logger = logging.getLogger("nexport_campus")
_SNIPPET = 200
_LOOKED_AT = 65_536


@attrs.frozen(eq=False, repr=False)
class Outcome(Generic[T]):
    """A good answer: its models, and its warnings."""

    answer: Answer
    parsed: T
    warnings: tuple[str, ...]
    attempts: int = 1


def read_answer(operation: Operation[T], answer: Answer, decoder: Decoder, scrubber: Scrubber) -> Outcome[T]:
    """The models of an answer. Raises AttemptFailed for every answer that isn't a good one.

    Only the documented statuses are success, as a rule 200 alone; an error entity counts all the same (the vendor's
    ApiErrorEntity).
    """
    if answer.status_code not in operation.success:
        raise _refused(operation, answer, _entity_if_any(answer.content), scrubber)
    parsed = decoder.fast(operation.result, answer.content)
    if parsed is NO_MATCH:
        parsed = _tolerant(operation, answer, decoder, scrubber)
    entity = getattr(parsed, "api_error_entity", None)
    found = entity_of(parsed)  # where the answer has no model
    if entity is not None and entity.error_code:
        found = Entity(int(entity.error_code), entity.error_message or "", _texts(entity))
    if found.code:
        raise _refused(operation, answer, found, scrubber)
    if getattr(parsed, "error", None) is True:
        # SetCustomEnrollmentFieldValues reports an invalid field this way, with code 0 (the vendor's example).
        raise _invalid_field(operation, answer, parsed, scrubber)
    return Outcome(answer, parsed, tuple(scrubber.text(text) for text in _warnings(parsed)))


def item_error(
    operation: Operation[Any], item: Any, index: int, outcome: Outcome[Any], scrubber: Scrubber
) -> APIError | None:
    """The error that one element of a list reports in its own error entity, or None."""
    entity = getattr(item, "api_error_entity", None)
    if entity is None:
        # The spec declares none for some elements; one that came all the same counts.
        found = entity_of(getattr(item, "additional_properties", None))
    else:
        found = Entity(int(entity.error_code or 0), entity.error_message or "", _texts(entity))
    if not found.code:
        return None
    error = _api_error(operation, outcome.answer, found, scrubber)
    error.index, error.attempts = index, outcome.attempts
    return error


def _tolerant(operation: Operation[Any], answer: Answer, decoder: Decoder, scrubber: Scrubber) -> Any:
    if not answer.content.strip() and (operation.result == NOTHING or answer.status_code == 204):
        return None
    try:
        parts = decoder.elements(operation.id, operation.result, answer.content)
        if parts is not NO_MATCH:
            return parts
        value = parse_json(answer.content)
        entity = entity_of(value)
        if entity.code and isinstance(value, dict):
            raise _refused(operation, answer, entity, scrubber)
        return decoder.tolerant(operation.id, operation.result, value)
    except DecodeError as error:
        place = f"{error.path}: " if error.path else ""
        raise _unreadable(operation, f"{place}{error.reason}", error.path, answer, scrubber) from error
    except NotJSON as error:
        raise _unreadable(operation, str(error), "", answer, scrubber) from None


def _unreadable(
    operation: Operation[Any], reason: str, path: str, answer: Answer, scrubber: Scrubber
) -> AttemptFailed:
    # Scrubbed before it is cut: half a secret would not be found.
    start = _kept(operation, answer.content[:_LOOKED_AT], scrubber)
    error = ResponseDecodeError(
        f"the answer can't be read: {scrubber.text(reason)}",
        path=scrubber.text(path),
        snippet=start and start[:_SNIPPET],
    )
    return AttemptFailed(error, Failure.CONSIDERED, status=answer.status_code, unknown_outcome=True)


def _kept(operation: Operation[Any], content: bytes, scrubber: Scrubber) -> bytes | None:
    """What an error keeps of a body; nothing of a login's, which may hold a token that nobody knows yet."""
    return None if operation.token == "none" else scrubber.body(content)


def _entity_if_any(content: bytes) -> Entity:
    try:
        return entity_of(parse_json(content))
    except NotJSON:
        return Entity()


def _refused(operation: Operation[Any], answer: Answer, entity: Entity, scrubber: Scrubber) -> AttemptFailed:
    """What an answer means that reports an error, by its code or by its status."""
    error = _api_error(operation, answer, entity, scrubber)
    status = answer.status_code
    return AttemptFailed(
        error,
        Failure.CONSIDERED if entity.code else Failure.STATUS,
        status=status,
        unknown_outcome=not entity.code and (status >= 500 or 200 <= status < 300),
        retry_after=retry_after_seconds(answer.headers.get("retry-after")),
    )


def _api_error(operation: Operation[Any], answer: Answer, entity: Entity, scrubber: Scrubber) -> APIError:
    cls = error_class(answer.status_code, entity.code or None)
    if operation.token == "none" and answer.status_code == 403:
        cls = AuthenticationError
    extra = (
        {"retry_after": retry_after_seconds(answer.headers.get("retry-after"))}
        if cls is RateLimitError
        else {}
    )
    return cls(
        scrubber.text(entity.message) or _default_message(answer, cls),
        method=operation.method,
        path=operation.path,
        status_code=answer.status_code,
        error_code=entity.code or None,
        warnings=tuple(scrubber.text(text) for text in entity.warnings),
        headers=scrubber.headers(answer.headers),
        body=_kept(operation, answer.content, scrubber),
        operation_id=operation.id,
        **extra,
    )


def _invalid_field(
    operation: Operation[Any], answer: Answer, parsed: Any, scrubber: Scrubber
) -> AttemptFailed:
    failed = _refused(
        operation,
        answer,
        Entity(2, getattr(parsed, "message", None) or "", _texts(parsed.api_error_entity)),
        scrubber,
    )
    error = failed.error
    assert isinstance(error, InvalidRequestError)
    error.error_code = None
    return failed


def _default_message(answer: Answer, cls: type[NexportError]) -> str:
    if 300 <= answer.status_code < 400:
        return "the campus redirects elsewhere, which is not followed: check base_url"
    if answer.content.lstrip()[:1] == b"<":
        return "HTML instead of an answer, as gateways send"
    return "the campus gives no reason"


def _texts(entity: Any) -> tuple[str, ...]:
    return tuple(text for text in getattr(entity, "warning_messages", None) or () if text)


def _warnings(parsed: Any) -> tuple[str, ...]:
    """The warnings of an object, or of all elements of a list."""
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
