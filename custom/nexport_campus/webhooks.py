"""Verification of webhooks, the calls that a campus makes to an application. Knows no web framework.

    event = webhooks.verify(body, headers, secret=secrets)

A campus does not sign its webhooks: URL, headers and body are templates of an administrator. So the template contains
a secret that the application shares with the campus, and ids instead of data; read the record from the campus.
See `docs/webhooks.md` for the template.
"""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import attrs

from ._errors import ConfigurationError, WebhookError, WebhookFormatError, WebhookSecretError

__all__ = [
    "MAX_BODY",
    "SECRET_HEADER",
    "WebhookError",
    "WebhookEvent",
    "WebhookFormatError",
    "WebhookSecretError",
    "verify",
]

SECRET_HEADER: Final = "X-Nexport-Secret"
MAX_BODY: Final = 65536
"""The size in bytes above which a body is refused."""

_LONGEST_EVENT: Final = 200
_UNSET_ID: Final = UUID(int=0)


@attrs.frozen
class WebhookEvent:
    """A webhook with a valid secret: the name of the event, and the ids that the template included.

    Only the secret proves where it comes from. It can be late or come again: read the record before you act on it.
    """

    event: str
    enrollment_id: UUID | None = None
    user_id: UUID | None = None
    assignment_id: UUID | None = None
    subscription_id: UUID | None = None


def verify(
    body: bytes | str,
    headers: Mapping[str, str] | None = None,
    *,
    secret: str | Sequence[str],
) -> WebhookEvent:
    """Check the secret of a webhook and return its event.

    The secret is expected in the header `X-Nexport-Secret`, or else in the field `secret` of the JSON body.

    Args:
        body: The request's body, a JSON object.
        headers: The request's headers, in any case.
        secret: The shared secret, or several of which one must match, to replace one without an interruption.

    Returns:
        WebhookEvent: The event and its ids.

    Raises:
        ConfigurationError: There is no secret, or an empty one.
        WebhookSecretError: The secret is missing or wrong. Respond with 401, which is the error's `status_code`.
        WebhookFormatError: The body isn't what the template promises (400), or larger than 64 KiB (413).
    """
    secrets = read_secrets(secret)
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    if len(content) > MAX_BODY:
        raise WebhookFormatError(f"the body is larger than {MAX_BODY} bytes", status_code=413)
    in_header = _find_header(headers or {})
    if in_header is not None:
        _check_secret(in_header, secrets)
    fields = _read_object(content)
    if in_header is None:
        _check_secret(fields.get("secret"), secrets)
    return WebhookEvent(
        event=_read_event(fields),
        enrollment_id=_read_id(fields, "enrollment_id"),
        user_id=_read_id(fields, "user_id"),
        assignment_id=_read_id(fields, "assignment_id"),
        subscription_id=_read_id(fields, "subscription_id"),
    )


def read_secrets(secret: str | Sequence[str]) -> tuple[str, ...]:
    """Return the accepted secrets. Raises ConfigurationError if there is none, or an empty one."""
    single = isinstance(secret, str) or not isinstance(secret, Iterable)
    secrets: tuple[object, ...] = (secret,) if single else tuple(secret)
    if not secrets:
        raise ConfigurationError("secret: at least one secret is needed to recognize webhooks")
    for each in secrets:
        if not isinstance(each, str) or not each.strip():
            raise ConfigurationError("secret: must be a string that is not empty")
    return tuple(map(str, secrets))


def _find_header(headers: Mapping[str, str]) -> str | None:
    """Return the secret's header. With several of them, the joined values match no secret."""
    wanted = SECRET_HEADER.lower()
    values = [value for name, value in headers.items() if name.lower() == wanted]
    return ", ".join(values) if values else None


def _check_secret(given: object, secrets: Iterable[str]) -> None:
    """Compare a secret with all accepted ones, in a time that doesn't depend on how much of it is right."""
    found = False
    for each in secrets:
        for spelling in _list_spellings(given):
            found |= hmac.compare_digest(spelling, each.encode("utf-8", "surrogatepass"))
    if not found:
        raise WebhookSecretError("the shared secret is missing or wrong")


def _list_spellings(given: object) -> list[bytes]:
    """Return the bytes that a string may stand for: frameworks decode headers as UTF-8 or as Latin-1."""
    if not isinstance(given, str):
        return []
    found = [given.encode("utf-8", "surrogatepass")]
    if not given.isascii():
        found.append(given.encode("latin-1", "replace"))
    return found


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise WebhookFormatError("the body isn't JSON in UTF-8") from None
    if not isinstance(fields, dict):
        raise WebhookFormatError("the body isn't a JSON object")
    return fields


def _read_event(fields: Mapping[str, Any]) -> str:
    event = fields.get("event")
    if not isinstance(event, str) or not event.strip() or not event.isprintable():
        raise WebhookFormatError("event: the name of the event is missing")
    if len(event) > _LONGEST_EVENT:
        raise WebhookFormatError(f"event: longer than {_LONGEST_EVENT} characters")
    return event


def _read_id(fields: Mapping[str, Any], name: str) -> UUID | None:
    """Return an id; null, an empty string and .NET's empty id mean that the event has none."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise TypeError
        found = UUID(value)
    except (TypeError, ValueError):
        raise WebhookFormatError(f"{name}: not an id; check the variable in the template") from None
    return None if found == _UNSET_ID else found
