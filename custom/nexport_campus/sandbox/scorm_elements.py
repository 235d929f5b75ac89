"""SCORM data of one SCO and the CMI element names of SCORM 1.2 and SCORM 2004."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["NOT_IMPLEMENTED", "find_cmi_value", "make_sco_elements"]

NOT_IMPLEMENTED: Final = "401 - Not Implemented Error"
"""The error message in the vendor's example for an element name that the SCO's version lacks."""

# CMI element name: the field in EditScormDataRequest, or our own name for an element that cannot be edited.
_SCORM_12: Final = {
    "cmi.core.credit": "credit",
    "cmi.core.entry": "entry",
    "cmi.core.exit": "exit_status",
    "cmi.core.lesson_location": "lesson_location",
    "cmi.core.lesson_mode": "lesson_mode",
    "cmi.core.lesson_status": "lesson_status",
    "cmi.core.score.max": "score_max",
    "cmi.core.score.min": "score_min",
    "cmi.core.score.raw": "raw_score",
    "cmi.core.session_time": "session_time",
    "cmi.core.total_time": "total_time",
    "cmi.student_preference.language": "preference_language",
    "cmi.student_preference.speed": "preference_speed",
    "cmi.suspend_data": "suspend_data",
}
_SCORM_2004: Final = {
    "cmi.completion_status": "completion_status",
    "cmi.credit": "credit",
    "cmi.entry": "entry",
    "cmi.exit": "exit_status",
    "cmi.learner_preference.delivery_speed": "preference_speed",
    "cmi.learner_preference.language": "preference_language",
    "cmi.location": "lesson_location",
    "cmi.mode": "lesson_mode",
    "cmi.score.max": "score_max",
    "cmi.score.min": "score_min",
    "cmi.score.raw": "raw_score",
    "cmi.session_time": "session_time",
    "cmi.success_status": "success_status",
    "cmi.suspend_data": "suspend_data",
    "cmi.total_time": "total_time",
}
_NAMES: Final = {"1.2": _SCORM_12, "2004": _SCORM_2004}
# SCORM 2004 distinguishes completion and success; SCORM 1.2 has one status for both.
_COMPLETION: Final = {
    "passed": "completed",
    "failed": "completed",
    "completed": "completed",
    "browsed": "incomplete",
}


def make_sco_elements(
    rng: random.Random, version: str, done: bool, score: int, stuck: bool
) -> dict[str, Any]:
    """Return the data of an attempt. A stuck one was exited normally, but its lesson is incomplete."""
    minutes = rng.randint(1, 59)
    status = ("passed" if score >= 70 else "failed") if done else "incomplete"
    return {
        "credit": "credit",
        "entry": "" if done else "resume",
        "exit_status": None if done else ("normal" if stuck else "suspend"),
        "lesson_location": f"page-{rng.randint(1, 30)}",
        "lesson_mode": "normal",
        "lesson_status": status,
        "preference_language": rng.choice((None, "en", "es")),
        "preference_speed": None,
        "raw_score": float(score) if done else None,
        "score_max": 100,
        "score_min": 0,
        "session_time": f"0000:{minutes:02}:30.00" if version == "1.2" else f"PT{minutes}M30S",
        "suspend_data": None if done else f"p={rng.randint(1, 9)};q=[]",
        "total_time": f"0001:{minutes:02}:15.50" if version == "1.2" else f"PT1H{minutes}M15.5S",
    }


def find_cmi_value(version: str, elements: Mapping[str, Any], name: str) -> tuple[bool, str | None]:
    """Return whether the version has an element of that name, and its value as a string or None."""
    known = _NAMES[version].get(name)
    if known is None:
        return False, None
    status = elements["lesson_status"]
    if known == "completion_status":
        return True, _COMPLETION.get(status, status)
    if known == "success_status":
        return True, status if status in ("passed", "failed") else "unknown"
    value = elements[known]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return True, None if value is None else str(value)
