"""Checks a corrected document in full, so that one run names everything that keeps it from becoming code."""

from collections.abc import Iterable
from typing import Any

from . import name_checks
from .errors import Problems
from .jsontext import Document
from .layout import Layout
from .normalization import normalize
from .reachable import find_schemas
from .shapes import check_shapes, check_unions
from .spec import METHODS, Operation, get_components, iterate_operations, iterate_references

__all__ = ["check_document", "select_sound_part"]


def check_document(document: Document, problems: Problems) -> None:
    """Record everything that can't become code: names, schemas without a normal form, shapes that the client can't handle."""
    name_checks.check(document, Layout.SDK, problems)
    known = get_components(document, "schemas")
    if any(
        reference.removeprefix("#/components/schemas/") not in known
        for _, reference in iterate_references(document)
    ):
        return  # recorded, and nothing further can be said
    before = len(problems.found)
    check_unions(document, problems)
    normal = normalize(document, problems)
    if len(problems.found) == before:
        check_shapes(normal, problems)


def select_sound_part(document: Document, problems: Problems) -> Document:
    """Return the operations that have no problem, with their schemas; each is checked apart from the others.

    One faulty operation keeps the steps after its fault from the whole document, but not from the others' parts: what they
    find there is recorded too.
    """
    sound = []
    for operation in iterate_operations(document):
        own = Problems()
        check_document(_select_part(document, [operation]), own)
        for error in own.found.values():
            problems.add(str(error), error.area or operation.area, error.action)
        if not own:
            sound.append(operation)
    return _select_part(document, sound)


def _select_part(document: Document, some: Iterable[Operation]) -> Document:
    """Return a document with some of the operations, and the schemas that they use."""
    paths: dict[str, Any] = {}
    for operation in some:
        shared = {
            key: value for key, value in document["paths"][operation.path].items() if key not in METHODS
        }
        paths.setdefault(operation.path, shared)[operation.method] = operation.body
    used = find_schemas(document, iterate_operations({"paths": paths}))
    schemas = {name: schema for name, schema in get_components(document, "schemas").items() if name in used}
    return {**document, "paths": paths, "components": {**document.get("components", {}), "schemas": schemas}}
