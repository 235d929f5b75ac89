"""Checks a corrected document in full, so that one run names everything that keeps it from becoming code."""

from . import name_checks
from .errors import Problems
from .jsontext import Document
from .layout import Layout
from .normalization import normalized
from .shapes import check_shapes, check_unions
from .spec import components, references

__all__ = ["check_document"]


def check_document(document: Document, problems: Problems) -> None:
    """Record everything that can't become code: names, schemas without a normal form, shapes that the client can't handle."""
    name_checks.check(document, Layout.SDK, problems)
    known = components(document, "schemas")
    if any(
        reference.removeprefix("#/components/schemas/") not in known for _, reference in references(document)
    ):
        return  # recorded, and nothing further can be said
    before = len(problems.found)
    check_unions(document, problems)
    normal = normalized(document, problems)
    if len(problems.found) == before:
        check_shapes(normal, problems)
