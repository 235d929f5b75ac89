"""Seeding of the syllabi: sections, training plans, their assignments and their catalogs."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import DAY, HOUR, MINUTE, SECOND, to_ticks
from nexport_campus.sandbox.database_schema import insert

from .random_streams import make_random_stream
from .seed_people import INSTRUCTOR, ORGANIZATIONS, PARTNER, ROOT

__all__ = [
    "LEVELS",
    "PARTNER_SECTIONS",
    "SECTIONS",
    "TOPICS",
    "TRAINING_PLANS",
    "seed_assignments",
    "seed_catalogs",
    "seed_syllabi",
]

TOPICS: Final = (
    "Aerial Lift", "Blasting", "Confined Space", "Crane Signals", "Defensive Driving", "Electrical Safety",
    "Fall Protection", "First Aid", "Food Hygiene", "Forklift", "Gas Detection", "Hazard Communication",
    "Hearing Conservation", "Incident Command", "Jobsite Inspection", "Kitchen Fire", "Ladder Safety",
    "Lockout Tagout", "Machine Guarding", "Noise Control", "Oxygen Handling", "Process Safety",
    "Rail Signals", "Respirator Use", "Scaffolding", "Trenching",
)  # fmt: skip
LEVELS: Final = ("Fundamentals", "Instructor", "Practice", "Refresher", "Supervisor")
_RUNS: Final = 20
SECTIONS: Final = len(TOPICS) * len(LEVELS) * _RUNS
TRAINING_PLANS: Final = 40
PARTNER_SECTIONS: Final = 10

_TYPES: Final = (
    ("Courseware Assignment", 2),
    ("Test Assignment", 2),
    ("Writing Assignment", 0),
    ("Discussion Assignment", 0),
    ("Media Assignment", 3),
    ("Survey Assignment", 3),
    ("Student Input Assignment", 0),
    ("Quality Assurance Assignment", 3),
)
_SYLLABUS_COLUMNS: Final = 28
_ASSIGNMENT_COLUMNS: Final = 20
_CATALOG_COLUMNS: Final = 12
_OPENED: Final = to_ticks(2023, 11, 1)


def seed_syllabi(connection: sqlite3.Connection, seed: int) -> None:
    """Insert sections (twenty runs of each course), training plans, and sections that only a partner has."""
    insert(connection, "syllabus", _generate_syllabi(make_random_stream(seed, "syllabi")), _SYLLABUS_COLUMNS)


def _generate_syllabi(rng: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(1, SECTIONS + 1):
        course, run = divmod(number - 1, _RUNS)
        title = f"{TOPICS[course // len(LEVELS)]} {LEVELS[course % len(LEVELS)]}"
        yield _make_section(rng, number, ROOT, title, f"{course + 101}-{run + 1:02}")
    for place in range(TRAINING_PLANS):
        title = f"{TOPICS[place % len(TOPICS)]} {'Certification' if place < len(TOPICS) else 'Diploma'} Plan"
        yield _make_training_plan(rng, SECTIONS + place + 1, title, f"TP-{place + 1:03}")
    for place in range(PARTNER_SECTIONS):
        number = SECTIONS + TRAINING_PLANS + place + 1
        yield _make_section(rng, number, PARTNER, f"Harbor Pilot Module {place + 1}", f"HP-{place + 1:02}")


def _make_section(
    rng: random.Random, number: int, organization: int, title: str, code: str
) -> tuple[Any, ...]:
    duration = f"{rng.randint(1, 16)} hours"
    return (
        *(number, 0, organization, title, f"SN {code}", f"SN {code}", f".{rng.randint(1, 9)} CEUs", duration),
        *_schedule(rng, number),
        f"<p>{title}, run {code}.</p>" if number % 50 else None,
        f"Work safely: {title.lower()}." if number % 40 else None,
        *(int(number % 10 != 9), INSTRUCTOR if number % 25 == 1 else None, 3 + number % 6),
    )


def _make_training_plan(rng: random.Random, number: int, title: str, code: str) -> tuple[Any, ...]:
    head = (number, 1, ROOT, title, code if number % 7 else None, None, None, None)
    return (*head, *_schedule(rng, number), f"<p>{title}.</p>", None, int(number % 5 != 4), None, 10)


def _schedule(rng: random.Random, number: int) -> tuple[Any, ...]:
    """Return the columns from created to credit_hours: a quarter never closes, a quarter is closed."""
    created = _OPENED - rng.randrange(200) * DAY - rng.randrange(HOUR)
    opened = _OPENED + rng.randrange(30) * DAY
    closed = (
        None,
        to_ticks(2026, 7, 1) + rng.randrange(30) * DAY,
        to_ticks(2040, 1, 1),
        to_ticks(2045, 6, 30),
    )[number % 4]
    final_drop = (None, to_ticks(2040, 1, 1), None, to_ticks(2041, 1, 1), to_ticks(2026, 7, 15))[number % 5]
    ending = None if number % 6 == 0 else to_ticks(2050, 1, 1) - SECOND
    flags = (int(number % 30 == 29), int(number % 12 == 11), int(number % 9 != 8), int(number % 8 == 7))
    training_start = opened if number % 3 else None
    hours = rng.choice((0.5, 1, 2, 2.25, 5, 8, 12.5))
    lasting = (int(number % 2), rng.choice((30, 60, 90, 365)))
    modified = created + rng.randrange(90 * DAY)
    return (
        *(created, modified, *flags, *lasting),
        *(opened, closed, final_drop, training_start, ending, int(number % 11 == 10), hours),
    )


def seed_assignments(connection: sqlite3.Connection, seed: int) -> None:
    """Insert three to eight assignments per section: courseware first, then a test, then others."""
    rng = make_random_stream(seed, "assignments")
    sections = connection.execute("SELECT number, title, assignment_count FROM syllabus WHERE type = 0")
    rows = (
        _make_assignment(rng, section, title, place)
        for section, title, count in sections.fetchall()
        for place in range(count)
    )
    insert(connection, "assignment", rows, _ASSIGNMENT_COLUMNS)


def _make_assignment(rng: random.Random, section: int, title: str, place: int) -> tuple[Any, ...]:
    kind, grading = _TYPES[place]
    # Two neighbours share a display order, and the second was added first, so that the date decides.
    added = _OPENED + (place // 2) * DAY + (1 - place % 2) * HOUR + rng.randrange(MINUTE)
    caption = (
        f"Lesson {place + 1}: {title}" if place % 3 else "Lesson $!{assignment.number}: $!{section.title}"
    )
    strategy = rng.randrange(3)
    return (
        *(section * 16 + place, section, caption, rng.choice((1, 3, 24)), float(rng.choice((1, 2, 2.5)))),
        *(10 * (strategy == 1), strategy, to_ticks(2049, 1, 1) if place % 2 else None),
        *(_OPENED if place % 3 == 2 else None, 5 * (place > 5)),
        *(added + rng.randrange(DAY), added, grading, 100.0, 70.0, place // 2 * 10, kind),
        3 if kind == "Test Assignment" else None,
        f"#if($student)Dear $!{{student.first_name}}, $title#end<p>{kind} {place + 1}</p>",
        ("1.2" if section % 3 else "2004") if kind == "Courseware Assignment" else None,
    )


def seed_catalogs(connection: sqlite3.Connection, seed: int) -> None:
    """Insert a catalog of everything, one per topic, seasonal ones, and one that only the partner sees."""
    rng = make_random_stream(seed, "catalogs")
    names = ["All Courses", *(f"{topic} Catalog" for topic in TOPICS)]
    names += [
        f"Season {year} {season}" for year in (2024, 2025, 2026) for season in ("Spring", "Autumn", "Winter")
    ]
    for number, name in enumerate(names, 1):
        _insert_catalog(connection, rng, number, ROOT, name)
        others = [(number, each) for each in range(2, len(ORGANIZATIONS) + 1) if each < PARTNER]
        connection.executemany("INSERT INTO catalog_share VALUES (?, ?)", others)
    for place, owner in enumerate((2, 3, 4), len(names) + 1):
        _insert_catalog(connection, rng, place, owner, f"{ORGANIZATIONS[owner - 1][1]} Picks")
        connection.execute("INSERT INTO catalog_share VALUES (?, ?)", (place, ROOT))
    _insert_catalog(connection, rng, len(names) + 4, PARTNER, "Harbor Catalog")
    _fill_all_courses(connection)
    _fill_topics(connection)
    _fill_others(connection, rng, len(names))


def _insert_catalog(
    connection: sqlite3.Connection, rng: random.Random, number: int, owner: int, name: str
) -> None:
    created = _OPENED - number * DAY - rng.randrange(HOUR)
    modified = created + rng.randrange(HOUR, 100 * DAY) if number % 5 else None
    limit = DAY + 2 * HOUR + 30 * MINUTE + 45 * SECOND if number % 3 == 0 else None
    who = (1, 2 if modified else None)
    choices = (rng.randrange(3), limit, (0, 0, 1, 2)[number % 4], f"<p>{name}</p>" if number % 10 else None)
    row = (number, owner, name, int(number % 13 != 12), created, modified, *who, *choices)
    insert(connection, "catalog", [row], _CATALOG_COLUMNS)


def _fill_all_courses(connection: sqlite3.Connection) -> None:
    """Fill catalog 1: a category per topic, in it one per level, which holds the sections."""
    levels = len(LEVELS)
    for place, topic in enumerate(TOPICS):
        parent = 1000 + place * 10
        rows: list[tuple[int, int, int | None, str, int]] = [(parent, 1, None, topic, _OPENED - place * DAY)]
        rows += [
            (parent + level + 1, 1, parent, LEVELS[level], _OPENED + place * DAY + level)
            for level in range(levels)
        ]
        connection.executemany("INSERT INTO category VALUES (?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "INSERT INTO product (catalog, category, syllabus) VALUES (1, ?, ?)",
        [
            (1000 + (number - 1) // (_RUNS * levels) * 10 + (number - 1) // _RUNS % levels + 1, number)
            for number in range(1, SECTIONS + 1)
        ]
        + [(1000 + place % len(TOPICS) * 10, SECTIONS + place + 1) for place in range(TRAINING_PLANS)],
    )


def _fill_topics(connection: sqlite3.Connection) -> None:
    """Fill the catalogs from 2 on, each with the sections and training plans of one topic."""
    size = len(LEVELS) * _RUNS
    rows = [(2 + (number - 1) // size, number) for number in range(1, SECTIONS + 1)]
    rows += [(2 + place % len(TOPICS), SECTIONS + place + 1) for place in range(TRAINING_PLANS)]
    connection.executemany("INSERT INTO product (catalog, syllabus) VALUES (?, ?)", rows)


def _fill_others(connection: sqlite3.Connection, rng: random.Random, named: int) -> None:
    rows = [
        (catalog, number)
        for catalog in [*range(2 + len(TOPICS), named), *range(named + 1, named + 4)]
        for number in rng.sample(range(1, SECTIONS + 1), 12)
    ]
    partner = SECTIONS + TRAINING_PLANS + 1
    rows += [(named + 4, number) for number in range(partner, partner + PARTNER_SECTIONS)]
    connection.executemany("INSERT INTO product (catalog, syllabus) VALUES (?, ?)", rows)
