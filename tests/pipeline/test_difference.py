"""Differences between two states: every break is reported, and no harmless change is reported as one."""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import generate as generating
from pipeline.changes import Change
from pipeline.cli import main
from pipeline.difference import Difference, choose_next_version, compare
from pipeline.errors import PipelineError
from pipeline.generate import generate
from pipeline.layout import Layout
from pipeline.merge import merge
from pipeline.normalization import normalize
from pipeline.python_changes import find_python_changes
from pipeline.spec_changes import find_sent_models, find_spec_changes
from tests.support import new_area

ROOT = Path(__file__).parents[2]

Document = dict[str, Any]
Edit = Callable[[Document], object]
Capture = pytest.CaptureFixture[str]


TEXT = {"type": "string"}


def base() -> Document:
    """Return a document with operations of several shapes."""
    wanted = ("RenameTest", "GetTests", "SearchTests", "SubmitAnswers", "GetMode", "SetScore", "DeleteTest")
    merged = merge(
        {
            f"{operation_id}.json": copy.deepcopy(item)
            for item in new_area.documents(ROOT)
            for path in item["paths"].values()
            for operation in path.values()
            if (operation_id := operation["operationId"]).endswith(wanted)
        }
    )
    for path in merged["paths"].values():
        for operation in path.values():
            operation["parameters"] = [
                item for item in operation["parameters"] if item["name"] not in ("access_token", "paer_page")
            ]
            for holder in (*operation["responses"].values(), operation.get("requestBody", {})):
                holder.get("content", {}).pop("text/json", None)
    mode = {"type": "integer", "enum": [0, 1], "x-enum-varnames": ["A", "B"], "x-enum-labels": ["a", "b"]}
    merged["components"]["schemas"]["Mode"] = mode
    merged["components"]["schemas"]["Test"]["properties"]["mode"] = {"$ref": "#/components/schemas/Mode"}
    # Models within others that are sent: in an element of a body, and in a field of one.
    for name, outer in (("Source", "Answer"), ("Reason", "Renaming")):
        merged["components"]["schemas"][name] = {"type": "object", "properties": {"note": TEXT}}
        fields(merged, outer)[name.lower()] = {"$ref": f"#/components/schemas/{name}"}
    return merged


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Document], Path]:
    """Return a function that makes a state: a document and the package that is generated from it."""

    def make(document: Document) -> Path:
        root = tmp_path_factory.mktemp("state")
        (root / "openapi").mkdir()
        (root / Layout.SDK).write_text(json.dumps(document), encoding="utf-8")
        # Only while it generates: other fixtures of the session need the formatter.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(generating, "_format", lambda *_: None)
            generate(document, Layout(ROOT), root / Layout.CLIENT)
        return root

    return make


@pytest.fixture(scope="module")
def old(state: Callable[[Document], Path]) -> Path:
    """Return the state before the change."""
    return state(base())


def operation(document: Document, name: str) -> Document:
    """Return one operation."""
    found: Document = next(
        item
        for path in document["paths"].values()
        for item in path.values()
        if item["operationId"].endswith(f"_{name}")
    )
    return found


def fields(document: Document, name: str) -> Document:
    """Return the fields of a schema."""
    found: Document = document["components"]["schemas"][name]["properties"]
    return found


def remove_operation(document: Document) -> None:
    """Remove an operation."""
    document["paths"] = {path: item for path, item in document["paths"].items() if "SetScore" not in path}


def rename_operation(document: Document) -> None:
    """Rename an operation and its path."""
    path = "/api/v1/AssessmentApi/SetScore"
    path_item = document["paths"].pop(path)
    path_item["put"]["operationId"] = "AssessmentApi_Grade"
    document["paths"]["/api/v1/AssessmentApi/Grade"] = path_item


def require_field(document: Document, name: str) -> None:
    """Add a required field to a schema."""
    fields(document, name)["more"] = TEXT
    document["components"]["schemas"][name]["required"] = ["more"]


def parameter(name: str, schema: Document, *, required: bool) -> Document:
    """Return a query parameter."""
    return {"name": name, "in": "query", "schema": schema, "required": required}


