"""Ways to come by a token: a password, a token that is there already, or a function of the user's own."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn

import attrs

from nexport_client.types import Secret

from ._errors import ConfigurationError

__all__ = ["AccessToken", "Auth", "PasswordAuth", "StaticToken"]


def _secret(value: object) -> Secret:
    if not _is_sendable(value):
        raise ConfigurationError(
            "a password or a token must be a text that isn't empty and that UTF-8 can carry"
        )
    return Secret(value)


def _text(instance: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not _is_sendable(value):
        raise ConfigurationError("a user name must be a text that isn't empty and that UTF-8 can carry")


def _is_sendable(value: object) -> bool:
    """Whether it is a text, isn't empty, and has no lone surrogates."""
    return isinstance(value, str) and bool(value) and not any("\ud800" <= char <= "\udfff" for char in value)


class _Unpicklable:
    """Refuses to be pickled: a pickle would be a copy of the secret that nobody looks after."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and refuses to be pickled")


@attrs.frozen(slots=False)
class AccessToken(_Unpicklable):
    """A token and when it expires.

    `value`: the token's text, which no repr shows. `expires_at`: a `datetime` with a zone, or None for a token that
    lives until the campus refuses it. Raises ConfigurationError.
    """

    value: Secret = attrs.field(converter=_secret, repr=False)
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
    password: Secret = attrs.field(repr=False, converter=_secret)


@attrs.frozen(slots=False)
class StaticToken(_Unpicklable):
    """Use one token for as long as the campus takes it. Raises ConfigurationError for an empty one."""

    token: Secret = attrs.field(repr=False, converter=_secret)


Auth = PasswordAuth | StaticToken | Callable[[], Awaitable[AccessToken]]


def check_auth(auth: Any) -> Auth:
    """The `auth` of a client, or ConfigurationError."""
    if isinstance(auth, PasswordAuth | StaticToken) or (callable(auth) and not isinstance(auth, type)):
        return auth
    raise ConfigurationError(
        "auth must be PasswordAuth(...), StaticToken(...) or an async function that gives an AccessToken"
    )
