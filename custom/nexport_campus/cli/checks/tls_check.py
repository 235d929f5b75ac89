"""Check of the TLS connection and the server's certificate."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from nexport_campus._errors import ConfigurationError, TransportError
from nexport_campus._settings import Settings

from .findings import Finding, failed, ok, skipped, warning
from .probe import Probe

__all__ = ["check_tls"]

_CHECK = "tls"
_SOON = timedelta(days=14)


def check_tls(settings: Settings, probe: Probe) -> Finding:
    """Check the TLS connection of a probe."""
    if settings.base_url.scheme != "https":
        return skipped(_CHECK, f"plain http to {settings.base_url.host}: no encryption")
    if probe.error is not None:
        return _report_failure(settings.base_url.host, probe.error)
    if not probe.certificate:
        return skipped(_CHECK, f"{probe.protocol}, with a certificate that isn't verified")
    expires = _read_expiry(probe.certificate)
    message = (
        f"{probe.protocol}, certificate by {_read_issuer(probe.certificate)}, valid until {expires:%Y-%m-%d}"
    )
    if expires - probe.received < _SOON:
        return warning(_CHECK, message, "Ask the campus's operator to renew the certificate.")
    return ok(_CHECK, message)


def _report_failure(host: str, error: Exception) -> Finding:
    if isinstance(error, ConfigurationError):
        return failed(_CHECK, str(error), "Correct the environment.", error)
    behind = next((link for link in _iterate_chain(error) if isinstance(link, ssl.SSLError)), None)
    if isinstance(behind, ssl.SSLCertVerificationError):
        message = f"the certificate of {host} can't be trusted ({behind.verify_message.rstrip('.')})"
        advice = "If a private authority issued it, set SSL_CERT_FILE to its certificate; otherwise check the address."
    elif isinstance(behind, ssl.SSLError):
        message = f"no TLS connection to {host} ({behind.reason or behind})"
        advice = "Check the port, and whether the address begins with https."
    else:
        message = f"no response from {host} ({type(error).__name__})"
        advice = "Check the address, the port, and the proxy if there is one."
    return failed(_CHECK, message, advice, TransportError(message))


def _iterate_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _read_expiry(certificate: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


def _read_issuer(certificate: dict[str, Any]) -> str:
    """Return the issuer's organization, or else its name."""
    named = {key: value for part in certificate.get("issuer", ()) for key, value in part}
    return str(named.get("organizationName") or named.get("commonName") or "an unnamed authority")
