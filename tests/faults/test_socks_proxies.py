"""SOCKS proxies, which the default transport supports if httpx' `socks` extra is installed."""

import ssl

import pytest

from nexport_campus import TransportError
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import TOKEN, ScriptedServer
from tests.support.socks import SocksProxy

EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.mark.sampled(12)
@EVERY_CALL
@pytest.mark.parametrize("login", ["", "name:word@"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("tunnelled", ["http", "https"])
async def test_a_socks_proxy(call: Call, login: str, scheme: str, tunnelled: str, tls: Contexts) -> None:
    """It connects to the campus by name or address, and one connection serves both calls."""
    responses = [good_response(call)] * 2
    async with (
        ScriptedServer(responses, tls=tls[0] if tunnelled == "https" else None) as server,
        SocksProxy() as proxy,
        campus_on(
            ManualClock(),
            server,
            proxy=f"{scheme}://{login}{proxy.address}",
            verify=tls[1],
            base_url=server.url.replace("127.0.0.1", "localhost"),
        ) as campus,
    ):
        await call(campus)
        await call(campus)
        assert (server.connections, proxy.hosts) == (1, ["localhost"])
        assert proxy.credentials == ([(b"name", b"word")] if login else [])
        assert [request.query[-1] for request in server.requests] == [("access_token", TOKEN)] * 2


@EVERY_CALL
async def test_a_server_that_is_not_a_socks_proxy(call: Call) -> None:
    """If the server speaks HTTP instead of SOCKS, nothing of the request was sent to it."""
    async with (
        ScriptedServer([]) as server,
        campus_on(ManualClock(), server, proxy=server.url.replace("http", "socks5"), timeout=0.2) as campus,
    ):
        with pytest.raises(TransportError) as caught:
            await call(campus)
        assert server.requests == []
    assert not caught.value.maybe_applied