BREAKS: dict[str, tuple[Edit, str]] = {
    "operation removed": (remove_operation, "AssessmentApi_SetScore removed"),
    "argument removed": (
        lambda d: operation(d, "GetTests")["parameters"].pop(0),
        "AssessmentApi_GetTests(org_id) removed",
    ),
    "field of the body removed": (
        lambda d: fields(d, "Renaming").pop("from"),
        "AssessmentApi_RenameTest(from_) removed",
    ),
    "required argument added": (
        lambda d: operation(d, "GetTests")["parameters"].append(parameter("a", TEXT, required=True)),
        "AssessmentApi_GetTests(a) added: required",
    ),
    "argument became required": (
        lambda d: operation(d, "GetMode")["parameters"][1].update(required=True),
        "AssessmentApi_GetMode(mode) changed: required",
    ),
    "field of the body became required": (
        lambda d: d["components"]["schemas"]["Renaming"]["required"].append("from"),
        "AssessmentApi_RenameTest(from_) changed: required",
    ),
    "argument's type changed": (
        lambda d: operation(d, "GetTests")["parameters"][0].update(schema={"type": "integer"}),
        "AssessmentApi_GetTests(org_id) changed: takes int",
    ),
    "argument narrowed": (
        lambda d: operation(d, "SetScore")["requestBody"]["content"]["application/json"].update(
            schema={"type": "integer"}
        ),
        "AssessmentApi_SetScore(body_in_body) changed: takes int, took float",
    ),
    "null no longer sent": (
        lambda d: fields(d, "Renaming")["note"].update(type="string"),
        "AssessmentApi_RenameTest(note) changed: null is not sent",
    ),
    "null is sent": (
        lambda d: fields(d, "Renaming")["page"].update(nullable=True),
        "AssessmentApi_RenameTest(page) changed: None is sent as null now",
    ),
    "response's type changed": (
        lambda d: operation(d, "SetScore")["responses"]["200"]["content"]["application/json"].update(
            schema=TEXT
        ),
        "AssessmentApi_SetScore changed: returns str, was bool",
    ),
    "paging removed": (
        lambda d: operation(d, "GetTests")["parameters"].pop(),
        "AssessmentApi_GetTests changed: returns list[Test]",
    ),
    "field removed": (lambda d: fields(d, "Test").pop("wire"), "Test.wire removed"),
    "field's type changed": (
        lambda d: fields(d, "Test").update(wire={"type": "integer"}),
        "Test.wire changed: is int | None, was str | None",
    ),
    "field became optional": (
        lambda d: d["components"]["schemas"]["Test"]["required"].remove("taken"),
        "Test.taken changed: is datetime | None",
    ),
    "required field of a request added": (
        lambda d: (
            fields(d, "Answer").update(grade=TEXT),
            d["components"]["schemas"]["Answer"]["required"].append("grade"),
        ),
        "Answer.grade added: required",
    ),
    "required field of a model within a sent model added": (
        lambda d: require_field(d, "Source"),
        "Source.more added: required",
    ),
    "required field of a model within a body added": (
        lambda d: require_field(d, "Reason"),
        "Reason.more added: required",
    ),
    "field of a request became required": (
        lambda d: d["components"]["schemas"]["Answer"]["required"].append("text"),
        "Answer.text changed: is str, was str | None",
    ),
    "member removed": (
        lambda d: d["components"]["schemas"]["Mode"].update(
            {"enum": [0], "x-enum-varnames": ["A"], "x-enum-labels": ["a"]}
        ),
        "Mode.B removed",
    ),
    "member renamed": (
        lambda d: d["components"]["schemas"]["Mode"].update({"x-enum-varnames": ["A", "C"]}),
        "Mode.B removed: 1 is Mode.C now",
    ),
    "operation renamed": (rename_operation, "AssessmentApi_SetScore removed"),
    "argument renamed": (
        lambda d: operation(d, "GetTests")["parameters"][0].update(name="organization_id"),
        "AssessmentApi_GetTests(org_id) removed",
    ),
    "response may be null": (
        lambda d: operation(d, "SetScore")["responses"]["200"]["content"]["application/json"].update(
            schema={"type": ["boolean", "null"]}
        ),
        "AssessmentApi_SetScore changed: returns bool | None, was bool",
    ),
    "field of a response may be null": (
        lambda d: fields(d, "Test")["taken"].update(nullable=True),
        "Test.taken changed: is datetime | None, was datetime",
    ),
    "list must not be empty": (
        lambda d: operation(d, "GetMode")["parameters"][0]["schema"].update(minItems=1),
        "AssessmentApi_GetMode(ids) changed: at least 1 items",
    ),
    "member's value changed": (
        lambda d: d["components"]["schemas"]["Mode"].update({"enum": [0, 2]}),
        "Mode.B changed: is 2, was 1",
    ),
}


