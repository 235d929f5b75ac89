"""Arguments: an invalid value raises an error that names it, and nothing is sent; valid values are sent as given."""

import inspect
import sys
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_client
from nexport_campus import ArgumentError, NexportCampus, NexportError, StaticToken
from nexport_campus.models import CatalogAccessOption, Phase, PublishingModel
from nexport_client.kinds import STRING, Array, Nullable
from tests.support.clients import TOKEN, campus_with, method_of, needs
from tests.support.examples import FEW
from tests.support.scripted_server import json_response
from tests.support.spec import OPERATIONS, SOME_ID, SpecOperation, example_response

ID = UUID(SOME_ID)
FOREIGN = [Phase.FINISHED, CatalogAccessOption.SHARED]
NAIVE = datetime(2026, 1, 31)  # noqa: DTZ001 -- a naive datetime is tested
BY_NAME = {(operation.area, operation.name): operation for operation in OPERATIONS}


class Colour(IntEnum):
    RED = 1


async def call(campus: NexportCampus, name: str, **arguments: Any) -> Any:
    """Call `area.method` and return its result, awaited if it is awaitable."""
    area, _, method = name.partition(".")
    result = getattr(getattr(campus, area), method)(**arguments)
    return await result if inspect.isawaitable(result) else result


def other_arguments(name: str, argument: str) -> dict[str, Any]:
    """Return the required arguments of a method, except for one."""
    area, _, method = name.partition(".")
    stated = BY_NAME[area, method].arguments
    return {item.name: item.given for item in stated if item.required and item.name != argument}


WRONG: dict[tuple[str, str], list[Any]] = {
    ("learning.get_section", "syllabus_id"): [
        "",
        "nonsense",
        7,
        ID.bytes,
        [ID],
        True,
        f"{ID} ",
        f"{{{ID}",
        UUID,
    ],
    ("learning.get_certificate_url", "enrollment_id"): [None, [], "6f9619ff"],
    ("learning.search_enrollments", "utc_activity_after"): [NAIVE, "2026-01-31", NAIVE.date(), 0],
    ("learning.search_enrollments", "org_ids"): [[], (), "", SOME_ID, [7], {}, ID, b"ab", [[ID]]],
    ("learning.search_enrollments", "user_ids"): [[]],
    ("learning.search_enrollments", "enrollment_ids"): [[]],
    ("learning.search_enrollments", "syllabus_ids"): [[]],
    ("learning.search_enrollments", "syllabus_unique_names"): [[], "name", [None], [1], ["\ud800"]],
    ("learning.search_enrollments", "page"): [0, -1, True, 1.0, "1", None, 2**31],
    ("learning.search_enrollments", "per_page"): [0, -1, False, 30.0, "30", 2**31],
    ("learning.get_catalogs", "publishing_model"): [
        3,
        -1,
        2**70,
        True,
        1.0,
        "1",
        [],
        PublishingModel(99),
        *FOREIGN,
    ],
    ("learning.create_enrollment", "membership_group_ids"): [None, SOME_ID, [None], ID, 1],
    ("learning.create_enrollment", "syllabus_unique_name"): [1, b"name", ["name"], "\udcff"],
    ("learning.set_custom_enrollment_field_values", "custom_enrollment_field_values"): [
        *[None, "a=b", [("a", "b")], {"a": 1}, {1: "a"}, {"a": None}, {"\ud800": "a"}, {"a": "\ud800"}]
    ],
    ("scorm.edit_scorm_data", "preference_speed"): [True, 1.0, "1", 2**31, -(2**31) - 1, Fraction(1)],
    ("scorm.edit_scorm_data", "raw_score"): [True, "1", float("nan"), float("inf"), 10**400, 1j],
    ("scorm.edit_scorm_data", "for_credit"): [0, 1, "true", []],
    ("scorm.edit_scorm_data", "start_date_utc"): [NAIVE, NAIVE.time(), 1.5],
    ("scorm.edit_scorm_data", "sco_id"): [None, 1, "\ud800"],
    ("admin.authenticate", "password"): ["", None, 1, b"secret", ["secret"], "\ud800"],
    ("admin.authenticate", "utc_expiration_date"): [NAIVE, "never", 0],
    ("admin.validate_access_token", "access_token"): ["", 7, b"bytes", "nonsense", "\ud800", [TOKEN]],
}

