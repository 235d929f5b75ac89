"""Arguments from numpy, pandas, polars, enums and decimals: each is sent as the value it represents, or refused."""

import json
from collections import Counter, UserString, deque
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_client
from nexport_campus import ArgumentError, NexportCampus, PasswordAuth
from nexport_campus.models import Phase
from tests.support.clients import campus_with
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import OPERATIONS, SOME_ID, example_response

SEARCHED = json_response(example_response("LearningApi_SearchEnrollments"))
EDITED = json_response(example_response("ScormApi_EditScormData"))
ATTEMPT: dict[str, Any] = {
    item.name: item.given
    for operation in OPERATIONS
    if operation.id == "ScormApi_EditScormData"
    for item in operation.arguments
    if item.required
}


class Course(StrEnum):
    SAFETY = SOME_ID


class Mixed(str, Enum):  # noqa: UP042 -- what users wrote before Python 3.11
    SAFETY = SOME_ID


class Level(IntEnum):
    HIGH = 7


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not what it holds"


LISTS: dict[str, Callable[[list[str]], Any]] = {
    "generator": lambda ids: (each for each in ids),
    "map": lambda ids: map(str, ids),
    "filter": lambda ids: filter(None, ids),
    "dict view": lambda ids: dict.fromkeys(ids).keys(),
    "values": lambda ids: dict(enumerate(ids)).values(),
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
    "numpy": np.array,
    "objects of numpy": lambda ids: np.array(ids, dtype=object),
    "pandas": pd.Series,
    "index of pandas": pd.Index,
    "polars": pl.Series,
}
NO_LISTS: dict[str, Callable[[list[str]], Any]] = {
    "string": lambda ids: ids[0],
    "bytes": lambda ids: ids[0].encode(),
    "bytearray": lambda ids: bytearray(ids[0].encode()),
    "memoryview": lambda ids: memoryview(ids[0].encode()),
    "UserString": lambda ids: UserString(ids[0]),
    "dict": dict.fromkeys,
    "Counter": Counter,
    "mapping": lambda ids: MappingProxyType(dict.fromkeys(ids)),
    "array without dimensions": lambda ids: np.array(ids[0]),
    "table of numpy": lambda ids: np.array([ids]),
    "frame of pandas": lambda ids: pd.DataFrame({each: [1] for each in ids}),
    "frame of polars": lambda ids: pl.DataFrame({each: [1] for each in ids}),
    "UUID": lambda ids: UUID(ids[0]),
    "async generator": lambda ids: _later(ids),
    "number": lambda ids: 5,
}


async def _later(ids: list[str]) -> AsyncIterator[str]:
    for each in ids:
        yield each


@pytest.mark.parametrize("made", LISTS.values(), ids=LISTS)
async def test_any_iterable_is_sent_whole(made: Callable[[list[str]], Any]) -> None:
    """An iterable is read once, and each of its elements is sent."""
    ids = [str(uuid4()) for _ in range(5)]
    async with campus_with(SEARCHED, SEARCHED) as (campus, server):
        await campus.learning.search_enrollments(org_ids=made(ids))
        await campus.learning.search_enrollments(org_ids=made(ids), syllabus_unique_names=made(ids))
    (first, second) = (request.json for request in server.requests)
    assert sorted(first["org_ids"]) == sorted(second["org_ids"]) == sorted(ids)
    assert sorted(second["syllabus_unique_names"]) == sorted(ids)


@pytest.mark.parametrize("made", NO_LISTS.values(), ids=NO_LISTS)
async def test_a_value_that_is_not_a_list_is_refused(made: Callable[[list[str]], Any]) -> None:
    """A string, a mapping or a table would be misread; the error names it."""
    ids = [str(uuid4()), str(uuid4())]
    async with campus_with() as (campus, server):
        for name in ("org_ids", "syllabus_unique_names"):
            with pytest.raises(ArgumentError, match=f"{name} .*must be a (list|string|UUID)") as caught:
                campus.learning.search_enrollments(**{"user_ids": ids} | {name: made(ids)})
            assert caught.value.argument == name
    assert server.connections == 0


