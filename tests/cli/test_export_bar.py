"""The progress bar of an export."""

import io

import pytest
from rich.console import Console

from nexport_campus.cli.export_bar import show_progress
from nexport_campus.export import ExportProgress


def test_a_terminal_shows_stage_count_and_total(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows stage, count and total."""
    monkeypatch.setenv("TERM", "xterm")  # on a dumb terminal, rich draws no bar
    screen = io.StringIO()
    with show_progress(Console(file=screen, force_terminal=True, width=120)) as on_progress:
        assert on_progress is not None
        on_progress(ExportProgress("enrollments 2026-03", 0, None))
        on_progress(ExportProgress("enrollments 2026-03", 10, 40))
        on_progress(ExportProgress("sessions 2026-03", 50, 200))
        on_progress(ExportProgress("sessions 2026-03", 51, 204))
    assert "sessions 2026-03" in screen.getvalue()
    assert "51/204" in screen.getvalue()


def test_nothing_is_shown_off_a_terminal() -> None:
    """Off a terminal there is nothing to call."""
    with show_progress(None) as on_progress:
        assert on_progress is None
