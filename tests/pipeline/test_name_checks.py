"""Checks on names that become code."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nexport_client.models
from nexport_campus import NexportCampus
from nexport_client.types import Model
from pipeline.class_names import make_class_names
from pipeline.errors import PipelineError
from pipeline.models_view import make_model_view
from pipeline.name_checks import check, find_unmarked, find_unnamed_enums
from pipeline.normalization import normalize
from pipeline.python_names import TAKEN_AREAS, TAKEN_CLASSES, area_name, attribute_name
from pipeline.spec import iterate_operations

Document = dict[str, Any]
Make = Callable[..., Document]

ROOT = Path(__file__).parents[2]
SDK: Document = json.loads((ROOT / "openapi/nexport.sdk.json").read_bytes())
ODD = ['x"', "x\ny", "{{ x }}", "../x", "__class__", "x y", "", "é", "x\u0000", "'", "$", "[]"]


def operation(document: Document) -> Document:
    """Return the only operation of a document."""
    found: Document = next(iter(document["paths"].values()))["get"]
    return found


@pytest.mark.parametrize("name", [*ODD, "1x", "$type"])
def test_a_schema_name_that_is_not_a_class_name_is_refused(make_document: Make, name: str) -> None:
    """A schema name becomes a class name and a module name."""
    with pytest.raises(PipelineError, match="cannot name a class"):
        check(make_document(**{name: {"type": "object"}}), "nexport.json")


@pytest.mark.parametrize(
    "key", ["$type", "_links", "cmi.core.score", "@odata.id", "ids[]", "api-version", "2fa"]
)
def test_dotnet_fields_become_attributes(make_document: Make, key: str) -> None:
    """What ASP.NET and OData call fields and parameters becomes a good name."""
    check(make_document(Odd={"properties": {key: {}}}), "nexport.json")
    names = {"$type": "type_", "_links": "links", "@odata.id": "odata_id", "ids[]": "ids", "2fa": "field_2fa"}
    assert attribute_name(key) == names.get(key, key.replace(".", "_").replace("-", "_"))


@pytest.mark.parametrize("name", ODD)
def test_a_property_name_that_is_not_an_identifier_is_refused(make_document: Make, name: str) -> None:
    """A property name becomes an attribute name, at any depth."""
    inner = {"type": "array", "items": {"properties": {name: {}}}}
    with pytest.raises(
        PipelineError, match=r"/components/schemas/Odd/properties/a/items: .* cannot name an attribute"
    ):
        check(make_document(Odd={"properties": {"a": inner}}), "nexport.json")


def test_two_properties_with_one_attribute_name_are_refused(make_document: Make) -> None:
    """One of two fields with the same name would be lost."""
    with pytest.raises(
        PipelineError, match=r"Odd: the properties 'sco_id' and 'scoId' would be one attribute"
    ):
        check(make_document(Odd={"properties": {"sco_id": {}, "scoId": {}}}), "nexport.json")


def test_names_used_by_the_code_are_reserved() -> None:
    """Names of a model's methods, the client's attributes and imported classes are reserved."""
    own_names = {name for name in dir(Model) if not name.startswith("_")}
    assert {attribute_name(name) for name in own_names} == {f"{name}_" for name in own_names}
    areas = {area_name(operation.area) for operation in iterate_operations(SDK)}
    assert {name for name in dir(NexportCampus) if not name.startswith("_")} - areas <= TAKEN_AREAS
    modules = [*ROOT.glob("nexport_client/models/*.py"), *ROOT.glob("nexport_client/api/*/*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in modules]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    classes = {name for name in imported if name.isalnum() and name[0].isupper() and not name.isupper()}
    assert classes - set(nexport_client.models.__all__) <= TAKEN_CLASSES


@pytest.mark.parametrize("name", ODD)
def test_a_parameter_name_that_is_not_an_identifier_is_refused(make_document: Make, name: str) -> None:
    """A parameter name becomes an argument name."""
    document = make_document()
    operation(document)["parameters"].append({"name": name, "in": "query", "schema": {}})
    with pytest.raises(PipelineError, match="cannot name an argument"):
        check(document, "nexport.json")


@pytest.mark.parametrize("tag", [*ODD, "a_b"])
def test_a_tag_that_is_not_a_module_name_is_refused(make_document: Make, tag: str) -> None:
    """A tag becomes the name of a package."""
    document = make_document()
    operation(document)["tags"] = [tag]
    with pytest.raises(PipelineError, match="cannot name a module"):
        check(document, "nexport.json")


@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/...", '/a"', "/a\n", "/{{x}}", "a", "/a?b"])
def test_a_path_with_odd_characters_is_refused(make_document: Make, path: str) -> None:
    """A path is sent as it is stated."""
    document = make_document()
    document["paths"] = {path: next(iter(document["paths"].values()))}
    with pytest.raises(PipelineError, match="has characters that are not allowed in a path of the API"):
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
    """Member names must match the values in number, be identifiers and differ; the generator doesn't check this."""
    with pytest.raises(PipelineError, match=message):
        check(make_document(Odd={"type": "integer", **enum}), "nexport.json")


