"""Any argument value either raises an ArgumentError that names the argument, or is sent exactly as given."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ArgumentError, PasswordAuth
from nexport_client.types import Secret
from tests.fuzz.argument_strategies import (
    REFUSED,
    Declared,
    Quoted,
    Wider,
    declared,
    expected_json,
    is_nullable,
    values_for,
)
from tests.fuzz.fake_campus import TOKEN, FakeCampus, note_if_testing, required_arguments
from tests.fuzz.response_strategies import dump
from tests.fuzz.test_responses import EVERY, PAGED
from tests.support.examples import FEW
from tests.support.spec import OPERATIONS, SpecOperation, example_response

_ARGUMENTS = [(operation, argument) for operation in OPERATIONS for argument in declared(operation)]
_LONGEST_QUERY = 59_000


def read_request(fake: FakeCampus) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the query and the body's fields of the request, without the client's token and the paging."""
    request = fake.request
    assert request is not None
    pairs = parse_qsl(
        request.url.query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(request.url.query)
    )
    query = {name: sent for name, sent in pairs if (name, sent) != ("access_token", TOKEN)}
    assert len(pairs) == len(dict(pairs))
    body = json.loads(request.content) if request.content else {}
    page = {"page", "per_page", "paging"}
    without_page = [{name: sent for name, sent in part.items() if name not in page} for part in (query, body)]
    return without_page[0], without_page[1]


def is_sent_as(argument: Declared, sent: Any, expected: Any) -> bool:
    """Return whether the request has the value that it must have."""
    if isinstance(expected, datetime):
        read = datetime.fromisoformat(sent)
        return read == expected and read.utcoffset() == expected.utcoffset()
    if argument.where == "query":
        return bool(sent == (str(expected).lower() if isinstance(expected, bool) else str(expected)))
    return bool(sent == expected and type(sent) is type(expected))


def is_empty_secret(argument: Declared, expected: Any) -> bool:
    """Return whether the argument is an empty password, token or code, which can't be one."""
    return argument.name in {"password", "access_token", "invoice_item_redemption_code"} and expected == ""


@pytest.mark.sampled(40)
@pytest.mark.parametrize(
    ("operation", "argument"),
    _ARGUMENTS,
    ids=[f"{operation}-{argument.name}" for operation, argument in _ARGUMENTS],
)
@FEW
@given(data=st.data())
def test_any_value(
    fake: FakeCampus, operation: SpecOperation, argument: Declared, data: st.DataObject
) -> None:
    """Any value for one argument, with valid values for the other required ones."""
    value = data.draw(values_for(argument))
    arguments = {**required_arguments(operation), argument.name: value}
    outcome = fake.arguments(operation, arguments, dump(example_response(operation.id)))
    expected = expected_json(operation, argument, value)
    if value is None and not argument.required:
        assert outcome.error is None
        query, body = read_request(fake)
        sends_null = argument.where == "body" and is_nullable(argument.schema)
        assert {**query, **body}.get(argument.key, "absent") == (None if sends_null else "absent")
        return
    too_long = (
        argument.where == "query" and isinstance(expected, str) and len(quote(expected)) > _LONGEST_QUERY
    )
    if expected is REFUSED or too_long or is_empty_secret(argument, expected):
        assert isinstance(outcome.error, ArgumentError), f"{value!r} was sent"
        assert outcome.error.argument == argument.name
        assert len(str(outcome.error)) < 500
        assert fake.request is None
        return
    assert outcome.error is None
    assert_request(fake, operation, arguments)


def assert_request(fake: FakeCampus, operation: SpecOperation, arguments: dict[str, Any]) -> None:
    """Assert that the request has each argument as expected, and nothing else."""
    query, body = read_request(fake)
    note_if_testing(f"sent: {query} {body}")
    where = {"query": query, "body": body}
    for argument in declared(operation):
        if argument.name in arguments:
            expected = expected_json(operation, argument, arguments[argument.name])
            assert is_sent_as(argument, where[argument.where].pop(argument.key), expected), argument.name
    assert (query, body) == ({}, {})


@PAGED
@FEW
@given(
    page=st.integers() | st.sampled_from([None, True, Wider(2), 1.0, "1", 2**31 - 1, 2**31, 10**400]),
    per_page=st.none() | st.integers(),
)
def test_any_page(fake: FakeCampus, operation: SpecOperation, page: Any, per_page: Any) -> None:
    """A page and a page size are integers from 1 to 2**31 - 1, and are sent as given."""
    arguments = {**required_arguments(operation), "page": page, "per_page": per_page}
    outcome = fake.arguments(operation, arguments, dump(example_response(operation.id)))
    right = (
        isinstance(page, int)
        and page is not True
        and 1 <= page < 2**31
        and (per_page is None or 1 <= per_page < 2**31)
    )
    if not right:
        assert isinstance(outcome.error, ArgumentError)
        assert fake.request is None
        return
    assert outcome.error is None
    assert fake.request is not None
    content = fake.request.content
    paging = operation.page_numbers(dict(fake.request.url.params), json.loads(content) if content else {})
    assert (int(paging["page"]), int(paging["per_page"])) == (page, per_page or 1000)


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_all_arguments_together(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """With any values for all arguments, all of them are sent correctly or nothing is sent."""
    arguments_in_spec = declared(operation)
    arguments = {argument.name: data.draw(values_for(argument)) for argument in arguments_in_spec}
    outcome = fake.arguments(operation, arguments, dump(example_response(operation.id)))
    if outcome.error is not None:
        assert isinstance(outcome.error, ArgumentError)
        assert fake.request is None
        return
    assert_request(fake, operation, {name: value for name, value in arguments.items() if value is not None})


@pytest.mark.parametrize("length", [50_000, 60_000, 65_500, 70_000, 1_000_000])
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_long_string(fake: FakeCampus, letter: str, length: int) -> None:
    """A string that fits in a body may not fit in a URL: the error names the argument, before anything is sent."""
    by_name = next(each for each in OPERATIONS if each.name == "get_training_plan_enrollments")
    outcome = fake.arguments(
        by_name, {"syllabus_unique_name": letter * length}, dump(example_response(by_name.id))
    )
    if len(quote(letter * length)) < _LONGEST_QUERY:
        assert outcome.error is None
    else:
        assert isinstance(outcome.error, ArgumentError)
        assert outcome.error.argument == "syllabus_unique_name"
        assert fake.request is None
    in_body = next(each for each in OPERATIONS if each.name == "edit_scorm_data")
    arguments = {**required_arguments(in_body), "suspend_data": letter * length}
    assert fake.arguments(in_body, arguments, dump(example_response(in_body.id))).error is None
    assert_request(fake, in_body, arguments)


def test_a_password_subclass_is_sent_by_its_characters() -> None:
    """The secret is the characters of a string, not its `str()`, which differs for enum members."""
    auth = PasswordAuth("someone", Quoted("hush"))
    assert auth.password.reveal() == Secret(Secret(Quoted("hush"))).reveal() == "hush"
