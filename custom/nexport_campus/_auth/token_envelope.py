"""The format and the encryption of the values in a token store."""

import hashlib
import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from nexport_campus._errors import AuthenticationError, ConfigurationError
from nexport_campus._version import describe_missing_extra
from nexport_client.types import Secret

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = [
    "Envelope",
    "SharedRefusal",
    "SharedToken",
    "TokenCipher",
    "UnreadableValueError",
    "make_cipher",
    "make_store_key",
]

_FORMAT = 1
_ERROR_FIELDS = (
    *("message", "status_code", "error_code", "operation_id", "method", "path", "attempts"),
    "provisional",
)


class UnreadableValueError(Exception):
    """A value that this client can't have stored for this account, or that is encrypted with an unknown key."""


@attrs.frozen
class SharedToken:
    """A stored token. `life`: the seconds until it expires, counted from when it was stored; None for no limit."""

    token: Secret
    life: float | None


@attrs.frozen
class SharedRefusal:
    """A stored refusal of a login.

    `password`: a digest of the refused password. `refusals`: the number of consecutive refusals. `error`: what the
    campus responded.
    """

    password: str
    refusals: int
    error: AuthenticationError


class TokenCipher:
    """Encryption with the first of several Fernet keys, and decryption with any of them."""

    def __init__(self, fernet: "MultiFernet") -> None:
        self._fernet = fernet

    def encrypt(self, plain: bytes) -> bytes:
        """Return the encrypted bytes, in ASCII."""
        return self._fernet.encrypt(plain)

    def decrypt(self, value: bytes) -> bytes:
        """Return the decrypted bytes. Raises UnreadableValueError."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(value)
        except InvalidToken:
            raise UnreadableValueError("a value that none of token_encryption_keys decrypts") from None


@attrs.frozen(repr=False)
class Envelope:
    """Writer and reader of the values of one account. Without a cipher, values are plain JSON."""

    account: str
    cipher: TokenCipher | None

    def seal(self, content: SharedToken | SharedRefusal) -> bytes:
        """Return the value to store."""
        if isinstance(content, SharedToken):
            fields: dict[str, Any] = {"token": content.token.reveal(), "life": content.life}
        else:
            error = {name: getattr(content.error, name) for name in _ERROR_FIELDS}
            fields = {"password": content.password, "refusals": content.refusals, "error": error}
        plain = json.dumps({"format": _FORMAT, "account": self.account, **fields}).encode()
        return plain if self.cipher is None else self.cipher.encrypt(plain)

    def open(self, value: object) -> SharedToken | SharedRefusal:
        """Return the content of a stored value. Raises UnreadableValueError, which doesn't quote it."""
        try:
            return _read(self._plain(value), self.account)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # No cause: its message may quote the value.
            raise UnreadableValueError("a value that isn't this account's, or is damaged") from None

    def _plain(self, value: object) -> bytes:
        if not isinstance(value, bytes):
            raise UnreadableValueError(f"get returned {type(value).__name__}, not bytes")
        return value if self.cipher is None else self.cipher.decrypt(value)


def _read(plain: bytes, account: str) -> SharedToken | SharedRefusal:
    fields = json.loads(plain)
    if fields["format"] != _FORMAT or fields["account"] != account:
        raise ValueError
    if "token" in fields:
        token, life = fields["token"], fields["life"]
        if not (isinstance(token, str) and token and (life is None or math.isfinite(life))):
            raise ValueError
        return SharedToken(Secret(token), life)
    error = AuthenticationError(**{name: fields["error"][name] for name in _ERROR_FIELDS})
    return SharedRefusal(str(fields["password"]), max(1, int(fields["refusals"])), error)


def make_store_key(base_url: str, username: str) -> str:
    """Return the key of an account: a digest of the campus's address and the user name."""
    return hashlib.sha256(json.dumps([base_url, username]).encode()).hexdigest()


def make_cipher(keys: object) -> TokenCipher | None:
    """Return the cipher of `token_encryption_keys`, or None without keys. Raises ConfigurationError."""
    if keys is None or isinstance(keys, TokenCipher):
        return keys
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise ConfigurationError(
            "token_encryption_keys must be a list of Fernet keys, the newest first, not a single value"
        )
    given = tuple(keys)
    if not given:
        return None
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as error:
        raise ConfigurationError(describe_missing_extra("token_encryption_keys", "redis")) from error
    try:
        return TokenCipher(MultiFernet([Fernet(key) for key in given]))
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(
            "token_encryption_keys has an invalid key: create keys with cryptography.fernet.Fernet.generate_key()"
        ) from None
