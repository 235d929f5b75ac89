"""Certificates of an authority that only these tests trust."""

import ssl

import pytest
import trustme

from tests.support.clients import Carrier


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return the authority."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the context of a server on this machine, and that of a client that trusts it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=["default", "aiohttp", "aiohttp, observed"])
def every_transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test once with each transport, which `campus_of` uses."""
    monkeypatch.setattr(Carrier, "name", request.param)
