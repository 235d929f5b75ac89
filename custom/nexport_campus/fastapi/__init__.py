"""NexPort Campus in a FastAPI application; it needs the `fastapi` extra.

    app = FastAPI(lifespan=campus_lifespan(NexportCampus.from_env))
    add_exception_handlers(app)

    @app.get("/enrollments/{user}", response_model=list[ApiEnrollmentItem])
    async def enrollments(user: UUID, campus: Campus): ...

The models serve as request bodies and response models as they are, once this module is imported; the application's OpenAPI
page has their schema.
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
    """A lifespan that opens one client for the application, and closes it with the application.

    Args:
        factory: Makes the client when the application starts, in each worker process: `NexportCampus.from_env`, or
            any function that returns a client.
        lifespan: The application's own lifespan, which runs within the client's; its state is kept. It finds the
            client as `app.state.nexport_campus`.

    Returns:
        Callable: What `FastAPI(lifespan=...)` takes.

    Raises:
        ConfigurationError: When the application starts: the factory's settings can't work.
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
    """The application's client, for requests and websockets; what `app.dependency_overrides` replaces in tests.

    Raises:
        RuntimeError: The application has no client, or hasn't started.
    """
    # A mounted application shares the state of the one around it; a test that serves no lifespan has app.state alone.
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
    """Answer the SDK's errors with problem details (RFC 9457), which hold nothing secret and nothing of an answer's body.

    404 for NotFoundError, 409 for AlreadyExistsError, 503 with Retry-After for RateLimitError, 504 for
    RequestTimeoutError, and 502 for everything else that the campus, the way to it or our account there did. Errors of
    the application's own are 500: ArgumentError, ConfigurationError, a call on a closed client. Whether a wrong argument
    came from a request or from a mistake in the code can't be told here; requests are to be validated where they arrive.

    Members beside the standard's: `operation`, the vendor's name of it; `error_code`, the vendor's number; `argument`,
    the one that was refused; and `maybe_applied`, where the campus may have carried out a change all the same.

    Args:
        app: The application.
        statuses: HTTP statuses, 400 to 599, of further classes of errors, or other ones than above; of an error's
            classes, the nearest counts.

    Raises:
        TypeError: A key isn't a class of the SDK's errors.
        ValueError: A value isn't the HTTP status of an error.
    """
    # Starlette's types have one handler answer requests and another one websockets.
    handler: Any = ProblemHandler(statuses or {})
    app.add_exception_handler(NexportError, handler)
