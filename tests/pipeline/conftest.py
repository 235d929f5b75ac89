"""Helpers of the pipeline's tests: small documents, pages made of them, and a repository to run in."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.steps import regenerate

ROOT = Path(__file__).parents[2]
SMALL = Path(__file__).with_name("repository")

Document = dict[str, Any]


@pytest.fixture(scope="session")
def make_document() -> Callable[..., Document]:
    """Return a function that makes a vendor document: one operation, and the schemas that it needs."""

    def make(operation_id: str = "LearningApi_GetThing", **schemas: Document) -> Document:
        area, _, name = operation_id.partition("_")
        thing = {"type": "object", "properties": {"name": {"type": "string"}}}
        response = {"schema": {"$ref": "#/components/schemas/Thing"}}
        return {
            "openapi": "3.1.1",
            "info": {"title": "NexPort Web API", "version": "v1"},
            "paths": {
                f"/api/v1/{area}/{name}": {
                    "get": {
                        "tags": [area],
                        "operationId": operation_id,
                        "parameters": [
                            {
                                "name": "access_token",
                                "in": "query",
                                "required": True,
                                "schema": {"type": "string"},
                            }
                        ],
                        "responses": {
                            "200": {"description": "The thing", "content": {"application/json": response}}
                        },
                    }
                }
            },
            "components": {"schemas": {"Thing": thing, **schemas}},
        }

    return make


@pytest.fixture
def make_page(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a Markdown page with one fence for each document."""

    def make(*documents: Document, prose: str = "Some prose.", name: str = "page.md") -> Path:
        fences = [f"## An operation\n\n> {prose}\n\n```json\n{json.dumps(item)}\n```\n" for item in documents]
        page = tmp_path / name
        page.write_text("# An area\n\n" + "\n".join(fences) + f"\n---\n\n{prose}\n", encoding="utf-8")
        return page

    return make


@pytest.fixture(scope="session")
def small_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small repository with its generated files: a few of the vendor's operations, as they were once published.

    Only templates and settings come from this repository, so that no change of the vendor's API changes these tests.
    """
    root = tmp_path_factory.mktemp("small") / "repository"
    shutil.copytree(SMALL, root)
    for name in ("openapi/templates", "openapi/runtime"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("generator-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    regenerate(root)
    return root


@pytest.fixture
def repository(small_repository: Path, tmp_path: Path) -> Path:
    """Return a copy of the small repository."""
    return Path(shutil.copytree(small_repository, tmp_path / "repository"))


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Return a function that reads all files of a folder."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    return read
