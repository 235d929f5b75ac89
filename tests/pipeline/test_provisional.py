"""Provisional operations: a page of their area replaces or removes them; and requests that carry an error entity."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.changes import Change
from pipeline.cli import main
from pipeline.layout import Layout
from pipeline.provisional import exempt
from pipeline.reachable import allow_null_dates

Document = dict[str, Any]
Capture = pytest.CaptureFixture[str]


def read(repository: Path, name: str) -> Document:
    """Return a JSON document of the repository."""
    document: Document = json.loads((repository / name).read_bytes())
    return document


def test_a_page_replaces_and_removes(
    repository: Path, make_page: Callable[..., Path], capsys: Capture
) -> None:
    """A page with one of an area's operations replaces that one, and removes the others with their marks, by name."""
    stated = read(repository, f"{Layout.PROVISIONAL}/SsoApi_SignIn.json")
    operation = stated["paths"]["/api/v1/SsoApi/SignIn"]["post"]
    del operation["x-uncertain"]
    operation["summary"] = "Signs a user in."
    assert main(["--pages", str(make_page(stated))], repository) == 0
    output = capsys.readouterr().out
    assert "SsoApi_Classroom is removed: it was provisional, and the import does not have it" in output
    assert "No change breaks users.\nChanges of provisional operations, which are exempt" in output
    assert "\n  SsoApi_Classroom removed\n" in output
    assert "\n  SsoApi_SignIn changed: stated by the vendor now, and no longer provisional\n" in output
    assert "- **Provisional.** Removed `campus.sso.classroom` (SsoApi_Classroom).\n" in (
        repository / Layout.CHANGELOG
    ).read_text(encoding="utf-8")
    assert "SsoApi_Classroom" not in (repository / Layout.OVERLAY).read_text(encoding="utf-8")
    left = {file.name for file in (repository / Layout.PROVISIONAL).iterdir()}
    assert not any(name.startswith("SsoApi") for name in left)
    assert "PointOfSaleApi_GetInvoice.json" in left
    assert (repository / Layout.FRAGMENTS / "SsoApi_SignIn.json").exists()
    merged = read(repository, Layout.SDK)["paths"]
    assert "x-nexport-provisional" not in merged["/api/v1/SsoApi/SignIn"]["post"]
    assert "/api/v1/SsoApi/Classroom" not in merged
    assert main(["--check"], repository) == 0


def test_what_a_page_lacks_can_be_kept(
    repository: Path, make_page: Callable[..., Path], capsys: Capture
) -> None:
    """With --keep-provisional, a page replaces what it states, also under another name, and removes nothing."""
    stated = read(repository, f"{Layout.PROVISIONAL}/SsoApi_SignIn.json")
    operation = stated["paths"]["/api/v1/SsoApi/SignIn"]["post"]
    operation |= {"operationId": "SsoApi_SignInUser"}
    del operation["x-uncertain"]
    assert main(["--pages", str(make_page(stated)), "--keep-provisional"], repository) == 0
    output = capsys.readouterr().out
    assert "note: SsoApi_Classroom stays provisional: the import does not have it" in output
    assert "--keep-provisional" not in output
    kept = {file.stem for file in (repository / Layout.PROVISIONAL).iterdir()}
    assert "SsoApi_Classroom" in kept
    assert "SsoApi_SignIn" not in kept
    merged = read(repository, Layout.SDK)["paths"]
    assert merged["/api/v1/SsoApi/Classroom"]["post"]["x-nexport-provisional"]
    assert merged["/api/v1/SsoApi/SignIn"]["post"]["operationId"] == "SsoApi_SignInUser"
    assert main(["--check"], repository) == 0


@pytest.mark.full
def test_the_run_says_how_to_keep_what_it_removes(
    repository: Path, make_page: Callable[..., Path], capsys: Capture
) -> None:
    """Where hand-written code uses a provisional operation that the page lacks, the last lines say what to do."""
    (repository / "examples").mkdir()
    example = "async def enter(campus):\n    return await campus.sso.classroom(enrollment_id=1)\n"
    (repository / "examples/entrance.py").write_text(example, encoding="utf-8")
    stated = read(repository, f"{Layout.PROVISIONAL}/SsoApi_SignIn.json")
    del stated["paths"]["/api/v1/SsoApi/SignIn"]["post"]["x-uncertain"]
    file = repository / "report.json"
    assert main(["--pages", str(make_page(stated)), "--json", str(file)], repository) == 0
    *_, use, advice = capsys.readouterr().out.splitlines()
    assert use == "    examples/entrance.py:2 uses SsoApi_Classroom, removed"
    assert advice.startswith("Of these operations, 1 was provisional")
    assert advice.endswith("undo this run with git, and repeat it with --keep-provisional.")
    assert json.loads(file.read_bytes())["to_do"][-2:] == [use, advice]


