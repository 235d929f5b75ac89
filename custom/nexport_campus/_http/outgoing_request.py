"""A request on its way: what is sent, what an error shows of it, and whether any of it can have been sent."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

import attrs
import httpx

from nexport_campus._auth.redaction import SecretBytes, SecretURL
from nexport_client.types import Secret

__all__ = ["OutgoingRequest", "SendTracker"]


@attrs.frozen(eq=False, repr=False, slots=False)
class OutgoingRequest:
    """A request with its secrets. `url` has no query, `query` no token; `timeout` is the client's setting."""

    method: str
    url: httpx.URL
    query: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    content: bytes | None = None
    token: Secret | None = None
    timeout: float | httpx.Timeout | None = None

    @cached_property
    def whole_query(self) -> bytes:
        """The query with the token."""
        token = "" if self.token is None else f"access_token={quote(self.token.reveal(), safe='')}"
        return SecretBytes("&".join(filter(None, (self.query, token))).encode("ascii"))

    def as_httpx(self, url: httpx.URL, extensions: dict[str, Any]) -> httpx.Request:
        """Return the request as transports take it, with this URL."""
        request = httpx.Request(self.method, self.url, headers=self.headers, content=self.content)
        request.url, request.extensions = url, extensions
        return request

    def with_query(self) -> SecretURL:
        """Return the URL with its query, which only those see who read `raw_path`, `query` or `params`."""
        return SecretURL(self.url, self.whole_query)

    def shown(self) -> httpx.Request:
        """Return what an exception may show of the request: no query, no headers of ours, no body."""
        return httpx.Request(self.method, self.url)


class SendTracker:
    """Knows whether any of one request can have been sent. Until it is given to a connection, nothing can."""

    def __init__(self) -> None:
        self.provably_not_sent = True
        self._begun = False

    def sends(self) -> None:
        """Take note that the request is being written."""
        self._begun, self.provably_not_sent = True, False

    def is_unknown(self) -> None:
        """Take note that the request is with a transport that may not report how far it comes."""
        self.provably_not_sent = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event: the `trace` extension of a request for httpx' own transport, and for those that do as it does."""
        # A proxy is asked for a tunnel first: that request isn't ours.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self._begun = True
        self.provably_not_sent = not self._begun
