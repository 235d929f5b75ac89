"""Scripted failures of a sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

__all__ = ["FaultScript"]


class FaultScript:
    """Scripted failures of a sandbox: `sandbox.faults`."""

    def __init__(self, control: Callable[..., Awaitable[Any]]) -> None:
        self._control = control

    async def add(
        self,
        *,
        operation: str | None = None,
        nth: int | None = None,
        rate: float | None = None,
        times: int | None = None,
        when: Literal["before", "after"] = "before",
        status: int | None = None,
        body: str | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        html: bool = False,
        delay: float = 0.0,
        reset: bool = False,
        cut: int | None = None,
        expire_token: bool = False,
    ) -> int:
        """Make requests fail from now on, and return the failure's number, which the request log refers to.

        The affected requests are those of `operation` (an operationId such as "LearningApi_GetSection"; None:
        all): only the `nth` from now, or a share `rate` between 0 and 1 (chosen by the seed), at most `times`. By
        default all of them fail. If several failures match a request, the first one applies.

        The failure happens `when="before"` or `"after"` the campus handled the request:

        - `status`, `body`, `content_type`, `headers`: a response that replaces the campus's; `headers`
          without the others are added to it. `html=True`: a gateway's HTML page, with status 502 by default.
        - `delay`: seconds to wait.
        - `reset=True`: the connection is reset.
        - `cut`: the response ends after this many bytes of its body, short of its Content-Length.
        - `expire_token=True`: the request's token expires at once.

        Raises ValueError if these exclude each other or none is given.
        """
        arguments = {
            "operation": operation,
            "nth": nth,
            "rate": rate,
            "times": times,
            "when": when,
            "status": status,
            "body": body,
            "content_type": content_type,
            "headers": dict(headers or {}),
            "html": html,
            "delay": delay,
            "reset": reset,
            "cut": cut,
            "expire_token": expire_token,
        }
        number: int = await self._control("faults/add", **arguments)
        return number

    async def clear(self) -> None:
        """Remove all failures. A delayed request still fails; the numbers of later failures continue."""
        await self._control("faults/clear")
