"""Sample ids, looked up in the current state of the campus."""

from __future__ import annotations

from typing import Any

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history
from nexport_campus.sandbox.seeding.seed_learning import SECTIONS
from nexport_campus.sandbox.seeding.seed_people import ADMINISTRATOR, BUSY, ROOT

__all__ = ["find_samples"]


def find_samples(campus: CampusState) -> dict[str, Any]:
    """Return the fields of `Samples`."""
    make = campus.ids.make
    organizations = campus.rows("SELECT number FROM organization ORDER BY number")
    free_user, free_section = _find_not_enrolled(campus)
    finished = _find_finished(campus)
    stuck, assignment = _find_stuck(campus)
    subscription = campus.rows("SELECT number FROM subscription WHERE organization = ? LIMIT 1", BUSY)[0]
    product = "SELECT number FROM product WHERE catalog = 1 AND syllabus = ?"
    membership = "SELECT number FROM membership WHERE organization = ? ORDER BY number LIMIT 1"
    return {
        "root_org_id": make("organization", ROOT),
        "org_ids": [make("organization", row["number"]) for row in organizations],
        "org_id": make("organization", BUSY),
        "administrator_user_id": make("user", ADMINISTRATOR),
        "user_id": make("user", free_user),
        "section_id": make("syllabus", free_section),
        "section_product_id": make("product", campus.rows(product, free_section)[0]["number"]),
        "membership_id": make("membership", campus.rows(membership, BUSY)[0]["number"]),
        "subscription_id": make("subscription", subscription["number"]),
        "popular_section_id": make("syllabus", 1),
        "finished_enrollment_id": make("enrollment", finished["number"]),
        "finished_user_id": make("user", finished["user"]),
        "scorm_enrollment_id": make("enrollment", stuck["enrollment"]),
        "scorm_assignment_id": make("assignment", stuck["assignment"]),
        "scorm_assignment_status_id": make("assignment_status", stuck["number"]),
        "scorm_sco_id": "I_SCO0",
        "test_enrollment_id": make("enrollment", stuck["enrollment"]),
        "test_assignment_id": make("assignment", assignment),
        "training_plan_id": make("syllabus", SECTIONS + 1),
        "catalog_id": make("catalog", 1),
        "category_id": make("category", 1001),
        "product_id": make("product", 1),
        "field_id": make("field", 1),
    }


def _find_not_enrolled(campus: CampusState) -> tuple[int, int]:
    """Return a student of the busiest organization and an open section that they are not enrolled in."""
    user = campus.rows("SELECT user FROM subscription WHERE organization = ? ORDER BY number LIMIT 1", BUSY)[
        0
    ][0]
    section = campus.rows(
        "SELECT number FROM syllabus WHERE type = 0 AND NOT hidden AND allow_drops AND final_drop_date IS NULL"
        " AND enrollment_end IS NULL AND number NOT IN (SELECT syllabus FROM enrollment WHERE user = ?)"
        " ORDER BY number LIMIT 1",
        user,
    )[0][0]
    return user, section


def _find_finished(campus: CampusState) -> Row:
    """Return a passed section enrollment whose syllabus has a certificate."""
    return campus.rows(
        "SELECT e.* FROM enrollment e JOIN syllabus s ON s.number = e.syllabus"
        " WHERE e.organization = ? AND e.result = 1 AND s.certificate AND s.type = 0 AND s.allow_drops"
        " AND s.final_drop_date IS NULL ORDER BY e.number LIMIT 1",
        BUSY,
    )[0]


def _find_stuck(campus: CampusState) -> tuple[Row, int]:
    """Return a finished SCORM 1.2 assignment with an incomplete lesson, and the test of the same enrollment."""
    finished = campus.connection.execute(
        "SELECT e.* FROM enrollment e JOIN syllabus s ON s.number = e.syllabus"
        " WHERE e.organization = ? AND e.phase = 2 AND s.type = 0 ORDER BY e.number",
        (BUSY,),
    )
    for enrollment in finished:
        ensure_history(campus, enrollment)
        found = campus.row(
            "SELECT st.* FROM assignment_status st JOIN sco ON sco.status = st.number"
            " JOIN assignment a ON a.number = st.assignment WHERE st.enrollment = ? AND a.scorm = '1.2'"
            " AND json_extract(sco.elements, '$.lesson_status') = 'incomplete'",
            enrollment["number"],
        )
        if found is not None:
            return found, found["assignment"] + 1
    raise LookupError("this campus has no stuck attempt")