# A page of AdminApi may lack the provisional operations, or state that a token or a date is any string.
KNOWN = {operation.full_name: operation for operation in nexport_client.OPERATIONS.values()}
STRINGS = ["nonsense", "never"]


def is_wrong(name: str, argument: str, value: Any) -> bool:
    """Return whether an argument of a known operation refuses the value."""
    operation = KNOWN.get(name)
    kinds = {item.name: item.kind for item in operation.parameters} if operation else {}
    return operation is not None and not (kinds.get(argument) == STRING and value in STRINGS)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [(*place, value) for place, values in WRONG.items() for value in values if is_wrong(*place, value)],
)
@pytest.mark.parametrize("raw", [False, True], ids=["", "raw"])
async def test_a_wrong_argument_is_named_and_nothing_is_sent(
    name: str, argument: str, value: Any, raw: bool
) -> None:
    """ArgumentError, a NexportError and a ValueError, names the argument and the operation, and omits the value."""
    async with campus_with() as (campus, server):
        areas: Any = campus.raw if raw else campus
        with pytest.raises(ArgumentError) as caught:
            await call(areas, name, **other_arguments(name, argument), **{argument: value})
    assert server.connections == 0
    error = caught.value
    assert isinstance(error, NexportError)
    assert isinstance(error, ValueError)
    assert error.argument == argument
    assert str(error).startswith(f"{error.operation_id}: {argument} ")
    assert (error.attempts, error.maybe_applied, "\n" in str(error)) == (0, False, False)
    if isinstance(value, str) and len(value) > 8:
        assert value not in str(error)


async def test_an_empty_filter_explains_the_refusal() -> None:
    """The message states the consequence: the campus would return every enrollment."""
    async with campus_with() as (campus, _):
        with pytest.raises(ArgumentError, match=r"org_ids must not be empty.*everybody"):
            await campus.learning.search_enrollments(org_ids=[])


@pytest.mark.parametrize(
    "arguments",
    [{}, {"enrollment": ID}, {"enrollment_id": ID, "access_token": TOKEN}, {"enrollment_id": ID, "page": 1}],
)
async def test_a_wrong_signature_is_a_type_error(arguments: dict[str, Any]) -> None:
    """A missing, unknown or forbidden argument is a TypeError, as in any call."""
    async with campus_with() as (campus, _):
        with pytest.raises(TypeError, match="argument"):
            await campus.learning.get_certificate_url(**arguments)
        with pytest.raises(TypeError, match="positional"):
            await campus.learning.get_certificate_url(ID)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "argument", "value", "sent"),
    [
        ("learning.get_section", "syllabus_id", SOME_ID.upper(), SOME_ID),
        ("learning.get_section", "syllabus_id", f"{{{SOME_ID}}}", SOME_ID),
        ("learning.get_section", "syllabus_id", ID.hex, SOME_ID),
        ("learning.get_section", "syllabus_id", UUID(int=0), str(UUID(int=0))),
        ("learning.get_section", "syllabus_id", None, None),
        ("learning.get_organizations", "org_short_name", "a&b=c d+e/?#%ü☃", "a&b=c d+e/?#%ü☃"),
        ("learning.get_organizations", "org_short_name", "", ""),
        ("learning.get_catalogs", "publishing_model", PublishingModel.HIDDEN, 2),
        ("learning.get_catalogs", "publishing_model", 2, 2),
        ("learning.get_catalogs", "publishing_model", Colour.RED, 1),
        ("learning.get_catalogs", "publishing_model", None, None),
        ("learning.search_enrollments", "org_ids", (ID, SOME_ID.upper()), [SOME_ID, SOME_ID]),
        ("learning.search_enrollments", "org_ids", iter([ID]), [SOME_ID]),
        (
            "learning.search_enrollments",
            "utc_activity_after",
            datetime(2026, 1, 31, 1, 2, 3, 4, UTC),
            "2026-01-31T01:02:03.000004+00:00",
        ),
        (
            "learning.search_enrollments",
            "utc_activity_after",
            datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=-5))),
            "2026-01-31T00:00:00-05:00",
        ),
        pytest.param(
            "admin.authenticate",
            "utc_expiration_date",
            datetime(2026, 1, 31, tzinfo=UTC),
            "2026-01-31T00:00:00+00:00",
            marks=needs("AdminApi_Authenticate"),
        ),
        ("learning.create_enrollment", "membership_group_ids", [], []),
        ("scorm.edit_scorm_data", "raw_score", sys.float_info.max, sys.float_info.max),
        ("scorm.edit_scorm_data", "raw_score", 95, 95.0),
        ("scorm.edit_scorm_data", "preference_speed", -100, -100),
        ("scorm.edit_scorm_data", "for_credit", False, False),
        ("scorm.edit_scorm_data", "suspend_data", 'line\nbreak \x00 "quoted"', 'line\nbreak \x00 "quoted"'),
        ("learning.set_custom_enrollment_field_values", "custom_enrollment_field_values", {}, {}),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_a_valid_argument_is_sent(name: str, argument: str, value: Any, sent: Any) -> None:
    """Ids, enums, dates, lists and strings are sent as the vendor writes them; None is not sent."""
    area, _, method = name.partition(".")
    operation: SpecOperation = BY_NAME[area, method]
    async with campus_with(json_response(example_response(operation.id))) as (campus, server):
        given = copy(value)  # an iterator can be used once
        await call(campus, name, **other_arguments(name, argument), **{argument: given})
    (request,) = server.requests
    in_body = next(item for item in operation.arguments if item.name == argument).where == "body"
    values = request.json if in_body else dict(request.query)
    assert values.get(argument) == sent
    assert type(values.get(argument)) is type(sent)
    assert (argument in values) is (sent is not None)


