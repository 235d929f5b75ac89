"""The account that loads the records, from arguments, dlt's configuration or the environment."""

import os

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import CredentialsConfiguration
from dlt.common.typing import TSecretStrValue

from nexport_campus import PasswordAuth, StaticToken
from nexport_campus._auth.credentials import Auth
from nexport_campus._settings import DEFAULT_BASE_URL, read_auth

__all__ = ["Credentials", "NexportCredentials", "choose_base_url", "to_auth"]


@configspec
class NexportCredentials(CredentialsConfiguration):
    """An account of the campus: a user name and a password, or an access token.

    dlt reads it from `secrets.toml` (`[sources.nexport_campus.credentials]`), from the environment
    (`SOURCES__NEXPORT_CAMPUS__CREDENTIALS__PASSWORD`) or from a vault.
    """

    username: str | None = None
    password: TSecretStrValue | None = None
    access_token: TSecretStrValue | None = None


Credentials = NexportCredentials | PasswordAuth | StaticToken


def to_auth(credentials: Credentials | None) -> Auth:
    """Return the account; without one, read NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN.

    Raises:
        ConfigurationError: Nothing says which account to use.
    """
    if isinstance(credentials, PasswordAuth | StaticToken):
        return credentials
    if credentials is not None and credentials.access_token:
        return StaticToken(credentials.access_token)
    if credentials is not None and credentials.username and credentials.password:
        return PasswordAuth(credentials.username, credentials.password)
    return read_auth(os.environ)


def choose_base_url(configured: str | None) -> str:
    """Return the campus's address: the configured one, else NEXPORT_BASE_URL, else the vendor's own campus."""
    return configured or os.environ.get("NEXPORT_BASE_URL") or DEFAULT_BASE_URL
