"""From records to rows and cells: keys, unusual values and formats."""

import csv
import gc
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pyarrow.parquet  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import Drift, NexportCampus, StaticToken
from nexport_campus._export.datasets import DATASETS, Record
from nexport_campus._export.file_replacement import replace_file
from nexport_campus._export.parquet_writer import ParquetWriter
from nexport_campus._export.request import LAST
from nexport_campus._export.tables import make_typed_table
from nexport_campus._export.writers import CsvWriter
from nexport_campus.models import ApiEnrollmentItem
from tests.export.running import make_request, read_rows, run

ONE = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
TWO = "d16e6f25-12a6-4a57-a917-4279e2b752d4"
GOOD = {"error_code": 0}
STATUS = {
    "assignment_status_id": ONE, "assignment_id": ONE, "enrollment_id": ONE, "user_id": TWO, "phase": 1, "result": 0,
    "academic_override": False, "utc_creation_date": None, "api_error_entity": GOOD,
}  # fmt: skip


def fixed_campus(responses: dict[str, Any]) -> NexportCampus:
    """Return a campus with one fixed response per operation; lists end on their second page."""

    def respond(request: httpx.Request) -> httpx.Response:
        found = responses[request.url.path.rpartition("/")[2]]
        if callable(found):
            found = found(json.loads(request.content))
        if isinstance(found, httpx.Response):
            return found
        if isinstance(found, list) and request.url.params["page"] != "1":
            found = []
        return httpx.Response(
            200, content=json.dumps(found).encode(), headers={"Content-Type": "application/json"}
        )

    def ignore_drift(_: Drift) -> None:
        """Ignore it: the drift here is intended."""

    return NexportCampus(StaticToken("any"), transport=httpx.MockTransport(respond), on_drift=ignore_drift)


def search_result(**more: Any) -> dict[str, Any]:
    """Return a response of SearchEnrollments with one enrollment."""
    item = {"enrollment_id": ONE, "user_id": TWO, "result": 0, "phase": 1} | more
    return {"enrollments": [item], "page": 1, "page_size": 1, "total_count": 1, "api_error_entity": GOOD}


async def test_sessions_without_an_id(tmp_path: Path) -> None:
    """Sessions without an id are identified by their other fields; their end may change."""
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
    output = {"sessions": sessions, "page": 1, "page_size": 4, "total_count": 4, "api_error_entity": GOOD}
    async with fixed_campus({"SearchEnrollments": search_result(), "GetStudentSessions": output}) as campus:
        await run(campus, make_request("sessions", ONE), tmp_path / "s.db")
    rows = read_rows(tmp_path / "s.db", "sessions")
    assert sorted(row["utc_end"][11:13] for row in rows if row["order"] == 1 and not row["id"]) == ["02"]
    assert {row["session_key"] for row in rows if row["id"]} == {ONE}
    assert len(rows) == 3


async def test_rows_of_one_sco(tmp_path: Path) -> None:
    """A SCO that occurs twice is two rows; one that reports an error is reported instead of written."""
    sco = {"title": "T", "sco_id": "I_SCO0", "cmi_fields": [], "api_error_entity": GOOD}
    broken = sco | {"api_error_entity": {"error_code": 1, "error_message": "unreadable"}}
    responses = {
        "SearchEnrollments": search_result(),
        "GetAssignmentStatuses": [STATUS],
        "GetCmiData": [sco, sco, sco | {"sco_id": "I_SCO1"}, broken],
    }
    async with fixed_campus(responses) as campus:
        summary = await run(campus, make_request("scorm-data", ONE), tmp_path / "s.csv")
    rows = [(row["sco_id"], row["occurrence"]) for row in read_rows(tmp_path / "s.csv")]
    assert rows == [("I_SCO0", "0"), ("I_SCO0", "1"), ("I_SCO1", "0")]
    assert summary.errors == [f"SCORM data of assignment {ONE} of enrollment {ONE}: unreadable"]


