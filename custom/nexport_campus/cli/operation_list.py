"""The list of all operations."""

import json
from typing import Any

import click

from .known_operations import KnownOperation, all_operations
from .terminal import render_table

__all__ = ["list_operations"]


def list_operations(form: str) -> None:
    """Write all operations to stdout: as a table, one JSON list, or JSON Lines."""
    if form == "text":
        _text()
    elif form == "jsonl":
        for operation in all_operations():
            click.echo(json.dumps(_facts(operation)))
    else:
        click.echo(json.dumps([_facts(operation) for operation in all_operations()], indent=2))


def _facts(operation: KnownOperation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "operation_id": operation.operation.id,
        "writes": operation.writes,
        "pages": operation.operation.paging is not None,
        "obsolete": operation.obsolete is not None,
        "summary": operation.documentation.summary,
    }


def _text() -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    longest = max(len(operation.name) for operation in all_operations())
    table.add_column(no_wrap=True, style="bold", min_width=longest)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for operation in all_operations():
        mark = "obsolete" if operation.obsolete is not None else "writes" if operation.writes else ""
        table.add_row(operation.name, mark, operation.documentation.summary)
    click.echo(render_table(table), nl=False)
