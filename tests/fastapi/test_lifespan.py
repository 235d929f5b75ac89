"""One client per application: opening, closing, access, and the application's state."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from nexport_campus import ConfigurationError, NexportCampus, NexportError, StaticToken
from nexport_campus.fastapi import Campus, campus_lifespan, get_campus


def http_client(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of an application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")


def add_client_route(app: FastAPI) -> FastAPI:
    """Add a route that returns the id of the application's client."""

    @app.get("/repr")
    async def client_id(campus: Campus) -> str:
        return repr(campus)

    return app


async def test_one_client_per_application() -> None:
    """The factory is called once; after the shutdown the client refuses calls."""
    made: list[NexportCampus] = []

    def factory() -> NexportCampus:
        made.append(NexportCampus(StaticToken("token")))
        return made[-1]

    app = add_client_route(FastAPI(lifespan=campus_lifespan(factory)))
    assert made == []
    async with app.router.lifespan_context(app), http_client(app) as client:
        bodies = [(await client.get("/repr")).json() for _ in range(3)]
    assert bodies == ["<NexportCampus https://www.nexportcampus.com>"] * 3
    assert len(made) == 1
    with pytest.raises(NexportError, match="closed"):
        await made[0].request("GET", "/api/v1/AdminApi/ValidateAccessToken")


async def test_an_inner_lifespan() -> None:
    """The inner lifespan has the client, ends before it, and its state reaches the requests."""
    seen: list[object] = []

    @asynccontextmanager
    async def inner(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        campus = app.state.nexport_campus
        yield {"ledger": "open"}
        with pytest.raises(NexportError, match="is not a UUID"):
            # An error of the argument shows that the client is open.
            await campus.learning.get_section(syllabus_id="none")
        seen.append(campus)

    app = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus(StaticToken("token")), inner))
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        assert dict(state)["ledger"] == "open"
        assert isinstance(dict(state)["nexport_campus"], NexportCampus)
    assert seen == [dict(state)["nexport_campus"]]


async def test_an_inner_lifespan_without_state() -> None:
    """An inner lifespan may yield nothing; the requests have the client nevertheless."""

    @asynccontextmanager
    async def inner(app: FastAPI) -> AsyncIterator[None]:
        yield

    made = NexportCampus(StaticToken("token"))
    app = add_client_route(FastAPI(lifespan=campus_lifespan(lambda: made, inner)))
    async with app.router.lifespan_context(app) as state, http_client(app) as client:
        assert dict(state or {}) == {"nexport_campus": made}
        assert (await client.get("/repr")).json() == repr(made)


async def test_a_mounted_application() -> None:
    """Mounted applications use the client of the outer one."""
    outer, inner = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus(StaticToken("t")))), FastAPI()
    outer.mount("/inner", add_client_route(inner))
    async with outer.router.lifespan_context(outer) as state:

        async def with_state(scope: object, receive: object, send: object) -> None:
            assert isinstance(scope, dict)
            await outer(scope | {"state": dict(state or {})}, receive, send)  # type: ignore[arg-type]

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            assert (await client.get("/inner/repr")).status_code == 200


async def test_routers_and_dependencies() -> None:
    """`Campus` works wherever FastAPI resolves dependencies; tests can override `get_campus`."""
    router = APIRouter()

    async def place(campus: Campus, request: Request) -> str:
        return f"{request.url.path} {campus!r}"

    router.add_api_route("/place", place)
    app = FastAPI()
    app.include_router(router)
    async with (
        NexportCampus(StaticToken("t"), base_url="https://other.test") as other,
        http_client(app) as client,
    ):
        app.dependency_overrides[get_campus] = lambda: other
        assert (await client.get("/place")).json() == "/place <NexportCampus https://other.test>"


async def test_invalid_settings_stop_the_startup() -> None:
    """The factory runs at startup, so a missing variable is reported there."""
    app = FastAPI(lifespan=campus_lifespan(lambda: NexportCampus.from_env({})))
    with pytest.raises(ConfigurationError, match="NEXPORT_USERNAME"):
        async with app.router.lifespan_context(app):
            pass


async def test_a_missing_lifespan() -> None:
    """Without the lifespan, the error says what to do."""
    async with http_client(add_client_route(FastAPI())) as client:
        with pytest.raises(RuntimeError, match="campus_lifespan"):
            await client.get("/repr")


async def test_a_failing_inner_lifespan() -> None:
    """A failing startup closes the client."""
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
        await made.request("GET", "/api/v1/AdminApi/ValidateAccessToken")
