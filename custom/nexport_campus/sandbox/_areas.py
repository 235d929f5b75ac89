"""All areas of the API that the sandbox models; importing this module fills the register of operations."""

from __future__ import annotations

from . import _admin, _assignments, _certificates, _enrolling, _enrollments, _scorm, _sections

__all__ = ["AREAS"]

AREAS = (_admin, _assignments, _certificates, _enrolling, _enrollments, _scorm, _sections)
