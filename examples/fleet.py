"""Several processes that share one login and one rate limit through Redis or Valkey.

    REDIS_URL=redis://localhost NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python fleet.py ORGANIZATION_ID...

Each process counts the enrollments of some of the organizations. Whatever their number, the campus receives one login, and
at most 20 requests in any second. TOKEN_KEYS, Fernet keys separated by spaces, encrypt the token in Redis.
"""

import asyncio
import multiprocessing
import os
import sys

from nexport_campus import NexportCampus
from nexport_campus.redis import RedisRateLimiter, RedisTokenStore

PROCESSES = 4
_campus: NexportCampus | None = None


def campus() -> NexportCampus:
    """Return the client of this process. Its connections to Redis and the campus are closed with each event loop."""
    global _campus  # noqa: PLW0603 -- one for each process
    if _campus is None:
        url = os.environ["REDIS_URL"]
        _campus = NexportCampus.from_env(
            token_store=RedisTokenStore.from_url(url),
            token_encryption_keys=os.environ.get("TOKEN_KEYS", "").split(),
            rate_limit=RedisRateLimiter.from_url(url, per_second=20),
        )
    return _campus


def count(org_id: str) -> tuple[str, int]:
    """Return an organization's ID and the number of its enrollments. Raises NexportError."""
    return org_id, asyncio.run(_count(org_id))


async def _count(org_id: str) -> int:
    total = await campus().learning.search_enrollments(org_ids=[org_id]).total()
    return 0 if total is None else total


def main(org_ids: list[str]) -> None:
    """Print the number of enrollments of each organization."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for org_id, total in pool.imap(count, org_ids):
            print(org_id, total)
        # Let the processes end by themselves.
        pool.close()
        pool.join()


if __name__ == "__main__":
    main(sys.argv[1:])
