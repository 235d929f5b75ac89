"""Merging fragments into one document."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.jsontext import dumps, find_first_difference
from pipeline.merge import merge

Document = dict[str, Any]
Make = Callable[..., Document]


@given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
def test_the_order_of_fragments_does_not_matter(make_document: Make, seed: int, count: int) -> None:
    """The same fragments give the same bytes in any order, and every operation is included."""
    names = [f"Area{number % 3}Api_Get{number}" for number in range(count)]
    sources = {f"fragments/{name}.json": make_document(name) for name in names}
    shuffled = list(sources.items())
    random.Random(seed).shuffle(shuffled)
    merged = merge(dict(shuffled))
    assert dumps(merged) == dumps(merge(sources))
    assert sorted(item["get"]["operationId"] for item in merged["paths"].values()) == sorted(names)


def test_key_order_is_not_a_difference(make_document: Make) -> None:
    """Two documents that differ only in key order agree."""
    one, two = make_document("AApi_One"), make_document("AApi_Two")
    thing = two["components"]["schemas"]["Thing"]
    two["components"]["schemas"]["Thing"] = dict(reversed(thing.items()))
    assert list(merge({"one": one, "two": two})["components"]["schemas"]) == ["Thing"]


def test_conflicting_schemas_are_refused(make_document: Make) -> None:
    """The message names the files and the place of the difference."""
    other = make_document("AApi_Two", Thing={"type": "object", "properties": {"name": {"type": "integer"}}})
    place = "a.json and b.json disagree at /components/schemas/Thing/properties/name/type"
    with pytest.raises(PipelineError, match=place):
        merge({"a.json": make_document("AApi_One"), "b.json": other})


def test_conflicting_servers_are_refused(make_document: Make) -> None:
    """Info, servers and all other top-level keys must agree too."""
    one, two = make_document("AApi_One"), make_document("AApi_Two")
    two["info"] = {**two["info"], "version": "v2"}
    with pytest.raises(PipelineError, match="disagree at /info/version"):
        merge({"a.json": one, "b.json": two})


def test_a_duplicate_operation_is_refused(make_document: Make) -> None:
    """An operationId belongs to one file, and so does a path with its method."""
    with pytest.raises(PipelineError, match=r"b\.json and a\.json both state AApi_One"):
        merge({"a.json": make_document("AApi_One"), "b.json": make_document("AApi_One")})
    renamed = make_document("AApi_One")
    renamed["paths"]["/api/v1/AApi/One"]["get"]["operationId"] = "AApi_Two"
    with pytest.raises(PipelineError, match=r"b\.json and a\.json both state GET /api/v1/AApi/One"):
        merge({"a.json": make_document("AApi_One"), "b.json": renamed})


@pytest.mark.parametrize(
    "reference", ["#/components/schemas/Gone", "other.json#/Thing", "#/components/schemas/Thing/no"]
)
def test_a_dangling_reference_is_refused(make_document: Make, reference: str) -> None:
    """A reference must lead to something in the document; the message names file and place."""
    document = make_document(Other={"properties": {"it": {"$ref": reference}}})
    with pytest.raises(
        PipelineError, match=r"a\.json: /components/schemas/Other/properties/it/\$ref refers to"
    ):
        merge({"a.json": document})


def test_references_in_examples_are_data(make_document: Make) -> None:
    """A key named $ref in an example, or as a property, refers to nothing."""
    document = make_document(
        Other={"example": {"$ref": "#/nowhere"}, "properties": {"$ref": {"type": "string"}, "default": {}}}
    )
    assert "Other" in merge({"a.json": document})["components"]["schemas"]


def test_a_property_called_default_is_a_schema(make_document: Make) -> None:
    """References below a property that is named like a keyword are followed."""
    document = make_document(Other={"properties": {"default": {"$ref": "#/nowhere"}}})
    with pytest.raises(PipelineError, match="/components/schemas/Other/properties/default"):
        merge({"a.json": document})


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ({"a": 1}, {"a": True}, "/a"),
        ({"a": 1}, {"a": 1.0}, "/a"),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, "/a~1b/~0"),
        ([1, 2], [1], "/1"),
        ({"a": None}, {}, "/a"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
    ],
)
def test_the_first_difference_is_a_json_pointer(one: object, other: object, place: str | None) -> None:
    """Values of different types differ, and keys are escaped as in RFC 6901."""
    assert find_first_difference(one, other) == place
