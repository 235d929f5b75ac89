"""The overlay: the effect of actions, and the errors that stop a run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.overlay import apply, load, remove_marks
from pipeline.overlay_actions import Action

DOCUMENT: dict[str, Any] = {"a": {"b": [1, 2, 3], "c": {"d": "e"}}, "x": [{"n": 1}, {"n": 2}, {"n": 1}]}


def run(target: str, update: object = None, *, remove: bool = False) -> dict[str, Any]:
    """Apply one action to DOCUMENT."""
    return apply([Action(1, target, update, remove)], DOCUMENT, "overlay.yaml")


def test_an_update_is_merged_into_objects() -> None:
    """New keys are added, plain values replaced, objects merged and lists concatenated."""
    assert run("$.a", {"c": {"f": 1, "d": "g"}, "b": [4]})["a"] == {
        "b": [1, 2, 3, 4],
        "c": {"d": "g", "f": 1},
    }


def test_an_update_of_a_list_is_appended() -> None:
    """A list that is the target itself gets one more element."""
    assert run("$.a.b", {"k": 1})["a"]["b"] == [1, 2, 3, {"k": 1}]


def test_removing_several_elements_of_a_list_removes_those() -> None:
    """Removing one element doesn't shift the next removal."""
    assert run("$.x[?@.n == 1]", remove=True)["x"] == [{"n": 2}]


def test_removing_nested_matches_works() -> None:
    """Matches inside other matches are removed with them."""
    assert run("$..*", remove=True) == {}


def test_updated_elements_share_nothing() -> None:
    """An update that is merged into several places is copied for each."""
    result = run("$.x[*]", {"o": {}})
    result["x"][0]["o"]["p"] = 1
    assert result["x"][1]["o"] == {}


def test_the_document_is_not_modified() -> None:
    """Actions change a copy."""
    before = repr(DOCUMENT)
    run("$.a", remove=True)
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize("target", ["$.nothing", "$.x[?@.n == 3]", "$.a.b[7]"])
def test_an_action_that_matches_nothing_is_refused(target: str) -> None:
    """The vendor has changed what the action corrects, so a person must decide; the message names the action."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml: action 1 \(\$.*matches nothing"):
        run(target, remove=True)


def test_all_actions_that_match_nothing_are_reported() -> None:
    """One run reports all of them, because a change of the vendor's style affects many."""
    targets = ["$.nothing", "$.a", "$.gone"]
    actions = [Action(number, target, {}) for number, target in enumerate(targets, start=1)]
    with pytest.raises(PipelineError) as caught:
        apply(actions, DOCUMENT, "overlay.yaml")
    heading, area, first, last = str(caught.value).splitlines()
    assert (heading, area) == ("2 problems; nothing was written", "Whole API (2):")
    assert first.startswith("  overlay.yaml: action 1 ($.nothing) matches nothing: ")
    assert last.startswith("  overlay.yaml: action 3 ($.gone) matches nothing: ")


def unmatched(target: str, update: object = None, reason: str = "why.") -> str:
    """Return the message about an action that matches nothing of a document with one operation and one schema."""
    document = {
        "paths": {
            "/a": {"get": {"operationId": "AApi_Get", "tags": ["AApi"], "parameters": [], "responses": {}}}
        },
        "components": {"schemas": {"Login": {"properties": {"password": {"type": "string"}, "name": {}}}}},
    }
    with pytest.raises(PipelineError) as caught:
        apply([Action(7, target, update, update is None, reason)], document, "overlay.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("target", "lost"),
    [
        ("$.paths.*[?@.operationId == 'AApi_Gone'].parameters", "the operation AApi_Gone is gone"),
        ("$.components.schemas.Gone.properties.x", "the schema Gone is gone"),
        ("$.components.schemas['Gone[A]'].properties.x", "the schema Gone[A] is gone"),
        (
            "$.components.schemas.Login.properties.id",
            "$['components']['schemas']['Login']['properties'] is there",
        ),
        (
            "$.paths.*[?@.operationId == 'AApi_Get'].parameters[0]",
            "['parameters'] is there, and nothing below",
        ),
    ],
)
def test_the_message_says_what_is_lost_and_why_the_action_was_there(target: str, lost: str) -> None:
    """The vendor's operation or schema that is gone is named, with the action's own reason."""
    message = unmatched(target, {"a": 1})
    assert lost in message
    assert "Its reason: why. Correct the target, or remove the action." in message