@pytest.mark.parametrize(("code", "status"), [(3, 409), (2, 422)])
async def test_assignments_without_scorm_data(tmp_path: Path, code: int, status: int) -> None:
    """An assignment that isn't found has no data; one that is refused is a failure. Others are exported."""
    sco = {"title": "T", "sco_id": "I_SCO0", "cmi_fields": [], "api_error_entity": GOOD}
    refusal = {"api_error_entity": {"error_code": code, "error_message": "no such thing"}}

    def cmi_data(arguments: dict[str, Any]) -> Any:
        return [sco] if arguments["assignment_id"] == ONE else httpx.Response(status, json=refusal)

    statuses = [STATUS, STATUS | {"assignment_status_id": TWO, "assignment_id": TWO}]
    responses = {
        "SearchEnrollments": search_result(),
        "GetAssignmentStatuses": statuses,
        "GetCmiData": cmi_data,
    }
    async with fixed_campus(responses) as campus:
        summary = await run(campus, make_request("scorm-data", ONE), tmp_path / "s.jsonl")
    assert [row["assignment_id"] for row in read_rows(tmp_path / "s.jsonl")] == [ONE]
    assert summary.failed == (code == 2)
    assert all(TWO in error and "no such thing" in error for error in summary.errors)


async def test_unknown_fields_and_values(tmp_path: Path) -> None:
    """Unknown keys, enum numbers and .NET's unset date are kept in every format."""
    odd = search_result(phase=99, mood="good", enrollment_date="0001-01-01T00:00:00+14:00")
    async with fixed_campus({"SearchEnrollments": odd}) as campus:
        for suffix in ("jsonl", "csv", "db"):
            await run(
                campus, make_request("enrollments", ONE), tmp_path / f"e.{suffix}", labels=suffix == "csv"
            )
    (line,), (cells,), (row,) = (read_rows(tmp_path / f"e.{suffix}") for suffix in ("jsonl", "csv", "db"))
    assert (line["mood"], line["phase"]) == ("good", 99)
    assert (json.loads(cells["additional_properties"]), cells["phase"]) == ({"mood": "good"}, "Unknown (99)")
    assert (json.loads(row["additional_properties"]), row["phase"]) == ({"mood": "good"}, 99)
    assert line["enrollment_date"] == "0001-01-01T00:00:00+00:00"
    assert cells["enrollment_date"] == row["enrollment_date"] == "0001-01-01T00:00:00.000000Z"


async def test_dates_at_the_edges_of_utc_in_parquet(tmp_path: Path) -> None:
    """.NET's first and last dates, with or without an offset, are read back from Parquet, in order."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    dates = {
        "9999-12-31T23:59:59.9999999-06:00": last,
        "2026-05-01T12:00:00-05:30": datetime(2026, 5, 1, 17, 30, tzinfo=UTC),
        "0001-01-01T00:00:00-01:00": first + timedelta(hours=1),
        "0001-01-01T00:00:00+01:00": first,
    }
    (one,) = search_result()["enrollments"]
    enrollments = [
        one | {"enrollment_id": str(UUID(int=number)), "enrollment_date": date}
        for number, date in enumerate(dates)
    ]
    response = search_result() | {"enrollments": enrollments, "total_count": len(enrollments)}
    async with fixed_campus({"SearchEnrollments": response}) as campus:
        await run(campus, make_request("enrollments", ONE), tmp_path / "e.parquet")
    rows = read_rows(tmp_path / "e.parquet")
    assert [row["enrollment_date"] for row in rows] == sorted(dates.values())


async def test_lone_surrogates(tmp_path: Path) -> None:
    """A lone surrogate is U+FFFD in the file, in any format."""
    odd = search_result(**{"mood\ud800": ["\udc00"]})
    fields = [{"cmi_element_name": "cmi.core.exit", "cmi_element_value": "a\udbff"}]
    sco = {"title": "\ud800", "sco_id": "S", "cmi_fields": fields, "api_error_entity": GOOD}
    responses = {"SearchEnrollments": odd, "GetAssignmentStatuses": [STATUS], "GetCmiData": [sco]}
    async with fixed_campus(responses) as campus:
        for suffix in ("jsonl", "csv", "db", "parquet"):
            for kind in ("enrollments", "scorm-data"):
                await run(campus, make_request(kind, ONE), tmp_path / f"{kind}.{suffix}")
            (found,) = read_rows(tmp_path / f"enrollments.{suffix}")
            (data,) = read_rows(tmp_path / f"scorm-data.{suffix}", "scorm_data")
            kept = found if suffix == "jsonl" else json.loads(found["additional_properties"])
            assert kept["mood\ufffd"] == ["\ufffd"]
            assert data["title"] == "\ufffd"
            assert suffix == "jsonl" or data["cmi.core.exit"] == "a\ufffd"


@pytest.mark.parametrize("suffix", ["jsonl", "db"])
async def test_sessions_that_name_no_organization(tmp_path: Path, suffix: str) -> None:
    """If sessions can't be read again, rows without an organization are kept, too."""
    session = {"user_id": TWO, "order": 1, "utc_start": "2026-01-01T00:00:00Z"}
    sessions = [session, session | {"order": 2, "organization_id": ONE}]
    found = {"sessions": sessions, "page": 1, "page_size": 2, "total_count": 2, "api_error_entity": GOOD}
    responses: dict[str, Any] = {"SearchEnrollments": search_result(), "GetStudentSessions": found}
    request, target = make_request("sessions", ONE), tmp_path / f"s.{suffix}"
    async with fixed_campus(responses) as campus:
        await run(campus, request, target)
        responses["GetStudentSessions"] = httpx.Response(404, html="<html></html>")
        lacking = await run(campus, request, target)
        assert (lacking.failed, lacking.rows, lacking.removed) == (1, 2, 0)
        responses["GetStudentSessions"] = found | {"sessions": [], "total_count": 0}
        assert (await run(campus, request, target)).removed == 2
    assert read_rows(target, "sessions") == []


