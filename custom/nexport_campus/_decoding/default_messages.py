"""Default messages for errors whose response has no message from the campus."""

import re
from collections.abc import Mapping
from typing import Any, Final

from nexport_campus._auth.redaction import Scrubber
from nexport_campus._errors import APIError, AuthenticationError, RateLimitError
from nexport_campus._http.attempt import HttpResponse

from .decoder import NotJSON, parse_json
from .error_entity import ErrorEntity

__all__ = ["make_default_message"]

_LONGEST: Final = 160
_QUERY: Final = re.compile(r"\?[^\s'\"<>]+")
"""Queries in messages: ASP.NET repeats the request's URL, which holds the token and students' ids."""


def make_default_message(
    cls: type[APIError], response: HttpResponse, entity: ErrorEntity, scrubber: Scrubber
) -> str:
    """Return a message for a response without a reason: its likely source and what to check."""
    if 300 <= response.status_code < 400:
        return "the response is a redirect, which is not followed: check base_url"
    if cls is RateLimitError:
        return "too many requests"
    quote = _quote(response.content, scrubber)
    if cls is APIError and not entity.present:
        return (
            f"{_describe_kind(response)} that isn't the campus's own: it comes from a gateway, a firewall, IIS or a wrong base_url,"
            " and says nothing about a record" + (f': "{quote}"' if quote else "")
        )
    if cls is AuthenticationError:
        return "the credentials or the token were refused, without details"
    return "no error details in the response" + (f' except "{quote}"' if quote else "")


def _describe_kind(response: HttpResponse) -> str:
    if response.empty:
        return "an empty response"
    return "an HTML page" if response.content.lstrip()[:1] == b"<" else "a response"


def _quote(content: bytes, scrubber: Scrubber) -> str:
    """Return an ASP.NET body's message: `Message` of Web API 2, or `title` and `detail` of ProblemDetails."""
    try:
        body = parse_json(content)
    except NotJSON:
        return ""
    if not isinstance(body, Mapping):
        return ""
    words = _join_words(body, "Message") or _join_words(body, "title", "detail")
    # Redacted before truncation: half a secret would not be recognized.
    quote = " ".join(scrubber.scrub(_QUERY.sub("?...", words)).split())
    return f"{quote[:_LONGEST]}..." if len(quote) > _LONGEST else quote


def _join_words(body: Mapping[str, Any], *keys: str) -> str:
    return " ".join(value for key in keys if isinstance(value := body.get(key), str))
