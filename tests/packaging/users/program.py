"""A correct user's program that runs without a network."""

import asyncio
from typing import Unpack
from uuid import UUID

from nexport_campus import (
    AccessToken,
    ArgumentError,
    AsyncPager,
    AuthenticationError,
    ClientSettings,
    ConfigurationError,
    EnsuredEnrollment,
    NexportCampus,
    NotFoundError,
    PasswordAuth,
    RetryPolicy,
    StaticToken,
)
from nexport_campus.models import ApiEnrollmentItem, Phase, SectionResponse


async def finished(campus: NexportCampus, org: UUID) -> list[ApiEnrollmentItem]:
    """Return an organization's finished enrollments."""
    pager: AsyncPager[ApiEnrollmentItem] = campus.learning.search_enrollments(org_ids=[org])
    return [item async for item in pager if item.phase is Phase.FINISHED]


async def section(campus: NexportCampus, syllabus: UUID | str) -> SectionResponse | None:
    """Return a section, or None if there is none."""
    try:
        return await campus.learning.get_section(syllabus_id=syllabus)
    except NotFoundError as error:
        print(error.error_code)
        return None


def tokens(token: UUID) -> list[StaticToken | AccessToken]:
    """Return tokens made of a UUID and of a string."""
    return [StaticToken(token), StaticToken(str(token)), AccessToken(token), AccessToken(str(token))]


async def wait(campus: NexportCampus) -> float:
    """Return the seconds until the next login."""
    try:
        await campus.request("GET", "/api/v1/AdminApi/ValidateAccessToken")
    except AuthenticationError as error:
        return error.retry_after or 0.0
    return 0.0


def client_with_defaults(**settings: Unpack[ClientSettings]) -> NexportCampus:
    """Return a client with this program's defaults."""
    defaults: ClientSettings = {"timeout": 60, "retry": RetryPolicy(max_attempts=6), "user_agent": "shop/1.0"}
    chosen: ClientSettings = {**defaults, **settings}
    return NexportCampus.from_env({"NEXPORT_ACCESS_TOKEN": "token"}, **chosen)


async def enroll(campus: NexportCampus, org: UUID, user: UUID, groups: set[UUID]) -> Phase | None:
    """Enroll a user, passing the groups as an iterable."""
    made: EnsuredEnrollment = await campus.ensure_enrollment(
        org_id=org,
        user_id=user,
        syllabus_unique_name="A",
        membership_group_ids=(str(each) for each in groups),
    )
    for warning in made.warnings:
        print(warning.upper())
    return None if made.existing is None else made.existing.phase


async def main() -> None:
    """Pass invalid arguments, which sends nothing."""
    async with NexportCampus(PasswordAuth("user", "secret"), base_url="http://127.0.0.1:9") as campus:
        quick = campus.with_options(timeout=5, retry=RetryPolicy(max_attempts=2))
        for view in (campus, quick):
            try:
                await section(view, "no id")
            except ArgumentError as error:
                print(error.argument)
    try:
        client_with_defaults(base_url="https://campus.example:99999")
    except ConfigurationError as error:
        print(error)


if __name__ == "__main__":
    asyncio.run(main())
