"""Sends one plain request to the campus, as every call is sent, to learn about TLS and the server's clock."""

import asyncio
import ssl
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import attrs
import httpx

from nexport_campus._attempt import Wire
from nexport_campus._errors import NexportError
from nexport_campus._settings import Settings
from nexport_campus._transport import Lanes

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
    """Request the campus's front page, without a token and without reading it, within a number of seconds."""
    sent = datetime.now(UTC)
    try:
        async with asyncio.timeout(seconds), aclosing(Lanes(settings)) as lanes:
            # The wire tells the lane of its socket, so that it is closed even where a handshake is cut short.
            wire = Wire()
            wire.lane = lanes.take()
            request = httpx.Request("GET", settings.base_url, extensions={"trace": wire})
            response = await wire.lane.transport.handle_async_request(request)
            received = datetime.now(UTC)
            connection = _tls(response)
            await response.aclose()
    except (OSError, httpx.HTTPError, NexportError, ValueError) as error:
        return Probe(sent, datetime.now(UTC), error=error)
    date = _date(response.headers.get("date"))
    if connection is None:
        return Probe(sent, received, date)
    return Probe(sent, received, date, connection.version(), connection.getpeercert())


def _tls(response: httpx.Response) -> ssl.SSLObject | None:
    stream = response.extensions.get("network_stream")
    return None if stream is None else stream.get_extra_info("ssl_object")


def _date(header: str | None) -> datetime | None:
    """Return a `Date` header in UTC, or None if it is missing or isn't a date."""
    try:
        date = parsedate_to_datetime(header or "")
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
