"""Where a token comes from: a login with a password, the user, or a function of the user's."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import attrs

from nexport_client.types import Secret

from ._errors import ConfigurationError

__all__ = ["AccessToken", "Auth", "PasswordAuth", "StaticToken"]


def _password(value: str) -> Secret:
    if not _is_sendable(value):
        raise ConfigurationError("a password must be a string that isn't empty and that UTF-8 can carry")
    return Secret(value)


def _token(value: str | UUID) -> Secret:
    if not (isinstance(value, UUID) or _is_sendable(value)):
        raise ConfigurationError(
            "an access token must be a UUID, or a string that isn't empty and that UTF-8 can carry"
        )
    return Secret(value)


def _text(instance: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not _is_sendable(value):
        raise ConfigurationError("a user name must be a string that isn't empty and that UTF-8 can carry")


def _is_sendable(value: object) -> bool:
    """Return whether it is a string, isn't empty, and has no lone surrogates."""
    return isinstance(value, str) and bool(value) and not any("\ud800" <= char <= "\udfff" for char in value)


class _Unpicklable:
    """Refuses to be pickled: a pickle would be a copy of the secret that nobody looks after."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and refuses to be pickled")


@attrs.frozen(slots=False)
class AccessToken(_Unpicklable):
    """A token and when it expires.

    `value`: the token, a string or a UUID, which no repr shows. `expires_at`: a `datetime` with a zone, or None for a
    token that is used until the campus refuses it. Raises ConfigurationError.
    """

    value: Secret = attrs.field(converter=_token, repr=False)
    expires_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        at = self.expires_at
        if at is not None and not (isinstance(at, datetime) and at.utcoffset() is not None):
            raise ConfigurationError("AccessToken: expires_at must be a datetime with a zone, or None")


@attrs.frozen(slots=False)
class PasswordAuth(_Unpicklable):
    """Log in with a user name and a password, when a token is first needed and again before it expires.

    Source: the vendor's AdminApi/Authenticate; it doesn't work for System Operators nor for users with the Customer
    Service role. Raises ConfigurationError for an empty name or password.
    """

    username: str = attrs.field(validator=_text)
    password: Secret = attrs.field(repr=False, converter=_password)


@attrs.frozen(slots=False)
class StaticToken(_Unpicklable):
    """Use one token, a string or a UUID, for as long as the campus accepts it. Raises ConfigurationError for an empty one."""

    token: Secret = attrs.field(repr=False, converter=_token)


Auth = PasswordAuth | StaticToken | Callable[[], Awaitable[AccessToken]]


def check_auth(auth: Any) -> Auth:
    """The `auth` of a client, or ConfigurationError."""
    if isinstance(auth, PasswordAuth | StaticToken) or (callable(auth) and not isinstance(auth, type)):
        return auth
    raise ConfigurationError(
        "auth must be PasswordAuth(...), StaticToken(...) or an async function that gives an AccessToken"
    )
