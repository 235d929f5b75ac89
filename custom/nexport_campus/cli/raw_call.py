"""`nexport call METHOD PATH`: a request for any operation of the campus."""

import asyncio
import json
from contextlib import nullcontext
from decimal import Decimal
from typing import Any, Final, Literal, NoReturn

import attrs
import click

from nexport_campus import ArgumentError
from nexport_client import OPERATIONS
from nexport_client.kinds import ANYTHING, Array, Kind, MapOf, ModelOf, Nullable
from nexport_client.operation import Operation
from nexport_client.types import fields_of

from .common_options import common_options
from .confirmation import confirm_change
from .connection import open_campus
from .invoke import OutputOptions, choose_page_size, write_pages, write_result
from .record_output import FORMATS, Secrecy, choose_format
from .standard_streams import note_change
from .terminal import warn
from .text_input import read_text

__all__ = ["METHODS", "make_raw_command"]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PAGING: Final = ("all", "limit", "page", "per_page", "items", "paging")
_OPTIONS: Final = {"path": "PATH", "params": "--param"}
_ALWAYS_SECRET: Final = frozenset({"access_token"})


def make_raw_command(method: str) -> click.Command:
    """Return the command for requests with an HTTP method."""
    return click.Command(
        name=method,
        help=_HELP.format(method=method),
        short_help=f"Send a {method} request to any path.",
        params=[*_make_options(), *reversed(common_options(click.Command("")).params)],
        callback=click.pass_context(lambda ctx, **values: _run(ctx, method, **values)),
    )


_HELP: Final = """Send a {method} request to any path of the campus, and write the JSON of its response.

PATH begins with /api/, and has no query: write `--param NAME=VALUE` for each parameter. The token is added by itself.

A request counts as changing data, and prompts for confirmation on a terminal, unless --read says that it only reads, or
nexport knows the operation. A list that is read page by page needs one of --all, --limit, --page, --per-page, --items or
--paging."""


def _make_options() -> list[click.Parameter]:
    positive = click.IntRange(min=1)
    return [
        click.Argument(["path"]),
        click.Option(
            ["--param", "params"],
            multiple=True,
            metavar="NAME=VALUE",
            help="Query parameter; repeat the option for more, or for a list. @FILE and - work as values.",
        ),
        click.Option(
            ["--json", "body"], metavar="JSON", help="Body: JSON, @FILE with JSON, or - for JSON on stdin."
        ),
        click.Option(["--read"], is_flag=True, help="The request only reads: it may be retried."),
        click.Option(["--limit"], type=positive, metavar="N", help="Get the first N records of a list."),
        click.Option(["--all"], is_flag=True, help="Get all records of a list.  [default: one page]"),
        click.Option(["--page"], type=positive, metavar="N", help="Page to start with.  [default: 1]"),
        click.Option(["--per-page"], type=positive, metavar="N", help="Records per page."),
        click.Option(
            ["--items"], metavar="FIELD", help="Field of the response that holds the records of a list."
        ),
        click.Option(
            ["--paging"],
            metavar="WHERE",
            help="Where page numbers are sent: query, body, or body.NAME.  [default: query]",
        ),
        click.Option(["--yes"], is_flag=True, help="Change data without prompting for confirmation."),
        click.Option(["--show-secret"], is_flag=True, help="Show the secrets in the response."),
        click.Option(
            ["--output"],
            type=click.Choice(FORMATS),
            help="Format of the result.  [default: table on a terminal, otherwise json]",
        ),
    ]


@attrs.frozen
class _RawCall:
    """A raw request as the user gave it. `declared_read`: whether --read says that it only reads."""

    method: str
    path: str
    declared_read: bool
    known: Operation[Any] | None
    arguments: dict[str, Any] = attrs.field(repr=False)

    @property
    def reads(self) -> bool:
        """Whether it only reads, according to the user or to the mark of a known operation."""
        return self.declared_read or (self.known is not None and self.known.effect == "read")

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.method} {self.path}" if self.known is None else self.known.full_name

    @property
    def logs_in(self) -> bool:
        """Whether it needs a token."""
        return self.known is None or self.known.token != "none"


