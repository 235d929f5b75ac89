"""Sources of tokens: a login with a password, a fixed token, or a function of the user's."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import attrs

from nexport_campus._errors import ConfigurationError
from nexport_campus._inputs import describe, find_zone_problem
from nexport_client.types import Secret

__all__ = ["AccessToken", "Auth", "PasswordAuth", "StaticToken"]


def _check_username(value: str) -> str:
    return _check_string("a user name", value)


def _check_password(value: str) -> Secret:
    return Secret(_check_string("a password", value))


def _check_token(value: str | UUID) -> Secret:
    return Secret(
        value if isinstance(value, UUID) else _check_string("an access token", value, "a string or a UUID")
    )


def _check_string(name: str, value: object, types: str = "a string") -> str:
    """Return a string of any string class as a plain `str`. Raises ConfigurationError, which doesn't show the value."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be {types}, got {type(value).__name__}")
    plain = str.__str__(value)
    if not plain:
        raise ConfigurationError(f"{name} must not be empty")
    if any("\ud800" <= char <= "\udfff" for char in plain):
        raise ConfigurationError(f"{name} must not contain lone surrogates, which UTF-8 can't carry")
    return plain


class _Unpicklable:
    """Base class that refuses pickling, because a pickle would be an unprotected copy of the secret."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and refuses to be pickled")


@attrs.frozen(slots=False)
class AccessToken(_Unpicklable):
    """A token and its expiry.

    `value`: the token, a string or a UUID, which no repr shows. `expires_at`: a `datetime` with a zone, or None for a
    token that is used until the campus rejects it. Raises ConfigurationError.
    """

    value: Secret = attrs.field(converter=_check_token, repr=False)
    expires_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        at = self.expires_at
        if at is None:
            return
        if not isinstance(at, datetime):
            raise ConfigurationError(
                f"AccessToken: expires_at must be a datetime with a zone, or None, got {describe(at)}"
            )
        if (problem := find_zone_problem(at)) is not None:
            raise ConfigurationError(f"AccessToken: expires_at {problem}")


@attrs.frozen(slots=False)
class PasswordAuth(_Unpicklable):
    """A login with user name and password, when a token is first needed and again before it expires.

    Source: the vendor's AdminApi/Authenticate; it doesn't work for System Operators nor for users with the Customer
    Service role. Raises ConfigurationError for an empty name or password.
    """

    username: str = attrs.field(converter=_check_username)
    password: Secret = attrs.field(repr=False, converter=_check_password)


@attrs.frozen(slots=False)
class StaticToken(_Unpicklable):
    """A fixed token, a string or a UUID, used as long as the campus accepts it. Raises ConfigurationError if empty."""

    token: Secret = attrs.field(repr=False, converter=_check_token)


Auth = PasswordAuth | StaticToken | Callable[[], Awaitable[AccessToken]]


def check_auth(auth: Any, *, shared: bool) -> Auth:
    """Return the validated `auth` of a client. `shared`: whether it has a token store. Raises ConfigurationError."""
    if shared and not isinstance(auth, PasswordAuth):
        raise ConfigurationError(
            "token_store needs PasswordAuth: a StaticToken or the token of an auth function isn't renewed by logging in"
        )
    if isinstance(auth, PasswordAuth | StaticToken) or (callable(auth) and not isinstance(auth, type)):
        return auth
    raise ConfigurationError(
        "auth must be PasswordAuth(...), StaticToken(...) or an async function that returns an AccessToken, "
        f"got {describe(auth)}"
    )
