"""A terminal with nobody at it: runs a program on a pseudo-terminal, and answers its questions."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence

__all__ = ["on_a_terminal"]


def on_a_terminal(
    command: Sequence[str], answers: Mapping[str, str], env: Mapping[str, str], columns: int = 100
) -> tuple[int, str]:
    """The exit code of a program, and all that its terminal showed.

    `answers`: what is typed, with Enter, once the terminal shows a question for the first time.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**env, "TERM": "xterm-256color", "COLUMNS": str(columns)},
        # Without a terminal that controls it, getpass asks on stdin.
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown, waiting = "", dict(answers)
        while part := _read(ours):
            shown += part
            for question in [each for each in waiting if each in shown]:
                os.write(ours, f"{waiting.pop(question)}\n".encode())
    os.close(ours)
    assert not waiting, f"nobody asked {list(waiting)}: {shown}"
    return running.returncode, shown


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # how Linux says that nobody holds the other end any more
        return ""
