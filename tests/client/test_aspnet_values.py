"""Dates, numbers and ids as an ASP.NET server writes them: each is decoded exactly or refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._decoding.fast_path import compile_decoder
from nexport_campus._decoding.observed_schema import Learned
from nexport_client.errors import DecodeError
from nexport_client.kinds import (
    BOOLEAN,
    DATE_TIME,
    INT32,
    NUMBER,
    STRING,
    STRING_MAP,
    UUID_,
    Array,
    EnumOf,
    Kind,
    MapOf,
    ModelOf,
)
from nexport_client.reader import Reader
from nexport_client.scalar_formats import parse_datetime
from tests.support.spec import example_response

ID = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
PHASE = EnumOf("Phase")


def section(**changes: Any) -> dict[str, Any]:
    """Return a section as the campus sends it."""
    return dict(example_response("LearningApi_GetSection")) | changes


def read_fast(model: str = "SectionResponse", value: Any = None, **changes: Any) -> Any:
    """Decode a value, or the section, on the fast path, which has learned the key `unknown`."""
    kind = ModelOf(model)
    learned = Learned(keys=frozenset({(kind.cls, "unknown")}))
    return compile_decoder(kind, learned)(json.dumps(value or section(**changes)).encode())


def read_tolerant(model: str = "SectionResponse", value: Any = None, **changes: Any) -> Any:
    """Decode a value, or the section, on the tolerant path."""
    return ModelOf(model).read(value or section(**changes), Reader())


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-26T01:56:25.2811239Z", datetime(2026, 5, 26, 1, 56, 25, 281123, UTC)),
        ("2026-05-26T23:59:59.9999999Z", datetime(2026, 5, 26, 23, 59, 59, 999999, UTC)),
        ("9999-12-31T23:59:59.9999999", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("2026-05-26T01:56:25.2", datetime(2026, 5, 26, 1, 56, 25, 200000, UTC)),
        ("2026-05-26T01:56", datetime(2026, 5, 26, 1, 56, tzinfo=UTC)),
        ("2026-05-26", datetime(2026, 5, 26, tzinfo=UTC)),
        ("2015-12-25T19:25:24.731+00:00", datetime(2015, 12, 25, 19, 25, 24, 731000, UTC)),
        ("2015-12-25T19:25:24,731Z", datetime(2015, 12, 25, 19, 25, 24, 731000, UTC)),
        ("2015-W52-5T19:25", datetime(2015, 12, 25, 19, 25, tzinfo=UTC)),
    ],
)
def test_dates_of_a_dotnet_server(read: Any, text: str, expected: datetime) -> None:
    """Fractions are cut, never rounded; a date without a zone is UTC; .NET's minimum and maximum are valid dates."""
    found = read(enrollment_end=text).enrollment_end
    assert (found, found.utcoffset()) == (expected, timedelta(0))


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
def test_an_offset_is_kept(read: Any) -> None:
    """A date with an offset keeps it."""
    found = read(enrollment_end="2026-05-26T01:56:25.1234567-05:30").enrollment_end
    zone = timezone(-timedelta(hours=5, minutes=30))
    assert found == datetime(2026, 5, 26, 1, 56, 25, 123456, zone)
    assert found.utcoffset() == zone.utcoffset(None)


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize("key", ["enrollment_end", "training_end"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00+01:00", FIRST),
        ("0001-01-01T13:59:59.9999999+14:00", FIRST),
        ("9999-12-31T23:59:59.9999999-06:00", LAST),
        ("9999-12-31T12:00:00-12:00", LAST),
    ],
)
def test_a_date_that_utc_cannot_express(read: Any, key: str, text: str, expected: datetime) -> None:
    """.NET's minimum and maximum with an offset that leaves UTC's range become the first and last date of UTC."""
    found = getattr(read(**{key: text}), key)
    assert (found, found.utcoffset(), found.astimezone(UTC)) == (expected, timedelta(0), expected)


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00-01:00",
        "0001-01-01T01:00:00+01:00",
        "0001-12-31T00:00:00+14:00",
        "0002-01-01T00:00:00+14:00",
        "9998-12-31T23:59:59-14:00",
        "9999-12-31T17:59:59-06:00",
        "9999-12-31T23:59:59+06:00",
    ],
)
def test_a_date_close_to_the_edge_of_utc_is_kept(read: Any, text: str) -> None:
    """A date within UTC's range keeps its offset, up to the last hour."""
    found = read(enrollment_end=text).enrollment_end
    assert found.isoformat() == text
    assert found.astimezone(UTC) == found


