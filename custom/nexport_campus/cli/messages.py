"""Adaptation of the SDK's messages to the command line.

The SDK's errors give advice for Python: settings of the client and names of arguments. These are replaced by options and
environment variables, or removed if the command line has no such setting. Messages are adapted as text, because warnings
in the log need this as well as errors; the tests adapt every message of the SDK that names a setting, and fail for one
that no pattern here covers.
"""

import re
from typing import Final

from nexport_campus._errors import ArgumentError, NexportError

__all__ = ["adapt_message", "render_error"]

_PHRASES: Final = (
    (r",? or allow_insecure_http=True[^;.)]*", ""),
    (r"(?<!--)\btimeout must\b", "--timeout must"),
    (r"\braise timeout\b", "raise --timeout"),
    (r"(?<=wrong )base_url\b", "address (--base-url or NEXPORT_BASE_URL)"),
    (r"\bbase_url\b", "the address (--base-url or NEXPORT_BASE_URL)"),
    (r"\bmax_response_bytes, (\S+)", r"\1 bytes, the most that is read"),
    (r"\bmax_retry_after \((\S+ s)\)", r"\1"),
    (r"\bthe proxy's address\b(?! \()", "the proxy's address (http_proxy, https_proxy or all_proxy)"),
)
_QUOTED_OR_NAME: Final = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![\w.-])([a-z]+(?:_[a-z]+)+)(?![\w(=])")


def adapt_message(text: str) -> str:
    """Return a message of the SDK with Python settings replaced by options."""
    for pattern, replacement in _PHRASES:
        text = re.sub(pattern, replacement, text)
    return text


def render_error(error: NexportError) -> str:
    """Return the line that reports an error."""
    text = str(error)
    if isinstance(error, ArgumentError):
        text = _QUOTED_OR_NAME.sub(lambda found: _to_option(found[1]) if found[1] else found[0], text)
        # An argument name of one word can only be recognized by its position.
        name = re.match(r"[a-z]+(?![a-z_])", error.message)
        if name and (error.argument or "").startswith(name[0]):
            text = text.replace(name[0], _to_option(name[0]), 1)
    return adapt_message(text)


def _to_option(argument: str) -> str:
    return f"--{argument.replace('_', '-')}"
