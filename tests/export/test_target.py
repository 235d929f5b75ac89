"""Files that an export may overwrite: regular files whose content an export wrote."""

import os
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from nexport_campus import ConfigurationError, ExportError, NexportCampus, NexportError
from nexport_campus._export.engine import export
from nexport_campus._export.output import FORMATS, Output
from nexport_campus._export.request import LAST, ExportRequest
from nexport_campus._export.session_opening import open_session
from nexport_campus.export import OnProgress
from nexport_campus.sandbox import Samples
from tests.export.running import file_names, make_request, read_rows, run

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)

FILES = ["e.csv", "e.jsonl", "e.parquet"]


@pytest.fixture
def export_request(samples: Samples) -> ExportRequest:
    """Return a request for all enrollments of an organization."""
    return make_request("enrollments", samples.org_id)


@contextmanager
def special_file(kind: str, folder: Path) -> Iterator[Path]:
    """Create a path that isn't a file. The device is a terminal in a folder where nothing can be renamed."""
    path = folder / "special.csv"
    if kind == "fifo":
        os.mkfifo(path)
        yield path
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
            yield path
    elif kind == "folder":
        path.mkdir()
        yield path
    else:
        ours, theirs = os.openpty()
        try:
            yield Path(os.ttyname(theirs))
        finally:
            os.close(ours)
            os.close(theirs)


