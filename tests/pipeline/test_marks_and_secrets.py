"""Marks with typos, fields that look like secrets, and tokens at an unusual place."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.decisions import list_decisions
from pipeline.errors import PipelineError
from pipeline.name_checks import check
from pipeline.secret_names import find_unmarked_secrets
from pipeline.token_places import find_odd_token_places

Document = dict[str, Any]
Make = Callable[..., Document]

TEXT = {"type": "string"}
TOKEN = {"name": "access_token", "in": "query", "required": True, "schema": TEXT}


def operation(document: Document) -> Document:
    """Return the only operation of a document."""
    found: Document = next(iter(document["paths"].values()))["get"]
    return found


@pytest.mark.parametrize(
    ("mark", "value", "message"),
    [
        ("x-nexport-efect", "read", "there is no mark x-nexport-efect; is x-nexport-effect meant?"),
        ("x-nexport-effect", "reads", "x-nexport-effect is neither read nor write: 'reads'"),
        ("x-nexport-credentials", "true", "neither true nor false: 'true'"),
        ("x-nexport-replacement", "Get Thing", "not the id of an operation"),
        ("x-nexport-secret", True, "is a mark of a schema or a parameter"),
        ("x-nexport-anything", 1, "there is no mark x-nexport-anything"),
    ],
)
def test_a_wrong_mark_is_refused(make_document: Make, mark: str, value: object, message: str) -> None:
    """A mark with a typo would have no effect."""
    document = make_document()
    operation(document)[mark] = value
    with pytest.raises(PipelineError) as caught:
        check(document, "nexport.sdk.json")
    assert message in str(caught.value)


def test_a_mark_of_an_operation_at_a_field_is_refused(make_document: Make) -> None:
    """It has no effect there."""
    document = make_document(Odd={"properties": {"a": {**TEXT, "x-nexport-effect": "read"}}})
    with pytest.raises(PipelineError, match="x-nexport-effect is a mark of an operation"):
        check(document, "nexport.sdk.json")


@pytest.mark.parametrize(
    ("name", "schema", "secret"),
    [
        ("new_password", TEXT, True),
        ("clientSecret", TEXT, True),
        ("refresh_token", {"type": ["string", "null"]}, True),
        ("apiKey", {}, True),
        ("code", {**TEXT, "format": "password"}, True),
        ("new_password", {**TEXT, "x-nexport-secret": True}, False),
        ("new_password", {**TEXT, "x-nexport-secret": False}, False),
        ("password_required", {"type": "boolean"}, False),
        ("token_type", TEXT, False),
        ("password_expires", {**TEXT, "format": "date-time"}, False),
        ("shipping_address", TEXT, False),
        ("tokens", {"type": "integer"}, False),
    ],
)
def test_fields_that_look_like_secrets_are_found(
    make_document: Make, name: str, schema: Document, secret: bool
) -> None:
    """A mark, either way, says that a person has decided."""
    found = find_unmarked_secrets(make_document(Odd={"properties": {name: schema}}))
    assert [place for place, _ in found if place.endswith(f"/{name}")] == (
        [f"/components/schemas/Odd/properties/{name}"] if secret else []
    )


def test_secrets_are_reported_with_the_action_to_paste(make_document: Make) -> None:
    """Parameters count as well as fields."""
    document = make_document(Odd={"properties": {"client_secret": TEXT}})
    operation(document)["parameters"] = [{"name": "pin", "in": "query", "schema": TEXT}]
    *notes, block = list_decisions(document)
    assert any("LearningApi_GetThing(pin) looks like a secret" in note for note in notes)
    assert "target: $.components.schemas.Odd.properties.client_secret\n" in block
    assert (
        "target: $.paths.*[?@.operationId == 'LearningApi_GetThing'].parameters[?@.name == 'pin']\n" in block
    )


def test_many_new_operations_are_summarized(make_document: Make) -> None:
    """One line an area, and one block of marks to paste."""
    document = make_document("LearningApi_Get0")
    for number in range(1, 30):
        document["paths"] |= make_document(f"ScormApi_Get{number}")["paths"]
    operation(document)["parameters"] = []
    notes = [note for note in list_decisions(document) if "secret" not in note]
    assert any(
        note.startswith("LearningApi: 1 operation counts as writing, until openapi/overlay.yaml marks it")
        for note in notes
    )
    assert any(note.startswith("ScormApi: 29 operations count as writing") for note in notes)
    assert list_decisions(document)[-1].count("x-nexport-effect: write") == 30


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({}, None),
        ({"parameters": []}, "the vendor states no token;"),
        (
            {"parameters": [{**TOKEN, "in": "header"}]},
            "a token in the header access_token, and no access_token in the query;",
        ),
        (
            {"parameters": [{**TOKEN, "name": "Authorization", "in": "header"}]},
            "a token in the header Authorization, and no access_token in the query;",
        ),
        (
            {"parameters": [], "security": [{"jwt": []}]},
            "jwt (http, bearer), and no access_token in the query;",
        ),
        ({"security": [{"jwt": []}]}, "the vendor states the security scheme jwt (http, bearer);"),
        ({"parameters": [], "security": [{"usual": []}]}, None),
    ],
    ids=range(7),
)
def test_an_unusual_place_of_the_token_is_reported(
    make_document: Make, change: Document, note: str | None
) -> None:
    """The client sends the token in the query, whatever the page says."""
    vendor, corrected = make_document(), make_document()
    operation(vendor).update(change)
    vendor["components"]["securitySchemes"] = {
        "jwt": {"type": "http", "scheme": "bearer"},
        "usual": {"type": "apiKey", "in": "query", "name": "access_token"},
    }
    notes = find_odd_token_places(vendor, corrected)
    assert bool(notes) == (note is not None)
    if note is not None:
        assert any(note in found for found in notes)
    operation(corrected)["x-nexport-credentials"] = True
    assert find_odd_token_places(vendor, corrected) == []
