"""A script that isn't async: it reads ids of enrollments, and writes where their certificates are, as CSV.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python plain_script.py < enrollments.txt > certificates.csv

`asyncio.Runner` keeps one event loop for all calls, and so their connection; `asyncio.run` would make a new one each time.
"""

import asyncio
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nexport_campus import ArgumentError, NexportCampus, NotFoundError


@contextmanager
def opened(runner: asyncio.Runner) -> Iterator[NexportCampus]:
    """A client that is closed in the end, on the runner's loop."""
    campus = NexportCampus.from_env()
    try:
        yield campus
    finally:
        runner.run(campus.aclose())


def main() -> None:
    """Write a line for each enrollment."""
    table = csv.writer(sys.stdout)
    table.writerow(["enrollment_id", "certificate"])
    with asyncio.Runner() as runner, opened(runner) as campus:
        for line in sys.stdin:
            enrollment_id = line.strip()
            try:
                told = runner.run(campus.learning.get_certificate_url(enrollment_id=enrollment_id))
            except (ArgumentError, NotFoundError) as error:
                print(f"{enrollment_id}: {error}", file=sys.stderr)
            else:
                table.writerow([enrollment_id, told.certificate_url if told.certificate_ready else ""])


if __name__ == "__main__":
    main()
