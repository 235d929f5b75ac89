"""HTTP application: finds the operation, checks the token, and responds as the vendor does."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import re
import sys
import traceback
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from nexport_campus.sandbox import operations  # noqa: F401  importing the package registers the operations
from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.issued_tokens import expire, find_caller
from nexport_campus.sandbox.operation_results import ErrorCode, NotModeled, OperationRefused, OperationResult
from nexport_campus.sandbox.operations.registry import OPERATIONS, ModeledOperation, OperationCall
from nexport_campus.sandbox.request_arguments import QueryArguments, RequestArguments, read_body

from .classroom_page import make_classroom_route
from .control import Controls
from .faults import Fault, Faults
from .http_responses import Connections, CutResponse, ResetResponse, make_json_response
from .request_log import Entry, RequestLog
from .strict_responses import replace_nulls
from .webhook_sender import WebhookSender

__all__ = ["make_app"]

# Areas of the vendor's API with operations that the sandbox does not model.
_ELSEWHERE: Final = re.compile(
    r"/api/v1/(swagger\.nex|(AdminApi|AssessmentApi|PointOfSaleApi|PostmanApi|SsoApi)/\w+)", re.ASCII
)


@dataclasses.dataclass(frozen=True, slots=True)
class _ReceivedRequest:
    """One request and its entry in the request log."""

    operation: ModeledOperation
    query: dict[str, str]
    content: bytes
    content_type: str
    base_url: str
    entry: Entry

    def body(self) -> RequestArguments:
        """Return the arguments in the body, or none for an operation without a body."""
        if self.operation.method == "POST":
            return read_body(self.content, self.content_type)
        return RequestArguments({})


class _Service:
    """One campus with its request log, its scripted failures and its webhooks."""

    def __init__(self, controls: Controls, connections: Connections) -> None:
        self.campus = controls.campus
        self.log = controls.log
        self.faults = controls.faults
        self.webhooks = controls.webhooks
        self.connections = connections

    async def serve(self, operation: ModeledOperation, request: Request) -> Response:
        """Respond to a request, or fail as scripted."""
        try:
            content = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        query = dict(request.query_params)
        entry = self.log.open(operation.id, query)
        content_type, base_url = request.headers.get("content-type", ""), str(request.base_url).rstrip("/")
        received = _ReceivedRequest(operation, query, content, content_type, base_url, entry)
        fault = self.faults.pick(operation.id)
        try:
            return self._respond(received) if fault is None else await self._fail(received, fault)
        finally:
            self.log.close()

    async def _fail(self, received: _ReceivedRequest, fault: Fault) -> Response:
        """Fail as scripted, running the operation before or after the delay, or not at all."""
        received.entry.fault = fault.number
        if fault.expire_token:
            expire(self.campus, received.query.get("access_token", ""))
        response: Response | None = None
        if fault.when == "after":
            response = self._respond(received)
        await asyncio.sleep(fault.delay)
        if fault.when == "before" and fault.lets_through:
            response = self._respond(received)
        if fault.reset:
            received.entry.status = 0
            return ResetResponse(self.connections)
        if response is None or fault.replaces:
            status, body, content_type = fault.response_parts()
            response = Response(body, status, media_type=content_type)
        response.headers.update(fault.headers)
        received.entry.status = response.status_code
        return response if fault.cut is None else CutResponse(response, fault.cut)

    def _respond(self, received: _ReceivedRequest) -> Response:
        """Run the operation in a transaction and return its response; a refusal or an error rolls it back."""
        campus, entry = self.campus, received.entry
        campus.connection.execute("BEGIN")
        try:
            result = self._handle(received)
            campus.connection.execute("COMMIT")
            entry.changes.extend(campus.changes)
            self.webhooks.notify(campus.changes)
        except OperationRefused as refusal:
            campus.connection.execute("ROLLBACK")
            entry.status = refusal.status
            return make_json_response(refusal.content, refusal.status)
        except NotModeled as error:
            campus.connection.execute("ROLLBACK")
            entry.status = 501
            return _make_not_modeled_response(str(error))
        except BaseException:
            campus.connection.execute("ROLLBACK")
            raise
        finally:
            campus.changes.clear()
        entry.status = 200
        content = replace_nulls(result.content) if campus.settings.strict else result.content
        return make_json_response(content, 200, result.headers)

    def _handle(self, received: _ReceivedRequest) -> OperationResult:
        operation, query = received.operation, received.query
        user = find_caller(self.campus, query.get("access_token")) if operation.needs_token else 0
        return operation.handler(
            self.campus, OperationCall(user, QueryArguments(query), received.body(), received.base_url)
        )


async def _handle_unmatched(request: Request, error: Exception) -> Response:
    """Return 501 for a path that the vendor has but the sandbox does not model, and 404 for others."""
    path = request.url.path
    if _ELSEWHERE.fullmatch(path):
        return _make_not_modeled_response(path)
    return make_json_response({"message": f"There is nothing at {path}"}, 404)


def _make_not_modeled_response(what: str) -> Response:
    reason = f"The sandbox does not model {what}"
    # Clients look for `detail` in the errors of servers other than the campus.
    return make_json_response({"message": reason, "detail": reason}, 501)


async def _handle_internal_error(request: Request, error: Exception) -> Response:
    """Log an error in the sandbox to stderr, and return the vendor's unknown error."""
    traceback.print_exception(error, file=sys.stderr)
    return make_json_response(
        OperationRefused(500, ErrorCode.UNKNOWN_ERROR, "The sandbox failed").content, 500
    )


def make_app(campus: CampusState, faults: Faults, connections: Connections) -> Starlette:
    """Return the application. The server registers its open connections in `connections`."""
    controls = Controls(campus, RequestLog(), faults, WebhookSender(campus))
    service = _Service(controls, connections)
    routes = [*controls.routes(), make_classroom_route(campus)]
    for operation in OPERATIONS.values():
        route = Route(operation.path, functools.partial(service.serve, operation), methods=[operation.method])
        # Starlette would run the GET for a HEAD request, and some of the vendor's GETs delete data.
        route.methods = {operation.method}
        routes.append(route)
    return Starlette(routes=routes, exception_handlers={404: _handle_unmatched, 500: _handle_internal_error})
