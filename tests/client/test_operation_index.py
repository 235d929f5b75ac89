"""`nexport_client.OPERATIONS`: all operations by operationId."""

import inspect
import json
import subprocess
import sys
from typing import cast

import pytest

from nexport_client import OPERATIONS, models
from nexport_client.client import Areas
from nexport_client.protocols import Caller
from nexport_client.types import fields_of
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
listed = list(OPERATIONS)
before = [name for name in sys.modules if name.startswith(("nexport_client.api", "nexport_client.models"))]
OPERATIONS["ScormApi_GetCmiData"]
after = [name for name in sys.modules if name.startswith(("nexport_client.api.", "nexport_client.models"))]
print(json.dumps([listed, before, after]))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    listed, before, after = json.loads(done.stdout)
    assert listed == list(OPERATIONS)
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
    """Another method or another path is not a known operation."""
    assert OPERATIONS.find(method, path) is None


def test_names_lead_to_methods() -> None:
    """`area` and `name` are the namespace and the method, which has the parameters and returns what is declared."""
    areas = Areas(cast("Caller", None))
    for operation in OPERATIONS.values():
        method = getattr(type(getattr(areas, operation.area)), operation.name)
        assert f"Returns: {operation.return_type}: " in _words(inspect.getdoc(method))
        assert getattr(method, "__deprecated__", None) == operation.deprecated
        names = [name for name in inspect.signature(method).parameters if name != "self"]
        paging = ["page", "per_page"] if operation.paging else []
        assert names == [parameter.name for parameter in operation.parameters] + paging


def test_descriptions_are_data() -> None:
    """Operations, parameters and fields have the vendor's descriptions, which docstrings repeat."""
    areas = Areas(cast("Caller", None))
    described = 0
    for operation in OPERATIONS.values():
        facade = type(getattr(areas, operation.area))
        docstring = _words(inspect.getdoc(getattr(facade, operation.name)))
        texts = [operation.description, operation.returns, *(text for _, text in operation.raises)]
        for text in [*texts, *(parameter.description for parameter in operation.parameters)]:
            assert _words(text) in docstring
        described += sum(bool(parameter.description) for parameter in operation.parameters)
        stated = VENDOR["paths"][operation.path][operation.method.lower()]
        assert operation.summary or not stated.get("summary")
        assert operation.description.startswith(operation.summary)
    assert described > 0


@pytest.mark.parametrize(
    "name", [name for name in models.__all__ if not hasattr(getattr(models, name), "label")]
)
def test_descriptions_of_fields_are_data(name: str) -> None:
    """A model and its fields have the vendor's descriptions as data."""
    model = getattr(models, name)
    docstring = _words(inspect.getdoc(model))
    assert docstring.startswith(_words(model.__description__))
    for field in fields_of(model):
        assert (
            _words(f"{field.attribute}: {field.description or 'Not described by the vendor.'}") in docstring
        )


def _words(text: str | None) -> str:
    return " ".join((text or "").split())
