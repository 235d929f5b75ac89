"""Error objects: the class hierarchy, pickling, one-line messages, and the data that stays out of them."""

import asyncio
import copy
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_campus as sdk
from nexport_campus import APIError, NexportError, StaticToken
from tests.support.clients import campus_with
from tests.support.examples import FEW
from tests.support.scripted_server import Response, error_entity, json_response
from tests.support.spec import SOME_ID

TREE: dict[type[NexportError], type[Exception]] = {
    sdk.ConfigurationError: NexportError,
    sdk.ArgumentError: NexportError,
    sdk.TransportError: NexportError,
    sdk.RequestTimeoutError: sdk.TransportError,
    sdk.ExportError: NexportError,
    sdk.WebhookError: NexportError,
    sdk.WebhookSecretError: sdk.WebhookError,
    sdk.WebhookFormatError: sdk.WebhookError,
    sdk.ResponseDecodeError: NexportError,
    sdk.PaginationError: NexportError,
    sdk.APIError: NexportError,
    sdk.AuthenticationError: APIError,
    sdk.PermissionDeniedError: APIError,
    sdk.NotFoundError: APIError,
    sdk.SubscriptionNotFoundError: sdk.NotFoundError,
    sdk.InvalidRequestError: APIError,
    sdk.AlreadyExistsError: APIError,
    sdk.EnrollmentAlreadyExistsError: sdk.AlreadyExistsError,
    sdk.SubscriptionAlreadyExistsError: sdk.AlreadyExistsError,
    sdk.RateLimitError: APIError,
    sdk.ServerError: APIError,
}
PLACE: dict[str, Any] = {
    "operation_id": "LearningApi_GetSection",
    "page": 3,
    "index": 7,
    "attempts": 2,
    "maybe_applied": True,
}
ANSWER: dict[str, Any] = {
    "method": "GET",
    "path": "/api/v1/LearningApi/GetSection",
    "status_code": 409,
    "error_code": 3,
    "warnings": ("Careful",),
    "headers": {"x-student": "Ada Lovelace"},
    "body": b"Ada Lovelace",
}


def make_error(cls: type[NexportError]) -> NexportError:
    """Return an error with all its attributes set."""
    details: dict[str, Any] = dict(PLACE)
    if issubclass(cls, APIError):
        details |= ANSWER
    if cls is sdk.RateLimitError:
        details["retry_after"] = 1.5
    if cls is sdk.ResponseDecodeError:
        details |= {"path": "[2].title", "snippet": b"Ada Lovelace"}
    if cls is sdk.ArgumentError:
        details["argument"] = "org_ids"
    error = cls("The reason", **details)
    error.__cause__ = OSError(104, "Connection reset by peer")
    error.add_note("a note")
    return error


def shown_with_locals(error: BaseException) -> str:
    """Return the traceback with each frame's locals, as crash reporters send it, without the test's own frame."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    own = [frame for frame in shown.stack if frame.filename != __file__]
    shown.stack[:] = own
    return "".join(shown.format())


def test_the_class_hierarchy() -> None:
    """Each error has its documented base class, and the documentation lists all errors."""
    assert {cls: cls.__bases__[0] for cls in TREE} == TREE
    assert issubclass(sdk.ArgumentError, ValueError)
    assert issubclass(sdk.RequestTimeoutError, TimeoutError)
    errors = {
        value for value in vars(sdk).values() if isinstance(value, type) and issubclass(value, Exception)
    }
    assert errors == {*TREE, NexportError}


TRANSIENT = {sdk.TransportError, sdk.RequestTimeoutError, sdk.RateLimitError, sdk.ServerError}


@pytest.mark.parametrize("cls", [NexportError, *TREE])
def test_transient_errors(cls: type[NexportError]) -> None:
    """`transient` follows from the class; for a plain APIError, from whether there was an error entity."""
    error = make_error(cls)
    assert error.transient is (cls in TRANSIENT)
    assert pickle.loads(pickle.dumps(error)).transient is error.transient
    if isinstance(error, APIError):
        error.error_code = None
        assert error.transient is (cls in TRANSIENT | {APIError})


async def test_a_timeout_is_a_timeout_error() -> None:
    """A call that timed out is caught as Python's TimeoutError too, but isn't an operating system error."""
    async with campus_with(Response(gate=asyncio.Event()), timeout=0.05) as (campus, _):
        with pytest.raises(TimeoutError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert isinstance(caught.value, sdk.RequestTimeoutError)
    assert (caught.value.transient, caught.value.errno, caught.value.filename) == (True, None, None)
    assert str(caught.value).startswith("LearningApi_GetSection: timed out waiting for 127.0.0.1:")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("cls", [NexportError, *TREE])
def test_errors_pickle_without_response_data(cls: type[NexportError], protocol: int) -> None:
    """Every error pickles with its attributes, cause and notes, but without body, headers and snippet."""
    error = make_error(cls)
    pickled = pickle.dumps(error, protocol)
    again = pickle.loads(pickled)
    assert (type(again), str(again), repr(again), again.args) == (cls, str(error), repr(error), error.args)
    private = {"body", "headers", "snippet"}
    assert {name: value for name, value in vars(again).items() if name not in private} == {
        name: value for name, value in vars(error).items() if name not in private
    }
    assert all(vars(again)[name] is None for name in private & set(vars(error)))
    assert repr(again.__cause__) == repr(error.__cause__)
    assert b"Lovelace" not in pickled
    assert repr(copy.copy(error)) == repr(error)


def test_a_cause_does_not_prevent_pickling() -> None:
    """A cause that can't be pickled, or whose constructor takes other arguments, is left out."""

    class Local(Exception):
        pass

    class Strict(ValueError):
        def __init__(self, *, reason: str) -> None:
            super().__init__(reason)

    for cause in (
        Local("x"),
        Strict(reason="x"),
        OSError(1, lambda: None),
        UnicodeDecodeError("utf-8", b"Ada", 0, 1, "x"),
    ):
        error = NexportError("The reason")
        error.__cause__ = cause
        pickled = pickle.dumps(error)
        assert str(pickle.loads(pickled)) == "The reason"
        assert b"Ada" not in pickled


