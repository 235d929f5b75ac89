"""Secret arguments, read from the environment, stdin or a prompt, never from the command line."""

import os
from typing import Any

import click

from nexport_campus import ConfigurationError
from nexport_client.operation import Operation, Parameter
from nexport_client.types import Secret

from .operation_options import make_option_name
from .terminal import is_interactive
from .text_input import read_first_line

__all__ = ["make_secret_options", "read_secret", "read_secret_arguments"]


def make_secret_options(operation: Operation[Any]) -> list[click.Option]:
    """Return a flag for each secret argument, which reads it from stdin."""
    return [
        click.Option(
            [f"{make_option_name(parameter.name)}-stdin", _make_destination(parameter)],
            is_flag=True,
            help=_make_help(parameter),
        )
        for parameter in operation.parameters
        if parameter.secret
    ]


def read_secret_arguments(operation: Operation[Any], values: dict[str, Any]) -> dict[str, Secret]:
    """Return the secret arguments of a call. Raises ConfigurationError if one is missing and can't be prompted for."""
    found = {}
    for parameter in operation.parameters:
        if parameter.secret and (parameter.required or values[_make_destination(parameter)]):
            found[parameter.name] = _read(parameter, from_stdin=values[_make_destination(parameter)])
    return found


def read_secret(prompt: str) -> Secret:
    """Return a secret from a prompt that doesn't echo, or from the first line of stdin. Raises ConfigurationError."""
    if is_interactive():
        return Secret(click.prompt(prompt, hide_input=True, err=True))
    try:
        line = Secret(read_first_line())
    except ValueError as error:
        raise ConfigurationError(f"{prompt} {error}") from None
    if not line:
        raise ConfigurationError(f"{prompt}: the first line of stdin is empty")
    return line


def _read(parameter: Parameter, *, from_stdin: bool) -> Secret:
    variable = _make_variable_name(parameter)
    if not from_stdin and os.environ.get(variable):
        return Secret(os.environ[variable])
    if not from_stdin and not is_interactive():
        raise ConfigurationError(
            f"{parameter.name} is missing: set {variable}, or add {make_option_name(parameter.name)}-stdin"
        )
    return read_secret(parameter.name)


def _make_help(parameter: Parameter) -> str:
    if parameter.required:
        return f"Read it from the first line of stdin, or from a prompt on a terminal, not from {_make_variable_name(parameter)}."
    return (
        "Read it from the first line of stdin, or from a prompt on a terminal.  [default: the client's own]"
    )


def _make_variable_name(parameter: Parameter) -> str:
    return f"NEXPORT_{parameter.name.upper()}"


def _make_destination(parameter: Parameter) -> str:
    return f"secret_{parameter.name}"
