"""The route to the campus: untrusted certificates, and proxies that are down, refuse or forward."""

import asyncio
import hashlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509

from nexport_campus import (
    APIError,
    ConfigurationError,
    RequestTimeoutError,
    RetryPolicy,
    TransportError,
)
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.proxy import Proxy
from tests.support.scripted_server import Response, ScriptedServer, html_response

pytestmark = pytest.mark.usefixtures("every_transport")
EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
NEEDS_LOGIN = Response(status=407, headers=(("Proxy-Authenticate", 'Basic realm="proxy"'),), ending="close")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all proxies from the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def closed_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def never_sent(call: Call, server: ScriptedServer, match: str, **settings: Any) -> TransportError:
    """Return the error of a call that never reaches the campus, in any attempt, so that its outcome is known."""
    async with campus_on(ManualClock(), server, retry=RetryPolicy(), **settings) as campus:
        with pytest.raises(TransportError, match=match) as caught:
            await call(campus)
    error = caught.value
    assert (error.operation_id, error.attempts, error.maybe_applied) == (call.operation_id, 4, False)
    assert "\n" not in str(error)
    assert server.requests == []
    return error


@EVERY_CALL
async def test_an_untrusted_certificate(call: Call) -> None:
    """Nothing is sent to a server that can't prove to be the campus."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with ScriptedServer([], tls=context) as server:
        await never_sent(call, server, "certificate verify failed")


@EVERY_CALL
async def test_a_certificate_of_another_host(call: Call, authority: trustme.CA, tls: Contexts) -> None:
    """Nothing is sent to another host either, even with a trusted certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("campus.example").configure_cert(context)
    async with ScriptedServer([], tls=context) as server:
        await never_sent(call, server, "certificate", verify=tls[1])


@EVERY_CALL
async def test_a_server_without_tls(call: Call) -> None:
    """If the server speaks plain http instead of https, it waits for a request, the client for the handshake."""
    async with ScriptedServer([]) as server:
        url = server.url.replace("http://", "https://")
        error = await never_sent(call, server, "timed out connecting to", base_url=url, timeout=0.05)
        assert type(error) is RequestTimeoutError


@EVERY_CALL
async def test_a_server_with_unexpected_tls(call: Call, tls: Contexts) -> None:
    """It ends the connection; whether it understood the request can't be known."""
    async with ScriptedServer([], tls=tls[0]) as server:
        url = server.url.replace("https://", "http://")
        async with campus_on(ManualClock(), server, base_url=url) as campus:
            with pytest.raises(TransportError) as caught:
                await call(campus)
        assert caught.value.maybe_applied is call.writes


