"""Proxies from the environment: which requests they get, and that loopback is never among them."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ConfigurationError, NexportCampus, PasswordAuth, TransportError
from nexport_campus._http.proxies import find_environment_proxy
from tests.support.clients import campus_of
from tests.support.fault_cases import CALLS, good_response
from tests.support.proxy import Proxy
from tests.support.scripted_server import Request, Response, ScriptedServer, json_response, with_login

EVERY_TRANSPORT = pytest.mark.usefixtures("every_transport")
GOOD = good_response(CALLS[0])
ELSEWHERE = {"base_url": "http://campus.example", "allow_insecure_http": True}


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all proxies from the environment; a test may set its own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def of_example(server: ScriptedServer, **settings: Any) -> NexportCampus:
    """Return a client of a server named campus.example, a name that only the proxy can resolve."""
    url = server.url.replace("127.0.0.1", "campus.example")
    return campus_of(server, **ELSEWHERE | {"base_url": url} | settings)


@EVERY_TRANSPORT
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_a_proxy_from_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used for other machines, with the credentials in its URL."""
    async with ScriptedServer([GOOD]) as server, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//name:word@"))
        async with of_example(server) as campus:
            await CALLS[0](campus)
        assert len(proxy.request_lines) == len(proxy.credentials) == 1


@EVERY_TRANSPORT
async def test_a_proxy_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value such as `proxy:3128` means an http proxy."""
    async with ScriptedServer([GOOD]) as server, Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
        async with of_example(server) as campus:
            await CALLS[0](campus)
        assert len(proxy.request_lines) == 1


@EVERY_TRANSPORT
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
async def test_loopback_is_reached_directly(
    host: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password for this machine stays on it: no proxy from the environment gets a request to loopback."""

    async def respond(request: Request) -> Response:
        return GOOD

    async with ScriptedServer(with_login(respond)) as server, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        url = server.url.replace("127.0.0.1", host)
        async with campus_of(server, auth=PasswordAuth("user", "secret"), base_url=url) as campus:
            await CALLS[0](campus)
        assert proxy.request_lines == []


