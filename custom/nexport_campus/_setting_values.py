"""Validation and normalization of single settings. An invalid value raises a ConfigurationError with the reason.

No message repeats an address, because it may hold a password.
"""

import importlib.util
import ipaddress
import math
import re
from typing import Any, NoReturn

import httpx

from ._errors import ConfigurationError
from ._inputs import describe, is_async, takes_one_argument, to_number, to_whole

__all__ = [
    "check_base_url",
    "check_callback",
    "check_positive",
    "check_proxy",
    "check_seconds",
    "check_timeout",
    "check_user_agent",
    "check_whole",
]

_NEVER_IN_AN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f\\]")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_LONGEST_HOST = 253


def check_whole(name: str, value: object) -> int:
    """Return an integer of at least 1."""
    number = to_whole(value)
    if number is None or number < 1:
        _refuse(f"{name} must be a whole number from 1, got {describe(value)}")
    return number


def check_positive(name: str, value: object, of: str) -> float:
    """Return a finite number greater than 0; `of` is its unit."""
    number = _check_finite(name, value, of)
    if number <= 0:
        _refuse(f"{name} must be greater than 0, got {describe(value)}")
    return number


def check_seconds(name: str, value: object) -> float:
    """Return a finite number of seconds, at least 0."""
    number = _check_finite(name, value, "seconds")
    if number < 0:
        _refuse(f"{name} must not be negative, got {describe(value)}")
    return number


def _check_finite(name: str, value: object, of: str) -> float:
    number = to_number(value)
    if number is None:
        _refuse(f"{name} must be a number of {of}, got {describe(value)}")
    if not math.isfinite(number) or not math.isfinite(float(number)):
        _refuse(f"{name} must be a finite number of {of}, got {describe(value)}")
    return float(number)


def check_timeout(value: object) -> float | httpx.Timeout | None:
    """Return the timeout of one attempt, in seconds, by phases, or None for none."""
    if value is None:
        return None
    if not isinstance(value, httpx.Timeout):
        return check_positive("timeout", value, "seconds")
    for phase, limit in value.as_dict().items():
        if phase == "pool" and limit is not None:
            check_seconds("timeout: pool", limit)
        elif limit is not None:
            check_positive(f"timeout: {phase}", limit, "seconds")
    return value


def check_base_url(value: object) -> httpx.URL:
    """Return the address of a campus without a trailing slash."""
    text = str(value)
    if not isinstance(value, str | httpx.URL) and not text.startswith(("http://", "https://")):
        _refuse(f"base_url must be a string or an httpx.URL, got {describe(value)}")
    url = _parse_url("base_url", text.rstrip("/"))
    if url.scheme not in {"http", "https"}:
        _refuse("base_url must begin with https://, as in https://www.nexportcampus.com")
    if url.userinfo or "?" in text or "#" in text:
        _refuse("base_url must not contain a user name, a query or a fragment")
    _check_place("base_url", url)
    return url


def check_proxy(address: object) -> httpx.Proxy:
    """Return the proxy at an address. Raises ConfigurationError."""
    try:
        proxy = address if isinstance(address, httpx.Proxy) else httpx.Proxy(address)  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError, httpx.InvalidURL):
        raise ConfigurationError(
            "the proxy's address is not valid: it must be like http://host:port"
        ) from None
    _check_place("the proxy's address", proxy.url)
    if proxy.url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        _refuse('a SOCKS proxy needs: pip install "httpx[socks]"')
    return proxy


def _parse_url(name: str, text: str) -> httpx.URL:
    if _NEVER_IN_AN_ADDRESS.search(text):
        _refuse(f"{name} must not contain spaces, control characters or backslashes")
    try:
        url = httpx.URL(text)
        url.host  # noqa: B018 -- decoding the host finds invalid international names
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise ConfigurationError(
            f"{name} is not a valid address: it must be like https://www.nexportcampus.com"
        ) from None
    return url


def _check_place(name: str, url: httpx.URL) -> None:
    """Raise for a host or a port that can't be connected to."""
    host = url.raw_host.decode("ascii")
    if not host:
        _refuse(f"{name} has no host: it must be like https://www.nexportcampus.com")
    if not _is_host(host):
        _refuse(f"{name} has an invalid host name: check its letters and dots")
    if url.port is not None and not 1 <= url.port <= 65_535:
        _refuse(f"{name} has port {url.port}: a port is a number from 1 to 65535")


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def check_user_agent(value: object) -> str | None:
    """Return the `User-Agent` header; None identifies the SDK."""
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse(f"user_agent must be a string, got {describe(value)}")
    text = str.__str__(value)
    if not (text.isascii() and text.isprintable() and text == text.strip() and text):
        _refuse("user_agent must be printable ASCII, not empty, and without spaces around it")
    return text


def check_callback(name: str, function: object, argument: str) -> Any:
    """Return a function that is called with one argument, or None."""
    if function is None:
        return None
    if not callable(function):
        _refuse(f"{name} must be a function that takes {argument}, got {describe(function)}")
    if is_async(function):
        _refuse(
            f"{name} is async, but is called without await: pass a plain function, "
            "which can call asyncio.create_task"
        )
    if not takes_one_argument(function):
        _refuse(f"{name} must be a function that can be called with one argument, {argument}")
    return function


def _refuse(reason: str) -> NoReturn:
    raise ConfigurationError(reason)