def test_what_the_generator_drops_silently_is_refused(make_document: Make) -> None:
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
    """A mark is "read" or "write"; a typo would count as neither."""
    document = make_document()
    operation(document)["x-nexport-effect"] = "reads"
    with pytest.raises(PipelineError, match="x-nexport-effect is neither read nor write"):
        check(document, "nexport.json")


def test_unmarked_operations_and_unnamed_enums_are_found(make_document: Make) -> None:
    """New operations without a mark and new enums without member names are listed."""
    document = make_document(Odd={"type": "integer", "enum": [1, 2]})
    assert find_unmarked(document) == ["LearningApi_GetThing"]
    assert find_unnamed_enums(document) == ["/components/schemas/Odd"]
    operation(document)["x-nexport-effect"] = "read"
    assert find_unmarked(document) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, f"Api{name}") for name in ("None", "Any", "Model", "Operation", "ValueError", "Exception")],
        ("Model", "ApiModel"),
        ("ABC_D", "ABCD"),
        ("user", "User"),
        ("user_item", "UserItem"),
        ("PagedResult[User]", "PagedResultUser"),
        ("PagedResult`1[[Nexport.Api.User]]", "PagedResultUser"),
        ("Dictionary[String,Nexport.Api.Catalog]", "DictionaryStringCatalog"),
        ("Nexport.Api.Models.User", "User"),
        ("_links", "Links"),
    ],
)
def test_dotnet_names_become_class_names(make_document: Make, name: str, expected: str) -> None:
    """Generics, namespaces, lower case, underscores and names that are taken become good names of classes."""
    assert make_class_names([name]) == {name: expected}
    check(make_document(**{name: {"type": "object"}}), "nexport.json")


def test_namespaces_stay_where_two_schemas_would_be_one_class() -> None:
    """Only names that would be equal without their namespaces keep them."""
    names = ["A.User", "B.User", "B.Group"]
    assert make_class_names(names) == {"A.User": "AUser", "B.User": "BUser", "B.Group": "Group"}


def test_a_clash_is_refused_with_the_action_that_renames_one(make_document: Make) -> None:
    """Classes in one module, and fields that would be one attribute, are renamed by the overlay."""
    document = make_document(FOO={"type": "object"}, Foo={"properties": {"sco_id": {}, "scoId": {}}})
    with pytest.raises(PipelineError) as caught:
        check(document, "nexport.json")
    assert "'FOO' and 'Foo' would be classes in one module" in str(caught.value)
    assert "target: $.components.schemas.Foo\n" in str(caught.value)
    assert "update: {x-nexport-name: OtherFoo}" in str(caught.value)
    assert "target: $.components.schemas.Foo.properties.scoId\n" in str(caught.value)
    document["components"]["schemas"]["Foo"]["x-nexport-name"] = "OtherFoo"
    document["components"]["schemas"]["Foo"]["properties"]["scoId"]["x-nexport-name"] = "sco_id_2"
    check(document, "nexport.json")
    view = make_model_view("OtherFoo", normalize(document)["components"]["schemas"], {}, in_requests=False)
    assert [field.attribute for field in view.fields] == ["sco_id", "sco_id_2"]


@pytest.mark.parametrize("values", [["a", 1], [1.5], [True], [None], [], [{"a": 1}]])
def test_an_enum_of_mixed_values_is_refused(make_document: Make, values: list[object]) -> None:
    """Members are integers; an enum of strings stays a string."""
    with pytest.raises(PipelineError, match="either all whole numbers or all strings"):
        check(make_document(Odd={"enum": values}), "nexport.json")


@pytest.mark.parametrize("tag", ["RawApi", "WithOptionsApi", "Aclose"])
def test_a_tag_with_a_reserved_name_is_refused(make_document: Make, tag: str) -> None:
    """A namespace must not replace an attribute of the client."""
    with pytest.raises(PipelineError, match="is taken"):
        check(make_document(f"{tag}_GetThing"), "nexport.json")


def test_an_operation_of_another_area_is_refused(make_document: Make) -> None:
    """Operations of different areas in one namespace could have the same method name."""
    document = make_document("LearningApi_GetThing")
    operation(document)["tags"] = ["ScormApi"]
    with pytest.raises(PipelineError, match="belongs to another area"):
        check(document, "nexport.json")


def test_placeholders_and_parameters_must_match(make_document: Make) -> None:
    """Each placeholder in a path needs a parameter, and each path parameter a placeholder."""
    document = make_document()
    document["paths"] = {"/api/{id}": next(iter(document["paths"].values()))}
    with pytest.raises(PipelineError, match="do not fit each other"):
        check(document, "nexport.json")
