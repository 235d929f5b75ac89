"""A backfill on a Dask cluster: one task for each organization and month, all of them into one PostgreSQL database.

    pip install "nexport-campus[dlt,redis]" "dask[distributed]"
    export NEXPORT_USERNAME=... NEXPORT_PASSWORD=... REDIS_URL=... DATABASE_URL=...  # on the workers, too
    python backfill_dask.py SCHEDULER 2024-01-01 ORGANIZATION_ID...

The workers share one token and one rate limit through Redis. A task whose worker dies runs again on another one: its rows
are merged by key. Start workers with one thread each (`dask worker --nthreads 1`), because dlt keeps state per process.
"""

import os
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from tempfile import TemporaryDirectory

import dlt
from distributed import Client, as_completed, get_worker

from nexport_campus.dlt import campus_source
from nexport_campus.redis import RedisRateLimiter, RedisTokenStore
from nexport_campus.times import months

RESOURCES = ("enrollments", "assignment_statuses")
Window = tuple[str, datetime | None, datetime | None]


def load(window: Window) -> str:
    """Load the enrollments that an organization made in a month, and their statuses. Runs on a worker."""
    org, since, until = window
    # Each worker stages rows in a separate schema: the windows are merged side by side.
    staging = re.sub(r"\W", "_", f"staging_{get_worker().name}")
    with TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "campus_backfill",
            destination=dlt.destinations.postgres(
                os.environ["DATABASE_URL"], staging_dataset_name_layout=f"%s_{staging}"
            ),
            dataset_name="campus",
            pipelines_dir=folder,
        )
        source = campus_source(
            org_ids=[org],
            since=since,
            until=until,
            token_store=RedisTokenStore.from_url(os.environ["REDIS_URL"]),
            rate_limit=RedisRateLimiter.from_url(os.environ["REDIS_URL"], per_second=50),
        )
        # Without an end, it finds what has no date. Its statuses are left to the incremental runs that follow.
        pipeline.run(source.with_resources(*(RESOURCES if until else RESOURCES[:1])))
    return f"{org} {since or 'from the beginning'} to {until or 'now'}"


def plan(orgs: Iterable[str], first: datetime) -> list[Window]:
    """Return the windows of all organizations: the time before the first month, and each month until now."""
    bounds = [
        None,
        *(month.start for month in months(first, datetime.now(UTC), zone="UTC")),
        datetime.now(UTC),
    ]
    return [(org, since, until) for org in orgs for since, until in pairwise(bounds)]


def backfill(cluster: Client, orgs: list[str], first: datetime) -> None:
    """Load all windows, and then, for each organization, the enrollments without a date."""
    for windows in (plan(orgs, first), [(org, None, None) for org in orgs]):
        # The first one runs by itself and creates the tables.
        print(cluster.submit(load, windows[0], pure=False, retries=3).result())
        for done in as_completed(cluster.map(load, windows[1:], pure=False, retries=3)):
            print(done.result())


if __name__ == "__main__":
    with Client(sys.argv[1]) as connected:
        backfill(connected, sys.argv[3:], datetime.fromisoformat(sys.argv[2]).astimezone(UTC))
