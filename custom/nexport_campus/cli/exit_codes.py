"""Exit codes, by kind of error."""

from nexport_campus._errors import (
    AlreadyExistsError,
    APIError,
    ArgumentError,
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
    ServerError,
    TransportError,
)

__all__ = [
    "BROKEN_PIPE",
    "INTERRUPTED",
    "OUTPUT_FAILED",
    "PARTIAL",
    "TERMINATED",
    "UNEXPECTED",
    "USAGE",
    "exit_code",
    "make_epilog",
]

UNEXPECTED = 1
USAGE = 2
PARTIAL = 15
OUTPUT_FAILED = 16
UNKNOWN_CODE = 17
INTERRUPTED = 130
"""The code that shells give a process ended by SIGINT."""
BROKEN_PIPE = 141
"""The code that shells give a process ended by SIGPIPE."""
TERMINATED = 143
"""The code that shells give a process ended by SIGTERM."""

# Subclasses come before their base classes.
_CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (ArgumentError, USAGE, ""),
    (ConfigurationError, USAGE, ""),
    (AuthenticationError, 3, "the credentials or the token were refused"),
    (PermissionDeniedError, 4, "the account lacks the permission"),
    (NotFoundError, 5, "not found"),
    (InvalidRequestError, 6, "the campus refused the arguments"),
    (AlreadyExistsError, 7, "already exists"),
    (RateLimitError, 8, "too many requests"),
    (ServerError, 9, "the campus failed"),
    (APIError, 10, "an error response of a gateway, a firewall or another server"),
    (RequestTimeoutError, 12, "timeout"),
    (TransportError, 11, "no usable response: DNS, connection, TLS, proxy"),
    (ResponseDecodeError, 13, "a response that doesn't match the specification"),
    (PaginationError, 14, "pages that contradict one another"),
)


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error; 8 to 12 are those of transient errors."""
    if type(error) is APIError and error.error_code is not None:
        # An error code of the campus that this version doesn't know.
        return UNKNOWN_CODE
    return next((code for cls, code, _ in _CODES if isinstance(error, cls)), UNEXPECTED)


def make_epilog() -> str:
    """Return the table of exit codes for the end of `nexport --help`."""
    known = {
        0: "success",
        UNEXPECTED: "an unexpected error; the file of an export can't be written; a wrong clock",
        USAGE: "a mistake on the command line or in the settings; nothing was sent",
        PARTIAL: "some records of an export couldn't be read; their earlier rows are kept",
        OUTPUT_FAILED: "stdout can't be written, for example because the disk is full",
        UNKNOWN_CODE: "an error of the campus with an unknown code",
        INTERRUPTED: "interrupted",
        BROKEN_PIPE: "the reader of stdout closed it",
        TERMINATED: "an export ended by SIGTERM",
        **{code: text for _, code, text in _CODES if text},
    }
    lines = "\n".join(f"{code:>4}  {text}" for code, text in sorted(known.items()))
    # Click doesn't rewrap a paragraph that starts with \b.
    return f"\b\nExit codes (after 8 to 12, the same command may succeed later):\n{lines}"
