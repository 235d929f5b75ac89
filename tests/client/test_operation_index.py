"""`nexport_client.OPERATIONS`: all operations by operationId."""

import json
import subprocess
import sys

import pytest

from nexport_client import OPERATIONS
from tests.support.spec import VENDOR


def test_all_operations_are_listed() -> None:
    """The mapping has each operation of the vendor's documents, with its method and path."""
    stated = {
        operation["operationId"]: (method.upper(), path)
        for path, item in VENDOR["paths"].items()
        for method, operation in item.items()
    }
    assert {name: (each.method, each.path) for name, each in OPERATIONS.items()} == stated
    assert all(operation.id == name for name, operation in OPERATIONS.items())
    assert len(OPERATIONS) == len(stated)
    assert "LearningApi_GetNothing" not in OPERATIONS


def test_a_lookup_imports_one_area() -> None:
    """Listing and counting operations imports none; looking one up imports its area only, and no model."""
    code = """
import json, sys
from nexport_client import OPERATIONS
listed = len(list(OPERATIONS))
before = [name for name in sys.modules if name.startswith(("nexport_client.api", "nexport_client.models"))]
OPERATIONS["ScormApi_GetCmiData"]
after = [name for name in sys.modules if name.startswith(("nexport_client.api.", "nexport_client.models"))]
print(json.dumps([listed, before, after]))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    listed, before, after = json.loads(done.stdout)
    assert listed == len(OPERATIONS)
    assert before == []
    assert all(name.startswith("nexport_client.api.scorm_api") for name in after)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/LearningApi/DropEnrollment"),
        ("get", "/api/v1/learningapi/dropenrollment"),
        ("GET", "/api/v1/LearningApi/DropEnrollment/"),
        ("GET", "/api/v1/LearningApi/%44ropEnrollment"),
    ],
)
def test_a_request_finds_its_operation(method: str, path: str) -> None:
    """Case, percent-encoding and a trailing slash lead an ASP.NET server to the same operation."""
    found = OPERATIONS.find(method, path)
    assert found is OPERATIONS["LearningApi_DropEnrollment"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v1/LearningApi/DropEnrollment"), ("GET", "/api/v1/LearningApi"), ("GET", "")],
)
def test_another_request_finds_none(method: str, path: str) -> None:
    """Another method or another path is no known operation."""
    assert OPERATIONS.find(method, path) is None
