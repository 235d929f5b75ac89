"""`nexport call`: any operation, with the vendor's documentation as its help."""

import asyncio
import re
from difflib import get_close_matches
from functools import partial
from typing import Any

import click

from ._calling import Wishes, call
from ._confirm import confirm_change
from ._connect import common_options
from ._listing import list_operations
from ._operations import Described, described, find, holds_secrets
from ._options import argument_options, flag, given_arguments
from ._output import warn
from ._records import FORMATS, Secrecy, chosen_format
from ._secrets import secret_arguments, secret_options

__all__ = ["Operations", "command"]


class Operations(click.Group):
    """A command for each operation of the facade, under its name in Python or the vendor's operationId."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [operation.name for operation in described()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = find(cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            similar = get_close_matches(cmd_name, self.list_commands(ctx), n=3)
            hint = f" (did you mean {' or '.join(similar)}?)" if similar else ""
            raise click.UsageError(f"there is no operation {cmd_name}{hint}", ctx)
        return None if found is None else _command(found)


@click.group(
    cls=Operations, name="call", invoke_without_command=True, subcommand_metavar="OPERATION [ARGUMENTS]"
)
@click.option(
    "--output", type=click.Choice(["text", "json", "jsonl"]), default="text", help="How to list them."
)
@click.pass_context
def command(ctx: click.Context, output: str) -> None:
    """Call an operation of the campus; without one, list them all.

    `nexport call OPERATION --help` tells what it does and what its arguments mean.

    A value is text, or @FILE for what a file holds, or - for what comes on stdin; a text that begins with @ is written
    @@. A list is given by repeating its option, or as a JSON list; an object is JSON.

    Records go to stdout: as a table on a terminal, as JSON elsewhere. Everything else goes to stderr. An operation that
    changes data asks first, if there is a terminal to ask on.
    """
    if ctx.invoked_subcommand is None:
        list_operations(output)


def _command(operation: Described) -> click.Command:
    return click.Command(
        name=operation.name,
        help=_help(operation),
        short_help=operation.documentation.summary,
        params=[*argument_options(operation), *secret_options(operation), *_own_options(operation)],
        callback=click.pass_context(partial(_run, operation)),
    )


def _run(operation: Described, ctx: click.Context, /, **values: Any) -> None:
    arguments = given_arguments(operation, values)
    secrets = secret_arguments(operation, values)
    wishes = Wishes(
        form=chosen_format(values["output"]),
        secrecy=Secrecy(show=values.get("show_secret", True), known=tuple(secrets.values())),
        page=values.get("page") or 1,
        per_page=values.get("per_page"),
        limit=values.get("limit"),
        all=values.get("all", False),
    )
    if operation.obsolete is not None:
        warn(f"{operation.name}: {operation.obsolete}")
    if operation.writes and not values["yes"]:
        confirm_change(ctx, operation.name)
    asyncio.run(call(ctx, operation, {**arguments, **secrets}, wishes))


def _own_options(operation: Described) -> list[click.Parameter]:
    """Our options beside the vendor's arguments; where both want a name, ours is `--nexport-...`."""
    taken = {flag(parameter.name) for parameter in operation.parameters}

    def option(name: str, **how: Any) -> click.Option:
        free = f"--{name}" if f"--{name}" not in taken else f"--nexport-{name}"
        return click.Option([free, name.replace("-", "_")], **how)

    positive = click.IntRange(min=1)
    options: list[click.Parameter] = []
    if operation.operation.paging is not None:
        options += [
            option(
                "limit", type=positive, metavar="N", help="The first N records, however many pages they take."
            ),
            option("all", is_flag=True, help="All records; without it, and without a limit, one page."),
            option("page", type=positive, metavar="N", help="The page to start on.  [default: 1]"),
            option("per-page", type=positive, metavar="N", help="Records a page; the campus may give fewer."),
        ]
    if operation.writes:
        options.append(option("yes", is_flag=True, help="Don't ask whether to change data."))
    if holds_secrets(operation.operation.result):
        options.append(option("show-secret", is_flag=True, help="Show the secrets that the answer holds."))
    options.append(
        option("output", type=click.Choice(FORMATS), help="[default: table on a terminal, else json]")
    )
    common = common_options(click.Command("")).params
    return options + [each for each in reversed(common) if not taken.intersection(each.opts)]


def _help(operation: Described) -> str:
    words, spec = operation.documentation, operation.operation
    effect = "It changes data." if operation.writes else "It reads only."
    returns = re.sub(r"^AsyncPager\[(\w+)\]", r"pages of \1", words.returns)
    parts = [words.summary, *words.details]
    if operation.obsolete is not None:
        parts.append(f"OBSOLETE. {operation.obsolete}")
    parts.append(f"{effect} Returns {returns}" + ("" if returns.endswith(".") else "."))
    errors = {
        name: text for name, text in words.raises.items() if name not in ("ArgumentError", "NexportError")
    }
    if errors:
        parts.append("\b\nErrors:\n" + "\n".join(f"  {name}: {text}" for name, text in errors.items()))
    parts.append(f"The vendor's {spec.id}: {spec.method} {spec.path}")
    return "\n\n".join(parts)
