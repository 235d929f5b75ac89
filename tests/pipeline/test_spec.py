"""What the specification says after our corrections, and that the vendor's part of it is the vendor's."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

Document = dict[str, Any]

OPENAPI = Path(__file__).parents[2] / "openapi"

# Of the documents in the fences of the vendor's pages, as they stand there, each with a newline, in the order of their
# operationIds. It changes when newer pages are taken in.
PAGES = "05d844ca8b4e4c78455cc2fa0f0a81cb6e9f308e3d4494001f27e4cc8eac47c8"

ENUMS = {
    "ErrorCode": "NO_ERROR UNKNOWN_ERROR VALIDATION_ERROR ITEM_NOT_FOUND AUTHENTICATION_ERROR AUTHORIZATION_ERROR "
    "SUBSCRIPTION_NOT_FOUND ENROLLMENT_ALREADY_EXISTS SUBSCRIPTION_ALREADY_EXISTS",
    "Phase": "NOT_STARTED IN_PROGRESS FINISHED TO_BE_GRADED RESUBMIT_REQUIRED",
    "Result": "NOT_GRADED PASSED FAILED",
    "FieldType": "NONE TEXT DATE_TIME BOOLEAN NUMERIC EMAIL SELECT_DROP_DOWN DATE_ONLY SELECT_CHECKBOX",
    "PublishingModel": "AVAILABLE_TO_MEMBERS FOR_SALE_IN_MARKET_PLACE HIDDEN",
    "CatalogAccessOption": "SHARED OWNED BOTH",
    "PricingModel": "NONE PER_HOUR_PRICE PER_ITEM_PRICE",
    "DueDateStrategy": "FAIL_AFTER_DUE_DATE APPLY_PENALTY TAKE_NO_ACTION",
    "GradingStrategy": "MANUALLY_GRADED INTERNAL NO_GRADE",
    "SyllabusType": "SECTION TRAINING_PLAN UNKNOWN",
}

WRITING = {
    "LearningApi_CreateEnrollment",
    "LearningApi_DeleteEnrollment",
    "LearningApi_DropEnrollment",
    "LearningApi_SetCustomEnrollmentFieldValues",
    "ScormApi_EditScormData",
}


@pytest.fixture(scope="module")
def vendor() -> Document:
    """Return the merged document, before our corrections."""
    document: Document = json.loads((OPENAPI / "nexport.json").read_bytes())
    return document


@pytest.fixture(scope="module")
def sdk() -> Document:
    """Return the corrected document."""
    document: Document = json.loads((OPENAPI / "nexport.sdk.json").read_bytes())
    return document


@pytest.fixture(scope="module")
def operations(sdk: Document) -> dict[str, Document]:
    """Return the corrected operations by their ids."""
    return {item["operationId"]: item for path in sdk["paths"].values() for item in path.values()}


def parameter_names(operation: Document) -> list[str]:
    """Return the names of an operation's parameters."""
    return [parameter["name"] for parameter in operation.get("parameters", [])]


def test_fragments_are_the_vendors_documents_unchanged() -> None:
    """The fragments, written as compactly as the vendor writes, are the vendor's pages byte for byte."""
    files = sorted((OPENAPI / "fragments").iterdir())
    assert len(files) == 34
    compact = [
        json.dumps(json.loads(file.read_bytes()), separators=(",", ":"), ensure_ascii=False) + "\n"
        for file in files
    ]
    assert hashlib.sha256("".join(compact).encode()).hexdigest() == PAGES


def test_each_operation_is_marked(operations: dict[str, Document]) -> None:
    """All 36 are known to read or to write; GETs that write and POSTs that read are told apart."""
    assert len(operations) == 36
    assert {name for name, item in operations.items() if item["x-nexport-effect"] == "write"} == WRITING
    credentials = {name for name, item in operations.items() if item.get("x-nexport-credentials")}
    assert credentials == {"AdminApi_Authenticate", "AdminApi_ValidateAccessToken"}


def test_obsolete_operations_name_their_replacement(operations: dict[str, Document]) -> None:
    """What the vendor marks obsolete says what to use instead."""
    replaced = {
        name: item.get("x-nexport-replacement") for name, item in operations.items() if item.get("deprecated")
    }
    assert replaced == {
        "LearningApi_GetOrganizations": "AdminApi_GetOrganizations",
        "LearningApi_GetTestAttempts": "AssessmentApi_GetTestAttempts",
        "LearningApi_GetCmiData": "ScormApi_GetCmiData",
    }


