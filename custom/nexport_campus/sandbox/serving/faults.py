"""Scripted failures: which requests fail, and how."""

from __future__ import annotations

import dataclasses
import random
from typing import Any, Final, Literal

from nexport_campus.sandbox.operations.registry import OPERATIONS
from nexport_campus.sandbox.seeding.random_streams import make_random_stream

__all__ = ["GATEWAY_PAGE", "Fault", "Faults"]

GATEWAY_PAGE: Final = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Fault:
    """One scripted failure; `FaultScript.add` documents its fields.

    Raises ValueError if it has no effect or if its fields exclude each other.
    """

    operation: str | None = None
    nth: int | None = None
    rate: float | None = None
    times: int | None = None
    when: Literal["before", "after"] = "before"
    status: int | None = None
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    html: bool = False
    delay: float = 0.0
    reset: bool = False
    cut: int | None = None
    expire_token: bool = False
    number: int = 0
    _seen: int = 0
    _struck: int = 0
    _rng: random.Random | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        replaces = self.status is not None or self.body is not None or self.html
        effects = (self.delay, self.reset, self.cut is not None, self.expire_token, self.headers)
        if not (replaces or any(effects)):
            raise ValueError("a fault needs status, body, html, headers, delay, reset, cut or expire_token")
        if self.reset and (replaces or self.cut is not None):
            raise ValueError(
                "a reset connection sends no response: reset excludes status, body, html and cut"
            )
        if self.nth is not None and self.rate is not None:
            raise ValueError("nth and rate exclude each other")
        if self.when not in ("before", "after"):
            raise ValueError("when: 'before' or 'after' the change is made")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError("rate: between 0 and 1")
        if self.operation is not None and self.operation not in OPERATIONS:
            raise ValueError(f"operation: the sandbox has no {self.operation}")
        for name, value, least in (("nth", self.nth, 1), ("times", self.times, 1), ("cut", self.cut, 0)):
            if value is not None and value < least:
                raise ValueError(f"{name}: at least {least}")
        if self.delay < 0:
            raise ValueError("delay: at least 0 seconds")

    @property
    def replaces(self) -> bool:
        """Return whether the fault's own response replaces the campus's."""
        return self.status is not None or self.body is not None or self.html

    @property
    def lets_through(self) -> bool:
        """Return whether the campus still handles a request that the fault strikes beforehand."""
        return not (self.replaces or self.reset)

    def response_parts(self) -> tuple[int, str, str]:
        """Return status, body and content type of the response that replaces the campus's."""
        status = self.status if self.status is not None else (502 if self.html else 200)
        if self.html:
            return status, self.body or GATEWAY_PAGE.format(status=status), "text/html; charset=utf-8"
        default = "application/json; charset=utf-8" if self.body else "text/plain; charset=utf-8"
        return status, self.body or "", self.content_type or default

    def strikes(self, operation: str) -> bool:
        """Count this request, and return whether it fails."""
        if self.operation not in (None, operation) or (self.times is not None and self._struck >= self.times):
            return False
        self._seen += 1
        if self.nth is not None and self._seen != self.nth:
            return False
        if self.rate is not None and self._rng is not None and self._rng.random() >= self.rate:
            return False
        self._struck += 1
        return True


class Faults:
    """All scripted failures. At most one applies to a request: the first added that strikes it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._faults: list[Fault] = []
        self._added = 0

    def add(self, arguments: dict[str, Any]) -> int:
        """Add a failure and return its number. Raises ValueError or TypeError for invalid arguments."""
        self._added += 1
        fault = Fault(
            **arguments, number=self._added, _rng=make_random_stream(self._seed, f"fault/{self._added}")
        )
        self._faults.append(fault)
        return fault.number

    def clear(self) -> None:
        """Remove all failures, and keep counting their numbers."""
        self._faults.clear()

    def restart(self) -> None:
        """Remove all failures, and start counting their numbers again."""
        self._faults.clear()
        self._added = 0

    def pick(self, operation: str) -> Fault | None:
        """Return the failure that applies to this request, if any. Every fault counts every request."""
        struck = [fault for fault in self._faults if fault.strikes(operation)]
        return struck[0] if struck else None
