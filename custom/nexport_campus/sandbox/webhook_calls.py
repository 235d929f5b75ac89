"""Webhooks as a campus sends them: a JSON body from an administrator's template, with a shared secret."""

from __future__ import annotations

import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["COMPLETED", "CREATED", "WebhookTarget", "post"]

CREATED: Final = "Enrollment Created"
COMPLETED: Final = "Complete Enrollment"
_SECONDS: Final = 10.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """Where webhooks go, and the secret that they carry. Raises ValueError for an invalid setting."""

    url: str
    secret: str = dataclasses.field(repr=False)
    secret_in: Literal["header", "body"] = "header"
    events: tuple[str, ...] = (CREATED, COMPLETED)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url: must begin with http:// or https://")
        if self.secret_in not in ("header", "body"):
            raise ValueError("secret_in: 'header' or 'body'")


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """Treat a redirect as the response: following it would send the secret elsewhere."""

    def redirect_request(self, *arguments: object) -> None:
        return None


def post(target: WebhookTarget, fields: Mapping[str, str | None]) -> int:
    """Send one webhook and return the status of the response. Blocks. Raises OSError without a response."""
    headers, body = {"Content-Type": "application/json"}, dict(fields)
    if target.secret_in == "header":
        headers["X-Nexport-Secret"] = target.secret
    else:
        body["secret"] = target.secret
    request = urllib.request.Request(target.url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310  checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _KeepRedirects())
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            status: int = response.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    return status
