"""What keeps secrets out of sight: bytes without a repr, a URL that only the wire sees whole, and scrubbing."""

import re
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import quote

import httpx

from nexport_client.types import Secret

__all__ = ["Scrubber", "SecretBytes", "SecretURL"]


class SecretBytes(bytes):
    """Bytes that no log, traceback or repr shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretBytes(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("SecretBytes refuses to be pickled")


class SecretURL(httpx.URL):
    """A URL whose token only the wire sees.

    httpx' own transports and `ASGITransport` send `raw_path`; everything that shows a URL (logs, exceptions, reprs,
    OpenTelemetry's spans) takes `str(url)`, and a copy of this URL is a plain one without the token.
    """

    def __init__(self, url: httpx.URL, token: Secret) -> None:
        super().__init__(url)
        self._token = token

    @property
    def raw_path(self) -> bytes:
        path = super().raw_path
        joint = b"&" if b"?" in path else b"?"
        return SecretBytes(path + joint + b"access_token=" + quote(self._token.reveal(), safe="").encode())

    @property
    def query(self) -> bytes:
        return SecretBytes(self.raw_path.partition(b"?")[2])

    @property
    def params(self) -> httpx.QueryParams:
        return httpx.QueryParams(bytes(self.query).decode("ascii"))


_LONG = 16


class Scrubber:
    """Takes known secrets out of what an error or a log would show, in whatever case or encoding they come back."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, secrets: Iterable[Secret]) -> None:
        """From now on, these are taken out too. The last sixteen are remembered: tokens come and go."""
        for secret in secrets:
            text = secret.reveal()
            if len(text) >= 4 and text not in self._secrets:
                self._secrets[text] = None
                self._pattern = None
        while len(self._secrets) > 16:
            del self._secrets[next(iter(self._secrets))]

    def text(self, value: str) -> str:
        """The text without secrets."""
        if not self._secrets:
            return value
        if self._pattern is None:
            forms = {
                form for text in self._secrets for form in (text, quote(text, safe=""), text.replace("-", ""))
            }
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        return self._pattern.sub("***", value)

    def body(self, value: bytes) -> bytes:
        """The bytes without secrets."""
        if not self._secrets:
            return value
        return self.text(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def content(self, value: bytes) -> bytes:
        """The body of a good answer, without tokens that it echoes; a short password may be a word of its own there."""
        if not any(len(text) >= _LONG and text.encode() in value for text in self._secrets):
            return value
        return self.body(value)

    def headers(self, value: httpx.Headers) -> httpx.Headers:
        """Headers without secrets."""
        return httpx.Headers([(name, self.text(text)) for name, text in value.multi_items()])
