"""Fetching the records that belong to one enrollment, or to one user in an organization."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

import attrs

from nexport_campus._changes.enrollment_dates import EDGE
from nexport_campus._errors import InvalidRequestError, NotFoundError, PaginationError, ResponseDecodeError
from nexport_client.api.learning_api import LearningApi
from nexport_client.api.scorm_api import ScormApi
from nexport_client.client import RawAreas
from nexport_client.models import (
    ApiEnrollmentItem,
    AssignmentSession,
    AssignmentStatusResponseItem,
    GetCmiDataResponseItem,
)

from .checkpoint import Parent, parse_date
from .datasets import Dataset, Record
from .queries import TimeRange, is_in_range
from .request import ExportRequest

__all__ = ["ChildRecords", "ExportClient", "Selection", "fetch_child_records", "to_parent"]

_Reporting = TypeVar("_Reporting", AssignmentStatusResponseItem, GetCmiDataResponseItem)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ExportClient(Protocol):
    """The part of a client that exports use."""

    raw: RawAreas

    @property
    def learning(self) -> LearningApi:
        """The operations of the vendor's LearningApi."""

    @property
    def scorm(self) -> ScormApi:
        """The operations of the vendor's ScormApi."""


class Selection(Protocol):
    """What is fetched of each parent; an `ExportRequest` is one."""

    @property
    def dataset(self) -> Dataset:
        """The dataset."""

    @property
    def elements(self) -> tuple[str, ...]:
        """The CMI elements of SCORM data."""

    @property
    def per_page(self) -> int | None:
        """Records per page; None takes the SDK's default."""


@attrs.frozen
class ChildRecords:
    """The records of one parent, and the messages of those that the campus reported as errors."""

    records: list[Record]
    errors: list[str]


def to_parent(
    request: ExportRequest, query: dict[str, Any], item: ApiEnrollmentItem, time_range: TimeRange
) -> Parent:
    """Return the parent to fetch for an enrollment that a query found."""
    if request.dataset.parents == "enrollments":
        return Parent(str(item.enrollment_id), {"enrollment_id": str(item.enrollment_id)})
    (org_id,) = query["org_ids"]
    bounds = {"start": time_range.start, "end": time_range.end}
    ids = {"org_id": org_id, "user_id": str(item.user_id)}
    ids |= {name: date.isoformat() for name, date in bounds.items() if date}
    return Parent("/".join((org_id, ids["user_id"], ids.get("start", ""))), ids)


async def fetch_child_records(campus: ExportClient, selection: Selection, parent: Parent) -> ChildRecords:
    """Fetch the records of a parent.

    Raises:
        NotFoundError: The campus has no such parent: the enrollment was removed, or isn't in a section.
        NexportError: A request failed for another reason.
    """
    if selection.dataset.name == "sessions":
        return await _fetch_sessions(campus, selection, parent)
    statuses, errors = await _fetch_statuses(campus, selection, parent.ids["enrollment_id"])
    if selection.dataset.name == "assignment-statuses":
        return ChildRecords([Record(status) for status in statuses], errors)
    records = []
    for status in statuses:
        found, failed = await _fetch_scorm_data(campus, selection, status)
        records += found
        errors += failed
    return ChildRecords(records, errors)


async def _fetch_statuses(
    campus: ExportClient, selection: Selection, enrollment_id: str
) -> tuple[list[AssignmentStatusResponseItem], list[str]]:
    pager = campus.learning.get_assignment_statuses(enrollment_id=enrollment_id, per_page=selection.per_page)
    items = await pager.on_item_error("yield").collect()
    return _split_errors(items, f"an assignment status of enrollment {enrollment_id}")


async def _fetch_sessions(campus: ExportClient, selection: Selection, parent: Parent) -> ChildRecords:
    start, end = (parse_date(parent.ids.get(name)) for name in ("start", "end"))
    pager = campus.learning.get_student_sessions(
        org_id=parent.ids["org_id"],
        user_id=parent.ids["user_id"],
        from_date=start - EDGE if start else _EARLIEST,
        to_date=end,
        per_page=selection.per_page,
    )
    sessions = [session async for session in pager if is_in_range(session, TimeRange(start, end))]
    return ChildRecords(
        [Record(session, {"session_key": _make_session_key(session)}) for session in sessions], []
    )


async def _fetch_scorm_data(
    campus: ExportClient, selection: Selection, status: AssignmentStatusResponseItem
) -> tuple[list[Record], list[str]]:
    """Fetch the SCOs of an assignment.

    An assignment without SCORM content has none; only this request shows which kind it is.
    """
    place = f"SCORM data of assignment {status.assignment_id} of enrollment {status.enrollment_id}"
    pager = campus.scorm.get_cmi_data(
        enrollment_id=status.enrollment_id,
        assignment_id=status.assignment_id,
        cmi_element_names=selection.elements,
        per_page=selection.per_page,
    )
    try:
        items, errors = _split_errors(await pager.on_item_error("yield").collect(), place)
    except NotFoundError:
        return [], []
    except (InvalidRequestError, ResponseDecodeError, PaginationError) as error:
        return [], [f"{place}: {error}"]
    seen = Counter[str]()
    records = []
    for item in items:
        own: dict[str, str | int] = {
            "enrollment_id": str(status.enrollment_id),
            "assignment_id": str(status.assignment_id),
            "assignment_status_id": str(status.assignment_status_id),
            "user_id": str(status.user_id),
            "occurrence": seen[item.sco_id],
        }
        seen[item.sco_id] += 1
        records.append(Record(item, own))
    return records, errors


def _split_errors(items: Iterable[_Reporting], place: str) -> tuple[list[_Reporting], list[str]]:
    """Separate the records from the elements that report an error instead, whose messages are returned."""
    records, errors = [], []
    for item in items:
        entity = item.api_error_entity
        if entity is not None and entity.error_code:
            errors.append(f"{place}: {entity.error_message or entity.error_code.label}")
        else:
            records.append(item)
    return records, errors


def _make_session_key(session: AssignmentSession) -> str:
    """Return a session's id. Without one, join all its fields but the end, which changes while it is open."""
    if session.id is not None:
        return str(session.id)
    start = session.utc_start.isoformat() if session.utc_start else None
    ids = (session.organization_id, session.user_id, session.enrollment_id, session.assignment_id)
    return "/".join(map(str, (*ids, session.section_id, session.order, start)))
