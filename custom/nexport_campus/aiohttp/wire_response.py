"""A response of aiohttp whose body is read in parts."""

from collections.abc import Iterable
from typing import Protocol

import aiohttp
import httpx

from .wire_request import FAILURES, translate_error

__all__ = ["WireResponse"]


class _Owner(Protocol):
    """What holds the connection: an `aiohttp.ClientResponse`, or the connection itself."""

    def release(self) -> object:
        """Keep the connection for other requests."""

    def close(self) -> None:
        """Close the connection."""


class WireResponse(httpx.AsyncByteStream):
    """A response with its body unread. A connection whose body was read completely is reused."""

    def __init__(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: aiohttp.StreamReader, owner: _Owner
    ) -> None:
        self.status_code = status
        # Older versions of aiohttp leave the space after a value.
        self.headers = httpx.Headers([(name, value.rstrip(b" \t")) for name, value in headers])
        self._body = body
        self._owner = owner

    @property
    def stream(self) -> "WireResponse":
        """The body. A property, because an attribute would be a cycle, which only the garbage collector frees."""
        return self

    def __aiter__(self) -> "WireResponse":
        # Not a generator: the event loop tracks each of these, which takes longer than reading a small body.
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await self._body.readany()
        except FAILURES as error:
            failure = translate_error(error)
        else:
            if part:
                return part
            raise StopAsyncIteration
        raise failure

    async def aclose(self) -> None:
        """Release the connection, or close it if the body wasn't read completely."""
        if self._body.at_eof():
            self._owner.release()
        else:
            self._owner.close()
