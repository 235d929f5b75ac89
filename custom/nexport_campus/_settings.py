"""A client's settings: validated when it is made, frozen afterwards; the environment is read here and nowhere else."""

import ipaddress
import math
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import httpx

from ._auth import Auth, PasswordAuth, StaticToken
from ._drift import Drift
from ._errors import ConfigurationError
from ._retry import RetryPolicy

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["DEFAULT_BASE_URL", "MAX_RESPONSE_BYTES", "Settings", "auth_from_env", "proxy_at"]

DEFAULT_BASE_URL = "https://www.nexportcampus.com"
MAX_RESPONSE_BYTES = 64 * 1024 * 1024


def _positive(instance: "Settings", attribute: "attrs.Attribute[Any]", value: object) -> None:
    good = (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    )
    if value is not None and not good:
        raise ConfigurationError(f"{attribute.name} must be a number above 0, got {value!r}")


def _whole(instance: "Settings", attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number from 1, got {value!r}")


def _timeout(instance: "Settings", attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, httpx.Timeout):
        _positive(instance, attribute, value)


def _url(value: object) -> httpx.URL:
    try:
        url = httpx.URL(str(value).rstrip("/"))
        absolute = url.scheme in {"http", "https"} and bool(url.host)
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError("base_url must be an absolute http or https address") from None
    if not absolute:
        raise ConfigurationError(
            "base_url must be an absolute http or https address, such as https://www.nexportcampus.com"
        )
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("base_url must not carry a user name, a query or a fragment")
    return url


def proxy_at(address: object) -> httpx.Proxy:
    """The proxy at an address. Raises ConfigurationError, which doesn't repeat it: it may hold a password."""
    try:
        return address if isinstance(address, httpx.Proxy) else httpx.Proxy(address)  # type: ignore[arg-type]
    except (ValueError, TypeError, httpx.InvalidURL):
        raise ConfigurationError(
            "the proxy's address can't be used: it must be like http://host:port"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@attrs.frozen(kw_only=True)
class Settings:
    """All settings of a client; see `NexportCampus` for what they mean. Raises ConfigurationError.

    `tracer`: OpenTelemetry's, where `nexport_campus.otel` has given a view one; None is the application's own.
    """

    base_url: httpx.URL = attrs.field(default=httpx.URL(DEFAULT_BASE_URL), converter=_url)
    timeout: float | httpx.Timeout | None = attrs.field(default=30.0, validator=_timeout)
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    max_concurrency: int = attrs.field(default=16, validator=_whole)
    rate_limit: float | None = attrs.field(default=None, validator=_positive)
    transport: httpx.AsyncBaseTransport | None = None
    verify: ssl.SSLContext | str | bool = True
    proxy: httpx.Proxy | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(proxy_at)
    )
    user_agent: str | None = None
    max_response_bytes: int = attrs.field(default=MAX_RESPONSE_BYTES, validator=_whole)
    allow_insecure_http: bool = False
    on_drift: Callable[[Drift], object] | None = None
    tracer: "Tracer | None" = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.retry, RetryPolicy):
            raise ConfigurationError(f"retry must be a RetryPolicy, got {type(self.retry).__name__}")
        if self.transport is not None and not isinstance(self.transport, httpx.AsyncBaseTransport):
            raise ConfigurationError("transport must be an httpx.AsyncBaseTransport")
        if self.transport is not None and self.proxy is not None:
            raise ConfigurationError(
                "proxy has no effect beside transport: give the proxy to the transport itself"
            )
        if self.on_drift is not None and not callable(self.on_drift):
            raise ConfigurationError("on_drift must be a function that takes a Drift")
        agent = self.user_agent
        if agent is not None and not (isinstance(agent, str) and agent.isascii() and agent.isprintable()):
            raise ConfigurationError("user_agent must be printable ASCII")
        if not isinstance(self.verify, ssl.SSLContext | str | bool):
            raise ConfigurationError(
                "verify must be True, False, an ssl.SSLContext or the path of certificates"
            )
        if not isinstance(self.allow_insecure_http, bool):
            raise ConfigurationError("allow_insecure_http must be True or False")
        self._refuse_plain_http()

    def _refuse_plain_http(self) -> None:
        if self.base_url.scheme == "http" and not (
            self.allow_insecure_http or is_loopback(self.base_url.host)
        ):
            raise ConfigurationError(
                f"{self.base_url.host} would get token and password over plain http: use https, "
                "or allow_insecure_http=True if the way there is safe"
            )


def auth_from_env(environ: Mapping[str, str]) -> Auth:
    """NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN. Raises ConfigurationError."""
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
