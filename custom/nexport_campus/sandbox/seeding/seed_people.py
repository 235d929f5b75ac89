"""Seeding of the organizations, the API users with their permissions, and the students."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from nexport_campus.sandbox.accounts import ACCOUNT_NAMES, account_password, account_username
from nexport_campus.sandbox.permissions import Permission

from .random_streams import make_random_stream

__all__ = [
    "ADMINISTRATOR",
    "BUSY",
    "FIRST_STUDENT",
    "PARTNER",
    "ROOT",
    "count_subscriptions",
    "seed_accounts",
    "seed_organizations",
    "seed_students",
]

ROOT: Final = 1
EAST: Final = 2
BUSY: Final = 5
PARTNER: Final = 13
FIRST_STUDENT: Final = 101
ADMINISTRATOR: Final = 1
INSTRUCTOR: Final = 4

# (short name, name, parent's number); an organization's number is its one-based place in this list.
ORGANIZATIONS: Final = (
    ("northwind", "Northwind Training Group", None),
    ("nw-east", "Northwind East", 1),
    ("nw-west", "Northwind West", 1),
    ("nw-central", "Northwind Central", 1),
    ("boston", "Boston Trade School", 2),
    ("newyork", "New York Institute of Safety", 2),
    ("boston-evening", "Boston Evening Courses", 5),
    ("seattle", "Seattle Harbor College", 3),
    ("portland", "Portland Skills Center", 3),
    ("denver", "Denver Mountain Rescue School", 4),
    ("chicago", "Chicago Technical Campus", 4),
    ("chicago-rail", "Chicago Rail Academy", 11),
    ("harbor", "Harbor Partner Academy", 1),
    ("harbor-lab", "Harbor Simulation Lab", 13),
)

_VIEW: Final = (
    Permission.VIEW_SECTION_ENROLLMENTS,
    Permission.VIEW_TRAINING_PLAN_ENROLLMENTS,
    Permission.VIEW_ENROLLMENTS,
    Permission.VIEW_USERS,
)
_UPDATE: Final = (Permission.UPDATE_SECTION_ENROLLMENTS, Permission.UPDATE_TRAINING_PLAN_ENROLLMENTS)

# In the order of ACCOUNT_NAMES: role, permissions, organizations where they are granted.
_ACCOUNTS: Final[tuple[tuple[str, tuple[Permission, ...], tuple[int, ...]], ...]] = (
    ("API User", tuple(Permission), tuple(range(1, len(ORGANIZATIONS) + 1))),
    ("API User", _VIEW, (EAST,)),
    ("API User", _VIEW + _UPDATE, (BUSY,)),
    ("Instructor", (), ()),
    ("System Operator", tuple(Permission), (ROOT,)),
    ("Customer Service", tuple(Permission), (ROOT,)),
)

_FIRST: Final = (
    "Ada", "Amir", "Bea", "Carlos", "Dana", "Elif", "Emeka", "Fatima", "Grace", "Hana", "Igor", "Ines",
    "Jamal", "Kaya", "Leo", "Mara", "Mateo", "Nadia", "Noor", "Olga", "Omar", "Priya", "Quinn", "Rosa",
    "Sam", "Tariq", "Uma", "Wen", "Yara",
)  # fmt: skip
_LAST: Final = (
    "Adams", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Khan",
    "Lopez", "Meyer", "Nguyen", "Okafor", "Patel", "Rossi", "Schmidt", "Tanaka", "Varga", "Weber", "Xu",
    "Zhang",
)  # fmt: skip


def seed_organizations(connection: sqlite3.Connection) -> None:
    """Insert the organizations, their closure table, and a group for each organization."""
    for number, (short_name, name, parent) in enumerate(ORGANIZATIONS, 1):
        connection.execute("INSERT INTO organization VALUES (?, ?, ?, ?)", (number, parent, name, short_name))
        connection.execute(
            "INSERT INTO lineage SELECT ?, ancestor, distance + 1 FROM lineage WHERE descendant = ?",
            (number, parent),
        )
        connection.execute("INSERT INTO lineage VALUES (?, ?, 0)", (number, number))
        connection.execute("INSERT INTO membership_group VALUES (?, ?, ?)", (number, number, f"{name} Group"))


def seed_accounts(connection: sqlite3.Connection, seed: int) -> None:
    """Insert the API users. Two of them have roles that may not log in (AdminApi page, Authenticate)."""
    for user, (name, account) in enumerate(zip(ACCOUNT_NAMES, _ACCOUNTS, strict=True), 1):
        role, permissions, organizations = account
        connection.execute("INSERT INTO user VALUES (?, ?, ?, ?)", (user, ROOT, "Api", name.title()))
        login = (user, account_username(name), account_password(seed, name), role)
        connection.execute("INSERT INTO account VALUES (?, ?, ?, ?)", login)
        grants = [(user, organization, each) for organization in organizations for each in permissions]
        connection.executemany("INSERT INTO permission VALUES (?, ?, ?)", grants)
    proctors = [
        (number, FIRST_STUDENT + number, f"PR-{number:03}", f"AC{number * 7919 % 10000:04}")
        for number in range(1, 9)
    ]
    connection.executemany("INSERT INTO proctor VALUES (?, ?, ?, ?)", proctors)


def count_subscriptions(enrollments: int) -> int:
    """Return the number of subscriptions that this many enrollments need."""
    return max(25, enrollments // 4)


def seed_students(connection: sqlite3.Connection, seed: int, enrollments: int) -> None:
    """Insert students, each with a subscription and a membership; every tenth has a second of each elsewhere."""
    count = count_subscriptions(enrollments)
    students = count - count // 10
    homes = _choose_homes(seed)
    connection.executemany(
        "INSERT INTO user VALUES (?, ?, ?, ?)",
        (
            (
                FIRST_STUDENT + place,
                homes[place % 20],
                _FIRST[place * 7 % len(_FIRST)],
                _LAST[place * 11 % len(_LAST)],
            )
            for place in range(students)
        ),
    )
    connection.executemany(
        "INSERT INTO subscription VALUES (?, ?, ?)", _generate_subscriptions(count, students, homes)
    )
    connection.execute(
        "INSERT INTO membership (user, organization)"
        " SELECT user, organization FROM subscription ORDER BY user, organization"
    )


def _generate_subscriptions(count: int, students: int, homes: list[int]) -> Iterator[tuple[int, int, int]]:
    for place in range(students):
        yield place + 1, FIRST_STUDENT + place, homes[place % 20]
    for place in range(count - students):
        elsewhere = 6 if homes[place % 20] != 6 else 8
        yield students + place + 1, FIRST_STUDENT + place, elsewhere


def _choose_homes(seed: int) -> list[int]:
    """Return the organizations of twenty consecutive students: most belong to the busiest one."""
    homes = [BUSY] * 12 + [1, 2, 6, 7, 8, 10, 11, 12]
    make_random_stream(seed, "homes").shuffle(homes)
    return homes
