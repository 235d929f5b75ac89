"""Permissions that the vendor's pages name, granted to a user in an organization."""

from __future__ import annotations

import enum
import sqlite3

from .operation_results import forbidden

__all__ = ["Permission", "Permissions"]


class Permission(enum.StrEnum):
    """The permissions named on the vendor's pages and in its guides, in the vendor's words."""

    VIEW_SECTION_ENROLLMENTS = "View Section Enrollments"
    VIEW_TRAINING_PLAN_ENROLLMENTS = "View Training Plan Enrollments"
    VIEW_ENROLLMENTS = "View Enrollments"
    UPDATE_SECTION_ENROLLMENTS = "Update Section Enrollments"
    UPDATE_TRAINING_PLAN_ENROLLMENTS = "Update Training Plan Enrollments"
    DROP_SECTION_ENROLLMENTS = "Drop Section Enrollments"
    DROP_TRAINING_PLAN_ENROLLMENTS = "Drop Training Plan Enrollments"
    DELETE_SECTION_ENROLLMENTS = "Delete Section Enrollments"
    ADD_SUBSCRIPTIONS = "Add Subscriptions"
    ADD_MEMBERSHIPS = "Add Memberships"
    VIEW_USERS = "View Users"
    VIEW_USER_PROFILE = "View User Profile"
    VIEW_USER_SUBSCRIPTIONS = "View User Subscriptions"
    EDIT_USER_EXTENDED_PROFILE = "Edit User Extended Profile"
    MANAGE_INVOICES = "Manage Invoices"
    GROUP_PURCHASING_AGENT = "Group Purchasing Agent"
    USE_SSO_API = "Use SSO API"


class Permissions:
    """Permission lookup with a cache, which stays valid because no operation changes permissions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: dict[tuple[int, str, bool], frozenset[int]] = {}

    def organizations(self, user: int, permission: Permission, *, ancestors: bool = True) -> frozenset[int]:
        """Return the organizations where the user has the permission, directly or through an ancestor."""
        key = user, permission, ancestors
        if key not in self._kept:
            sql = (
                "SELECT DISTINCT descendant FROM permission JOIN lineage ON ancestor = organization"
                " WHERE user = ? AND name = ?"
            )
            if not ancestors:
                sql += " AND distance = 0"
            self._kept[key] = frozenset(row[0] for row in self._connection.execute(sql, (user, permission)))
        return self._kept[key]

    def has(self, user: int, permission: Permission, organization: int, *, ancestors: bool = True) -> bool:
        """Return whether the user has the permission in the organization or, with `ancestors`, above it."""
        return organization in self.organizations(user, permission, ancestors=ancestors)

    def require(
        self, user: int, organization: int, *any_of: Permission, ancestors: bool = True, action: str
    ) -> None:
        """Raise a 403 refusal with code 5 if the user has none of the permissions there."""
        if not any(self.has(user, each, organization, ancestors=ancestors) for each in any_of):
            raise forbidden(f"Not authorized to {action}")
