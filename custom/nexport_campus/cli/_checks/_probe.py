"""One plain request to the campus, on the same way as every call: what it tells of TLS and of the server's clock."""

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
    """What came of it.

    `date`: what the server's clock said, and `asked` and `answered` what ours did before and after. `certificate` and
    `protocol`: of the TLS connection, where there is one. `error`: why nothing came.
    """

    asked: datetime
    answered: datetime
    date: datetime | None = None
    protocol: str | None = None
    certificate: dict[str, Any] | None = None
    error: Exception | None = None


async def probe(settings: Settings, seconds: float) -> Probe:
    """Ask for the campus's front page, without token and without reading it, within so many seconds."""
    asked = datetime.now(UTC)
    try:
        async with asyncio.timeout(seconds), aclosing(Lanes(settings)) as lanes:
            # The wire tells the lane of its socket, so that it is closed even where a handshake is cut short.
            wire = Wire()
            wire.lane = lanes.take()
            request = httpx.Request("GET", settings.base_url, extensions={"trace": wire})
            response = await wire.lane.transport.handle_async_request(request)
            answered = datetime.now(UTC)
            connection = _tls(response)
            await response.aclose()
    except (OSError, httpx.HTTPError, NexportError, ValueError) as error:
        return Probe(asked, datetime.now(UTC), error=error)
    date = _date(response.headers.get("date"))
    if connection is None:
        return Probe(asked, answered, date)
    return Probe(asked, answered, date, connection.version(), connection.getpeercert())


def _tls(response: httpx.Response) -> ssl.SSLObject | None:
    stream = response.extensions.get("network_stream")
    return None if stream is None else stream.get_extra_info("ssl_object")


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
