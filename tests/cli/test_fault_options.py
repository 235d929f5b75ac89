"""`nexport sandbox --fault`: which failures it scripts."""

import shlex
import subprocess
import sys

import httpx
import pytest

from nexport_campus.cli.fault_options import parse_fault
from tests.cli.conftest import Nexport

SECTION = "/api/v1/LearningApi/GetSection"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (
            "operation=LearningApi_GetSection,status=503,nth=1",
            {"operation": "LearningApi_GetSection", "status": 503, "nth": 1},
        ),
        (
            "operation=learning.create_enrollment, when=after, reset",
            {"operation": "LearningApi_CreateEnrollment", "when": "after", "reset": True},
        ),
        ("rate=0.25,delay=2,html=false", {"rate": 0.25, "delay": 2.0, "html": False}),
        ("expire-token,times=2", {"expire_token": True, "times": 2}),
        (
            '{"status": 429, "headers": {"Retry-After": "2"}, "body": "a,b", "delay": 1}',
            {"status": 429, "headers": {"Retry-After": "2"}, "body": "a,b", "delay": 1.0},
        ),
        (
            '{"status": 409, "body": {"api_error_entity": {"error_code": 3}}}',
            {"status": 409, "body": '{"api_error_entity": {"error_code": 3}}'},
        ),
    ],
    ids=["numbers", "flags", "fractions", "dashes", "json", "json-body"],
)
def test_what_an_option_stands_for(text: str, arguments: dict[str, object]) -> None:
    """Pairs and JSON give the arguments of `sandbox.faults.add`, in its types."""
    assert parse_fault(text) == arguments


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stats=503", "there is no 'stats': use operation, nth"),
        ("status=much", "status must be a whole number"),
        ("status", "status must be a whole number"),
        ("reset=maybe", "reset must be true or false"),
        ("status=500,status=503", "status is given twice"),
        ("headers=Retry-After", "headers must be a JSON object of strings"),
        ('{"rate": "often"}', "rate must be a number"),
        ('{"status": ', "must be a JSON object"),
        ("nth=1", "a fault needs status"),
        ("operation=LearningApi_GetNothing,reset", "the sandbox has no LearningApi_GetNothing"),
        ("nth=1,rate=0.5,reset", "nth and rate exclude each other"),
    ],
)
def test_what_an_option_can_not_be(nexport: Nexport, text: str, reason: str) -> None:
    """An invalid failure is a usage error, in one line that names the option, before anything is served."""
    done = nexport("sandbox", "--port", "0", "--fault", text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("nexport: error: Invalid value for '--fault': ")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_requests_fail_as_scripted() -> None:
    """Each failure strikes its requests, and all others are served."""
    words = [sys.executable, "-m", "nexport_campus.cli", "sandbox", "--port", "0", "--enrollments", "500"]
    words += ["--fault", "operation=learning.get_section,status=503,html,nth=1"]
    words += ["--fault", '{"operation": "LearningApi_GetSections", "headers": {"X-Marked": "yes"}}']
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = shlex.split(running.stdout.readline())[1].partition("=")[2]
        first, second = httpx.get(url + SECTION), httpx.get(url + SECTION)
        marked = httpx.post(f"{url}{SECTION}s", json={})
        running.kill()
    assert (first.status_code, first.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert second.status_code != 503
    assert marked.headers["x-marked"] == "yes"
    assert "x-marked" not in second.headers
