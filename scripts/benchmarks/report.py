"""The figures as Markdown tables and as a chart."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape

from benchmarks.measure import Figure, Figures

__all__ = ["chart", "heading", "table"]

_OURS = "nexport-campus"


def heading(runs: int) -> str:
    """Date, machine and how it was measured."""
    today = datetime.now(UTC).date()
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"Measured on {today} ({machine}), medians of {runs} interleaved runs, lowest and highest in brackets.\n"


def table(title: str, unit: str, figures: Figures, base: str, *, more_is_better: bool) -> str:
    """One table; `base` is the contender that the others are compared with."""
    rows = [f"### {title}\n", f"| | {unit} | times {base} |", "| --- | ---: | ---: |"]
    for name, figure in _sorted(figures, more_is_better=more_is_better):
        low, high = min(figure.runs), max(figure.runs)
        against = _against(figure, figures.get(base), more_is_better=more_is_better)
        shown = f"**{name}**" if name.startswith(_OURS) else name
        rows.append(f"| {shown} | {_round(figure.median)} ({_round(low)} to {_round(high)}) | {against} |")
    return "\n".join(rows) + "\n"


def _sorted(figures: Figures, *, more_is_better: bool) -> list[tuple[str, Figure]]:
    return sorted(figures.items(), key=lambda item: item[1].median, reverse=more_is_better)


def _against(figure: Figure, base: Figure | None, *, more_is_better: bool) -> str:
    """How many times as fast as the base."""
    if base is None:
        return ""
    return f"{figure.times(base) if more_is_better else base.times(figure):.2f}"


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def chart(panels: Mapping[str, tuple[str, Figures]], *, width: int = 760) -> str:
    """An SVG with one panel of bars for each title: `(unit, figures)`, ours in colour."""
    parts, y = [], 10
    for title, (unit, figures) in panels.items():
        parts.append(_text(12, y + 18, f"{title} ({unit})", weight="bold"))
        y += 30
        longest = max(figure.median for figure in figures.values())
        for name, figure in figures.items():
            length = (width - 360) * figure.median / longest
            colour = "#1f6feb" if name.startswith(_OURS) else "#9aa4af"
            parts.append(_text(240, y + 13, name, anchor="end"))
            parts.append(f'<rect x="250" y="{y}" width="{length:.1f}" height="17" rx="2" fill="{colour}"/>')
            parts.append(_text(256 + length, y + 13, _round(figure.median)))
            y += 23
        y += 14
    size = f'width="{width}" height="{y}" viewBox="0 0 {width} {y}"'
    style = 'font-family="system-ui, sans-serif" font-size="13" role="img"'
    background = f'<rect width="{width}" height="{y}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{background}{"".join(parts)}</svg>\n'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="#24292f">{escape(text)}</text>'
