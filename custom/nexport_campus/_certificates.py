"""The TLS contexts of a client: the certificates that it trusts."""

import os
import re
import ssl
from functools import cache
from pathlib import Path

import httpx

from ._errors import ConfigurationError
from ._inputs import describe

__all__ = ["check_verify", "get_tls_context"]

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+", re.ASCII)
"""OpenSSL's file names for certificates in a folder."""


def check_verify(verify: object) -> ssl.SSLContext | bool:
    """Return the setting `verify`, with the certificates of a path loaded once. Raises ConfigurationError."""
    if isinstance(verify, bool):
        return verify
    if isinstance(verify, ssl.SSLContext):
        if verify.protocol == ssl.PROTOCOL_TLS_SERVER:
            raise ConfigurationError(
                "verify is an ssl.SSLContext for servers: make it with ssl.create_default_context()"
            )
        return verify
    path = os.fspath(verify) if isinstance(verify, str | os.PathLike) else None
    if not isinstance(path, str):
        raise ConfigurationError(
            f"verify must be True, False, an ssl.SSLContext or the path of certificates, got {describe(verify)}"
        )
    return _load_context(path)


def get_tls_context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    """Return the TLS context for a setting; the default one is created once. Raises ConfigurationError."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    if not verify:
        return httpx.create_ssl_context(verify=False)
    try:
        return _create_default_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    except OSError as error:
        if error.filename is not None and error.filename == os.environ.get("SSLKEYLOGFILE"):
            raise ConfigurationError(f"SSLKEYLOGFILE can't be written: {error.strerror}") from error
        raise ConfigurationError(
            f"no certificates can be read from SSL_CERT_FILE and SSL_CERT_DIR: {error}"
        ) from error


@cache
def _create_default_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Create the default context once per process, because that takes longer than a hundred small calls."""
    if cert_file:
        # httpx before 0.28 ignores a file that is missing, or is a folder.
        Path(cert_file).open("rb").close()
    return httpx.create_ssl_context()


def _load_context(path: str) -> ssl.SSLContext:
    try:
        if path and Path(path).is_dir():
            if not any(_HASHED.fullmatch(each.name) for each in Path(path).iterdir()):
                raise ConfigurationError(
                    f"verify: no file in {path!r} is named by its hash: run `openssl rehash` there"
                )
            return ssl.create_default_context(capath=path)
        if not Path(path).is_file():
            raise ConfigurationError(f"verify: there is no file {path!r}")
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ConfigurationError(f"verify: {path!r} holds no certificates in PEM format") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"verify: {path!r} can't be read ({error})") from error
