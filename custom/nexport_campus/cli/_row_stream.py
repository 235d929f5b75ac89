"""Standard output for the rows of an export: bytes in UTF-8, whatever the encoding of the terminal or the locale."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import Any, BinaryIO, TextIO, cast

from ._output import on_terminal
from ._streams import OutputError

__all__ = ["row_stream"]


def row_stream(output: TextIO) -> BinaryIO:
    """Return a stream of bytes that writes to a text stream's buffer, and fails with OutputError."""
    return cast("BinaryIO", _RowStream(output.buffer, harmless=on_terminal(output)))


class _RowStream(RawIOBase):
    """Writes rows as they are, or `harmless`: with blanks for control characters, which could steer a terminal."""

    def __init__(self, stream: BinaryIO, *, harmless: bool) -> None:
        self._stream = stream
        self._harmless = harmless

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with _translated():
            self._stream.write(_printable(bytes(data)) if self._harmless else data)
        return len(data)

    def flush(self) -> None:
        with _translated():
            self._stream.flush()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(reason, reader_gone=isinstance(error, BrokenPipeError)) from error


def _printable(data: bytes) -> bytes:
    text = data.decode("utf-8").replace("\r\n", "\n")
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text).encode("utf-8")
