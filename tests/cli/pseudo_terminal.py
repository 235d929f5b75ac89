"""A terminal with nobody at it: runs a program on a pseudo-terminal, and answers its questions."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

__all__ = ["on_a_terminal"]

_PATIENCE = 60.0


def on_a_terminal(
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    answers: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    columns: int | str | None = 100,
    term: str = "xterm-256color",
    window: int | None = None,
) -> tuple[int, str]:
    """Return the exit code of a program, and all that its terminal showed.

    `answers`: what is typed, with Enter, once the terminal shows a question for the first time. `secrets`: likewise, but
    not before the terminal has ceased to echo: what was typed earlier is thrown away then. `columns`, `term`: the
    variables COLUMNS and TERM. `window`: the columns that the terminal itself reports.
    """
    ours, theirs = pty.openpty()
    if window is not None:
        termios.tcsetwinsize(theirs, (24, window))
    size = {} if columns is None else {"COLUMNS": str(columns)}
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**env, "TERM": term, **size},
        # Without a terminal that controls it, getpass asks on stdin.
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown, waiting = "", {**(answers or {}), **(secrets or {})}
        try:
            while part := _read(ours):
                shown += part
                for question in [each for each in waiting if each in shown]:
                    if secrets and question in secrets:
                        _wait_for_silence(ours)
                    os.write(ours, f"{waiting.pop(question)}\n".encode())
        except AssertionError:
            running.kill()
            raise
    os.close(ours)
    assert not waiting, f"nobody asked {list(waiting)}: {shown}"
    return running.returncode, shown


def _read(terminal: int) -> str:
    assert select.select([terminal], [], [], _PATIENCE)[0], "the program neither writes nor ends"
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # how Linux says that nobody holds the other end any more
        return ""


def _wait_for_silence(terminal: int) -> None:
    """Until the terminal doesn't echo."""
    until = time.monotonic() + _PATIENCE
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        assert time.monotonic() < until, "the terminal still echoes"
        time.sleep(0.005)
