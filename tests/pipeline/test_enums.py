"""Declared enums are compared with every property that states them."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.enum_words import make_member_name, read_labels
from pipeline.enums import refer_to_enums
from pipeline.errors import PipelineError, Problems

Document = dict[str, Any]
Make = Callable[..., Document]

PHASE = {0: "Not Started", 1: "In Progress", 2: "Finished", 15: "To Be Graded"}
DECLARED: Document = {
    "type": "integer",
    "enum": list(PHASE),
    "x-enum-varnames": ["NOT_STARTED", "IN_PROGRESS", "FINISHED", "TO_BE_GRADED"],
    "x-enum-labels": list(PHASE.values()),
}
WITHOUT_LAST = {value: PHASE[value] for value in (0, 1, 2)}


def words(values: dict[int, str], text: str = "Where it stands.") -> str:
    """Return a description as the vendor writes it."""
    return text + ", ".join(f"{value} = {label}" for value, label in values.items())


def stated(values: dict[int, str], listed: list[int] | None = None) -> Document:
    """Return a property that states an enum."""
    return {
        "type": "integer",
        "enum": list(values) if listed is None else listed,
        "description": words(values),
    }


def run(make_document: Make, **uses: Document) -> tuple[Document, list[str]]:
    """Bring the declared enum up to date; return the schemas and the notes."""
    vendor = make_document(Owner={"properties": uses})
    corrected = copy.deepcopy(vendor)
    corrected["components"]["schemas"]["Phase"] = copy.deepcopy(DECLARED)
    problems = Problems()
    notes = refer_to_enums(corrected, vendor, problems)
    problems.stop()
    schemas: Document = corrected["components"]["schemas"]
    return schemas, notes


def members(schemas: Document) -> dict[str, int]:
    """Return the members of the declared enum after the run."""
    phase = schemas["Phase"]
    return dict(zip(phase["x-enum-varnames"], phase["enum"], strict=True))


def test_an_unchanged_enum_is_referred_to(make_document: Make) -> None:
    """Each use refers to the declaration and keeps its description."""
    schemas, notes = run(make_document, a=stated(PHASE), b=stated(PHASE))
    assert schemas["Phase"] == DECLARED
    assert schemas["Owner"]["properties"]["a"] == {
        "description": words(PHASE),
        "$ref": "#/components/schemas/Phase",
    }
    assert notes == []


@pytest.mark.parametrize("keyword", ["items", "additionalProperties", "allOf", "anyOf", "oneOf"])
def test_an_enum_is_referred_to_at_any_depth(make_document: Make, keyword: str) -> None:
    """An enum of list elements, of the values of a mapping, or of a part of a union refers to the declaration."""
    nested: Any = [stated(PHASE)] if keyword.endswith("Of") else stated(PHASE)
    schemas, notes = run(make_document, a={keyword: nested})
    found = schemas["Owner"]["properties"]["a"][keyword]
    (use,) = found if isinstance(found, list) else [found]
    assert (use["$ref"], "enum" in use, notes) == ("#/components/schemas/Phase", False, [])


@pytest.mark.parametrize("which", ["both", "description", "list"])
def test_a_new_value_is_a_new_member(make_document: Make, which: str) -> None:
    """It is named after the vendor's words; without words, after its value."""
    new = {**PHASE, 17: "Withdrawn"}
    changed = {
        "both": stated(new),
        "description": stated(new, listed=list(PHASE)),
        "list": stated(PHASE, listed=list(new)),
    }[which]
    schemas, notes = run(make_document, a=changed, b=stated(PHASE))
    name = "VALUE_17" if which == "list" else "WITHDRAWN"
    assert members(schemas) == {**members({"Phase": DECLARED}), name: 17}
    assert any("the vendor adds 17" in note and f"(Phase.{name})" in note for note in notes)
    assert "Phase: some properties state 17, and these don't: /components/schemas/Owner/properties/b" in notes


def test_a_removed_value_loses_its_member(make_document: Make) -> None:
    """If no property has it, it is gone; if one lacks it, this is reported."""
    schemas, notes = run(make_document, a=stated(WITHOUT_LAST), b=stated(WITHOUT_LAST))
    assert "TO_BE_GRADED" not in members(schemas)
    assert "the vendor removes 15 = To Be Graded (Phase.TO_BE_GRADED)" in notes[0]
    schemas, notes = run(make_document, a=stated(PHASE), b=stated(WITHOUT_LAST))
    assert "TO_BE_GRADED" in members(schemas)
    assert "Phase: some properties state 15, and these don't: /components/schemas/Owner/properties/b" in notes


