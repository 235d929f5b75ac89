"""Command-line options of an operation, derived from its declaration in the specification."""

from typing import Any

import click
from click.shell_completion import CompletionItem

from nexport_client.kinds import Array, EnumOf, Kind, MapOf, Nullable, Scalar
from nexport_client.operation import Operation, Parameter

from .option_values import NULL, get_member_name, is_repeated, join_occurrences, make_metavar, parse
from .text_input import number_lines, read_text

__all__ = ["collect_arguments", "make_option_name", "make_options"]


def make_option_name(name: str) -> str:
    """Return the option for an argument: `--syllabus-id` for `syllabus_id`."""
    return f"--{name.strip('_').replace('_', '-')}"


def make_options(operation: Operation[Any]) -> list[click.Option]:
    """Return an option for each argument, except secret ones, which must not be on a command line."""
    return [
        click.Option(
            [make_option_name(parameter.name), _make_destination(parameter)],
            type=_Value(parameter),
            required=parameter.required,
            multiple=is_repeated(parameter.kind),
            help=_make_help(parameter),
        )
        for parameter in operation.parameters
        if not parameter.secret
    ]


def collect_arguments(operation: Operation[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the options as arguments of the method. Raises click.BadParameter."""
    given: dict[str, Any] = {}
    for parameter in operation.parameters:
        value = values.get(_make_destination(parameter))
        if value is None or value == ():
            continue
        try:
            given[parameter.name] = (
                join_occurrences(parameter.kind, value) if is_repeated(parameter.kind) else value
            )
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"'{make_option_name(parameter.name)}'") from None
        if value is NULL:
            given[parameter.name] = None
    return given


def _make_destination(parameter: Parameter) -> str:
    return f"argument_{parameter.name}"


def _make_help(parameter: Parameter) -> str:
    """Return the description of an argument, and the format of its value if that isn't obvious."""
    kind = parameter.kind
    hints = [parameter.description.rstrip(".")] if parameter.description else []
    item = kind.item if isinstance(kind, Array | Nullable | MapOf) else kind
    if isinstance(item, EnumOf):
        hints.append(
            "One of " + ", ".join(f"{member.value} {get_member_name(member)}" for member in item.cls)
        )
    if isinstance(item, Scalar) and item.name == "date-time":
        hints.append("ISO 8601, with a time zone")
    if isinstance(kind, Array):
        hints.append("Repeat the option, or give a JSON list")
    if isinstance(kind, MapOf):
        hints.append("Repeat the option, or give a JSON object")
    if parameter.nullable:
        hints.append('"null" is sent as null')
    return ". ".join(hints) + "." if hints else ""


class _Value(click.ParamType):  # type: ignore[type-arg]  # at run time, older versions of click take none
    """The value of an argument: written out, in `@FILE`, or on stdin for `-`."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = make_metavar(parameter.kind)
        self._kind = parameter.kind
        self._nullable = parameter.nullable

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            if value == "-" or (value.startswith("@") and not value.startswith("@@")):
                return self._from_file(value.removeprefix("@"))
            text = value[1:] if value.startswith("@@") else value
            return parse(self._kind, text, nullable=self._nullable)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [item for item in _list_candidates(self._kind) if item.value.startswith(incomplete.lower())]

    def _from_file(self, name: str) -> Any:
        """Return the value that a file holds; a list has one element per line, unless it is JSON."""
        text = read_text(name)
        if not is_repeated(self._kind) or text.lstrip().startswith(("[", "{")):
            return parse(self._kind, text)
        return join_occurrences(self._kind, [parse(self._kind, line) for _, line in number_lines(text)])


def _list_candidates(kind: Kind) -> list[CompletionItem]:
    if isinstance(kind, Array | Nullable):
        return _list_candidates(kind.item)
    if isinstance(kind, EnumOf):
        return [CompletionItem(get_member_name(member), help=member.label) for member in kind.cls]
    if isinstance(kind, Scalar) and kind.name == "boolean":
        return [CompletionItem("true"), CompletionItem("false")]
    return []
