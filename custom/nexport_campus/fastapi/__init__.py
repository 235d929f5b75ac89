"""Integration of NexPort Campus with FastAPI. Requires the `fastapi` extra.

    app = FastAPI(lifespan=campus_lifespan(NexportCampus.from_env))
    add_exception_handlers(app)

    @app.get("/enrollments/{user}", response_model=list[ApiEnrollmentItem])
    async def enrollments(user: UUID, campus: Campus): ...

Once this module is imported, the models work as request bodies and response models without conversion, and the
application's OpenAPI page includes their schema.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Lifespan

from nexport_campus._client import NexportCampus
from nexport_campus._errors import NexportError

from .model_types import encode_results, take_models_from_the_body
from .problem_details import ProblemHandler

__all__ = ["Campus", "add_exception_handlers", "campus_lifespan", "get_campus"]

_STATE: Final = "nexport_campus"

take_models_from_the_body()
encode_results()


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


def add_exception_handlers(app: FastAPI, statuses: Mapping[type[NexportError], int] | None = None) -> None:
    """Convert the SDK's errors to problem details (RFC 9457), without secrets or contents of the campus's response.

    404 for NotFoundError, 409 for AlreadyExistsError, 503 with Retry-After for RateLimitError, 504 for
    RequestTimeoutError, and 502 for all other failures of the campus, the connection to it or the account there.
    Errors of the application itself are 500: ArgumentError, ConfigurationError, a call on a closed client. An invalid
    argument may stem from a request or from a bug, which can't be distinguished here; validate requests where they
    arrive.

    Members in addition to the standard's: `operation`, the vendor's name of it; `error_code`, the vendor's number;
    `argument`, the rejected one; and `maybe_applied`, if the campus may have carried out a change despite the error.

    Args:
        app: The application.
        statuses: HTTP statuses, 400 to 599, for additional error classes, or replacing those above. The status of an
            error's nearest class applies.

    Raises:
        TypeError: A key isn't a class of the SDK's errors.
        ValueError: A value isn't the HTTP status of an error.
    """
    # Starlette's types expect separate handlers for requests and websockets.
    handler: Any = ProblemHandler(statuses or {})
    app.add_exception_handler(NexportError, handler)