@given(moment=st.datetimes(), minutes=st.integers(-23 * 60, 23 * 60))
def test_every_date_can_be_converted_compared_and_written(moment: datetime, minutes: int) -> None:
    """This holds for every offset; a date within UTC's range keeps its instant and its offset."""
    zone = timezone(timedelta(minutes=minutes))
    read = parse_datetime(moment.replace(tzinfo=zone).isoformat())
    assert FIRST <= read.astimezone(UTC) <= LAST
    assert sorted([LAST, read, FIRST])[1] == read
    assert parse_datetime(read.isoformat()) == read
    if 1 < moment.year < 9999:
        assert read.isoformat() == moment.replace(tzinfo=zone).isoformat()


def test_lowercase_letters_in_a_date() -> None:
    """They are valid (RFC 3339); another type or another letter is still refused."""
    found = read_tolerant(enrollment_end="2015-12-25t19:25:24.731z").enrollment_end
    assert found == datetime(2015, 12, 25, 19, 25, 24, 731000, UTC)
    for wrong in (5, ["z"], "2015-12-25T19:25:24y"):
        with pytest.raises(DecodeError, match="enrollment_end"):
            read_tolerant(enrollment_end=wrong)


def write_date(moment: datetime, digits: int, offset: str) -> str:
    """Return a date as a campus may write it: with or without fractional digits and an offset."""
    fraction = f"{moment.microsecond:06}999999"[:digits]
    point = "." if digits else ""
    return f"{moment.replace(microsecond=0).isoformat()}{point}{fraction}{offset}"


DATES = st.builds(
    write_date,
    st.datetimes(),
    st.integers(0, 9),
    st.sampled_from(["", "Z", "z", "+00:00", "+05:30", "-08:00"]),
)


@given(st.lists(st.lists(DATES | st.dates().map(str), min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_fast_path_decodes_any_date_as_the_tolerant_one_does(pages: list[list[str]]) -> None:
    """It also does so after a response whose dates msgspec rejects or rounds, and before one."""
    compile_decoder.cache_clear()
    for dates in pages:
        value = [section(enrollment_end=text) for text in dates]
        kind = Array(ModelOf("SectionResponse"))
        tolerant = kind.read(value, Reader())
        try:
            fast = compile_decoder(kind, Learned())(json.dumps(value).encode())
        except ValueError:  # a lowercase z in a date that is decoded as a string
            assert any("z" in text for text in dates)
            continue
        assert fast == tolerant
        assert [item.to_dict() for item in fast] == [item.to_dict() for item in tolerant]


def test_a_fraction_of_another_number_is_no_date() -> None:
    """A number with many digits doesn't change how dates are decoded, and keeps its value."""
    compile_decoder.cache_clear()
    text = "2026-05-26T01:56:25.281123Z"
    found = read_fast(credit_hours=12.345678901, enrollment_end=text)
    assert (found.credit_hours, found.enrollment_end) == (12.345678901, parse_datetime(text))


@given(
    moment=st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)),  # noqa: DTZ001
    fraction=st.text("0123456789", min_size=1, max_size=12),
    offset=st.sampled_from(["", "Z", "+00:00", "+14:00", "-09:30"]),
)
def test_any_fraction_is_cut(moment: datetime, fraction: str, offset: str) -> None:
    """The decoded date is never later than the date that was sent, and less than a microsecond earlier."""
    base = moment.replace(microsecond=0)
    read = parse_datetime(f"{base.isoformat()}.{fraction}{offset}")
    assert read.replace(tzinfo=None) == base.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    assert read.utcoffset() == parse_datetime(f"{base.isoformat()}{offset}").utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01T00:00:00",
        "2026-02-30",
        "2026-05-26T25:00:00",
        "/Date(1234567890)/",
        "12345",
        "T",
        "\ud800",
    ],
)
def test_an_invalid_date_is_refused(text: str) -> None:
    """A string that isn't a date raises an error with its path, and the message omits the string."""
    with pytest.raises(DecodeError) as caught:
        read_tolerant(enrollment_end=text)
    assert caught.value.path == "enrollment_end"
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize(
    ("text", "kept"),
    [(str(ID), ID), (str(ID).upper(), ID), (str(UUID(int=0)), UUID(int=0))],
)
def test_ids_are_read_in_either_case(read: Any, text: str, kept: UUID) -> None:
    """Ids are read in either case; .NET's empty Guid is a valid id."""
    assert read(syllabus_id=text).syllabus_id == kept


@pytest.mark.parametrize("text", [f"{{{ID}}}", f"({ID})", f"{{{str(ID).upper()}}}", ID.hex])
def test_ids_in_dotnets_other_forms(text: str) -> None:
    """Ids with braces, with parentheses and without dashes are read too."""
    assert read_tolerant(syllabus_id=text).syllabus_id == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6f9619ff",
        f"urn:uuid:{ID}",
        f"{{{ID}",
        f"{ID}}}",
        f"({ID}}}",
        f" {ID}",
        f"{ID}\n",
        "6f96-19ff8b864d01b42d00cf4fc964ff",
    ],
)
def test_an_invalid_id_is_refused(text: str) -> None:
    """A string that only resembles an id raises an error with its path."""
    with pytest.raises(DecodeError) as caught:
        read_tolerant(syllabus_id=text)
    assert caught.value.path == "syllabus_id"