def test_a_request_with_an_error_entity(
    repository: Path, make_document: Callable[..., Document], make_page: Callable[..., Path]
) -> None:
    """The client sends one without errors: no method has an argument for it, and a nested model has a default."""
    entity = read(repository, Layout.MERGED)["components"]["schemas"]["ApiErrorEntity"]
    reference = {"$ref": "#/components/schemas/ApiErrorEntity"}
    date = {"type": "string", "format": "date-time"}
    fields = {"api_error_entity": reference, "since": date}
    page = make_document("UserApi_EditThing", ApiErrorEntity=entity)
    schemas = page["components"]["schemas"]
    schemas["Contact"] = {"type": "object", "required": ["api_error_entity", "since"], "properties": fields}
    schemas["EditThingRequest"] = {
        "type": "object",
        "required": ["api_error_entity", "contact"],
        "properties": {**fields, "contact": {"$ref": "#/components/schemas/Contact"}},
    }
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/EditThingRequest"}}}
    item = page["paths"].popitem()[1]
    item["get"]["requestBody"] = {"required": True, "content": body}
    page["paths"]["/api/v1/UserApi/EditThing"] = {"post": item["get"]}
    assert main(["--pages", str(make_page(page))], repository) == 0
    client = repository / Layout.CLIENT
    declared = (client / "api/user_api/user_api_edit_thing.py").read_text(encoding="utf-8")
    assert 'fixed=(("api_error_entity", {"error_code": 0}),)' in declared
    assert 'Parameter("api_error_entity"' not in declared
    contact = (client / "models/contact.py").read_text(encoding="utf-8")
    assert 'load_class("ApiErrorEntity").from_dict({"error_code": 0})' in contact
    assert "since: datetime = field(" in contact


def test_dates_in_responses_may_be_null(make_document: Callable[..., Document]) -> None:
    """A required date of a response with an error entity may be null; that of a request may not."""
    entity = {"type": "object", "properties": {"error_code": {"type": "integer"}}}
    document = make_document("UserApi_EditThing", ApiErrorEntity=entity)
    fields = {
        "api_error_entity": {"$ref": "#/components/schemas/ApiErrorEntity"},
        "end": {"type": "string", "format": "date-time"},
    }
    schemas = document["components"]["schemas"]
    schemas["Thing"] = {"type": "object", "properties": json.loads(json.dumps(fields))}
    schemas["Sent"] = {"type": "object", "properties": json.loads(json.dumps(fields))}
    operation = document["paths"]["/api/v1/UserApi/EditThing"]["get"]
    operation["requestBody"] = {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}
    }
    allow_null_dates(document)
    assert schemas["Thing"]["properties"]["end"]["type"] == ["string", "null"]
    assert schemas["Sent"]["properties"]["end"]["type"] == "string"


def test_what_provisional_and_stated_operations_share_is_not_exempt(
    make_document: Callable[..., Document],
) -> None:
    """A break of a model is exempt only if no stated operation uses it, directly or within another model."""

    def reference(name: str) -> Document:
        return {"$ref": f"#/components/schemas/{name}"}

    def record(**fields: Document) -> Document:
        return {"type": "object", "properties": fields}

    shared = {"Shared": record(part=reference("SharedPart")), "SharedPart": record()}
    own = {"Own": record(part=reference("OwnPart"), shared=reference("Shared")), "OwnPart": record()}
    before = make_document("SsoApi_SignIn", **shared, **own)
    before["components"]["schemas"]["Thing"] = record(shared=reference("Shared"))
    document = make_document("SsoApi_GetThing")
    before["paths"] |= document["paths"]
    sign_in = before["paths"]["/api/v1/SsoApi/SignIn"]["get"]
    sign_in["x-nexport-provisional"] = True
    sign_in["responses"]["200"]["content"]["application/json"]["schema"] = reference("Own")
    exempted = ["SsoApi_SignIn", "SsoApi_SignIn(a)", "Own", "Own.part", "OwnPart.a"]
    breaking = ["SsoApi_GetThing", "SsoApi_GetThing(a)", "Thing.a", "Shared", "Shared.a", "SharedPart.a"]
    changes = [Change("spec", place, "removed", "", breaks=True) for place in (*exempted, *breaking)]
    found = {change.place: (change.breaks, change.provisional) for change in exempt(changes, before)}
    assert found == dict.fromkeys(exempted, (False, True)) | dict.fromkeys(breaking, (True, False))
