"""Any response becomes a model that equals the JSON, or an error of the SDK."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportError, PaginationError, ResponseDecodeError
from tests.fuzz.fake_campus import CallOutcome, FakeCampus, note_if_testing
from tests.fuzz.response_strategies import (
    NotPlainJSON,
    any_json,
    bytes_with_one_defect,
    dump,
    load,
    valid,
    with_one_defect,
)
from tests.fuzz.result_checker import check, kind_of, resolved
from tests.support.examples import FEW
from tests.support.spec import OPERATIONS, SpecOperation, example_response

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
PAGED = pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.pages], ids=str)


def check_outcome(operation: SpecOperation, body: bytes, outcome: CallOutcome) -> None:
    """Assert that a result equals the body and survives a round trip, and that an error is one short line."""
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


def check_all_paths(fake: FakeCampus, operation: SpecOperation, *bodies: bytes) -> None:
    """Assert that these responses have the same outcome with one client, with fresh ones and without the fast path."""
    note_if_testing(f"responses: {bodies!r}")
    outcomes = fake.outcomes(operation, bodies)
    for body, outcome in zip(bodies, outcomes, strict=True):
        check_outcome(operation, body, outcome)
        assert fake.outcomes(operation, [body]) == [outcome], "what was learned changes the result"
    assert fake.outcomes(operation, bodies, tolerant=True) == outcomes, "the two paths disagree"


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_a_valid_response_becomes_a_model(
    fake: FakeCampus, operation: SpecOperation, data: st.DataObject
) -> None:
    """Every response that follows the spec becomes an equal model."""
    body = dump(data.draw(valid(operation)))
    (outcome,) = fake.outcomes(operation, [body])
    assert outcome.error is None
    check_all_paths(fake, operation, body)


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_one_defect(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """A valid response with one defect, before and after a valid one and another defective one."""
    valid_body = data.draw(valid(operation))
    first_defect, second_defect = (dump(with_one_defect(data.draw, valid_body)) for _ in range(2))
    check_all_paths(fake, operation, first_defect, second_defect, dump(valid_body), first_defect)


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_any_json(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """JSON unrelated to the operation."""
    check_all_paths(
        fake, operation, dump(data.draw(any_json() | st.lists(any_json(), min_size=1, max_size=2)))
    )


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_bytes_with_one_defect(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """A valid response with bytes cut, changed, inserted or duplicated, or in another encoding."""
    check_all_paths(fake, operation, bytes_with_one_defect(data.draw, dump(data.draw(valid(operation)))))


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(body=st.binary(max_size=200))
def test_any_bytes(fake: FakeCampus, operation: SpecOperation, body: bytes) -> None:
    """Arbitrary bytes."""
    check_all_paths(fake, operation, body)


@PAGED
@FEW
@given(data=st.data())
def test_iteration_over_repeated_pages_ends(
    fake: FakeCampus, operation: SpecOperation, data: st.DataObject
) -> None:
    """A list whose every page is the same odd response ends, with records or with an error."""
    body = dump(with_one_defect(data.draw, data.draw(valid(operation))))
    (listed,) = fake.outcomes(operation, [body], listed=True)
    (whole,) = fake.outcomes(operation, [body])
    note_if_testing(f"response: {body!r}")
    if whole.error is None and listed.error is None:
        # Records without an id may be repeated legitimately, if a total says so.
        once = records(operation, whole.result)
        assert listed.result == once * (len(listed.result) // max(1, len(once)))
    elif whole.error is not None:
        assert type(listed.error) is type(whole.error)
        assert isinstance(listed.error, NexportError)
        assert listed.error.page == 1
    else:
        assert isinstance(listed.error, PaginationError)


def records(operation: SpecOperation, result: Any) -> list[Any]:
    """Return the records in a raw response of a list operation."""
    if isinstance(result, list):
        return result
    fields = resolved(operation.response_schema)["properties"]
    (name,) = [name for name, schema in fields.items() if kind_of(resolved(schema)) == "array"]
    return getattr(result, name) or []


@EVERY
def test_a_missing_required_id_is_refused(fake: FakeCampus, operation: SpecOperation) -> None:
    """Without a required id, or with null for it, the response is refused and the error names the place."""
    response = example_response(operation.id)
    first = response[0] if isinstance(response, list) else response
    ids = [key for key in first if key in required_ids(operation)]
    for key in ids:
        for missing in ({**first, key: None}, {name: value for name, value in first.items() if name != key}):
            body = dump([missing] if isinstance(response, list) else missing)
            (outcome,) = fake.outcomes(operation, [body])
            assert isinstance(outcome.error, ResponseDecodeError)
            assert outcome.error.path == (f"[0].{key}" if isinstance(response, list) else key)


def required_ids(operation: SpecOperation) -> set[str]:
    """Return the keys of required ids in a response, or in its elements."""
    schema = resolved(operation.response_schema)
    schema = resolved(schema["items"]) if "items" in schema else schema
    return {key for key in schema.get("required", ()) if schema["properties"][key].get("format") == "uuid"}