@pytest.mark.parametrize("cls", [NexportError, *TREE])
@FEW
@given(message=st.text() | st.text(min_size=50, max_size=60).map(lambda text: text * 20))
def test_one_short_line(cls: type[NexportError], message: str) -> None:
    """An error prints one short line, whatever the campus sent."""
    error = cls(message, **(PLACE | ({"status_code": 500} if issubclass(cls, APIError) else {})))
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 500
    assert error.message == message


def test_the_printed_line() -> None:
    """The line has operation, page, element, reason and status, and warns if a write may have been applied."""
    assert str(make_error(sdk.NotFoundError)) == (
        "LearningApi_GetSection page 3 [7]: The reason (HTTP 409, code 3) (the campus may have carried it out)"
    )
    assert repr(sdk.ConfigurationError("No")) == "ConfigurationError('No')"


@pytest.mark.parametrize("cls", TREE)
def test_students_data_stays_out(cls: type[NexportError]) -> None:
    """Neither `str` nor `repr` nor a printed traceback shows body, headers or snippet."""
    error = make_error(cls)
    shown = str(error) + repr(error) + "".join(traceback.format_exception(error)) + f"{error!s:>10}"
    assert "Lovelace" not in shown


async def test_a_real_response_stays_out() -> None:
    """The bytes of an unreadable response are only in `snippet`, not in the cause or its traceback."""
    response = json_response(error_entity(0) | {"title": ["Ada Lovelace"], "syllabus_id": SOME_ID})
    async with campus_with(response) as (campus, _):
        with pytest.raises(sdk.ResponseDecodeError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    error = caught.value
    assert b"Ada Lovelace" in (error.snippet or b"")
    assert "Lovelace" not in str(error) + repr(error) + repr(error.__cause__)
    assert b"Lovelace" not in pickle.dumps(error)
    assert "Lovelace" not in shown_with_locals(error)


async def test_a_lost_connection_keeps_its_cause() -> None:
    """The transport's exception is the cause, here and in a pickle."""
    async with campus_with(Response(cut_after=0, ending="reset")) as (campus, _):
        with pytest.raises(sdk.TransportError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again.__cause__) is type(caught.value.__cause__)
    assert str(again) == str(caught.value)


@pytest.mark.parametrize(
    "secret", [sdk.PasswordAuth("u", "hunter2"), StaticToken("hunter2"), sdk.AccessToken("hunter2")]
)
def test_secrets_refuse_to_be_pickled(secret: Any) -> None:
    """A secret can't be pickled, since a copy would escape our control, and its repr hides it."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="refuses to be pickled"):
            pickle.dumps(secret, protocol)
    assert "hunter2" not in f"{secret!r} {secret} {vars(secret)}"


def test_clients_refuse_to_be_pickled() -> None:
    """A client, and a view of one, can't be pickled; the message says that each process needs its own."""
    campus = sdk.NexportCampus(StaticToken("hunter2"))
    for client in (campus, campus.with_options(timeout=1.0)):
        with pytest.raises(TypeError, match="refuses to be pickled"):
            pickle.dumps(client)
        with pytest.raises(TypeError, match="refuses to be pickled"):
            copy.copy(client)
        assert "hunter2" not in repr(client)
