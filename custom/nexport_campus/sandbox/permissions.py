"""Who may do what where: the permissions that the vendor's pages name, granted to a user in an organization."""

from __future__ import annotations

import enum
import sqlite3

from .operation_results import forbidden

__all__ = ["Permission", "Permissions"]


class Permission(enum.StrEnum):
    """The permissions of the vendor's pages, in their words."""

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


class Permissions:
    """Answers whether a user has a permission; no operation changes one, so the answers are kept."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: dict[tuple[int, str, bool], frozenset[int]] = {}

    def organizations(self, user: int, permission: Permission, *, ancestors: bool = True) -> frozenset[int]:
        """The organizations where the user has the permission, there or (`ancestors`) further up."""
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
        """Whether the user has the permission in that organization or (`ancestors`) further up."""
        return organization in self.organizations(user, permission, ancestors=ancestors)

    def require(
        self, user: int, organization: int, *any_of: Permission, ancestors: bool = True, action: str
    ) -> None:
        """Refuse with 403, code 5, a user who has none of the permissions there."""
        if not any(self.has(user, each, organization, ancestors=ancestors) for each in any_of):
            raise forbidden(f"Not authorized to {action}")
