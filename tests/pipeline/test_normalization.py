"""Normalization of the different ways to say the same in OpenAPI."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.normalization import normalize

Document = dict[str, Any]
Make = Callable[..., Document]

REF = "#/components/schemas/"


def fields(make_document: Make, owner: str = "Owner", /, **schemas: Document) -> Document:
    """Return the fields of a schema in normal form."""
    found: Document = normalize(make_document(**schemas))["components"]["schemas"][owner]["properties"]
    return found


def test_this_repositorys_document_is_already_normal(make_document: Make) -> None:
    """A normal document is unchanged, except for unstated parameters and the bodies of errors."""
    thing = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert normalize(make_document())["components"]["schemas"] == {"Thing": thing}


def test_an_unnamed_object_gets_a_name(make_document: Make) -> None:
    """It is named after its owner and its field, also in a list."""
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    owner = {"type": "object", "properties": {"it": inner, "all": {"type": "array", "items": inner}}}
    assert fields(make_document, Owner=owner) == {
        "it": {"$ref": f"{REF}OwnerIt"},
        "all": {"type": "array", "items": {"$ref": f"{REF}OwnerAllItem"}},
    }


def test_schemas_that_are_not_classes_are_inlined(make_document: Make) -> None:
    """A named list or string is replaced by its definition."""
    owner = {"type": "object", "properties": {"it": {"$ref": f"{REF}Words", "description": "Mine."}}}
    words = {"type": "array", "items": {"$ref": f"{REF}Word"}}
    normal = normalize(make_document(Owner=owner, Words=words, Word={"type": "string"}))["components"][
        "schemas"
    ]
    assert normal["Owner"]["properties"]["it"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Mine.",
    }
    assert "Words" not in normal


def test_parts_are_merged(make_document: Make) -> None:
    """An allOf becomes one object with all fields; a single part becomes that part."""
    base = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    more = {
        "required": ["b"],
        "properties": {"b": {"$ref": f"{REF}Base"}, "c": {"allOf": [{"$ref": f"{REF}Base"}]}},
    }
    document = make_document(Base=base, Owner={"allOf": [{"$ref": f"{REF}Base"}, more]})
    owner = normalize(document)["components"]["schemas"]["Owner"]
    assert list(owner["properties"]) == ["a", "b", "c"]
    assert owner["required"] == ["a", "b"]
    assert owner["properties"]["c"] == {"$ref": f"{REF}Base"}


def test_a_union_with_null_is_nullable(make_document: Make) -> None:
    """A union with null becomes the other type, marked nullable."""
    options = [{"$ref": f"{REF}Thing"}, {"type": "null"}]
    owner = {"type": "object", "properties": {"it": {"oneOf": options}}}
    assert fields(make_document, Owner=owner)["it"] == {"$ref": f"{REF}Thing", "nullable": True}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf", "allOf"])
@pytest.mark.parametrize(
    "beside",
    [{"x-nexport-secret": True}, {"minItems": 1}, {"description": "Mine."}, {"deprecated": True}],
    ids=lambda beside: next(iter(beside)),
)
@pytest.mark.parametrize(
    "inner",
    [{"type": "array", "items": {"type": "string"}}, {"$ref": f"{REF}Words"}, {"$ref": f"{REF}Thing"}],
    ids=["a list", "a named list", "a class"],
)
def test_what_stands_beside_a_union_is_kept(
    make_document: Make, keyword: str, beside: Document, inner: Document
) -> None:
    """Marks, limits and words beside a union with null, or an allOf of one part, count, also against the part's own."""
    words = {"type": "array", "items": {"type": "string"}, "description": "Theirs.", "minItems": 0}
    options = [inner] if keyword == "allOf" else [inner, {"type": "null"}]
    made = fields(make_document, Owner={"properties": {"it": {keyword: options, **beside}}}, Words=words)[
        "it"
    ]
    assert beside.items() <= made.items()


def test_an_integer_enum_becomes_a_class(make_document: Make) -> None:
    """Members without names are named by their values; null is not a member."""
    owner = {"type": "object", "properties": {"it": {"type": ["integer", "null"], "enum": [3, -1, None]}}}
    normal = normalize(make_document(Owner=owner))["components"]["schemas"]
    assert normal["Owner"]["properties"]["it"] == {"$ref": f"{REF}OwnerIt", "nullable": True}
    assert normal["OwnerIt"]["x-enum-varnames"] == ["VALUE_3", "VALUE_MINUS_1"]
    assert normal["OwnerIt"]["x-enum-labels"] == ["3", "-1"]


