"""The fleet of processes, run as a program against the sandbox and a real Valkey."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox
from tests.support.valkey import Valkey

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
PROGRAM = Path(__file__).parents[2] / "examples" / "fleet.py"


def test_processes_count_with_one_login(
    environment: dict[str, str],
    samples: Samples,
    nexport_sandbox: Sandbox,
    campus: NexportCampus,
    valkey: Valkey,
) -> None:
    """Four processes count for ten organizations, with one login, and the token is encrypted."""
    expected = asyncio.run(campus.learning.search_enrollments(org_ids=[samples.org_id]).total())
    before = asyncio.run(nexport_sandbox.books()).counts["AdminApi_Authenticate"]
    key = Fernet.generate_key()
    completed = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), *[samples.org_id] * 10],
        env=environment
        | {"REDIS_URL": valkey.url, "TOKEN_KEYS": f"{key.decode()} {Fernet.generate_key().decode()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.stdout, completed.stderr) == (f"{samples.org_id} {expected}\n" * 10, "")
    after = asyncio.run(nexport_sandbox.books()).counts["AdminApi_Authenticate"]
    assert after - before == 1
    with valkey.client() as client:
        (name,) = client.keys("nexport-campus:token:*")
        assert Fernet(key).decrypt(client.get(name) or b"")
