"""How records become rows and cells: what tells them apart, and what files hold of odd ones."""

import csv
import gc
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pyarrow.parquet  # type: ignore[import-untyped]  # it brings no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import Drift, NexportCampus, StaticToken
from nexport_campus._export.datasets import DATASETS, Record
from nexport_campus._export.parquet_writer import ParquetWriter
from nexport_campus._export.request import LAST
from nexport_campus._export.tables import typed_table
from nexport_campus._export.target import replacing
from nexport_campus._export.writers import CsvWriter
from nexport_campus.models import ApiEnrollmentItem
from tests.export.running import plan_of, read_rows, run

ONE = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
TWO = "d16e6f25-12a6-4a57-a917-4279e2b752d4"
GOOD = {"error_code": 0}
STATUS = {
    "assignment_status_id": ONE, "assignment_id": ONE, "enrollment_id": ONE, "user_id": TWO, "phase": 1, "result": 0,
    "academic_override": False, "utc_creation_date": None, "api_error_entity": GOOD,
}  # fmt: skip


def campus_of(answers: dict[str, Any]) -> NexportCampus:
    """A campus that answers every operation with the same, whatever it is asked; lists end on their second page."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers[request.url.path.rpartition("/")[2]]
        if callable(found):
            found = found(json.loads(request.content))
        if isinstance(found, httpx.Response):
            return found
        if isinstance(found, list) and request.url.params["page"] != "1":
            found = []
        return httpx.Response(
            200, content=json.dumps(found).encode(), headers={"Content-Type": "application/json"}
        )

    def nobody(_: Drift) -> None:
        """What is odd here is so on purpose."""

    return NexportCampus(StaticToken("any"), transport=httpx.MockTransport(answer), on_drift=nobody)


def searched(**more: Any) -> dict[str, Any]:
    """An answer of SearchEnrollments with one enrollment."""
    item = {"enrollment_id": ONE, "user_id": TWO, "result": 0, "phase": 1} | more
    return {"enrollments": [item], "page": 1, "page_size": 1, "total_count": 1, "api_error_entity": GOOD}


async def test_sessions_without_an_id(tmp_path: Path) -> None:
    """The spec promises none: what else a session is tells it apart, and its end may move."""
    session = {
        "user_id": TWO,
        "order": 1,
        "utc_start": "2026-01-01T00:00:00Z",
        "utc_end": "2026-01-01T01:00:00Z",
    }
    sessions = [
        session,
        session | {"utc_end": "2026-01-01T02:00:00Z"},
        session | {"order": 2},
        session | {"id": ONE},
    ]
    told = {"sessions": sessions, "page": 1, "page_size": 4, "total_count": 4, "api_error_entity": GOOD}
    async with campus_of({"SearchEnrollments": searched(), "GetStudentSessions": told}) as campus:
        await run(campus, plan_of("sessions", ONE), tmp_path / "s.db")
    rows = read_rows(tmp_path / "s.db", "sessions")
    assert sorted(row["utc_end"][11:13] for row in rows if row["order"] == 1 and not row["id"]) == ["02"]
    assert {row["session_key"] for row in rows if row["id"]} == {ONE}
    assert len(rows) == 3


async def test_rows_of_one_sco(tmp_path: Path) -> None:
    """Should an answer have a SCO twice, both are rows; a SCO that reports an error is none, and is told."""
    sco = {"title": "T", "sco_id": "I_SCO0", "cmi_fields": [], "api_error_entity": GOOD}
    broken = sco | {"api_error_entity": {"error_code": 1, "error_message": "unreadable"}}
    answers = {
        "SearchEnrollments": searched(),
        "GetAssignmentStatuses": [STATUS],
        "GetCmiData": [sco, sco, sco | {"sco_id": "I_SCO1"}, broken],
    }
    async with campus_of(answers) as campus:
        summary = await run(campus, plan_of("scorm-data", ONE), tmp_path / "s.csv")
    rows = [(row["sco_id"], row["occurrence"]) for row in read_rows(tmp_path / "s.csv")]
    assert rows == [("I_SCO0", "0"), ("I_SCO0", "1"), ("I_SCO1", "0")]
    assert summary.errors == [f"SCORM data of assignment {ONE} of enrollment {ONE}: unreadable"]


@pytest.mark.parametrize(("code", "status"), [(3, 409), (2, 422)])
async def test_assignments_without_scorm_data(tmp_path: Path, code: int, status: int) -> None:
    """One that the campus doesn't find has none; one that it refuses is told. The enrollment's others come."""
    sco = {"title": "T", "sco_id": "I_SCO0", "cmi_fields": [], "api_error_entity": GOOD}
    refusal = {"api_error_entity": {"error_code": code, "error_message": "no such thing"}}

    def cmi_data(asked: dict[str, Any]) -> Any:
        return [sco] if asked["assignment_id"] == ONE else httpx.Response(status, json=refusal)

    statuses = [STATUS, STATUS | {"assignment_status_id": TWO, "assignment_id": TWO}]
    answers = {"SearchEnrollments": searched(), "GetAssignmentStatuses": statuses, "GetCmiData": cmi_data}
    async with campus_of(answers) as campus:
        summary = await run(campus, plan_of("scorm-data", ONE), tmp_path / "s.jsonl")
    assert [row["assignment_id"] for row in read_rows(tmp_path / "s.jsonl")] == [ONE]
    assert summary.failed == (code == 2)
    assert all(TWO in error and "no such thing" in error for error in summary.errors)


async def test_what_the_spec_does_not_know(tmp_path: Path) -> None:
    """Unknown keys, enum numbers and .NET's unset date are kept in every format."""
    odd = searched(phase=99, mood="good", enrollment_date="0001-01-01T00:00:00+14:00")
    async with campus_of({"SearchEnrollments": odd}) as campus:
        for suffix in ("jsonl", "csv", "db"):
            await run(campus, plan_of("enrollments", ONE), tmp_path / f"e.{suffix}", labels=suffix == "csv")
    (line,), (cells,), (row,) = (read_rows(tmp_path / f"e.{suffix}") for suffix in ("jsonl", "csv", "db"))
    assert (line["mood"], line["phase"]) == ("good", 99)
    assert (json.loads(cells["additional_properties"]), cells["phase"]) == ({"mood": "good"}, "Unknown (99)")
    assert (json.loads(row["additional_properties"]), row["phase"]) == ({"mood": "good"}, 99)
    assert line["enrollment_date"] == "0001-01-01T00:00:00+00:00"
    assert cells["enrollment_date"] == row["enrollment_date"] == "0001-01-01T00:00:00.000000Z"


