"""History of an enrollment: assignment statuses, sessions, test attempts, SCORM data and custom values.

It is created on first use from the seed and the enrollment's number, so that the time of creation does not
affect it. A million enrollments therefore cost nothing for the histories that are never read.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import DAY, HOUR, MINUTE, SECOND
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.database_schema import insert
from nexport_campus.sandbox.operation_results import not_found
from nexport_campus.sandbox.scorm_elements import make_sco_elements

from .random_streams import make_random_stream
from .seed_people import INSTRUCTOR

__all__ = ["ensure_history", "find_assignment_status"]

_FINISHED: Final = 2
_PER_ENROLLMENT: Final = 16
_GRADED_BY_HAND: Final = 0


def ensure_history(campus: CampusState, enrollment: Row) -> None:
    """Create the history of an enrollment if it does not exist yet."""
    number = enrollment["number"]
    if campus.row("SELECT 1 FROM detailed WHERE enrollment = ?", number):
        return
    _Historian(campus, enrollment).write()
    campus.connection.execute("INSERT INTO detailed VALUES (?)", (number,))


def find_assignment_status(campus: CampusState, text: str) -> Row:
    """Return an assignment status of an existing enrollment, or raise a 409 refusal with code 3."""
    number = campus.ids.number("assignment_status", text) or 0
    enrollment = campus.row("SELECT * FROM enrollment WHERE number = ?", number // _PER_ENROLLMENT)
    if enrollment is not None:
        ensure_history(campus, enrollment)
        status = campus.row("SELECT * FROM assignment_status WHERE number = ?", number)
        if status is not None:
            return status
    raise not_found("assignment status")


@dataclasses.dataclass(frozen=True, slots=True)
class _Status:
    """The progress in one assignment of the enrollment."""

    number: int
    assignment: Row
    phase: int
    score: int
    first: int | None
    last: int | None

    @property
    def finished(self) -> bool:
        return self.phase == _FINISHED


class _Historian:
    """Writer of the history of one enrollment."""

    def __init__(self, campus: CampusState, enrollment: Row) -> None:
        self.campus = campus
        self.enrollment = enrollment
        self.rng = make_random_stream(campus.settings.seed, f"history/{enrollment['number']}")

    def write(self) -> None:
        assignments = self.campus.rows(
            "SELECT * FROM assignment WHERE syllabus = ? ORDER BY number", self.enrollment["syllabus"]
        )
        for place, assignment in enumerate(assignments):
            status = self._status(place, len(assignments), assignment)
            self._write_status(status)
            if status.first is None:
                continue
            self._write_sessions(status)
            if assignment["scorm"]:
                self._write_scos(status)
            if assignment["attempt_limit"]:
                self._write_attempts(status)
        self._write_values()

    def _insert(self, table: str, *values: Any) -> None:
        insert(self.campus.connection, table, [values], len(values))

    def _status(self, place: int, count: int, assignment: Row) -> _Status:
        enrollment, done = self.enrollment, self.enrollment["assignments_done"]
        phase = _FINISHED if place < done else (enrollment["phase"] if place == done else 0)
        first = last = None
        if phase:
            whole = enrollment["last_activity"] - enrollment["first_activity"]
            touched = min(done + 1, count)
            first = enrollment["first_activity"] + whole * place // touched
            last = enrollment["first_activity"] + whole * (place + 1) // touched
        # Scores are set in pairs, equally far above and below the average, so that the average holds.
        deviation = 0 if place == done - 1 and done % 2 else (3 if place % 2 else -3)
        score = min(100, max(0, enrollment["score"] + deviation)) if phase == _FINISHED else 0
        number = enrollment["number"] * _PER_ENROLLMENT + place
        return _Status(number, assignment, phase, score, first, last)

    def _write_status(self, status: _Status) -> None:
        by_hand = status.finished and status.assignment["grading_strategy"] == _GRADED_BY_HAND
        override = status.finished and self.rng.random() < 0.05
        result = 0
        if status.finished:
            result = 1 if override or status.score >= status.assignment["mastery_score"] else 2
        self._insert(
            "assignment_status",
            *(status.number, self.enrollment["number"], status.assignment["number"], status.phase, result),
            "Please cite your sources" if status.phase == 16 else None,
            *(int(override), "Credit for earlier training" if override else None),
            self.enrollment["enrolled"] + (status.number % _PER_ENROLLMENT) * SECOND,
            *(status.first, status.last, status.last if status.finished else None),
            *(1 if override else None, INSTRUCTOR if by_hand else None),
            status.score if status.finished else None,
        )

    def _write_sessions(self, status: _Status) -> None:
        """Write one to three sessions, with gaps longer than the ten minutes that separate sessions."""
        first, last = status.first or 0, status.last or 0
        count = self.rng.randint(1, 3)
        share = (last - first) // count
        for place in range(count):
            start = first + share * place
            end = start + min(self.rng.randrange(MINUTE, 2 * HOUR), max(0, share - 11 * MINUTE))
            number = status.number * 4 + place
            self._insert("session", number, status.number, self.enrollment["number"], place, start, end)

    def _write_scos(self, status: _Status) -> None:
        version = status.assignment["scorm"]
        stuck = status.finished and self.rng.random() < 0.2
        count = self.rng.randint(1, 3)
        for place in range(count):
            done = status.finished and not (stuck and place == 0)
            elements = make_sco_elements(self.rng, version, done, status.score, stuck and place == 0)
            title = f"{status.assignment['assignment_type'].split()[0]} part {place + 1}"
            exited = status.last if status.finished or place else None
            values = (status.number, f"I_SCO{place}", title, status.first, exited, json.dumps(elements))
            self._insert("sco", *values)

    def _write_attempts(self, status: _Status) -> None:
        """Write one to three attempts: the latest has the assignment's score, earlier ones failed."""
        count = self.rng.randint(1, 3)
        proctored = self.rng.random() < 0.5
        first, last = status.first or 0, status.last or 0
        for index in range(count):
            latest = index == count - 1
            complete = status.finished or not latest
            started = first + (last - first) * index // count
            finished = started + 20 * MINUTE if complete else None
            score = None if not complete else float(status.score if latest else self.rng.randint(10, 60))
            self._insert(
                "test_attempt",
                *(status.number * 4 + index, status.number, index, started),
                started + 15 * MINUTE if index else None,
                *(
                    finished,
                    int(index % 2),
                    DAY + 2 * HOUR + 30 * MINUTE + 45 * SECOND if index == 0 else 40 * MINUTE,
                ),
                *(self.rng.randint(5, 40), int(complete), score),
                "Question 3 was way too difficult" if index == 1 else None,
                *((self.rng.randint(1, 8), started - MINUTE) if proctored else (None, None)),
            )

    def _write_values(self) -> None:
        """Write custom field values for about a third of the enrollments."""
        if self.rng.random() < 0.33:
            number = self.enrollment["number"]
            values = ((1, f"PO-{number:06}"), (2, "2026-03-14T15:09:26Z"), (3, "true"), (4, "149.50"))
            for field, value in values[: self.rng.randint(1, 4)]:
                self._insert("field_value", number, field, value)
