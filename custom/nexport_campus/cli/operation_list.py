"""The list of all operations."""

import json
from typing import Any

import click

from nexport_client import OPERATIONS
from nexport_client.operation import Operation

from .terminal import render_table

__all__ = ["list_operations"]


def list_operations(form: str) -> None:
    """Write all operations to stdout: as a table, one JSON list, or JSON Lines."""
    if form == "text":
        _print_table()
    elif form == "jsonl":
        for operation in OPERATIONS.values():
            click.echo(json.dumps(_describe(operation)))
    else:
        click.echo(json.dumps([_describe(operation) for operation in OPERATIONS.values()], indent=2))


def _describe(operation: Operation[Any]) -> dict[str, Any]:
    return {
        "name": operation.full_name,
        "operation_id": operation.id,
        "writes": operation.effect == "write",
        "pages": operation.paging is not None,
        "obsolete": operation.deprecated is not None,
        "provisional": operation.provisional,
        "summary": operation.summary,
    }


def _print_table() -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    longest = max(len(operation.full_name) for operation in OPERATIONS.values())
    table.add_column(no_wrap=True, style="bold", min_width=longest)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for operation in OPERATIONS.values():
        writes = "writes" if operation.effect == "write" else ""
        table.add_row(operation.full_name, "obsolete" if operation.deprecated else writes, operation.summary)
    click.echo(render_table(table), nl=False)
