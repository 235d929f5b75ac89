"""The campus's records in any warehouse that dlt loads: PostgreSQL, DuckDB, BigQuery, Snowflake and others.

    import dlt
    from nexport_campus.dlt import campus_source

    pipeline = dlt.pipeline("campus", destination="postgres", dataset_name="campus")
    pipeline.run(campus_source(org_ids=[org]).with_resources("enrollments", "sections"))

It needs the `dlt` extra. `docs/mirror-to-a-database.md` shows configuration, scheduling and backfills.
"""

from nexport_campus._version import describe_missing_extra

try:
    import dlt as _dlt  # noqa: F401
except ImportError as _error:
    raise ModuleNotFoundError(describe_missing_extra(__name__, "dlt"), name=_error.name) from _error

from .credentials import NexportCredentials
from .source import campus_source

__all__ = ["NexportCredentials", "campus_source"]
