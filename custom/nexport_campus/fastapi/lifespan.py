"""The application's client: opened and closed with the application, and found by its routes."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Lifespan

from nexport_campus._client import NexportCampus

__all__ = ["Campus", "campus_lifespan", "get_campus"]

_STATE: Final = "nexport_campus"


def campus_lifespan(
    factory: Callable[[], AbstractAsyncContextManager[NexportCampus]], lifespan: Lifespan[Any] | None = None
) -> Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Return a lifespan that opens one client for the application, and closes it with the application.

    Args:
        factory: A function that creates the client when the application starts, in each worker process:
            `NexportCampus.from_env`, or any function that returns a client.
        lifespan: The application's own lifespan, which runs within the client's; its state is kept. The client is
            available to it as `app.state.nexport_campus`.

    Returns:
        Callable: The argument for `FastAPI(lifespan=...)`.

    Raises:
        ConfigurationError: The factory's settings are invalid; raised when the application starts.
    """

    @asynccontextmanager
    async def around(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with factory() as campus:
            setattr(app.state, _STATE, campus)
            try:
                if lifespan is None:
                    yield {_STATE: campus}
                else:
                    async with lifespan(app) as state:
                        yield {**(state or {}), _STATE: campus}
            finally:
                delattr(app.state, _STATE)

    return around


def get_campus(connection: HTTPConnection) -> NexportCampus:
    """Return the application's client, for requests and websockets. Tests replace it in `app.dependency_overrides`.

    Raises:
        RuntimeError: The application has no client, or hasn't started.
    """
    # A mounted application shares the outer one's state; a test that runs no lifespan only has app.state.
    state = connection.scope.get("state", {})
    campus = state.get(_STATE) or getattr(connection.app.state, _STATE, None)
    if campus is None:
        raise RuntimeError(
            "there is no campus: FastAPI(lifespan=campus_lifespan(...)) opens it when the application starts"
        )
    assert isinstance(campus, NexportCampus)
    return campus


Campus = Annotated[NexportCampus, Depends(get_campus)]
"""The application's client, as an argument of a path operation or of a dependency."""
