"""The server's application: finds the operation, checks the token, and answers as the vendor does."""

from __future__ import annotations

import asyncio
import functools
import re
import sys
import traceback
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import _areas  # noqa: F401  importing the areas enters their operations in the register
from ._answers import Answer, ErrorCode, Refusal
from ._arguments import Arguments, Query, body_arguments
from ._books import Books, Entry
from ._campus import Campus
from ._control import control_routes
from ._faults import Fault, Faults
from ._operations import OPERATIONS, Call, Operation
from ._responses import Connections, CutResponse, ResetResponse, json_response
from ._strict import documented
from ._tokens import caller, expire

__all__ = ["make_app"]

# Areas of the vendor's API that have operations which the sandbox has no page of.
_ELSEWHERE: Final = re.compile(
    r"/api/v1/(swagger\.nex|(AdminApi|AssessmentApi|PointOfSaleApi|PostmanApi|SsoApi)/\w+)", re.ASCII
)


class _Service:
    """One campus with its books and its scripted failures, served."""

    def __init__(self, campus: Campus, books: Books, faults: Faults, connections: Connections) -> None:
        self.campus = campus
        self.books = books
        self.faults = faults
        self.connections = connections

    async def serve(self, operation: Operation, request: Request) -> Response:
        """Answer a request, or let it fail as scripted."""
        content = await request.body()
        query = dict(request.query_params)
        entry = self.books.open(operation.id, query)
        fault = self.faults.pick(operation.id)
        try:
            if fault is None:
                response = self._answer(operation, query, request, content, entry)
            else:
                entry.fault = fault.number
                response = await self._fail(fault, operation, query, request, content, entry)
        finally:
            self.books.close()
        return response

    async def _fail(
        self,
        fault: Fault,
        operation: Operation,
        query: dict[str, str],
        request: Request,
        content: bytes,
        entry: Entry,
    ) -> Response:
        if fault.expire_token:
            expire(self.campus, query.get("access_token", ""))
        response: Response | None = None
        if fault.when == "after" or not (fault.replaces or fault.reset):
            if fault.when == "before":
                await asyncio.sleep(fault.delay)
            response = self._answer(operation, query, request, content, entry)
        if response is None or fault.when == "after":
            await asyncio.sleep(fault.delay)
        if fault.reset:
            entry.status = 0
            return ResetResponse(self.connections)
        if response is None or fault.replaces:
            status, body, content_type = fault.answer()
            response = Response(body, status, fault.headers, media_type=content_type)
        else:
            response.headers.update(fault.headers)
        entry.status = response.status_code
        return response if fault.cut is None else CutResponse(response, fault.cut)

    def _answer(
        self, operation: Operation, query: dict[str, str], request: Request, content: bytes, entry: Entry
    ) -> Response:
        """What the campus answers. A refusal, or a mistake of ours, leaves no change behind."""
        campus = self.campus
        campus.connection.execute("BEGIN")
        try:
            answer = self._handle(operation, query, request, content)
            campus.connection.execute("COMMIT")
        except Refusal as refusal:
            campus.connection.execute("ROLLBACK")
            campus.changes.clear()
            entry.status = refusal.status
            return json_response(refusal.content, refusal.status)
        except BaseException:
            campus.connection.execute("ROLLBACK")
            campus.changes.clear()
            raise
        entry.status = 200
        entry.changes.extend(campus.changes)
        campus.changes.clear()
        sent = documented(answer.content) if campus.settings.strict else answer.content
        return json_response(sent, 200, answer.headers)

    def _handle(
        self, operation: Operation, query: dict[str, str], request: Request, content: bytes
    ) -> Answer:
        user = caller(self.campus, query.get("access_token")) if operation.needs_token else 0
        if operation.method == "POST":
            body = body_arguments(content, request.headers.get("content-type", ""))
        else:
            body = Arguments({})
        return operation.handler(self.campus, Call(user, Query(query), body))


async def _unknown(request: Request, error: Exception) -> Response:
    """What no route takes: 501 for what the vendor has and the sandbox doesn't model, else 404."""
    path = request.url.path
    if _ELSEWHERE.fullmatch(path):
        return json_response({"message": f"The sandbox does not model {path}"}, 501)
    return json_response({"message": f"There is nothing at {path}"}, 404)


async def _mistake(request: Request, error: Exception) -> Response:
    """A mistake of the sandbox's own: told on stderr, and as the vendor's unknown error."""
    traceback.print_exception(error, file=sys.stderr)
    return json_response(Refusal(500, ErrorCode.UNKNOWN_ERROR, "The sandbox failed").content, 500)


def make_app(campus: Campus, connections: Connections) -> Starlette:
    """The application; `connections` is where the server enters its open connections."""
    books, faults = Books(), Faults(campus.settings.seed)
    service = _Service(campus, books, faults, connections)
    routes = control_routes(campus, books, faults)
    for operation in OPERATIONS.values():
        route = Route(operation.path, functools.partial(service.serve, operation), methods=[operation.method])
        # Starlette would answer HEAD by running the GET, and some of the vendor's GETs delete things.
        route.methods = {operation.method}
        routes.append(route)
    return Starlette(routes=routes, exception_handlers={404: _unknown, 500: _mistake})
