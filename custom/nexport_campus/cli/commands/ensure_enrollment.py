"""`nexport ensure-enrollment`: enroll a user who is not enrolled yet."""

import asyncio
from functools import cache
from typing import Any

import attrs
import click

from nexport_campus import EnsuredEnrollment
from nexport_campus._ensure import check_enrollment
from nexport_campus.cli.common_options import common_options
from nexport_campus.cli.confirmation import confirm_change
from nexport_campus.cli.connection import open_campus
from nexport_campus.cli.operation_options import collect_arguments, make_options
from nexport_campus.cli.record_output import FORMATS, Secrecy, choose_format, write_value
from nexport_campus.cli.standard_streams import note_change
from nexport_client.api.learning_api.learning_api_create_enrollment import OPERATION
from nexport_client.kinds import ANYTHING
from nexport_client.operation import Operation, Parameter

__all__ = ["command"]

_DESCRIPTIONS = {
    "org_id": "The enrollment's organization.",
    "user_id": "The user to enroll.",
    "syllabus_id": "The section or training plan; pass either this or its unique name.",
    "syllabus_unique_name": "The unique name of the section or training plan.",
    "membership_group_ids": "The groups that the user becomes a member of.",
}
_REQUIRED = ("org_id", "user_id")


@cache
def _make_operation() -> Operation[Any]:
    """Return the operation CreateEnrollment with the descriptions and defaults of `ensure_enrollment`."""
    assert isinstance(OPERATION.body, tuple)
    return attrs.evolve(OPERATION, body=tuple(_describe_parameter(each) for each in OPERATION.body))


def _describe_parameter(parameter: Parameter) -> Parameter:
    name = parameter.name
    return attrs.evolve(parameter, required=name in _REQUIRED, description=_DESCRIPTIONS[name])


class _Command(click.Command):
    """A command with the arguments of `ensure_enrollment` as its first options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*make_options(_make_operation()), *super().get_params(ctx)]


@click.command(cls=_Command, name="ensure-enrollment")
@click.option("--yes", is_flag=True, help="Enroll without prompting for confirmation.")
@click.option(
    "--output",
    type=click.Choice(FORMATS),
    help="Format of the result.  [default: table on a terminal, otherwise json]",
)
@common_options
@click.pass_context
def command(ctx: click.Context, /, yes: bool, output: str | None, **values: Any) -> None:
    """Enroll a user who is not enrolled yet.

    Name the section or training plan by --syllabus-id or --syllabus-unique-name. The command can be repeated after any
    failure, and never enrolls a user twice: it searches first, and settles a lost response by searching again.

    The result has the enrollment's id, whether it is new, the campus's warnings, and the enrollment itself if a search
    found it. On a terminal, the command prompts for confirmation.
    """
    arguments = collect_arguments(_make_operation(), values)
    check_enrollment(**{"membership_group_ids": ()} | arguments)
    if not yes:
        confirm_change(ctx, "ensure-enrollment")
    made = asyncio.run(_ensure(ctx, arguments))
    form = choose_format(output)
    with note_change("ensure-enrollment"):
        write_value(form, ANYTHING, _to_row(made) if form == "table" else _to_json(made), Secrecy())


async def _ensure(ctx: click.Context, arguments: dict[str, Any]) -> EnsuredEnrollment:
    async with open_campus(ctx) as campus:
        return await campus.ensure_enrollment(**arguments)


def _to_json(made: EnsuredEnrollment) -> dict[str, Any]:
    return {
        "enrollment_id": str(made.enrollment_id),
        "created": made.created,
        "warnings": list(made.warnings),
        "existing": None if made.existing is None else made.existing.to_dict(),
    }


def _to_row(made: EnsuredEnrollment) -> dict[str, Any]:
    """Return the result for people; the warnings have gone to stderr."""
    existing = {} if made.existing is None else made.existing.to_row(labels=True)
    return {"enrollment_id": made.enrollment_id, "created": made.created} | {
        name: value for name, value in existing.items() if name != "enrollment_id"
    }
