"""Standard output for the rows of an export: bytes in UTF-8, whatever the encoding of the terminal or the locale."""

from io import RawIOBase
from typing import Any, BinaryIO, TextIO, cast

from .terminal import on_terminal

__all__ = ["row_stream"]


def row_stream(output: TextIO) -> BinaryIO:
    """Return the bytes of a text stream; a terminal gets no control characters, which learners may have typed."""
    return cast("BinaryIO", _Harmless(output.buffer)) if on_terminal(output) else output.buffer


class _Harmless(RawIOBase):
    """Replaces control characters by blanks, so that what rows hold can't steer the terminal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        text = bytes(data).decode("utf-8").replace("\r\n", "\n")
        shown = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
        self._stream.write(shown.encode("utf-8"))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()
