"""The overlay: what an action does, and what stops the run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.overlay import Action, apply, load, without_marks

DOCUMENT: dict[str, Any] = {"a": {"b": [1, 2, 3], "c": {"d": "e"}}, "x": [{"n": 1}, {"n": 2}, {"n": 1}]}


def run(target: str, update: object = None, *, remove: bool = False) -> dict[str, Any]:
    """Apply one action to DOCUMENT."""
    return apply([Action(1, target, update, remove)], DOCUMENT, "overlay.yaml")


def test_an_update_is_merged_into_objects() -> None:
    """New keys are added, plain values replaced, objects merged and lists joined."""
    assert run("$.a", {"c": {"f": 1, "d": "g"}, "b": [4]})["a"] == {
        "b": [1, 2, 3, 4],
        "c": {"d": "g", "f": 1},
    }


def test_an_update_of_a_list_is_appended() -> None:
    """A list that is selected itself gets one more element."""
    assert run("$.a.b", {"k": 1})["a"]["b"] == [1, 2, 3, {"k": 1}]


def test_removing_several_elements_of_a_list_removes_those() -> None:
    """Removing one element does not make the next removal miss."""
    assert run("$.x[?@.n == 1]", remove=True)["x"] == [{"n": 2}]


def test_removing_nested_matches_works() -> None:
    """What is selected inside of what is selected goes with it."""
    assert run("$..*", remove=True) == {}


def test_updated_elements_share_nothing() -> None:
    """An update that is merged into several places is a copy in each."""
    result = run("$.x[*]", {"o": {}})
    result["x"][0]["o"]["p"] = 1
    assert result["x"][1]["o"] == {}


def test_the_document_itself_stays() -> None:
    """Applying changes a copy."""
    before = repr(DOCUMENT)
    run("$.a", remove=True)
    assert repr(DOCUMENT) == before


@pytest.mark.parametrize("target", ["$.nothing", "$.x[?@.n == 3]", "$.a.b[7]"])
def test_an_action_that_matches_nothing_stops(target: str) -> None:
    """The vendor has changed what it mended: a person decides; the message names the action."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml: action 1 \(\$.*matches nothing"):
        run(target, remove=True)


def test_all_that_match_nothing_are_told_at_once() -> None:
    """When the vendor changes its style, a person sees the whole of it, and not one action a run."""
    targets = ["$.nothing", "$.a", "$.gone"]
    actions = [Action(number, target, {}) for number, target in enumerate(targets, start=1)]
    with pytest.raises(PipelineError) as caught:
        apply(actions, DOCUMENT, "overlay.yaml")
    first, last = str(caught.value).splitlines()
    assert first == "overlay.yaml: action 1 ($.nothing) matches nothing"
    assert last.startswith("overlay.yaml: action 3 ($.gone) matches nothing; has the vendor changed")


@pytest.mark.parametrize("target", ["", "a.b", "$.[", "$[?@.n = 1]"])
def test_a_target_that_is_no_jsonpath_stops(target: str) -> None:
    """A mistake in a target is not taken for no match."""
    with pytest.raises(PipelineError, match="the target is no JSONPath"):
        run(target, remove=True)


@pytest.mark.parametrize(
    ("target", "update"), [("$.a.c.d", {"k": 1}), ("$.a", "text"), ("$.a", {"b": 1}), ("$.a", {"c": [1]})]
)
def test_an_update_that_does_not_fit_stops(target: str, update: object) -> None:
    """An object is not merged into a text, nor a list put over an object."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml: action 1"):
        run(target, update)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("{description: why, remove: true}", "has no target"),
        ("{target: $.a, remove: true}", "gives no reason"),
        ("{target: $.a, description: ' ', remove: true}", "gives no reason"),
        ("{target: $.a, description: why}", "must say either"),
        ("{target: $.a, description: why, remove: false}", "must say either"),
        ("{target: $.a, description: why, remove: true, update: {}}", "must say either"),
        ("{target: $.a, description: why, removed: true}", "unknown key 'removed'"),
    ],
)
def test_an_incomplete_action_is_refused(action: str, message: str) -> None:
    """Each action has a target, a reason, and one thing to do."""
    with pytest.raises(PipelineError, match=message):
        load(f"overlay: 1.0.0\nactions:\n  - {action}\n", "overlay.yaml")


@pytest.mark.parametrize(
    "text", ["a: [", "overlay: 2.0.0\nactions: []", "overlay: 1.0.0", "[]", "a: 1\na: 2"]
)
def test_what_is_no_overlay_is_refused(text: str) -> None:
    """Other YAML, and what is no YAML, is named with the file."""
    with pytest.raises(PipelineError, match=r"overlay\.yaml"):
        load(text, "overlay.yaml")


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


def test_marks_go_with_their_operation_and_nothing_else_does() -> None:
    """Only the actions that name the operation go; rules, comments and every other byte stay."""
    text, removed = without_marks(MARKS, ["AApi_Gone"], "overlay.yaml")
    assert removed == ["$.paths.*[?@.operationId == 'AApi_Gone']"]
    start, end = (
        MARKS.index("  - target: $.paths.*[?@.operationId == 'AApi_Gone']"),
        MARKS.index("# inline") + 9,
    )
    assert text == MARKS[:start] + MARKS[end:]


@given(gone=st.sets(st.sampled_from(["AApi_Gone", "AApi_GoneToo", "AApi_Kept", "AApi_Unknown"])))
def test_the_overlay_is_still_one_without_its_marks(gone: set[str]) -> None:
    """Whatever marks go, what is left reads as before, and the count is right."""
    text, removed = without_marks(MARKS, gone, "overlay.yaml")
    left = [action.target for action in load(text, "overlay.yaml")]
    assert sorted(left + removed) == sorted(action.target for action in load(MARKS, "overlay.yaml"))
    assert len(removed) == len(gone - {"AApi_Unknown"})
