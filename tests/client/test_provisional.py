"""Provisional operations: what they say of themselves, failures at code 0, values without public numbers, secrets."""

import inspect
import logging
from typing import Any, cast

import pytest

import nexport_client
from nexport_campus import APIError, InvalidRequestError, NexportError, NotFoundError, ResponseDecodeError
from nexport_campus.models import Display, RedirectEntityRequest
from nexport_client import OPERATIONS
from nexport_client.client import Areas
from nexport_client.protocols import Caller
from tests.support.clients import campus_with, method_of
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import OPENAPI, SOME_ID, example_response

DOCUMENTS = {file.stem for file in (OPENAPI / "provisional").glob("*.json")}
SECRET = "https://campus.example/sso?token=6f9619ff-8b86-4d01-b42d-00cf4fc96400"
CODE = "REDEEM-ME-0123456789"


def test_provisional_operations_are_marked() -> None:
    """The operations without a page are provisional, name their least certain part, and their docstrings say so."""
    areas = Areas(cast("Caller", None))
    for name, operation in OPERATIONS.items():
        docstring = inspect.getdoc(getattr(getattr(areas, operation.area), operation.name)) or ""
        assert operation.provisional is (name in DOCUMENTS)
        assert bool(operation.uncertain) is operation.provisional
        assert (
            ("Provisional: " in docstring) is ("Source: public facts" in docstring) is operation.provisional
        )
    assert OPERATIONS.keys() >= DOCUMENTS


async def test_errors_say_provisional() -> None:
    """An error of a provisional operation says that it is one; the campus's message stays as it is."""
    declared = OPERATIONS.get("PointOfSaleApi_GetInvoice")
    if declared is None or not declared.provisional:
        pytest.skip("PointOfSaleApi_GetInvoice is not provisional any more")
    refusal = json_response(error_entity(3, "No invoice"), 409)
    async with campus_with(refusal, refusal) as (campus, _):
        with pytest.raises(NotFoundError) as provisional:
            await campus.point_of_sale.get_invoice(invoice_id=SOME_ID)
        with pytest.raises(NotFoundError) as stated:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert str(provisional.value) == (
        "PointOfSaleApi_GetInvoice: No invoice (HTTP 409, code 3; a provisional operation)"
    )
    assert (provisional.value.message, provisional.value.provisional) == ("No invoice", True)
    assert "provisional" not in str(stated.value)


def test_replaced_operations_name_their_replacements() -> None:
    """The obsolete aliases in LearningApi name methods that exist."""
    for name in ("GetTestAttempts", "GetOrganizations"):
        notice = OPERATIONS[f"LearningApi_{name}"].deprecated or ""
        found = [each.id for each in OPERATIONS.values() if f"campus.{each.full_name}." in notice]
        replacements = {"AssessmentApi_GetTestAttempts", "AdminApi_GetOrganizations"} & OPERATIONS.keys()
        assert replacements.issuperset(found)
        assert found or "not in this SDK yet" in notice


FAILURES = {
    "nothing removed": (
        "AdminApi_RemoveMembership",
        {"memberships": [SOME_ID]},
        {"memberships": []},
        "removed",
    ),
    "no list": ("AdminApi_RemoveMembership", {"memberships": [SOME_ID]}, {"memberships": None}, "removed"),
    "a message": (
        "AdminApi_SetCustomProfileFieldValues",
        {"subscriber_id": SOME_ID, "custom_profile_field_values": {"a": "b"}},
        {"message": "a is not a date"},
        "a is not a date",
    ),
    "an undeclared flag": (
        "AdminApi_SetCustomProfileFieldValues",
        {"subscriber_id": SOME_ID, "custom_profile_field_values": {"a": "b"}},
        {"message": "", "error": True},
        "a value was refused",
    ),
}


@pytest.mark.parametrize(("name", "arguments", "body", "message"), FAILURES.values(), ids=FAILURES)
async def test_failures_at_code_0(
    name: str, arguments: dict[str, Any], body: dict[str, Any], message: str
) -> None:
    """HTTP 200 with error code 0 is an error if the response says that nothing was done."""
    async with campus_with(json_response({**error_entity(0), **body})) as (campus, server):
        with pytest.raises(InvalidRequestError, match=message) as caught:
            await method_of(campus, name)(**arguments)
        assert len(server.requests) == 1
    assert (caught.value.error_code, caught.value.status_code, caught.value.maybe_applied) == (0, 200, False)


async def test_success_at_code_0() -> None:
    """A removed membership and an empty message are successes."""
    done = [json_response({**error_entity(0), "memberships": [{"id": SOME_ID}]})]
    done.append(json_response({**error_entity(0), "message": " "}))
    async with campus_with(*done) as (campus, _):
        removed = await method_of(campus, "AdminApi_RemoveMembership")(memberships=[SOME_ID])
        assert removed.memberships == [{"id": SOME_ID}]
        await method_of(campus, "AdminApi_SetCustomProfileFieldValues")(
            subscriber_id=SOME_ID, custom_profile_field_values={"a": "b"}
        )


