"""The vendor's pages of the known areas, as they may be published next: other words, new enum values, a changed field."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["changed_pages"]

Document = dict[str, Any]

_PHASES = "16 = Resubmit Required"
_ERRORS = "8 = Subscription Already Exists"


def changed_pages(root: Path) -> dict[str, str]:
    """Return a page for each area that has fragments under `root`, by area, with a few changes.

    They are: the words of a summary; `Phase` 17, `Withdrawn`; `ErrorCode` 9, `Maintenance`; a new field of
    `ApiEnrollmentItem`; and `SectionEnrollmentsResponse.weighted_score`, which was a whole number, is any number.
    """
    pages: dict[str, list[str]] = {}
    for file in sorted((root / "openapi/fragments").iterdir()):
        document: Document = json.loads(file.read_bytes())
        _change(document)
        area = file.name.partition("_")[0]
        pages.setdefault(area, []).append(f"## An operation\n\n```json\n{json.dumps(document)}\n```\n")
    return {area: f"# {area}\n\n" + "\n".join(fences) for area, fences in pages.items()}


def _change(document: Document) -> None:
    for operation in _operations(document):
        if operation["operationId"] == "LearningApi_GetSection":
            operation["summary"] = f"Newly worded: {operation['summary']}"
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for field in (schema.get("properties") or {}).values():
            _add_member(field, _PHASES, 17, "Withdrawn")
            _add_member(field, _ERRORS, 9, "Maintenance")
    if item := schemas.get("ApiEnrollmentItem"):
        visit = {"type": "string", "format": "date-time", "description": "The last visit."}
        item["properties"]["utc_last_visit"] = visit
    if item := schemas.get("SectionEnrollmentsResponse"):
        item["properties"]["weighted_score"] = {"type": "number", "format": "double"}


def _operations(document: Document) -> Iterator[Document]:
    for item in document["paths"].values():
        yield from item.values()


def _add_member(field: Document, last: str, value: int, words: str) -> None:
    """Add a value to the enum whose description ends with `last`."""
    if str(field.get("description", "")).endswith(last):
        field["description"] += f", {value} = {words}"
        field["enum"].append(value)
