"""The traced program, run against the sandbox."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=3000)


def spans(text: str) -> list[dict[str, Any]]:
    """The JSON objects that follow one another in a text."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(text):
        span, place = decoder.raw_decode(text, place)
        found.append(span)
        place += len(text[place:]) - len(text[place:].lstrip())
    return found


def test_the_pages_are_below_the_report(
    run: Callable[..., subprocess.CompletedProcess[str]], samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """It prints its number; the spans are the report, its pages, and the login that the first of them needed."""
    done = run("traced.py", samples.org_id)
    assert int(done.stdout) > 0
    *_, report = recorded = spans(done.stderr)
    assert report["name"] == "report"
    pages = [span for span in recorded if span["name"].endswith("SearchEnrollments")]
    assert [span["attributes"]["nexport.page"] for span in pages] == list(range(1, len(pages) + 1))
    assert {span["parent_id"] for span in pages} == {report["context"]["span_id"]}
    assert len(recorded) == len(pages) + 2
    assert nexport_sandbox.password not in done.stderr
