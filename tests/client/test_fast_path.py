"""The two ways to decode a response: the fast path agrees with the tolerant path and learns from it."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._decoding.decoder import NO_MATCH, Decoder, NotJSON, parse_json
from nexport_campus._drift import Drift, DriftReporter
from nexport_client import OPERATIONS as RESULTS
from nexport_client import models
from nexport_client.errors import DecodeError
from nexport_client.kinds import Array, ModelOf
from nexport_client.types import Model
from tests.support.examples import FEW
from tests.support.spec import OPERATIONS, example_response
from tests.support.spec import SpecOperation as Stated
from tests.support.spec_strategies import damaged, valid

EVERY = pytest.mark.parametrize("stated", OPERATIONS, ids=str)
SECTION = RESULTS["LearningApi_GetSection"].result


def decoder(drifts: list[Drift] | None = None) -> Decoder:
    """Return a decoder that has learned nothing yet."""
    reported: list[Drift] = [] if drifts is None else drifts
    return Decoder(DriftReporter(reported.append))


def to_plain_json(value: Any) -> Any:
    """Return models as a JSON string, in which 1, 1.0 and True differ."""
    if isinstance(value, list):
        return [to_plain_json(item) for item in value]
    return json.dumps(value.to_dict(), sort_keys=True) if isinstance(value, Model) else value


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_both_paths_agree(stated: Stated, data: st.DataObject) -> None:
    """The tolerant path decodes equally whatever the fast path accepts, before and after learning."""
    values = valid(stated.response_schema)
    value = data.draw(values | damaged(values))
    content, kind, both = json.dumps(value).encode(), RESULTS[stated.id].result, decoder()
    before = both.decode_fast(kind, content)
    try:
        tolerant = both.decode_tolerantly(stated.id, kind, parse_json(content))
    except DecodeError:
        assert before is NO_MATCH
        assert both.decode_fast(kind, content) is NO_MATCH
        return
    after = both.decode_fast(kind, content)
    for fast in (before, after):
        if fast is not NO_MATCH:
            assert fast == tolerant
            assert to_plain_json(fast) == to_plain_json(tolerant)


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_learning_changes_no_other_response(stated: Stated, data: st.DataObject) -> None:
    """They also agree on a response after the decoder learned from one with another defect."""
    values, kind = valid(stated.response_schema), RESULTS[stated.id].result
    taught, content = (json.dumps(data.draw(values | damaged(values))).encode() for _ in range(2))
    learned = decoder()
    with contextlib.suppress(DecodeError):
        learned.decode_tolerantly(stated.id, kind, parse_json(taught))
    before, fast = decoder().decode_fast(kind, content), learned.decode_fast(kind, content)
    if fast is NO_MATCH:
        assert before is NO_MATCH
    else:
        assert to_plain_json(fast) == to_plain_json(
            decoder().decode_tolerantly(stated.id, kind, parse_json(content))
        )


@EVERY
def test_a_page_with_new_keys_is_fast_again(stated: Stated) -> None:
    """Keys, enum numbers and nulls that were seen once don't slow down later pages."""
    seen = decoder()
    kind = RESULTS[stated.id].result
    response = example_response(stated.id)
    newer = {"newer": {"a": [1]}, "additional_properties": None}
    response = [item | newer for item in response] if isinstance(response, list) else response | newer
    content = json.dumps(response).encode()
    assert seen.decode_fast(kind, content) is NO_MATCH
    tolerant = seen.decode_tolerantly(stated.id, kind, parse_json(content))
    assert seen.decode_fast(kind, content) == tolerant


def test_enum_numbers_and_nulls_are_learned_too() -> None:
    """An undeclared enum number and a null in a required string are learned as well."""
    kind = RESULTS["LearningApi_GetSectionEnrollments"].result
    seen, response = decoder(), example_response("LearningApi_GetSectionEnrollments")
    response[0]["phase"], response[1]["section"]["title"] = 99, None
    content = json.dumps(response).encode()
    tolerant = seen.decode_tolerantly("x", kind, parse_json(content))
    assert seen.decode_fast(kind, content) == tolerant


@pytest.mark.parametrize(("taught", "other"), [("phase", "result"), ("result", "phase")])
def test_an_enum_number_is_learned_for_its_enum(taught: str, other: str) -> None:
    """The same undeclared number in another enum is drift of that enum, and is reported as such."""
    drifts: list[Drift] = []
    kind, seen = RESULTS["LearningApi_GetSectionEnrollments"].result, decoder(drifts)
    (record, *_) = example_response("LearningApi_GetSectionEnrollments")
    first, second = ([record | {name: 99}] for name in (taught, other))
    seen.decode_tolerantly("x", kind, first)
    assert seen.decode_fast(kind, json.dumps(first).encode()) is not NO_MATCH
    assert seen.decode_fast(kind, json.dumps(second).encode()) is NO_MATCH
    seen.decode_tolerantly("x", kind, second)
    assert [(drift.kind, drift.path) for drift in drifts] == [
        ("unknown_enum_value", f"[0].{name}") for name in (taught, other)
    ]


