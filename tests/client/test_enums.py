"""Enums: the vendor's numbers and labels, and numbers that the spec doesn't declare."""

import copy
import json
import pickle
from enum import IntEnum
from typing import Any

import pytest

import nexport_campus.models as models
from nexport_campus.models import ErrorCode, FieldType, GradingStrategy, Phase, Result, SyllabusType
from tests.support.spec import SCHEMAS

ENUMS = sorted(name for name, schema in SCHEMAS.items() if "enum" in schema)


def test_all_ten_enums_are_declared() -> None:
    """Each inline enum that the vendor repeats is declared once."""
    assert set(ENUMS) >= {
        *("CatalogAccessOption", "DueDateStrategy", "ErrorCode", "FieldType", "GradingStrategy", "Phase"),
        *("PricingModel", "PublishingModel", "Result", "SyllabusType"),
    }
    assert not [name for name in ENUMS if name[-1].isdigit()]


@pytest.mark.parametrize("name", ENUMS)
def test_members_and_labels(name: str) -> None:
    """Each number of the spec has its name and the vendor's label."""
    cls, schema = getattr(models, name), SCHEMAS[name]
    assert issubclass(cls, IntEnum)
    assert cls.__module__ == "nexport_campus.models"
    assert [(member.value, member.name, member.label) for member in cls] == list(
        zip(schema["enum"], schema["x-enum-varnames"], schema["x-enum-labels"], strict=True)
    )


def test_some_labels() -> None:
    """Labels are the vendor's words."""
    assert (Phase.TO_BE_GRADED, Phase.TO_BE_GRADED.label) == (15, "To Be Graded")
    assert (FieldType.BOOLEAN.label, GradingStrategy.INTERNAL) == ("YES/NO Field", 2)
    assert (SyllabusType.UNKNOWN, ErrorCode.SUBSCRIPTION_NOT_FOUND) == (-1, 6)


@pytest.mark.parametrize("number", [99, -5, 2**40])
@pytest.mark.parametrize("name", ENUMS)
def test_unknown_numbers(name: str, number: int) -> None:
    """An undeclared number keeps its value, compares, hashes, copies and pickles, and is labeled as unknown."""
    cls = getattr(models, name)
    member = cls(number)
    assert (member.value, member, isinstance(member, cls), member.is_declared) == (
        number,
        number,
        True,
        False,
    )
    assert member == cls(number)
    assert hash(member) == hash(cls(number))
    assert str(number) in member.label
    assert str(number) in repr(member)
    assert json.dumps(member) == str(number)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(member, protocol))
        assert (type(again), again) == (cls, number)
    assert copy.copy(member) == copy.deepcopy(member) == member
    assert number not in list(cls)


@pytest.mark.parametrize("value", ["1", 1.5, None, [1]])
def test_only_integers_are_members(value: Any) -> None:
    """A value that isn't an integer is neither a known nor an unknown member."""
    with pytest.raises(ValueError, match="not a valid Phase"):
        Phase(value)


def test_a_member_prints_as_its_number() -> None:
    """A member prints as its number, as any IntEnum does."""
    assert f"{Result.PASSED} {Phase(99)}" == "1 99"
