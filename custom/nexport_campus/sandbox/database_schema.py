"""Database tables of the campus, and the connection to them.

Rows are identified by number, which `ids` converts to public ids. Enrollments are numbered by date, so
that reading them by date reads the table in order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

__all__ = ["connect", "create_indexes", "create_tables", "insert"]

_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

CREATE TABLE organization (number INTEGER PRIMARY KEY, parent INTEGER, name TEXT, short_name TEXT UNIQUE);
CREATE TABLE lineage (descendant INTEGER, ancestor INTEGER, distance INTEGER,
    PRIMARY KEY (descendant, ancestor)) WITHOUT ROWID;
CREATE TABLE membership_group (number INTEGER PRIMARY KEY, organization INTEGER, name TEXT);

CREATE TABLE user (number INTEGER PRIMARY KEY, organization INTEGER, first_name TEXT, last_name TEXT);
CREATE TABLE account (user INTEGER PRIMARY KEY, username TEXT UNIQUE, password TEXT, role TEXT);
CREATE TABLE permission (user INTEGER, organization INTEGER, name TEXT,
    PRIMARY KEY (user, organization, name)) WITHOUT ROWID;
CREATE TABLE token (value TEXT PRIMARY KEY, user INTEGER, expires INTEGER) WITHOUT ROWID;
CREATE TABLE subscription (number INTEGER PRIMARY KEY, user INTEGER, organization INTEGER);
CREATE TABLE membership (number INTEGER PRIMARY KEY AUTOINCREMENT, user INTEGER, organization INTEGER,
    UNIQUE (user, organization));

CREATE TABLE syllabus (number INTEGER PRIMARY KEY, type INTEGER, organization INTEGER, title TEXT,
    unique_name TEXT UNIQUE, section_number TEXT, section_ceus TEXT, section_duration TEXT,
    created INTEGER, modified INTEGER, hidden INTEGER, disable_certificates INTEGER, allow_drops INTEGER,
    auto_enroll INTEGER, ends_after_period INTEGER, enrollment_duration INTEGER,
    enrollment_start INTEGER, enrollment_end INTEGER, final_drop_date INTEGER,
    training_start INTEGER, training_end INTEGER, disable_manual_enrollment INTEGER, credit_hours REAL,
    description TEXT, objectives TEXT, certificate INTEGER, instructor INTEGER, assignment_count INTEGER);
CREATE TABLE assignment (number INTEGER PRIMARY KEY, syllabus INTEGER, title TEXT, pacing_hours INTEGER,
    weight REAL, due_date_deduction INTEGER, due_date_strategy INTEGER, due INTEGER, start INTEGER,
    lock_out_hours INTEGER, modified INTEGER, added INTEGER, grading_strategy INTEGER, max_score REAL,
    mastery_score REAL, display_order INTEGER, assignment_type TEXT, attempt_limit INTEGER,
    instructions TEXT, scorm TEXT);

CREATE TABLE catalog (number INTEGER PRIMARY KEY, organization INTEGER, name TEXT, is_enabled INTEGER,
    created INTEGER, modified INTEGER, owner INTEGER, modified_by INTEGER, pricing_model INTEGER,
    access_time_limit INTEGER, publishing_model INTEGER, description TEXT);
CREATE TABLE catalog_share (catalog INTEGER, organization INTEGER,
    PRIMARY KEY (organization, catalog)) WITHOUT ROWID;
CREATE TABLE category (number INTEGER PRIMARY KEY, catalog INTEGER, parent INTEGER, name TEXT,
    created INTEGER);
CREATE TABLE product (number INTEGER PRIMARY KEY, catalog INTEGER, category INTEGER, syllabus INTEGER);

CREATE TABLE enrollment (number INTEGER PRIMARY KEY, subscription INTEGER, user INTEGER,
    organization INTEGER, syllabus INTEGER, enrolled INTEGER, started INTEGER, expires INTEGER,
    completed INTEGER, first_activity INTEGER, last_activity INTEGER, result INTEGER, phase INTEGER,
    assignments_done INTEGER, score INTEGER);
CREATE TABLE transcript (enrollment INTEGER PRIMARY KEY, record TEXT, recorded INTEGER, user INTEGER,
    organization INTEGER, syllabus INTEGER, completed INTEGER, result INTEGER);

CREATE TABLE detailed (enrollment INTEGER PRIMARY KEY);
CREATE TABLE assignment_status (number INTEGER PRIMARY KEY, enrollment INTEGER, assignment INTEGER,
    phase INTEGER, result INTEGER, resubmit_reason TEXT, override INTEGER, override_reason TEXT,
    created INTEGER, first_activity INTEGER, last_activity INTEGER, completed INTEGER,
    override_admin INTEGER, grade_given_by INTEGER, score INTEGER);
CREATE TABLE test_attempt (number INTEGER PRIMARY KEY, status INTEGER, attempt_index INTEGER,
    started INTEGER, time_left_updated INTEGER, finished INTEGER, allow_relaunch INTEGER,
    time_left INTEGER, num_questions INTEGER, is_complete INTEGER, score REAL, comments TEXT,
    proctor INTEGER, proctored INTEGER);
CREATE TABLE proctor (number INTEGER PRIMARY KEY, user INTEGER, code TEXT, access_code TEXT);
CREATE TABLE session (number INTEGER PRIMARY KEY, status INTEGER, enrollment INTEGER, position INTEGER,
    started INTEGER, ended INTEGER);
CREATE TABLE sco (status INTEGER, sco_id TEXT, title TEXT, started INTEGER, exited INTEGER,
    elements TEXT, PRIMARY KEY (status, sco_id)) WITHOUT ROWID;

CREATE TABLE field (number INTEGER PRIMARY KEY, organization INTEGER, name TEXT, key TEXT UNIQUE,
    description TEXT, type INTEGER, options TEXT);
CREATE TABLE field_default (number INTEGER PRIMARY KEY, field INTEGER, organization INTEGER,
    syllabus INTEGER, value TEXT);
CREATE TABLE field_value (enrollment INTEGER, field INTEGER, value TEXT,
    PRIMARY KEY (enrollment, field)) WITHOUT ROWID;
CREATE TABLE profile_field (number INTEGER PRIMARY KEY, key TEXT UNIQUE, type INTEGER, options TEXT);
CREATE TABLE profile_field_value (subscription INTEGER, field INTEGER, value TEXT,
    PRIMARY KEY (subscription, field)) WITHOUT ROWID;

CREATE TABLE invoice (number INTEGER PRIMARY KEY, agent INTEGER, organization INTEGER,
    purchasing_group INTEGER, note TEXT, state INTEGER, code TEXT);
CREATE TABLE invoice_item (number INTEGER PRIMARY KEY, invoice INTEGER, product INTEGER, catalog INTEGER,
    cost REAL, note TEXT, access_ends INTEGER, access_limit INTEGER, organization INTEGER, groups TEXT,
    purchasing_group INTEGER, available INTEGER, code TEXT, redeemed INTEGER, redeemed_by INTEGER,
    enrollment INTEGER);
CREATE TABLE invoice_payment (number INTEGER PRIMARY KEY, invoice INTEGER, payee INTEGER, amount REAL,
    transaction_id TEXT, paid INTEGER, note TEXT);
CREATE TABLE scheduled_payment (number INTEGER PRIMARY KEY, invoice INTEGER, amount REAL, due INTEGER, note TEXT);

CREATE TABLE sso_token (value TEXT PRIMARY KEY, subscription INTEGER, enrollment INTEGER, display INTEGER,
    expires INTEGER) WITHOUT ROWID;
CREATE TABLE redirect (subscription INTEGER PRIMARY KEY, logout_url TEXT, invalid_token_url TEXT,
    expired_token_url TEXT);
"""

