"""One form for what OpenAPI can say in several."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.normal import normalized

Document = dict[str, Any]
Make = Callable[..., Document]

REF = "#/components/schemas/"


def fields(make_document: Make, owner: str = "Owner", /, **schemas: Document) -> Document:
    """Return the fields of a schema in the normal form."""
    found: Document = normalized(make_document(**schemas))["components"]["schemas"][owner]["properties"]
    return found


def test_this_repositorys_document_is_normal_already(make_document: Make) -> None:
    """What has the one form stays as it is, but for parameters that are not stated and errors' bodies."""
    thing = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert normalized(make_document())["components"]["schemas"] == {"Thing": thing}


def test_an_object_without_name_gets_one(make_document: Make) -> None:
    """It is called by its owner and its field, also within a list."""
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    owner = {"type": "object", "properties": {"it": inner, "all": {"type": "array", "items": inner}}}
    assert fields(make_document, Owner=owner) == {
        "it": {"$ref": f"{REF}OwnerIt"},
        "all": {"type": "array", "items": {"$ref": f"{REF}OwnerAllItem"}},
    }


def test_what_is_no_class_stands_where_it_is_used(make_document: Make) -> None:
    """A name for a list or a text is an abbreviation."""
    owner = {"type": "object", "properties": {"it": {"$ref": f"{REF}Words", "description": "Mine."}}}
    words = {"type": "array", "items": {"$ref": f"{REF}Word"}}
    made = normalized(make_document(Owner=owner, Words=words, Word={"type": "string"}))["components"][
        "schemas"
    ]
    assert made["Owner"]["properties"]["it"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Mine.",
    }
    assert "Words" not in made


def test_parts_are_joined(make_document: Make) -> None:
    """An allOf is one object of all fields; one that has a single part is that part."""
    base = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    more = {
        "required": ["b"],
        "properties": {"b": {"$ref": f"{REF}Base"}, "c": {"allOf": [{"$ref": f"{REF}Base"}]}},
    }
    document = make_document(Base=base, Owner={"allOf": [{"$ref": f"{REF}Base"}, more]})
    owner = normalized(document)["components"]["schemas"]["Owner"]
    assert list(owner["properties"]) == ["a", "b", "c"]
    assert owner["required"] == ["a", "b"]
    assert owner["properties"]["c"] == {"$ref": f"{REF}Base"}


def test_a_union_with_null_is_nullable(make_document: Make) -> None:
    """It is what it is when it is not null."""
    options = [{"$ref": f"{REF}Thing"}, {"type": "null"}]
    owner = {"type": "object", "properties": {"it": {"oneOf": options}}}
    assert fields(make_document, Owner=owner)["it"] == {"$ref": f"{REF}Thing", "nullable": True}


def test_an_enum_of_numbers_is_a_class_with_names_by_value(make_document: Make) -> None:
    """Members that nobody has named are called by their values; null is no member."""
    owner = {"type": "object", "properties": {"it": {"type": ["integer", "null"], "enum": [3, -1, None]}}}
    made = normalized(make_document(Owner=owner))["components"]["schemas"]
    assert made["Owner"]["properties"]["it"] == {"$ref": f"{REF}OwnerIt", "nullable": True}
    assert made["OwnerIt"]["x-enum-varnames"] == ["VALUE_3", "VALUE_MINUS_1"]
    assert made["OwnerIt"]["x-enum-labels"] == ["3", "-1"]


def test_an_enum_of_texts_is_a_text(make_document: Make) -> None:
    """The vendor may add to it; its values are told."""
    owner = {"type": "object", "properties": {"it": {"type": "string", "enum": ["a", "b"]}}}
    assert fields(make_document, Owner=owner)["it"] == {"type": "string", "description": "One of: a, b."}


@pytest.mark.parametrize(
    ("schemas", "message"),
    [
        ({"A": {"type": "array", "items": {"$ref": f"{REF}A"}}}, "contains itself"),
        ({"A": {"allOf": [{"$ref": f"{REF}A"}, {"properties": {"b": {}}}]}}, "is made of itself"),
        (
            {
                "A": {
                    "allOf": [
                        {"properties": {"b": {"type": "string"}}},
                        {"properties": {"b": {"type": "integer"}}},
                    ]
                }
            },
            "disagree about the field 'b'",
        ),
        (
            {
                "A": {"properties": {"b": {"properties": {"c": {}}}}},
                "AB": {"type": "object", "properties": {}},
            },
            "two schemas would be the class AB",
        ),
    ],
)
def test_what_has_no_normal_form_stops(make_document: Make, schemas: Document, message: str) -> None:
    """The message names the schema."""
    owner = {"type": "object", "properties": {"it": {"$ref": f"{REF}A"}}}
    with pytest.raises(PipelineError, match=message):
        normalized(make_document(Owner=owner, **schemas))


def test_parameters_of_a_path_are_each_operations(make_document: Make) -> None:
    """What a path states for all its operations is stated with each; an operation's own outranks it."""
    document = make_document()
    path = next(iter(document["paths"].values()))
    path["parameters"] = [
        {"name": "access_token", "in": "query", "schema": {"type": "integer"}},
        {"name": "more", "in": "query", "schema": {"type": "integer"}},
    ]
    item = next(iter(normalized(document)["paths"].values()))
    assert [(one["name"], one["schema"]["type"]) for one in item["get"]["parameters"]] == [
        ("more", "integer"),
        ("access_token", "string"),
    ]
