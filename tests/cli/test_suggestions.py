"""Suggestions for mistyped words: something that changes data is suggested only if it is unmistakable."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus.cli.suggestions import RISKY_OPTIONS, find_similar_operations, find_similar_words
from nexport_client import OPERATIONS
from tests.cli.conftest import Nexport
from tests.support.clients import needs

WRITES = {operation.full_name for operation in OPERATIONS.values() if operation.effect == "write"}
READS = {operation.full_name for operation in OPERATIONS.values()} - WRITES


def suggested_operations(typed: str) -> set[str]:
    """Return the suggested operations."""
    return set(find_similar_operations(typed, OPERATIONS.values()))


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("learning.get_sectoin", "learning.get_section"),
        ("learning.get_enrollment", None),
        ("learning.ensure_enrollment", None),
        ("learning.enrollment", None),
        ("learning.remove_enrollment", None),
        ("learning.bet_custom_enrollment_field_values", "learning.get_custom_enrollment_field_values"),
        ("learning.get_custom_enrollment_field_valuess", "learning.get_custom_enrollment_field_values"),
        ("LearningApi_GetSectoin", "learning.get_section"),
        ("get_section", "learning.get_section"),
    ],
)
def test_harmless_words(typed: str, suggested: str | None) -> None:
    """A word that means reading, or nothing in particular, only leads to reading operations."""
    found = suggested_operations(typed)
    assert found <= READS
    assert suggested is None or suggested in found


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("learning.delete_enrolment", "learning.delete_enrollment"),
        ("learning.delte_enrollment", "learning.delete_enrollment"),
        ("Learning.Drop-Enrollments", "learning.drop_enrollment"),
        ("drop_enrollment", "learning.drop_enrollment"),
        ("scorm.drop_enrollment", "learning.drop_enrollment"),
        ("LearningApi_DropEnrolment", "learning.drop_enrollment"),
        ("learning.set_custom_enrollment_field_value", "learning.set_custom_enrollment_field_values"),
        ("learning.craete_enrollment", "learning.create_enrollment"),
    ],
)
def test_words_that_mean_a_change(typed: str, suggested: str) -> None:
    """One typo in the name of a writing operation suggests only that operation."""
    assert suggested_operations(typed) == {suggested}


@given(
    name=st.sampled_from(sorted(READS)),
    at=st.integers(0, 60),
    letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz_"),
    kind=st.sampled_from(["insert", "replace", "delete"]),
)
def test_a_typo_in_a_read(name: str, at: int, letter: str, kind: str) -> None:
    """No typo turns a reading operation into a suggestion of a writing one."""
    at %= len(name)
    typed = name[:at] + ("" if kind == "delete" else letter) + name[at + (kind != "insert") :]
    assert suggested_operations(typed) <= READS or typed in WRITES


@given(
    typed=st.one_of(
        st.text(max_size=40), st.from_regex(r"[a-z]{1,10}\.[a-z]{1,8}_[a-z]{1,12}", fullmatch=True)
    )
)
def test_any_word(typed: str) -> None:
    """A writing operation is suggested only for its own verb, or one typo of it."""
    for name in suggested_operations(typed) & WRITES:
        verb = name.partition(".")[2].partition("_")[0]
        letters = re.sub(r"[^a-z]", "", typed.lower())
        assert len(set(verb) - set(letters)) <= 1


def test_the_helper_for_enrollments(nexport: Nexport) -> None:
    """The client's helper `ensure_enrollment` is a command, and it suggests no operation that deletes."""
    for typed in ("learning.ensure_enrollment", "ensure_enrollment", "learning.ensure-enrolment"):
        done = nexport("call", typed)
        assert done.exit_code == 2
        assert "delete" not in done.stderr
        assert "`nexport ensure-enrollment` does this" in done.stderr


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("exprot", "did you mean export?"),
        ("logn", "did you mean login?"),
        ("logot", "did you mean logout?"),
        ("dcotor", "did you mean doctor?"),
        ("login_out", None),
        ("", None),
        ("nothing", None),
    ],
)
def test_commands_are_suggested_by_the_same_rules(nexport: Nexport, typed: str, expected: str | None) -> None:
    """Commands are suggested by the same rules; those that change something only for a single typo."""
    done = nexport(typed)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"nexport: error: there is no command {typed}")
    assert done.stderr.count("\n") == 1
    assert (expected in done.stderr) if expected else ("did you mean" not in done.stderr)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("call", "learning.drop_enrollment", "--enrolment-id", "7"), "did you mean --enrollment-id?"),
        (("call", "learning.drop_enrollment", "--yess"), "did you mean --yes?"),
        (("call", "learning.drop_enrollment", "--years"), None),
        pytest.param(
            ("call", "admin.authenticate", "--show-sections"), None, marks=needs("AdminApi_Authenticate")
        ),
        pytest.param(
            ("call", "admin.authenticate", "--password", "x"),
            "--password-stdin",
            marks=needs("AdminApi_Authenticate"),
        ),
        (("export", "enrollments", "--start"), None),
        (("export", "enrollments", "--restar"), "did you mean --restart?"),
        (("doctor", "--org"), "did you mean --org-id?"),
        (("--base", "x"), "did you mean --base-url"),
    ],
)
def test_risky_options_are_suggested_for_a_single_typo_only(
    nexport: Nexport, words: tuple[str, ...], expected: str | None
) -> None:
    """Options that overwrite, reveal or skip a question are suggested only for a single typo."""
    done = nexport(*words)
    assert done.exit_code == 2
    assert "o such option" in done.stderr
    assert (
        (expected in done.stderr) if expected else not any(option in done.stderr for option in RISKY_OPTIONS)
    )


@given(
    word=st.text("abcde-", min_size=1, max_size=8),
    other=st.text("abcde-", min_size=1, max_size=8),
)
def test_one_typo(word: str, other: str) -> None:
    """A risky word is suggested exactly for one insertion, deletion, replacement or swap."""
    letters = "abcde-"
    edits = {word}
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        edits |= {head + letter + tail for letter in letters}
        if tail:
            edits |= {head + tail[1:], *(head + letter + tail[1:] for letter in letters)}
        if len(tail) > 1:
            edits.add(head + tail[1] + tail[0] + tail[2:])
    for typed in [other, *sorted(edits)[::7]]:
        assert (find_similar_words(typed, (), [word]) == [word]) is (typed in edits)
