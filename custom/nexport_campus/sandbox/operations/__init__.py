"""The vendor operations that the sandbox models; importing this package registers all of them."""

from __future__ import annotations

from . import (
    admin,
    assignments,
    catalog_contents,
    catalogs,
    certificates,
    custom_fields,
    enrollment_changes,
    enrollment_lists,
    memberships,
    organizations,
    profile_fields,
    scorm,
    sections,
    student_sessions,
    subscriptions,
    test_attempts,
    training_plans,
    users,
)

__all__ = [
    "admin",
    "assignments",
    "catalog_contents",
    "catalogs",
    "certificates",
    "custom_fields",
    "enrollment_changes",
    "enrollment_lists",
    "memberships",
    "organizations",
    "profile_fields",
    "scorm",
    "sections",
    "student_sessions",
    "subscriptions",
    "test_attempts",
    "training_plans",
    "users",
]