def add_operation(document: Document) -> None:
    """Add an operation."""
    path_item = copy.deepcopy(document["paths"]["/api/v1/AssessmentApi/GetMode"])
    path_item["get"]["operationId"] = "AssessmentApi_GetModeAgain"
    document["paths"]["/api/v1/AssessmentApi/GetModeAgain"] = path_item


HARMLESS: dict[str, tuple[Edit, str]] = {
    "nothing": (lambda _: None, ""),
    "operation added": (add_operation, "AssessmentApi_GetModeAgain added"),
    "optional argument added": (
        lambda d: operation(d, "GetTests")["parameters"].append(parameter("a", TEXT, required=False)),
        "AssessmentApi_GetTests(a) added",
    ),
    "optional field of the body added": (
        lambda d: fields(d, "Renaming").update(more=TEXT),
        "AssessmentApi_RenameTest(more) added",
    ),
    "argument became optional": (
        lambda d: operation(d, "GetTests")["parameters"][0].update(required=False),
        "AssessmentApi_GetTests(org_id) changed: optional",
    ),
    "argument widened": (
        lambda d: fields(d, "Renaming").update(page={"type": "number"}),
        "AssessmentApi_RenameTest(page) changed: takes float, took int",
    ),
    "optional field added": (lambda d: fields(d, "Test").update(more=TEXT), "Test.more added"),
    "required field of a response added": (
        lambda d: (
            fields(d, "Test").update(more=TEXT),
            d["components"]["schemas"]["Test"]["required"].append("more"),
        ),
        "Test.more added: required",
    ),
    "field of a response became required": (
        lambda d: d["components"]["schemas"]["Test"]["required"].append("wire"),
        "Test.wire changed: is str, was str | None",
    ),
    "schema added": (
        lambda d: d["components"]["schemas"].update(More={"type": "object", "properties": {"a": TEXT}}),
        "More added",
    ),
    "member added": (
        lambda d: d["components"]["schemas"]["Mode"].update(
            {"enum": [0, 1, 2], "x-enum-varnames": ["A", "B", "C"], "x-enum-labels": ["a", "b", "c"]}
        ),
        "Mode.C added",
    ),
    "labels changed": (
        lambda d: d["components"]["schemas"]["Mode"].update({"x-enum-labels": ["a", "z"]}),
        "Mode changed: its labels",
    ),
    "documentation changed": (
        lambda d: operation(d, "GetTests").update(description="Other words."),
        "Changes of documentation only: 1",
    ),
    "path changed": (
        lambda d: d["paths"].update({"/api/v2/GetMode": d["paths"].pop("/api/v1/AssessmentApi/GetMode")}),
        "path is /api/v2/GetMode",
    ),
    "integers became longer": (
        lambda d: fields(d, "Renaming").update(page={"type": "integer", "format": "int64"}),
        "AssessmentApi_RenameTest(page) changed: takes int (INTEGER), took int (INT32)",
    ),
    "field of a request only became optional": (
        lambda d: d["components"]["schemas"]["Answer"]["required"].remove("question"),
        "Answer.question changed: is UUID | None, was UUID",
    ),
    "verb changed": (
        lambda d: d["paths"]["/api/v1/AssessmentApi/GetMode"].update(
            post=d["paths"]["/api/v1/AssessmentApi/GetMode"].pop("get")
        ),
        "method is POST, was GET",
    ),
    "marked as reading": (
        lambda d: operation(d, "GetTests").update({"x-nexport-effect": "read"}),
        "counts as reading now",
    ),
    "deprecated": (
        lambda d: operation(d, "GetTests").update(deprecated=True),
        "changed: The vendor marks this operation as obsolete",
    ),
}


def changed(state: Callable[[Document], Path], old: Path, change: Edit) -> Difference:
    """Return the difference that a change causes."""
    document = base()
    change(document)
    return compare(old, state(document), "0.1.0")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", BREAKS)
