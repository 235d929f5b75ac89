"""The public sandbox: start and stop, request log, clock and webhooks."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import http.client
import os
import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID

from .accounts import ACCOUNT_NAMES, account_password, account_username
from .fault_script import FaultScript
from .reports import Account, Books, Samples
from .sandbox_settings import SandboxSettings
from .serving.process import SandboxError, ServerProcess
from .webhook_calls import COMPLETED, CREATED, WebhookTarget, post

__all__ = ["Sandbox"]


class Sandbox:
    """A campus to develop and test against without an account: a real HTTP server in its own process.

    It is stateful and seeded, and follows the rules of the vendor's pages, as `docs/sandbox-rules.md` lists.

        async with Sandbox(seed=7) as sandbox:
            sandbox.url, sandbox.username, sandbox.password

    Args:
        seed: The same seed and size produce the same campus, including ids, names and passwords.
        enrollments: The number of enrollments, at least 500; creating a million takes some seconds.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        token_lifetime: How long an access token is valid, in seconds of the campus's clock.
        refused_token_status: The HTTP status for a refused token, 401, 403 or 200; its error code is 4.
        strict: Responses conform exactly to the vendor's schemas; otherwise the server sends nulls wherever
            the real one is known to, even in required fields.
        database: A file that stores the campus; None keeps it in memory. A file that already holds a campus
            of the same seed and size is opened with its changes.

    Raises ValueError for invalid arguments; entering raises `SandboxError` if the server cannot start. The
    server stops at the end of the `async with` block, or with the process that started it.
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
        self.faults = FaultScript(self._control)

    def __repr__(self) -> str:
        return f"<Sandbox {self._server.url if self._server else 'not running'}>"

    async def __aenter__(self) -> Self:
        """Start the server. Raises SandboxError if that fails or if it is already running."""
        if self._server is not None:
            raise SandboxError("this sandbox is already running")
        self._server = await asyncio.to_thread(ServerProcess, self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server."""
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.stop)

    @property
    def url(self) -> str:
        """Return the server's address, without a trailing slash."""
        return self._running.url

    @property
    def username(self) -> str:
        """Return the name of an API user who has every permission in every organization."""
        return self.accounts["administrator"].username

    @property
    def password(self) -> str:
        """Return the password of that user."""
        return self.accounts["administrator"].password

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Return the API users of the campus, by role.

        `administrator` has every permission everywhere; `viewer` has the View permissions in one
        organization with others below it (Northwind East); `registrar` has the View and Update permissions in
        one below that (Samples.org_id), but none to add subscriptions or memberships, drop or delete;
        `instructor` has no permission but instructs sections; `operator` (a System Operator) and `service`
        (Customer Service) may not log in (AdminApi, Authenticate).
        """
        return {
            name: Account(account_username(name), account_password(self._settings.seed, name))
            for name in ACCOUNT_NAMES
        }

    async def samples(self) -> Samples:
        """Return sample ids."""
        return Samples.from_json(await self._control("samples"))

    async def books(self, since: int = 0) -> Books:
        """Return the log of the requests that the server received after the one numbered `since`."""
        return Books.from_json(await self._control("books", since=since))

    async def advance(self, seconds: float) -> None:
        """Move the campus's clock forward by this many seconds; tokens expire accordingly.

        Raises ValueError for a negative number.
        """
        if seconds < 0:
            raise ValueError("seconds: the clock can't be moved back")
        await self._control("advance", seconds=seconds)

    async def expire_tokens(self) -> None:
        """Expire every token issued so far."""
        await self._control("expire_tokens")

    async def complete_enrollment(self, enrollment_id: UUID | str, *, passed: bool = True) -> None:
        """Finish an enrollment with all its assignments, as a student does in the classroom.

        Raises ValueError for an unknown enrollment.
        """
        await self._control("complete", enrollment_id=str(enrollment_id), passed=passed)

    async def add_webhook(
        self,
        url: str,
        *,
        secret: str,
        secret_in: Literal["header", "body"] = "header",
        events: Sequence[str] = (CREATED, COMPLETED),
    ) -> None:
        """Call a URL from now on whenever an enrollment is created or completed.

        Each webhook is sent once, with POST and a JSON body with `event`, `enrollment_id`, `user_id` and
        `subscription_id`. The secret is in the header X-Nexport-Secret, or in the body's field `secret`. `books()`
        lists what was sent; `reset()` removes the URL. Raises ValueError for invalid arguments.
        """
        target = WebhookTarget(url=url, secret=secret, secret_in=secret_in, events=tuple(events))
        await self._control("webhooks/add", **dataclasses.asdict(target))

    async def send_webhook(
        self,
        url: str,
        event: str = COMPLETED,
        *,
        secret: str,
        secret_in: Literal["header", "body"] = "header",
        enrollment_id: UUID | str | None = None,
        user_id: UUID | str | None = None,
        assignment_id: UUID | str | None = None,
        subscription_id: UUID | str | None = None,
    ) -> int:
        """Call a URL once about an enrollment of the campus, and return the status of the response.

        Without `enrollment_id` it is about `Samples.finished_enrollment_id`. The user and the subscription are those
        of the enrollment, unless other ones are given.

        Raises ValueError for invalid arguments or an unknown enrollment, SandboxError if no response comes.
        """
        if enrollment_id is None:
            enrollment_id = (await self.samples()).finished_enrollment_id
        known = await self._control("webhooks/fields", enrollment_id=str(enrollment_id))
        target = WebhookTarget(url=url, secret=secret, secret_in=secret_in)
        given = {"user_id": user_id, "assignment_id": assignment_id, "subscription_id": subscription_id}
        ids = {name: str(value) for name, value in given.items() if value is not None}
        try:
            return await asyncio.to_thread(post, target, {"event": event, **known, **ids})
        except (OSError, http.client.HTTPException) as error:
            raise SandboxError(f"no response from {url}: {error}") from error

    async def reset(self) -> None:
        """Restore the campus to its initial state: changes, tokens, request log, failures and webhooks are discarded.

        The clock keeps its time. Raises ValueError for a campus in a file or of more than 50,000 enrollments.
        """
        await self._control("reset")

    @property
    def _running(self) -> ServerProcess:
        if self._server is None:
            raise SandboxError("this sandbox is not running: use `async with Sandbox() as sandbox`")
        return self._server

    async def _control(self, action: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(functools.partial(self._running.control, action, arguments))
