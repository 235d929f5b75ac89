"""What would become code is checked before."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.names import check, unmarked, unnamed_enums

Document = dict[str, Any]
Make = Callable[..., Document]

ODD = ['x"', "x\ny", "{{ x }}", "../x", "__class__", "x y", "1x", "", "é", "x\u0000", "$type"]


def operation(document: Document) -> Document:
    """Return the one operation of a document."""
    found: Document = next(iter(document["paths"].values()))["get"]
    return found


@pytest.mark.parametrize("name", [*ODD, "lower"])
def test_a_schema_name_that_is_no_class_name_is_refused(make_document: Make, name: str) -> None:
    """A schema becomes a class and a module."""
    with pytest.raises(PipelineError, match="cannot name a class"):
        check(make_document(**{name: {"type": "object"}}), "nexport.json")


@pytest.mark.parametrize("name", ODD)
def test_a_property_name_that_is_no_identifier_is_refused(make_document: Make, name: str) -> None:
    """A property becomes an attribute, however deep it stands."""
    inner = {"type": "array", "items": {"properties": {name: {}}}}
    with pytest.raises(
        PipelineError, match=r"/components/schemas/Odd/properties/a/items: .* cannot name an attribute"
    ):
        check(make_document(Odd={"properties": {"a": inner}}), "nexport.json")


@pytest.mark.parametrize("name", ODD)
def test_a_parameter_name_that_is_no_identifier_is_refused(make_document: Make, name: str) -> None:
    """A parameter becomes an argument."""
    document = make_document()
    operation(document)["parameters"].append({"name": name, "in": "query", "schema": {}})
    with pytest.raises(PipelineError, match="cannot name an argument"):
        check(document, "nexport.json")


@pytest.mark.parametrize("tag", [*ODD, "a_b"])
def test_a_tag_that_is_no_module_name_is_refused(make_document: Make, tag: str) -> None:
    """A tag becomes a folder."""
    document = make_document()
    operation(document)["tags"] = [tag]
    with pytest.raises(PipelineError, match="cannot name a module"):
        check(document, "nexport.json")


@pytest.mark.parametrize("path", ["/a/../b", '/a"', "/a\n", "/{{x}}", "a", "/a?b"])
def test_a_path_with_odd_characters_is_refused(make_document: Make, path: str) -> None:
    """A path is sent as it stands."""
    document = make_document()
    document["paths"] = {path: next(iter(document["paths"].values()))}
    with pytest.raises(PipelineError, match="has characters that no path of the API has"):
        check(document, "nexport.json")


@pytest.mark.parametrize(
    ("enum", "message"),
    [
        ({"enum": [1, 2], "x-enum-varnames": ["A"]}, "x-enum-varnames has 1 entries for 2 values"),
        ({"enum": [1, 2], "x-enum-labels": ["A"]}, "x-enum-labels has 1 entries for 2 values"),
        ({"enum": [1, 2], "x-enum-varnames": ["A", "A"]}, "has a name twice"),
        ({"enum": [1, 1], "x-enum-varnames": ["A", "B"]}, "lists a value twice"),
        ({"enum": [1], "x-enum-varnames": ["1A"]}, "cannot name a member"),
        ({"enum": [1], "x-enum-varnames": ["_missing_"]}, "cannot name a member"),
        ({"enum": [1], "x-enum-varnames": ["A = 1\nB"]}, "cannot name a member"),
        ({"enum": [1], "x-enum-varnames": [1]}, "cannot name a member"),
    ],
)
def test_enum_names_are_checked(make_document: Make, enum: Document, message: str) -> None:
    """Names of members fit the values in number, are identifiers, and differ; the generator would pass over it."""
    with pytest.raises(PipelineError, match=message):
        check(make_document(Odd={"type": "integer", **enum}), "nexport.json")


def test_what_the_generator_drops_in_silence_is_refused(make_document: Make) -> None:
    """Content without a media type, and parameters without a schema, would be missing from the client."""
    bare = make_document()
    operation(bare)["responses"]["200"]["content"] = {}
    with pytest.raises(PipelineError, match="responses/200/content has no media type left"):
        check(bare, "nexport.json")
    plain = make_document()
    operation(plain)["parameters"] = [{"name": "a", "in": "query"}]
    with pytest.raises(PipelineError, match="has no schema"):
        check(plain, "nexport.json")
    referring = make_document()
    operation(referring)["parameters"] = [{"$ref": "#/components/parameters/A"}]
    with pytest.raises(PipelineError, match="a parameter is a reference"):
        check(referring, "nexport.json")


def test_an_unknown_effect_is_refused(make_document: Make) -> None:
    """A mark is read or write; a slip would count as neither."""
    document = make_document()
    operation(document)["x-nexport-effect"] = "reads"
    with pytest.raises(PipelineError, match="x-nexport-effect is neither read nor write"):
        check(document, "nexport.json")


def test_what_nobody_has_marked_or_named_is_told(make_document: Make) -> None:
    """A run asks for marks of new operations and names of new enums."""
    document = make_document(Odd={"type": "integer", "enum": [1, 2]})
    assert unmarked(document) == ["LearningApi_GetThing"]
    assert unnamed_enums(document) == ["/components/schemas/Odd"]
    operation(document)["x-nexport-effect"] = "read"
    assert unmarked(document) == []


@pytest.mark.parametrize("name", ["None", "Any", "Model", "Operation", "ABC_D", "ValueError"])
def test_a_schema_name_that_the_code_uses_itself_is_refused(make_document: Make, name: str) -> None:
    """A class must be called as its schema is, and shadow nothing."""
    with pytest.raises(PipelineError, match="cannot name a class"):
        check(make_document(**{name: {"type": "object"}}), "nexport.json")


@pytest.mark.parametrize("values", [["a", 1], [1.5], [True], [None], [], [{"a": 1}]])
def test_an_enum_of_mixed_values_is_refused(make_document: Make, values: list[object]) -> None:
    """Members are whole numbers; texts stay texts."""
    with pytest.raises(PipelineError, match="either all whole numbers or all texts"):
        check(make_document(Odd={"enum": values}), "nexport.json")


@pytest.mark.parametrize("tag", ["RawApi", "WithOptionsApi", "Aclose"])
def test_a_tag_that_hides_the_clients_own_is_refused(make_document: Make, tag: str) -> None:
    """A namespace must not take the place of what the client has already."""
    with pytest.raises(PipelineError, match="is taken"):
        check(make_document(f"{tag}_GetThing"), "nexport.json")


def test_an_operation_of_another_area_is_refused(make_document: Make) -> None:
    """Two operations of one namespace could not have one method's name."""
    document = make_document("LearningApi_GetThing")
    operation(document)["tags"] = ["ScormApi"]
    with pytest.raises(PipelineError, match="belongs to another area"):
        check(document, "nexport.json")


def test_placeholders_without_parameters_are_refused(make_document: Make) -> None:
    """Each placeholder of a path needs its parameter, and the other way round."""
    document = make_document()
    document["paths"] = {"/api/{id}": next(iter(document["paths"].values()))}
    with pytest.raises(PipelineError, match="do not fit each other"):
        check(document, "nexport.json")
