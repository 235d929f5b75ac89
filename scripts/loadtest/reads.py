"""The reading calls: each checks that exactly the requested records were returned."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from nexport_campus import NexportCampus, NexportError

from .tally import Tally
from .targets import Targets

__all__ = ["read_something"]


async def _search(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    seat = rng.choice(targets.seats)
    found = await campus.learning.search_enrollments(user_ids=[seat.user_id]).collect()
    tally.read += len(found)
    distinct = {item.enrollment_id for item in found}
    tally.expect(len(distinct) == len(found), f"a search brought a record twice, for user {seat.user_id}")
    tally.expect({item.user_id for item in found} <= {seat.user_id}, "a search brought another user's record")


async def _section(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    section_id = rng.choice(targets.section_ids)
    section = await campus.learning.get_section(syllabus_id=section_id)
    tally.read += 1
    tally.expect(section.syllabus_id == section_id, "the response is about another section")


async def _sections(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    wanted = rng.sample(targets.section_ids, min(20, len(targets.section_ids)))
    answer = await campus.get_sections_by_id(wanted)
    tally.read += len(answer.sections)
    came = [section.syllabus_id for section in answer.sections]
    tally.expect(
        came == wanted and not answer.missing, "sections are missing, came twice or in another order"
    )


async def _values(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    attempt = rng.choice(targets.attempts)
    values = await campus.learning.get_custom_enrollment_field_values(enrollment_id=attempt.enrollment_id)
    tally.read += len(values)
    tally.expect(
        len({value.key for value in values}) == len(values) > 0, "a custom field is missing or came twice"
    )


async def _statuses(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    attempt = rng.choice(targets.attempts)
    found = await campus.learning.get_assignment_statuses(enrollment_id=attempt.enrollment_id).collect()
    tally.read += len(found)
    times = [status.assignment_status_id for status in found].count(attempt.status_id)
    tally.expect(times == 1, f"an assignment's status came {times} times")


async def _scos(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    attempt = rng.choice(targets.attempts)
    found = await campus.scorm.get_cmi_data(
        enrollment_id=attempt.enrollment_id,
        assignment_id=attempt.assignment_id,
        cmi_element_names=["cmi.core.lesson_status"],
    ).collect()
    tally.read += len(found)
    times = [sco.sco_id for sco in found].count(attempt.sco_id)
    tally.expect(times == 1, f"a SCO came {times} times")


_Read = Callable[[NexportCampus, Targets, Random, Tally], Awaitable[None]]
_READS: Final[dict[str, tuple[int, _Read]]] = {
    "search_enrollments": (30, _search),
    "get_section": (20, _section),
    "get_sections_by_id": (10, _sections),
    "get_custom_enrollment_field_values": (15, _values),
    "get_assignment_statuses": (15, _statuses),
    "get_cmi_data": (10, _scos),
}


async def read_something(campus: NexportCampus, targets: Targets, rng: Random, tally: Tally) -> None:
    """Make one reading call, chosen by `rng`; count errors of the campus."""
    (name,) = rng.choices(list(_READS), [weight for weight, _ in _READS.values()])
    try:
        await tally.count(name, _READS[name][1](campus, targets, rng, tally))
    except NexportError:
        return