async def test_dates_at_the_edges_of_utc_in_parquet(tmp_path: Path) -> None:
    """.NET's first and last dates, with an offset or without, can be read again as Python's dates, in order."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    dates = {
        "9999-12-31T23:59:59.9999999-06:00": last,
        "2026-05-01T12:00:00-05:30": datetime(2026, 5, 1, 17, 30, tzinfo=UTC),
        "0001-01-01T00:00:00-01:00": first + timedelta(hours=1),
        "0001-01-01T00:00:00+01:00": first,
    }
    (one,) = searched()["enrollments"]
    enrollments = [
        one | {"enrollment_id": str(UUID(int=number)), "enrollment_date": date}
        for number, date in enumerate(dates)
    ]
    answer = searched() | {"enrollments": enrollments, "total_count": len(enrollments)}
    async with campus_of({"SearchEnrollments": answer}) as campus:
        await run(campus, plan_of("enrollments", ONE), tmp_path / "e.parquet")
    rows = read_rows(tmp_path / "e.parquet")
    assert [row["enrollment_date"] for row in rows] == sorted(dates.values())


async def test_half_of_a_surrogate_pair(tmp_path: Path) -> None:
    """It stops no export, in whatever format, and is U+FFFD in the file."""
    odd = searched(**{"mood\ud800": ["\udc00"]})
    fields = [{"cmi_element_name": "cmi.core.exit", "cmi_element_value": "a\udbff"}]
    sco = {"title": "\ud800", "sco_id": "S", "cmi_fields": fields, "api_error_entity": GOOD}
    answers = {"SearchEnrollments": odd, "GetAssignmentStatuses": [STATUS], "GetCmiData": [sco]}
    async with campus_of(answers) as campus:
        for suffix in ("jsonl", "csv", "db", "parquet"):
            for kind in ("enrollments", "scorm-data"):
                await run(campus, plan_of(kind, ONE), tmp_path / f"{kind}.{suffix}")
            (found,) = read_rows(tmp_path / f"enrollments.{suffix}")
            (data,) = read_rows(tmp_path / f"scorm-data.{suffix}", "scorm_data")
            kept = found if suffix == "jsonl" else json.loads(found["additional_properties"])
            assert kept["mood\ufffd"] == ["\ufffd"]
            assert data["title"] == "\ufffd"
            assert suffix == "jsonl" or data["cmi.core.exit"] == "a\ufffd"


@pytest.mark.parametrize("suffix", ["jsonl", "db"])
async def test_sessions_that_name_no_organization(tmp_path: Path, suffix: str) -> None:
    """Where sessions can't be read again, the rows that don't tell whose they are are kept, too."""
    session = {"user_id": TWO, "order": 1, "utc_start": "2026-01-01T00:00:00Z"}
    sessions = [session, session | {"order": 2, "organization_id": ONE}]
    found = {"sessions": sessions, "page": 1, "page_size": 2, "total_count": 2, "api_error_entity": GOOD}
    answers: dict[str, Any] = {"SearchEnrollments": searched(), "GetStudentSessions": found}
    plan, target = plan_of("sessions", ONE), tmp_path / f"s.{suffix}"
    async with campus_of(answers) as campus:
        await run(campus, plan, target)
        answers["GetStudentSessions"] = httpx.Response(404, html="<html></html>")
        lacking = await run(campus, plan, target)
        assert (lacking.failed, lacking.counts.rows, lacking.counts.removed) == (1, 2, 0)
        answers["GetStudentSessions"] = found | {"sessions": [], "total_count": 0}
        assert (await run(campus, plan, target)).counts.removed == 2
    assert read_rows(target, "sessions") == []


@pytest.mark.parametrize("number", [2**31, 2**63, -(2**70)])
async def test_numbers_that_fit_into_no_column(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One absurd number stops no export: typed columns are left empty, which is logged; text formats have it."""
    session = {"id": ONE, "user_id": TWO, "order": number, "utc_start": "2026-01-01T00:00:00Z"}
    found = {"sessions": [session], "page": 1, "page_size": 1, "total_count": 1, "api_error_entity": GOOD}
    async with campus_of({"SearchEnrollments": searched(), "GetStudentSessions": found}) as campus:
        for suffix in ("jsonl", "csv", "db", "parquet"):
            await run(campus, plan_of("sessions", ONE), tmp_path / f"s.{suffix}")
    orders = {
        suffix: read_rows(tmp_path / f"s.{suffix}", "sessions")[0]["order"]
        for suffix in ("jsonl", "csv", "db", "parquet")
    }
    typed = number if number < 2**63 and number > 0 else None
    assert orders == {"jsonl": number, "csv": str(number), "db": typed, "parquet": typed}
    assert (f"order {number} is too large" in caplog.text) == (typed is None)


