"""The bar on a terminal, and nothing elsewhere."""

import io

from rich.console import Console

from nexport_campus._export.progress import show_progress


def test_a_terminal_sees_how_far_it_is() -> None:
    """What is done, of how many, stage by stage; the bar is gone at the end."""
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


def test_elsewhere_nothing_is_told() -> None:
    """Off a terminal every call is silent."""
    with show_progress(None) as progress:
        progress.stage("enrollments")
        progress.expect(1)
        progress.advance(1)