def test_a_string_enum_stays_a_string(make_document: Make) -> None:
    """The vendor may add values, so they are only listed in the description."""
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
    ],
)
def test_schemas_without_a_normal_form_are_refused(
    make_document: Make, schemas: Document, message: str
) -> None:
    """The message names the schema."""
    owner = {"type": "object", "properties": {"it": {"$ref": f"{REF}A"}}}
    with pytest.raises(PipelineError, match=message):
        normalize(make_document(Owner=owner, **schemas))


def test_all_schemas_without_a_normal_form_are_named(make_document: Make) -> None:
    """One run names all of them."""
    parts = [{"properties": {"b": {"type": "string"}}}, {"properties": {"b": {"type": "integer"}}}]
    document = make_document(
        A={"type": "array", "items": {"$ref": f"{REF}A"}},
        B={"allOf": parts},
        Owner={"properties": {"a": {"$ref": f"{REF}A"}, "b": {"$ref": f"{REF}B"}}},
    )
    with pytest.raises(PipelineError) as caught:
        normalize(document)
    assert str(caught.value).startswith("2 problems; nothing was written\n")


def test_parts_that_differ_in_words_only_are_one_field(make_document: Make) -> None:
    """The last part's description counts."""
    base = {"type": "object", "properties": {"id": {"type": "string", "description": "base"}}}
    own = {"type": "object", "properties": {"id": {"type": "string", "description": "derived"}}}
    made = fields(make_document, "Derived", Base=base, Derived={"allOf": [{"$ref": f"{REF}Base"}, own]})
    assert made == {"id": {"type": "string", "description": "derived"}}


def test_an_unnamed_object_never_takes_the_name_of_a_schema(make_document: Make) -> None:
    """It gets another name, unless the overlay gives it one."""
    inner = {"type": "object", "properties": {"c": {"type": "string"}}}
    taken = {"type": "object", "properties": {"d": {"type": "string"}}}
    made = fields(make_document, "A", A={"properties": {"b": inner}}, AB=taken)
    assert made["b"] == {"$ref": f"{REF}ABInline"}
    made = fields(make_document, "A", A={"properties": {"b": {**inner, "x-nexport-name": "Inner"}}}, AB=taken)
    assert made["b"] == {"$ref": f"{REF}Inner"}


def test_numbers_that_may_be_strings_are_numbers(make_document: Make) -> None:
    """.NET states so, with a format or a pattern, that it reads numbers from strings; it writes numbers."""
    owner = {
        "properties": {
            "a": {"type": ["string", "integer"], "format": "int32"},
            "b": {"type": ["null", "number", "string"]},
            "c": {"type": ["string", "null", "integer"]},
        }
    }
    assert fields(make_document, Owner=owner) == {
        "a": {"type": "integer", "format": "int32"},
        "b": {"type": "number", "nullable": True},
        "c": {"type": ["integer", "string"], "nullable": True},
    }


def test_other_media_types_beside_json_are_ignored(make_document: Make) -> None:
    """They say the same; without JSON, all stay, and the operation is refused."""
    document = make_document()
    content = next(iter(document["paths"].values()))["get"]["responses"]["200"]["content"]
    content |= {"application/xml": {"schema": {"type": "string"}}}
    content["application/json; charset=utf-8"] = content.pop("application/json")
    (path,) = normalize(document)["paths"].values()
    assert list(path["get"]["responses"]["200"]["content"]) == ["application/json"]


def test_parameters_of_a_path_are_copied_to_its_operations(make_document: Make) -> None:
    """Parameters of a path apply to all of its operations; an operation's own parameter takes precedence."""
    document = make_document()
    path = next(iter(document["paths"].values()))
    path["parameters"] = [
        {"name": "access_token", "in": "query", "schema": {"type": "integer"}},
        {"name": "more", "in": "query", "schema": {"type": "integer"}},
    ]
    item = next(iter(normalize(document)["paths"].values()))
    assert [(one["name"], one["schema"]["type"]) for one in item["get"]["parameters"]] == [
        ("more", "integer"),
        ("access_token", "string"),
    ]