@pytest.mark.parametrize("made", NO_LISTS.values(), ids=NO_LISTS)
async def test_a_value_without_ids_is_refused(made: Callable[[list[str]], Any]) -> None:
    """`get_sections_by_id` refuses the same, except for a mapping, whose keys it uses."""
    ids = [str(uuid4()), str(uuid4())]
    sections = json_response({"sections": []} | error_entity(3, "Not found"), status=409)
    mapping = isinstance(made(ids), Mapping)
    async with campus_with(*[sections] * 3 * mapping) as (campus, server):
        if mapping:
            assert (await campus.get_sections_by_id(made(ids))).missing == [UUID(each) for each in ids]
            return
        with pytest.raises(ArgumentError, match=r"ids .*must be a (list|UUID)") as caught:
            await campus.get_sections_by_id(made(ids))
    assert caught.value.argument == "ids"
    assert server.connections == 0


@pytest.mark.parametrize("made", LISTS.values(), ids=LISTS)
async def test_ids_in_any_iterable(made: Callable[[list[str]], Any]) -> None:
    """`get_sections_by_id` reads any iterable once."""
    ids = [str(uuid4()) for _ in range(3)]
    section = dict(example_response("LearningApi_GetSection"))
    found = {"sections": [section | {"syllabus_id": each} for each in ids]} | error_entity()
    async with campus_with(json_response(found)) as (campus, server):
        result = await campus.get_sections_by_id(made(ids))
    assert {str(each.syllabus_id) for each in result.sections} == set(ids)
    assert result.missing == []
    assert sorted(server.requests[0].json["sections"]) == sorted(ids)


LIST_ARGUMENTS = [
    (operation, item)
    for operation in OPERATIONS
    for item in operation.arguments
    if isinstance(item.given, list) and not operation.deprecated
]


@pytest.mark.parametrize(
    ("operation", "item"), LIST_ARGUMENTS, ids=lambda each: getattr(each, "name", str(each))
)
def test_every_list_argument_takes_a_generator(operation: Any, item: Any) -> None:
    """A generator is sent like the list of its elements."""
    from nexport_campus._calling.arguments import encode

    stated = nexport_client.OPERATIONS[operation.id]
    required = {other.name: other.given for other in operation.arguments if other.required}
    listed = encode(stated, required | {item.name: item.given})
    generated = encode(stated, required | {item.name: iter(item.given)})
    assert (generated.query, generated.fields) == (listed.query, listed.fields)


def test_there_are_list_arguments() -> None:
    """The test above has cases."""
    assert len(LIST_ARGUMENTS) >= 8


@pytest.mark.parametrize(
    "value", [Course.SAFETY, Mixed.SAFETY, np.str_(SOME_ID), Text(SOME_ID), np.str_(SOME_ID.upper())]
)
async def test_a_string_of_any_class_is_an_id(value: Any) -> None:
    """For an enum's string, numpy's string and a user's class, the characters count, also within a list."""
    section, enrolled = (
        json_response(example_response(f"LearningApi_{name}")) for name in ("GetSection", "GetSections")
    )
    async with campus_with(section, enrolled, SEARCHED) as (campus, server):
        await campus.learning.get_section(syllabus_id=value)
        await campus.learning.get_sections(sections=[value])
        await campus.learning.search_enrollments(org_ids=[value], syllabus_unique_names=[value])
    first, second, third = server.requests
    assert dict(first.query)["syllabus_id"] == SOME_ID
    assert second.json["sections"] == third.json["org_ids"] == [SOME_ID]
    assert third.json["syllabus_unique_names"] == [str.__str__(value)]


