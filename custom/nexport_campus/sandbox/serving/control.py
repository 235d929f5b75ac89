"""Private control routes of the server for `Sandbox`: faults, request log, clock, sample ids, webhooks.

They are not part of the modeled API, and return 404 without the sandbox's random key.
"""

from __future__ import annotations

import dataclasses
import functools
import hmac
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.issued_tokens import expire
from nexport_campus.sandbox.operation_results import OperationRefused
from nexport_campus.sandbox.operations.completion import complete_enrollment
from nexport_campus.sandbox.operations.invoice_reports import find_invoices
from nexport_campus.sandbox.operations.samples import find_samples

from .faults import Faults
from .http_responses import make_json_response
from .request_log import RequestLog
from .webhook_sender import WebhookSender, find_enrollment_fields

__all__ = ["Controls"]

_Action = Callable[[dict[str, Any]], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Controls:
    """What the parent controls: the campus, its request log, its scripted failures and its webhooks."""

    campus: CampusState
    log: RequestLog
    faults: Faults
    webhooks: WebhookSender

    def routes(self) -> list[Route]:
        """Return a route for each action of the parent: POST /sandbox/<action> with a JSON object."""
        actions: dict[str, _Action] = {
            "books": lambda body: self._books(body["since"]),
            "samples": lambda body: find_samples(self.campus),
            "advance": lambda body: self.campus.clock.advance(body["seconds"]),
            "expire_tokens": lambda body: expire(self.campus),
            "reset": lambda body: self._reset(),
            "faults/add": self.faults.add,
            "faults/clear": lambda body: self.faults.clear(),
            "complete": lambda body: self._complete(body["enrollment_id"], body["passed"]),
            "webhooks/add": self.webhooks.add,
            "webhooks/fields": lambda body: self._enrollment_fields(body["enrollment_id"]),
        }
        key = self.campus.settings.control_key
        return [
            Route(f"/sandbox/{name}", functools.partial(_run_action, key, action), methods=["POST"])
            for name, action in actions.items()
        ]

    def _books(self, since: int) -> dict[str, Any]:
        webhooks = {"webhooks": self.webhooks.report()}
        return {**self.log.since(since), "invoices": find_invoices(self.campus), **webhooks}

    def _reset(self) -> None:
        self.campus.restore()
        self.log.clear()
        self.faults.restart()
        self.webhooks.clear()

    def _complete(self, enrollment_id: str, passed: bool) -> None:
        campus = self.campus
        try:
            complete_enrollment(campus, enrollment_id, passed)
            self.webhooks.notify(campus.changes)
        except OperationRefused as refusal:
            raise ValueError(refusal.message) from refusal
        finally:
            campus.changes.clear()

    def _enrollment_fields(self, enrollment_id: str) -> dict[str, str]:
        try:
            return find_enrollment_fields(self.campus, enrollment_id)
        except OperationRefused as refusal:
            raise ValueError(refusal.message) from refusal


async def _run_action(key: str, action: _Action, request: Request) -> Response:
    given = request.headers.get("x-sandbox-key", "").encode()
    if not key or not hmac.compare_digest(given, key.encode()):
        raise HTTPException(404)
    try:
        return make_json_response({"result": action(await request.json())})
    except (TypeError, ValueError) as error:
        return make_json_response({"error": str(error)}, 400)
