"""The async Python SDK for NexPort Campus."""

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

# Tracebacks and reprs show the public module from which users import these.
for _name in __all__:
    _public = globals()[_name]
    if isinstance(_public, type):
        _public.__module__ = __name__
