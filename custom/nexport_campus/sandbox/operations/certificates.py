"""Certificates: GetCertificateUrl."""

from __future__ import annotations

from typing import Final

from nexport_campus.sandbox.aspnet_values import SECOND
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, not_found, success

from .registry import OperationCall, operation

_PASSED: Final = 1
# How long the campus takes to render a certificate after an enrollment is completed.
_DRAWING: Final = 60 * SECOND


@operation("GET", "LearningApi_GetCertificateUrl")
def get_certificate_url(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the URL of a certificate, ready once the enrollment is passed, or null if none is assigned.

    Page: "If the enrollment has been deleted, it will attempt to get the certificate based on the
    transcript record for that enrollment."
    """
    enrollment_id = call.query.required(call.query.id, "enrollment_id")
    record = _find_enrollment_or_transcript(campus, enrollment_id)
    syllabus = campus.row("SELECT certificate FROM syllabus WHERE number = ?", record["syllabus"])
    organization = campus.row("SELECT short_name FROM organization WHERE number = ?", record["organization"])
    assigned = syllabus is not None and bool(syllabus["certificate"])
    passed = record["completed"] is not None and record["result"] == _PASSED
    name = organization["short_name"] if organization else ""
    url = f"http://www.nexportcampus.com/{name}/certificate/view?enrollment={enrollment_id}"
    return success(
        {
            "certificate_url": url if assigned and passed else None,
            "certificate_ready": assigned and passed and record["completed"] + _DRAWING <= campus.clock.now(),
            "certificate_not_assigned": not assigned,
        }
    )


def _find_enrollment_or_transcript(campus: CampusState, enrollment_id: str) -> Row:
    number = campus.ids.number("enrollment", enrollment_id)
    found = campus.row("SELECT * FROM enrollment WHERE number = ?", number)
    found = found or campus.row("SELECT * FROM transcript WHERE enrollment = ?", number)
    if found is None:
        raise not_found("enrollment")
    return found