@EVERY_CALL
async def test_certificates_from_a_file(
    call: Call, authority: trustme.CA, tls: Contexts, tmp_path: Path
) -> None:
    """`verify` accepts the path of a bundle, a context, or False."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    for verify in (str(bundle), tls[1], False):
        async with (
            ScriptedServer([good_response(call)] * 2, tls=tls[0]) as server,
            campus_on(ManualClock(), server, verify=verify) as campus,
        ):
            await call(campus)
            await call(campus)
            assert server.connections == 1


def hashed_directory(authority: trustme.CA, directory: Path) -> Path:
    """Write an authority's certificate into a directory, named by OpenSSL's hash of its subject, and return that."""
    pem = authority.cert_pem.bytes()
    attributes = [
        x509.NameAttribute(each.oid, " ".join(str(each.value).lower().split()))
        for each in x509.load_pem_x509_certificate(pem).subject
    ]
    # OpenSSL hashes the subject without its outer header, of two bytes for so short a name.
    digest = hashlib.sha1(x509.Name(attributes).public_bytes()[2:], usedforsecurity=False).digest()
    (directory / f"{int.from_bytes(digest[:4], 'little'):08x}.0").write_bytes(pem)
    return directory


@EVERY_CALL
async def test_certificates_from_a_directory(
    call: Call, authority: trustme.CA, tls: Contexts, tmp_path: Path
) -> None:
    """`verify` accepts a directory of certificates, and trusts no other authority then."""
    async with ScriptedServer([good_response(call)], tls=tls[0]) as server:
        trusting = hashed_directory(authority, tmp_path)
        async with campus_on(ManualClock(), server, verify=trusting) as campus:
            await call(campus)
    other = tmp_path / "other"
    other.mkdir()
    async with ScriptedServer([], tls=tls[0]) as server:
        await never_sent(call, server, "certificate", verify=hashed_directory(trustme.CA(), other))


@pytest.mark.parametrize("form", ["file", "directory"])
async def test_own_certificates_replace_those_of_the_system(
    form: str, authority: trustme.CA, tls: Contexts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a path as `verify`, a server is refused that the system's authorities vouch for."""
    system, own = tmp_path / "system.pem", trustme.CA()
    authority.cert_pem.write_to_path(str(system))
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    pinned = hashed_directory(own, tmp_path)
    async with (
        ScriptedServer([good_response(CALLS[0])], tls=tls[0]) as server,
        campus_on(ManualClock(), server) as campus,
    ):
        await CALLS[0](campus)
    if form == "file":
        (pinned,) = pinned.glob("*.0")
    async with ScriptedServer([], tls=tls[0]) as server:
        await never_sent(CALLS[0], server, "certificate verify failed", verify=pinned)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_from_the_environment(
    variable: str, authority: trustme.CA, tls: Contexts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default, the certificates that the environment names are trusted, also if it changed since another client."""
    call = CALLS[0]
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    async with ScriptedServer([], tls=tls[0]) as server:
        await never_sent(call, server, "certificate")
    directory = hashed_directory(authority, tmp_path)
    (bundle,) = directory.iterdir()
    monkeypatch.setenv(variable, str(bundle if variable == "SSL_CERT_FILE" else directory))
    async with (
        ScriptedServer([good_response(call)], tls=tls[0]) as server,
        campus_on(ManualClock(), server) as campus,
    ):
        await call(campus)


async def test_unreadable_certificates(tmp_path: Path) -> None:
    """A missing or invalid file is found before any request."""
    other = tmp_path / "other.pem"
    other.write_text("nothing of the kind")
    async with ScriptedServer([]) as server:
        for path in (str(tmp_path / "missing.pem"), str(other)):
            url = "https://127.0.0.1:9"
            with pytest.raises(ConfigurationError, match=r"\.pem"):
                async with campus_on(ManualClock(), server, base_url=url, verify=path) as campus:
                    await CALLS[0](campus)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "exa..mple", "-.example"])
async def test_an_invalid_host_name(host: str) -> None:
    """A name that no resolver accepts is a TransportError, not the resolver's exception."""
    async with ScriptedServer([]) as server:
        url = f"https://{host}"
        try:
            campus = campus_on(ManualClock(), server, base_url=url)
        except ConfigurationError:
            return
        async with campus:
            with pytest.raises(TransportError) as caught:
                await CALLS[2](campus)
        assert not caught.value.maybe_applied


@EVERY_CALL
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_forwards(call: Call, scheme: str, tls: Contexts) -> None:
    """Http is forwarded, https goes through a tunnel; one connection serves both calls."""
    responses = [good_response(call)] * 2
    async with (
        ScriptedServer(responses, tls=tls[0] if scheme == "https" else None) as server,
        Proxy() as proxy,
        campus_on(ManualClock(), server, proxy=proxy.url, verify=tls[1]) as campus,
    ):
        await call(campus)
        await call(campus)
        assert (server.connections, len(proxy.request_lines)) == (1, 1)
        assert proxy.request_lines[0].startswith(
            "CONNECT " if scheme == "https" else f"{call.method} http://"
        )


@pytest.mark.sampled(8)
@EVERY_CALL
@pytest.mark.parametrize(
    "refusal", [NEEDS_LOGIN, html_response(403, ending="close"), html_response(502, ending="close")]
)
async def test_a_tunnel_that_is_refused(call: Call, refusal: Response, tls: Contexts) -> None:
    """Nothing was sent to the campus."""
    async with ScriptedServer([], tls=tls[0]) as server, Proxy(refusal) as proxy:
        error = await never_sent(call, server, str(refusal.status), proxy=proxy.url, verify=tls[1])
        assert "proxy" in str(error)
        assert len(proxy.request_lines) == 4


@EVERY_CALL
async def test_a_proxy_that_drops_the_tunnel(call: Call, tls: Contexts) -> None:
    """It was only requested to open a tunnel: nothing was sent to the campus."""
    async with ScriptedServer([], tls=tls[0]) as server, Proxy(drops=True) as proxy:
        await never_sent(call, server, "127.0.0.1", proxy=proxy.url, verify=tls[1])


@EVERY_CALL
async def test_a_proxy_that_drops_a_request(call: Call) -> None:
    """A forwarded request may have reached the campus."""
    async with ScriptedServer([]) as server, Proxy(drops=True) as proxy:
        async with campus_on(ManualClock(), server, proxy=proxy.url) as campus:
            with pytest.raises(TransportError) as caught:
                await call(campus)
        assert caught.value.maybe_applied is call.writes


@EVERY_CALL
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_down(call: Call, scheme: str, tls: Contexts) -> None:
    """Nothing was sent."""
    async with ScriptedServer([], tls=tls[0] if scheme == "https" else None) as server:
        proxy = f"http://127.0.0.1:{closed_port()}"
        await never_sent(call, server, "can't connect", proxy=proxy, verify=tls[1])


@EVERY_CALL
async def test_a_proxy_that_requires_a_login(call: Call) -> None:
    """A forwarding proxy sends its own response, whose status is the error's."""
    async with ScriptedServer([]) as server, Proxy(NEEDS_LOGIN) as proxy:
        async with campus_on(ManualClock(), server, proxy=proxy.url, retry=RetryPolicy()) as campus:
            with pytest.raises(APIError, match="407") as caught:
                await call(campus)
        assert (caught.value.attempts, caught.value.maybe_applied) == (1, False)


async def test_a_tunnel_that_hangs(tls: Contexts) -> None:
    """If a proxy doesn't respond, the call times out, and nothing was sent."""
    hangs = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hangs.set()
        writer.close()

    proxy = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with proxy, ScriptedServer([], tls=tls[0]) as server:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with campus_on(ManualClock(), server, proxy=url, verify=tls[1], timeout=0.2) as campus:
            with pytest.raises(TransportError, match="connecting to") as caught:
                await CALLS[3](campus)
            await asyncio.wait_for(hangs.wait(), 5)
    assert not caught.value.maybe_applied
