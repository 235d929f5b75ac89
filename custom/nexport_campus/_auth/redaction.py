"""Protection of secrets: bytes without a repr, a URL that hides its query, and scrubbing."""

import json
import re
import weakref
from collections.abc import Iterable, Iterator
from html import escape
from typing import NoReturn, Protocol
from urllib.parse import quote, quote_plus

import httpx

from nexport_client.types import Secret

__all__ = ["Scrubber", "SecretBytes", "SecretURL"]


class SecretBytes(bytes):
    """Bytes that don't appear in logs, tracebacks or reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretBytes(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("SecretBytes refuses to be pickled")


class SecretURL(httpx.URL):
    """A URL that hides its query, which may identify students and carries the token.

    httpx' own transports and `ASGITransport` send `raw_path`; everything that shows a URL (logs, exceptions, reprs,
    OpenTelemetry's spans) uses `str(url)`, and a copy of this URL is a plain one without the query.
    """

    def __init__(self, address: httpx.URL, query: bytes) -> None:
        super().__init__(address)
        self._hidden = SecretBytes(query)

    @property
    def raw_path(self) -> bytes:
        return SecretBytes(b"?".join(filter(None, (super().raw_path, self._hidden))))

    @property
    def query(self) -> bytes:
        return self._hidden

    @property
    def params(self) -> httpx.QueryParams:
        return httpx.QueryParams(bytes(self._hidden).decode("ascii"))

    def plain(self) -> httpx.URL:
        """Return the complete URL as a plain one, which shows everything."""
        return httpx.URL(self).copy_with(raw_path=bytes(self.raw_path))


_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LONG = 16
_SHORTEST = 4
_MOST_RECENT = 16


class SecretHolder(Protocol):
    """An object with secrets, such as the headers of a view."""

    def secrets(self) -> list[str]:
        """Return the secrets."""


class Scrubber:
    """Remover of known secrets from errors and logs, in any letter case or encoding."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self._recent: dict[str, None] = {}
        self._watched: tuple[weakref.ref[SecretHolder], ...] = ()
        self._changes = 0
        self._compiled: tuple[int, re.Pattern[str]] = (0, re.compile("(?!)"))

    def keep(self, role: str, secret: Secret) -> None:
        """Remember a secret under a role. The role's previous secret moves to the recent ones."""
        former = self._kept.get(role)
        if former != secret.reveal():
            self._kept[role] = secret.reveal()
            self._changes += 1
            self.add([] if former is None else [Secret(former)])

    def add(self, secrets: Iterable[Secret]) -> None:
        """Remember secrets. Only the latest sixteen are kept, since tokens change."""
        for text in map(Secret.reveal, secrets):
            if text in self._recent or text in self._kept.values():
                continue
            self._recent[text] = None
            self._changes += 1
        while len(self._recent) > _MOST_RECENT:
            del self._recent[next(iter(self._recent))]

    def watch(self, holder: SecretHolder) -> None:
        """Remember the secrets of an object for as long as it lives."""
        self._watched = (*(known for known in self._watched if known() is not None), weakref.ref(holder))
        self._changes += 1

    def scrub(self, value: str) -> str:
        """Return the string without secrets. Thread-safe: other threads may log while secrets are added."""
        changes, pattern = self._compiled
        if changes != self._changes:
            changes = self._changes
            secrets = [*self._kept.values(), *self._recent, *self._held()]
            known = {form for text in secrets if len(text) >= _SHORTEST for form in _iterate_forms(text)}
            longest_first = sorted(known, key=len, reverse=True)
            pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)", re.IGNORECASE)
            self._compiled = changes, pattern
        return pattern.sub("***", value)

    def _held(self) -> list[str]:
        """Return the secrets of the objects that are watched."""
        holders = [holder for known in self._watched if (holder := known()) is not None]
        return [text for holder in holders for text in holder.secrets()]

    def scrub_bytes(self, value: bytes) -> bytes:
        """Return the bytes without secrets."""
        return self.scrub(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def zero_echoes(self, value: bytes, sent: Secret | None) -> bytes:
        """Return the body of a response with the secrets that it repeats zeroed, so that a token stays a valid UUID.

        `sent` is the request's token, which may belong to another user. A short secret may occur as an ordinary word,
        and a header with a UUID may name a record, such as an organization, so these aren't replaced.
        """
        headers = (text for text in self._held() if not _UUID.fullmatch(text))
        token = () if sent is None else (sent.reveal(),)
        # As a rule, the token is known already, and a second search of a page would take as long again.
        for text in dict.fromkeys((*self._kept.values(), *headers, *token)):
            secret = text.encode()
            if len(secret) >= _LONG and secret in value:
                value = value.replace(secret, re.sub(rb"[0-9A-Za-z]", b"0", secret))
        return value

    def scrub_headers(self, value: httpx.Headers) -> httpx.Headers:
        """Return headers without secrets."""
        scrubbed = [(name, self.scrub(text)) for name, text in value.multi_items()]
        # A header may hold any bytes, and a value decoded as Latin-1 can't be encoded as ASCII.
        return httpx.Headers(scrubbed, encoding=value.encoding)


def _iterate_forms(text: str) -> Iterator[str]:
    """Return the forms of a secret: in a URL, a form, JSON, HTML, header bytes, or as a UUID without dashes."""
    yield from (
        text,
        text.replace("-", ""),
        quote(text, safe=""),
        quote(text),
        quote_plus(text),
        escape(text),
    )
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text.encode())[2:-1])