def test_integers_and_decimals_are_interchangeable() -> None:
    """An integer field accepts `3.0`, and a decimal field accepts an integer."""
    made = read_tolerant(enrollment_duration=3.0, credit_hours=2)
    assert (made.enrollment_duration, type(made.enrollment_duration)) == (3, int)
    assert (made.credit_hours, type(made.credit_hours)) == (2.0, float)


SESSION = dict(example_response("LearningApi_GetStudentSessions")["sessions"][0])


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize("number", [2**62, 2**63 - 1, -(2**62) - 1, -(2**63), 2**53 + 1, -(2**53) - 1])
def test_large_integers_are_exact(read: Any, number: int) -> None:
    """Integers of 54 bits and more, up to the extremes of 64 bits, are read exactly, in declared and unknown fields."""
    made = read("AssignmentSession", SESSION | {"order": number, "unknown": number})
    assert (made.order, type(made.order), made.additional_properties) == (number, int, {"unknown": number})


@pytest.mark.parametrize("number", [2**53, -(2**53)])
def test_the_largest_whole_float(number: int) -> None:
    """Up to 2**53, an integer field accepts a number written as a decimal."""
    made = read_tolerant("AssignmentSession", SESSION | {"order": float(number)})
    assert (made.order, type(made.order)) == (number, int)


@pytest.mark.parametrize("number", [2.0**53 + 2, -(2.0**53) - 2, 2.0**62, -(2.0**63), 1e300])
def test_a_larger_whole_float_is_refused(number: float) -> None:
    """Beyond 2**53, decimals skip integers, so it isn't read as one."""
    with pytest.raises(DecodeError, match="whole number") as caught:
        read_tolerant("AssignmentSession", SESSION | {"order": number})
    assert caught.value.path == "order"


@pytest.mark.parametrize("read", [read_fast, read_tolerant])
@pytest.mark.parametrize("number", [2**53 + 1, 2**63, -(2**80)])
def test_a_large_integer_in_a_decimal_field(read: Any, number: int) -> None:
    """It is read as the nearest float."""
    found = read(credit_hours=number).credit_hours
    assert (found, type(found)) == (float(number), float)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (INT32, 3.5, "a whole number, got a number"),
        (INT32, True, "a whole number, got a boolean"),
        (INT32, "3", "a whole number, got a string"),
        (INT32, 1e300, "a whole number, got a number"),
        (NUMBER, False, "a number, got a boolean"),
        (NUMBER, 10**400, "a number, got a number that is out of range"),
        (NUMBER, "2.5", "a number, got a string"),
        (BOOLEAN, 1, "a boolean, got a number"),
        (BOOLEAN, "true", "a boolean, got a string"),
        (STRING, 1, "a string, got a number"),
        (STRING, ["a"], "a string, got a list"),
        (UUID_, 12, "a uuid, got a number"),
        (UUID_, {}, "a uuid, got an object"),
        (DATE_TIME, 1700000000, "a date and time, got a number"),
    ],
)
def test_a_wrong_type_is_refused(kind: Kind, value: Any, expected: str) -> None:
    """No value is converted to another type."""
    with pytest.raises(DecodeError, match=f"expected {expected}"):
        kind.read(value, Reader())


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        (Array(PHASE), [2, None], "[1]"),
        (MapOf(PHASE), {"a": 2, "b": None}, "b"),
        (STRING_MAP, {"b": None}, "b"),
    ],
    ids=["list", "map", "strings"],
)
def test_null_elements(kind: Kind, value: Any, place: str) -> None:
    """A null in a list or a map is read as None, reported as drift, and written as null again."""
    reader = Reader()
    read = kind.read(value, reader)
    assert [(kind, path) for kind, path, *_ in reader.drifts] == [("missing_required", place)]
    assert kind.write(read) == value


def test_a_null_element_without_which_nothing_can_be_read() -> None:
    """A null in place of an id is an error that names its place."""
    with pytest.raises(DecodeError, match=r"^b: null or missing, and required$"):
        MapOf(UUID_).read({"b": None}, Reader())


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.lists(st.integers()),
        st.builds(dict),
    )
)
def test_only_decode_errors_are_raised(value: Any) -> None:
    """Each kind reads a value of its type or raises DecodeError; every boolean and string is read."""
    types = {BOOLEAN: bool, DATE_TIME: datetime, INT32: int, NUMBER: float, STRING: str, UUID_: UUID}
    for kind, expected in types.items():
        try:
            read = kind.read(value, Reader())
        except DecodeError:
            assert kind not in {BOOLEAN, STRING} or type(value) is not expected
        else:
            assert type(read) is expected
