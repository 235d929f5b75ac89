"""The async Python SDK for NexPort Campus."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from nexport_client.protocols import AsyncPager
    from nexport_client.results import Page, RawResponse
    from nexport_client.types import UNSET, Unset

    from ._attempts import Attempt
    from ._auth.credentials import AccessToken, PasswordAuth, StaticToken
    from ._auth.token_store import TokenStore
    from ._changes.results import ChangeBatch, EnrollmentsById, SectionsById
    from ._client import NexportCampus
    from ._drift import Drift
    from ._ensure import EnsuredEnrollment
    from ._errors import (
        AlreadyExistsError,
        APIError,
        ArgumentError,
        AuthenticationError,
        ConfigurationError,
        EnrollmentAlreadyExistsError,
        ExportError,
        InvalidRequestError,
        NexportError,
        NotFoundError,
        PaginationError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        ResponseDecodeError,
        ServerError,
        SubscriptionAlreadyExistsError,
        SubscriptionNotFoundError,
        TransportError,
        WebhookError,
        WebhookFormatError,
        WebhookSecretError,
    )
    from ._rate_limit import LocalRateLimiter, RateLimiter
    from ._retry import RetryPolicy
    from ._settings import ClientSettings
    from ._version import __version__

__all__ = [
    "UNSET",
    "APIError",
    "AccessToken",
    "AlreadyExistsError",
    "ArgumentError",
    "AsyncPager",
    "Attempt",
    "AuthenticationError",
    "ChangeBatch",
    "ClientSettings",
    "ConfigurationError",
    "Drift",
    "EnrollmentAlreadyExistsError",
    "EnrollmentsById",
    "EnsuredEnrollment",
    "ExportError",
    "InvalidRequestError",
    "LocalRateLimiter",
    "NexportCampus",
    "NexportError",
    "NotFoundError",
    "Page",
    "PaginationError",
    "PasswordAuth",
    "PermissionDeniedError",
    "RateLimitError",
    "RateLimiter",
    "RawResponse",
    "RequestTimeoutError",
    "ResponseDecodeError",
    "RetryPolicy",
    "SectionsById",
    "ServerError",
    "StaticToken",
    "SubscriptionAlreadyExistsError",
    "SubscriptionNotFoundError",
    "TokenStore",
    "TransportError",
    "Unset",
    "WebhookError",
    "WebhookFormatError",
    "WebhookSecretError",
    "__version__",
]

_HOMES = (
    "nexport_client.protocols",
    "nexport_client.results",
    "nexport_client.types",
    "._attempts",
    "._auth.credentials",
    "._auth.token_store",
    "._changes.results",
    "._client",
    "._drift",
    "._ensure",
    "._errors",
    "._rate_limit",
    "._retry",
    "._settings",
    "._version",
)
"""The modules of the public names."""


def __getattr__(name: str) -> _Any:
    """Import all public names when the first is used: `nexport --help` doesn't need them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for home in _HOMES:
        for known, value in vars(_import_module(home, __name__)).items():
            if known not in __all__:
                continue
            globals()[known] = value
            if isinstance(value, type):
                # Tracebacks and reprs show the module from which users import it.
                value.__module__ = __name__
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
