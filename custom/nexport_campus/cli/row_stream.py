"""Standard output for the rows of an export, in UTF-8 regardless of the terminal's encoding and the locale."""

from io import RawIOBase
from typing import Any, BinaryIO, TextIO, cast

from .terminal import is_terminal

__all__ = ["open_row_stream"]


def open_row_stream(output: TextIO) -> BinaryIO:
    """Return the binary stream of a text stream. On a terminal, control characters in the data are replaced."""
    return cast("BinaryIO", _Harmless(output.buffer)) if is_terminal(output) else output.buffer


class _Harmless(RawIOBase):
    """A stream that replaces control characters by blanks, so that exported data can't control the terminal."""

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
