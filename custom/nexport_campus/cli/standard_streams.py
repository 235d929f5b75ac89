"""Handling of standard streams that are closed or full, or whose reader has exited.

Shells, cron and supervisors may close any of them. Python then sets the stream to None, and the next file that is opened
gets the free descriptor. A command that the campus has carried out must not fail because of a missing stream.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase, TextIOWrapper
from typing import IO, Any, Self, TextIO, cast

__all__ = ["OutputError", "Streams", "is_closed", "note_change", "reserve_descriptors"]


class OutputError(Exception):
    """Standard output can't be written.

    `reader_gone`: whether it is a pipe whose reader has exited. `carried_out`: a description of what was done before.
    """

    def __init__(self, reason: str, *, reader_gone: bool, carried_out: str = "") -> None:
        super().__init__(f"{carried_out}can't write to stdout: {reason}")
        self.reason = reason
        self.reader_gone = reader_gone
        self.carried_out = carried_out


@contextmanager
def note_change(operation: str) -> Iterator[None]:
    """Note in an OutputError of the block that the operation, which changes data, was carried out."""
    try:
        yield
    except OutputError as error:
        carried_out = f"{operation} was carried out, but its result is lost: "
        raise OutputError(error.reason, reader_gone=error.reader_gone, carried_out=carried_out) from error


def reserve_descriptors() -> None:
    """Open the null device on each standard descriptor that is closed, so that no other file gets its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened == descriptor:
                os.set_inheritable(opened, True)
            else:
                os.dup2(opened, descriptor)
                os.close(opened)


class Streams:
    """Guarded standard streams: stdout raises OutputError, errors of stderr are ignored, closed streams discard output."""

    def __enter__(self) -> Self:
        self._before = sys.stdout, sys.stderr
        self._closed_output = _Discard()
        self._output = _Output(sys.stdout or _open_text(self._closed_output))
        self._errors = _Errors(sys.stderr or _open_text(_Discard()))
        sys.stdout, sys.stderr = cast("TextIO", self._output), cast("TextIO", self._errors)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._before
        self._output.finish()
        self._errors.finish()

    @property
    def output_lost(self) -> bool:
        """Whether something was written to a standard output that is closed."""
        return self._closed_output.used


def is_closed(stream: TextIO | None) -> bool:
    """Return whether the parent process closed a standard stream."""
    return stream is None or isinstance(getattr(stream, "raw", None), _Discard)


class _Discard(RawIOBase):
    """A replacement for a closed stream, which discards output. `used`: whether anything was written."""

    used = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.used = True
        return len(data)


def _open_text(raw: _Discard) -> TextIO:
    return TextIOWrapper(cast("IO[bytes]", raw), encoding="utf-8", write_through=True)


class _Guard:
    """A wrapper of a stream that changes how errors are handled, and delegates everything else."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def finish(self) -> None:
        """Flush the buffer, or discard it on an error: otherwise Python would fail again at exit, with exit code 120."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self._stream.fileno())
                os.close(null)


class _Output(_Guard):
    """Standard output, for text or bytes. After the first failure, every operation raises OutputError.

    Characters that the encoding lacks are escaped.
    """

    _failure: OSError | None = None

    @property
    def buffer(self) -> "_Output":
        return _Output(self._stream.buffer)

    @property
    def raw(self) -> Any:
        return self._stream.buffer

    def write(self, data: Any) -> int:
        with self._translated():
            try:
                return cast("int", self._stream.write(data))
            except UnicodeEncodeError:
                encoding = self._stream.encoding
                escaped = data.encode(encoding, "backslashreplace").decode(encoding)
                return cast("int", self._stream.write(escaped))

    def flush(self) -> None:
        with self._translated():
            self._stream.flush()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            # Click swallows the first error while it probes whether a stream accepts text or bytes.
            if self._failure is not None:
                raise self._failure
            yield
        except OSError as error:
            self._failure = error
            reason = error.strerror or str(error)
            raise OutputError(reason, reader_gone=isinstance(error, BrokenPipeError)) from error


class _Errors(_Guard):
    """Standard error, whose failures are ignored because they can't be reported anywhere."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