def _run(ctx: click.Context, method: str, /, **values: Any) -> None:
    known = OPERATIONS.find(method, values["path"])
    options = OutputOptions(
        form=choose_format(values["output"]),
        secrecy=Secrecy(show=values["show_secret"], keys=_find_secret_keys(known)),
        page=values["page"] or 1,
        per_page=values["per_page"],
        limit=values["limit"],
        all=values["all"],
    )
    arguments = {"params": _read_params(values["params"]), "json": _read_body(values["body"])}
    call = _RawCall(method, values["path"], values["read"], known, arguments)
    if call.declared_read and known is not None and known.effect == "write":
        raise click.UsageError(f"--read is wrong: {known.full_name} changes data; nothing was sent", ctx)
    paged = any(values[name] for name in _PAGING)
    if paged and not call.reads:
        raise click.UsageError("a list is only read: add --read if the request changes nothing", ctx)
    if known is not None and known.deprecated is not None:
        warn(f"{known.full_name}: {known.deprecated}")
    if not call.reads and not values["yes"]:
        confirm_change(ctx, call.name)
    if paged:
        arguments |= {"items": values["items"], "paging": values["paging"] or "query"}
    try:
        asyncio.run(_write(ctx, call, options, paged=paged))
    except ArgumentError as error:
        raise click.UsageError(_render_refusal(error), ctx) from None


def _render_refusal(error: ArgumentError) -> str:
    """Return the message of an ArgumentError with the option's name in place of the argument's."""
    argument = error.argument or ""
    option = _OPTIONS.get(argument, f"--{argument.replace('_', '-')}")
    return f"{option}{error.message.removeprefix(argument)}"


async def _write(ctx: click.Context, call: _RawCall, options: OutputOptions, *, paged: bool) -> None:
    """Make the request, and write its result to stdout."""
    async with open_campus(ctx, login=call.logs_in) as campus:
        if paged:
            pager = campus.request_pages(
                call.method,
                call.path,
                **call.arguments,
                page=options.page,
                per_page=choose_page_size(options),
            )
            await write_pages(pager, ANYTHING, options)
            return
        effect: Literal["read"] | None = "read" if call.declared_read else None
        response = await campus.request(call.method, call.path, **call.arguments, effect=effect)
        with nullcontext() if call.reads else note_change(call.name):
            if response.content.strip():
                write_result(response.parsed, ANYTHING, options)


def _read_params(given: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the query parameters. Raises click.BadParameter."""
    params: dict[str, list[str]] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.BadParameter("must be NAME=VALUE", param_hint="'--param'")
        params.setdefault(name, []).append(_read_value(value, "--param"))
    return params


def _read_body(given: str | None) -> Any:
    """Return the JSON of the body, or None. Raises click.BadParameter."""
    if given is None:
        return None
    text = _read_value(given, "--json")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        # Not the reason, which quotes the body.
        raise click.BadParameter("is not JSON", param_hint="'--json'") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _read_value(value: str, option: str) -> str:
    """Return a value that is given literally, in a file, or on stdin. Raises click.BadParameter."""
    if value.startswith("@@"):
        return value[1:]
    if value != "-" and not value.startswith("@"):
        return value
    try:
        return read_text(value.removeprefix("@"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def _find_secret_keys(known: Operation[Any] | None) -> frozenset[str]:
    """Return the names of the fields of a response that are secret."""
    return _ALWAYS_SECRET if known is None else _ALWAYS_SECRET | _find_keys(known.result, frozenset())


def _find_keys(kind: Kind, seen: frozenset[str]) -> frozenset[str]:
    if isinstance(kind, Array | MapOf | Nullable):
        return _find_keys(kind.item, seen)
    if not isinstance(kind, ModelOf) or kind.name in seen:
        return frozenset()
    fields = fields_of(kind.cls)
    below = (_find_keys(field.kind, seen | {kind.name}) for field in fields)
    return frozenset(field.key.lower() for field in fields if field.secret).union(*below)
