"""The choice of a proxy: the configured one, or the one from the environment."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import httpx

from nexport_campus._setting_values import check_proxy
from nexport_campus._settings import Settings, is_loopback

__all__ = ["choose_proxy", "find_environment_proxy"]

_PORTS = {"http": 80, "https": 443}


def choose_proxy(settings: Settings) -> httpx.Proxy | None:
    """Return the proxy for a client's requests, or None for a direct connection.

    A proxy in the settings is used for every host; one from the environment only where `find_environment_proxy` says so.

    Raises:
        ConfigurationError: The environment specifies a proxy with an invalid address.
    """
    return settings.proxy or find_environment_proxy(settings.base_url)


def find_environment_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment specifies for a URL, or None for a direct connection.

    Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, and the system's settings on macOS and Windows.
    Loopback addresses never use a proxy: one on another machine can't reach them, and would see the request in clear.

    Raises:
        ConfigurationError: The environment specifies a proxy with an invalid address.
    """
    if is_loopback(url.host):
        return None
    found = getproxies()
    address = found.get(url.scheme) or found.get("all")
    if not address or _is_exempt(url, found.get("no", "")):
        return None
    return check_proxy(address if "://" in address else f"http://{address}")


def _is_exempt(url: httpx.URL, no_proxy: str) -> bool:
    """Return whether `no_proxy` covers the URL's host; without proxy variables, whether the system's exceptions do.

    urllib's own parsing of `no_proxy` supports neither IPv6 addresses nor networks.
    """
    if not getproxies_environment():
        return bool(proxy_bypass(url.netloc.decode("ascii")))
    return any(_matches(rule, url) for rule in re.split(r"[\s,]+", no_proxy) if rule)


def _matches(rule: str, url: httpx.URL) -> bool:
    """Return whether a `no_proxy` rule matches a URL: `*`, a domain, an address or a network, with optional port."""
    if rule == "*":
        return True
    name, port = _split_port(rule)
    if port and port != str(url.port or _PORTS[url.scheme]):
        return False
    address = _parse_address(url.host)
    if address is None:
        domain = name.lower().removeprefix("*").strip(".")
        hosts = (url.host.lower().rstrip("."), url.raw_host.decode("ascii").lower().rstrip("."))
        return any(f".{host}".endswith(f".{domain}") for host in hosts if domain)
    try:
        return address in ip_network(name, strict=False)
    except ValueError:
        return False


def _split_port(rule: str) -> tuple[str, str]:
    """Split a rule into its host and its port, "" for none; an IPv6 address may be in brackets."""
    if rule.startswith("["):
        address, _, rest = rule[1:].partition("]")
        return (address, rest[1:]) if rest.startswith(":") else (address + rest, "")
    if rule.count(":") > 1:
        return rule, ""
    name, _, port = rule.partition(":")
    return name, port


def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return a host as an IP address, or None for a name. IPv4-mapped IPv6 addresses become IPv4."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
