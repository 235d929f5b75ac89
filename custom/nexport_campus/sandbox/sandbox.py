"""The sandbox as its users have it: start, scripted failures, books, the clock, end."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from .accounts import ACCOUNT_NAMES, account_password
from .reports import Account, Books, Samples
from .sandbox_settings import SandboxSettings
from .serving.process import SandboxError, ServerProcess

__all__ = ["FaultScript", "Sandbox"]


class Sandbox:
    """A campus to work against without an account: a real HTTP server in a process of its own.

    It is stateful, seeded and obeys the rules of the vendor's pages; `docs/sandbox-rules.md` lists them.

        async with Sandbox(seed=7) as sandbox:
            sandbox.url, sandbox.username, sandbox.password

    Arguments:
        seed: the same seed and size make the same campus, ids, names and passwords included.
        enrollments: how many there are, at least 500; a million take some seconds to make.
        host: where to listen.
        port: likewise; 0 takes a free one.
        token_lifetime: how long an access token is valid, in seconds of the campus's clock.
        refused_token_status: the HTTP status of a refused token, 401, 403 or 200; its error code is 4.
        strict: answers conform to the vendor's schemas to the letter; otherwise the server sends nulls
            where the real one is known to, in required fields too.
        database: a file to keep the campus in; None keeps it in memory. A file that holds a campus of
            the same seed and size is continued as it is.

    Raises ValueError for arguments that can't work; entering raises `SandboxError` if the server can't
    start. The server ends with the `async with` block, or with the process that started it.
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        enrollments: int = 5000,
        host: str = "127.0.0.1",
        port: int = 0,
        token_lifetime: float = 3600.0,
        refused_token_status: Literal[200, 401, 403] = 403,
        strict: bool = False,
        database: str | os.PathLike[str] | None = None,
    ) -> None:
        self._settings = SandboxSettings(
            seed=seed,
            enrollments=enrollments,
            host=host,
            port=port,
            token_lifetime=token_lifetime,
            refused_token_status=refused_token_status,
            strict=strict,
            database=None if database is None else os.fspath(database),
            control_key=secrets.token_hex(16),
        )
        self._server: ServerProcess | None = None
        self.faults = FaultScript(self)

    def __repr__(self) -> str:
        return f"<Sandbox {self._server.url if self._server else 'not running'}>"

    async def __aenter__(self) -> Self:
        """Start the server. Raises SandboxError if that fails, or if it runs already."""
        if self._server is not None:
            raise SandboxError("this sandbox is running already")
        self._server = await asyncio.to_thread(ServerProcess, self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the server."""
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.stop)

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._running.url

    @property
    def username(self) -> str:
        """The name of an API user who has every permission in every organization."""
        return self.accounts["administrator"].username

    @property
    def password(self) -> str:
        """That user's password."""
        return self.accounts["administrator"].password

    @property
    def accounts(self) -> Mapping[str, Account]:
        """All API users of the campus, by what they are.

        `administrator` may do everything everywhere; `viewer` has the View permissions in one
        organization with others below it (Northwind East); `registrar` the View and Update permissions in
        one below that (Samples.org_id), and none to add subscriptions or memberships, drop or delete;
        `instructor` has none but instructs sections; `operator` (a System Operator) and `service`
        (Customer Service) may not log in (AdminApi, Authenticate).
        """
        return {
            name: Account(f"api.{name}", account_password(self._settings.seed, name))
            for name in ACCOUNT_NAMES
        }

    async def samples(self) -> Samples:
        """Ids worth trying."""
        return Samples.from_json(await self._control("samples"))

    async def books(self, since: int = 0) -> Books:
        """What the server received and did: the requests after the one numbered `since`."""
        return Books.from_json(await self._control("books", since=since))

    async def advance(self, seconds: float) -> None:
        """Move the campus's clock ahead by that many seconds; tokens expire accordingly.

        Raises ValueError for a negative number.
        """
        if seconds < 0:
            raise ValueError("seconds: the clock can't be moved back")
        await self._control("advance", seconds=seconds)

    async def expire_tokens(self) -> None:
        """End every token that was issued so far."""
        await self._control("expire_tokens")

    async def reset(self) -> None:
        """Make the campus as it was at the start: what was changed, tokens, books and failures are gone.

        The clock stays where it is. Raises ValueError for a campus in a file or of more than 50,000 enrollments.
        """
        await self._control("reset")

    @property
    def _running(self) -> ServerProcess:
        if self._server is None:
            raise SandboxError("this sandbox is not running: use `async with Sandbox() as sandbox`")
        return self._server

    async def _control(self, action: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(functools.partial(self._running.control, action, arguments))


class FaultScript:
    """Scripts failures of a sandbox: `sandbox.faults`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

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
        """Let calls fail from now on; answers the failure's number, which the books name.

        Which calls: those of `operation` (an operationId such as "LearningApi_GetSection"; None: all),
        the `nth` from now only, or at a `rate` between 0 and 1 (seeded), `times` at most; else all of
        them. A call meets the first of the failures that strike it.

        What happens, `when="before"` or `"after"` the campus did what was asked:

        - `status`, `body`, `content_type`, `headers`: an answer that takes the place of the campus's;
          `headers` alone are added to it. `html=True`: a gateway's page, with status 502 unless told.
        - `delay`: seconds to wait.
        - `reset=True`: the connection is reset.
        - `cut`: the answer ends after that many bytes of its body, though it promised all.
        - `expire_token=True`: the call's token has expired, from now on.

        Raises ValueError where these exclude each other, or none is given.
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
        number: int = await self._sandbox._control("faults/add", **arguments)
        return number

    async def clear(self) -> None:
        """Remove all failures. A request that already waits for its delay still fails; later failures are numbered on."""
        await self._sandbox._control("faults/clear")
