"""A scripted campus that only enrolls: the test scripts its search results and its responses to a create."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tests.support.scripted_server import Request, Response, error_entity, json_response

__all__ = ["IDS", "LOST", "NEW", "EnrollmentCampus", "enrollment", "found"]

IDS = {
    "org_id": "11111111-1111-4111-8111-111111111111",
    "user_id": "22222222-2222-4222-8222-222222222222",
    "syllabus_id": "33333333-3333-4333-8333-333333333333",
}
NEW = UUID("44444444-4444-4444-8444-444444444444")
LOST = Response(ending="reset", cut_after=0)


def enrollment(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an enrollment as a search finds it; a higher number is a later one."""
    return {
        "enrollment_id": str(UUID(int=number)),
        "enrollment_date": f"2026-01-{number:02}T00:00:00Z",
        "syllabus_id": IDS["syllabus_id"],
        "user_id": IDS["user_id"],
        "phase": 1,
        "result": 0,
    } | changes


def found(*items: dict[str, Any], warnings: Sequence[str] = ()) -> Response:
    """Return a search response with these enrollments."""
    page = {"enrollments": list(items), "page": 1, "page_size": 1000, "total_count": len(items)}
    return json_response(page | error_entity(warnings=warnings))


class EnrollmentCampus:
    """Sends scripted search responses, the last one again and again, and one response to each create."""

    def __init__(self, *searches: Response, create: Response | None = None) -> None:
        self._searches = searches or (found(),)
        self._create = create or json_response({"enrollment_id": str(NEW)} | error_entity())
        self.searched: list[Any] = []
        self.created: list[Any] = []

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        if request.operation_id == "LearningApi_CreateEnrollment":
            self.created.append(request.json)
            return self._create
        assert request.operation_id == "LearningApi_SearchEnrollments"
        self.searched.append(request.json)
        return self._searches[min(len(self.searched), len(self._searches)) - 1]
