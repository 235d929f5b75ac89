"""Integration of NexPort Campus with FastAPI. Requires the `fastapi` extra.

    app = FastAPI(lifespan=campus_lifespan(NexportCampus.from_env))
    add_exception_handlers(app)

    @app.get("/enrollments/{user}", response_model=list[ApiEnrollmentItem])
    async def enrollments(user: UUID, campus: Campus): ...

Once this module is imported, the models work as request bodies and response models without conversion, and the
application's OpenAPI page includes their schema.
"""

from collections.abc import Mapping
from typing import Any

from nexport_campus._errors import NexportError
from nexport_campus._version import describe_missing_extra

try:
    from fastapi import FastAPI
except ImportError as _error:
    raise ModuleNotFoundError(describe_missing_extra(__name__, "fastapi"), name=_error.name) from _error

from .lifespan import Campus, campus_lifespan, get_campus
from .model_types import encode_results, take_models_from_the_body
from .problem_details import ProblemHandler
from .webhook_dependency import webhook_enrollment

__all__ = ["Campus", "add_exception_handlers", "campus_lifespan", "get_campus", "webhook_enrollment"]

take_models_from_the_body()
encode_results()


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
