"""Responses designed to break a reader: too deep, too large, duplicate keys, half a surrogate pair."""

from typing import Any

import pytest

from nexport_campus import NexportError, ResponseDecodeError
from tests.fuzz.fake_campus import FakeCampus
from tests.fuzz.response_strategies import dump
from tests.fuzz.test_responses import EVERY, check_all_paths
from tests.support.spec import OPERATIONS, SpecOperation, example_response

_DEPTHS = (10, 100, 200, 300, 400, 600, 800, 900, 950, 980, 990, 1000, 1100, 2000, 100_000)
_VALUES: dict[str, bytes] = {
    "a number beyond every float": b"1e400",
    "a number that rounds to zero": b"1e-400",
    "an integer beyond 64 bits": b"1" + b"0" * 30,
    "an integer of 400 digits": b"9" * 400,
    "an integer that Python won't print": b"9" * 5000,
    "an integer of 100,000 digits": b"9" * 100_000,
    "a fraction of 100,000 digits": b"0." + b"3" * 100_000,
    "minus zero": b"-0",
    "a whole number as a fraction": b"3.0",
    "a whole number with an exponent": b"3e0",
    "half a surrogate pair": b'"\\ud800"',
    "half a surrogate pair, and more": b'"\\ud800abcdef"',
    "the other half": b'"\\udc00x"',
    "halves in the wrong order": b'"\\udc00\\ud800x"',
    "half a surrogate pair in UTF-8": b'"\xed\xa0\x80"',
    "not UTF-8": b'"\xff\xfe"',
    "an overlong encoding": b'"\xc0\x80"',
    "a null character": b'"a\\u0000b"',
    "a raw control character": b'"\x01"',
    "not a number": b"NaN",
    "minus infinity": b"-Infinity",
    "a comment": b"/* */ null",
    "nothing": b"",
}


def with_each_field(operation: SpecOperation, value: bytes) -> list[bytes]:
    """Return the operation's response once for each field, with the field replaced, and once with a field added."""
    whole = example_response(operation.id)
    first = whole[0] if isinstance(whole, list) else whole
    bodies = []
    for key in [*first, "unknown"]:
        marked = {**first, key: "\x1a"}
        body = dump([marked] if isinstance(whole, list) else marked)
        bodies.append(body.replace(b'"\\u001a"', value))
    return bodies


@pytest.mark.sampled(40)
@pytest.mark.parametrize("value", _VALUES.values(), ids=_VALUES)
@EVERY
def test_an_odd_value_in_any_field(fake: FakeCampus, operation: SpecOperation, value: bytes) -> None:
    """Values that trip up readers, in place of each field."""
    for body in with_each_field(operation, value):
        check_all_paths(fake, operation, body)


@pytest.mark.sampled(40)
@pytest.mark.parametrize("depth", _DEPTHS)
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
@pytest.mark.parametrize("name", ["GetSection", "GetCatalogs", "GetTestAttempts", "DropEnrollment"])
def test_deep_nesting(fake: FakeCampus, name: str, opening: bytes, closing: bytes, depth: int) -> None:
    """No depth of nesting, as a whole or in an unknown field, closed or not, causes a RecursionError."""
    operation = next(each for each in OPERATIONS if each.id == f"LearningApi_{name}")
    deep = opening * depth + b"1" + closing * depth
    for body in (deep, opening * depth, *with_each_field(operation, deep)[-2:]):
        for listed in {False, bool(operation.pages)}:
            for tolerant in (False, True):
                (outcome,) = fake.outcomes(operation, [body], listed=listed, tolerant=tolerant)
                assert isinstance(outcome.error, NexportError) or outcome.result is not None


@pytest.mark.sampled(6)
@EVERY
def test_a_duplicate_key(fake: FakeCampus, operation: SpecOperation) -> None:
    """The last of duplicate keys counts, on both paths, for known and unknown keys."""
    whole = example_response(operation.id)
    body = dump(whole)
    brace = body.index(b"{") + 1
    first = whole[0] if isinstance(whole, list) else whole
    for key in [*first, "unknown"]:
        for earlier in (b"null", b'"x"', b"1", dump(first.get(key)), b'{"error_code": 3}'):
            doubled = body[:brace] + dump(key) + b":" + earlier + b"," + body[brace:]
            if key == "unknown":
                doubled = doubled[:brace] + b'"unknown":0,' + doubled[brace:]
            check_all_paths(fake, operation, doubled)


@EVERY
def test_a_byte_order_mark_is_accepted(fake: FakeCampus, operation: SpecOperation) -> None:
    """UTF-8 may have a byte order mark; UTF-16 and UTF-32 are errors with and without one."""
    body = dump(example_response(operation.id))
    (plain, marked) = fake.outcomes(operation, [body, b"\xef\xbb\xbf" + body])
    assert plain.error is None
    assert plain == marked
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"):
        (outcome,) = fake.outcomes(operation, [body.decode().encode(encoding)])
        assert isinstance(outcome.error, ResponseDecodeError) or encoding == "utf-7"


@EVERY
def test_an_error_is_raised_whatever_was_learned(fake: FakeCampus, operation: SpecOperation) -> None:
    """An error code in any requested object raises, whatever came before it and whether or not the spec declares it."""
    good = example_response(operation.id)

    def reporting(code: int) -> Any:
        entity = {"api_error_entity": {"error_code": code, "error_message": "", "warning_messages": []}}
        return [{**good[0], **entity}] if isinstance(good, list) else {**good, **entity}

    bodies = [dump(reporting(0)), dump(reporting(0)), dump(reporting(3)), dump(reporting(99))]
    for tolerant in (False, True):
        first, second, missing, unknown = fake.outcomes(operation, bodies, tolerant=tolerant)
        assert first.error is None
        assert first == second
        assert missing.error is not None
        assert getattr(missing.error, "error_code", None) == 3
        assert getattr(unknown.error, "error_code", None) == 99
