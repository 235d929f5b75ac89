"""The synchronous script, run as a program against the sandbox."""

import asyncio
import csv
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
SCRIPT = Path(__file__).parents[2] / "examples" / "plain_script.py"


def count_logins(sandbox: Sandbox) -> int:
    """Return the number of logins."""
    return asyncio.run(sandbox.books()).counts["AdminApi_Authenticate"]


def test_each_enrollment_gets_its_line(
    environment: dict[str, str], samples: Samples, nexport_sandbox: Sandbox, campus: NexportCampus
) -> None:
    """Each enrollment gets its line, ready or not; an unknown id is reported; one login serves them all."""
    begun = campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    ready, not_ready = samples.finished_enrollment_id, str(asyncio.run(begun).enrollment_id)
    missing, before = str(uuid4()), count_logins(nexport_sandbox)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT)],
        input=f"{ready}\n{missing}\nno id\n{not_ready}\n",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    header, *rows = csv.reader(done.stdout.splitlines())
    assert header == ["enrollment_id", "certificate"]
    assert [row[0] for row in rows] == [ready, not_ready]
    assert [bool(row[1]) for row in rows] == [True, False]
    no_such, no_id, drift = done.stderr.splitlines()
    assert no_such.startswith(missing)
    assert "is not a UUID: 'no id'" in no_id
    assert "differs from the spec" in drift  # the specification requires an address, ready or not
    assert count_logins(nexport_sandbox) == before + 1
