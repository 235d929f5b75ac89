"""`nexport call`: call any operation, with the vendor's documentation as its help."""

import asyncio
import re
from functools import partial
from typing import Any

import click

import nexport_campus
from nexport_campus.cli.common_options import common_options
from nexport_campus.cli.confirmation import confirm_change
from nexport_campus.cli.exit_codes import exit_code
from nexport_campus.cli.invoke import OutputOptions, call
from nexport_campus.cli.known_operations import find_operation
from nexport_campus.cli.operation_list import list_operations
from nexport_campus.cli.operation_options import collect_arguments, make_option_name, make_options
from nexport_campus.cli.raw_call import METHODS, make_raw_command
from nexport_campus.cli.record_output import FORMATS, Secrecy, choose_format
from nexport_campus.cli.secret_options import make_secret_options, read_secret_arguments
from nexport_campus.cli.suggestions import find_similar_operations, find_similar_words, render_suggestions
from nexport_campus.cli.terminal import warn
from nexport_client import OPERATIONS
from nexport_client.operation import Operation

__all__ = ["Operations", "command"]


class Operations(click.Group):
    """A group with a command for each operation, by its name in Python or the vendor's operationId."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the operations by their Python names."""
        return [operation.full_name for operation in OPERATIONS.values()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of an operation. Raises UsageError, with suggestions, for an unknown name."""
        if cmd_name.upper() in METHODS:
            return make_raw_command(cmd_name.upper())
        found = find_operation(cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise click.UsageError(f"there is no operation {cmd_name}{_suggest(cmd_name, ctx)}", ctx)
        return None if found is None else _make_command(found)


@click.group(
    cls=Operations, name="call", invoke_without_command=True, subcommand_metavar="OPERATION [ARGUMENTS]"
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
@click.pass_context
def command(ctx: click.Context, output: str) -> None:
    """Call an operation of the campus, or list all operations.

    `nexport call OPERATION --help` describes an operation and its arguments. `nexport call GET /api/v1/...` sends a request
    to any path; GET may be POST, PUT, PATCH or DELETE.

    A value is given literally, or read from a file with @FILE, or from stdin with -; write @@ for a value that starts with @.
    For a list, repeat the option or give a JSON list. An object is JSON.

    Records go to stdout: as a table on a terminal, otherwise as JSON. Everything else goes to stderr. On a terminal, an
    operation that changes data prompts for confirmation.
    """
    if ctx.invoked_subcommand is None:
        list_operations(output)


def _suggest(typed: str, ctx: click.Context) -> str:
    """Return suggestions for an unknown operation, as the end of a message."""
    root = ctx.find_root().command
    if isinstance(root, click.Group):
        # Helpers of the client, such as ensure_enrollment, are commands.
        method = typed.rpartition(".")[2].replace("_", "-")
        for name in find_similar_words(method, (), root.list_commands(ctx)):
            return f"; `nexport {name}` does this"
    return render_suggestions(find_similar_operations(typed, OPERATIONS.values()))


def _make_command(operation: Operation[Any]) -> click.Command:
    return click.Command(
        name=operation.full_name,
        help=_make_help(operation),
        short_help=operation.summary,
        params=[*make_options(operation), *make_secret_options(operation), *_make_own_options(operation)],
        callback=click.pass_context(partial(_run, operation)),
    )


def _run(operation: Operation[Any], ctx: click.Context, /, **values: Any) -> None:
    arguments = collect_arguments(operation, values)
    secrets = read_secret_arguments(operation, values)
    options = OutputOptions(
        form=choose_format(values["output"]),
        secrecy=Secrecy(show=values.get("show_secret", True), known=tuple(secrets.values())),
        page=values.get("page") or 1,
        per_page=values.get("per_page"),
        limit=values.get("limit"),
        all=values.get("all", False),
    )
    if operation.deprecated is not None:
        warn(f"{operation.full_name}: {operation.deprecated}")
    if operation.effect == "write" and not values["yes"]:
        confirm_change(ctx, operation.full_name)
    asyncio.run(call(ctx, operation, {**arguments, **secrets}, options))


def _make_own_options(operation: Operation[Any]) -> list[click.Parameter]:
    """Return the options that aren't arguments; if an argument has the same name, they are `--nexport-...`."""
    taken = {make_option_name(parameter.name) for parameter in operation.parameters}

    def option(name: str, **how: Any) -> click.Option:
        free = f"--{name}" if f"--{name}" not in taken else f"--nexport-{name}"
        return click.Option([free, name.replace("-", "_")], **how)

    positive = click.IntRange(min=1)
    options: list[click.Parameter] = []
    if operation.paging is not None:
        options += [
            option(
                "limit",
                type=positive,
                metavar="N",
                help="Get the first N records, from as many pages as needed.",
            ),
            option("all", is_flag=True, help="Get all records.  [default: one page]"),
            option("page", type=positive, metavar="N", help="Page to start with.  [default: 1]"),
            option(
                "per-page", type=positive, metavar="N", help="Records per page; the campus may send fewer."
            ),
        ]
    if operation.effect == "write":
        options.append(option("yes", is_flag=True, help="Change data without prompting for confirmation."))
    if operation.secret_result:
        options.append(option("show-secret", is_flag=True, help="Show the secrets in the response."))
    options.append(
        option(
            "output",
            type=click.Choice(FORMATS),
            help="Format of the result.  [default: table on a terminal, otherwise json]",
        )
    )
    common = common_options(click.Command("")).params
    return options + [each for each in reversed(common) if not taken.intersection(each.opts)]


def _list_codes(names: str) -> str:
    """Return the exit codes of errors, given as `NotFoundError` or `NotFoundError or AlreadyExistsError`."""
    return " or ".join(str(exit_code(getattr(nexport_campus, name)(""))) for name in names.split(" or "))


def _make_help(operation: Operation[Any]) -> str:
    effect = "Changes data." if operation.effect == "write" else "Only reads."
    returned = re.sub(r"^AsyncPager\[(\w+)\]", r"pages of \1", operation.return_type)
    parts = [operation.description] if operation.description else []
    if operation.deprecated is not None:
        command = re.sub(r"\bcampus\.(\w+\.\w+)", r"`nexport call \1`", operation.deprecated)
        parts.append(f"OBSOLETE. {command}")
    parts.append(f"{effect} Returns {returned}: {operation.returns.rstrip('.')}.")
    if operation.raises:
        lines = (f"  {_list_codes(names)}: {text}" for names, text in operation.raises)
        parts.append("\b\nExit codes:\n" + "\n".join(lines))
    parts.append(f"The vendor's {operation.id}: {operation.method} {operation.path}")
    return "\n\n".join(parts)
