"""The help of `nexport call`, made from the declarations of the operations."""

import asyncio
import inspect
import json
import re
from typing import Any

import click
import pytest

import nexport_campus
from nexport_campus.cli.commands import call as _call
from nexport_campus.cli.exit_codes import exit_code
from nexport_campus.cli.operation_options import make_option_name
from nexport_client import OPERATIONS
from nexport_client.client import Areas
from nexport_client.kinds import INT32, STRING, Array, EnumOf, ModelOf
from nexport_client.operation import Operation, Paging, Parameter
from tests.cli.conftest import Nexport
from tests.support.scripted_server import TOKEN, ScriptedServer, json_response

of_each_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)


def join_wrapped_lines(text: str) -> str:
    """Return the string without white space, so that wrapping doesn't matter."""
    return re.sub(r"\s+", "", text)


def test_list_of_operations(nexport: Nexport) -> None:
    """`nexport call` lists every operation of the facade, and marks those that write or are obsolete."""
    lines = nexport("call").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [operation.full_name for operation in OPERATIONS.values()]
    listed = json.loads(nexport("call", "--output", "json").stdout)
    by_name = {each["name"]: each for each in listed}
    assert by_name["learning.drop_enrollment"]["writes"]
    assert by_name["learning.get_test_attempts"]["obsolete"]
    assert by_name["sso.sign_in"]["provisional"]
    assert by_name["learning.search_enrollments"]["operation_id"] == "LearningApi_SearchEnrollments"
    assert [json.loads(line) for line in nexport("call", "--output", "jsonl").stdout.splitlines()] == listed
    marked = {line.split()[0] for line in lines if line.split()[1] == "writes"}
    assert marked == {each["name"] for each in listed if each["writes"]}


@of_each_operation
def test_help_of_operations(operation: Operation[Any], nexport: Nexport) -> None:
    """The help of an operation has its summary, every argument with its description, the returned model and the errors."""
    done = nexport("call", operation.full_name, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    output = join_wrapped_lines(done.stdout)
    assert ("Changesdata." if operation.effect == "write" else "Onlyreads.") in output
    assert ("OBSOLETE." in output) is (operation.deprecated is not None)
    for paragraph in operation.description.split("\n\n"):
        assert join_wrapped_lines(paragraph) in output
    assert join_wrapped_lines(operation.returns.rstrip(".")) in output
    for parameter in operation.parameters:
        if not parameter.secret:
            assert make_option_name(parameter.name) in done.stdout
            assert join_wrapped_lines(parameter.description.rstrip(".")) in output
    for errors, meaning in operation.raises:
        codes = "or".join(str(exit_code(getattr(nexport_campus, name)(""))) for name in errors.split(" or "))
        assert join_wrapped_lines(f"{codes}: {meaning}") in output
    assert operation.path in done.stdout


@of_each_operation
def test_options_are_the_arguments(operation: Operation[Any]) -> None:
    """Each argument of the method has an option, required if it is; secrets have none."""
    command = _call._make_command(operation)
    flags = {name for option in command.params for name in option.opts}
    signature = inspect.signature(_method(operation)).parameters
    for name, argument in signature.items():
        secret = any(parameter.name == name and parameter.secret for parameter in operation.parameters)
        assert (make_option_name(name) in flags) is not secret
        if not (operation.paging and name in ("page", "per_page")) and not secret:
            (option,) = (each for each in command.params if make_option_name(name) in each.opts)
            assert option.required is (argument.default is inspect.Parameter.empty)
    assert not flags & {"--password", "--token", "--access-token"}
    assert ("--all" in flags) is (operation.paging is not None)
    assert ("--yes" in flags) is (operation.effect == "write")
    assert ("--show-secret" in flags) is operation.secret_result


def _method(operation: Operation[Any]) -> Any:
    """Return the facade's method for an operation."""
    nobody: Any = None
    return getattr(getattr(Areas(nobody), operation.area), operation.name)


class Facade:
    """A facade with a method as the generator would write it for an unknown operation."""

    def __init__(self, caller: Any) -> None:
        self._caller = caller

    def find_tests(
        self, *, from_: Any, limit: Any = None, output: Any = None, page: int = 1, per_page: int | None = None
    ) -> Any:
        """Find tests."""
        arguments = {"from_": from_, "limit": limit, "output": output}
        return self._caller.paged(UNSEEN, arguments, page, per_page)


UNSEEN: Operation[Any] = Operation(
    id="AssessmentApi_FindTests",
    method="POST",
    path="/api/v1/AssessmentApi/FindTests",
    effect="write",
    token="own",
    query=(Parameter("from_", "from", Array(EnumOf("CatalogAccessOption")), required=True),),
    body=(Parameter("limit", "limit", INT32), Parameter("output", "output", Array(ModelOf("CmiField")))),
    result=Array(STRING),
    paging=Paging("query"),
    area="assessment",
    name="find_tests",
    description="Find tests.",
)


@pytest.fixture
def new_operation(monkeypatch: pytest.MonkeyPatch) -> Operation[Any]:
    """Install that operation as if it had been generated."""
    monkeypatch.setattr("nexport_campus.cli.known_operations.OPERATIONS", {UNSEEN.id: UNSEEN})
    monkeypatch.setattr(
        "nexport_campus.NexportCampus.assessment",
        property(lambda campus: Facade(campus.admin._caller)),
        raising=False,
    )
    return UNSEEN


async def test_a_new_operation_gets_its_command(new_operation: Operation[Any], nexport: Nexport) -> None:
    """Its arguments become options; where one has the name of an option of ours, ours is `--nexport-...`."""
    output = nexport("call", new_operation.full_name, "--help").stdout
    for name in (
        "--from ",
        "--limit INTEGER",
        "--output JSON",
        "--nexport-limit N",
        "--nexport-output ",
        "--yes",
    ):
        assert name in output
    responses = [json_response(["a", "b"]), json_response([])]
    async with ScriptedServer(responses) as server:
        words = ["--from", "both", "--from", "0", "--limit", "7", "--output", '{"cmi_element_name": "n"}']
        done = await asyncio.to_thread(
            nexport,
            *("call", "assessment.find_tests", *words, "--nexport-output", "jsonl", "--nexport-limit", "2"),
            env={"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN},
        )
        assert done.stdout == '"a"\n"b"\n', done.stderr
        (request,) = server.requests
    assert request.query[:2] == [("from", "2"), ("from", "0")]
    assert request.json == {"limit": 7, "output": [{"cmi_element_name": "n"}]}


def test_completions_match_operations(nexport: Nexport) -> None:
    """Shell completion of `nexport call` offers exactly the accepted names."""
    context = click.Context(_call.command)
    assert _call.command.list_commands(context) == [operation.full_name for operation in OPERATIONS.values()]
    assert "OPERATION [ARGUMENTS]" in nexport("call", "--help").stdout
