"""Lone surrogates in a response become U+FFFD and drift, wherever they occur; over a real socket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import APIError, Drift, NotFoundError, ResponseDecodeError
from nexport_campus._decoding.decoder import NO_MATCH, Decoder, NotJSON, parse_json
from nexport_campus._drift import DriftReporter
from nexport_campus.models import ApiEnrollmentItem, CategoryResponseItem
from nexport_client.kinds import Array, ModelOf
from tests.support.clients import campus_with
from tests.support.scripted_server import Response, json_response
from tests.support.spec import SOME_ID, example_response

HALVES = {
    "a high one": ("\ud800", "\ufffd"),
    "a low one": ("\udfff", "\ufffd"),
    "within a string": ("a\udbffz", "a\ufffdz"),
    "two in the wrong order": ("\udc00\ud800", "\ufffd\ufffd"),
    "before a whole pair": ("\ud83d\U0001f600", "\ufffd\U0001f600"),
}
SECTION: dict[str, Any] = dict(example_response("LearningApi_GetSection"))
CATEGORY: dict[str, Any] = example_response("LearningApi_GetCategories")[0]


@pytest.mark.parametrize("name", HALVES)
async def test_one_surrogate_costs_no_page(name: str) -> None:
    """The other records are unaffected, and its own string has U+FFFD in place of the surrogate."""
    half, clean = HALVES[name]
    drifts: list[Drift] = []
    records = [CATEGORY, CATEGORY | {"name": half}, CATEGORY]
    page = json_response(records, headers={"X-Total-Count": "3"})
    async with campus_with(page, on_drift=drifts.append) as (campus, _):
        found = await campus.learning.get_categories(catalog_id=SOME_ID).collect()
    assert [item.name for item in found] == [CATEGORY["name"], clean, CATEGORY["name"]]
    assert [(drift.kind, drift.path) for drift in drifts] == [("lone_surrogate", "[1].name")]
    json.dumps([item.to_dict() for item in found], ensure_ascii=False).encode()


async def test_in_keys_and_in_fields_beyond_the_spec() -> None:
    """Unknown fields have clean keys and values at any depth, and paths of drift can be printed."""
    drifts: list[Drift] = []
    odd = {"mood\ud800": {"why\udc00": ["fine", "\ud800", {"a": "\ud800"}]}, "fine": "\U0001f600"}
    async with campus_with(json_response(SECTION | odd), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=SOME_ID)
    assert section.additional_properties == {
        "mood\ufffd": {"why\ufffd": ["fine", "\ufffd", {"a": "\ufffd"}]},
        "fine": "\U0001f600",
    }
    places = {drift.path for drift in drifts if drift.kind == "lone_surrogate"}
    assert places == {
        "mood\ufffd",
        "mood\ufffd.why\ufffd",
        "mood\ufffd.why\ufffd[1]",
        "mood\ufffd.why\ufffd[2].a",
    }
    for drift in drifts:
        str(drift).encode()


@pytest.mark.parametrize("status", [200, 409])
async def test_in_the_message_of_an_error(status: int) -> None:
    """The campus's message can be printed, at any status."""
    error_entity = {"error_code": 3, "error_message": "No \ud800 here", "warning_messages": ["w\udc00"]}
    async with campus_with(json_response({"api_error_entity": error_entity}, status)) as (campus, _):
        with pytest.raises(NotFoundError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert "No \ufffd here" in str(caught.value)
    assert caught.value.warnings == ("w\ufffd",)
    str(caught.value).encode()


async def test_in_the_error_of_one_element() -> None:
    """So can the message of one list element, and another element's surrogate doesn't interfere."""
    failing = {"api_error_entity": {"error_code": 2, "error_message": "\ud800"}}
    (status, *_) = example_response("LearningApi_GetAssignmentStatuses")
    async with campus_with(json_response([status | {"odd": "\ud800"}, failing])) as (campus, _):
        with pytest.raises(APIError) as caught:
            await campus.learning.get_assignment_statuses(enrollment_id=SOME_ID)
    assert caught.value.index == 1
    str(caught.value).encode()


async def test_in_a_formatted_string() -> None:
    """In place of an id or a date it raises an error with its path, as any other string does."""
    for key in ("syllabus_id", "enrollment_end"):
        async with campus_with(json_response(SECTION | {key: "\ud800"})) as (campus, _):
            with pytest.raises(ResponseDecodeError) as caught:
                await campus.learning.get_section(syllabus_id=SOME_ID)
        assert caught.value.path == key


async def test_pairs_and_escaped_backslashes_are_unchanged() -> None:
    """A pair becomes its character, and a backslash before a `u` is literal."""
    text = "\U0001f600 \\ud800 \\\\udc00"
    drifts: list[Drift] = []
    async with campus_with(json_response(SECTION | {"title": text}), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=SOME_ID)
    assert (section.title, drifts) == (text, [])


async def test_bytes_that_are_not_utf_8() -> None:
    """They are refused, also surrogates encoded as bytes: the sender used another encoding, or they were damaged."""
    for body in (b'{"title": "\xff"}', b'{"title": "\xed\xa0\x80"}', b'{"\xe9t\xe9": 1}'):
        async with campus_with(Response(body=body, headers=[("Content-Type", "application/json")])) as (
            campus,
            _,
        ):
            with pytest.raises(ResponseDecodeError, match="isn't UTF-8"):
                await campus.learning.get_section(syllabus_id=SOME_ID)


async def test_the_next_page_uses_the_fast_path() -> None:
    """A surrogate teaches the decoder nothing that slows down or changes later pages."""
    decoder, kind = Decoder(DriftReporter(lambda _: None)), Array(ModelOf("CategoryResponseItem"))
    odd = json.dumps([CATEGORY | {"name": "\ud800"}]).encode()
    assert decoder.decode_fast(kind, odd) is NO_MATCH
    decoder.decode_tolerantly("x", kind, decoder.parse("x", odd))
    usual = json.dumps([CATEGORY]).encode()
    assert decoder.decode_fast(kind, usual) == [CategoryResponseItem.from_dict(CATEGORY)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "01", "9" * 5000])
