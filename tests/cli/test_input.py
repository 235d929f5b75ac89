"""Files and standard input: encodings and line ends of Unix and Windows."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus.cli.text_input import number_lines, read_first_line, read_text
from nexport_campus.sandbox import Samples
from tests.cli.conftest import MemoryKeyring, Nexport
from tests.support.clients import needs

# As written by Notepad, PowerShell 5 (`>` and Out-File), Excel ("Unicode Text") and Unix.
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig", "utf-32"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"))


def encode(text: str, encoding: str) -> bytes:
    """Encode a string, with the byte order mark of its encoding."""
    if encoding == "utf-16-be-sig":
        return b"\xfe\xff" + text.encode("utf-16-be")
    return text.encode(encoding)


class FakeStdin(io.BytesIO):
    """Standard input that holds these bytes."""

    @property
    def buffer(self) -> "FakeStdin":
        return self


@pytest.fixture(params=["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def newline(request: pytest.FixtureRequest) -> str:
    """Return a line end."""
    return str(request.param)


@given(text=TEXTS, encoding=st.sampled_from(ENCODINGS), newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_file_content(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str, newline: str
) -> None:
    """A file is read as the string that was written, without the line breaks at its end."""
    file = tmp_path_factory.getbasetemp() / "any.txt"
    file.write_bytes(encode(text.replace("\n", newline), encoding))
    assert read_text(str(file)) == text.rstrip("\n")


@given(text=TEXTS, encoding=st.sampled_from(ENCODINGS), newline=st.sampled_from(["\n", "\r\n"]))
def test_first_line_of_stdin(text: str, encoding: str, newline: str) -> None:
    """Only the first line of standard input is read, in any encoding."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", FakeStdin(encode(text.replace("\n", newline), encoding)))
        assert read_first_line() == text.partition("\n")[0]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_open_pipe_does_not_block(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that keeps the pipe open after the line, as a supervisor does, doesn't block reading."""
    read, write = os.pipe()
    with os.fdopen(read, encoding="utf-8") as stdin, os.fdopen(write, "wb") as writer:
        # One byte of the second character equals a line feed.
        writer.write(encode("p\u010a\u0a41ss\r\n", encoding))
        writer.flush()
        monkeypatch.setattr(sys, "stdin", stdin)
        assert read_first_line() == "p\u010a\u0a41ss"


@pytest.mark.parametrize("data", [b"\xff\xfeab\x00", b"\xe9t\xe9", "été".encode("utf-16-le"), b"a\0b"])
def test_other_encodings_are_refused(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other encodings are refused with a message that names the place, and the exception doesn't hold the content."""
    (tmp_path / "odd.txt").write_bytes(data)
    monkeypatch.setattr(sys, "stdin", FakeStdin(data))
    words = r"can't be read from .*{}: it is neither UTF-8 nor"
    with pytest.raises(ValueError, match=words.format(r"odd\.txt")) as of_the_file:
        read_text(str(tmp_path / "odd.txt"))
    with pytest.raises(ValueError, match=words.format("stdin")) as of_stdin:
        read_first_line()
    assert of_the_file.value.__context__ is None
    assert of_stdin.value.__context__ is None


def test_lines_keep_their_numbers() -> None:
    """Blank lines are skipped, and line numbers are those of an editor."""
    assert number_lines("\n a \n\t\n\u2028b") == [(2, " a "), (4, "\u2028b")]


def test_closed_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stdin, where Python has none, is reported."""
    monkeypatch.setattr(sys, "stdin", None)
    with click.Context(click.Command("x")), pytest.raises(ValueError, match="stdin: it is closed"):
        read_text("-")
    with pytest.raises(ValueError, match="stdin: it is closed"):
        read_first_line()


@pytest.mark.sampled(5)
@pytest.mark.nexport_sandbox(enrollments=500)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ids_of_an_export(
    nexport: Nexport, samples: Samples, tmp_path: Path, encoding: str, newline: str
) -> None:
    """A list of ids may be a quoted spreadsheet column with trailing blank lines; also on stdin."""
    ids = [samples.scorm_enrollment_id, samples.finished_enrollment_id]
    data = encode(newline.join([f'"{ids[0]}"', f"  {ids[1].upper()} ", "", ""]), encoding)
    (tmp_path / "ids.txt").write_bytes(data)
    for number, (name, stdin) in enumerate([(f"@{tmp_path / 'ids.txt'}", None), ("@-", data)]):
        target = tmp_path / f"{number}.jsonl"
        arguments = ("export", "assignment-statuses", "--enrollment", name, "--to", str(target), "-q")
        result = nexport(*arguments, stdin=stdin)
        assert (result.exit_code, result.output) == (0, "")
        found = {json.loads(line)["enrollment_id"] for line in target.read_text().splitlines()}
        assert found == set(ids)


def test_an_invalid_id_is_located(nexport: Nexport, tmp_path: Path) -> None:
    """The message names the file and the line."""
    ids = tmp_path / "ids.csv"
    ids.write_text("\nenrollment_id\n")
    result = nexport("export", "enrollments", "--org", f"@{ids}", "--to", str(tmp_path / "e.csv"))
    assert result.exit_code == 2
    assert f"--org: {ids}, line 2: 'enrollment_id' is not a UUID" in result.stderr


@pytest.mark.sampled(5)
@pytest.mark.nexport_sandbox(enrollments=500)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_values_of_a_call(
    nexport: Nexport, samples: Samples, tmp_path: Path, encoding: str, newline: str
) -> None:
    """Lines, JSON and single values are read from files and stdin in any encoding."""
    ids = [samples.scorm_enrollment_id, samples.finished_enrollment_id]
    ask = ("call", "learning.search_enrollments", "--org-ids", samples.org_id, "--enrollment-ids")
    for text in (newline.join([*ids, "", ""]), json.dumps(ids).replace(" ", newline) + newline):
        data = encode(text, encoding)
        (tmp_path / "ids").write_bytes(data)
        for name, stdin in ((f"@{tmp_path / 'ids'}", None), ("-", data)):
            result = nexport(*ask, name, "--output", "jsonl", stdin=stdin)
            assert result.exit_code == 0, result.stderr
            found = {json.loads(line)["enrollment_id"] for line in result.stdout.splitlines()}
            assert found == set(ids)
    data = encode(f"{samples.section_id}{newline}{newline}", encoding)
    result = nexport("call", "learning.get_section", "--syllabus-id", "-", stdin=data)
    assert json.loads(result.stdout)["syllabus_id"] == samples.section_id


@pytest.mark.nexport_sandbox(enrollments=500)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_password_on_stdin(
    nexport: Nexport, account: dict[str, str], keys: MemoryKeyring, encoding: str, newline: str
) -> None:
    """A password from a Windows file is read without byte order mark and carriage return."""
    data = encode(account["NEXPORT_PASSWORD"] + newline, encoding)
    result = nexport("login", stdin=data, env={"NEXPORT_PASSWORD": None})
    assert result.exit_code == 0, result.stderr
    (held,) = keys.stored.values()
    assert json.loads(held)["password"] == account["NEXPORT_PASSWORD"]


def test_stdin_is_read_once(nexport: Nexport, tmp_path: Path) -> None:
    """Two options that read stdin are a usage error rather than a silent empty list."""
    arguments = ("export", "enrollments", "--org", "@-", "--user", "@-", "--to", str(tmp_path / "e.csv"))
    result = nexport(*arguments, stdin="8ebf2d8d-01eb-4af5-a317-4279e2b752d4\n")
    assert result.exit_code == 2
    assert "--user can't be read from stdin: another option reads it" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "enrollments", "--org", "@-", "--to", "e.csv"),
        ("call", "learning.get_section", "--syllabus-id", "-"),
        pytest.param(
            ("call", "admin.authenticate", "--username", "x", "--grant-type", "password", "--password-stdin"),
            marks=needs("AdminApi_Authenticate"),
        ),
    ],
)
def test_commands_with_a_closed_stdin(
    run_process: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    """With stdin closed, as cron may do, a command ends with one line and exit code 2."""
    done = run_process(*arguments, stdin=None, preexec_fn=lambda: os.close(0))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "can't be read from stdin: it is closed" in done.stderr
