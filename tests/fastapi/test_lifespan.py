"""One client per application: when it opens and closes, who finds it, and what becomes of the application's state."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from nexport_campus import ConfigurationError, NexportCampus, NexportError, StaticToken
from nexport_campus.fastapi import Campus, campus_lifespan, get_campus


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client of an application in this very process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")


def with_routes(app: FastAPI) -> FastAPI:
    """The application, with a path that tells its client."""

    @app.get("/repr")
    async def tell(campus: Campus) -> str:
        return repr(campus)

    return app


async def test_one_client_for_all_requests_closed_with_the_application() -> None:
    """The factory is called once; afterwards the client refuses calls."""
    made: list[NexportCampus] = []

    def factory() -> NexportCampus:
        made.append(NexportCampus(StaticToken("token")))
        return made[-1]

    app = with_routes(FastAPI(lifespan=campus_lifespan(factory)))
    assert made == []
    async with app.router.lifespan_context(app), client_of(app) as client:
        answers = [(await client.get("/repr")).json() for _ in range(3)]
    assert answers == ["<NexportCampus https://www.nexportcampus.com>"] * 3
    assert len(made) == 1
    with pytest.raises(NexportError, match="closed"):
        await made[0].admin.validate_access_token()


async def test_around_the_own_lifespan_whose_state_is_kept() -> None:
    """The own lifespan finds the client, ends before it, and its state reaches the requests beside the client."""
    seen: list[object] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        campus = app.state.nexport_campus
        yield {"ledger": "open"}
        with pytest.raises(NexportError, match="is not a UUID"):
            await campus.learning.get_section(syllabus_id="none")  # refused as an argument, not as closed
        seen.append(campus)

    app = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus(StaticToken("token")), own))
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        assert dict(state)["ledger"] == "open"
        assert isinstance(dict(state)["nexport_campus"], NexportCampus)
    assert seen == [dict(state)["nexport_campus"]]


async def test_a_mounted_application_uses_the_client_around_it() -> None:
    """A server hands the lifespan's state to mounted applications too."""
    outer, inner = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus(StaticToken("t")))), FastAPI()
    outer.mount("/inner", with_routes(inner))
    async with outer.router.lifespan_context(outer) as state:

        async def served(scope: object, receive: object, send: object) -> None:
            assert isinstance(scope, dict)
            await outer(scope | {"state": dict(state or {})}, receive, send)  # type: ignore[arg-type]

        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            assert (await client.get("/inner/repr")).status_code == 200


async def test_a_router_and_a_dependency_take_the_client() -> None:
    """`Campus` works wherever FastAPI resolves dependencies; `get_campus` can be overridden by tests."""
    router = APIRouter()

    async def place(campus: Campus, request: Request) -> str:
        return f"{request.url.path} {campus!r}"

    router.add_api_route("/place", place)
    app = FastAPI()
    app.include_router(router)
    async with (
        NexportCampus(StaticToken("t"), base_url="https://other.test") as other,
        client_of(app) as client,
    ):
        app.dependency_overrides[get_campus] = lambda: other
        assert (await client.get("/place")).json() == "/place <NexportCampus https://other.test>"


async def test_settings_that_cannot_work_keep_the_application_from_starting() -> None:
    """The factory runs at the start: a missing variable is told there, and not to a customer."""
    app = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus.from_env({})))
    with pytest.raises(ConfigurationError, match="NEXPORT_USERNAME"):
        async with app.router.lifespan_context(app):
            pass


async def test_without_a_lifespan_the_mistake_is_named() -> None:
    """An application that never opened a client says what to do."""
    async with client_of(with_routes(FastAPI())) as client:
        with pytest.raises(RuntimeError, match="campus_lifespan"):
            await client.get("/repr")


async def test_a_failing_own_lifespan_closes_the_client() -> None:
    """What fails at the start leaves nothing open behind."""
    made = NexportCampus(StaticToken("token"))

    @asynccontextmanager
    async def failing(app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    app = FastAPI(lifespan=campus_lifespan(lambda: made, failing))
    with pytest.raises(RuntimeError, match="no database"):
        async with app.router.lifespan_context(app):
            pass
    assert not hasattr(app.state, "nexport_campus")
    with pytest.raises(NexportError, match="closed"):
        await made.admin.validate_access_token()
