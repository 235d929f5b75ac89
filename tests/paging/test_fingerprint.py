"""The fingerprint by which a page that comes again is recognized."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._paging.fingerprint import fingerprint_of_json, fingerprint_of_records

RECORDS = st.lists(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=5)))
REST = st.dictionaries(st.sampled_from(["page", "page_size", "message", "other"]), st.integers() | st.text())


def wrapped(records: Any, before: dict[str, Any], after: dict[str, Any]) -> bytes:
    """Return a response that holds records between other fields."""
    return json.dumps({**before, "records": records, **after}).encode()


@given(RECORDS, RECORDS, st.tuples(REST, REST), st.tuples(REST, REST))
def test_it_depends_on_the_records_only(
    some: list[Any], others: list[Any], rest: tuple[Any, Any], changed: tuple[Any, Any]
) -> None:
    """It is equal for equal records, whatever else the response says, and different for different ones."""
    known = fingerprint_of_json(wrapped(some, *rest), "records")
    assert known is not None
    assert known == fingerprint_of_json(wrapped(some, *changed), "records")
    if json.dumps(some) != json.dumps(others):
        assert known != fingerprint_of_json(wrapped(others, *rest), "records")


@given(RECORDS, RECORDS)
def test_a_response_that_is_the_list(some: list[Any], others: list[Any]) -> None:
    """A list without a field is compared as a whole."""
    first, second = json.dumps(some), json.dumps(others)
    assert (fingerprint_of_json(first.encode(), None) == fingerprint_of_json(second.encode(), None)) is (
        first == second
    )


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"records": [', "[" * 9999])
def test_a_response_without_the_list(content: str) -> None:
    """It has no fingerprint."""
    assert fingerprint_of_json(content.encode(), "records") is None


@pytest.mark.parametrize("field", ['quo"te', "back\\slash", "line\nend"])
def test_a_field_that_a_struct_can_not_have(field: str) -> None:
    """A page whose field can't be declared has no fingerprint of its JSON."""
    assert fingerprint_of_json(json.dumps({field: []}).encode(), field) is None


def test_a_number_too_large_for_json_encoding() -> None:
    """The fingerprint of records takes integers of any size."""
    assert fingerprint_of_records([{"n": 2**70}]) != fingerprint_of_records([{"n": 2**70 + 1}])
