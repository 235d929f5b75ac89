"""Crashes at a chosen place of a program: before or after each request and each change of its database."""

import ssl

import httpx
from paid_orders import OrderStore

__all__ = ["Crash", "CrashPlan", "CrashingStore", "CrashingTransport"]

# Creating a context takes longer than the rest of a run.
_TLS = ssl.create_default_context()


class Crash(BaseException):
    """The end of the program: nothing handles it."""


class CrashPlan:
    """Counts the places that a program passes, and raises Crash at the chosen one."""

    def __init__(self, place: int | None = None) -> None:
        self._place = place
        self.passed = 0

    def point(self) -> None:
        """Pass one place."""
        self.passed += 1
        if self.passed == self._place:
            raise Crash


class CrashingTransport(httpx.AsyncHTTPTransport):
    """A transport that passes a place before each request is sent and after its response has come."""

    def __init__(self, plan: CrashPlan) -> None:
        super().__init__(verify=_TLS)
        self._plan = plan

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self._plan.point()
        response = await super().handle_async_request(request)
        await response.aread()
        await response.aclose()
        self._plan.point()
        return response


class CrashingStore(OrderStore):
    """A store that passes a place before and after each change."""

    plan = CrashPlan()

    def _execute(self, sql: str, *arguments: object) -> int:
        self.plan.point()
        changed = super()._execute(sql, *arguments)
        self.plan.point()
        return changed
