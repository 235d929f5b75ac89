"""The exceptions raised by the SDK.

    NexportError
    ├── ConfigurationError
    ├── ArgumentError                        (also ValueError)
    ├── TransportError
    │   └── RequestTimeoutError              (also TimeoutError)
    ├── ExportError
    ├── WebhookError
    │   ├── WebhookSecretError
    │   └── WebhookFormatError
    ├── ResponseDecodeError
    ├── PaginationError
    └── APIError
        ├── AuthenticationError
        ├── PermissionDeniedError
        ├── NotFoundError
        │   └── SubscriptionNotFoundError
        ├── InvalidRequestError
        ├── AlreadyExistsError
        │   ├── EnrollmentAlreadyExistsError
        │   └── SubscriptionAlreadyExistsError
        ├── RateLimitError
        └── ServerError

NotFoundError, PermissionDeniedError, InvalidRequestError and AlreadyExistsError require an error entity with a code,
which only the campus sends. An error status without one comes from a gateway, a firewall, IIS or a wrong base URL,
and is a plain APIError.

An error prints one line. `body` and `snippet` can hold students' data, so `str`, `repr` and pickles omit them.
"""

from .api_errors import (
    AlreadyExistsError,
    APIError,
    AuthenticationError,
    EnrollmentAlreadyExistsError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SubscriptionAlreadyExistsError,
    SubscriptionNotFoundError,
    choose_error_class,
)
from .base import NexportError, fresh_copy
from .sdk_errors import (
    ArgumentError,
    ConfigurationError,
    ExportError,
    PaginationError,
    RequestTimeoutError,
    ResponseDecodeError,
    TransportError,
    WebhookError,
    WebhookFormatError,
    WebhookSecretError,
)

__all__ = [
    "APIError",
    "AlreadyExistsError",
    "ArgumentError",
    "AuthenticationError",
    "ConfigurationError",
    "EnrollmentAlreadyExistsError",
    "ExportError",
    "InvalidRequestError",
    "NexportError",
    "NotFoundError",
    "PaginationError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "ResponseDecodeError",
    "ServerError",
    "SubscriptionAlreadyExistsError",
    "SubscriptionNotFoundError",
    "TransportError",
    "WebhookError",
    "WebhookFormatError",
    "WebhookSecretError",
    "choose_error_class",
    "fresh_copy",
]

for _name in __all__:
    _public = globals()[_name]
    if isinstance(_public, type):
        # Tracebacks show the module from which users import it, also of an error raised before they do.
        _public.__module__ = "nexport_campus"
