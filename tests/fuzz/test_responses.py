"""Whatever a campus answers: a model that says what the answer said, or an error of the SDK's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportError, ResponseDecodeError
from tests.fuzz.fake_campus import FakeCampus, Outcome, note_if_testing
from tests.fuzz.response_strategies import NotPlainJSON, any_json, bent_bytes, bent_value, dump, load, valid
from tests.fuzz.result_checker import check, resolved
from tests.support.spec import OPERATIONS, SpecOperation, example_response

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
PAGED = pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.pages], ids=str)


def judge(operation: SpecOperation, body: bytes, outcome: Outcome) -> None:
    """A result says what the body says, and its JSON form reads back equal; an error is one short line."""
    if outcome.error is not None:
        assert "\n" not in str(outcome.error)
        assert len(str(outcome.error)) < 1000
        return
    try:
        value = load(body)
    except NotPlainJSON as error:
        pytest.fail(f"accepted what isn't JSON ({error}): {outcome.result!r}")
    check(operation.response_schema, value, outcome.result)
    for model in outcome.result if isinstance(outcome.result, list) else [outcome.result]:
        if model is not None:
            assert type(model).from_dict(load(dump(model.to_dict()))) == model


def throw(fake: FakeCampus, operation: SpecOperation, *bodies: bytes) -> None:
    """These answers at one client, at fresh ones and at one without the fast path: all make the same of them."""
    note_if_testing(f"answers: {bodies!r}")
    outcomes = fake.outcomes(operation, bodies)
    for body, outcome in zip(bodies, outcomes, strict=True):
        judge(operation, body, outcome)
        assert fake.outcomes(operation, [body]) == [outcome], "what was learned changes the result"
    assert fake.outcomes(operation, bodies, tolerant=True) == outcomes, "the two paths disagree"


@EVERY
@given(data=st.data())
def test_a_valid_answer_is_a_model(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """Every answer that is as the spec says becomes a model that says the same."""
    body = dump(data.draw(valid(operation)))
    (outcome,) = fake.outcomes(operation, [body])
    assert outcome.error is None
    throw(fake, operation, body)


@EVERY
@given(data=st.data())
def test_one_thing_wrong(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """A valid answer with one thing wrong, before and after a right one and another wrong one."""
    right = data.draw(valid(operation))
    wrong, other = (dump(bent_value(data.draw, right)) for _ in range(2))
    throw(fake, operation, wrong, other, dump(right), wrong)


@EVERY
@given(data=st.data())
def test_any_json(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """JSON that has nothing to do with the operation."""
    throw(fake, operation, dump(data.draw(any_json() | st.lists(any_json(), min_size=1, max_size=2))))


@EVERY
@given(data=st.data())
def test_bytes_that_went_wrong(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """A valid answer with bytes cut, changed, inserted or doubled, or in another encoding."""
    throw(fake, operation, bent_bytes(data.draw, dump(data.draw(valid(operation)))))


@EVERY
@given(body=st.binary(max_size=200))
def test_any_bytes(fake: FakeCampus, operation: SpecOperation, body: bytes) -> None:
    """Bytes that have nothing to do with anything."""
    throw(fake, operation, body)


@PAGED
@given(data=st.data())
def test_pages(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """A list whose every page is the same odd answer comes to an end: with records, or with an error."""
    body = dump(bent_value(data.draw, data.draw(valid(operation))))
    (listed,) = fake.outcomes(operation, [body], listed=True)
    (whole,) = fake.outcomes(operation, [body])
    note_if_testing(f"answer: {body!r}")
    if whole.error is None and listed.error is None:
        # Records without an id that come again may be others like them, if a total says so.
        once = records(operation, whole.result)
        assert listed.result == once * (len(listed.result) // max(1, len(once)))
    elif whole.error is not None:
        assert type(listed.error) is type(whole.error)
        assert isinstance(listed.error, NexportError)
        assert listed.error.page == 1


def records(operation: SpecOperation, result: Any) -> list[Any]:
    """The records in a whole answer of a list operation."""
    if isinstance(result, list):
        return result
    found = [getattr(result, name, None) for name in ("enrollments", "sessions", "catalogs")]
    return next((each for each in found if each is not None), [])


@EVERY
def test_a_required_id_is_never_missing(fake: FakeCampus, operation: SpecOperation) -> None:
    """Without a required id, or with null for it, no answer is accepted, and the error names the place."""
    answer = example_response(operation.id)
    first = answer[0] if isinstance(answer, list) else answer
    ids = [key for key in first if key in required_ids(operation)]
    for key in ids:
        for missing in ({**first, key: None}, {name: value for name, value in first.items() if name != key}):
            body = dump([missing] if isinstance(answer, list) else missing)
            (outcome,) = fake.outcomes(operation, [body])
            assert isinstance(outcome.error, ResponseDecodeError)
            assert outcome.error.path == (f"[0].{key}" if isinstance(answer, list) else key)


def required_ids(operation: SpecOperation) -> set[str]:
    """The keys of ids that the spec requires of an answer, or of its elements."""
    schema = resolved(operation.response_schema)
    schema = resolved(schema["items"]) if "items" in schema else schema
    return {key for key in schema.get("required", ()) if schema["properties"][key].get("format") == "uuid"}
