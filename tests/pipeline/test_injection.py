"""Code injection: strings planted in the spec never become code; they come out inert or are refused."""

import ast
import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import generate as generating
from pipeline import name_checks
from pipeline.errors import PipelineError
from pipeline.generate import generate
from pipeline.layout import Layout
from pipeline.merge import merge
from pipeline.spec import validate
from tests.support import new_area
from tests.support.examples import STRIDE

ROOT = Path(__file__).parents[2]

Place = tuple[str | int, ...]

PAYLOADS = [
    '"PLANTED()',
    "'PLANTED()",
    '"""\nPLANTED()\n"""',
    "'''\nPLANTED()\n'''",
    "x\nPLANTED()\n",
    "x\r\nPLANTED()",
    "x\u2028PLANTED()\x0cPLANTED()",
    'x\\"""\nPLANTED()',
    "PLANTED\\",
    'PLANTED"',
    "\\N{PLANTED} \\x \\u12",
    "{{ PLANTED }}{{ 6 * 7 }}",
    "{% for x in PLANTED %}{% endfor %}{# x",
    "../../PLANTED",
    "/PLANTED",
    "..\\PLANTED",
    "__PLANTED__",
    "__import__('PLANTED')",
    "x: PLANTED = 1",
    "PLANTED\x00",
    "",
]


def document() -> dict[str, Any]:
    """Return a document with a string in every position that the pipeline knows."""
    wanted = {"AssessmentApi_RenameTest", "AssessmentApi_GetTests", "AssessmentApi_GetMode"}
    found = [item for item in new_area.documents(ROOT) if _id(item) in wanted]
    whole = merge({f"{_id(item)}.json": copy.deepcopy(item) for item in found})
    test = whole["components"]["schemas"]["Test"]
    test |= {"description": "A test.", "example": {"a": "b"}}
    test["properties"]["mode"] |= {"x-enum-varnames": ["A", "B", "C"], "x-enum-labels": ["a", "b", "c"]}
    test["properties"]["wire"] |= {
        "description": "A wire.",
        "default": "d",
        "pattern": "p",
        "enum": ["a", "b"],
    }
    renaming = whole["paths"][f"/api/v1/{new_area.AREA}/RenameTest/{{id}}"]["put"]
    renaming |= {"description": "Renames.\n\n- a\n- b", "deprecated": True}
    for path in whole["paths"].values():
        for operation in path.values():
            operation["parameters"] = [
                one for one in operation["parameters"] if one["name"] != "access_token"
            ]
            for holder in (*operation["responses"].values(), operation.get("requestBody", {})):
                holder.get("content", {}).pop("text/json", None)
    return whole


def _id(item: dict[str, Any]) -> str:
    (path,) = item["paths"].values()
    (operation,) = path.values()
    return str(operation["operationId"])


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, bool]]:
    """Yield the place of every string, and whether it is a key."""
    if isinstance(value, str):
        yield place, False
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        if isinstance(key, str):
            yield (*place, key), True
        yield from places(child, (*place, key))


WHOLE = document()
PLACES = list(places(WHOLE))


def planted(place: Place, is_key: bool, payload: str) -> dict[str, Any]:
    """Return the document with one string replaced."""
    injected = copy.deepcopy(WHOLE)
    holder: Any = injected
    for part in place[:-1]:
        holder = holder[part]
    if is_key:
        holder[payload] = holder.pop(place[-1])
    else:
        holder[place[-1]] = payload
    return injected


@pytest.fixture(scope="module")
def _unformatted() -> Iterator[None]:
    """Skip the formatter, which is slow and only refuses invalid Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generating, "_format", lambda *_: None)
        yield


def assert_inert_or_refused(place: Place, is_key: bool, payload: str) -> None:
    """Generate from the document with the payload, and assert that the generated code is unaffected."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "inner" / "nexport_client"
        output.parent.mkdir()
        try:
            injected = planted(place, is_key, payload)
            validate(injected, "planted")
            name_checks.check(injected, "planted")
            generate(injected, Layout(ROOT), output)
        except PipelineError:
            return  # refused
        assert [item.name for item in Path(folder).iterdir()] == ["inner"]
        assert [item.name for item in output.parent.iterdir()] == ["nexport_client"]
        for file in output.rglob("*"):
            assert "PLANTED" not in file.name
            if file.suffix == ".py":
                assert_inert(file.read_text(encoding="utf-8"))


def assert_inert(code: str) -> None:
    """Assert that the payload is only in strings, and was not rendered as a template."""
    assert "42" not in code.replace("422", ""), "a template was rendered"
    try:
        parsed = ast.parse(code)
    except SyntaxError:
        return  # the formatter would refuse it
    for node in ast.walk(parsed):
        named = [getattr(node, key, "") or "" for key in ("id", "attr", "name", "arg", "module")]
        assert not any("PLANTED" in str(name) for name in named), ast.dump(node)


@pytest.mark.usefixtures("_unformatted")
@settings(max_examples=max(1, settings().max_examples // STRIDE))
@given(st.sampled_from(PLACES), st.sampled_from(PAYLOADS))
def test_any_payload_is_inert_or_refused(where: tuple[Place, bool], payload: str) -> None:
    """Any payload in any string of the spec, including keys."""
    assert_inert_or_refused(*where, payload)


@pytest.mark.full
@pytest.mark.usefixtures("_unformatted")
@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_every_payload_everywhere(number: int) -> None:
    """Each payload in a quarter of the strings of the spec, one at a time; four payloads reach all strings."""
    for place, is_key in PLACES[number % 4 :: 4]:
        assert_inert_or_refused(place, is_key, PAYLOADS[number])


def prose_places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the places of the vendor's prose."""
    if place and place[-1] in {"description", "summary", "title"} and isinstance(value, str):
        yield place
    if isinstance(value, dict):
        for key, child in value.items():
            yield from prose_places(child, (*place, key))


@pytest.mark.sampled(7)
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_prose_is_inert_and_never_refused(payload: str) -> None:
    """The vendor may write anything in descriptions: it stays text."""
    injected = copy.deepcopy(WHOLE)
    for place in prose_places(injected):
        holder: Any = injected
        for part in place[:-1]:
            holder = holder[part]
        if place[-1] != "title":
            holder[place[-1]] = payload
    with tempfile.TemporaryDirectory() as folder:
        generate(injected, Layout(ROOT), Path(folder) / "nexport_client")
        for file in Path(folder).rglob("*.py"):
            assert_inert(file.read_text(encoding="utf-8"))