@pytest.mark.parametrize(
    ("argument", "value", "sent"),
    [
        ("preference_speed", np.int64(5), "5"),
        ("preference_speed", np.uint8(5), "5"),
        ("preference_speed", np.array(5), "5"),
        ("preference_speed", Level.HIGH, "7"),
        ("raw_score", np.int32(95), "95.0"),
        ("raw_score", np.float64(95.5), "95.5"),
        ("raw_score", np.float32(95.5), "95.5"),
        ("raw_score", np.float16(95.5), "95.5"),
        ("raw_score", Decimal("95.10"), "95.1"),
        ("raw_score", Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        ("raw_score", 2**53 + 1, "9007199254740993"),
        ("raw_score", Fraction(1, 2), "0.5"),
        ("raw_score", Level.HIGH, "7.0"),
        ("for_credit", np.True_, "true"),
        ("for_credit", np.array(False), "false"),
        ("sco_id", np.str_("sco"), '"sco"'),
        (
            "start_date_utc",
            pd.Timestamp("2026-01-31T01:02:03.123456789Z"),
            '"2026-01-31T01:02:03.123456+00:00"',
        ),
        (
            "start_date_utc",
            pd.Timestamp("2026-01-31", tz="America/Chicago"),
            '"2026-01-31T00:00:00-06:00"',
        ),
        # Local mean time, with an offset of -5:50:36, which .NET can't read.
        (
            "start_date_utc",
            datetime(1880, 1, 1, tzinfo=ZoneInfo("America/Chicago")),
            '"1880-01-01T05:50:36+00:00"',
        ),
    ],
)
async def test_a_number_of_any_library_is_sent(argument: str, value: Any, sent: str) -> None:
    """Numbers, booleans and dates are sent in their JSON form, digit for digit."""
    async with campus_with(EDITED) as (campus, server):
        await campus.scorm.edit_scorm_data(**ATTEMPT | {argument: value})
    (request,) = server.requests
    assert f'"{argument}":{sent}' in request.body.decode()
    assert json.loads(request.body)


class NoOffset(tzinfo):
    """A time zone without an implementation."""


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("preference_speed", np.bool_(True), "whole number, got bool"),
        ("preference_speed", 5.0, "whole number, got 5.0"),
        ("preference_speed", np.float64(5), "whole number, got 5.0"),
        ("preference_speed", Decimal(5), "whole number, got Decimal"),
        ("preference_speed", np.timedelta64(5, "ns"), "whole number, got timedelta64"),
        ("preference_speed", np.array([5, 6]), "whole number, got ndarray"),
        ("preference_speed", pd.NA, "whole number, got NAType"),
        ("preference_speed", np.uint64(2**31), "from -2147483648 to 2147483647, got 2147483648"),
        ("preference_speed", 10**400, "from -2147483648 to 2147483647, got a number of 1329 bits"),
        ("raw_score", True, "number, got True"),
        ("raw_score", np.bool_(True), "number, got bool"),
        ("raw_score", float("nan"), "finite number, got nan"),
        ("raw_score", np.float64("nan"), "finite number, got nan"),
        ("raw_score", np.float32("inf"), "finite number, got float32"),
        ("raw_score", Decimal("NaN"), "finite number, got Decimal"),
        ("raw_score", Decimal("sNaN"), "finite number, got Decimal"),
        ("raw_score", Decimal("-Infinity"), "finite number, got Decimal"),
        ("raw_score", Decimal("1e400"), "finite number, got Decimal"),
        ("raw_score", 10**400, "finite number, got a number of 1329 bits"),
        ("raw_score", pd.NaT, "number, got NaTType"),
        ("raw_score", np.timedelta64(5, "ns"), "number, got timedelta64"),
        ("raw_score", "95", "number, got str"),
        ("for_credit", 1, "True or False, got 1"),
        ("for_credit", np.int64(1), "True or False, got int64"),
        ("for_credit", pd.NA, "True or False, got NAType"),
        ("start_date_utc", pd.NaT, "is NaT, which isn't a date"),
        ("start_date_utc", np.datetime64("2026-01-31"), "datetime, got datetime64"),
        ("start_date_utc", pd.Timestamp("2026-01-31"), "with a zone"),
        (
            "start_date_utc",
            datetime(2026, 1, 31, tzinfo=NoOffset()),  # type: ignore[abstract]  # the missing offset is tested
            "time zone that gives no offset",
        ),
        (
            "start_date_utc",
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5, seconds=1))),
            "beyond the years 1 to 9999",
        ),
        ("start_date_utc", datetime(2026, 1, 31, tzinfo=UTC).date(), "datetime, got date"),
        ("sco_id", float("nan"), "string, got nan"),
        ("sco_id", pd.NA, "string, got NAType"),
        ("sco_id", b"sco", "string, got bytes"),
        ("sco_id", "\ud800", "lone surrogates"),
    ],
)
async def test_an_invalid_value_is_refused(argument: str, value: Any, words: str) -> None:
    """ArgumentError says what is wrong with the value, and nothing is sent."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match=f"{argument} .*{words}") as caught:
            await campus.scorm.edit_scorm_data(**ATTEMPT | {argument: value})
    assert caught.value.argument == argument
    assert server.connections == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("xyz", "is not a UUID: 'xyz'"),
        ("", "is not a UUID: ''"),
        (f"{SOME_ID} ", "is not a UUID: it has spaces around it"),
        ("two\nlines", r"is not a UUID: 'two\\nlines'"),
        ("x" * 10_000, "is not a UUID: a string of 10000 characters"),
        (5, "must be a UUID or its string, got 5"),
        (pd.NaT, "must be a UUID or its string, got NaTType"),
        (float("nan"), "must be a UUID or its string, got nan"),
        (UUID(SOME_ID).bytes, "must be a UUID or its string, got bytes"),
        (Phase.FINISHED, "must be a UUID or its string, got Phase.FINISHED"),
    ],
)
async def test_the_message_about_an_id(value: Any, words: str) -> None:
    """A short string is quoted on one line; for any other value the message has its type or length."""
    async with campus_with() as (campus, _):
        with pytest.raises(ArgumentError, match=f"syllabus_id {words}; nothing was sent"):
            await campus.learning.get_section(syllabus_id=value)
        with pytest.raises(ArgumentError, match=rf"sections \[1\] {words}; nothing was sent"):
            await campus.learning.get_sections(sections=[SOME_ID, value])
        with pytest.raises(ArgumentError, match=rf"ids \[1\] {words}; nothing was sent"):
            await campus.get_sections_by_id([SOME_ID, value])


async def test_a_secret_that_is_mistaken_for_an_id() -> None:
    """The account's password is redacted where an error would quote it."""
    async with campus_with(auth=PasswordAuth("ada", "hunter2")) as (campus, _):
        wrong: dict[str, Any] = {"org_id": "hunter2", "user_id": SOME_ID, "syllabus_id": SOME_ID}
        calls = (
            lambda: campus.learning.get_section(syllabus_id="hunter2"),
            lambda: campus.raw.learning.get_section(syllabus_id="hunter2"),
            lambda: campus.ensure_enrollment(**wrong),
            lambda: campus.get_sections_by_id(["hunter2"]),
            lambda: campus.get_enrollments_by_id(["hunter2"], org_ids=[SOME_ID]),
            lambda: campus.get_enrollments_by_id([SOME_ID], org_ids=["hunter2"]),
            lambda: campus.get_enrollments_by_id([SOME_ID], user_ids=["hunter2"]),
            lambda: anext(campus.enrollment_changes(org_ids=["hunter2"])),
            lambda: anext(campus.enrollment_changes(user_ids=["hunter2"])),
        )
        for call in calls:
            with pytest.raises(ArgumentError) as caught:
                await call()
            assert "hunter2" not in f"{caught.value}{caught.value!r}{caught.value.args}{vars(caught.value)}"
            assert "***" in str(caught.value)


