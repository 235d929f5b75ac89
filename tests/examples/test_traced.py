"""The traced program, run against the sandbox."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=3000)


def parse_spans(output: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a string."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(output):
        span, place = decoder.raw_decode(output, place)
        found.append(span)
        place += len(output[place:]) - len(output[place:].lstrip())
    return found


def test_the_report_has_its_spans(
    run: Callable[..., subprocess.CompletedProcess[str]], samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """It prints its number; the spans are the report, its pages, and the login that the first page needed."""
    done = run("traced.py", samples.org_id)
    assert int(done.stdout) > 0
    *_, report = recorded = parse_spans(done.stderr)
    assert report["name"] == "report"
    pages = [span for span in recorded if span["name"].endswith("SearchEnrollments")]
    assert [span["attributes"]["nexport.page"] for span in pages] == list(range(1, len(pages) + 1))
    assert {span["parent_id"] for span in pages} == {report["context"]["span_id"]}
    assert len(recorded) == len(pages) + 2
    assert nexport_sandbox.password not in done.stderr
