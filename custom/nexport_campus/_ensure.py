"""Enrolling without duplicates, which the vendor's API doesn't offer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID

import attrs

from nexport_client.hints import lazy_annotations
from nexport_client.results import JSONResult

from ._clock import Clock
from ._errors import (
    APIError,
    ArgumentError,
    EnrollmentAlreadyExistsError,
    NexportError,
    ResponseDecodeError,
)
from ._retry import Budget, Failure, RetryPolicy, wait_before_retry
from ._settings import CallGroup

if TYPE_CHECKING:
    from nexport_client.api.learning_api import LearningApi
    from nexport_client.models import ApiEnrollmentItem

__all__ = [
    "EnsuredEnrollment",
    "Retries",
    "check_enrollment",
    "ensure_enrollment",
]

# A member of ErrorCode, which is only imported together with the models.
_AUTHORIZATION_ERROR = 5


@lazy_annotations(globals())
@attrs.frozen
class EnsuredEnrollment(JSONResult):
    """The enrollment of a user in a syllabus.

    `created`: whether the enrollment is new: the first search found none, and the campus reported no duplicate.
    `warnings`: the campus's, from searching and creating. `existing`: the enrollment as a search found it, else None.
    """

    enrollment_id: UUID
    created: bool
    warnings: tuple[str, ...] = ()
    existing: "ApiEnrollmentItem | None" = attrs.field(default=None, hash=False)


class LearningClient(Protocol):
    """The parts of a client that enrolling uses."""

    @property
    def learning(self) -> "LearningApi":
        """The operations of the vendor's LearningApi."""

    def with_options(self, *, retry: RetryPolicy) -> Self:
        """Return a view with another retry policy."""


@attrs.frozen
class Retries:
    """The schedule for repeating a search. `deadline`: when the whole call must be done, on the clock, or None."""

    policy: RetryPolicy
    budget: Budget
    clock: Clock
    deadline: float | None

    async def wait(self, attempt: int, failure: NexportError | None) -> bool:
        """Wait after an attempt, counted from 1. Returns False if it was the last one."""
        seconds = wait_before_retry(
            self.policy,
            "read",
            Failure.NO_RESPONSE,
            attempt=attempt,
            retry_after=getattr(failure, "retry_after", None),
            seconds_left=None if self.deadline is None else self.deadline - self.clock.monotonic(),
            jitter=self.clock.random(),
        )
        if seconds is None or not self.budget.spend():
            return False
        await self.clock.sleep(seconds)
        return True


def check_enrollment(**arguments: object) -> dict[str, Any]:
    """Return the arguments of `ensure_enrollment`, normalized; each is read once. Raises ArgumentError."""
    from nexport_client.api.learning_api.learning_api_create_enrollment import OPERATION

    from ._calling.arguments import encode

    if (arguments.get("syllabus_id") is None) == (arguments.get("syllabus_unique_name") is None):
        raise ArgumentError(
            "exactly one of syllabus_id and syllabus_unique_name is needed; nothing was sent",
            argument="syllabus_id",
        )
    fields: dict[str, Any] = encode(OPERATION, arguments).fields
    if not fields.get("syllabus_unique_name", "some").strip():
        raise ArgumentError(
            "syllabus_unique_name must not be empty: the campus ignores an empty filter, and the search would find "
            "an enrollment in another syllabus; nothing was sent",
            argument="syllabus_unique_name",
            operation_id=OPERATION.id,
        )
    return fields


async def ensure_enrollment(
    campus: LearningClient, fields: Mapping[str, Any], group: CallGroup, retries: Retries
) -> EnsuredEnrollment:
    """Create an enrollment, or find the existing one; see `NexportCampus.ensure_enrollment`.

    `fields` are those of `check_enrollment`; all calls of `campus` belong to `group`.
    """

    def ensured(found: "ApiEnrollmentItem", *, created: bool) -> EnsuredEnrollment:
        return EnsuredEnrollment(found.enrollment_id, created, _remove_duplicates(group.warnings), found)

    here = [fields["org_id"]]
    # Searched first, because the campus's own check may miss enrollments that are finished or being created.
    may_search, found = await _search_if_allowed(campus, fields, here)
    if found is not None:
        return ensured(found, created=False)
    try:
        made = await campus.learning.create_enrollment(**fields)
        return EnsuredEnrollment(
            made.enrollment_id, created=True, warnings=_remove_duplicates(group.warnings)
        )
    except NexportError as error:
        failure = error
    if isinstance(failure, EnrollmentAlreadyExistsError):
        # A concurrent call has just created it, or it is in another organization.
        for org_ids in (here, None):
            _, found = await _search_if_allowed(campus, fields, org_ids)
            if found is not None:
                return ensured(found, created=False)
    elif failure.maybe_applied and may_search:
        found = await _search_after_loss(campus, fields, retries)
        if found is not None:
            return ensured(found, created=True)
    raise failure


async def _search_if_allowed(
    campus: LearningClient, fields: Mapping[str, Any], org_ids: list[str] | None
) -> "tuple[bool, ApiEnrollmentItem | None]":
    """Return whether this account may search, and the enrollment found. Raises NexportError for other failures."""
    try:
        return True, await _search(campus, fields, org_ids)
    except APIError as error:
        # A firewall's 403 doesn't count.
        if error.error_code != _AUTHORIZATION_ERROR:
            raise
        return False, None


async def _search_after_loss(
    campus: LearningClient, fields: Mapping[str, Any], retries: Retries
) -> "ApiEnrollmentItem | None":
    """Search for the enrollment that an unanswered create may have made, once per attempt of the retry policy."""
    once = campus.with_options(retry=attrs.evolve(retries.policy, max_attempts=1))
    attempt = 0
    while True:
        attempt += 1
        failure = None
        try:
            found = await _search(once, fields, [fields["org_id"]])
        except NexportError as error:
            if not error.transient:
                return None
            failure = error
        else:
            if found is not None:
                return found
        if not await retries.wait(attempt, failure):
            return None


async def _search(
    campus: LearningClient, fields: Mapping[str, Any], org_ids: list[str] | None
) -> "ApiEnrollmentItem | None":
    """Return the newest of the user's enrollments in the syllabus, in any of the organizations, or None."""
    user_id, syllabus_id = UUID(fields["user_id"]), fields.get("syllabus_id")
    unique_name = fields.get("syllabus_unique_name")
    pager = campus.learning.search_enrollments(
        user_ids=[user_id],
        org_ids=org_ids,
        syllabus_ids=None if syllabus_id is None else [syllabus_id],
        syllabus_unique_names=None if unique_name is None else [unique_name],
    )
    # The campus ignores filters that it doesn't understand, so users and syllabi are compared again.
    found = [item async for item in pager if item.user_id == user_id]
    if syllabus_id is not None:
        found = [item for item in found if item.syllabus_id == UUID(syllabus_id)]
    elif len({item.syllabus_id for item in found}) > 1:
        raise ResponseDecodeError(
            "the campus ignored syllabus_unique_names and returned enrollments in several syllabi: give syllabus_id",
            operation_id="LearningApi_SearchEnrollments",
        )
    return max(reversed(found), key=_get_enrollment_date, default=None)


def _get_enrollment_date(item: "ApiEnrollmentItem") -> datetime:
    return item.enrollment_date or datetime.min.replace(tzinfo=UTC)


def _remove_duplicates(warnings: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warnings))
