"""The arguments of a call, encoded for sending."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs

from nexport_campus._auth.redaction import SecretBytes
from nexport_client.operation import Paging
from nexport_client.types import Secret

__all__ = ["EncodedRequest"]


@attrs.frozen(repr=False)
class EncodedRequest:
    """The encoded arguments of a call: the query without the token, the body, and a token passed as an argument.

    `path` is the operation's path with its placeholders filled, or "" if it has none.
    """

    query: str
    fields: Any
    secret_body: bool
    token: Secret | None
    path: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def encode_body(self) -> bytes | None:
        """Return the JSON body, or None."""
        if self.fields is None:
            return None
        content = _make_encoder().encode(self.fields)
        return SecretBytes(content) if self.secret_body else content

    def secrets(self) -> list[Secret]:
        """Return the secrets in the request."""
        fields = self.fields.values() if self.secret_body and isinstance(self.fields, Mapping) else ()
        values = [self.token, *fields]
        return [value for value in values if isinstance(value, Secret)]

    def fingerprint(self, content: bytes | None) -> int:
        """Return a hash of everything that is sent with this body, except the token."""
        return hash((self.path, self.query, content, *self.headers.items()))

    def with_page(self, paging: Paging | None, page: int, per_page: int) -> "EncodedRequest":
        """Return the request for one page of a list."""
        if paging is not None and paging.where == "body":
            numbers = {"page": int(page), "per_page": int(per_page)}
            paged = numbers if paging.key is None else {paging.key: numbers}
            return attrs.evolve(self, fields={**(self.fields or {}), **paged})
        paging_query = f"page={int(page)}&per_page={int(per_page)}"
        return attrs.evolve(self, query=f"{self.query}&{paging_query}" if self.query else paging_query)


@cache
def _make_encoder() -> Any:
    import msgspec

    return msgspec.json.Encoder(enc_hook=_reveal, decimal_format="number")


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    # What msgspec expects of an encoding hook; arguments were converted to JSON's types before.
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")
