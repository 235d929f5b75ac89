"""Completing an enrollment, which students do in the classroom and no operation does."""

from __future__ import annotations

from typing import Final

from nexport_campus.sandbox.campus_state import CampusState

__all__ = ["complete_enrollment"]

_FINISHED: Final = 2
_PASSED, _FAILED = 1, 2
_SCORES: Final = {_PASSED: 90, _FAILED: 40}


def complete_enrollment(campus: CampusState, enrollment_id: str, passed: bool) -> None:
    """Finish an enrollment and all its assignments. Raises a refusal for an unknown enrollment."""
    number = campus.find("enrollment", enrollment_id)["number"]
    result, now = _PASSED if passed else _FAILED, campus.clock.now()
    score = _SCORES[result]
    campus.change(
        "UPDATE enrollment SET phase = ?, result = ?, completed = ?, last_activity = ?, score = ?,"
        " first_activity = coalesce(first_activity, ?), started = coalesce(started, ?), assignments_done ="
        " (SELECT assignment_count FROM syllabus WHERE syllabus.number = enrollment.syllabus) WHERE number = ?",
        *(_FINISHED, result, now, now, score, now, now, number),
    )
    # There are none yet if the history was never read: then it is computed from the finished enrollment.
    campus.change(
        "UPDATE assignment_status SET phase = ?, result = ?, completed = ?, last_activity = ?, score = ?,"
        " first_activity = coalesce(first_activity, ?) WHERE enrollment = ? AND phase != ?",
        *(_FINISHED, result, now, now, score, now, number, _FINISHED),
    )
    campus.record_change("enrollment completed", enrollment_id)
