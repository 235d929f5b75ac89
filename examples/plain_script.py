"""A synchronous script that reads enrollment IDs and writes the URLs of their certificates as CSV.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python plain_script.py < enrollments.txt > certificates.csv

`asyncio.Runner` keeps one event loop for all calls, and therefore the connection. `asyncio.run` would connect each time.
"""

import asyncio
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nexport_campus import ArgumentError, NexportCampus, NotFoundError


@contextmanager
def opened(runner: asyncio.Runner) -> Iterator[NexportCampus]:
    """Open a client, and close it on the runner's loop at the end."""
    campus = NexportCampus.from_env()
    try:
        yield campus
    finally:
        runner.run(campus.aclose())


def main() -> None:
    """Write one line per enrollment."""
    table = csv.writer(sys.stdout)
    table.writerow(["enrollment_id", "certificate"])
    with asyncio.Runner() as runner, opened(runner) as campus:
        for line in sys.stdin:
            enrollment_id = line.strip()
            try:
                certificate = runner.run(campus.learning.get_certificate_url(enrollment_id=enrollment_id))
            except (ArgumentError, NotFoundError) as error:
                print(f"{enrollment_id}: {error}", file=sys.stderr)
            else:
                url = certificate.certificate_url if certificate.certificate_ready else ""
                table.writerow([enrollment_id, url])


if __name__ == "__main__":
    main()
