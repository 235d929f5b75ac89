"""The meaning of each error, for the table of errors."""

__all__ = ["MEANINGS"]

MEANINGS = {
    "NexportError": "The base of all errors of this SDK",
    "ConfigurationError": "Invalid settings, found before any request",
    "ArgumentError": "An argument that doesn't fit the spec; nothing was sent",
    "TransportError": "No usable response arrived: DNS, connection refused or reset, TLS, proxy, a truncated body",
    "RequestTimeoutError": "The response didn't arrive in time",
    "ExportError": "An export failed on this machine: the disk is full or a file can't be written",
    "WebhookError": "A webhook call that can't be trusted or read",
    "WebhookSecretError": "The shared secret is missing or wrong",
    "WebhookFormatError": "The body isn't what the template promises, or is too large",
    "ResponseDecodeError": "A response that doesn't match the spec, or a success status without the body that the spec requires",
    "PaginationError": "The pages of a list contradict one another, so that records would be missing or repeated",
    "APIError": "A response with an error status or an error code",
    "AuthenticationError": "The token or the credentials were rejected",
    "PermissionDeniedError": "The account lacks the permission",
    "NotFoundError": "The requested record doesn't exist",
    "SubscriptionNotFoundError": "The user has no such subscription",
    "InvalidRequestError": "The campus rejected the arguments",
    "AlreadyExistsError": "The record to create already exists",
    "EnrollmentAlreadyExistsError": "The user is already enrolled",
    "SubscriptionAlreadyExistsError": "The user is already subscribed",
    "RateLimitError": "Too many requests",
    "ServerError": "The campus failed",
}
