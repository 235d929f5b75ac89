"""The keyring of the machine, where `nexport login` stores credentials for a campus.

Backends raise far more than KeyringError: errors of D-Bus, GLib or Windows, import errors, panics. Some block forever on a
machine without a desktop. All of these are reported as `KeyringUnavailable`.
"""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from nexport_campus import ConfigurationError, PasswordAuth, StaticToken
from nexport_client.types import Secret

from .terminal import is_interactive

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["KeyringUnavailable", "check_keyring", "delete_auth", "load_auth", "store_auth"]

T = TypeVar("T")
_SERVICE = "nexport-campus"
_PATIENCE = 15.0
"""Seconds to wait for a keyring that may show a prompt without a user to see it."""


class KeyringUnavailable(ConfigurationError):
    """No keyring works on this machine. `reason`: why not, in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no keyring works on this machine ({reason}): set NEXPORT_USERNAME and NEXPORT_PASSWORD, "
            "or NEXPORT_ACCESS_TOKEN"
        )
        self.reason = reason


def load_auth(address: str, username: str | None = None) -> PasswordAuth | StaticToken | None:
    """Return the credentials stored for a campus, or None; with a user name, only those of that user.

    Raises:
        KeyringUnavailable: No keyring works here.
        ConfigurationError: The stored entry is invalid.
    """
    text = _use_keyring(lambda keyring: keyring.get_password(_SERVICE, _make_key(address)))
    if text is None:
        return None
    try:
        held = json.loads(text)
        if "token" in held:
            return None if username else StaticToken(held["token"])
        auth = PasswordAuth(held["username"], held["password"])
    except (ValueError, TypeError, KeyError, ConfigurationError):
        raise ConfigurationError(
            f"the keyring's entry for {address} can't be read: run `nexport login` again"
        ) from None
    return auth if username in (None, auth.username) else None


def check_keyring(address: str) -> None:
    """Raise KeyringUnavailable if nothing can be stored for a campus, as far as reading shows."""
    _use_keyring(lambda keyring: keyring.get_password(_SERVICE, _make_key(address)))


def store_auth(address: str, auth: PasswordAuth | StaticToken) -> None:
    """Store credentials for a campus. Raises KeyringUnavailable."""
    if isinstance(auth, StaticToken):
        held = {"token": auth.token.reveal()}
    else:
        held = {"username": auth.username, "password": auth.password.reveal()}
    text = Secret(json.dumps(held))

    def store(keyring: "KeyringBackend") -> bool:
        keyring.set_password(_SERVICE, _make_key(address), text.reveal())
        return keyring.get_password(_SERVICE, _make_key(address)) == text.reveal()

    if not _use_keyring(store):
        raise KeyringUnavailable("it doesn't keep stored values")


def delete_auth(address: str) -> bool:
    """Remove the credentials stored for a campus. Returns whether there were any. Raises KeyringUnavailable."""

    def remove(keyring: "KeyringBackend") -> bool:
        if keyring.get_password(_SERVICE, _make_key(address)) is None:
            return False
        keyring.delete_password(_SERVICE, _make_key(address))
        return True

    return _use_keyring(remove)


def _make_key(address: str) -> str:
    return address.rstrip("/").lower()


def _use_keyring(operation: Callable[["KeyringBackend"], T]) -> T:
    """Return the result of an operation on the keyring. Raises KeyringUnavailable, whatever goes wrong."""
    results: list[T] = []
    reasons = ["it doesn't respond"]

    def run() -> None:
        try:
            results.append(operation(_find_backend()))
        except KeyboardInterrupt:
            raise
        except KeyringUnavailable as error:
            reasons.append(error.reason)
        except BaseException as error:  # noqa: BLE001 -- panics of backends in Rust derive from BaseException
            # Only the class: the message may quote a password.
            reasons.append(type(error).__name__)

    if is_interactive():
        # The keyring may prompt to be unlocked, so there is no time limit; Ctrl-C interrupts it.
        run()
    else:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(_PATIENCE)
    if not results:
        raise KeyringUnavailable(reasons[-1])
    return results[0]


def _find_backend() -> "KeyringBackend":
    """Return the keyring that this machine is configured for. Raises KeyringUnavailable."""
    try:
        import keyring
        from keyring.backends import null

        backend = keyring.get_keyring()
    except Exception as error:
        raise KeyringUnavailable(f"{type(error).__name__}: {error}") from error
    if isinstance(backend, null.Keyring):
        raise KeyringUnavailable("it is disabled")
    return backend
