"""Pipelines of a test, and what they loaded."""

from pathlib import Path
from typing import Any, Literal

import attrs
import dlt
import duckdb
import psycopg

__all__ = ["Warehouse"]


@attrs.frozen
class Warehouse:
    """A database that pipelines load into, and the folder of their state.

    `kind`: which database. `address`: the file or URL of the database.
    """

    folder: Path
    kind: Literal["duckdb", "postgres"]
    address: str

    def pipeline(self, name: str = "campus") -> Any:
        """Return a pipeline; several load into the same tables."""
        destination: Any = {"duckdb": dlt.destinations.duckdb, "postgres": dlt.destinations.postgres}
        return dlt.pipeline(
            name,
            destination=destination[self.kind](self.address),
            dataset_name="campus",
            pipelines_dir=str(self.folder / "pipelines"),
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        if self.kind == "duckdb":
            with duckdb.connect(self.address) as connection:
                return connection.execute(sql).fetchall()
        with psycopg.connect(self.address) as postgres:
            return postgres.execute(sql.encode()).fetchall()

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        """Return the columns of a table with their type and whether they may be null."""
        found = self.query(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
            f" WHERE table_schema = 'campus' AND table_name = '{table}'"
        )
        return {name: (data_type.lower(), nullable == "YES") for name, data_type, nullable in found}

    def tables(self) -> set[str]:
        """Return the names of the tables without dlt's own."""
        found = self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'campus'")
        return {name for (name,) in found if not name.startswith("_dlt")}
