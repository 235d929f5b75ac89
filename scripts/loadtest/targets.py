"""The targets of the mixed calls: seats in sections and SCORM attempts, found before faults are scripted."""

import asyncio
from uuid import UUID

import attrs

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem
from nexport_campus.sandbox import Samples

__all__ = ["Attempt", "Seat", "Targets", "find_targets"]

_AT_ONCE = 8
_FEWEST_SECTIONS = 20


@attrs.define(eq=False)
class Seat:
    """A user's place in a section that allows drops; `enrollment_id` is None while it is free."""

    user_id: UUID
    section_id: UUID
    enrollment_id: UUID | None


@attrs.frozen(eq=False)
class Attempt:
    """A SCORM attempt: an enrollment that is never dropped, with one of its SCOs."""

    enrollment_id: UUID
    assignment_id: UUID
    status_id: UUID
    sco_id: str


@attrs.frozen
class Targets:
    """All targets and their organization. No enrollment belongs to both a seat and an attempt."""

    org_id: str
    seats: list[Seat]
    attempts: list[Attempt]
    section_ids: list[UUID]


async def find_targets(campus: NexportCampus, samples: Samples, count: int) -> Targets:
    """Find about `count` seats and `count` attempts in the busiest organization."""
    listed = campus.learning.search_enrollments(org_ids=[samples.org_id])
    enrollments = await listed.collect(limit=20 * count)
    answer = await campus.get_sections_by_id({item.syllabus_id for item in enrollments if item.syllabus_id})
    droppable = {
        each.syllabus_id for each in answer.sections if each.allow_drops and not each.final_drop_date
    }
    seats = [Seat(each.user_id, each.syllabus_id, each.enrollment_id)
             for each in enrollments if each.syllabus_id in droppable][:count]  # fmt: skip
    taken = {seat.enrollment_id for seat in seats}
    sections = {section.syllabus_id for section in answer.sections}
    others = [
        each for each in enrollments if each.enrollment_id not in taken and each.syllabus_id in sections
    ]
    attempts = await _find_attempts(campus, others[: 2 * count])
    return Targets(samples.org_id, seats, attempts[:count], sorted(sections))


async def _find_attempts(campus: NexportCampus, enrollments: list[ApiEnrollmentItem]) -> list[Attempt]:
    found: list[Attempt] = []
    for start in range(0, len(enrollments), _AT_ONCE):
        batch = enrollments[start : start + _AT_ONCE]
        looked = await asyncio.gather(*(_find_attempt(campus, each.enrollment_id) for each in batch))
        found += [attempt for attempt in looked if attempt is not None]
    return found


async def _find_attempt(campus: NexportCampus, enrollment_id: UUID) -> Attempt | None:
    """Return the attempt of an enrollment, or None if it has not started and so has no SCO."""
    statuses = await campus.learning.get_assignment_statuses(enrollment_id=enrollment_id).collect()
    for status in reversed(statuses):
        if status.assignment_id is None:
            continue
        scos = campus.scorm.get_cmi_data(
            enrollment_id=enrollment_id, assignment_id=status.assignment_id, cmi_element_names=[]
        )
        for sco in await scos.collect(limit=1):
            if sco.sco_id:
                return Attempt(enrollment_id, status.assignment_id, status.assignment_status_id, sco.sco_id)
    return None
