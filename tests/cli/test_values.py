"""From texts to arguments: whatever can be written is read back, and what can't be one is refused in words."""

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus.cli.option_values import NULL, join_occurrences, metavar, parse
from nexport_campus.models import CatalogAccessOption
from nexport_client.kinds import (
    ANYTHING,
    BOOLEAN,
    DATE_TIME,
    INT32,
    NUMBER,
    TEXT,
    TEXT_MAP,
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
def test_scalars(uuid: UUID, whole: int, number: float, boolean: bool) -> None:
    """What Python and JSON write, and a UUID in any of .NET's forms, is read as what it is."""
    for text in (str(uuid), uuid.hex, f"{{{uuid}}}", f" {str(uuid).upper()} "):
        assert parse(UUID_, text) == uuid
    assert parse(INT32, str(whole)) == whole
    assert parse(NUMBER, repr(number)) == number
    assert parse(BOOLEAN, str(boolean)) is boolean


@given(st.datetimes(timezones=ZONES))
def test_dates(date: datetime) -> None:
    """A date with a zone is read to the microsecond; without one it is refused."""
    assert parse(DATE_TIME, date.isoformat()) == date
    with pytest.raises(ValueError, match="zone"):
        parse(DATE_TIME, date.replace(tzinfo=None).isoformat())


@given(st.text())
def test_texts_stay_whole(text: str) -> None:
    """A text is what it is, blanks and all."""
    assert parse(TEXT, text) == text


@given(st.lists(st.text()))
def test_lists_of_texts(texts: list[str]) -> None:
    """A JSON list gives its elements; occurrences come in their order."""
    kind = Array(TEXT)
    assert parse(kind, json.dumps(texts)) == texts
    plain = [text for text in texts if not text.lstrip().startswith("[")]
    assert join_occurrences(kind, [parse(kind, text) for text in plain]) == plain


@given(st.dictionaries(st.text(), st.text()))
def test_mappings(entries: dict[str, str]) -> None:
    """A JSON object gives its entries, and NAME=VALUE one, at the first equals sign."""
    assert parse(TEXT_MAP, json.dumps(entries)) == entries
    plain = {
        name: value
        for name, value in entries.items()
        if "=" not in name and not name.lstrip().startswith("{")
    }
    assert (
        join_occurrences(TEXT_MAP, [parse(TEXT_MAP, f"{name}={value}") for name, value in plain.items()])
        == plain
    )


@pytest.mark.parametrize("text", ["2", "both", "Both", "BOTH", " both "])
def test_enums(text: str) -> None:
    """A member is read by its number, name or label, whatever the case."""
    assert parse(ACCESS, text) is CatalogAccessOption.BOTH


@pytest.mark.parametrize("text", ["available to members", "available-to-members", "AvailableToMembers", "0"])
def test_names_of_several_words(text: str) -> None:
    """How the words of a name are joined doesn't matter."""
    assert parse(EnumOf("PublishingModel"), text) == 0


def test_objects() -> None:
    """An object is JSON as the API has it, one or a list of them."""
    written = {"cmi_element_name": "cmi.core.score.raw", "cmi_element_value": "5"}
    (field,) = parse(Array(FIELD), json.dumps(written))
    assert field.to_dict() == written
    assert parse(Array(FIELD), json.dumps([written, written])) == [field, field]
    assert parse(Nullable(FIELD), "null") is None
    assert parse(MapOf(FIELD), json.dumps({"a": written})) == {"a": field}
    assert parse(ANYTHING, '{"a": [1, null]}') == {"a": [1, None]}


def test_null() -> None:
    """Null is a value where it may be one, and a text elsewhere."""
    assert parse(DATE_TIME, "null", nullable=True) is NULL
    assert parse(TEXT, "null") == "null"
    assert parse(Array(Nullable(NUMBER)), "[1, null]") == [1.0, None]


@pytest.mark.parametrize(
    ("kind", "text", "told"),
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
        (TEXT_MAP, "name", "NAME=VALUE"),
        (TEXT_MAP, '{"a": 1}', "a string"),
        (TEXT_MAP, '{"a": "1", "a": "2"}', "twice"),
        (ANYTHING, "NaN", "is not a number in JSON"),
        (FIELD, "[]", "an object"),
        (FIELD, '{"cmi_element_name": "n", "cmi_element_value": 5}', "cmi_element_value"),
        (FIELD, '{"cmi_element_name": "n", "cmi_element_valeu": "5"}', "has no cmi_element_valeu"),
        (FIELD, '{"cmi_element_value": "5"}', "cmi_element_name"),
    ],
)
def test_refusals(kind: Kind, text: str, told: str) -> None:
    """What can't be an argument is refused with what it must be; nothing is guessed, nothing is dropped."""
    with pytest.raises(ValueError, match=told):
        parse(kind, text)


def test_an_entry_that_comes_twice() -> None:
    """Of two values for one name neither is dropped."""
    with pytest.raises(ValueError, match="a is given twice"):
        join_occurrences(TEXT_MAP, [{"a": "1"}, {"b": "1"}, {"a": "2"}])


@given(
    st.text(max_size=40),
    st.sampled_from([UUID_, INT32, NUMBER, BOOLEAN, DATE_TIME, ACCESS, TEXT_MAP, FIELD, ANYTHING]),
)
def test_any_text_is_read_or_refused(text: str, kind: Kind) -> None:
    """Whatever is typed, it gives a value or a ValueError with words."""
    try:
        value: Any = parse(kind, text)
    except ValueError as error:
        told = str(error)
    else:
        told = "must be finite" if not isinstance(value, float) or math.isfinite(value) else ""
    assert told.startswith(("must ", "doesn't match the specification: "))


def test_metavars() -> None:
    """What stands for a value in the help says what it is."""
    names = [metavar(kind) for kind in (UUID_, Array(UUID_), ACCESS, TEXT_MAP, Array(FIELD), BOOLEAN)]
    assert names == ["UUID", "UUID", "CATALOG-ACCESS-OPTION", "NAME=TEXT", "JSON", "true|false"]
