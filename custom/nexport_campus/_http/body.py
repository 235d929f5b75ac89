"""An answer's body: read whole, decompressed within its limit."""

import zlib
from collections.abc import Iterator

import httpx

from nexport_campus._errors import ResponseDecodeError

__all__ = ["read_body"]

_GZIP = zlib.MAX_WBITS | 16
_ZLIB = zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


async def read_body(response: httpx.Response, most: int) -> bytes:
    """The body, decompressed; `most` counts bytes after decompression, so that a bomb doesn't go off.

    httpx' own decoders inflate what they are given in one go, layer by layer, and take a compressed body that was cut
    for a whole one.

    Raises:
        ResponseDecodeError: It is larger than that, corrupt, cut, or compressed in a way that nobody asked for.
    """
    if response.is_stream_consumed:
        # A transport that made the answer from bytes, such as httpx.MockTransport: httpx has decoded it already.
        return _limited(response.content, most)
    inflate = _inflater(response.headers.get("content-encoding", ""), most)
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        for piece in (part,) if inflate is None else inflate.feed(part):
            size += len(piece)
            if size > most:
                raise _too_large(most)
            parts.append(piece)
    if inflate is not None:
        inflate.finish()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _limited(content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise _too_large(most)
    return content


def _too_large(most: int) -> ResponseDecodeError:
    return ResponseDecodeError(f"the answer is larger than max_response_bytes, {most}")


def _inflater(encoding: str, most: int) -> "_Inflater | None":
    """What undoes a `Content-Encoding` (RFC 9110, 8.4), or None where there is nothing to undo."""
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name != "identity"]
    if not any(names):
        return None
    if names in (["gzip"], ["x-gzip"], ["deflate"]):
        return _Inflater(gzip=names != ["deflate"], most=most)
    raise ResponseDecodeError("the body is compressed in a way that was not asked for")


class _Inflater:
    """Decompresses a body piece by piece, at most `most` bytes and one at a time."""

    def __init__(self, *, gzip: bool, most: int) -> None:
        self._gzip = gzip
        self._most = most
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decompress to."""
        while data:
            if self._stream is not None and self._stream.eof:
                # A gzip body may have several members (RFC 1952, 2.2); zeros after the last one are padding.
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._stream = None
            if self._stream is None:
                self._stream = zlib.decompressobj(self._window(data[0]))
            try:
                piece = self._stream.decompress(data, self._most + 1)
            except zlib.error:
                raise ResponseDecodeError("the body can't be decompressed") from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        """Raise if the body was cut. An empty one is empty, whatever its headers say."""
        if self._stream is not None and not self._stream.eof:
            raise ResponseDecodeError("the compressed body was cut")

    def _window(self, first: int) -> int:
        """The format as zlib takes it. Some servers send deflate without zlib's header (RFC 9110, 8.4.1.2)."""
        if self._gzip:
            return zlib.MAX_WBITS | 16
        return zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
