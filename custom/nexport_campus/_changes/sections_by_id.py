"""Sections by any number of ids."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from nexport_campus._errors import APIError, ResponseDecodeError
from nexport_client.api.learning_api import LearningApi
from nexport_client.models import SectionResponse

from .results import SectionsById
from .searches import split_into_batches

__all__ = ["get_sections_by_id"]

T = TypeVar("T")
_MAX_IDS = 1000
"""The most ids that GetSections takes."""

_NO_SUCH_SECTION = {2, 3}
"""The error codes of GetSections for an id without a section."""


class SectionClient(Protocol):
    """The part of a client that reads sections."""

    @property
    def learning(self) -> LearningApi:
        """The operations of the vendor's LearningApi."""


async def get_sections_by_id(campus: SectionClient, ids: list[UUID]) -> SectionsById:
    """Return any number of sections; see `NexportCampus.get_sections_by_id`."""
    wanted = list(dict.fromkeys(ids))
    found: dict[UUID, SectionResponse] = {}
    for part in await _gather(
        [_fetch_sections(campus, batch) for batch in split_into_batches(wanted, _MAX_IDS)]
    ):
        found |= part
    return SectionsById(
        sections=[found[identifier] for identifier in wanted if identifier in found],
        missing=[identifier for identifier in wanted if identifier not in found],
    )


async def _fetch_sections(campus: SectionClient, ids: Sequence[UUID]) -> dict[UUID, SectionResponse]:
    """Return the sections of one batch.

    A missing id fails the whole call without being named, so the batch is halved.
    """
    try:
        response = await campus.learning.get_sections(sections=ids)
    except APIError as error:
        if error.error_code not in _NO_SUCH_SECTION:
            raise
        return {} if len(ids) == 1 else await _fetch_halves(campus, ids)
    found = {section.syllabus_id: section for section in response.sections}
    absent = [identifier for identifier in ids if identifier not in found]
    if absent and len(ids) == 1:
        raise ResponseDecodeError(
            "the campus returned neither the section nor an error", operation_id="LearningApi_GetSections"
        )
    return found | await _fetch_halves(campus, absent) if absent else found


async def _fetch_halves(campus: SectionClient, ids: Sequence[UUID]) -> dict[UUID, SectionResponse]:
    middle = max(1, len(ids) // 2)
    parts = await _gather([_fetch_sections(campus, part) for part in (ids[:middle], ids[middle:]) if part])
    return {identifier: section for part in parts for identifier, section in part.items()}


async def _gather(calls: list[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all calls. The first failure cancels the others."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
