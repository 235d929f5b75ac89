"""Output of results to stdout, as JSON, JSON Lines or a table."""

import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

import attrs
import click

from nexport_campus._auth.redaction import Scrubber
from nexport_client.enums import OpenIntEnum
from nexport_client.kinds import Kind
from nexport_client.types import Model, Secret, fields_of

from .terminal import get_terminal_width, is_terminal, render_table, replace_control_characters

__all__ = ["FORMATS", "RecordWriter", "Secrecy", "choose_format", "make_writer", "write_value"]

FORMATS = ("json", "jsonl", "table")
_LONG = 16
"""Characters; a shorter secret may be an ordinary word in a response."""
_NO_ERROR = "api_error_entity_"


def _make_scrubber(secrets: Iterable[Secret] | Scrubber) -> Scrubber:
    if isinstance(secrets, Scrubber):
        return secrets
    scrubber = Scrubber()
    scrubber.add(secret for secret in secrets if len(secret) >= _LONG)
    return scrubber


@attrs.frozen
class Secrecy:
    """The masking of secrets.

    `show`: whether secret fields are shown. `known`: secrets that a response may echo in any field. `keys`: the secret
    fields of results that aren't models.
    """

    show: bool = False
    known: Scrubber = attrs.field(factory=Scrubber, converter=_make_scrubber)
    keys: frozenset[str] = frozenset()

    def text(self, value: str) -> str:
        """Return a string with the known secrets masked, in any case and encoding."""
        return self.known.scrub(value)

    def mask_keys(self, value: Any) -> Any:
        """Return a JSON value with the secret fields masked."""
        if self.show or not self.keys:
            return value
        if isinstance(value, list):
            return [self.mask_keys(item) for item in value]
        if isinstance(value, dict):
            return {
                key: "***" if key.lower() in self.keys else self.mask_keys(item)
                for key, item in value.items()
            }
        return value


class RecordWriter(Protocol):
    """A writer of records as they arrive."""

    def write(self, items: list[Any]) -> None:
        """Write more records."""

    def end(self) -> None:
        """Write what follows the last record."""


def choose_format(wanted: str | None) -> str:
    """Return the format of the option, by default a table on a terminal, otherwise JSON."""
    return wanted or ("table" if is_terminal() else "json")


def make_writer(form: str, kind: Kind, secrecy: Secrecy) -> RecordWriter:
    """Return a writer of records of a kind in a format."""
    if form == "table":
        return _Table(secrecy)
    return (_Lines if form == "jsonl" else _Array)(kind, secrecy)


def write_value(form: str, kind: Kind, value: Any, secrecy: Secrecy) -> None:
    """Write one value that is not a list."""
    if form == "table":
        click.echo(_render_blocks([_make_row(value, secrecy)]), nl=False)
    else:
        click.echo(_render_json(kind, value, secrecy, indent=2 if form == "json" else None))


class _Lines:
    """A writer of JSON Lines: one record per line."""

    def __init__(self, kind: Kind, secrecy: Secrecy) -> None:
        self._kind = kind
        self._secrecy = secrecy

    def write(self, items: list[Any]) -> None:
        for item in items:
            sys.stdout.write(_render_json(self._kind, item, self._secrecy) + "\n")
        sys.stdout.flush()

    def end(self) -> None:
        pass


class _Array:
    """A writer of one JSON list. After an error the list stays unclosed, so that it can't be mistaken for complete."""

    def __init__(self, kind: Kind, secrecy: Secrecy) -> None:
        self._kind = kind
        self._secrecy = secrecy
        self._started = False

    def write(self, items: list[Any]) -> None:
        for item in items:
            text = _render_json(self._kind, item, self._secrecy, indent=2).replace("\n", "\n  ")
            sys.stdout.write(f"{',' if self._started else '['}\n  {text}")
            self._started = True
        sys.stdout.flush()

    def end(self) -> None:
        click.echo("\n]" if self._started else "[]")


class _Table:
    """A writer of one line per record if the terminal is wide enough, otherwise of one block per record."""

    def __init__(self, secrecy: Secrecy) -> None:
        self._secrecy = secrecy
        self._rows: list[dict[str, str]] = []

    def write(self, items: list[Any]) -> None:
        self._rows += [_make_row(item, self._secrecy) for item in items]

    def end(self) -> None:
        if not self._rows:
            return
        names = list(dict.fromkeys(name for row in self._rows for name, cell in row.items() if cell))
        rows = [[row.get(name, "") for name in names] for row in self._rows]
        widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
        if is_terminal() and sum(widths) + 2 * len(widths) > get_terminal_width():
            click.echo(_render_blocks(self._rows), nl=False)
        else:
            click.echo(_render_grid(names, rows), nl=False)


def _render_grid(names: list[str], rows: list[list[str]]) -> str:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return render_table(table)


def _render_blocks(rows: list[dict[str, str]]) -> str:
    """Return each record as a block with one line per field."""
    from rich.table import Table
    from rich.text import Text

    blocks = []
    for row in rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, cell in row.items():
            if cell:
                table.add_row(name, Text(cell))
        blocks.append(render_table(table))
    return "\n".join(blocks)


def _make_row(value: Any, secrecy: Secrecy) -> dict[str, str]:
    """Return the cells of a record: labels for enums, without the error entity."""
    if isinstance(value, dict):
        cells = secrecy.mask_keys(value).items()
        return {
            replace_control_characters(name): secrecy.text(_render_cell(each))
            for name, each in cells
            if name != "api_error_entity"
        }
    if not isinstance(value, Model):
        return {"value": secrecy.text(_render_cell(value))}
    secret = {
        field.attribute: getattr(value, field.attribute) if secrecy.show else "***"
        for field in fields_of(type(value))
        if field.secret
    }
    cells = secret | value.to_row(labels=True)
    return {
        name: secrecy.text(_render_cell(cell))
        for name, cell in cells.items()
        if not name.startswith(_NO_ERROR)
    }


def _render_cell(value: object) -> str:
    if value is None or value == "[]":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, OpenIntEnum):
        return value.label
    if isinstance(value, dict | list):
        return replace_control_characters(_dump_exactly(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").replace("+00:00", "Z")
    return replace_control_characters(str(value))


def _mask(value: Any, written: Any) -> Any:
    """Return the written value with secret fields masked."""
    if isinstance(value, Model):
        for field in fields_of(type(value)):
            if field.key in written:
                below = getattr(value, field.attribute)
                written[field.key] = "***" if field.secret else _mask(below, written[field.key])
    elif isinstance(value, list):
        return [_mask(item, below) for item, below in zip(value, written, strict=True)]
    elif isinstance(value, dict):
        return {key: _mask(value[key], below) for key, below in written.items()}
    return written


def _render_json(kind: Kind, value: Any, secrecy: Secrecy, indent: int | None = None) -> str:
    """Return a value in the API's JSON."""
    written = None if value is None else kind.write(value)
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    shown = written if secrecy.show else _mask(value, written)
    return secrecy.text(_dump_exactly(secrecy.mask_keys(shown), ensure_ascii=not unicode, indent=indent))


_EXACT = f"exact-number-{os.urandom(8).hex()}:"
"""Mark of a Decimal among strings; it is random, so that no response contains it by accident."""


def _dump_exactly(value: Any, *, ensure_ascii: bool = False, indent: int | None = None) -> str:
    """Return the JSON of a value, in which a Decimal is a number with all its digits."""
    text = json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, default=lambda number: f"{_EXACT}{number}"
    )
    return re.sub(f'"{_EXACT}([^"]*)"', r"\1", text)