@pytest.mark.parametrize("number", [2**31, 2**63, -(2**70)])
async def test_numbers_that_fit_into_no_column(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A number out of range leaves a typed column empty, which is logged; text formats have it."""
    session = {"id": ONE, "user_id": TWO, "order": number, "utc_start": "2026-01-01T00:00:00Z"}
    found = {"sessions": [session], "page": 1, "page_size": 1, "total_count": 1, "api_error_entity": GOOD}
    async with fixed_campus({"SearchEnrollments": search_result(), "GetStudentSessions": found}) as campus:
        for suffix in ("jsonl", "csv", "db", "parquet"):
            await run(campus, make_request("sessions", ONE), tmp_path / f"s.{suffix}")
    orders = {
        suffix: read_rows(tmp_path / f"s.{suffix}", "sessions")[0]["order"]
        for suffix in ("jsonl", "csv", "db", "parquet")
    }
    typed = number if number < 2**63 and number > 0 else None
    assert orders == {"jsonl": number, "csv": str(number), "db": typed, "parquet": typed}
    assert (f"order {number} is too large" in caplog.text) == (typed is None)


async def test_an_enum_number_that_fits_into_no_column(tmp_path: Path) -> None:
    """Parquet stores enums in 32 bits; larger numbers leave the column empty."""
    async with fixed_campus({"SearchEnrollments": search_result(phase=2**31)}) as campus:
        await run(campus, make_request("enrollments", ONE), tmp_path / "e.parquet")
    assert [row["phase"] for row in read_rows(tmp_path / "e.parquet")] == [None]


def test_an_abandoned_parquet_writer() -> None:
    """An abandoned writer writes nothing when it is freed, which Python would report on stderr."""
    file = io.BytesIO()
    writer = ParquetWriter(file, DATASETS["enrollments"], (), labels=False)
    file.close()
    writer.abandon()
    del writer
    gc.collect()


async def test_types_in_parquet(tmp_path: Path) -> None:
    """Columns have their types for any content, even in a file without rows."""
    empty = search_result() | {"enrollments": [], "total_count": 0}
    async with fixed_campus({"SearchEnrollments": empty}) as campus:
        await run(campus, make_request("scorm-data", ONE), tmp_path / "s.parquet")
        await run(campus, make_request("enrollments", ONE), tmp_path / "e.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "e.parquet")
    assert str(schema.field("enrollment_date").type) == "timestamp[us, tz=UTC]"
    assert str(schema.field("phase").type) == "int32"
    assert str(schema.field("enrollment_id").type) == "string"
    assert "cmi.core.lesson_status" in pyarrow.parquet.read_schema(tmp_path / "s.parquet").names


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "db"])
async def test_a_row_that_changed(tmp_path: Path, suffix: str) -> None:
    """A changed row replaces the old one in the file and is counted once; an unchanged one isn't counted."""
    responses = {"SearchEnrollments": search_result()}
    async with fixed_campus(responses) as campus:
        request, target = make_request("enrollments", ONE, since=LAST), tmp_path / f"e.{suffix}"
        await run(campus, request, target)
        responses["SearchEnrollments"] = search_result(phase=2, result=1)
        changed = await run(campus, request, target)
        assert (changed.rows, changed.new, changed.updated, changed.removed) == (1, 0, 1, 0)
        assert [(int(row["phase"]), int(row["result"])) for row in read_rows(target)] == [(2, 1)]
        same = await run(campus, request, target)
        assert (same.rows, same.new, same.updated, same.removed) == (1, 0, 0, 0)
        responses["SearchEnrollments"] = search_result(enrollment_id=TWO)
        other = await run(campus, make_request("enrollments", ONE), target)
        assert (other.rows, other.new, other.updated, other.removed) == (1, 1, 0, 1)
    assert [(row["enrollment_id"], int(row["phase"])) for row in read_rows(target)] == [(TWO, 1)]


async def test_a_new_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of an earlier version gets the missing columns."""
    columns = ApiEnrollmentItem.columns()
    async with fixed_campus({"SearchEnrollments": search_result()}) as campus:
        with monkeypatch.context() as patch:
            patch.setattr(ApiEnrollmentItem, "columns", lambda: dict(list(columns.items())[:-3]))
            await run(campus, make_request("enrollments", ONE), tmp_path / "e.db")
        await run(campus, make_request("enrollments", ONE), tmp_path / "e.db")
    (row,) = read_rows(tmp_path / "e.db")
    assert set(row) == set(columns)
    assert row["user_id"] == TWO


async def test_other_elements(tmp_path: Path) -> None:
    """An export that replaces one with other elements has only its own columns."""
    fields = [{"cmi_element_name": "cmi.exit", "cmi_element_value": "suspend"}]
    sco = {"title": "T", "sco_id": "I", "cmi_fields": fields, "api_error_entity": GOOD}
    responses = {
        "SearchEnrollments": search_result(),
        "GetAssignmentStatuses": [STATUS],
        "GetCmiData": [sco],
    }
    async with fixed_campus(responses) as campus:
        await run(campus, make_request("scorm-data", ONE, elements=("cmi.exit",)), tmp_path / "s.db")
        other = make_request("scorm-data", ONE, elements=("cmi.entry",))
        await run(campus, other, tmp_path / "s.db", restart=True)
    (row,) = read_rows(tmp_path / "s.db", "scorm_data")
    assert row["cmi.entry"] is None
    assert "cmi.exit" not in row


def write_and_read_titles(*strings: str, bom: bool = False) -> tuple[bytes, list[dict[str, str]]]:
    """Write a CSV of SCORM data with these titles; return its bytes and its rows as read back."""
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
    writer.write([json.dumps(own | base | {"title": text}) for text in strings])
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
def test_formulas_are_escaped(text: str) -> None:
    """Strings that a spreadsheet would evaluate are escaped."""
    _, (row,) = write_and_read_titles(text)
    assert row["title"] == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+1.5", "-0,5", "a=b", "'", "", 'Größe, "quoted"\nand broken'])
def test_other_strings_are_unchanged(text: str) -> None:
    """Numbers in strings aren't formulas; separators, quotes and line breaks are read back."""
    _, (row,) = write_and_read_titles(text)
    assert row["title"] == text


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5
    )
)
def test_any_string_is_read_back(strings: list[str]) -> None:
    """Any string is read back, apart from the apostrophe that escapes it."""
    _, rows = write_and_read_titles(*strings)
    assert [row["title"].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in strings]


