"""Check of the account's read permissions, with harmless requests."""

import asyncio
import warnings
from typing import Any
from uuid import UUID

from nexport_campus import NexportCampus
from nexport_campus._errors import InvalidRequestError, NexportError, NotFoundError, PermissionDeniedError
from nexport_client import OPERATIONS
from nexport_client.operation import Operation

from .findings import Finding, failed, ok, warning

__all__ = ["check_permissions"]

_CHECK = "permissions"
_ORGANIZATION = {"org_id", "org_ids"}
_NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
"""An organization that doesn't exist."""
_ABOUT_PERMISSIONS = (PermissionDeniedError, NotFoundError, InvalidRequestError)
"""Errors of the campus, which show that a request reached its permission check."""


async def check_permissions(campus: NexportCampus, organization: UUID | None) -> Finding:
    """Try each reading operation that needs nothing but an organization.

    Permissions depend on the organization. Without one, reads in a nonexistent organization show at least whether
    the campus refuses the account everywhere.
    """
    reads = [read for read in OPERATIONS.values() if _needs_only_organization(read)]
    tried = await asyncio.gather(*(_try(campus, read, organization or _NOWHERE) for read in reads))
    unclear = next(
        (error for error in tried if error is not None and not isinstance(error, _ABOUT_PERMISSIONS)), None
    )
    if unclear is not None:
        return failed(_CHECK, str(unclear), "This isn't about permissions: see the lines above.", unclear)
    refusals = {
        read.full_name: error
        for read, error in zip(reads, tried, strict=True)
        if isinstance(error, PermissionDeniedError)
    }
    if organization is None:
        return _report_without_organization(len(reads), list(refusals))
    allowed = [read.full_name for read, error in zip(reads, tried, strict=True) if error is None]
    return _report_for_organization(organization, allowed, refusals)


def _report_without_organization(count: int, refused: list[str]) -> Finding:
    advice = "Permissions depend on the organization: --org-id ID checks one."
    if refused:
        return warning(_CHECK, f"the account may not call {', '.join(refused)} anywhere", advice)
    return ok(_CHECK, f"none of {count} reads is refused everywhere", advice)


def _report_for_organization(
    organization: UUID, allowed: list[str], refusals: dict[str, PermissionDeniedError]
) -> Finding:
    may, may_not = ", ".join(allowed), ", ".join(refusals)
    if may_not:
        advice = f"If they are needed, ask for the View permissions in {organization}."
        if not may:
            error = next(iter(refusals.values()))
            return failed(_CHECK, f"the account may not call {may_not} there", advice, error)
        return warning(_CHECK, f"the account may call {may}, but not {may_not}", advice)
    if not may:
        message = f"no organization {organization}, or it is hidden from this account"
        return warning(_CHECK, message, "Check --org-id.")
    return ok(
        _CHECK, f"the account may call {may} there; operations that need other ids, or write, weren't tried"
    )


def _needs_only_organization(operation: Operation[Any]) -> bool:
    if operation.provisional:  # an error could mean a wrong declaration, rather than a missing permission
        return False
    names = {parameter.name for parameter in operation.parameters}
    required = {parameter.name for parameter in operation.parameters if parameter.required}
    reads = operation.effect == "read" and operation.token == "own"
    return reads and bool(names & _ORGANIZATION) and required <= _ORGANIZATION


async def _try(campus: NexportCampus, read: Operation[Any], organization: UUID) -> NexportError | None:
    """Return the error of one read, or None. From a list, request one record only."""
    names = {parameter.name for parameter in read.parameters}
    arguments: dict[str, object] = (
        {"org_id": organization} if "org_id" in names else {"org_ids": [organization]}
    )
    if read.paging is not None:
        arguments["per_page"] = 1
    method = getattr(getattr(campus.raw, read.area), read.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        call = method(**arguments)
    try:
        await call
    except NexportError as error:
        return error
    return None
