"""What the vendor's API leaves to its callers: enrolling without enrolling twice, and sections by any number of ids."""

from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

import attrs

from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Reader

from ._errors import (
    ArgumentError,
    EnrollmentAlreadyExistsError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from nexport_client.api.learning_api import LearningApi
    from nexport_client.models import SectionResponse

__all__ = ["EnsuredEnrollment", "SectionsById", "ensure_enrollment", "get_sections_by_id"]

T = TypeVar("T")
_MOST_IDS = 1000


@attrs.frozen
class EnsuredEnrollment:
    """The enrollment of a user in a syllabus: its id, and whether this call created it."""

    enrollment_id: UUID
    created: bool


@attrs.frozen
class SectionsById:
    """The sections that exist, in the order of the ids asked for, and the ids that no section has."""

    sections: "list[SectionResponse]"
    missing: list[UUID]


class Campus(Protocol):
    """What is needed of a client."""

    @property
    def learning(self) -> "LearningApi":
        """The operations of the vendor's LearningApi."""


async def ensure_enrollment(
    campus: Campus,
    *,
    org_id: UUID | str,
    user_id: UUID | str,
    syllabus_id: UUID | str | None,
    syllabus_unique_name: str | None,
    membership_group_ids: Sequence[UUID | str],
) -> EnsuredEnrollment:
    """Create an enrollment, or find the one that exists; see `NexportCampus.ensure_enrollment`."""
    if (syllabus_id is None) == (syllabus_unique_name is None):
        raise ArgumentError(
            "exactly one of syllabus_id and syllabus_unique_name is needed; nothing was sent",
            argument="syllabus_id",
        )
    arguments = {
        "org_id": org_id,
        "user_id": user_id,
        "syllabus_id": syllabus_id,
        "syllabus_unique_name": syllabus_unique_name,
        "membership_group_ids": membership_group_ids,
    }
    _check(arguments)
    find = partial(_find, campus, user_id, syllabus_id, syllabus_unique_name)
    # First of all, since the campus's own check need not see one that is finished, or one that is only just being made.
    with suppress(PermissionDeniedError):
        if (found := await find([org_id])) is not None:
            return EnsuredEnrollment(found, created=False)
    try:
        made = await campus.learning.create_enrollment(
            org_id=org_id,
            user_id=user_id,
            syllabus_id=syllabus_id,
            syllabus_unique_name=syllabus_unique_name,
            membership_group_ids=membership_group_ids,
        )
    except EnrollmentAlreadyExistsError as error:
        # Made by another call just now, or another organization's.
        for org_ids in ([org_id], None):
            if (found := await find(org_ids)) is not None:
                return EnsuredEnrollment(found, created=False)
        # The campus says that it is there and doesn't show it: only the caller can find out why.
        raise error from None
    return EnsuredEnrollment(made.enrollment_id, created=True)


def _check(arguments: Mapping[str, object]) -> None:
    """Refuse what can't be sent before anything is looked for. Raises ArgumentError."""
    from nexport_client.api.learning_api.learning_api_create_enrollment import OPERATION

    from ._arguments import encode

    encode(OPERATION, arguments)


async def _find(
    campus: Campus,
    user_id: UUID | str,
    syllabus_id: UUID | str | None,
    syllabus_unique_name: str | None,
    org_ids: list[UUID | str] | None,
) -> UUID | None:
    """The newest of the user's enrollments in the syllabus, in any of the organizations."""
    pager = campus.learning.search_enrollments(
        user_ids=[user_id],
        org_ids=org_ids,
        syllabus_ids=None if syllabus_id is None else [syllabus_id],
        syllabus_unique_names=None if syllabus_unique_name is None else [syllabus_unique_name],
    )
    wanted = None if syllabus_id is None else _uuid(syllabus_id)
    found = None
    async for enrollment in pager:
        # The campus ignores a filter that it doesn't understand: what it found is looked at once more.
        if enrollment.user_id == _uuid(user_id) and wanted in {None, enrollment.syllabus_id}:
            found = enrollment.enrollment_id
    return found


async def get_sections_by_id(campus: Campus, ids: Iterable[UUID | str]) -> SectionsById:
    """Any number of sections; see `NexportCampus.get_sections_by_id`."""
    wanted = list(dict.fromkeys(_checked(identifier, index) for index, identifier in enumerate(ids)))
    found: dict[UUID, SectionResponse] = {}
    for part in await _together([_sections(campus, batch) for batch in _batches(wanted)]):
        found |= part
    return SectionsById(
        sections=[found[identifier] for identifier in wanted if identifier in found],
        missing=[identifier for identifier in wanted if identifier not in found],
    )


async def _sections(campus: Campus, ids: list[UUID]) -> "dict[UUID, SectionResponse]":
    """The sections of one batch. One missing id fails the whole call, and isn't named: the batch is halved to find it."""
    try:
        answer = await campus.learning.get_sections(sections=ids)
    except (InvalidRequestError, NotFoundError):
        if len(ids) == 1:
            return {}
        middle = len(ids) // 2
        first, second = await _together([_sections(campus, ids[:middle]), _sections(campus, ids[middle:])])
        return first | second
    return {section.syllabus_id: section for section in answer.sections}


async def _together(calls: list[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all calls; the first failure ends the others."""
    import asyncio

    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _batches(ids: list[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while batch := list(islice(rest, _MOST_IDS)):
        yield batch


def _checked(identifier: UUID | str, index: int) -> UUID:
    try:
        return _uuid(identifier)
    except DecodeError:
        raise ArgumentError(
            f"ids [{index}] must be a UUID or its text; nothing was sent", argument="ids"
        ) from None


def _uuid(identifier: UUID | str) -> UUID:
    return identifier if isinstance(identifier, UUID) else UUID_.read(identifier, Reader())
