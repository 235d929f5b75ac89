"""The sandboxes of one test session: a server for each set of settings, reset before each test."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from nexport_campus.sandbox import Sandbox

__all__ = ["SandboxPool"]

_MOST_TO_RESET = 50_000


class _PooledSandbox(Sandbox):
    """A sandbox that tracks whether a reset restores its initial state: a reset doesn't move its clock back."""

    moved = False

    async def advance(self, seconds: float) -> None:
        """Move the campus's clock ahead by that many seconds; tokens expire accordingly."""
        self.moved = True
        await super().advance(seconds)


class SandboxPool:
    """A pool that starts sandboxes and keeps those that can be reset: starting one takes longer than most tests."""

    def __init__(self) -> None:
        self._kept: dict[str, _PooledSandbox] = {}
        self._running = AsyncExitStack()

    async def fresh(self, settings: dict[str, Any]) -> Sandbox:
        """Return a sandbox with these settings in its initial state.

        Raises SandboxError if it can't start, ValueError or TypeError for invalid settings.
        """
        key = repr(sorted(settings.items()))
        kept = self._kept.get(key)
        if kept is not None and not kept.moved:
            await kept.reset()
            return kept
        sandbox = await self._running.enter_async_context(_PooledSandbox(**settings))
        if settings.get("database") is None and settings.get("enrollments", 0) <= _MOST_TO_RESET:
            self._kept[key] = sandbox
        return sandbox

    async def aclose(self) -> None:
        """Stop all servers."""
        await self._running.aclose()