def test_a_byte_order_mark_where_wanted() -> None:
    """A byte order mark, by which Excel recognizes UTF-8, is written on request only."""
    assert write_and_read_titles("é", bom=True)[0].startswith(b"\xef\xbb\xbfenrollment_id,")
    assert write_and_read_titles("é")[0].startswith(b"enrollment_id,")


def test_typed_values() -> None:
    """Dates are in UTC and sort as strings; enums are numbers."""
    item = ApiEnrollmentItem.from_dict(
        search_result(start_date="2026-01-01T01:00:00.5+02:00")["enrollments"][0]
    )
    table = make_typed_table(DATASETS["enrollments"], ())
    row = dict(zip(table.columns, table.values(Record(item)), strict=True))
    assert row["start_date"] == "2025-12-31T23:00:00.500000Z"
    assert (row["phase"], row["enrollment_date"]) == (1, None)
    assert DATASETS["enrollments"].get_moment(Record(item)) == ""
    assert datetime.fromisoformat(row["start_date"]) == datetime(2025, 12, 31, 23, 0, 0, 500000, UTC)


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """A file appears only when it is complete; remains of another process don't interfere."""
    target = tmp_path / "e.jsonl"
    target.write_text("old")
    (tmp_path / "e.jsonl.state.tmp").write_text("left by a process that was killed")
    with pytest.raises(TypeError), replace_file(target) as file:
        file.write("no bytes")  # type: ignore[call-overload]  # wrong on purpose
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl"]
    assert target.read_text() == "old"
    with replace_file(target) as file:
        file.write(b"new")
    assert target.read_text() == "new"
