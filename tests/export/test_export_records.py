"""`nexport_campus.export.export_records`: the export engine for programs."""

import asyncio
import inspect
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nexport_campus import (
    AccessToken,
    ArgumentError,
    ConfigurationError,
    ExportError,
    NexportCampus,
    NexportError,
)
from nexport_campus._export.datasets import DATASETS, DEFAULT_ELEMENTS
from nexport_campus.export import ExportProgress, ExportSummary, export_records
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import file_names, read_rows
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, USER, MovingCampus
from tests.support.scripted_server import html_response

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 -- refused


async def test_from_nothing_and_since_last(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """The first export has every enrollment, and the next one only what has changed."""
    target = tmp_path / "e.jsonl"
    enrollments = await campus.learning.search_enrollments(org_ids=[samples.org_id]).collect()
    first = await export_records(campus, "enrollments", target, org_ids=[samples.org_id], per_page=40)
    assert {row["enrollment_id"] for row in read_rows(target)} == {str(e.enrollment_id) for e in enrollments}
    assert (first.rows, first.new, first.failed, first.errors) == (len(enrollments), len(enrollments), 0, [])
    assert (first.updated, first.removed, first.resumed) == (0, 0, False)
    assert abs(first.complete_until - datetime.now(UTC)) < timedelta(minutes=5)
    again = await export_records(campus, "enrollments", str(target), org_ids=[samples.org_id], since="last")
    assert (again.rows, again.new, again.updated, again.removed) == (first.rows, 0, 0, 0)
    assert again.complete_until >= first.complete_until


@pytest.mark.parametrize("dataset", ["assignment_statuses", "sessions", "scorm_data"])
async def test_every_dataset(campus: NexportCampus, samples: Samples, tmp_path: Path, dataset: Any) -> None:
    """Datasets are named as in Python, and the columns are those of the command line's export."""
    users = [samples.user_id]
    summary = await export_records(
        campus, dataset, tmp_path / "rows.csv", org_ids=[samples.org_id], user_ids=users, labels=False
    )
    rows = read_rows(tmp_path / "rows.csv")
    assert summary.rows == len(rows) > 0
    kind = dataset.replace("_", "-")
    assert list(rows[0]) == list(DATASETS[kind].columns(DEFAULT_ELEMENTS if kind == "scorm-data" else ()))


@pytest.mark.parametrize("name", ["org_ids", "user_ids", "enrollment_ids", "syllabus_ids"])
async def test_every_filter_is_sent(tmp_path: Path, name: str) -> None:
    """Each argument with ids is in every search, beside the others."""
    server = MovingCampus()
    filters: dict[str, Any] = {"org_ids": [ORG], name: [ORG, str(USER)]}
    async with campus_with(server.respond) as (campus, _):
        await export_records(campus, "enrollments", tmp_path / "e.jsonl", **filters)
    assert server.searches
    for search in server.searches:
        sent = {key: ids for key, ids in search.items() if key.endswith("_ids")}
        assert sent == {key: [str(each) for each in ids] for key, ids in filters.items()}


async def test_the_signature_is_the_documented_one() -> None:
    """Names, order and defaults are part of the contract."""
    parameters = inspect.signature(export_records, eval_str=True).parameters
    assert list(parameters) == [
        "campus",
        "dataset",
        "to",
        "org_ids",
        "user_ids",
        "enrollment_ids",
        "syllabus_ids",
        "since",
        "until",
        "overlap",
        "format",
        "elements",
        "labels",
        "force",
        "restart",
        "keep_state",
        "concurrency",
        "per_page",
        "on_progress",
    ]
    assert parameters["concurrency"].default == 8
    assert [field.name for field in ExportSummary.__attrs_attrs__][:8] == (
        ["rows", "new", "updated", "removed", "failed", "errors", "complete_until", "resumed"]
    )
    assert ExportSummary.__module__ == ExportProgress.__module__ == "nexport_campus.export"


async def test_into_a_stream(campus: NexportCampus, samples: Samples) -> None:
    """A binary stream gets JSON Lines unless a format is given, all at the end."""
    stream = io.BytesIO()
    summary = await export_records(campus, "enrollments", stream, org_ids=[samples.org_id])
    lines = stream.getvalue().splitlines()
    assert len([json.loads(line) for line in lines]) == summary.rows
    with pytest.raises(ExportError, match=r'since="last": an export to standard output leaves nothing'):
        await export_records(campus, "enrollments", stream, org_ids=[samples.org_id], since="last")


async def test_progress_grows_within_each_stage(
    campus: NexportCampus, samples: Samples, tmp_path: Path
) -> None:
    """Stages follow one another, in each of which `done` grows."""
    seen: list[ExportProgress] = []
    await export_records(
        campus,
        "enrollments",
        tmp_path / "e.csv",
        org_ids=[samples.org_id],
        on_progress=seen.append,
        per_page=40,
    )
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages == ["enrollments", "saving", "writing e.csv"]
    for stage in stages:
        done = [progress.done for progress in seen if progress.stage == stage]
        assert done == sorted(done)
    assert seen[-1].done == seen[-1].total


async def test_a_failing_display_does_not_end_the_export(
    campus: NexportCampus, samples: Samples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception is logged."""

    def fail(_: ExportProgress) -> None:
        raise RuntimeError("no display")

    summary = await export_records(
        campus, "enrollments", tmp_path / "e.csv", org_ids=[samples.org_id], on_progress=fail
    )
    assert summary.rows
    assert "on_progress raised" in caplog.text


async def test_a_cancelled_export_resumes(
    campus: NexportCampus, samples: Samples, tmp_path: Path, nexport_sandbox: Sandbox
) -> None:
    """Cancelling releases the file, and the same call completes it without fetching everything again."""
    target = tmp_path / "e.csv"
    arguments: dict[str, Any] = {"org_ids": [samples.org_id], "per_page": 20, "concurrency": 1}
    reached = asyncio.Event()

    def stop(progress: ExportProgress) -> None:
        if progress.done >= 60:
            reached.set()

    task = asyncio.create_task(export_records(campus, "enrollments", target, **arguments, on_progress=stop))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not target.exists()
    summary = await export_records(campus, "enrollments", target, **arguments)
    assert summary.resumed
    found = await campus.learning.search_enrollments(org_ids=[samples.org_id]).collect()
    assert summary.rows == len(found) == len(read_rows(target))


async def test_file_work_stays_off_the_loop(
    campus: NexportCampus, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is opened and written, and the digest of the file is computed, in another thread."""
    from nexport_campus._export import database, target

    threads: set[str] = set()

    def noting(function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            threads.add(threading.current_thread().name)
            return function(*args, **options)

        return call

    monkeypatch.setattr(target, "_compute_digest", noting(target._compute_digest))
    monkeypatch.setattr(database.Database, "__init__", noting(database.Database.__init__))
    monkeypatch.setattr(database.Database, "transaction", noting(database.Database.transaction))
    for _ in range(2):
        await export_records(campus, "enrollments", tmp_path / "e.csv", org_ids=[samples.org_id])
    assert threads
    assert all(name.startswith("nexport-export") for name in threads)


async def test_what_cannot_be_read_is_counted_and_named(
    campus: NexportCampus, samples: Samples, tmp_path: Path, nexport_sandbox: Sandbox
) -> None:
    """A list that fails twice is counted, named with its reason, and doesn't end the export."""
    await nexport_sandbox.faults.add(operation="LearningApi_GetAssignmentStatuses", status=404)
    ids = [samples.scorm_enrollment_id]
    summary = await export_records(campus, "assignment_statuses", tmp_path / "s.csv", enrollment_ids=ids)
    assert (summary.rows, summary.failed) == (0, 1)
    assert ids[0] in summary.errors[0]


@pytest.mark.parametrize(
    ("arguments", "argument", "words"),
    [
        ({}, "org_ids", "org_ids or user_ids is needed"),
        ({"org_ids": []}, "org_ids", "must not be empty"),
        ({"org_ids": ["no id"]}, "org_ids", "is not a UUID"),
        ({"org_ids": [ORG], "since": NAIVE}, "since", "with a zone"),
        ({"org_ids": [ORG], "since": "yesterday"}, "since", "must be a datetime"),
        ({"org_ids": [ORG], "until": NAIVE}, "until", "with a zone"),
        (
            {
                "org_ids": [ORG],
                "since": datetime(2026, 2, 1, tzinfo=UTC),
                "until": datetime(2026, 1, 1, tzinfo=UTC),
            },
            "until",
            "later than since",
        ),
        ({"org_ids": [ORG], "overlap": timedelta(hours=1)}, "overlap", 'for since="last" only'),
        ({"org_ids": [ORG], "since": "last", "overlap": timedelta(-1)}, "overlap", "negative"),
        ({"org_ids": [ORG], "elements": ["cmi.exit"]}, "elements", "for scorm_data only"),
        ({"org_ids": [ORG], "dataset": "scorm_data", "elements": "cmi.exit"}, "elements", "must be a list"),
        ({"org_ids": [ORG], "dataset": "scorm_data", "elements": [7]}, "elements", "must be a string"),
        ({"org_ids": [ORG], "concurrency": 0}, "concurrency", "from 1 to 64"),
        ({"org_ids": [ORG], "per_page": 0}, "per_page", "from 1"),
        ({"org_ids": [ORG], "format": "xlsx"}, "format", "must be one of"),
        ({"org_ids": [ORG], "labels": True, "format": "jsonl"}, "labels", "always has numbers"),
        ({"org_ids": [ORG], "keep_state": False, "since": "last"}, "keep_state", "removes the state"),
        ({"org_ids": [ORG], "dataset": "scorm"}, "dataset", "must be one of"),
        ({"org_ids": [ORG], "to": "rows.xyz"}, "to", "format"),
        ({"org_ids": [ORG], "to": 7}, "to", "path or a binary stream"),
        ({"enrollment_ids": [ORG]}, "org_ids", "is needed"),
        ({"org_ids": [ORG], "on_progress": 7}, "on_progress", "function"),
        ({"org_ids": [ORG], "on_progress": asyncio.sleep}, "on_progress", "asyncio.create_task"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
async def test_arguments_that_are_refused(
    arguments: dict[str, Any], argument: str, words: str, tmp_path: Path
) -> None:
    """Before anything is sent or written; the message speaks of arguments, not of the command line's options."""
    arguments = {"dataset": "enrollments", "to": "rows.csv"} | arguments
    if isinstance(arguments["to"], str):
        arguments["to"] = tmp_path / arguments["to"]
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="nothing was sent") as refused:
            await export_records(campus, **arguments)
        assert not server.requests
    assert refused.value.argument == argument
    assert words in str(refused.value)
    assert "--" not in str(refused.value)
    assert not file_names(tmp_path)


async def test_targets_that_are_refused(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """The messages speak of arguments, too."""
    target = tmp_path / "mine.csv"
    target.write_text("mine")
    with pytest.raises(ExportError, match="choose another target, or add force=True"):
        await export_records(campus, "enrollments", target, org_ids=[samples.org_id])
    await export_records(campus, "enrollments", target, org_ids=[samples.org_id], force=True)
    with pytest.raises(ExportError, match=r"differs in org_ids, user_ids.*restart=True"):
        await export_records(campus, "enrollments", target, user_ids=[samples.user_id])
    with pytest.raises(ExportError, match=r"^to: .* is a folder: .* or to a binary stream$"):
        await export_records(campus, "enrollments", tmp_path, org_ids=[samples.org_id], format="csv")
    assert (
        await export_records(campus, "enrollments", target, user_ids=[samples.user_id], restart=True)
    ).rows


async def test_a_target_named_like_an_option(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Only the names of options are replaced in messages: a path stays as it is."""
    target = tmp_path / "scorm-data --to.csv"
    target.write_text("mine")
    with pytest.raises(ExportError, match=r"^scorm-data --to\.csv exists, .* add force=True"):
        await export_records(campus, "scorm_data", target, org_ids=[samples.org_id])


async def test_a_target_changed_by_another_program(
    campus: NexportCampus, samples: Samples, tmp_path: Path
) -> None:
    """The message names arguments too when the target changes while the export runs."""
    target = tmp_path / "e.csv"
    with pytest.raises(ExportError, match="add force=True to overwrite it, and call export_records again"):
        await export_records(
            campus,
            "enrollments",
            target,
            org_ids=[samples.org_id],
            on_progress=lambda progress: target.write_text("theirs") and None,
        )
    assert target.read_text() == "theirs"


async def test_a_client_that_cannot_log_in(tmp_path: Path) -> None:
    """Its own ConfigurationError is raised as it is: no argument of the export is wrong."""

    async def auth() -> AccessToken:
        return "a token"  # type: ignore[return-value]  # the mistake

    async with campus_with(auth=auth) as (campus, _):
        with pytest.raises(ConfigurationError, match="auth") as raised:
            await export_records(campus, "enrollments", tmp_path / "e.csv", org_ids=[ORG])
    assert not isinstance(raised.value, ArgumentError)


async def test_a_campus_that_is_down(tmp_path: Path) -> None:
    """Its error is raised; the file and its lock are released."""
    async with campus_with(html_response(502), html_response(502)) as (campus, _):
        for _ in range(2):
            with pytest.raises(NexportError, match="502"):
                await export_records(campus, "enrollments", tmp_path / "e.csv", org_ids=[ORG])
    assert not (tmp_path / "e.csv").exists()
