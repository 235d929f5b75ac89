"""A user's program: it runs without a network, and has no mistakes."""

import asyncio
from uuid import UUID

from nexport_campus import (
    AccessToken,
    ArgumentError,
    AsyncPager,
    AuthenticationError,
    NexportCampus,
    NotFoundError,
    PasswordAuth,
    RetryPolicy,
    StaticToken,
)
from nexport_campus.models import ApiEnrollmentItem, Phase, SectionResponse


async def finished(campus: NexportCampus, org: UUID) -> list[ApiEnrollmentItem]:
    """Keep what is finished of an organization's enrollments."""
    pager: AsyncPager[ApiEnrollmentItem] = campus.learning.search_enrollments(org_ids=[org])
    return [item async for item in pager if item.phase is Phase.FINISHED]


async def section(campus: NexportCampus, syllabus: UUID | str) -> SectionResponse | None:
    """Look a section up."""
    try:
        return await campus.learning.get_section(syllabus_id=syllabus)
    except NotFoundError as error:
        print(error.error_code)
        return None


def tokens(token: UUID) -> list[StaticToken | AccessToken]:
    """Take a token as a UUID and as a string."""
    return [StaticToken(token), StaticToken(str(token)), AccessToken(token), AccessToken(str(token))]


async def wait(campus: NexportCampus) -> float:
    """Return the seconds until the next login."""
    try:
        await campus.admin.validate_access_token()
    except AuthenticationError as error:
        return error.retry_after or 0.0
    return 0.0


async def main() -> None:
    """Ask for what can't be, which sends nothing."""
    async with NexportCampus(PasswordAuth("user", "secret"), base_url="http://127.0.0.1:9") as campus:
        patient = campus.with_options(timeout=5, retry=RetryPolicy(max_attempts=2))
        for view in (campus, patient):
            try:
                await section(view, "no id")
            except ArgumentError as error:
                print(error.argument)


if __name__ == "__main__":
    asyncio.run(main())