async def test_the_path_of_an_invalid_value() -> None:
    """The message names elements, entries and keys."""
    async with campus_with() as (campus, _):
        fields: Any = {"Badge": 5}
        with pytest.raises(
            ArgumentError, match=r"custom_enrollment_field_values \['Badge'\] must be a string, got 5"
        ):
            await set_fields(campus, fields)
        with pytest.raises(
            ArgumentError, match="custom_enrollment_field_values has a key that must be a string"
        ):
            await set_fields(campus, {5: "a"})


async def set_fields(campus: NexportCampus, values: Any) -> None:
    """Call SetCustomEnrollmentFieldValues."""
    await campus.learning.set_custom_enrollment_field_values(
        enrollment_id=SOME_ID, custom_enrollment_field_values=values
    )


async def test_page_numbers_of_numpy() -> None:
    """Page, page size, limit and concurrency accept any library's integers and convert them to Python's."""
    page = {"enrollments": [], "total_count": 0, "page": 1, "page_size": 1} | error_entity()
    async with campus_with(*[json_response(page)] * 3) as (campus, server):
        pager = campus.learning.search_enrollments(
            org_ids=[SOME_ID],
            page=np.int64(2),  # type: ignore[arg-type]  # numpy's integers are tested
            per_page=np.uint16(50),  # type: ignore[arg-type]
        )
        assert type((await pager).number) is int
        await pager.collect(np.int64(5))  # type: ignore[arg-type]
        await pager.concurrent(np.int64(2)).collect()  # type: ignore[arg-type]
        for wrong in (np.float64(2), np.True_, -1, Decimal(1)):
            with pytest.raises(ArgumentError, match="limit must be a whole number from 0"):
                await pager.collect(wrong)  # type: ignore[arg-type]
    queries = [dict(request.query) for request in server.requests]
    assert {(query["page"], query["per_page"]) for query in queries} == {("2", "50")}


