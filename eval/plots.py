"""Inline SVG for the report: coloured by the page's own variables, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from eval.metrics import Bin

_COLOURS = 6
"""The page defines ``--s0`` to ``--s5``."""


def bars(groups: Mapping[str, Mapping[str, float]], label: str) -> str:
    """Horizontal bars from 0 to 1, one group for each key, one bar for each series in it.

    Args:
        groups: group to series to value, 0..1.
        label: what a bar measures, for those who hear the page.
    """
    series = list(dict.fromkeys(name for values in groups.values() for name in values))
    bar, gap, left, width = 13, 14, 130, 760
    scale = width - left - 60
    y = 8
    parts = []
    for group, values in groups.items():
        middle = y + len(values) * bar / 2
        parts.append(
            f'<text x="{left - 10}" y="{middle + 4:.0f}" text-anchor="end" class="strong">{escape(group)}</text>'
        )
        for name, value in values.items():
            colour = f"var(--s{series.index(name) % _COLOURS})"
            length = max(1.0, scale * value)
            parts.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" rx="2" style="fill:{colour}">'
                f"<title>{escape(name)}: {value:.3f}</title></rect>"
                f'<text x="{left + length + 5:.1f}" y="{y + bar - 3}">{value:.3f}</text>'
            )
            y += bar
        y += gap
    return f"{_legend(series)}{_svg(width, y, label, parts)}"


def panels(names: Sequence[str], drawings: Sequence[str]) -> str:
    """Small plots side by side, each under its name."""
    figures = (
        f"<figure><figcaption>{escape(name)}</figcaption>{drawing}</figure>"
        for name, drawing in zip(names, drawings, strict=True)
    )
    return f'<div class="panels">{"".join(figures)}</div>'


_SIDE, _PAD = 210, 30


def risk_coverage(curve: Sequence[tuple[float, float]], label: str) -> str:
    """The share answered, left to right, against the share of those wrong, upwards."""
    step = max(1, len(curve) // 150)
    points = " ".join(_point(*point) for point in [*curve[:-1:step], curve[-1]])
    line = f'<polyline points="{points}" fill="none" style="stroke:var(--s0)" stroke-width="2"/>'
    return _svg(_SIDE, _SIDE, label, [*_axes("share answered", "wrong"), line])


def reliability(bins: Sequence[Bin], label: str) -> str:
    """Confidence, left to right, against accuracy, upwards; on the dashed line both agree."""
    x, y = _point(0, 0).split(",")
    to_x, to_y = _point(1, 1).split(",")
    parts = [*_axes("confidence", "right")]
    parts.append(f'<path d="M{x},{y} L{to_x},{to_y}" class="axis" stroke-dasharray="4 4" fill="none"/>')
    points = [_point(part.confidence, part.accuracy) for part in bins]
    parts.append(f'<polyline points="{" ".join(points)}" fill="none" style="stroke:var(--s0)" stroke-width="1.5"/>')
    for part, point in zip(bins, points, strict=True):
        cx, cy = point.split(",")
        title = f"{part.questions} questions: confidence {part.confidence:.2f}, right {part.accuracy:.2f}"
        parts.append(f'<circle cx="{cx}" cy="{cy}" r="3.5" style="fill:var(--s0)"><title>{title}</title></circle>')
    return _svg(_SIDE, _SIDE, label, parts)


def _point(x: float, y: float) -> str:
    inner = _SIDE - 2 * _PAD
    return f"{_PAD + x * inner:.1f},{_SIDE - _PAD - y * inner:.1f}"


def _axes(across: str, up: str) -> list[str]:
    low, high, middle = _PAD, _SIDE - _PAD, _SIDE / 2
    return [
        f'<path d="M{low},{low} V{high} H{high}" fill="none" class="axis"/>',
        f'<text x="{middle}" y="{_SIDE - 6}" text-anchor="middle">{across}</text>',
        f'<text x="{low - 8}" y="{low - 10}">{up}</text>',
        *(f'<text x="{low - 5}" y="{y + 4}" text-anchor="end">{value}</text>' for value, y in ((1, low), (0, high))),
        f'<text x="{high}" y="{high + 13}" text-anchor="middle">1</text>',
    ]


def _legend(series: Sequence[str]) -> str:
    items = (
        f'<span><i style="background:var(--s{position % _COLOURS})"></i>{escape(name)}</span>'
        for position, name in enumerate(series)
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
