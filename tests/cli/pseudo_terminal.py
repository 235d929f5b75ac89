"""Runs a program on a pseudo-terminal and replies to its prompts."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

__all__ = ["run_on_terminal"]

_TIMEOUT = 60.0


def run_on_terminal(
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    replies: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    columns: int | str | None = 100,
    term: str = "xterm-256color",
    window: int | None = None,
) -> tuple[int, str]:
    """Run a program on a pseudo-terminal and return its exit code and everything the terminal showed.

    Each key of `replies` and `secrets` is a prompt, its value what to type (with Enter) when the prompt first appears; a
    secret is typed only once echo is off, because earlier input would be discarded then. `columns` and `term` set COLUMNS
    and TERM; `window` is the width that the terminal itself reports.

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
        # Without a controlling terminal, getpass prompts on stdin.
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown, waiting = "", {**(replies or {}), **(secrets or {})}
        try:
            while part := _read(ours):
                shown += part
                for waiting_for in [each for each in waiting if each in shown]:
                    if secrets and waiting_for in secrets:
                        _wait_for_echo_off(ours)
                    os.write(ours, f"{waiting.pop(waiting_for)}\n".encode())
        except AssertionError:
            running.kill()
            raise
    os.close(ours)
    assert not waiting, f"no prompt for {list(waiting)}: {shown}"
    return running.returncode, shown


def _read(terminal: int) -> str:
    assert select.select([terminal], [], [], _TIMEOUT)[0], "the program neither writes nor ends"
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # Linux: the other end is closed
        return ""


def _wait_for_echo_off(terminal: int) -> None:
    """Wait until the terminal's echo is off."""
    until = time.monotonic() + _TIMEOUT
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        assert time.monotonic() < until, "the terminal still echoes"
        time.sleep(0.005)
