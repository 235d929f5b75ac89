"""The server's application: finds the operation, checks the token, and answers as the vendor does."""

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
from nexport_campus.sandbox.issued_tokens import caller, expire
from nexport_campus.sandbox.operation_results import ErrorCode, OperationResult, Refusal
from nexport_campus.sandbox.operations.registry import OPERATIONS, Call, ModelledOperation
from nexport_campus.sandbox.request_arguments import Query, RequestArguments, body_arguments

from .control import control_routes
from .faults import Fault, Faults
from .http_responses import Connections, CutResponse, ResetResponse, json_response
from .request_log import Entry, RequestLog
from .strict_responses import without_nulls

__all__ = ["make_app"]

# Areas of the vendor's API that have operations which the sandbox has no page of.
_ELSEWHERE: Final = re.compile(
    r"/api/v1/(swagger\.nex|(AdminApi|AssessmentApi|PointOfSaleApi|PostmanApi|SsoApi)/\w+)", re.ASCII
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Received:
    """One request: what it asks for, and its entry in the books."""

    operation: ModelledOperation
    query: dict[str, str]
    content: bytes
    content_type: str
    entry: Entry

    def body(self) -> RequestArguments:
        """The arguments in its body, where the operation has one."""
        if self.operation.method == "POST":
            return body_arguments(self.content, self.content_type)
        return RequestArguments({})


class _Service:
    """One campus with its books and its scripted failures, served."""

    def __init__(
        self, campus: CampusState, books: RequestLog, faults: Faults, connections: Connections
    ) -> None:
        self.campus = campus
        self.books = books
        self.faults = faults
        self.connections = connections

    async def serve(self, operation: ModelledOperation, request: Request) -> Response:
        """Answer a request, or let it fail as scripted."""
        try:
            content = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        query = dict(request.query_params)
        entry = self.books.open(operation.id, query)
        received = _Received(operation, query, content, request.headers.get("content-type", ""), entry)
        fault = self.faults.pick(operation.id)
        try:
            return self._respond(received) if fault is None else await self._fail(received, fault)
        finally:
            self.books.close()

    async def _fail(self, received: _Received, fault: Fault) -> Response:
        """Do what was asked or not, early or late, and answer as the fault says."""
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
            status, body, content_type = fault.answer()
            response = Response(body, status, media_type=content_type)
        response.headers.update(fault.headers)
        received.entry.status = response.status_code
        return response if fault.cut is None else CutResponse(response, fault.cut)

    def _respond(self, received: _Received) -> Response:
        """What the campus answers. A refusal, or a mistake of ours, leaves no change behind."""
        campus, entry = self.campus, received.entry
        campus.connection.execute("BEGIN")
        try:
            answer = self._handle(received)
            campus.connection.execute("COMMIT")
            entry.changes.extend(campus.changes)
        except Refusal as refusal:
            campus.connection.execute("ROLLBACK")
            entry.status = refusal.status
            return json_response(refusal.content, refusal.status)
        except BaseException:
            campus.connection.execute("ROLLBACK")
            raise
        finally:
            campus.changes.clear()
        entry.status = 200
        content = without_nulls(answer.content) if campus.settings.strict else answer.content
        return json_response(content, 200, answer.headers)

    def _handle(self, received: _Received) -> OperationResult:
        operation, query = received.operation, received.query
        user = caller(self.campus, query.get("access_token")) if operation.needs_token else 0
        return operation.handler(self.campus, Call(user, Query(query), received.body()))


async def _unmatched(request: Request, error: Exception) -> Response:
    """What no route takes: 501 for what the vendor has and the sandbox doesn't model, else 404."""
    path = request.url.path
    if _ELSEWHERE.fullmatch(path):
        return json_response({"message": f"The sandbox does not model {path}"}, 501)
    return json_response({"message": f"There is nothing at {path}"}, 404)


async def _internal_error(request: Request, error: Exception) -> Response:
    """A mistake of the sandbox's own: told on stderr, and as the vendor's unknown error."""
    traceback.print_exception(error, file=sys.stderr)
    return json_response(Refusal(500, ErrorCode.UNKNOWN_ERROR, "The sandbox failed").content, 500)


def make_app(campus: CampusState, connections: Connections) -> Starlette:
    """The application; `connections` is where the server enters its open connections."""
    books, faults = RequestLog(), Faults(campus.settings.seed)
    service = _Service(campus, books, faults, connections)
    routes = control_routes(campus, books, faults)
    for operation in OPERATIONS.values():
        route = Route(operation.path, functools.partial(service.serve, operation), methods=[operation.method])
        # Starlette would answer HEAD by running the GET, and some of the vendor's GETs delete things.
        route.methods = {operation.method}
        routes.append(route)
    return Starlette(routes=routes, exception_handlers={404: _unmatched, 500: _internal_error})