async def test_an_enum_number_that_fits_into_no_column(tmp_path: Path) -> None:
    """Parquet has enums in 32 bits."""
    async with campus_of({"SearchEnrollments": searched(phase=2**31)}) as campus:
        await run(campus, plan_of("enrollments", ONE), tmp_path / "e.parquet")
    assert [row["phase"] for row in read_rows(tmp_path / "e.parquet")] == [None]


def test_a_parquet_writer_that_is_given_up() -> None:
    """It writes nothing more when it is freed, which Python would report on stderr."""
    file = io.BytesIO()
    writer = ParquetWriter(file, DATASETS["enrollments"], (), labels=False)
    file.close()
    writer.abandon()
    del writer
    gc.collect()


async def test_types_in_parquet(tmp_path: Path) -> None:
    """Columns have their types whatever is in them, even in a file without rows."""
    empty = searched() | {"enrollments": [], "total_count": 0}
    async with campus_of({"SearchEnrollments": empty}) as campus:
        await run(campus, plan_of("scorm-data", ONE), tmp_path / "s.parquet")
        await run(campus, plan_of("enrollments", ONE), tmp_path / "e.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "e.parquet")
    assert str(schema.field("enrollment_date").type) == "timestamp[us, tz=UTC]"
    assert str(schema.field("phase").type) == "int32"
    assert str(schema.field("enrollment_id").type) == "string"
    assert "cmi.core.lesson_status" in pyarrow.parquet.read_schema(tmp_path / "s.parquet").names


@pytest.mark.parametrize("suffix", ["jsonl", "db"])
async def test_a_row_that_changed(tmp_path: Path, suffix: str) -> None:
    """It takes the place of the one that was there, and is counted once; one that didn't change is none."""
    answers = {"SearchEnrollments": searched()}
    async with campus_of(answers) as campus:
        plan, target = plan_of("enrollments", ONE, since=LAST), tmp_path / f"e.{suffix}"
        await run(campus, plan, target)
        answers["SearchEnrollments"] = searched(phase=2, result=1)
        changed = (await run(campus, plan, target)).counts
        assert (changed.rows, changed.new, changed.updated, changed.removed) == (1, 0, 1, 0)
        same = (await run(campus, plan, target)).counts
        assert (same.rows, same.new, same.updated, same.removed) == (1, 0, 0, 0)
        answers["SearchEnrollments"] = searched(enrollment_id=TWO)
        other = (await run(campus, plan_of("enrollments", ONE), target)).counts
        assert (other.rows, other.new, other.updated, other.removed) == (1, 1, 0, 1)
    assert [(row["enrollment_id"], row["phase"]) for row in read_rows(target)] == [(TWO, 1)]


async def test_a_new_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that an earlier version made gets the columns that it lacks."""
    columns = ApiEnrollmentItem.columns()
    async with campus_of({"SearchEnrollments": searched()}) as campus:
        with monkeypatch.context() as patch:
            patch.setattr(ApiEnrollmentItem, "columns", lambda: dict(list(columns.items())[:-3]))
            await run(campus, plan_of("enrollments", ONE), tmp_path / "e.db")
        await run(campus, plan_of("enrollments", ONE), tmp_path / "e.db")
    (row,) = read_rows(tmp_path / "e.db")
    assert set(row) == set(columns)
    assert row["user_id"] == TWO


async def test_other_elements(tmp_path: Path) -> None:
    """An export that replaces one with other elements has its own columns alone."""
    fields = [{"cmi_element_name": "cmi.exit", "cmi_element_value": "suspend"}]
    sco = {"title": "T", "sco_id": "I", "cmi_fields": fields, "api_error_entity": GOOD}
    answers = {
        "SearchEnrollments": searched(),
        "GetAssignmentStatuses": [STATUS],
        "GetCmiData": [sco],
    }
    async with campus_of(answers) as campus:
        await run(campus, plan_of("scorm-data", ONE, elements=("cmi.exit",)), tmp_path / "s.db")
        other = plan_of("scorm-data", ONE, elements=("cmi.entry",))
        await run(campus, other, tmp_path / "s.db", restart=True)
    (row,) = read_rows(tmp_path / "s.db", "scorm_data")
    assert row["cmi.entry"] is None
    assert "cmi.exit" not in row


def cells_of(*texts: str, bom: bool = False) -> tuple[bytes, list[dict[str, str]]]:
    """A CSV of SCORM data with these titles: its bytes, and its rows as read back."""
    file = io.BytesIO()
    writer = CsvWriter(file, DATASETS["scorm-data"], (), labels=True, bom=bom)
    own = {
        "enrollment_id": ONE,
        "assignment_id": ONE,
        "assignment_status_id": ONE,
        "user_id": TWO,
        "occurrence": 0,
    }
    base = {"sco_id": "I", "cmi_fields": [], "api_error_entity": GOOD}
    writer.write([json.dumps(own | base | {"title": text}) for text in texts])
    writer.close()
    written = file.getvalue()
    return written, list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x")'),
        *("\t=1", "\r=1", "\n=1", "\x00=1"),
        # Full-width and small forms of the same characters.
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1", "\ufe661", "\ufe621", "\ufe631", "\ufe6bA1"),
    ],
    ids=ascii,
)
def test_formulas_are_texts(text: str) -> None:
    """What a learner or a course writes is no formula in a spreadsheet."""
    _, (row,) = cells_of(text)
    assert row["title"] == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+1.5", "-0,5", "a=b", "'", "", 'Größe, "quoted"\nand broken'])
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Numbers in texts are no formulas; separators, quotes and lines come back."""
    _, (row,) = cells_of(text)
    assert row["title"] == text


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5
    )
)
def test_any_text_comes_back(texts: list[str]) -> None:
    """Whatever is written is read again, but for the apostrophe."""
    _, rows = cells_of(*texts)
    assert [row["title"].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]