VALUES: st.SearchStrategy[Any] = st.one_of(
    *[
        st.text(),
        st.integers(),
        st.floats(),
        st.binary(),
        st.none(),
        st.lists(st.text()),
        st.datetimes(),
        st.uuids(),
    ]
)


@FEW
@given(value=VALUES)
@pytest.mark.parametrize(
    "operation", [item for item in OPERATIONS if item.arguments and not item.deprecated], ids=str
)
def test_invalid_arguments_raise_only_argument_errors(operation: SpecOperation, value: Any) -> None:
    """Any value of an argument is either accepted or raises ArgumentError."""
    from nexport_campus._calling.arguments import encode
    from nexport_client.types import conceal

    stated = _declared(operation)
    for item in operation.arguments:
        given_value = conceal(value) if item.name in {"password", "access_token"} else value
        arguments = {other.name: other.given for other in operation.arguments if other.required}
        arguments |= {"password": conceal("x")} if "password" in arguments else {}
        try:
            encode(stated, arguments | {item.name: given_value}).encode_body()
        except ArgumentError as error:
            assert error.argument == item.name  # noqa: PT017 -- both outcomes are correct


def _declared(operation: SpecOperation) -> Any:
    """Return an operation's record in the generated client."""
    return nexport_client.OPERATIONS[operation.id]


async def test_a_refused_password_is_not_exposed() -> None:
    """A refused password of any type appears nowhere in the error and its traceback."""
    async with campus_with(auth=StaticToken(TOKEN)) as (campus, _):
        with pytest.raises(ArgumentError) as caught:
            await method_of(campus, "AdminApi_Authenticate")(
                username="u", password=b"hunter2", grant_type="password"
            )
    traceback = caught.value.__traceback__
    while traceback is not None:
        if {"nexport_campus", "nexport_client"} & set(Path(traceback.tb_frame.f_code.co_filename).parts):
            assert "hunter2" not in repr(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


@pytest.mark.parametrize("value", [object(), {"a": object()}, [1j], "\ud800", {1j: "a"}])
def test_any_value_must_fit_json(value: Any) -> None:
    """Where the spec allows any value, a value that JSON can't hold is refused before it is sent."""
    from nexport_campus._calling.argument_values import to_wire
    from nexport_campus._calling.scalar_values import InvalidValue
    from nexport_client.kinds import ANYTHING

    with pytest.raises(InvalidValue):
        to_wire(ANYTHING, value)
    assert to_wire(ANYTHING, {"a": [1, None, "b"]}) == {"a": [1, None, "b"]}


def test_null_is_sent_where_the_spec_allows_it() -> None:
    """A value that may be null is sent as what it is, and None as null."""
    from nexport_campus._calling.argument_values import to_wire

    assert to_wire(Array(Nullable(STRING)), ["a", None]) == ["a", None]
