"""Parsing of responses that aiohttp's parser rejects but h11, the default transport's parser, accepts."""

import asyncio
import re
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError

__all__ = ["UNLIMITED", "LenientParser"]

UNLIMITED = 1 << 20
"""The limit of lines, fields and headers to set for aiohttp's parser, because this module limits the head as a whole."""

_LARGEST_HEAD = 100 * 1024
"""Limit of the head in bytes, as in h11; aiohttp limits each line and the number of headers."""

_HEAD_END = re.compile(rb"\n\r?\n")
_FRAMING = re.compile(
    rb"\n(content-length|transfer-encoding):[ \t]*([^\r\n]*?)[ \t]*\r?(?=\n)", re.IGNORECASE
)
_NOTHING: tuple[tuple[()], bool, bytes] = ((), False, b"")


class LenientParser:
    """A filter in front of a connection's parser, for one response, that passes on input the parser accepts.

    It drops repeated statements of the body's length (RFC 9112, 6.3), and holds back bytes after the response. If the
    body can't be completed, it ends the body with an error: aiohttp leaves its reader waiting after a malformed chunk,
    and if the session is closed.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._parser = protocol._parser
        self._head: bytes | None = b""
        self._left: int | None = None
        self._body: aiohttp.StreamReader | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> Any:
        """Process received bytes. Returns the results and raises the exceptions of aiohttp's parser."""
        if self._head is None:
            return self._feed(self._limit(data))
        received = self._head + data
        while end := _HEAD_END.search(received):
            head, rest = received[: end.end()], received[end.end() :]
            if not _is_informational(head):
                self._head = None
                head, self._left = _unify_framing(head)
                return self._feed(head + self._limit(rest))
            received = rest
        if len(received) > _LARGEST_HEAD:
            raise HttpProcessingError(message="the head of the response is too large")
        self._head = received
        return _NOTHING

    def feed_eof(self) -> Any:
        """Process the end of the connection. Returns the result and raises the exceptions of aiohttp's parser."""
        try:
            return self._parser.feed_eof()
        except Exception:
            self._fail_body()
            raise

    def _limit(self, data: bytes) -> bytes:
        """Return the bytes of the body among those received. After others, the connection isn't reused."""
        if self._left is None:
            return data
        if len(data) > self._left:
            self._protocol.force_close()
            data = data[: self._left]
        self._left -= len(data)
        return data

    def _feed(self, data: bytes) -> Any:
        try:
            result = self._parser.feed_data(data)
        except Exception:
            # Not at once: the end of a chunk may just have woken the reader, which then waits again for data or an error.
            asyncio.get_running_loop().call_soon(self._fail_body)
            raise
        if result[0]:
            self._body = result[0][-1][1]
        return result

    def _fail_body(self) -> None:
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(aiohttp.ClientPayloadError("the connection has ended"))


def _is_informational(head: bytes) -> bool:
    """Return whether another response follows: after 100 Continue, 103 Early Hints and the like."""
    return head[9:10] == b"1" and head[9:12] != b"101"


def _unify_framing(head: bytes) -> tuple[bytes, int | None]:
    """Return the head with a single statement of the body's length, and that length in bytes if it is known."""
    framing = _FRAMING.findall(head)
    bodiless = head[9:12] in (b"204", b"304")
    if len(framing) == 1 and _is_length(framing[0][0]) and framing[0][1].isdigit() and not bodiless:
        return head, int(framing[0][1])  # as a rule
    lengths = {part.strip() for name, value in framing if _is_length(name) for part in value.split(b",")}
    codings = [value.lower() for name, value in framing if not _is_length(name)]
    if codings not in ([], [b"chunked"]):
        raise HttpProcessingError(message="the transfer coding of the response is unknown")
    if bodiless:
        return (_remove_framing(head, length=False) if codings else head), 0
    if len(lengths) > 1:
        raise HttpProcessingError(message="the lengths of the response differ")
    if codings:
        return (_remove_framing(head, length=True) if lengths else head), None
    if not lengths or not (length := lengths.pop()).isdigit():
        return head, None
    if len(framing) > 1 or b"," in framing[0][1]:
        first, rest = _remove_framing(head, length=True).split(b"\n", 1)
        head = first + b"\nContent-Length: " + length + b"\r\n" + rest
    return head, int(length)


def _remove_framing(head: bytes, *, length: bool) -> bytes:
    """Return the head without its lengths, or without its codings."""
    return _FRAMING.sub(lambda line: b"" if _is_length(line[1]) is length else line[0], head)


def _is_length(name: bytes) -> bool:
    return name.lower() == b"content-length"
