"""A response of aiohttp whose body is read in parts."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import httpx

from .wire_request import FAILURES, translate_error

__all__ = ["WireResponse"]


class WireResponse(httpx.AsyncByteStream):
    """A response with its body unread. A connection whose body was read completely is reused."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status_code = response.status
        # Older versions of aiohttp leave the space after a value.
        self.headers = httpx.Headers([(name, value.rstrip(b" \t")) for name, value in response.raw_headers])
        self._response = response
        _end_with_connection(response)

    @property
    def stream(self) -> "WireResponse":
        """The body. A property, because an attribute would be a cycle, which only the garbage collector frees."""
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        failure = None
        try:
            async for part in self._response.content.iter_any():
                yield part
        except FAILURES as error:
            failure = translate_error(error)
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        """Release the connection, or close it if the body wasn't read completely."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """Fail the body if the connection ends before it does.

    After an unparsable chunk, aiohttp closes the connection but leaves the reader of the body waiting.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:
        return

    def end(closed: "asyncio.Future[None] | None") -> None:
        if closed is not None:
            closed.exception()  # or asyncio logs that it was never retrieved
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection has ended"))

    closed = connection.protocol.closed
    if closed is None:
        end(None)
    else:
        closed.add_done_callback(end)
