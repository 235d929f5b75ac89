"""Check of DNS and TCP to the campus, or to the proxy in front of it."""

import asyncio
import os
import socket
import time
from contextlib import suppress

from nexport_campus._errors import ConfigurationError, RequestTimeoutError, TransportError
from nexport_campus._http.proxies import choose_proxy
from nexport_campus._settings import Settings

from .findings import Finding, failed, ok

__all__ = ["check_reachability"]

_CHECK = "reachability"
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


async def check_reachability(settings: Settings, seconds: float) -> Finding:
    """Resolve the campus's host and connect to its port, within a number of seconds."""
    try:
        proxy = choose_proxy(settings)
    except ConfigurationError as error:
        return failed(
            _CHECK, str(error), "Correct https_proxy, http_proxy or all_proxy, or unset them.", error
        )
    url = settings.base_url if proxy is None else proxy.url
    host, port = url.host, url.port or _PORTS[url.scheme]
    what = f"{host}:{port}" if proxy is None else f"the proxy {host}:{port}"
    try:
        async with asyncio.timeout(seconds):
            return await _connect(host, port, what)
    except TimeoutError:
        late = RequestTimeoutError(f"no response from {what} within {seconds:g} s")
        return failed(_CHECK, late.message, "A firewall may drop the packets; or raise --timeout.", late)


async def _connect(host: str, port: int, what: str) -> Finding:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return _report_unreachable(
            f"{host} can't be resolved ({_describe(error)})", "Check the name, and this machine's DNS."
        )
    started = time.perf_counter()
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return _report_unreachable(
            f"{what} refuses connections ({_describe(error)})",
            "Check the port, and whether the server is running.",
        )
    milliseconds = (time.perf_counter() - started) * 1000
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    address = found[0][4][0]
    at = "" if address == host else f" (at {address})"
    return ok(_CHECK, f"{what}{at} accepts connections: {milliseconds:.0f} ms")


def _report_unreachable(message: str, advice: str) -> Finding:
    return failed(_CHECK, message, advice, TransportError(message))


def _describe(error: Exception) -> str:
    """Return the system's words for an error; asyncio's own repeat the address."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)