@pytest.mark.parametrize(
    ("use", "note"),
    [
        (stated(WITHOUT_LAST, listed=list(PHASE)), "15 is in the `enum` list and not in the description of"),
        (stated(PHASE, listed=[0, 1, 2]), "15 is in the description and not in the `enum` list of"),
    ],
    ids=["description", "list"],
)
def test_a_value_removed_in_one_place_is_reported(make_document: Make, use: Document, note: str) -> None:
    """The description and the `enum` list should say the same."""
    schemas, notes = run(make_document, a=use)
    assert members(schemas) == members({"Phase": DECLARED})
    assert [found for found in notes if note in found]


def test_a_renumbered_value_keeps_its_name(make_document: Make) -> None:
    """The words decide which member a value is."""
    renumbered = {0: "Not Started", 1: "Finished", 2: "In Progress", 15: "To Be Graded"}
    schemas, notes = run(make_document, a=stated(renumbered))
    assert members(schemas) == {"NOT_STARTED": 0, "FINISHED": 1, "IN_PROGRESS": 2, "TO_BE_GRADED": 15}
    assert "Phase: the vendor renumbers Finished: 1, was 2 (Phase.FINISHED)" in notes[0]


def test_new_words_for_a_value_keep_its_name(make_document: Make) -> None:
    """Users' code has the member's name; the label is the vendor's."""
    schemas, notes = run(make_document, a=stated({**PHASE, 15: "Awaiting Grade"}))
    assert members(schemas)["TO_BE_GRADED"] == 15
    assert schemas["Phase"]["x-enum-labels"][-1] == "Awaiting Grade"
    assert "calls 15 'Awaiting Grade', was 'To Be Graded'" in notes[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({0: "Not Started", 1: "Finished", 2: "In Progress", 15: "To Be Graded"}, "'Finished' is 2 and 1"),
        ({**PHASE, 15: "Awaiting Grade"}, "15 is 'To Be Graded' and 'Awaiting Grade'"),
    ],
)
def test_properties_that_contradict_each_other_stop_the_run(
    make_document: Make, other: dict[int, str], message: str
) -> None:
    """A person decides which is right; the message has the action that makes one a separate enum."""
    with pytest.raises(PipelineError, match=message) as caught:
        run(make_document, a=stated(PHASE), b=stated(other))
    assert "target: $.components.schemas.Owner.properties.b\n" in str(caught.value)
    assert '"x-enum-varnames": ["NOT_STARTED", ' in str(caught.value)


def test_another_enum_is_not_changed(make_document: Make) -> None:
    """An enum that shares a word is another one, as is one that the overlay has named."""
    other = stated({0: "Not Started", 1: "Percent", 2: "Amount"})
    own = {**stated(PHASE), "x-enum-varnames": ["A", "B", "C", "D"]}
    schemas, _ = run(make_document, a=other, b=own, c=stated(PHASE))
    assert schemas["Owner"]["properties"]["a"] == other
    assert schemas["Owner"]["properties"]["b"] == own


def test_an_enum_that_nothing_states_is_removed(make_document: Make) -> None:
    """The vendor has removed what had it."""
    schemas, notes = run(make_document)
    assert "Phase" not in schemas
    assert notes == [
        "the vendor no longer states the enum Phase; remove its declaration from openapi/overlay.yaml"
    ]


@pytest.mark.parametrize(
    ("description", "values", "expected"),
    [
        ("How.\r\nOne=1;\r\nTwo=2;1 = One, 2 = Two", [1, 2], {1: "One", 2: "Two"}),
        (
            "Since 20240 = Yes/No Field, -1 = Unknown, please.",
            [0, -1],
            {0: "Yes/No Field", -1: "Unknown, please"},
        ),
        ("3 = x in\n0 = A, 1 = B. Default: A", [0, 1], {0: "A", 1: "B"}),
        ("One of 1, 2, 3", [1, 2, 3], {}),
        ("", [1], {}),
    ],
)
def test_words_are_read_from_the_end_of_a_description(
    description: str, values: list[int], expected: dict[int, str]
) -> None:
    """The vendor puts nothing between the text and the list."""
    assert read_labels(description, values) == expected


def test_members_are_named_after_words() -> None:
    """Words that make no name give none."""
    expected = {
        "To Be Graded": "TO_BE_GRADED",
        "PerHourPrice": "PER_HOUR_PRICE",
        "YES/NO": "YES_NO",
        "1st": None,
    }
    assert {label: make_member_name(label) for label in expected} == expected