def test_the_token_is_no_argument(operations: dict[str, Document]) -> None:
    """access_token and paer_page are nowhere, but where the token itself is asked about, and there it may be left out."""
    taking = {
        name
        for name, item in operations.items()
        if {"access_token", "paer_page"} & set(parameter_names(item))
    }
    assert taking == {"AdminApi_ValidateAccessToken"}
    (token,) = operations["AdminApi_ValidateAccessToken"]["parameters"]
    assert token["required"] is False
    assert token["x-nexport-secret"] is True


def test_there_is_one_media_type(sdk: Document) -> None:
    """text/json is gone from requests and answers."""
    assert "text/json" not in json.dumps(sdk)


def test_titles_examples_and_empty_formats_are_gone(sdk: Document) -> None:
    """Nothing takes over class names or poses as a default, and a decimal is called one."""
    for name, schema in sdk["components"]["schemas"].items():
        assert not {"title", "default"} & schema.keys(), name
    assert '"format": ""' not in json.dumps(sdk)
    assert (
        sdk["components"]["schemas"]["SectionResponse"]["properties"]["credit_hours"]["format"] == "decimal"
    )


def test_what_examples_show_is_declared(vendor: Document, sdk: Document) -> None:
    """Every field of the vendor's own examples is declared, and what we add is optional."""
    for name, schema in vendor["components"]["schemas"].items():
        mended = sdk["components"]["schemas"][name]
        assert schema.get("default", {}).keys() <= mended["properties"].keys(), name
        for added in mended["properties"].keys() - schema["properties"].keys():
            assert mended["properties"][added]["format"] == "uuid"
            assert added not in mended.get("required", [])


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_is_declared_once(vendor: Document, sdk: Document, name: str) -> None:
    """Each enum has the members that the contract names, and the labels that the vendor's descriptions give."""
    schema = sdk["components"]["schemas"][name]
    assert schema["x-enum-varnames"] == ENUMS[name].split()
    tail = ", ".join(
        f"{value} = {label}" for value, label in zip(schema["enum"], schema["x-enum-labels"], strict=True)
    )
    uses = [
        (owner, key)
        for owner, item in vendor["components"]["schemas"].items()
        for key, value in item.get("properties", {}).items()
        if value.get("enum") == schema["enum"] and value["description"].endswith(tail)
    ]
    assert uses
    for owner, key in uses:
        was = vendor["components"]["schemas"][owner]["properties"][key]
        reference = {"$ref": f"#/components/schemas/{name}", "description": was["description"]}
        assert sdk["components"]["schemas"][owner]["properties"][key] == reference


def test_no_inline_enum_is_left(sdk: Document) -> None:
    """All uses were lifted."""
    declared = {name for name, schema in sdk["components"]["schemas"].items() if "enum" in schema}
    assert declared == ENUMS.keys()
    assert json.dumps(sdk).count('"enum"') == len(ENUMS)


def test_dates_that_answers_require_may_be_null(sdk: Document) -> None:
    """Required dates of answers are nullable, and dates of requests are as the vendor states them."""
    for name, schema in sdk["components"]["schemas"].items():
        answer = "api_error_entity" in schema["properties"] if "properties" in schema else False
        for key in schema.get("required", []):
            value = schema["properties"][key]
            if value.get("format") == "date-time":
                assert value["type"] == (["string", "null"] if answer else "string"), f"{name}.{key}"
    requests = sdk["components"]["schemas"]["GetStudentSessionsRequest"]["properties"]
    assert requests["from_date"]["type"] == "string"


def test_a_documented_null_body_is_stated(operations: dict[str, Document]) -> None:
    """The default setting of a field may be null, as its text says."""
    answer = operations["LearningApi_GetDefaultCustomEnrollmentFieldSetting"]["responses"]["200"]
    reference = {"$ref": "#/components/schemas/GetDefaultCustomEnrollmentFieldSettingResponse"}
    assert answer["content"]["application/json"]["schema"] == {"oneOf": [reference, {"type": "null"}]}


def test_empty_filters_are_refused(sdk: Document) -> None:
    """Each list of the search filter needs an element: the vendor takes an empty one for everybody."""
    properties = sdk["components"]["schemas"]["EnrollmentSearchFilter"]["properties"]
    lists = {key: value for key, value in properties.items() if value.get("type") == "array"}
    assert lists.keys() == {"user_ids", "syllabus_unique_names", "org_ids", "enrollment_ids", "syllabus_ids"}
    assert all(value["minItems"] == 1 for value in lists.values())


def test_secrets_are_marked(sdk: Document) -> None:
    """Passwords and tokens are told from other texts."""
    schemas = sdk["components"]["schemas"]
    assert schemas["AuthenticationTokenResponse"]["properties"]["access_token"]["x-nexport-secret"] is True
    assert schemas["AuthenticationTokenRequest"]["properties"]["password"]["x-nexport-secret"] is True