# Created after the rows are inserted: sorting once is far faster than updating an index a million times.
_INDEXES: Final = """
CREATE INDEX enrollment_user ON enrollment (user);
CREATE INDEX enrollment_syllabus ON enrollment (syllabus);
CREATE INDEX subscription_user ON subscription (user, organization);
CREATE INDEX assignment_syllabus ON assignment (syllabus);
CREATE INDEX product_catalog ON product (catalog);
CREATE INDEX product_category ON product (category);
CREATE INDEX product_syllabus ON product (syllabus);
CREATE INDEX assignment_status_enrollment ON assignment_status (enrollment);
CREATE INDEX test_attempt_status ON test_attempt (status);
CREATE INDEX session_enrollment ON session (enrollment);
CREATE INDEX invoice_item_invoice ON invoice_item (invoice);
CREATE INDEX invoice_item_code ON invoice_item (code);
"""


def connect(database: str | None) -> sqlite3.Connection:
    """Open the file `database`, or a database in memory. Transactions are left to the caller."""
    connection = sqlite3.connect(database or ":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    # The data can be seeded again at any time, so speed matters more than durability.
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the empty tables."""
    connection.executescript(_TABLES)


def create_indexes(connection: sqlite3.Connection) -> None:
    """Create the indexes. Call it once the tables are filled."""
    connection.executescript(_INDEXES)


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]], columns: int) -> None:
    """Insert rows that have a value for each of the table's `columns`."""
    marks = ", ".join("?" * columns)
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  the name is a constant
