"""Writes the figures as Markdown: all of them to docs/benchmarks.md, the main ones and the chart to README.md."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chart import draw_chart
from benchmarks.measure import Figure, Figures, round_figure

__all__ = ["OURS", "BenchmarkReport"]

OURS = "nexport-campus"
_README = re.compile(r"(<!-- benchmarks -->\n).*?(<!-- end of benchmarks -->)", re.DOTALL)


class BenchmarkReport:
    """Collects figures; those that are `shown` also appear in README.md."""

    def __init__(self, runs: int) -> None:
        self._parts = [_heading(runs)]
        self._shown: list[str] = []
        self._lines: list[str] = []
        self._panels: dict[str, tuple[str, Figures]] = {}

    @property
    def markdown(self) -> str:
        """Return all tables."""
        return "# Benchmarks\n\n" + "\n".join(self._parts)

    def table(
        self, title: str, unit: str, figures: Figures, base: str, *, more_is_better: bool, shown: bool = False
    ) -> None:
        """Add the figures of one benchmark; `base` is the contender that the others are compared with."""
        ordered = dict(sorted(figures.items(), key=lambda item: item[1].median, reverse=more_is_better))
        rows = [f"## {title}\n", f"| | {unit} | times {base} |", "| --- | ---: | ---: |"]
        for name, figure in ordered.items():
            against = _times(figure, figures[base], more_is_better) if base in figures else ""
            rows.append(f"| {_bold(name)} | {_spread(figure)} | {against} |")
        self._parts.append("\n".join(rows) + "\n")
        if shown:
            self._panels[title] = (f"{unit}, {'more' if more_is_better else 'less'} is better", ordered)
            self._shown += _summary(title, unit, ordered, more_is_better=more_is_better)

    def line(self, text: str, *, shown: bool = False) -> None:
        """Add a figure without a comparison."""
        self._parts.append(f"{text}\n")
        self._lines += [text] if shown else []

    def write(self, root: Path) -> None:
        """Write docs/benchmarks.md, docs/benchmarks.svg, and the marked section of README.md."""
        (root / "docs" / "benchmarks.md").write_text(self.markdown, encoding="utf-8")
        (root / "docs" / "benchmarks.svg").write_text(draw_chart(self._panels, OURS), encoding="utf-8")
        readme = root / "README.md"
        written, found = _README.subn(
            lambda mark: f"{mark[1]}{self._readme()}{mark[2]}", readme.read_text(encoding="utf-8")
        )
        assert found == 1, "README.md has lost the marks between which the benchmarks stand"
        readme.write_text(written, encoding="utf-8")

    def _readme(self) -> str:
        head = "| | nexport-campus | speed relative to others |\n| --- | ---: | --- |"
        lines = "\n".join(f"- {line}" for line in self._lines)
        shown = "\n".join(self._shown)
        return f"{self._parts[0]}\n{head}\n{shown}\n\n{lines}\n\n![Bar chart of the results](docs/benchmarks.svg)\n"


def _heading(runs: int) -> str:
    """Return the date, the machine and the method."""
    today = datetime.now(UTC).date()
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"Measured on {today} ({machine}), medians of up to {runs} interleaved runs, minimum and maximum in parentheses.\n"


def _summary(title: str, unit: str, figures: Figures, *, more_is_better: bool) -> list[str]:
    """Return rows for README.md: our figures and their ratios to the others."""
    rows = []
    others = {name: figure for name, figure in figures.items() if not name.startswith(OURS)}
    for name in sorted(set(figures) - set(others)):
        variant = name.removeprefix(OURS).strip(", ")
        beside = "; ".join(
            f"{_times(figures[name], figure, more_is_better)} times {other}"
            for other, figure in others.items()
        )
        label = f"{title} ({variant})" if variant else title
        rows.append(f"| {label} | {_spread(figures[name])} {unit} | {beside} |")
    return rows


def _times(figure: Figure, base: Figure, more_is_better: bool) -> str:
    """Return the speed relative to the base."""
    return f"{figure.times(base) if more_is_better else base.times(figure):.2f}"


def _spread(figure: Figure) -> str:
    return f"{round_figure(figure.median)} ({round_figure(min(figure.runs))} to {round_figure(max(figure.runs))})"


def _bold(name: str) -> str:
    return f"**{name}**" if name.startswith(OURS) else name
