"""What the account may read, as far as it can be told without doing harm."""

import asyncio
import warnings
from uuid import UUID

from nexport_campus import NexportCampus
from nexport_campus._errors import InvalidRequestError, NexportError, NotFoundError, PermissionDeniedError
from nexport_campus.cli._operations import Described, described

from ._findings import Finding, failed, ok, warning

__all__ = ["check_permissions"]

_CHECK = "permissions"
_ORGANIZATION = {"org_id", "org_ids"}
_NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
"""An organization that no campus has."""
_TELLING = (PermissionDeniedError, NotFoundError, InvalidRequestError)
"""The errors that tell something of permissions, if only that others than theirs are in the way."""


async def check_permissions(campus: NexportCampus, organization: UUID | None) -> Finding:
    """Try each read that needs no more than an organization; what writes is never tried.

    Which permissions an account has depends on the organization. Where none is named, a read in one that doesn't exist
    shows at least whether the campus refuses the account outright.
    """
    reads = [read for read in described() if _needs_organization_alone(read)]
    tried = await asyncio.gather(*(_try(campus, read, organization or _NOWHERE) for read in reads))
    unclear = next((error for error in tried if error is not None and not isinstance(error, _TELLING)), None)
    if unclear is not None:
        return failed(_CHECK, str(unclear), "It isn't a matter of permissions: see the lines above.", unclear)
    refusals = {
        read.name: error
        for read, error in zip(reads, tried, strict=True)
        if isinstance(error, PermissionDeniedError)
    }
    if organization is None:
        return _outright(len(reads), list(refusals))
    allowed = [read.name for read, error in zip(reads, tried, strict=True) if error is None]
    return _there(organization, allowed, refusals)


def _outright(count: int, refused: list[str]) -> Finding:
    advice = "What it may do depends on the organization: --org-id ID tries that one."
    if refused:
        return warning(_CHECK, f"the account is refused {', '.join(refused)} outright", advice)
    return ok(_CHECK, f"none of {count} reads is refused outright", advice)


def _there(organization: UUID, allowed: list[str], refusals: dict[str, PermissionDeniedError]) -> Finding:
    may, may_not = ", ".join(allowed), ", ".join(refusals)
    if may_not:
        advice = f"If it needs them, have the account given the View permissions in {organization}."
        if not may:
            error = next(iter(refusals.values()))
            return failed(_CHECK, f"the account may not call {may_not} there", advice, error)
        return warning(_CHECK, f"the account may call {may}, but not {may_not}", advice)
    if not may:
        message = f"the campus knows no organization {organization}, or keeps it from this account"
        return warning(_CHECK, message, "Check --org-id.")
    return ok(_CHECK, f"the account may call {may} there; what needs other ids, or writes, wasn't tried")


def _needs_organization_alone(described: Described) -> bool:
    operation, names = described.operation, {parameter.name for parameter in described.parameters}
    required = {parameter.name for parameter in described.parameters if parameter.required}
    reads = operation.effect == "read" and operation.token == "own"
    return reads and bool(names & _ORGANIZATION) and required <= _ORGANIZATION


async def _try(campus: NexportCampus, read: Described, organization: UUID) -> NexportError | None:
    """The error of one read, if it has one; of a list, one record is asked for."""
    names = {parameter.name for parameter in read.parameters}
    arguments: dict[str, object] = (
        {"org_id": organization} if "org_id" in names else {"org_ids": [organization]}
    )
    if read.operation.paging is not None:
        arguments["per_page"] = 1
    method = getattr(getattr(campus.raw, read.area), read.method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        call = method(**arguments)
    try:
        await call
    except NexportError as error:
        return error
    return None
