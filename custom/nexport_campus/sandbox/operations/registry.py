"""Registry of the modeled operations, filled by the modules of each area."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nexport_campus.sandbox.operation_results import OperationResult
from nexport_campus.sandbox.request_arguments import QueryArguments, RequestArguments

if TYPE_CHECKING:
    from nexport_campus.sandbox.campus_state import CampusState

__all__ = ["OPERATIONS", "ModeledOperation", "OperationCall", "operation"]


@dataclasses.dataclass(frozen=True, slots=True)
class OperationCall:
    """One request as a handler sees it: the caller's user number, query, body, and the server's address."""

    user: int
    query: QueryArguments
    body: RequestArguments
    base_url: str


Handler = Callable[["CampusState", OperationCall], OperationResult]


@dataclasses.dataclass(frozen=True, slots=True)
class ModeledOperation:
    """An operation of the vendor's API: its operationId, its HTTP method and its handler."""

    id: str
    method: str
    needs_token: bool
    handler: Handler

    @property
    def path(self) -> str:
        """Return the path of the operation, which consists of its area and its name."""
        area, _, name = self.id.partition("_")
        return f"/api/v1/{area}/{name}"


OPERATIONS: Final[dict[str, ModeledOperation]] = {}


def operation(method: str, *ids: str, needs_token: bool = True) -> Callable[[Handler], Handler]:
    """Register the decorated handler under each of `ids`."""

    def enter(handler: Handler) -> Handler:
        for each in ids:
            OPERATIONS[each] = ModeledOperation(each, method, needs_token, handler)
        return handler

    return enter