def test_each_break_is_named(state: Callable[[Document], Path], old: Path, kind: str) -> None:
    """One breaking change is made, and reported as breaking."""
    change, line = BREAKS[kind]
    difference = changed(state, old, change)
    assert [item for item in difference.changes if item.breaks and str(item).startswith(line)], (
        difference.render()
    )
    assert difference.next_version == "0.2.0"
    assert "**Breaking.**" in difference.draft_changelog()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_changes_are_not_breaks(state: Callable[[Document], Path], old: Path, kind: str) -> None:
    """One harmless change is made, and reported as not breaking."""
    change, line = HARMLESS[kind]
    difference = changed(state, old, change)
    assert not [str(item) for item in difference.changes if item.breaks]
    assert line in difference.render()
    assert bool(difference.changes) == (kind != "nothing")


GRIFFE = [
    ("operation removed", "nexport_client.api.assessment_api.AssessmentApi.set_score"),
    ("argument removed", "nexport_client.api.assessment_api.AssessmentApi.get_tests(org_id)"),
    ("required argument added", "nexport_client.api.assessment_api.AssessmentApi.get_tests(a)"),
    ("field removed", "nexport_client.models.test.Test.wire_"),
    ("required field of a request added", "nexport_client.models.answer.Answer.__init__(grade)"),
    ("member removed", "nexport_client.models.mode.Mode.B"),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("kind", "place"), GRIFFE, ids=[kind for kind, _ in GRIFFE])
def test_griffe_finds_breaks_of_the_python_api(
    state: Callable[[Document], Path], old: Path, kind: str, place: str
) -> None:
    """Breaks in the spec are found in the generated package too, and reported once, in the vendor's words."""
    document = base()
    BREAKS[kind][0](document)
    new = state(document)
    assert place in {
        item.place
        for item in find_python_changes(old, new, Layout.CLIENT, find_sent_models(normalize(document)))
    }
    assert not [str(item) for item in compare(old, new, "0.1.0").changes if item.source == "python"]


