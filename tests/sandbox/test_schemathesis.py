"""schemathesis against a strict sandbox; `schemathesis.toml` in this folder has its settings and exceptions."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexport_campus.sandbox import Samples, Sandbox
from nexport_campus.sandbox.operations.registry import OPERATIONS
from tests.sandbox.http_api import HttpApi

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "openapi/nexport.json"
CONFIG = Path(__file__).with_name("schemathesis.toml")

# The response is null without a setting. Only the prose of the page says so; its schema requires an object.
NULL_RESPONSE = "/api/v1/LearningApi/GetDefaultCustomEnrollmentFieldSetting"


# Operations for which the sandbox returns 501 (docs/sandbox-rules.md, "Not modeled"), by schema.
NOT_MODELED = {
    "CreateInvoiceItemRequest": ["funding_pool"],
    "CreateInvoiceItemsRequest": ["funding_pool"],
    "RedeemInvoiceItemRequest": ["product_id", "redemption_action_type"],
    "UpdatedInvoiceFields": ["funding_pool"],
}

# The sandbox's AdminApi is made from public facts. It refuses ids that don't exist with 409, whatever a page documents.
REFUSALS = {
    status: {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ApiResponseBase"}}},
    }
    for status in ("403", "409", "422")
}

# Parts of bodies whose optional fields may be null, too.
NESTED = {"RedirectEntityRequest", "UpdatedInvoiceFields"}


def allow(value: str | None, schema: object) -> dict[str, Any]:
    """Return a schema that also allows the value."""
    return {"anyOf": [schema, {"enum": [value]}]}


def operations(lenient_spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all operations of a spec."""
    return [operation for path in lenient_spec["paths"].values() for operation in path.values()]


def allow_null_in_bodies(found: dict[str, Any]) -> None:
    """Allow null for the optional fields of all bodies of a spec."""
    known = found["components"]["schemas"]
    bodies = [each["requestBody"] for each in operations(found) if "requestBody" in each]
    schemas = [body["content"]["application/json"]["schema"]["$ref"] for body in bodies]
    for name in {schema.rpartition("/")[2] for schema in schemas} | (NESTED & known.keys()):
        schema = known[name]
        for enum in schema["properties"].keys() & {"payment_processor", "product_type"}:
            # Their numbers are not public, so the sandbox also takes names.
            schema["properties"][enum]["type"] = ["integer", "string"]
        for optional in schema["properties"].keys() - set(schema.get("required", ())):
            schema["properties"][optional] = allow(None, schema["properties"][optional])


def lenient_spec() -> dict[str, Any]:
    """Return the vendor's spec, limited to the modeled operations and with null or empty optional values allowed.

    As in ASP.NET, a null in a body and an empty string in the query count as missing.
    """
    found: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))
    modeled = {operation.path for operation in OPERATIONS.values()}
    found["paths"] = {path: item for path, item in found["paths"].items() if path in modeled}
    response = found["paths"][NULL_RESPONSE]["get"]["responses"]["200"]["content"]["application/json"]
    response["schema"] = allow(None, response["schema"])
    for operation in operations(found):
        if operation["operationId"].startswith("AdminApi_"):
            operation["responses"] = REFUSALS | operation["responses"]
        for parameter in operation.get("parameters", ()):
            if not parameter.get("required"):
                parameter["schema"] = allow("", parameter["schema"])
    known = found["components"]["schemas"]
    for name in NOT_MODELED.keys() & known.keys():
        for field in NOT_MODELED[name]:
            del known[name]["properties"][field]
    allow_null_in_bodies(found)
    return found


async def new_invoices(api: HttpApi, samples: Samples) -> tuple[list[str], list[str]]:
    """Begin a few invoices and commit one of them; return their ids and those of their items."""
    invoices, items = [], []
    for _ in range(3):
        body: dict[str, str] = {
            "purchasing_agent_id": samples.user_id,
            "organization_id": samples.org_id,
        }
        invoices.append((await api.get("PointOfSaleApi_BeginInvoiceTransaction", body))["invoice_id"])
        item = {"invoice_id": invoices[-1], "product_id": samples.section_product_id}
        items.append((await api.get("PointOfSaleApi_AddInvoiceItem", item))["invoice_item_id"])
    await api.get("PointOfSaleApi_CommitInvoiceTransaction", {"invoice_id": invoices[0]})
    return invoices, items


async def dictionaries(sandbox: Sandbox, api: HttpApi) -> dict[str, list[str]]:
    """Return ids that the sandbox knows, so that not all calls end with "not found"."""
    samples = await sandbox.samples()
    found = await api.get("LearningApi_SearchEnrollments", {"org_ids": [samples.org_id]}, per_page=100)
    fields = await api.get("LearningApi_GetCustomEnrollmentFields", org_id=samples.org_id)
    invoices, items = await new_invoices(api, samples)
    return {
        "assignments": [samples.scorm_assignment_id, samples.test_assignment_id],
        "assignment_statuses": [samples.scorm_assignment_status_id],
        "catalogs": [samples.catalog_id],
        "categories": [samples.category_id],
        "enrollments": [samples.test_enrollment_id],
        "entries": ["ab-initio", "resume"],
        "exit_statuses": ["normal", "suspend"],
        "fields": [samples.field_id],
        "grant_types": ["password"],
        "keys": [each["key"] for each in fields],
        "invoices": invoices,
        "invoice_items": items,
        "lesson_modes": ["browse", "normal", "review"],
        "lesson_statuses": ["passed", "incomplete"],
        "organizations": list(samples.org_ids),
        "memberships": [samples.membership_id],
        "passwords": [sandbox.password],
        "permissions": ["Group Purchasing Agent"],
        "products": [samples.product_id],
        "removable_enrollments": [
            each["enrollment_id"]
            for each in found["enrollments"]
            if each["enrollment_id"] != samples.test_enrollment_id
        ],
        "scos": [samples.scorm_sco_id],
        "sections": [samples.section_id, samples.popular_section_id],
        "subscriptions": [samples.subscription_id],
        "training_plans": [samples.training_plan_id],
        "time_spans": ["30.00:00:00"],
        "users": [samples.user_id, samples.finished_user_id],
        "usernames": [sandbox.username],
    }


async def run(folder: Path, *options: str) -> None:
    """Run schemathesis against a new sandbox, and fail with its report."""
    async with (
        Sandbox(seed=7, strict=True) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"], utc_expiration_date=None)
        values_by_name = await dictionaries(sandbox, api)
        lines = [
            f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in values_by_name.items()
        ]
        (folder / "schemathesis.toml").write_text("\n".join([CONFIG.read_text("utf-8"), *lines]), "utf-8")
        (folder / "spec.json").write_text(json.dumps(lenient_spec()), "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", "spec.json", "--url", sandbox.url, *options),
            cwd=folder,
            env={**os.environ, "NEXPORT_TOKEN": api.token or ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@pytest.mark.full
async def test_the_sandbox_conforms(tmp_path: Path) -> None:
    """On a few examples of each operation, responses match the spec, none is a 5xx, and wrong data is refused."""
    await run(tmp_path, "--max-examples", "5", "--seed", "7")


@pytest.mark.full
async def test_the_sandbox_conforms_at_length(tmp_path: Path) -> None:
    """The same holds for many examples, and for sequences of dependent calls."""
    await run(tmp_path, "--max-examples", "100", "--seed", "7")
