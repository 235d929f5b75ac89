"""Draws the figures as a bar chart."""

from collections.abc import Mapping
from html import escape

from benchmarks.measure import Figures, round_figure

__all__ = ["draw_chart"]

_WIDTH = 820
_NAMES = 310
_BARS = 380


def draw_chart(panels: Mapping[str, tuple[str, Figures]], ours: str) -> str:
    """Return an SVG with one panel of bars per title, `(unit, figures)`; our own bars are colored."""
    parts, y = [], 10
    for title, (unit, figures) in panels.items():
        parts.append(_text(12, y + 18, f"{title} ({unit})", weight="bold"))
        y += 30
        longest = max(figure.median for figure in figures.values())
        for name, figure in figures.items():
            length = _BARS * figure.median / longest
            color = "#1f6feb" if name.startswith(ours) else "#9aa4af"
            parts.append(_text(_NAMES - 10, y + 13, name, anchor="end"))
            parts.append(
                f'<rect x="{_NAMES}" y="{y}" width="{length:.1f}" height="17" rx="2" fill="{color}"/>'
            )
            parts.append(_text(_NAMES + 6 + length, y + 13, round_figure(figure.median)))
            y += 23
        y += 14
    size = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    style = 'font-family="system-ui, sans-serif" font-size="13" role="img"'
    background = f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{background}{"".join(parts)}</svg>\n'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="#24292f">{escape(text)}</text>'