def test_any_value_is_sent_as_in_other_operations() -> None:
    """Where the spec allows any value, ids, dates, decimals and large numbers are written as elsewhere."""
    from nexport_campus._calling.argument_values import to_wire
    from nexport_campus._http.encoded_request import EncodedRequest
    from nexport_client.kinds import ANYTHING

    value: Any = {
        "id": UUID(SOME_ID),
        "when": datetime(2026, 1, 31, tzinfo=UTC),
        "amount": Decimal("19.90"),
        "large": 2**80,
        "course": Course.SAFETY,
        "phase": Phase.FINISHED,
        "list": (each for each in [1, np.int64(2), 2.5, True, None]),
    }
    content = EncodedRequest("", to_wire(ANYTHING, value), secret_body=False, token=None).encode_body()
    assert content is not None
    assert json.loads(content, parse_float=str, parse_int=str) == {
        "id": SOME_ID,
        "when": "2026-01-31T00:00:00+00:00",
        "amount": "19.9",
        "large": str(2**80),
        "course": SOME_ID,
        "phase": str(int(Phase.FINISHED)),
        "list": ["1", "2", "2.5", True, None],
    }


LARGE = [sign * (2**bits + step) for bits in (53, 62, 63, 64, 100) for step in (-1, 0, 1) for sign in (1, -1)]


@pytest.mark.parametrize("number", LARGE)
def test_large_integers_are_sent_exactly(number: int) -> None:
    """An integer in any value is written digit for digit, beyond 64 bits too; one for an integer field must fit."""
    from nexport_campus._calling.argument_values import to_wire
    from nexport_campus._calling.scalar_values import InvalidValue
    from nexport_campus._http.encoded_request import EncodedRequest
    from nexport_client.kinds import ANYTHING, INTEGER

    sent = EncodedRequest("", to_wire(ANYTHING, [number]), secret_body=False, token=None).encode_body()
    assert sent == f"[{number}]".encode()
    if -(2**63) <= number < 2**63:
        assert to_wire(INTEGER, number) == number
    else:
        with pytest.raises(InvalidValue, match="from -9223372036854775808 to 9223372036854775807"):
            to_wire(INTEGER, number)


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value", [{"a": float("nan")}, [pd.NaT], CYCLE, {"a": [b"x"]}, {5: 1}, [object()], Decimal("inf")]
)
def test_values_that_json_can_not_hold_are_refused(value: Any) -> None:
    """NaN (which would become null), bytes, keys that aren't strings, and cycles are refused."""
    from nexport_campus._calling.argument_values import to_wire
    from nexport_campus._calling.scalar_values import InvalidValue
    from nexport_client.kinds import ANYTHING

    with pytest.raises(InvalidValue) as caught:
        to_wire(ANYTHING, value)
    assert len(str(caught.value)) < 200


@given(st.integers() | st.floats() | st.decimals(allow_nan=False) | st.fractions())
def test_numbers_keep_their_value(value: Any) -> None:
    """An integer or decimal is sent exactly, a fraction as the nearest float; what JSON can't hold is refused."""
    from nexport_campus._calling.argument_values import to_wire
    from nexport_campus._calling.scalar_values import InvalidValue
    from nexport_client.kinds import NUMBER

    try:
        sent = to_wire(NUMBER, value)
    except InvalidValue:
        assert not -1e308 < value < 1e308
        return
    if isinstance(value, Fraction | float):
        assert sent == float(value)
    else:
        assert Decimal(repr(sent) if isinstance(sent, float) else sent) == value