def test_a_break_that_only_python_has_is_reported(state: Callable[[Document], Path], old: Path) -> None:
    """A change of the templates can break users, too."""
    new = state(base())
    file = new / "nexport_client/api/assessment_api/__init__.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace("def get_tests(", "def list_tests("), encoding="utf-8"
    )
    found = compare(old, new, "0.1.0").changes
    assert {item.place for item in found} == {
        f"nexport_client.api.assessment_api.{owner}.get_tests"
        for owner in ("AssessmentApi", "RawAssessmentApi")
    }


def respell(document: Document) -> None:
    """Spell the id of an operation differently."""
    operation(document, "SetScore")["operationId"] = "AssessmentApi_setScore"


def test_another_spelling_of_an_operation_is_not_a_removal(
    state: Callable[[Document], Path], old: Path
) -> None:
    """The method keeps its name, so nothing breaks."""
    (found,) = changed(state, old, respell).changes
    assert str(found) == (
        "AssessmentApi_SetScore changed: operationId is AssessmentApi_setScore; the method keeps its name"
    )
    assert not found.breaks


def test_many_changes_are_summarized_by_area(state: Callable[[Document], Path], old: Path) -> None:
    """The report says first what is where, and lists no more than a person reads."""
    changes = [Change("spec", f"SsoApi_Get{number}", "added", "", False) for number in range(90)]
    changes += [
        Change("spec", "SsoApi_Old", "removed", "", True),
        Change("spec", "Ticket", "added", "", False),
        Change("spec", "LearningApi_Get(a)", "added", "", False),
    ]
    lines = Difference(changes, "0.1.0").render().splitlines()
    assert lines[:4] == [
        "LearningApi: 1 changed",
        "SsoApi: 90 added, 1 removed; 1 breaks users",
        "Models: 1 added",
        "One change breaks users:",
    ]
    assert "  ... and 52 more; --json FILE lists all" in lines
    assert len(lines) < 60


@pytest.mark.parametrize(
    ("version", "changes", "following"),
    [
        ("0.1.0", [], "0.1.0"),
        ("0.1.0", ["added"], "0.1.1"),
        ("0.1.3", ["breaks", "added"], "0.2.0"),
        ("1.2.3", ["changed"], "1.2.4"),
        ("1.2.3", ["added"], "1.3.0"),
        ("1.2.3", ["breaks"], "2.0.0"),
    ],
)
def test_the_next_version(version: str, changes: list[str], following: str) -> None:
    """Semantic Versioning, with breaks in the second number before 1.0."""
    made_changes = [
        Change("spec", "a", "changed" if kind == "breaks" else kind, "", kind == "breaks") for kind in changes
    ]
    assert choose_next_version(version, made_changes) == following


def test_a_run_reports_as_text_and_json(repository: Path, tmp_path: Path, capsys: Capture) -> None:
    """A run writes a report with the next version and a draft for the changelog."""
    (tmp_path / "page.md").write_text(new_area.page(repository), encoding="utf-8")
    file = tmp_path / "report.json"
    assert main(["--pages", str(tmp_path / "page.md"), "--json", str(file)], repository) == 0
    output = capsys.readouterr().out
    assert "No change breaks users." in output
    assert "The version goes from 0.1.0 to 0.1.1." in output
    assert output.count("AssessmentApi_GetTests added") == 1
    report = json.loads(file.read_text(encoding="utf-8"))
    assert (report["next_version"], report["breaks"]) == ("0.1.1", False)
    assert {"source": "spec", "place": "Test", "kind": "added", "detail": "", "breaks": False} in report[
        "changes"
    ]


def test_values_of_a_string_enum_are_reported() -> None:
    """A new value is more than documentation; a value that is no longer accepted breaks programs that send it."""
    documents = []
    for values in (["a", "b"], ["b", "c"]):
        document = base()
        schema = {**TEXT, "enum": values}
        operation(document, "GetTests")["parameters"].append(parameter("word", schema, required=False))
        fields(document, "Test")["wire"] = schema
        documents.append(document)
    found = {str(item): item.breaks for item in find_spec_changes(*documents)}
    assert found == {
        "AssessmentApi_GetTests(word) changed: may also be c": False,
        "AssessmentApi_GetTests(word) changed: is no longer a": True,
        "Test.wire changed: may also be c": False,
        "Test.wire changed: is no longer a": False,
        "AssessmentApi_GetTests changed: its documentation": False,
    }


def test_servers_and_security_are_reported() -> None:
    """A changed address, and another way to take the token, concern everybody."""
    old, new = base(), base()
    new["servers"] = [{"url": "https://other.example"}]
    new["components"]["securitySchemes"] = {"jwt": {"type": "http", "scheme": "bearer"}}
    assert [str(item) for item in find_spec_changes(old, new)] == [
        "security scheme jwt added",
        "servers changed: are https://other.example, were https://www.nexportcampus.com",
    ]


def test_an_unwritable_report_stops_the_run_early(repository: Path, tmp_path: Path, capsys: Capture) -> None:
    """The run doesn't start if the folder of its report doesn't exist."""
    with pytest.raises(SystemExit):
        main(["--json", str(tmp_path / "gone/report.json")], repository)
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.full
def test_any_two_states_of_git_can_be_compared(repository: Path, capsys: Capture) -> None:
    """A revision is compared with the working tree, or with another revision."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]

    def run(*arguments: str) -> None:
        subprocess.run([*git, *arguments], cwd=repository, check=True, capture_output=True)

    run("init", "--quiet")
    run("add", ".")
    run("commit", "--quiet", "-m", "one")
    file = repository / "openapi/fragments/ScormApi_EditScormData.json"
    file.unlink()
    overlay = repository / "openapi/overlay.yaml"
    head, _, tail = overlay.read_text(encoding="utf-8").partition(
        "  - target: $.paths.*[?@.operationId == 'ScormApi_EditScormData']"
    )
    overlay.write_text(head + "  - target" + tail.split("  - target", 1)[1], encoding="utf-8")
    assert main([], repository) == 0
    capsys.readouterr()
    assert main(["--diff", "HEAD"], repository) == 0
    first = capsys.readouterr().out
    assert "ScormApi_EditScormData removed [spec]" in first
    run("commit", "--quiet", "-a", "-m", "two")
    assert main(["--diff", "HEAD~1..HEAD"], repository) == 0
    assert capsys.readouterr().out == first
    assert main(["--diff", "HEAD"], repository) == 0
    assert capsys.readouterr().out == "nothing changes for users\n"
    assert main(["--diff", "nowhere"], repository) == 1
    assert main(["--diff=--output=x"], repository) == 1


def test_an_incomplete_state_is_refused(tmp_path: Path) -> None:
    """Without the spec or the package there is nothing to compare."""
    with pytest.raises(PipelineError, match="one is incomplete"):
        compare(tmp_path, tmp_path, "0.1.0")
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    with pytest.raises(PipelineError, match="one is incomplete"):
        compare(tmp_path, tmp_path, "0.1.0")
