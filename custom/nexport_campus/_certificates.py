"""The TLS contexts of a client: which certificates it trusts."""

import os
import ssl
from functools import cache
from pathlib import Path

import httpx

from ._errors import ConfigurationError

__all__ = ["context_for"]


def context_for(verify: ssl.SSLContext | str | bool) -> ssl.SSLContext:
    """Return the TLS context that the setting `verify` asks for; the default one is made once. Raises ConfigurationError."""
    try:
        if isinstance(verify, ssl.SSLContext):
            return verify
        if verify is True:
            return _shared_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if verify is False:
            return httpx.create_ssl_context(verify=False)
        if Path(verify).is_dir():
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        where = verify if isinstance(verify, str) else "SSL_CERT_FILE and SSL_CERT_DIR"
        raise ConfigurationError(f"no certificates can be read from {where}: {error}") from error


@cache
def _shared_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Make the default context once per process: that takes longer than a hundred small calls."""
    return httpx.create_ssl_context()
