"""The corrected specification, and that the fragments are the vendor's unchanged documents."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexport_client import OPERATIONS
from pipeline import spec
from pipeline.jsontext import dumps
from pipeline.pages import read_pages
from pipeline.reachable import find_schemas

Document = dict[str, Any]

OPENAPI = Path(__file__).parents[2] / "openapi"

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
    "Display": "NORMAL NO_CHROME",
}

READING = {
    "AdminApi_Authenticate",
    "AdminApi_GetOrganizations",
    "AdminApi_GetSubscription",
    "AdminApi_GetSubscriptions",
    "AdminApi_GetUser",
    "AdminApi_GetUserContactInformation",
    "AdminApi_HasGroupPermission",
    "AdminApi_SearchGroupsForPermission",
    "AdminApi_ValidateAccessToken",
    "AssessmentApi_GetTestAttempts",
    "LearningApi_GetAssignment",
    "LearningApi_GetAssignmentInstructions",
    "LearningApi_GetAssignmentStatuses",
    "LearningApi_GetAssignments",
    "LearningApi_GetCatalog",
    "LearningApi_GetCatalogCreditHours",
    "LearningApi_GetCatalogDescription",
    "LearningApi_GetCatalogSyllabi",
    "LearningApi_GetCatalogs",
    "LearningApi_GetCategories",
    "LearningApi_GetCategorySyllabi",
    "LearningApi_GetCertificateUrl",
    "LearningApi_GetCmiData",
    "LearningApi_GetCustomEnrollmentFieldValues",
    "LearningApi_GetCustomEnrollmentFields",
    "LearningApi_GetDefaultCustomEnrollmentFieldSetting",
    "LearningApi_GetOrganizations",
    "LearningApi_GetSection",
    "LearningApi_GetSectionDescription",
    "LearningApi_GetSectionEnrollments",
    "LearningApi_GetSectionObjectives",
    "LearningApi_GetSections",
    "LearningApi_GetStudentSessions",
    "LearningApi_GetTestAttempts",
    "LearningApi_GetTrainingPlan",
    "LearningApi_GetTrainingPlanDescription",
    "LearningApi_GetTrainingPlanEnrollments",
    "LearningApi_SearchEnrollments",
    "PointOfSaleApi_GetInvoice",
    "PointOfSaleApi_GetInvoiceRedemption",
    "ScormApi_GetCmiData",
}
WRITING = {
    "AdminApi_RemoveMembership",
    "AdminApi_SetCustomProfileFieldValues",
    "LearningApi_CreateEnrollment",
    "LearningApi_DeleteEnrollment",
    "LearningApi_DropEnrollment",
    "LearningApi_SetCustomEnrollmentFieldValues",
    "PointOfSaleApi_AddInvoiceItem",
    "PointOfSaleApi_AddInvoiceItems",
    "PointOfSaleApi_AddInvoicePayment",
    "PointOfSaleApi_AddInvoiceScheduledPayment",
    "PointOfSaleApi_BeginInvoiceTransaction",
    "PointOfSaleApi_CommitInvoiceTransaction",
    "PointOfSaleApi_RedeemInvoiceItem",
    "ScormApi_EditScormData",
    "SsoApi_Classroom",
    "SsoApi_SignIn",
}


@pytest.fixture(scope="module")
def vendor() -> Document:
    """Return the merged document, before corrections."""
    document: Document = json.loads((OPENAPI / "nexport.json").read_bytes())
    return document


@pytest.fixture(scope="module")
def sdk() -> Document:
    """Return the corrected document."""
    document: Document = json.loads((OPENAPI / "nexport.sdk.json").read_bytes())
    return document


@pytest.fixture(scope="module")
def operations(sdk: Document) -> dict[str, Document]:
    """Return the corrected operations by id."""
    return {item["operationId"]: item for path in sdk["paths"].values() for item in path.values()}


def parameter_names(operation: Document) -> list[str]:
    """Return the names of an operation's parameters."""
    return [parameter["name"] for parameter in operation.get("parameters", [])]


def test_fragments_are_the_vendors_documents_unchanged(
    small_repository: Path, make_page: Callable[..., Path]
) -> None:
    """Serialized as compactly as the vendor does, imported fragments equal the fences of the pages byte for byte."""
    files = sorted((small_repository / "openapi/fragments").iterdir())
    documents = [json.loads(file.read_bytes()) for file in files]
    stated = read_pages([make_page(*documents)]).fragments
    assert list(stated) == [file.stem for file in files]
    for file, document in zip(files, documents, strict=True):
        compact = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        assert json.dumps(stated[file.stem], separators=(",", ":"), ensure_ascii=False) == compact
        assert file.read_text(encoding="utf-8") == dumps(stated[file.stem])


def test_operations_are_marked(operations: dict[str, Document]) -> None:
    """The overlay marks what writes, independent of the HTTP method; the others of the known operations read."""
    assert operations.keys() == OPERATIONS.keys()
    effects = {name: item.get("x-nexport-effect") for name, item in operations.items()}
    assert {effects[name] for name in WRITING & effects.keys()} == {"write"}
    assert {effects[name] for name in READING & effects.keys()} == {"read"}
    credentials = {name for name, item in operations.items() if item.get("x-nexport-credentials")}
    assert credentials == {"AdminApi_Authenticate", "AdminApi_ValidateAccessToken"} & operations.keys()


