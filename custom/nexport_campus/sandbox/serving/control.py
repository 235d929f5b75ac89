"""Private control routes of the server for `Sandbox`: faults, request log, clock and sample ids.

They are not part of the modelled API, and return 404 without the sandbox's random key.
"""

from __future__ import annotations

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
from nexport_campus.sandbox.operations.invoice_reports import find_invoices
from nexport_campus.sandbox.operations.samples import find_samples

from .faults import Faults
from .http_responses import json_response
from .request_log import RequestLog

__all__ = ["control_routes"]

_Action = Callable[[dict[str, Any]], Any]


def control_routes(campus: CampusState, log: RequestLog, faults: Faults) -> list[Route]:
    """Return a route for each action of the parent: POST /sandbox/<action> with a JSON object."""
    actions: dict[str, _Action] = {
        "books": lambda body: {**log.since(body["since"]), "invoices": find_invoices(campus)},
        "samples": lambda body: find_samples(campus),
        "advance": lambda body: campus.clock.advance(body["seconds"]),
        "expire_tokens": lambda body: expire(campus),
        "reset": lambda body: _reset(campus, log, faults),
        "faults/add": faults.add,
        "faults/clear": lambda body: faults.clear(),
    }
    return [
        Route(
            f"/sandbox/{name}",
            functools.partial(_run_action, campus.settings.control_key, action),
            methods=["POST"],
        )
        for name, action in actions.items()
    ]


def _reset(campus: CampusState, log: RequestLog, faults: Faults) -> None:
    campus.restore()
    log.clear()
    faults.restart()


async def _run_action(key: str, action: _Action, request: Request) -> Response:
    given = request.headers.get("x-sandbox-key", "")
    if not key or not hmac.compare_digest(given, key):
        raise HTTPException(404)
    try:
        return json_response({"result": action(await request.json())})
    except (TypeError, ValueError) as error:
        return json_response({"error": str(error)}, 400)