@pytest.mark.parametrize("linked", [False, True], ids=["itself", "link"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [("fifo", "a named pipe"), ("socket", "a socket"), ("folder", "a folder"), ("device", "a device")],
)
@pytest.mark.parametrize("suffix", ["csv", "db", "parquet"])
async def test_only_regular_files(
    campus: NexportCampus,
    export_request: ExportRequest,
    tmp_path: Path,
    kind: str,
    words: str,
    suffix: str,
    linked: bool,
) -> None:
    """A device, a pipe, a socket or a folder is never replaced, not even with `force` or through a link."""
    with special_file(kind, tmp_path) as special:
        target = tmp_path / "link" if linked else special
        if linked:
            target.symlink_to(special)
        before, names = special.stat(), file_names(tmp_path)
        for force in (False, True):
            with pytest.raises(ExportError, match=f"is {words}: an export writes to regular files"):
                await run(campus, export_request, target, form=FORMATS[f".{suffix}"], force=force)
        assert (special.stat().st_ino, special.stat().st_mode) == (before.st_ino, before.st_mode)
        assert file_names(tmp_path) == names


async def test_an_error_of_the_target_has_both_classes(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """The error is an ExportError and a ConfigurationError, so `except NexportError` catches it."""
    for cls in (ExportError, ConfigurationError, NexportError):
        with pytest.raises(cls, match="is a folder"):
            await run(campus, export_request, tmp_path, form="csv")


@pytest.mark.parametrize("name", ["loop.csv", "file/e.csv", f"{'x' * 300}.csv", "e.csv.state", "away/e.csv"])
async def test_impossible_paths(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, name: str
) -> None:
    """A loop of links, a file used as folder, a name that is too long or reserved: one clear error."""
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "file").write_text("mine")
    before = file_names(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^--to: "):
        await run(campus, export_request, tmp_path / name, form="csv", force=True)
    assert file_names(tmp_path) == before


async def test_a_working_directory_that_was_deleted(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path in a deleted working directory is a clear error."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConfigurationError, match=r"^--to: e\.csv: No such file"):
        await run(campus, export_request, Path("e.csv"))


@pytest.mark.parametrize("name", FILES)
async def test_a_file_of_the_users(
    campus: NexportCampus, export_request: ExportRequest, samples: Samples, tmp_path: Path, name: str
) -> None:
    """A file that no export wrote is overwritten with `force` only: `restart` discards state of exports."""
    target = tmp_path / name
    if name == "e.parquet":
        pyarrow.parquet.write_table(pa.table({"mine": [1]}), target)
    else:
        target.write_text("mine")
    before = target.read_bytes()
    for given in ({}, {"restart": True}):
        for each in (export_request, make_request("enrollments", samples.org_id, since=LAST)):
            with pytest.raises(ConfigurationError, match=r"no state file next to it.*add --force"):
                await run(campus, each, target, **given)
    assert (target.read_bytes(), file_names(tmp_path)) == (before, [name])
    await run(campus, export_request, target, force=True)
    assert len(read_rows(target)) > 100
    await run(campus, export_request, target)


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_the_user_changed(
    campus: NexportCampus, samples: Samples, tmp_path: Path, name: str
) -> None:
    """A file that was edited isn't overwritten; the unchanged file, a copy of it, or a missing one is fine."""
    export_request, target = make_request("enrollments", samples.org_id, since=LAST), tmp_path / name
    await run(campus, export_request, target)
    written = target.read_bytes()
    target.write_bytes(written + b"my notes")
    with pytest.raises(ConfigurationError, match=r"was changed after an export wrote it.*add --force"):
        await run(campus, export_request, target)
    assert target.read_bytes() == written + b"my notes"
    await run(campus, export_request, target, force=True)
    assert target.read_bytes() == written
    target.rename(tmp_path / "copy")
    await run(campus, export_request, target)
    assert target.read_bytes() == written
    (tmp_path / "copy").replace(target)
    await run(campus, export_request, target)
    target.write_bytes(b"")
    await run(campus, export_request, target)
    assert target.read_bytes() == written


async def test_a_file_that_appears_meanwhile(
    campus: NexportCampus, export_request: ExportRequest, samples: Samples, tmp_path: Path
) -> None:
    """A file that another program writes to the target during the export is kept, and so are the rows."""
    target = tmp_path / "e.csv"
    with open_session(export_request, Output(target=target, format="csv")) as session:
        with pytest.raises(ExportError, match=r"e\.csv was changed while the export ran; its rows are kept"):
            await export(campus, session, when_complete(lambda: target.write_text("another program's")))
        assert session.can_resume()
    assert target.read_text() == "another program's"
    with pytest.raises(ConfigurationError, match="no state file next to it"):
        await run(campus, export_request, target)
    assert (await run(campus, export_request, target, force=True)).resumed
    assert len(read_rows(target)) > 100


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_file_that_is_touched_or_deleted_meanwhile(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, deleted: bool
) -> None:
    """A target with unchanged content, or deleted during the export, is written."""
    target = tmp_path / "e.csv"
    await run(campus, export_request, target)

    def touch() -> None:
        target.unlink() if deleted else os.utime(target, (0, 0))

    with open_session(export_request, Output(target=target, format="csv")) as session:
        await export(campus, session, when_complete(touch))
    assert len(read_rows(target)) > 100


def when_complete(action: Callable[[], object]) -> OnProgress:
    """Return an `on_progress` that does something to the target once the rows are complete."""
    return lambda progress: action() if progress.stage == "saving" else None


async def test_a_state_of_version_0_1(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A state without a digest trusts its file once, and protects it from then on."""
    export_request, target = make_request("enrollments", samples.org_id, since=LAST), tmp_path / "e.csv"
    await run(campus, export_request, target)
    with closing(sqlite3.connect(tmp_path / "e.csv.state")) as state:
        state.execute("DROP TABLE written")
    target.write_text("as version 0.1 wrote it")
    await run(campus, export_request, target)
    target.write_text("mine")
    with pytest.raises(ConfigurationError, match="was changed after an export wrote it"):
        await run(campus, export_request, target)


@pytest.mark.parametrize("name", ["e.csv", "e.db"])
async def test_a_read_only_file(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, name: str
) -> None:
    """A read-only file is refused before anything is fetched; `force` replaces it."""
    target = tmp_path / name
    await run(campus, export_request, target)
    target.chmod(0o400)
    before = target.read_bytes()
    with pytest.raises(ConfigurationError, match="is read-only"):
        await run(campus, export_request, target)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (before, 0o400)
    if name == "e.csv":
        await run(campus, export_request, target, force=True)
        assert stat.S_IMODE(target.stat().st_mode) == 0o400


async def test_temporary_names_of_other_programs(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """Files with names that programs use for unfinished files aren't touched."""
    others = ["e.csv.partial", "e.csv.part", "e.csv.tmp", "e.csv~", ".e.csv.swp"]
    for name in others:
        (tmp_path / name).write_text("mine")
    await run(campus, export_request, tmp_path / "e.csv")
    assert {(tmp_path / name).read_text() for name in others} == {"mine"}


async def test_a_hard_link_keeps_its_content(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """The target is replaced rather than written to: a hard link to the old file keeps its content."""
    await run(campus, export_request, tmp_path / "e.csv")
    os.link(tmp_path / "e.csv", tmp_path / "yesterday.csv")
    old = (tmp_path / "yesterday.csv").read_bytes()
    await run(campus, export_request, tmp_path / "e.csv", labels=True)
    assert (tmp_path / "yesterday.csv").read_bytes() == old != (tmp_path / "e.csv").read_bytes()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
async def test_the_owner_stays(campus: NexportCampus, export_request: ExportRequest, tmp_path: Path) -> None:
    """An export run by root leaves a user's file with its owner."""
    target = tmp_path / "e.csv"
    target.touch()
    os.chown(target, 12345, 23456)
    target.chmod(0o640)
    await run(campus, export_request, target)
    status = target.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 23456, 0o640)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
async def test_a_group_that_cannot_be_kept(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the new file has another group, that group doesn't get the permissions of the old one."""
    target = tmp_path / "e.csv"
    target.touch()
    os.chown(target, 12345, 23456)
    target.chmod(0o664)

    def refuse_group(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse_group)
    await run(campus, export_request, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


async def test_an_sqlite_file_of_the_users(
    campus: NexportCampus, export_request: ExportRequest, samples: Samples, tmp_path: Path
) -> None:
    """Other tables stay; one with the name of the export's is replaced with `force` only."""
    target = tmp_path / "mine.db"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        # SQLite's names are case-insensitive.
        connection.execute("CREATE TABLE Enrollments (mine)")
        connection.execute("INSERT INTO Enrollments VALUES ('mine')")
        connection.commit()
    before = target.read_bytes()
    for restart in (False, True):
        with pytest.raises(
            ConfigurationError, match=r"has a table enrollments that no export created.*--force"
        ):
            await run(campus, export_request, target, restart=restart)
    assert (target.read_bytes(), file_names(tmp_path)) == (before, ["mine.db"])
    summary = await run(campus, export_request, target, force=True)
    assert len(read_rows(target)) == summary.rows > 100
    assert read_rows(target, "notes") == []


async def test_a_view_in_place_of_the_table(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """A view with the table's name belongs to the user, too."""
    target = tmp_path / "mine.db"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE t (mine)")
        connection.execute("CREATE VIEW enrollments AS SELECT * FROM t")
        connection.commit()
    with pytest.raises(ConfigurationError, match="has a table enrollments"):
        await run(campus, export_request, target)
    await run(campus, export_request, target, force=True)
    assert read_rows(target)[0]["enrollment_id"]
    assert read_rows(target, "t") == []


async def test_a_table_that_appears_meanwhile(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """A table that another program makes during the export is kept."""
    target = tmp_path / "mine.db"

    def make_table() -> None:
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("CREATE TABLE enrollments (mine)")

    refuse_group = pytest.raises(ConfigurationError, match="has a table enrollments that no export created")
    with open_session(export_request, Output(target=target, format="sqlite")) as session, refuse_group:
        await export(campus, session, when_complete(make_table))
    with closing(sqlite3.connect(target)) as connection:
        assert [name for _, name, *_ in connection.execute("PRAGMA table_info(enrollments)")] == ["mine"]


async def test_a_text_file_named_like_a_database(
    campus: NexportCampus, export_request: ExportRequest, tmp_path: Path
) -> None:
    """A text file with the suffix of a database is kept, or replaced with `force`, keeping its permissions."""
    target = tmp_path / "mine.db"
    target.write_text("mine, and no database; " * 100)
    target.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"mine\.db isn't an SQLite file.*add --force"):
        await run(campus, export_request, target)
    assert target.read_text().startswith("mine")
    assert file_names(tmp_path) == ["mine.db"]
    await run(campus, export_request, target, force=True)
    assert read_rows(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