def test_invalid_json_is_still_refused(number: str) -> None:
    """A surrogate doesn't make invalid JSON valid."""
    with pytest.raises(NotJSON):
        parse_json(b'["\\ud800", ' + number.encode() + b"]")


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_excessive_nesting(depth: int) -> None:
    """Excessive nesting is refused as such, also with a surrogate in it."""
    with pytest.raises(NotJSON):
        parse_json(b"[" * depth + b'"\\ud800"' + b"]" * depth)


def test_from_dict_reads_the_same() -> None:
    """What `json.loads` made of a response, surrogates included, becomes the same model."""
    value = {**enrollment(), "mood\ud800": ["\udc00"]}
    made = ApiEnrollmentItem.from_dict(value)
    assert made.additional_properties == {"mood\ufffd": ["\ufffd"]}
    assert value.keys() - enrollment().keys() == {"mood\ud800"}, "the caller's object is not changed"


def enrollment() -> dict[str, Any]:
    """Return an enrollment as the campus sends it."""
    return {"enrollment_id": SOME_ID, "user_id": SOME_ID, "result": 1, "phase": 2}


@given(
    st.recursive(
        st.text(st.characters(), max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=3)
        ),
    )
)
def test_any_json_with_surrogates(value: Any) -> None:
    """The decoded value is the sent one with U+FFFD for each surrogate, and can be encoded."""
    content = json.dumps(value).encode()
    assert parse_json(content) == replace_surrogates(json.loads(content))
    json.dumps(parse_json(content), ensure_ascii=False).encode()


def replace_surrogates(value: Any) -> Any:
    """Return the value as the replacing error handler of Python's codecs decodes it."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(char) <= 0xDFFF else char for char in value)
    if isinstance(value, list):
        return [replace_surrogates(item) for item in value]
    return {replace_surrogates(key): replace_surrogates(item) for key, item in value.items()}