@pytest.mark.parametrize("value", [2, "Syllabus", "2", 0])
async def test_values_without_public_numbers(value: int | str) -> None:
    """They are sent as given, and read as sent."""
    item = json_response(example_response("PointOfSaleApi_AddInvoiceItem"))
    invoice = json_response({**error_entity(0), "state": value, "invoice_items": []})
    async with campus_with(item, invoice) as (campus, server):
        await campus.point_of_sale.add_invoice_item(
            invoice_id=SOME_ID, product_id=SOME_ID, product_type=value
        )
        assert server.requests[0].json["product_type"] == value
        read = (await campus.point_of_sale.get_invoice(invoice_id=SOME_ID)).state
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("value", [True, 2.5, b"x", [], 2**31])
async def test_other_values_are_refused(value: Any) -> None:
    """Neither a whole number of 32 bits nor a string: nothing is sent."""
    async with campus_with() as (campus, server):
        with pytest.raises(ValueError, match="product_type must be a whole number"):
            await campus.point_of_sale.add_invoice_item(
                invoice_id=SOME_ID, product_id=SOME_ID, product_type=value
            )
        assert server.requests == []


async def test_one_enum_for_both_displays() -> None:
    """SignIn and Classroom share an enum, and take a model for the redirects."""
    response = json_response(example_response("SsoApi_SignIn"))
    redirects = RedirectEntityRequest(logout_url="https://shop.example")
    async with campus_with(response, response) as (campus, server):
        await campus.sso.sign_in(subscription_id=SOME_ID, display=Display.NO_CHROME)
        await campus.sso.classroom(enrollment_id=SOME_ID, display=0, redirect_entity_request=redirects)
    assert server.requests[0].json == {"subscription_id": SOME_ID, "display": 1}
    assert server.requests[1].json == {
        "enrollment_id": SOME_ID,
        "display": 0,
        "redirect_entity_request": {"logout_url": "https://shop.example"},
    }


async def test_the_url_that_signs_in_is_secret(caplog: pytest.LogCaptureFixture) -> None:
    """The URL is in the result under its name, and in no repr, row or log."""
    caplog.set_level(logging.DEBUG)
    body = {**example_response("SsoApi_Classroom"), "url": SECRET, "access_token": SECRET[-36:]}
    async with campus_with(json_response(body), json_response(body)) as (campus, _):
        signed_in = await campus.sso.classroom(enrollment_id=SOME_ID)
        raw = await campus.raw.sso.classroom(enrollment_id=SOME_ID)
    assert signed_in.url == SECRET
    assert raw.parsed.url == SECRET
    shown = f"{signed_in!r} {raw!r} {signed_in.to_row()} {caplog.text}"
    assert SECRET not in shown
    assert SECRET[-36:] not in shown


SECRET_CALLS = {
    "sso.sign_in": {"subscription_id": SOME_ID},
    "sso.classroom": {"enrollment_id": SOME_ID},
    "point_of_sale.commit_invoice_transaction": {"invoice_id": SOME_ID},
    "point_of_sale.get_invoice_redemption": {"invoice_item_id": SOME_ID},
    "point_of_sale.redeem_invoice_item": {
        "redeeming_user_id": SOME_ID,
        "invoice_item_redemption_code": CODE,
    },
}


@pytest.mark.parametrize("name", SECRET_CALLS)
@pytest.mark.parametrize("broken", ["unreadable", "error status", "error entity"])
async def test_errors_keep_no_secret(name: str, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """The error of a call whose response has a secret keeps nothing of the body, whatever is wrong with it."""
    caplog.set_level(logging.DEBUG)
    body = {"url": SECRET, "redemption_code": CODE, "invoice_item_redemption_codes": {SOME_ID: CODE}}
    responses = {
        "unreadable": json_response(
            {**body, **error_entity(0), "organization_id": 3, "expires_in": "x", "invoice_redemption_code": 7}
        ),
        "error status": json_response({**body, **error_entity(2, f"refused {CODE}")}, 422),
        "error entity": json_response({**body, **error_entity(2, "refused")}),
    }
    async with campus_with(responses[broken]) as (campus, _):
        area, _, method = name.partition(".")
        with pytest.raises(NexportError) as caught:
            await getattr(getattr(campus, area), method)(**SECRET_CALLS[name])
    error = caught.value
    kept = error.body if isinstance(error, APIError) else getattr(error, "snippet", None)
    assert isinstance(error, APIError | ResponseDecodeError)
    assert kept is None
    if name.endswith("redeem_invoice_item"):
        assert CODE not in f"{error!r} {caplog.text}"


def test_secrets_are_declared() -> None:
    """Every operation whose response holds a secret says so."""
    found = {name for name, operation in nexport_client.OPERATIONS.items() if operation.secret_result}
    secret = {
        "AdminApi_Authenticate",
        "PointOfSaleApi_CommitInvoiceTransaction",
        "PointOfSaleApi_GetInvoiceRedemption",
        "PointOfSaleApi_RedeemInvoiceItem",
        "SsoApi_Classroom",
        "SsoApi_SignIn",
    }
    assert found >= secret & nexport_client.OPERATIONS.keys()
