"""Logins that fail during paging: the error is the login's and names no page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from nexport_campus import (
    AccessToken,
    APIError,
    AuthenticationError,
    NexportCampus,
    NexportError,
    PasswordAuth,
    ServerError,
    TransportError,
)
from nexport_client.protocols import AsyncPager
from tests.paging.page_responder import (
    PageResponder,
    collect_until_error,
    paged_operation,
    pager_for,
    raw_page,
    serials,
)
from tests.paging.paged_list import PagedList
from tests.support.clients import campus_of
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

LOGIN = "AdminApi_Authenticate"
SYLLABI = paged_operation("LearningApi_GetCatalogSyllabi")
REFUSED = Response(status=401)
FAILURES: dict[str, tuple[Response, type[NexportError]]] = {
    "refused": (json_response(error_entity(4, "No"), 403), AuthenticationError),
    "down": (json_response({}, 503), ServerError),
    "a gateway's page": (html_response(404), APIError),
    "reset": (Response(cut_after=0, ending="reset"), TransportError),
}


@attrs.define
class Expiring:
    """Serves pages for a token that the campus refuses from page 3 on; `login` is the response to the second login.

    Without a `login` response the second login succeeds, and page 3 is refused again.
    """

    login: Response | None
    logins: int = 0
    source: PageResponder = attrs.field(
        factory=lambda: PageResponder(PagedList(records=9, most=2, totals=("true",)))
    )

    async def __call__(self, request: Request) -> Response:
        if request.operation_id == LOGIN:
            self.logins += 1
            if self.logins > 1 and self.login is not None:
                return self.login
            token = f"00000000-0000-4000-8000-{self.logins:012d}"
            return json_response({"access_token": token, "token_type": "bearer"} | error_entity())
        return REFUSED if int(dict(request.query)["page"]) >= 3 else await self.source.respond(request)


@asynccontextmanager
async def client(script: Expiring, auth: Any = None) -> AsyncIterator[NexportCampus]:
    """Yield a client with a password."""
    async with (
        ScriptedServer(script) as server,
        campus_of(server, auth=auth or PasswordAuth("ada", "secret")) as campus,
    ):
        yield campus


def pager(campus: NexportCampus, page: int = 1) -> AsyncPager[Any]:
    """Return a pager of the list, two records a page."""
    return pager_for(campus, SYLLABI, page=page)


USES: dict[str, Callable[[NexportCampus], Awaitable[Any]]] = {
    "collect": lambda campus: pager(campus).collect(),
    "collect ahead": lambda campus: pager(campus).concurrent(4).collect(),
    "the first page": lambda campus: pager(campus, 3),
    "total": lambda campus: pager(campus, 3).total(),
    "raw": lambda campus: raw_page(campus, SYLLABI, page=3),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("cause", FAILURES)
async def test_a_failed_login_names_no_page(use: str, cause: str) -> None:
    """When page 3 needs a new token and the login fails, the error is the login's and names no page."""
    response, kind = FAILURES[cause]
    async with client(Expiring(response)) as campus:
        with pytest.raises(kind) as caught:
            await USES[use](campus)
    assert (caught.value.page, caught.value.operation_id) == (None, LOGIN)
    assert "page 3" not in str(caught.value)


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("cause", FAILURES)
async def test_records_before_a_failed_login_are_yielded(ahead: int, cause: str) -> None:
    """The records and pages before the failed login are yielded, sequentially and with prefetching."""
    async with client(Expiring(FAILURES[cause][0])) as campus:
        records, error = await collect_until_error(aiter(pager(campus).concurrent(ahead)))
    assert (serials(records), error.page, error.operation_id) == ([0, 1, 2, 3], None, LOGIN)
    async with client(Expiring(FAILURES[cause][0])) as campus:
        pages, error = await collect_until_error(pager(campus).concurrent(ahead).pages())
    assert ([page.number for page in pages], error.page, error.operation_id) == ([1, 2], None, LOGIN)


@pytest.mark.parametrize("use", USES)
async def test_a_refused_page_names_its_page(use: str) -> None:
    """When the login succeeds and page 3 is refused again, the error names page 3."""
    async with client(Expiring(login=None)) as campus:
        with pytest.raises(AuthenticationError) as caught:
            await USES[use](campus)
    assert (caught.value.page, caught.value.operation_id) == (3, SYLLABI.id)


@pytest.mark.parametrize("use", USES)
async def test_a_failing_auth_function_names_no_page(use: str) -> None:
    """When an `auth` function fails, the error names the operation that needed the token, and no page."""
    tokens = [AccessToken("token")]

    async def auth() -> AccessToken:
        return tokens.pop()

    async with client(Expiring(login=None), auth=auth) as campus:
        with pytest.raises(NexportError) as caught:
            await USES[use](campus)
    assert isinstance(caught.value.__cause__, IndexError)
    assert (caught.value.page, caught.value.operation_id) == (None, SYLLABI.id)


async def test_a_failed_first_login_names_no_page() -> None:
    """When the first login fails, no page was requested, and the error names none."""
    script = Expiring(FAILURES["refused"][0], logins=1)
    async with client(script) as campus:
        records, error = await collect_until_error(aiter(pager(campus).concurrent(3)))
    assert (records, error.page, script.source.requested, script.logins) == ([], None, [], 2)