def test_repeated_dates_in_concurrent_threads() -> None:
    """A date repeated in consecutive records belongs to each of them, even if two threads decode different dates."""
    kind, pages = RESULTS["LearningApi_GetSectionEnrollments"].result, []
    for month in (1, 2):
        (record, *_) = example_response("LearningApi_GetSectionEnrollments")
        days = [1 + number // 3 % 28 for number in range(300)]
        sections = [record["section"] | {"enrollment_start": f"2026-0{month}-{day:02d}"} for day in days]
        pages.append(json.dumps([record | {"section": section} for section in sections]).encode())
    both = decoder()
    wanted = [both.decode_tolerantly("x", kind, parse_json(page)) for page in pages]
    with ThreadPoolExecutor(2) as threads:
        read = list(threads.map(lambda page: [both.decode_fast(kind, page) for _ in range(20)], pages))
    assert [page == [models] * 20 for page, models in zip(read, wanted, strict=True)] == [True, True]


@pytest.mark.parametrize("text", ["", " ", "2026-13-01", "soon"])
def test_an_invalid_date_in_a_record(text: str) -> None:
    """It is left to the tolerant path, which names its path, even as the first date decoded."""
    kind, (record, *_) = (
        RESULTS["LearningApi_GetSectionEnrollments"].result,
        example_response("LearningApi_GetSectionEnrollments"),
    )
    for key in ("enrollment_start", "training_end"):
        broken = json.dumps([record | {"section": record["section"] | {key: text}}]).encode()
        assert decoder().decode_fast(kind, broken) is NO_MATCH
        with pytest.raises(DecodeError, match=key):
            decoder().decode_elements("x", kind, broken)


def test_keys_that_structs_can_not_declare() -> None:
    """Keys with quotes, backslashes and control characters are decoded on the tolerant path."""
    drifts: list[Drift] = []
    seen, odd = decoder(drifts), {'quo"te': 1, "back\\slash": 2, "line\nend": 3}
    content = json.dumps(example_response("LearningApi_GetSection") | odd).encode()
    for _ in range(3):
        assert seen.decode_tolerantly("x", SECTION, parse_json(content)).additional_properties == odd
    assert len(drifts) == 3
    usual = json.dumps(example_response("LearningApi_GetSection")).encode()
    assert seen.decode_fast(SECTION, usual) is not NO_MATCH


@attrs.define(kw_only=True)
class Unspecified(Model):
    """A model for which the spec declares no fields."""

    additional_properties: dict[str, Any] = attrs.field(factory=dict)


def test_a_model_without_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tolerant path decodes it, also in a list, and keeps what it holds."""
    monkeypatch.setattr("nexport_client.models.Unspecified", Unspecified, raising=False)
    monkeypatch.setattr("nexport_client.models.__all__", [*models.__all__, "Unspecified"])
    kind, content = ModelOf("Unspecified"), b'[{"a": 1}, {}]'
    assert decoder().decode_fast(Array(kind), content) is NO_MATCH
    read = decoder().decode_elements("x", Array(kind), content)
    assert [model.additional_properties for model in read] == [{"a": 1}, {}]


def test_ever_new_keys_do_not_accumulate() -> None:
    """Responses with ever new keys make neither ever larger structs nor endless messages."""
    drifts: list[Drift] = []
    seen, response = decoder(drifts), example_response("LearningApi_GetSection")
    for number in range(200):
        value = response | {f"key {number}": number}
        assert seen.decode_tolerantly("x", SECTION, value).additional_properties == {f"key {number}": number}
    assert len(seen._learned.keys) <= 64


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_excessive_nesting(depth: int) -> None:
    """A response that is nested too deeply is decoded or refused, without any other effect."""
    content = (
        json.dumps(example_response("LearningApi_GetSection"))[:-1].encode()
        + b',"deep":'
        + b"[" * depth
        + b"]" * depth
        + b"}"
    )
    assert decoder().decode_fast(SECTION, content) is NO_MATCH
    with contextlib.suppress(NotJSON):
        assert decoder().decode_tolerantly("x", SECTION, parse_json(content)).syllabus_id is not None


@given(st.binary(max_size=64))
def test_any_bytes(content: bytes) -> None:
    """Bytes are JSON, or the error describes them."""
    try:
        value = parse_json(content)
    except NotJSON:
        return
    assert msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf")) == value
