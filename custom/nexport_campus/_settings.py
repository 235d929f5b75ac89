"""A client's settings: validated on creation and then frozen. Only this module reads the environment."""

import ipaddress
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, cast

import attrs
import httpx

from . import _setting_values as values
from ._attempts import Attempt
from ._auth.credentials import Auth, PasswordAuth, StaticToken
from ._auth.secret_headers import SecretHeaders, check_headers
from ._auth.token_envelope import TokenCipher, make_cipher
from ._auth.token_store import TokenStore
from ._certificates import check_verify
from ._drift import Drift
from ._errors import ConfigurationError
from ._inputs import describe
from ._rate_limit import RateLimiter, check_rate_limit
from ._retry import RetryPolicy

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = [
    "DEFAULT_BASE_URL",
    "MAX_RESPONSE_BYTES",
    "CallGroup",
    "ClientSettings",
    "Settings",
    "read_auth",
]

DEFAULT_BASE_URL = "https://www.nexportcampus.com"
MAX_RESPONSE_BYTES = 64 * 1024 * 1024


@attrs.frozen(eq=False)
class CallGroup:
    """Calls that serve one method of the SDK: their `deadline` on the client's clock, and their `warnings`."""

    deadline: float | None = None
    warnings: list[str] = attrs.Factory(list)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _check_max_concurrency(value: object) -> int:
    return values.check_whole("max_concurrency", value)


def _check_max_response_bytes(value: object) -> int:
    return values.check_whole("max_response_bytes", value)


def _check_on_attempt(value: object) -> Callable[[Attempt], object] | None:
    return cast(
        "Callable[[Attempt], object] | None", values.check_callback("on_attempt", value, "an Attempt")
    )


def _check_on_drift(value: object) -> Callable[[Drift], object] | None:
    return cast("Callable[[Drift], object] | None", values.check_callback("on_drift", value, "a Drift"))


def _check_token_store(value: object) -> TokenStore | None:
    if value is not None and (isinstance(value, type) or not isinstance(value, TokenStore)):
        raise ConfigurationError(
            f"token_store must be an object with get, set, delete and lock, got {describe(value)}"
        )
    return value


class ClientSettings(TypedDict, total=False):
    """The keyword arguments of `NexportCampus` except `auth`, as accepted by `NexportCampus.from_env`."""

    base_url: str | httpx.URL
    timeout: float | httpx.Timeout | None
    retry: RetryPolicy
    max_concurrency: int
    rate_limit: float | RateLimiter | None
    token_store: TokenStore | None
    token_encryption_keys: Sequence[str | bytes]
    headers: Mapping[str, str] | None
    transport: httpx.AsyncBaseTransport | None
    verify: ssl.SSLContext | str | os.PathLike[str] | bool
    proxy: str | httpx.URL | httpx.Proxy | None
    user_agent: str | None
    max_response_bytes: int
    allow_insecure_http: bool
    on_attempt: Callable[[Attempt], object] | None
    on_drift: Callable[[Drift], object] | None


@attrs.frozen(kw_only=True)
class Settings:
    """All settings of a client; see `NexportCampus` for their meaning. Raises ConfigurationError.

    `tracer`: OpenTelemetry's, if `nexport_campus.otel` has given one to a view; None uses the application's own.
    `group`: the group of a view's calls; the deadline of a group replaces `total_timeout`.
    """

    base_url: httpx.URL = attrs.field(default=httpx.URL(DEFAULT_BASE_URL), converter=values.check_base_url)
    timeout: float | httpx.Timeout | None = attrs.field(default=30.0, converter=values.check_timeout)
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    max_concurrency: int = attrs.field(default=16, converter=_check_max_concurrency)
    rate_limit: float | RateLimiter | None = attrs.field(default=None, converter=check_rate_limit)
    token_store: TokenStore | None = attrs.field(default=None, repr=False, converter=_check_token_store)
    token_encryption_keys: TokenCipher | None = attrs.field(default=None, repr=False, converter=make_cipher)
    headers: SecretHeaders = attrs.field(default=None, converter=check_headers)
    transport: httpx.AsyncBaseTransport | None = None
    verify: ssl.SSLContext | bool = attrs.field(default=True, converter=check_verify)
    proxy: httpx.Proxy | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(values.check_proxy)
    )
    user_agent: str | None = attrs.field(default=None, converter=values.check_user_agent)
    max_response_bytes: int = attrs.field(default=MAX_RESPONSE_BYTES, converter=_check_max_response_bytes)
    allow_insecure_http: bool = False
    on_attempt: Callable[[Attempt], object] | None = attrs.field(default=None, converter=_check_on_attempt)
    on_drift: Callable[[Drift], object] | None = attrs.field(default=None, converter=_check_on_drift)
    tracer: "Tracer | None" = attrs.field(default=None, repr=False)
    group: CallGroup | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.retry, RetryPolicy):
            raise ConfigurationError(f"retry must be a RetryPolicy, got {describe(self.retry)}")
        if self.transport is not None and not isinstance(self.transport, httpx.AsyncBaseTransport):
            raise ConfigurationError(
                f"transport must be an httpx.AsyncBaseTransport, got {describe(self.transport)}"
            )
        if self.transport is not None and self.proxy is not None:
            raise ConfigurationError(
                "proxy has no effect together with transport: pass the proxy to the transport"
            )
        if not isinstance(self.allow_insecure_http, bool):
            raise ConfigurationError(
                f"allow_insecure_http must be True or False, got {describe(self.allow_insecure_http)}"
            )
        self._refuse_plain_http()

    def _refuse_plain_http(self) -> None:
        if self.base_url.scheme == "http" and not (
            self.allow_insecure_http or is_loopback(self.base_url.host)
        ):
            raise ConfigurationError(
                f"{self.base_url.host} would get the token and the password over plain http: use https, "
                "or allow_insecure_http=True if the network is trusted"
            )


def read_auth(environ: Mapping[str, str]) -> Auth:
    """Return the auth from the NEXPORT_USERNAME, _PASSWORD and _ACCESS_TOKEN variables. Raises ConfigurationError."""
    username, password = environ.get("NEXPORT_USERNAME"), environ.get("NEXPORT_PASSWORD")
    token = environ.get("NEXPORT_ACCESS_TOKEN")
    if token and (username or password):
        raise ConfigurationError(
            "set either NEXPORT_ACCESS_TOKEN, or NEXPORT_USERNAME and NEXPORT_PASSWORD, not both"
        )
    if token:
        return StaticToken(token)
    if username and password:
        return PasswordAuth(username, password)
    missing = "NEXPORT_PASSWORD" if username else "NEXPORT_USERNAME"
    raise ConfigurationError(
        f"{missing} is not set: set NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN"
    )
