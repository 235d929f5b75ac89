"""The job of a task queue, run as by different workers: in sequence, in threads, after a fork."""

import asyncio
import json
import os
import pickle
import runpy
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from nexport_campus import NexportError, NotFoundError
from nexport_campus.sandbox import Books, Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
EXAMPLES = Path(__file__).parents[2] / "examples"
Job = Callable[[str, str, str], str]
FORKS = """
import json, multiprocessing, sys
import task_queue_job
args = sys.argv[1:]
ids = [task_queue_job.enroll(*args)]
with multiprocessing.get_context("fork").Pool(2) as pool:
    ids += pool.starmap(task_queue_job.enroll, [args] * 6)
ids.append(task_queue_job.enroll(*args))
print(json.dumps(ids))
"""


@pytest.fixture
def job(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Job:
    """Return the job, in a worker whose environment names the sandbox."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found: Job = runpy.run_path(str(EXAMPLES / "task_queue_job.py"))["enroll"]
    return found


def request_log(sandbox: Sandbox) -> Books:
    """Return the sandbox's request log."""
    return asyncio.run(sandbox.books())


def count_created(sandbox: Sandbox) -> int:
    """Return the number of created enrollments."""
    return [change.what for change in request_log(sandbox).changes].count("enrollment created")


def test_one_job_after_another(job: Job, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Each job has its event loop; they share one login, and enroll once."""
    ids = {job(samples.org_id, samples.user_id, samples.section_id) for _ in range(4)}
    assert len(ids) == 1
    assert count_created(nexport_sandbox) == 1
    assert request_log(nexport_sandbox).counts["AdminApi_Authenticate"] == 1


def test_threaded_workers(job: Job, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Concurrent jobs don't interfere: each thread has a client."""
    job(samples.org_id, samples.user_id, samples.section_id)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(job, samples.org_id, samples.user_id, samples.section_id) for _ in range(12)]
        assert len({done.result() for done in jobs}) == 1
    assert count_created(nexport_sandbox) == 1
    assert request_log(nexport_sandbox).counts["AdminApi_Authenticate"] <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
def test_forked_workers(environment: dict[str, str], samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Children use the parent's token on new connections; so does the parent."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKS, samples.org_id, samples.user_id, samples.section_id],
        cwd=EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert len(json.loads(done.stdout)) == 8
    assert len(set(json.loads(done.stdout))) == 1
    assert count_created(nexport_sandbox) == 1
    assert request_log(nexport_sandbox).counts["AdminApi_Authenticate"] == 1


def test_transient_errors(job: Job, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """A gateway's 404 is transient, so that the queue retries the job; an error of the campus isn't."""
    asyncio.run(nexport_sandbox.faults.add(operation="LearningApi_SearchEnrollments", status=404, html=True))
    with pytest.raises(NexportError) as caught:
        job(samples.org_id, samples.user_id, samples.section_id)
    assert caught.value.transient
    asyncio.run(nexport_sandbox.faults.clear())
    with pytest.raises(NexportError) as caught:
        job(samples.org_id, str(uuid4()), samples.section_id)
    assert not caught.value.transient


def test_a_failing_job(job: Job, samples: Samples) -> None:
    """The error says what happened, can be pickled by the queue, and the next job works."""
    with pytest.raises(NotFoundError) as caught:
        job(samples.org_id, str(uuid4()), samples.section_id)
    kept = pickle.loads(pickle.dumps(caught.value))
    assert (type(kept), str(kept)) == (NotFoundError, str(caught.value))
    assert job(samples.org_id, samples.user_id, samples.section_id)
