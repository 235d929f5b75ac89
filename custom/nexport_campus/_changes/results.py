"""What the change feed and the methods for any number of ids return."""

from typing import TYPE_CHECKING
from uuid import UUID

import attrs

from nexport_client.hints import lazy_annotations
from nexport_client.results import JSONResult

if TYPE_CHECKING:
    from nexport_client.models import ApiEnrollmentItem, SectionResponse

__all__ = ["ChangeBatch", "EnrollmentsById", "SectionsById"]


@lazy_annotations(globals())
@attrs.frozen
class ChangeBatch(JSONResult):
    """Enrollments that were created or changed, at most a page of them.

    Store `items` and `cursor` in one transaction. `cursor`: an opaque string, which resumes after this batch.
    `caught_up`: whether this batch ends a run; its cursor then starts the next one.
    """

    items: "list[ApiEnrollmentItem]"
    cursor: str
    caught_up: bool


@lazy_annotations(globals())
@attrs.frozen
class EnrollmentsById(JSONResult):
    """The enrollments that were found, in the order of the requested ids, and the ids that weren't.

    An id is `missing` if its enrollment doesn't exist, isn't among the given organizations or users, or isn't visible
    to this account.
    """

    enrollments: "list[ApiEnrollmentItem]"
    missing: list[UUID]


@lazy_annotations(globals())
@attrs.frozen
class SectionsById(JSONResult):
    """The sections that exist, in the order of the requested ids, and the ids without a section."""

    sections: "list[SectionResponse]"
    missing: list[UUID]