@pytest.mark.parametrize(
    ("target", "update"),
    [
        ("$..properties[?@.format == 'password']", {"x-nexport-secret": True}),
        ("$.paths..parameters[?@.name == 'access_token']", None),
    ],
)
def test_no_message_advises_to_expose_a_secret(target: str, update: object) -> None:
    """An action that hides a secret is not to be removed while something unmarked looks like one."""
    message = unmatched(target, update)
    assert "or remove the action" not in message
    place = "/components/schemas/Login/properties/password"
    assert f"don't remove it before these are marked as secret or not: {place}." in message


@pytest.mark.parametrize("target", ["", "a.b", "$.[", "$[?@.n = 1]"])
def test_an_invalid_jsonpath_is_refused(target: str) -> None:
    """A mistake in a target is not treated as no match."""
    with pytest.raises(PipelineError, match="the target is not a JSONPath"):
        run(target, remove=True)


@pytest.mark.parametrize(
    ("target", "update"), [("$.a.c.d", {"k": 1}), ("$.a", "text"), ("$.a", {"b": 1}), ("$.a", {"c": [1]})]
)
def test_an_update_of_the_wrong_type_is_refused(target: str, update: object) -> None:
    """An object can't be merged into a string, nor a list into an object."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml: action 1"):
        run(target, update)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("{description: why, remove: true}", "has no target"),
        ("{target: $.a, remove: true}", "has no reason"),
        ("{target: $.a, description: ' ', remove: true}", "has no reason"),
        ("{target: $.a, description: why}", "must have either"),
        ("{target: $.a, description: why, remove: false}", "must have either"),
        ("{target: $.a, description: why, remove: true, update: {}}", "must have either"),
        ("{target: $.a, description: why, removed: true}", "unknown key 'removed'"),
        ("{target: $.a, description: why, update: {x-nexport-efect: read}}", "is x-nexport-effect meant"),
        (
            "{target: $.a, description: why, update: {b: [{x-nexprt-secret: true}]}}",
            "is x-nexport-secret meant",
        ),
        ("{target: $.a, description: why, update: {x-nexport-SECRET: true}}", "is x-nexport-secret meant"),
    ],
)
def test_an_incomplete_action_is_refused(action: str, message: str) -> None:
    """Each action needs a target, a reason, and either an update or a removal."""
    with pytest.raises(PipelineError, match=message):
        load(f"overlay: 1.0.0\nactions:\n  - {action}\n", "overlay.yaml")


@pytest.mark.parametrize(
    "content", ["a: [", "overlay: 2.0.0\nactions: []", "overlay: 1.0.0", "[]", "a: 1\na: 2"]
)
def test_an_invalid_overlay_is_refused(content: str) -> None:
    """Other YAML, and input that is not YAML, is refused with the file's name."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml"):
        load(content, "overlay.yaml")


MARKS = """\
overlay: 1.0.0
actions:
  # A rule.
  - target: $.paths.*[?@.operationId != 'AApi_Gone'].parameters
    description: why
    remove: true

  # Marks.
  - target: $.paths.*[?@.operationId == 'AApi_Gone']
    description: why
    update: {x: 1}  # inline

  - target: $.paths.*[?@.operationId == 'AApi_GoneToo'].parameters
    description: >-
      in
      lines
    update:
      x: 1

  # The last.
  - target: $.paths.*[?@.operationId == 'AApi_Kept']
    description: why
    remove: true
"""


def test_removing_an_operations_marks_changes_nothing_else() -> None:
    """Only the actions that name the operation are removed; rules, comments and all other bytes stay."""
    content, removed = remove_marks(MARKS, ["AApi_Gone"], "overlay.yaml")
    assert removed == ["$.paths.*[?@.operationId == 'AApi_Gone']"]
    start, end = (
        MARKS.index("  - target: $.paths.*[?@.operationId == 'AApi_Gone']"),
        MARKS.index("# inline") + 9,
    )
    assert content == MARKS[:start] + MARKS[end:]


@given(gone=st.sets(st.sampled_from(["AApi_Gone", "AApi_GoneToo", "AApi_Kept", "AApi_Unknown"])))
def test_an_overlay_without_marks_is_valid(gone: set[str]) -> None:
    """Whatever marks are removed, the other actions are unchanged, and the count is right."""
    content, removed = remove_marks(MARKS, gone, "overlay.yaml")
    remaining = [action.target for action in load(content, "overlay.yaml")]
    assert sorted(remaining + removed) == sorted(action.target for action in load(MARKS, "overlay.yaml"))
    assert len(removed) == len(gone - {"AApi_Unknown"})
    assert "\n\n\n" not in content
    assert not content.endswith("\n\n")
