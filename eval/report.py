"""A run as a table on the terminal and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rich.table import Table

from assistant.text import detect_language
from eval.run import Record, Run, worst

_WORST = {
    "retrieval": "nDCG@10",
    "answers": "whole answer",
    "knowledge": "whole answer",
    "robustness": "nDCG@10",
}

_STYLE = """
:root{--ink:#1c2321;--soft:#5d6763;--line:#dedbd2;--paper:#fff;--ground:#f7f6f3;--accent:#0f766e}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecea;--soft:#a3aeaa;--line:#2b3438;--paper:#181f24;--ground:#11161a;
--accent:#5eead4}}
body{margin:0 auto;max-width:1080px;padding:24px;background:var(--ground);color:var(--ink);
font:16px/1.6 "IBM Plex Sans Arabic",system-ui,sans-serif}
h1,h2{line-height:1.3}h2{margin-top:2.2em}table{border-collapse:collapse;width:100%;background:var(--paper)}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:start;vertical-align:top}
td.n{text-align:end;font-variant-numeric:tabular-nums}td.best{color:var(--accent);font-weight:600}
.case{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:12px 16px;margin:12px 0}
.case p{margin:.3em 0}.soft{color:var(--soft);font-size:.9em}.scroll{overflow-x:auto}
svg{background:var(--paper);border:1px solid var(--line);border-radius:10px;max-width:100%}
svg text{fill:var(--soft);font-size:11px}
"""
_COLOURS = ("#0f766e", "#b45309", "#6d28d9", "#be123c", "#1d4ed8", "#4d7c0f", "#0e7490", "#a21caf")


def tables(run: Run) -> list[Table]:
    """One table for each suite."""
    result = []
    for suite, (measures, rows) in _suites(run).items():
        table = Table("setting", "system", *measures, title=suite, title_justify="left")
        for setting, system, values in rows:
            table.add_row(setting, system, *(_number(values.get(measure)) for measure in measures))
        result.append(table)
    return result


def _suites(run: Run) -> dict[str, tuple[list[str], list[tuple[str, str, dict[str, float]]]]]:
    suites: dict[str, tuple[list[str], list[tuple[str, str, dict[str, float]]]]] = {}
    for (suite, setting, system), values in run.means().items():
        measures, rows = suites.setdefault(suite, ([], []))
        measures.extend(measure for measure in values if measure not in measures)
        rows.append((setting, system, values))
    for _, rows in suites.values():
        rows.sort(key=lambda row: row[0])  # systems keep their order within a setting
    return suites


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"


def html(run: Run) -> str:
    """The whole report."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Dalil evaluation {escape(run.name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Dalil evaluation {escape(run.name)}</h1>",
        f'<p class="soft">{escape(str(run.settings))}</p>',
    ]
    for suite, (measures, rows) in _suites(run).items():
        parts.append(f"<h2>{escape(suite)}</h2>{_html_table(measures, rows)}")
        if suite == "abstention" and run.curves:
            parts.append(_curves(run.curves))
        if suite in _WORST:
            failures = [r for r in worst([r for r in run.records if r.suite == suite], _WORST[suite]) if _failed(r)]
            parts.append("".join(map(_case, failures)))
    for what, reason in run.skipped.items():
        parts.append(f'<p class="soft">skipped {escape(what)}: {escape(reason)}</p>')
    return "\n".join([*parts, "</body></html>"])


def _failed(record: Record) -> bool:
    return record.scores[_WORST[record.suite]] < 1.0


def _html_table(measures: Sequence[str], rows: Sequence[tuple[str, str, dict[str, float]]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("setting", "system", *measures))
    best: dict[tuple[str, str], float] = {}
    for setting, _, values in rows:
        for measure, value in values.items():
            best[setting, measure] = max(best.get((setting, measure), value), value)
    body = []
    for setting, system, values in rows:
        rivals = sum(row[0] == setting for row in rows) > 1
        cells = "".join(
            f'<td class="n{" best" if rivals and values.get(m) == best.get((setting, m)) else ""}">'
            f"{_number(values.get(m))}</td>"
            for m in measures
        )
        body.append(f"<tr><td>{escape(setting)}</td><td>{escape(system)}</td>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _case(record: Record) -> str:
    return (
        f'<div class="case"><p class="soft">{escape(record.setting)} · {escape(record.question_id)}</p>'
        f"{_paragraph(record.question, 'strong')}{_paragraph(record.expected[:400], 'span')}"
        f"{_paragraph(record.got[:600], 'em')}</div>"
    )


def _paragraph(text: str, tag: str) -> str:
    """A text of its own direction, whatever the page's."""
    if not text:
        return ""
    arabic = detect_language(text) == "ar"
    direction = 'dir="rtl" lang="ar"' if arabic else 'dir="ltr" lang="en"'
    return f"<p {direction}><{tag}>{escape(text)}</{tag}></p>"


def _curves(curves: dict[str, list[tuple[float, float]]]) -> str:
    """Risk against coverage, one line a setting."""
    width, height, pad = 520, 320, 40
    lines = []
    for number, (name, points) in enumerate(sorted(curves.items())):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in _scaled(points, width, height, pad))
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{pad + 8}" y="{pad + 14 * number}" style="fill:{colour}">{escape(name)}</text>')
    axes = (
        f'<path d="M{pad},{pad} V{height - pad} H{width - pad}" fill="none" stroke="currentColor" opacity=".4"/>'
        f'<text x="{width / 2 - 60}" y="{height - 10}">share answered, 0 to 1</text>'
        f'<text x="6" y="{pad - 12}">share of those wrong, 0 to 1</text>'
    )
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">{axes}{"".join(lines)}</svg>'


def _scaled(points: Sequence[tuple[float, float]], width: int, height: int, pad: int) -> Iterable[tuple[float, float]]:
    step = max(1, len(points) // 200)
    for x, y in points[::step]:
        yield pad + x * (width - 2 * pad), height - pad - y * (height - 2 * pad)
