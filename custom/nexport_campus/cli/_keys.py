"""The keyring: who logs in to which campus, kept by the desktop."""

import json
import logging
from typing import TYPE_CHECKING

from nexport_campus import ConfigurationError, PasswordAuth, StaticToken
from nexport_client.types import Secret

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["forget", "keep", "stored_auth"]

_SERVICE = "nexport-campus"
_logger = logging.getLogger("nexport_campus")


def stored_auth(address: str, username: str | None = None) -> PasswordAuth | StaticToken | None:
    """What the keyring holds for a campus, or None where there is nothing, or no keyring; of one user, if named."""
    keyring = _keyring()
    try:
        text = keyring.get_password(_SERVICE, _key(address))
    except keyring.errors.KeyringError as error:
        _logger.debug("the keyring can't be read: %s", type(error).__name__)
        return None
    if text is None:
        return None
    try:
        held = json.loads(text)
        if "token" in held:
            return None if username else StaticToken(held["token"])
        auth = PasswordAuth(held["username"], held["password"])
    except (ValueError, TypeError, KeyError, ConfigurationError):
        raise ConfigurationError(
            f"what the keyring holds for {address} can't be read: run `nexport login` again"
        ) from None
    return auth if username in (None, auth.username) else None


def keep(address: str, auth: PasswordAuth | StaticToken) -> None:
    """Keep who logs in to a campus. Raises ConfigurationError where there is no keyring."""
    if isinstance(auth, StaticToken):
        held = {"token": auth.token.reveal()}
    else:
        held = {"username": auth.username, "password": auth.password.reveal()}
    keyring, text = _keyring(), Secret(json.dumps(held))
    try:
        keyring.set_password(_SERVICE, _key(address), text.reveal())
        kept = keyring.get_password(_SERVICE, _key(address)) == text.reveal()
    except keyring.errors.KeyringError as error:
        raise _no_keyring(type(error).__name__) from None
    if not kept:
        raise _no_keyring("it forgets what it is given")


def forget(address: str) -> bool:
    """Forget who logs in to a campus; tells whether there was anything. Raises ConfigurationError without a keyring."""
    keyring = _keyring()
    try:
        if keyring.get_password(_SERVICE, _key(address)) is None:
            return False
        keyring.delete_password(_SERVICE, _key(address))
    except keyring.errors.KeyringError as error:
        raise _no_keyring(type(error).__name__) from None
    return True


def _key(address: str) -> str:
    return address.rstrip("/").lower()


def _keyring() -> "ModuleType":
    import keyring
    import keyring.errors

    return keyring


def _no_keyring(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"this machine has no keyring that works ({reason}): set NEXPORT_USERNAME and NEXPORT_PASSWORD, "
        "or NEXPORT_ACCESS_TOKEN"
    )
