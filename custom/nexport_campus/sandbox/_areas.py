"""All areas of the API that the sandbox models; importing this module fills the register of operations."""

from __future__ import annotations

from . import (
    _admin,
    _assignments,
    _catalog_contents,
    _catalogs,
    _certificates,
    _custom_fields,
    _enrolling,
    _enrollments,
    _organizations,
    _scorm,
    _sections,
    _student_sessions,
    _test_attempts,
    _training_plans,
)

__all__ = ["AREAS"]

AREAS = (
    _admin,
    _assignments,
    _catalog_contents,
    _catalogs,
    _certificates,
    _custom_fields,
    _enrolling,
    _enrollments,
    _organizations,
    _scorm,
    _sections,
    _student_sessions,
    _test_attempts,
    _training_plans,
)
