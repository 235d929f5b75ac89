"""schemathesis against a strict sandbox; `schemathesis.toml` beside this file says how, and what is excepted."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexport_campus.sandbox import (
    Sandbox,
    _areas,  # noqa: F401 -- fills the register of operations
)
from nexport_campus.sandbox._operations import OPERATIONS
from tests.sandbox.http_api import HttpApi

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "openapi/nexport.json"
CONFIG = Path(__file__).with_name("schemathesis.toml")

# Its prose alone has the JSON null that it answers where there is no setting; its schema promises an object.
NULL_ANSWER = "/api/v1/LearningApi/GetDefaultCustomEnrollmentFieldSetting"


def allowing(value: str | None, schema: object) -> dict[str, Any]:
    """What the schema allows, or that value."""
    return {"anyOf": [schema, {"enum": [value]}]}


def operations(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All operations of a spec."""
    return [operation for path in spec["paths"].values() for operation in path.values()]


def spec() -> dict[str, Any]:
    """The vendor's spec but for that answer, for what counts as left out, as in ASP.NET, and for what isn't modelled.

    Left out is a null in a body, and an empty text in the query, of what is optional there.
    """
    found: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))
    modelled = {operation.path for operation in OPERATIONS.values()}
    found["paths"] = {path: item for path, item in found["paths"].items() if path in modelled}
    answer = found["paths"][NULL_ANSWER]["get"]["responses"]["200"]["content"]["application/json"]
    answer["schema"] = allowing(None, answer["schema"])
    for operation in operations(found):
        for parameter in operation.get("parameters", ()):
            if not parameter.get("required"):
                parameter["schema"] = allowing("", parameter["schema"])
    bodies = [each["requestBody"] for each in operations(found) if "requestBody" in each]
    schemas = [body["content"]["application/json"]["schema"]["$ref"] for body in bodies]
    for name in {schema.rpartition("/")[2] for schema in schemas}:
        schema = found["components"]["schemas"][name]
        for optional in schema["properties"].keys() - set(schema.get("required", ())):
            schema["properties"][optional] = allowing(None, schema["properties"][optional])
    return found


async def dictionaries(sandbox: Sandbox, api: HttpApi) -> dict[str, list[str]]:
    """What the sandbox knows, so that calls are not all answered with "no such thing"."""
    samples = await sandbox.samples()
    found = await api.get("LearningApi_SearchEnrollments", {"org_ids": [samples.org_id]}, per_page=100)
    fields = await api.get("LearningApi_GetCustomEnrollmentFields", org_id=samples.org_id)
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
        "lesson_modes": ["browse", "normal", "review"],
        "lesson_statuses": ["passed", "incomplete"],
        "organizations": list(samples.org_ids),
        "passwords": [sandbox.password],
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
        "users": [samples.user_id, samples.finished_user_id],
        "usernames": [sandbox.username],
    }


async def run(folder: Path, *options: str) -> None:
    """Run schemathesis against a sandbox of its own; fails with what it reports."""
    async with (
        Sandbox(seed=7, strict=True) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"], utc_expiration_date=None)
        known = await dictionaries(sandbox, api)
        lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in known.items()]
        (folder / "schemathesis.toml").write_text("\n".join([CONFIG.read_text("utf-8"), *lines]), "utf-8")
        (folder / "spec.json").write_text(json.dumps(spec()), "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", "spec.json", "--url", sandbox.url, *options),
            cwd=folder,
            env={**os.environ, "NEXPORT_TOKEN": api.token or ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


async def test_the_sandbox_conforms(tmp_path: Path) -> None:
    """Answers are as the spec says, there is no 5xx, wrong data is refused: on a few examples of each operation."""
    await run(tmp_path, "--max-examples", "5", "--seed", "7")


@pytest.mark.full
async def test_the_sandbox_conforms_at_length(tmp_path: Path) -> None:
    """The same on many examples, and in sequences of calls that follow from each other."""
    await run(tmp_path, "--max-examples", "100", "--seed", "7")
