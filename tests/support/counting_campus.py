"""A campus that counts logins and requests, for tests with several processes."""

import asyncio
import math
import time
from collections.abc import Callable, Collection
from uuid import uuid4

import attrs

from tests.support.scripted_server import Request, Response, error_entity, json_response

__all__ = ["PASSWORD", "USERNAME", "CountingCampus", "most_in_a_second"]

USERNAME, PASSWORD = "api.reporting", "a good password"


@attrs.define(eq=False)
class CountingCampus:
    """The handler of a `ScriptedServer`: logins with the password, and calls with a token that is valid.

    `lifetime`: of a token, in seconds of `clock`. `login_seconds`: how long a login takes. `limited`: responses to the
    next calls, instead of the ordinary one.

    `logins`, `refusals`: how many there were. `calls`: the arrival times of the accepted calls, on the monotonic clock.
    `arrivals`: those of all requests. `issued`: the valid tokens, and when they expire. `tokens`: all of them, also the
    revoked ones. `gate`: an event that calls wait for. `rejections`: the calls whose token was not valid.
    """

    lifetime: int | None = 3600
    login_seconds: float = 0.0
    limited: list[Response] = attrs.field(factory=list)
    password: str = PASSWORD
    clock: Callable[[], float] = time.monotonic
    logins: int = attrs.field(default=0, init=False)
    refusals: int = attrs.field(default=0, init=False)
    rejections: int = attrs.field(default=0, init=False)
    calls: list[float] = attrs.field(factory=list, init=False)
    arrivals: list[float] = attrs.field(factory=list, init=False)
    issued: dict[str, float] = attrs.field(factory=dict, init=False)
    tokens: list[str] = attrs.field(factory=list, init=False)
    gate: asyncio.Event | None = attrs.field(default=None, init=False)

    async def __call__(self, request: Request) -> Response:
        self.arrivals.append(time.monotonic())
        if request.operation_id == "AdminApi_Authenticate":
            return await self._log_in(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.limited:
            return self.limited.pop(0)
        token = dict(request.query)["access_token"]
        if self.clock() >= self.issued.get(token, 0.0):
            self.rejections += 1
            return json_response(error_entity(4, "The token is not valid"), 401)
        self.calls.append(time.monotonic())
        return json_response({"description": "Safety first"} | error_entity())

    async def _log_in(self, request: Request) -> Response:
        self.logins += 1
        await asyncio.sleep(self.login_seconds)
        if (
            self.password not in request.body.decode()
            and self.password.replace(" ", "+") not in request.body.decode()
        ):
            self.refusals += 1
            return json_response(error_entity(4, "Wrong password"), 403)
        token = str(uuid4())
        self.tokens.append(token)
        self.issued[token] = self.clock() + (math.inf if self.lifetime is None else self.lifetime)
        login = {"access_token": token, "token_type": "bearer", "expires_in": self.lifetime}
        return json_response(login | error_entity())

    def revoke(self) -> None:
        """Make all tokens that were issued invalid."""
        self.issued.clear()


def most_in_a_second(times: Collection[float]) -> int:
    """Return the largest number of times in any one second."""
    ordered = sorted(times)
    return max(
        (sum(1 for time in ordered[first:] if time < start + 1) for first, start in enumerate(ordered)),
        default=0,
    )
