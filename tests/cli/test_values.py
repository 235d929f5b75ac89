"""From strings to arguments: every printed value is read back, and everything else is refused with a clear message."""

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus.cli.option_values import NULL, join_occurrences, make_metavar, parse
from nexport_campus.models import CatalogAccessOption
from nexport_client.kinds import (
    ANYTHING,
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
    Nullable,
)

ACCESS = EnumOf("CatalogAccessOption")
FIELD = ModelOf("CmiField")
ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


@given(
    st.uuids(),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
def test_scalars_are_read_in_every_usual_spelling(
    uuid: UUID, whole: int, number: float, boolean: bool
) -> None:
    """UUIDs in any .NET form, integers, numbers and booleans as Python and JSON write them are read."""
    for string in (str(uuid), uuid.hex, f"{{{uuid}}}", f" {str(uuid).upper()} "):
        assert parse(UUID_, string) == uuid
    assert parse(INT32, str(whole)) == whole
    assert parse(NUMBER, repr(number)) == number
    assert parse(BOOLEAN, str(boolean)) is boolean


@given(st.datetimes(timezones=ZONES))
def test_dates_need_a_zone(date: datetime) -> None:
    """A date with a zone is read to the microsecond; without one it is refused."""
    assert parse(DATE_TIME, date.isoformat()) == date
    with pytest.raises(ValueError, match="zone"):
        parse(DATE_TIME, date.replace(tzinfo=None).isoformat())


@given(st.text())
def test_strings_keep_their_blanks(string: str) -> None:
    """A string is kept, with its blanks."""
    assert parse(STRING, string) == string


@given(st.lists(st.text()))
def test_lists_of_strings(strings: list[str]) -> None:
    """A JSON list gives its elements; repeated options keep their order."""
    kind = Array(STRING)
    assert parse(kind, json.dumps(strings)) == strings
    plain = [string for string in strings if not string.lstrip().startswith("[")]
    assert join_occurrences(kind, [parse(kind, string) for string in plain]) == plain


@given(st.dictionaries(st.text(), st.text()))
def test_mappings_are_objects_or_pairs(entries: dict[str, str]) -> None:
    """A JSON object gives its entries; NAME=VALUE gives one, split at the first equals sign."""
    assert parse(STRING_MAP, json.dumps(entries)) == entries
    plain = {
        name: value
        for name, value in entries.items()
        if "=" not in name and not name.lstrip().startswith("{")
    }
    assert (
        join_occurrences(STRING_MAP, [parse(STRING_MAP, f"{name}={value}") for name, value in plain.items()])
        == plain
    )


@pytest.mark.parametrize("string", ["2", "both", "Both", "BOTH", " both "])
def test_members_are_read_by_number_name_or_label(string: str) -> None:
    """A member is read by its number, name or label, in any case."""
    assert parse(ACCESS, string) is CatalogAccessOption.BOTH


@pytest.mark.parametrize(
    "string", ["available to members", "available-to-members", "AvailableToMembers", "0"]
)
def test_names_of_several_words(string: str) -> None:
    """Words of a name may be joined by spaces, dashes or nothing."""
    assert parse(EnumOf("PublishingModel"), string) == 0


def test_objects_are_read_as_json() -> None:
    """An object is JSON as the API has it, one or a list of them."""
    written = {"cmi_element_name": "cmi.core.score.raw", "cmi_element_value": "5"}
    (field,) = parse(Array(FIELD), json.dumps(written))
    assert field.to_dict() == written
    assert parse(Array(FIELD), json.dumps([written, written])) == [field, field]
    assert parse(Nullable(FIELD), "null") is None
    assert parse(MapOf(FIELD), json.dumps({"a": written})) == {"a": field}
    assert parse(ANYTHING, '{"a": [1, null]}') == {"a": [1, None]}


def test_null_is_read_where_it_is_allowed() -> None:
    """The word null is null where the parameter allows it, and a string elsewhere."""
    assert parse(DATE_TIME, "null", nullable=True) is NULL
    assert parse(STRING, "null") == "null"
    assert parse(Array(Nullable(NUMBER)), "[1, null]") == [1.0, None]


@pytest.mark.parametrize(
    ("kind", "string", "expected"),
    [
        (UUID_, "6f9619ff", "UUID"),
        (INT32, "1.5", "whole number"),
        (INT32, "", "whole number"),
        (INT32, "٣", "whole number"),
        (NUMBER, "nan", "a number"),
        (NUMBER, "1e999", "a number"),
        (NUMBER, "five", "a number"),
        (BOOLEAN, "maybe", "true or false"),
        (DATE_TIME, "yesterday", "date and time"),
        (DATE_TIME, "2026-01-31", "zone"),
        (ACCESS, "3", "0 shared, 1 owned, 2 both"),
        (ACCESS, "", "0 shared, 1 owned, 2 both"),
        (ACCESS, "-", "0 shared"),
        (Array(INT32), "[1", "must be JSON"),
        (Array(INT32), '["a"]', "whole number"),
        (Array(INT32), "[true]", "whole number"),
        (STRING_MAP, "name", "NAME=VALUE"),
        (STRING_MAP, '{"a": 1}', "a string"),
        (STRING_MAP, '{"a": "1", "a": "2"}', "twice"),
        (ANYTHING, "NaN", "is not a number in JSON"),
        (FIELD, "[]", "an object"),
        (FIELD, '{"cmi_element_name": "n", "cmi_element_value": 5}', "cmi_element_value"),
        (FIELD, '{"cmi_element_name": "n", "cmi_element_valeu": "5"}', "has no cmi_element_valeu"),
        (FIELD, '{"cmi_element_value": "5"}', "cmi_element_name"),
    ],
)
def test_invalid_arguments_are_refused_with_the_expected_form(kind: Kind, string: str, expected: str) -> None:
    """An invalid argument is refused with the expected form; nothing is guessed or dropped."""
    with pytest.raises(ValueError, match=expected):
        parse(kind, string)


def test_duplicate_entries() -> None:
    """Two values for one name are refused."""
    with pytest.raises(ValueError, match="a is given twice"):
        join_occurrences(STRING_MAP, [{"a": "1"}, {"b": "1"}, {"a": "2"}])


@given(
    st.text(max_size=40),
    st.sampled_from([UUID_, INT32, NUMBER, BOOLEAN, DATE_TIME, ACCESS, STRING_MAP, FIELD, ANYTHING]),
)
def test_any_string_is_read_or_refused(string: str, kind: Kind) -> None:
    """Every string gives a value or a ValueError with a message."""
    try:
        value: Any = parse(kind, string)
    except ValueError as error:
        output = str(error)
    else:
        output = "must be finite" if not isinstance(value, float) or math.isfinite(value) else ""
    assert output.startswith(("must ", "doesn't match the specification: "))


def test_placeholders_name_the_type() -> None:
    """The placeholder of a value in the help names its type."""
    names = [make_metavar(kind) for kind in (UUID_, Array(UUID_), ACCESS, STRING_MAP, Array(FIELD), BOOLEAN)]
    assert names == ["UUID", "UUID", "CATALOG-ACCESS-OPTION", "NAME=TEXT", "JSON", "true|false"]
