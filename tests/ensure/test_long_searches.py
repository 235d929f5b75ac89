"""`ensure_enrollment` where the search for the enrollment has several pages."""

from uuid import UUID

import pytest

from tests.ensure.enrollment_campus import IDS, LOST, EnrollmentCampus, enrollment
from tests.support.clients import campus_with
from tests.support.scripted_server import Request, Response, error_entity, json_response

OTHER = "99999999-9999-4999-8999-999999999999"
DUPLICATE = json_response(error_entity(7, "Duplicate"), status=409)
BY_NAME = {name: value for name, value in IDS.items() if name != "syllabus_id"} | {
    "syllabus_unique_name": "SAFETY"
}


class CappedCampus(EnrollmentCampus):
    """A campus that ignores filters by user, and lists two enrollments per page.

    Of its five enrollments, the last one is the user's. The first `hidden` searches don't find it.
    """

    def __init__(self, hidden: int, create: Response | None = None) -> None:
        super().__init__(create=create)
        others = [enrollment(number, user_id=OTHER) for number in range(1, 5)]
        self._found = [*others, enrollment(5)]
        self._hidden = hidden
        self._begun = 0

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        if request.operation_id != "LearningApi_SearchEnrollments":
            return await super().__call__(request)
        page = int(dict(request.query)["page"])
        self._begun += page == 1
        listed = self._found[:-1] if self._begun <= self._hidden else self._found
        body = {"enrollments": listed[2 * page - 2 : 2 * page], "page": page, "page_size": 2}
        return json_response(body | {"total_count": len(listed)} | error_entity())


@pytest.mark.parametrize("arguments", [IDS, BY_NAME], ids=["by id", "by unique name"])
@pytest.mark.parametrize(
    ("hidden", "create", "created"),
    [(0, None, False), (1, DUPLICATE, False), (2, DUPLICATE, False), (1, LOST, True)],
    ids=["at once", "after a duplicate", "in another organization", "after a lost response"],
)
async def test_an_enrollment_on_the_last_page_is_found(
    arguments: dict[str, str], hidden: int, create: Response | None, created: bool
) -> None:
    """Each of its searches reads all pages, so that no user is enrolled twice."""
    enrolling = CappedCampus(hidden, create)
    async with campus_with(enrolling) as (campus, _):
        ensured = await campus.ensure_enrollment(**arguments)
    assert (ensured.enrollment_id, ensured.created) == (UUID(int=5), created)
    assert len(enrolling.created) == (create is not None)