def test_obsolete_operations_name_their_replacement(operations: dict[str, Document]) -> None:
    """An operation that the vendor marks as obsolete names its replacement."""
    replaced = {
        name: item.get("x-nexport-replacement") for name, item in operations.items() if item.get("deprecated")
    }
    known = {
        "LearningApi_GetOrganizations": "AdminApi_GetOrganizations",
        "LearningApi_GetTestAttempts": "AssessmentApi_GetTestAttempts",
        "LearningApi_GetCmiData": "ScormApi_GetCmiData",
    }
    assert replaced.items() >= {name: known[name] for name in known.keys() & operations.keys()}.items()


def test_the_token_is_not_an_argument(operations: dict[str, Document]) -> None:
    """access_token and paer_page are removed, except where a token is validated; there it is optional."""
    with_token = {
        name
        for name, item in operations.items()
        if {"access_token", "paer_page"} & set(parameter_names(item))
    }
    assert with_token == {"AdminApi_ValidateAccessToken"} & operations.keys()
    for name in with_token:
        (token,) = operations[name]["parameters"]
        assert token["required"] is False
        assert token["x-nexport-secret"] is True


def test_there_is_one_media_type(sdk: Document) -> None:
    """text/json is removed from requests and responses."""
    assert "text/json" not in json.dumps(sdk)


def test_titles_examples_and_empty_formats_are_gone(sdk: Document) -> None:
    """No schema title overrides a class name or default, and a decimal has its format."""
    for name, schema in sdk["components"]["schemas"].items():
        assert not {"title", "default"} & schema.keys(), name
    assert '"format": ""' not in json.dumps(sdk)
    assert (
        sdk["components"]["schemas"]["SectionResponse"]["properties"]["credit_hours"]["format"] == "decimal"
    )


def test_fields_in_examples_are_declared(vendor: Document, sdk: Document) -> None:
    """Every field of the vendor's examples is declared, and fields that we add are optional."""
    for name, schema in vendor["components"]["schemas"].items():
        corrected = sdk["components"]["schemas"][name]
        fields = corrected.get("properties", {})
        assert schema.get("default", {}).keys() <= fields.keys(), name
        for added in fields.keys() - schema.get("properties", {}).keys():
            assert fields[added]["format"] == "uuid"
            assert added not in corrected.get("required", [])


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_is_declared_once(vendor: Document, sdk: Document, name: str) -> None:
    """Each enum has the members of the public contract first, and the labels of the vendor's descriptions."""
    schema = sdk["components"]["schemas"].get(name)
    if schema is None:
        pytest.skip(f"the spec has no {name}")
    expected = ENUMS[name].split()
    assert schema["x-enum-varnames"][: len(expected)] == expected
    tail = ", ".join(
        f"{value} = {label}" for value, label in zip(schema["enum"], schema["x-enum-labels"], strict=True)
    )
    uses = [
        (owner, key)
        for owner, item in vendor["components"]["schemas"].items()
        for key, value in item.get("properties", {}).items()
        if value.get("enum") == schema["enum"] and value.get("description", "").endswith(tail)
    ]
    assert uses
    for owner, key in uses:
        original = vendor["components"]["schemas"][owner]["properties"][key]
        reference = {"$ref": f"#/components/schemas/{name}", "description": original["description"]}
        assert sdk["components"]["schemas"][owner]["properties"][key] == reference


def test_no_inline_enum_is_left(sdk: Document) -> None:
    """In the schemas of operations that are marked, all inline enums are replaced by references."""
    marked = [each for each in spec.iterate_operations(sdk) if "x-nexport-effect" in each.body]
    schemas = {name: sdk["components"]["schemas"][name] for name in find_schemas(sdk, marked)}
    declared = {name for name, schema in schemas.items() if "enum" in schema}
    assert declared
    assert json.dumps(schemas).count('"enum"') == len(declared)


def test_required_dates_in_responses_may_be_null(sdk: Document) -> None:
    """Required dates in responses are nullable; dates in requests are unchanged."""
    for name, schema in sdk["components"]["schemas"].items():
        in_response = "api_error_entity" in schema["properties"] if "properties" in schema else False
        for key in schema.get("required", []):
            value = schema["properties"][key]
            if value.get("format") == "date-time":
                assert value["type"] == (["string", "null"] if in_response else "string"), f"{name}.{key}"
    requests = sdk["components"]["schemas"]["GetStudentSessionsRequest"]["properties"]
    assert requests["from_date"]["type"] == "string"


def test_a_documented_null_body_is_stated(operations: dict[str, Document]) -> None:
    """The default setting of a field may be null, as its description says."""
    response = operations["LearningApi_GetDefaultCustomEnrollmentFieldSetting"]["responses"]["200"]
    reference = {"$ref": "#/components/schemas/GetDefaultCustomEnrollmentFieldSettingResponse"}
    assert response["content"]["application/json"]["schema"] == {"oneOf": [reference, {"type": "null"}]}


def test_empty_filters_are_refused(sdk: Document) -> None:
    """Each list of the search filter needs an element, because the vendor ignores an empty one."""
    properties = sdk["components"]["schemas"]["EnrollmentSearchFilter"]["properties"]
    lists = {key: value for key, value in properties.items() if value.get("type") == "array"}
    assert lists.keys() == {"user_ids", "syllabus_unique_names", "org_ids", "enrollment_ids", "syllabus_ids"}
    assert all(value["minItems"] == 1 for value in lists.values())


def test_secrets_are_marked(sdk: Document) -> None:
    """Passwords and tokens are marked as secret."""
    schemas = sdk["components"]["schemas"]
    secrets = {"AuthenticationTokenResponse": "access_token", "AuthenticationTokenRequest": "password"}
    for name in secrets.keys() & schemas.keys():
        assert schemas[name]["properties"][secrets[name]]["x-nexport-secret"] is True
