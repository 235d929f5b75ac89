"""The progress bar."""

import io

from rich.console import Console

from nexport_campus._export.progress import show_progress


def test_on_a_terminal() -> None:
    """A terminal shows stage, count and total."""
    screen = io.StringIO()
    with show_progress(Console(file=screen, force_terminal=True, width=120)) as progress:
        progress.stage("enrollments 2026-03", 0)
        progress.expect(40)
        progress.advance(10)
        progress.stage("sessions 2026-03", 200, 50)
        progress.advance(1)
        progress.expect(4)
    assert "sessions 2026-03" in screen.getvalue()
    assert "51/204" in screen.getvalue()


def test_off_a_terminal() -> None:
    """Off a terminal every method is silent."""
    with show_progress(None) as progress:
        progress.stage("enrollments")
        progress.expect(1)
        progress.advance(1)