@EVERY_TRANSPORT
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_explicit_proxy_is_used_for_loopback_too(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`proxy` takes precedence over the environment, `no_proxy` and the rule for loopback."""
    async with ScriptedServer([GOOD]) as server, Proxy() as proxy:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "*")
        url = server.url.replace("127.0.0.1", host)
        async with campus_of(server, proxy=proxy.url, base_url=url) as campus:
            await CALLS[0](campus)
        assert len(proxy.request_lines) == 1


EXEMPT = [
    ("*", "campus.example"),
    ("campus.example", "campus.example"),
    ("example", "campus.example"),
    (".example", "campus.example"),
    ("*.example", "campus.example"),
    (".campus.example", "campus.example"),
    ("CAMPUS.Example", "campus.example"),
    ("campus.example", "Campus.EXAMPLE"),
    ("campus.example.", "campus.example"),
    ("campus.example", "campus.example."),
    ("campus.example:443", "campus.example"),
    ("campus.example:8443", "campus.example:8443"),
    ("other.example, campus.example", "campus.example"),
    ("other.example campus.example", "campus.example"),
    ("other.example,,campus.example,", "campus.example"),
    ("bücher.example", "bücher.example"),
    ("xn--bcher-kva.example", "bücher.example"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("192.0.2.7", "192.0.2.7"),
    ("192.0.2.7:443", "192.0.2.7"),
    ("192.0.2.0/24", "192.0.2.7"),
    ("192.0.2.9/24", "192.0.2.7"),
    ("192.0.2.0/24:443", "192.0.2.7"),
    ("0.0.0.0/0", "192.0.2.7"),
    ("2001:db8::1", "[2001:db8::1]"),
    ("2001:DB8:0:0:0:0:0:1", "[2001:db8::1]"),
    ("[2001:db8::1]", "[2001:db8::1]"),
    ("[2001:db8::1]:443", "[2001:db8::1]"),
    ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ("2001:db8::/32", "[2001:db8::1]"),
    ("[2001:db8::]/32", "[2001:db8::1]"),
    ("[2001:db8::/32]", "[2001:db8::1]"),
    ("192.0.2.0/24", "[::ffff:192.0.2.7]"),
]
PROXIED = [
    ("", "campus.example"),
    ("campus", "campus.example"),
    ("ampus.example", "campus.example"),
    ("campus.example", "example"),
    ("campus.example", "campus.example.org"),
    ("campus.example:8443", "campus.example"),
    ("campus.example:443", "campus.example:8443"),
    ("campus.example:https", "campus.example"),
    (".", "campus.example"),
    (":443", "campus.example"),
    ("192.0.2.7", "192.0.2.70"),
    ("192.0.2.7", "1.192.0.2"),
    ("2.7", "192.0.2.7"),
    ("192.0.2.0/24", "192.0.3.7"),
    ("192.0.2.0/99", "192.0.2.7"),
    ("192.0.2.0/24", "campus.example"),
    ("0.0.0.0/0", "[2001:db8::1]"),
    ("::/0", "192.0.2.7"),
    ("2001:db8::1", "[2001:db8::2]"),
    ("[2001:db8::1]:8443", "[2001:db8::1]"),
    ("2001:db8::/32", "[2001:db9::1]"),
    ("[2001:db8::1", "[2001:db8::2]"),
]


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize(
    ("rules", "host", "exempt"),
    [(rules, host, True) for rules, host in EXEMPT] + [(rules, host, False) for rules, host in PROXIED],
)
def test_no_proxy(
    rules: str, host: str, exempt: bool, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`no_proxy` accepts domains, addresses, and IPv4 and IPv6 networks, each with or without a port, and `*`."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv(variable, rules)
    assert (find_environment_proxy(httpx.URL(f"https://{host}")) is None) is exempt


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.0.1:8010",
        "localhost",
        "LocalHost:80",
        "localhost.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]:80",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_addresses(scheme: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.0/8, ::1 and localhost are reached directly, whatever the environment has."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert find_environment_proxy(httpx.URL(f"{scheme}://{host}")) is None


@pytest.mark.parametrize("host", ["campus-localhost", "localhost.example", "localhost2", "127.0.0.1.example"])
def test_addresses_like_loopback(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that only contains a loopback address is another machine, which is reached through the proxy."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert find_environment_proxy(httpx.URL(f"http://{host}")) is not None


@given(
    rules=st.text(alphabet="[]:/.,*% 0123456789abcfx-ü", max_size=40),
    host=st.sampled_from(["campus.example", "192.0.2.7", "[2001:db8::1]"]),
)
def test_any_rule_is_accepted(rules: str, host: str) -> None:
    """Whatever `no_proxy` holds, a proxy is found or not, and nothing is raised."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("https_proxy", "http://proxy.example:3128")
        patch.setenv("no_proxy", rules)
        found = find_environment_proxy(httpx.URL(f"https://{host}"))
    assert found is None or found.url.host == "proxy.example"


@EVERY_TRANSPORT
@pytest.mark.parametrize("address", ["gopher://127.0.0.1:1", "http://", "http://127.0.0.1:port", "::"])
async def test_an_invalid_proxy_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid URL raises ConfigurationError, wherever it comes from, and the message doesn't show the URL."""
    async with ScriptedServer([]) as server:
        monkeypatch.setenv("http_proxy", address)
        async with campus_of(server, **ELSEWHERE) as campus:
            with pytest.raises((ConfigurationError, TransportError)) as caught:
                await CALLS[0](campus)
    assert address not in str(caught.value)


@EVERY_TRANSPORT
async def test_a_network_in_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that a rule exempts bypasses the proxy: it has no address here, so nothing is sent at all."""
    async with ScriptedServer([json_response({})]) as server, Proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "example")
        async with of_example(server) as campus:
            with pytest.raises(TransportError, match="can't connect"):
                await CALLS[0](campus)
        assert (proxy.request_lines, server.requests) == ([], [])