def test_a_byte_order_mark_where_wanted() -> None:
    """Excel knows UTF-8 by it; nobody else needs it."""
    assert cells_of("é", bom=True)[0].startswith(b"\xef\xbb\xbfenrollment_id,")
    assert cells_of("é")[0].startswith(b"enrollment_id,")


def test_typed_values() -> None:
    """Dates are in UTC and sort as texts; enums are numbers."""
    item = ApiEnrollmentItem.from_dict(searched(start_date="2026-01-01T01:00:00.5+02:00")["enrollments"][0])
    table = typed_table(DATASETS["enrollments"], ())
    row = dict(zip(table.columns, table.values(Record(item)), strict=True))
    assert row["start_date"] == "2025-12-31T23:00:00.500000Z"
    assert (row["phase"], row["enrollment_date"]) == (1, None)
    assert DATASETS["enrollments"].moment(Record(item)) == ""
    assert datetime.fromisoformat(row["start_date"]) == datetime(2025, 12, 31, 23, 0, 0, 500000, UTC)


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """Nothing is seen of a file before it is whole; what another process left half-written is in nobody's way."""
    target = tmp_path / "e.jsonl"
    target.write_text("old")
    (tmp_path / "e.jsonl.state.tmp").write_text("left by a process that was killed")
    with pytest.raises(TypeError), replacing(target) as file:
        file.write("no bytes")  # type: ignore[call-overload]  # what fails here doesn't matter
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]
    assert target.read_text() == "old"
    with replacing(target) as file:
        file.write(b"new")
    assert target.read_text() == "new"
