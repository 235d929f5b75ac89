"""A plain request to the campus over the SDK's connections, which shows the TLS session and the server's clock."""

import asyncio
import ssl
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import attrs
import httpx

from nexport_campus._clock import parse_utc_date
from nexport_campus._errors import NexportError
from nexport_campus._http.body import UnreadResponse
from nexport_campus._http.connections import ConnectionStack
from nexport_campus._http.outgoing_request import OutgoingRequest, SendTracker
from nexport_campus._settings import Settings

__all__ = ["Probe", "probe"]


@attrs.frozen
class Probe:
    """The result of a probe.

    `date`: the server's clock; `sent` and `received`: this machine's, before and after. `certificate`, `protocol`: of the
    TLS connection, if there is one. `error`: why there was no response, or None.
    """

    sent: datetime
    received: datetime
    date: datetime | None = None
    protocol: str | None = None
    certificate: dict[str, Any] | None = None
    error: Exception | None = None


async def probe(settings: Settings, seconds: float) -> Probe:
    """Request the campus's front page without a token or reading the body, within a number of seconds."""
    sent = datetime.now(UTC)
    try:
        async with asyncio.timeout(seconds), aclosing(ConnectionStack(settings)) as connections:
            connection = connections.take()
            try:
                request = OutgoingRequest("GET", settings.base_url, timeout=seconds)
                response = await connection.send(request, SendTracker())
                received = datetime.now(UTC)
                tls = _find_tls(response)
                await response.aclose()
            finally:
                connections.drop(connection)
    except (OSError, httpx.HTTPError, NexportError, ValueError) as error:
        return Probe(sent, datetime.now(UTC), error=error)
    date = parse_utc_date(response.headers.get("date"))
    if tls is None:
        return Probe(sent, received, date)
    return Probe(sent, received, date, tls.version(), tls.getpeercert())


def _find_tls(response: UnreadResponse) -> ssl.SSLObject | None:
    stream = response.extensions.get("network_stream") if isinstance(response, httpx.Response) else None
    return None if stream is None else stream.get_extra_info("ssl_object")
