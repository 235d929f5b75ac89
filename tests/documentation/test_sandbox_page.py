"""The tables on the sandbox's page match the classes."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from nexport_campus.sandbox import BookEntry, Books, Sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def names_in_table(*headings: str) -> set[str]:
    """Return the names in the first column of the tables with these headings."""
    found: set[str] = set()
    for heading in headings:
        table = PAGE.partition(f"| {heading} | |\n")[2].partition("\n\n")[0]
        assert table, heading
        for row in table.splitlines():
            found |= {name.partition("=")[0] for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    return found


@pytest.mark.parametrize(
    ("heading", "cls"), [("an entry", BookEntry), ("`await sandbox.books(since=0)`", Books)]
)
def test_the_table_of_the_log(heading: str, cls: type) -> None:
    """The tables have every field and property of the log, and no other."""
    fields = {field.name for field in dataclasses.fields(cls)}
    properties = {name for name, value in vars(cls).items() if isinstance(value, property)}
    assert names_in_table(heading) == fields | properties


def test_the_tables_of_faults() -> None:
    """Every argument of `faults.add` is in one of the tables."""
    arguments = set(inspect.signature(Sandbox().faults.add).parameters)
    assert names_in_table("which calls", "what happens") == arguments
