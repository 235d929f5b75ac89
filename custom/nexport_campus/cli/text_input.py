"""Input from files and stdin that a user names on the command line.

They may come from Windows: PowerShell writes UTF-16, Notepad a byte order mark, and lines may end with CRLF. Returned
strings have no byte order mark, and line feeds as line breaks.
"""

import codecs
import sys
from pathlib import Path
from typing import BinaryIO, Final

import click

__all__ = ["number_lines", "read_first_line", "read_text"]

_STDIN_WAS_READ: Final = "nexport_campus.stdin"
# UTF-32 comes before UTF-16: its little-endian mark starts with that of UTF-16.
_ENCODINGS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WIDE_MARKS: Final = tuple(mark for mark in _ENCODINGS if mark != codecs.BOM_UTF8)
_LONGEST_LINE: Final = 64 * 1024


def read_text(name: str) -> str:
    """Return the content of a file, or of stdin if the name is `-`, without trailing line breaks.

    Raises:
        ValueError: It can't be read. The message continues a sentence that begins with the option's name.
    """
    if not name:
        raise ValueError("needs the name of a file after the @")
    place = "stdin" if name == "-" else name
    try:
        data = _open_stdin(once=True).read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ValueError(f"can't be read from {place}: {error.strerror or error}") from None
    return _decode_or_raise(data, place).rstrip("\n")


def number_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that aren't blank, each with its line number."""
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def read_first_line() -> str:
    """Return the first line of standard input, or "" if there is none, without waiting for what follows.

    Raises:
        ValueError: It can't be read.
    """
    stream = _open_stdin()
    try:
        data = stream.readline(_LONGEST_LINE)
        if data.startswith(_WIDE_MARKS):
            # In UTF-16 and UTF-32, the line feed byte of `readline` may be part of another character.
            while (
                "\n" not in (_decode(data) or "") and len(data) < _LONGEST_LINE and (more := stream.read(1))
            ):
                data += more
    except OSError as error:
        raise ValueError(f"can't be read from stdin: {error.strerror or error}") from None
    return _decode_or_raise(data, "stdin").partition("\n")[0]


def _open_stdin(*, once: bool = False) -> BinaryIO:
    """Return standard input; with `once`, raise ValueError if another option of the command has read it."""
    # Python sets it to None if the parent process closed it.
    if sys.stdin is None:
        raise ValueError("can't be read from stdin: it is closed")
    if once:
        meta = click.get_current_context().meta
        if meta.get(_STDIN_WAS_READ):
            raise ValueError("can't be read from stdin: another option reads it")
        meta[_STDIN_WAS_READ] = True
    return sys.stdin.buffer


def _decode_or_raise(data: bytes, place: str) -> str:
    text = _decode(data)
    if text is None:
        raise ValueError(f"can't be read from {place}: it is neither UTF-8 nor UTF-16 with a byte order mark")
    return text


def _decode(data: bytes) -> str | None:
    """Return the decoded string, or None if the encoding isn't supported.

    An exception would keep a reference to the bytes, which may be a password.
    """
    encoding = next((encoding for mark, encoding in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    # ASCII in UTF-16 without a mark decodes as UTF-8, but every second character is NUL.
    return None if "\0" in text else text.replace("\r\n", "\n").replace("\r", "\n")
