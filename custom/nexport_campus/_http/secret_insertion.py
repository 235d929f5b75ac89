"""The only place where a request's secrets are written: into the bytes that httpcore has written for the network.

httpcore, and whatever wraps it (such as agents that trace HTTP), see a placeholder instead of the query, which holds
the token and may identify students, and don't see the user's own headers.
"""

import os
import re

import httpcore

from nexport_campus._auth.redaction import SecretBytes

from .outgoing_request import SendTracker

__all__ = ["PLACEHOLDER", "SecretInserter"]

PLACEHOLDER = f"hidden-by-nexport-campus-{os.urandom(8).hex()}"
"""Placeholder for the query of every request. It is random, so that no request contains it by accident."""

_MARK = PLACEHOLDER.encode("ascii")
_MARKED_LINE = re.compile(rb"[A-Z]+ [^ \r\n]*" + _MARK)
_LONGEST_LINE = 128 * 1024


class SecretInserter:
    """The secrets of the requests of one connection, each of which is inserted once."""

    def __init__(self) -> None:
        self._query: bytes | None = None
        self._headers = b""
        self._tracker: SendTracker | None = None
        self._begun_line = b""

    def expect(self, query: bytes, tracker: SendTracker, headers: bytes = b"") -> bytes:
        """Register the next request and return the placeholder to use for its query.

        When the request is written, the query replaces the placeholder, the lines of `headers` are added, and the
        tracker is notified.
        """
        self._query, self._tracker, self._begun_line = SecretBytes(query), tracker, b""
        self._headers = SecretBytes(headers)
        return _MARK

    @property
    def has_sent(self) -> bool:
        """Whether the current request has been written, at least in part."""
        return self._query is None

    def insert(self, data: bytes) -> bytes:
        """Return the bytes to send for those that httpcore writes, or b"" while a request line is incomplete.

        Only the first line of a request is changed. Earlier messages to a proxy pass unchanged: CONNECT, and those of
        SOCKS, which begin with a control character.

        Raises:
            httpcore.LocalProtocolError: The request line lacks the placeholder, because something changed it on its way
                here, or the request is being sent a second time. None of it is sent.
        """
        if self._query is None:
            if _MARKED_LINE.match(data):
                raise httpcore.LocalProtocolError("a request was sent again by something outside the SDK")
            return SecretBytes(data)
        if not self._begun_line and (data[0] < ord(" ") or data.startswith(b"CONNECT ")):
            return SecretBytes(data)
        line, end, rest = (self._begun_line + data).partition(b"\r\n")
        if not end and len(line) <= _LONGEST_LINE:
            self._begun_line = line
            return b""
        if not end or line.count(_MARK) != 1 or b"?" + _MARK not in line:
            raise httpcore.LocalProtocolError("the request line was changed by something outside the SDK")
        query, self._query, self._begun_line = self._query, None, b""
        if self._tracker is not None:
            self._tracker.mark_sending()
        return SecretBytes(
            line.replace(b"?" + _MARK, b"?" + query if query else b"") + end + self._headers + rest
        )
