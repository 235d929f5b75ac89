"""Redaction of the HTTP libraries' logs: httpcore logs response headers, which may echo a token."""

import logging
import threading
import weakref
from contextlib import suppress
from typing import Any

import httpx

from .redaction import Scrubber

__all__ = ["scrub_logs"]

_LOGGERS = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "httpx",
    "nexport_campus",
)


class _ScrubbingFilter(logging.Filter):
    """A logging filter that removes the secrets of all living clients from every record.

    Other users of httpx in the same program log here too, and their handlers and filters read the records: a record
    without secrets is left unchanged, one with secrets keeps the number and order of its arguments, and nothing is
    raised.
    """

    def __init__(self) -> None:
        super().__init__()
        self._scrubbers: tuple[weakref.ref[Scrubber], ...] = ()
        self._adding = threading.Lock()

    def add(self, scrubber: Scrubber) -> None:
        """Remove this scrubber's secrets too, for as long as it lives."""
        with self._adding:
            living = [known for known in self._scrubbers if known() is not None]
            self._scrubbers = (*living, weakref.ref(scrubber))

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove the secrets from a record and return True."""
        with suppress(Exception):  # the log call and its objects belong to other code
            self._scrub(record)
        return True

    def _scrub(self, record: logging.LogRecord) -> None:
        shown = _format_message(record)
        if shown is not None and self._text(shown) == shown:
            return
        # The arguments first: a short password may equal part of the message's placeholders.
        self._scrub_arguments(record)
        if shown is None or not self._is_clean(record):
            record.msg = self._text(record.msg) if isinstance(record.msg, str) else record.msg
        if shown is not None and not self._is_clean(record):
            record.msg, record.args = self._text(shown), ()

    def _scrub_arguments(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            record.args = tuple(map(self._argument, record.args))
        elif type(record.args) is dict:
            record.args = {key: self._argument(value) for key, value in record.args.items()}

    def _argument(self, value: Any) -> Any:
        """Return an argument without secrets, or the same object if it has none."""
        try:
            shown = str(value)
            if self._text(shown) == shown and self._text(found := repr(value)) == found:
                return value
            return httpx.URL(self._text(shown)) if isinstance(value, httpx.URL) else self._text(shown)
        except Exception:  # noqa: BLE001 -- an object that can't be shown shows no secret
            return value

    def _is_clean(self, record: logging.LogRecord) -> bool:
        shown = _format_message(record)
        return shown is not None and self._text(shown) == shown

    def _text(self, text: str) -> str:
        for known in self._scrubbers:
            scrubber = known()
            if scrubber is not None:
                text = scrubber.scrub(text)
        return text


def _format_message(record: logging.LogRecord) -> str | None:
    """Return the formatted message, or None if the arguments don't fit: handlers report that and show the parts."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 -- objects in the record may raise anything
        return None


_filter = _ScrubbingFilter()


def scrub_logs(scrubber: Scrubber) -> None:
    """Remove this scrubber's secrets from the libraries' logs for as long as the scrubber lives.

    A logger's filter doesn't apply to its child loggers, so each of httpcore's loggers gets the filter.
    """
    _filter.add(scrubber)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
