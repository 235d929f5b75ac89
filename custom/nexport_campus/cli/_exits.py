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
    "PARTIAL",
    "TERMINATED",
    "UNEXPECTED",
    "USAGE",
    "epilog",
    "exit_code",
]

UNEXPECTED = 1
USAGE = 2
PARTIAL = 15
INTERRUPTED = 130
"""As shells have it for a process that SIGINT ended."""
BROKEN_PIPE = 141
"""As shells have it for a process that SIGPIPE ended: nobody reads what we write."""
TERMINATED = 143
"""The code that shells give a process ended by SIGTERM."""

# A class before those that it derives from.
_CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (ArgumentError, USAGE, ""),
    (ConfigurationError, USAGE, ""),
    (AuthenticationError, 3, "the credentials or the token were refused"),
    (PermissionDeniedError, 4, "the account may not do this"),
    (NotFoundError, 5, "not found"),
    (InvalidRequestError, 6, "the campus refused the arguments"),
    (AlreadyExistsError, 7, "it exists already"),
    (RateLimitError, 8, "too many requests"),
    (ServerError, 9, "the campus failed"),
    (
        APIError,
        10,
        "any other error response: of a gateway, a firewall or a wrong address, or with an unknown code",
    ),
    (RequestTimeoutError, 12, "no answer in time"),
    (TransportError, 11, "no usable answer: DNS, connection, TLS, proxy"),
    (ResponseDecodeError, 13, "an answer that isn't what the spec says"),
    (PaginationError, 14, "pages that contradict one another"),
)


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return next((code for cls, code, _ in _CODES if isinstance(error, cls)), UNEXPECTED)


def epilog() -> str:
    """The table of exit codes, as `nexport --help` ends with it."""
    known = {
        0: "done",
        UNEXPECTED: "an unexpected error, or something that doctor found",
        USAGE: "a mistake on the command line, in an argument or in the settings; nothing was sent",
        PARTIAL: "an export that left out a few records",
        INTERRUPTED: "interrupted",
        BROKEN_PIPE: "nobody reads the output",
        TERMINATED: "an export ended by SIGTERM",
        **{code: text for _, code, text in _CODES if text},
    }
    lines = "\n".join(f"{code:>4}  {text}" for code, text in sorted(known.items()))
    # Click leaves a paragraph that begins with \b as it is.
    return f"\b\nExit codes:\n{lines}"
