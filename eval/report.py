"""A run as tables on the terminal, and as one HTML page that needs nothing else and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from rich.table import Table

from assistant.text import detect_language
from eval import metrics, plots
from eval.run import DALIL, Record, Run, worst
from eval.support_cases import Rate

MAIN_MEASURE = {
    "retrieval": "nDCG@10",
    "answers": "first sentence",
    "abstention": "answered",
    "citations": "recall",
    "robustness": "nDCG@10",
    "knowledge": "whole answer",
    "followups": "right",
    "judged": "faithfulness",
}
"""What systems are compared by, and what a failure fails in."""

LOWER_IS_BETTER = {"wrongly answered", "ECE", "risk–coverage area", "loss", "loss where changed", "p50 ms", "p95 ms"}

NOTES = {
    "retrieval": "Each document counts at its best passage. “mixed” stores even articles in Arabic only, odd ones in "
    "English only; “xquad ar→en” is asked in Arabic with only English stored. Every system uses the same model.",
    "answers": "Share of the answers whose first sentence, or whole text, holds the gold answer when Dalil never "
    "abstains; words and sentences on average; “answered” is the share that the shipped threshold lets through.",
    "citations": "Verbatim: every quote of the answer is exactly what stands in the document. Precision: share of "
    "quotes that are gold sentences. Recall: share of gold sentences that are quoted.",
    "abstention": "Half of the articles are left out, so half of the questions have no answer. “own questions” sets "
    "the answerable ones of our set against its near-topic or off-topic ones. Right: the best passage is the gold one.",
    "robustness": "XQuAD’s Arabic questions written differently. Loss: nDCG@10 of the question as written minus this.",
    "knowledge": "Our own questions on the shipped knowledge base, end to end at the shipped threshold.",
    "followups": "Conversations on the shipped knowledge base, held afresh by each system. Right: the answer holds a "
    "gold string and cites a gold document, or nothing is said where there is no answer. “Previous in front” puts the "
    "question before in front of every question; “by hand” asks what a person would ask instead. The method was made "
    "by looking at dev; test was held out.",
    "judged": "A language model, named above, judges our own questions with LlamaIndex’s evaluators. Faithfulness: the "
    "quotes support the answer. Relevancy: answer and quotes fit the question. Correctness, 1 to 5: the answer against "
    "the gold evidence. Abstentions are not judged.",
    "latency": "One client, warm. Sync is compared with the encoder alone on the same texts in the same run.",
}

_FAILURES = 6
"""Failures shown of each setting."""
_FAILURE_CHARACTERS = 700

_STYLE = """
:root{--ink:#1c2321;--soft:#56625d;--line:#dedbd2;--paper:#fff;--ground:#f7f6f3;--accent:#0f766e;
--s0:#0f766e;--s1:#d97706;--s2:#7c3aed;--s3:#64748b;--s4:#db2777;--s5:#2563eb;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecea;--soft:#a9b4b0;--line:#2f393d;--paper:#181f24;--ground:#11161a;
--accent:#5eead4;--s0:#2dd4bf;--s1:#fbbf24;--s2:#a78bfa;--s3:#94a3b8;--s4:#f472b6;--s5:#60a5fa}}
body{margin:0 auto;max-width:1080px;padding:24px;background:var(--ground);color:var(--ink);
font:16px/1.6 "IBM Plex Sans Arabic","Segoe UI","Noto Sans","Noto Sans Arabic",system-ui,sans-serif}
h1,h2,h3{line-height:1.3}h2{margin:2.4em 0 .3em;text-transform:capitalize}
table{border-collapse:collapse;width:100%;background:var(--paper);font-size:.92em}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:start;vertical-align:top;white-space:nowrap}
th.n,td.n{text-align:end;font-variant-numeric:tabular-nums}td.best{color:var(--accent);font-weight:600}
.case{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:12px 16px;margin:12px 0}
.case dl{margin:0;display:grid;grid-template-columns:6.5em 1fr;gap:4px 12px}.case dt{color:var(--soft);font-size:.85em}
.case dd{margin:0;min-width:0;overflow-wrap:anywhere}.case p{margin:0}.case [lang=ar]{line-height:1.8}
.soft{color:var(--soft);font-size:.9em}.scroll{overflow-x:auto}summary{cursor:pointer;margin:.6em 0;color:var(--accent)}
svg{background:var(--paper);border:1px solid var(--line);border-radius:10px;max-width:100%;height:auto}
svg text{fill:var(--soft);font-size:11px}svg text.strong{fill:var(--ink);font-size:12px}
.axis{stroke:var(--soft);opacity:.6}.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:14px}
figure{margin:0}figcaption{font-size:.88em}.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:.8em 0 .4em}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-inline-end:6px}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a suite's table."""

    setting: str
    system: str
    questions: int
    values: Mapping[str, float]


def rows_by_suite(run: Run) -> dict[str, list[Row]]:
    """Suite to its lines: settings in the order in which they ran, Dalil before the baselines."""
    suites: dict[str, list[Row]] = {}
    figures = run.figures()
    for (suite, setting, system), records in run.groups().items():
        suites.setdefault(suite, []).append(Row(setting, system, len(records), figures[suite, setting, system]))
    for rows in suites.values():
        settings = list(dict.fromkeys(row.setting for row in rows))
        rows.sort(key=lambda row: (settings.index(row.setting), row.system != DALIL))
    return suites


def _measures(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(measure for row in rows for measure in row.values))


def _number(value: float | None) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if abs(value) < 2 else f"{value:.1f}"


def _pivot(rows: Sequence[Row], measure: str) -> dict[str, dict[str, float]]:
    """Setting to system to value of one measure."""
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        if measure in row.values:
            table.setdefault(row.setting, {})[row.system] = row.values[measure]
    return table


# --- terminal ----------------------------------------------------------------------------------------


def tables(run: Run) -> list[Table]:
    """One table for each suite; where systems are compared, a column for each by the suite's main measure."""
    return [
        _versus(suite, rows) if len({row.system for row in rows}) > 1 else _plain(suite, rows)
        for suite, rows in rows_by_suite(run).items()
    ]


def support_table(split: str, rates: Sequence[Rate]) -> Table:
    """How the check of citations judged groups of cases."""
    result = Table(
        "cases", "number", "unsupported caught", "supported refused", title=f"support, {split}", title_justify="left"
    )
    for rate in rates:
        result.add_row(rate.group, str(rate.cases), _share(rate.caught), _share(rate.refused))
    return result


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _versus(suite: str, rows: Sequence[Row]) -> Table:
    systems = list(dict.fromkeys(row.system for row in rows))
    result = Table("setting", "questions", *systems, title=f"{suite}, {MAIN_MEASURE[suite]}", title_justify="left")
    counts = {row.setting: row.questions for row in rows}
    for setting, values in _pivot(rows, MAIN_MEASURE[suite]).items():
        best = max(values.values())
        cells = [
            f"[bold]{_number(values.get(name))}[/]" if values.get(name) == best else _number(values.get(name))
            for name in systems
        ]
        result.add_row(setting, str(counts[setting]), *cells)
    return result


def _plain(suite: str, rows: Sequence[Row]) -> Table:
    measures = _measures(rows)
    result = Table("setting", "questions", *measures, title=suite, title_justify="left")
    for row in rows:
        result.add_row(row.setting, str(row.questions), *(_number(row.values.get(measure)) for measure in measures))
    return result


# --- page --------------------------------------------------------------------------------------------


def html(run: Run) -> str:
    """The whole report."""
    parts = [
        '<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Dalil evaluation {escape(run.name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Dalil evaluation {escape(run.name)}</h1>{_made_with(run)}",
    ]
    parts += [f'<p class="soft">skipped {escape(what)}: {escape(reason)}</p>' for what, reason in run.skipped.items()]
    for suite, rows in rows_by_suite(run).items():
        records = [record for record in run.records if record.suite == suite]
        seconds = f" {run.seconds[suite]:.0f} s." if suite in run.seconds else ""
        parts.append(f'<section id="{escape(suite)}"><h2>{escape(suite)}</h2>')
        parts.append(f'<p class="soft">{escape(NOTES.get(suite, ""))}{seconds}</p>')
        parts.append(_suite_tables(suite, rows))
        parts.append(_plots(suite, rows, run))
        parts.append(f"{_failures(suite, records)}</section>")
    return "\n".join([*parts, "</body></html>"])


def _made_with(run: Run) -> str:
    shown = {"started": run.started, **run.settings}
    versions = shown.pop("versions", {})
    lines = [f"{escape(name)}: {escape(str(value))}" for name, value in shown.items()]
    lines.append(", ".join(f"{escape(name)} {escape(version)}" for name, version in versions.items()))
    return f'<p class="soft">{"<br>".join(lines)}</p>'


def _suite_tables(suite: str, rows: Sequence[Row]) -> str:
    if len({row.system for row in rows}) == 1:
        return _html_table(rows)
    measures = _measures(rows)
    main = MAIN_MEASURE[suite]
    others = "".join(f"<h3>{escape(name)}</h3>{_html_pivot(rows, name)}" for name in measures if name != main)
    return (
        f"<h3>{escape(main)}</h3>{_html_pivot(rows, main)}<details><summary>Other measures</summary>{others}</details>"
    )


def _html_table(rows: Sequence[Row]) -> str:
    measures = _measures(rows)
    body = [
        [row.setting, str(row.questions), *(_number(row.values.get(measure)) for measure in measures)] for row in rows
    ]
    return _cells(["setting", "questions", *measures], body)


def _html_pivot(rows: Sequence[Row], measure: str) -> str:
    systems = list(dict.fromkeys(row.system for row in rows))
    pick = min if measure in LOWER_IS_BETTER else max
    counts = {row.setting: row.questions for row in rows}
    body, best = [], set()
    for number, (setting, values) in enumerate(_pivot(rows, measure).items()):
        body.append([setting, str(counts[setting]), *(_number(values.get(system)) for system in systems)])
        top = pick(values.values())
        best |= {(number, 2 + column) for column, system in enumerate(systems) if values.get(system) == top}
    return _cells(["setting", "questions", *systems], body, best)


def _cells(head: Sequence[str], body: Sequence[Sequence[str]], best: set[tuple[int, int]] | None = None) -> str:
    """A table whose first column is text and the others numbers; ``best`` are cells by row and column."""

    def kind(row: int, column: int) -> str:
        names = [name for name, holds in (("n", column > 0), ("best", (row, column) in (best or set()))) if holds]
        return f' class="{" ".join(names)}"' if names else ""

    top = "".join(f"<th{kind(-1, column)}>{escape(name)}</th>" for column, name in enumerate(head))
    lines = "".join(
        f"<tr>{''.join(f'<td{kind(r, c)}>{escape(value)}</td>' for c, value in enumerate(line))}</tr>"
        for r, line in enumerate(body)
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def _plots(suite: str, rows: Sequence[Row], run: Run) -> str:
    if suite in ("retrieval", "robustness"):
        return plots.bars(_pivot(rows, "nDCG@10"), f"{suite}, nDCG@10")
    if suite == "answers":
        wanted = ("first sentence", "whole answer")
        return plots.bars({row.setting: {name: row.values[name] for name in wanted} for row in rows}, "answers")
    if suite == "abstention":
        return _confidence_plots(run)
    return ""


def _confidence_plots(run: Run) -> str:
    names, curves, diagrams = [], [], []
    for (suite, setting, _), records in run.groups().items():
        if suite != "abstention" or not all("right" in record.observed for record in records):
            continue
        confidences, right = ([record.observed[key] for record in records] for key in ("confidence", "right"))
        names.append(setting)
        curves.append(plots.risk_coverage(metrics.risk_coverage(confidences, right), f"risk and coverage, {setting}"))
        diagrams.append(plots.reliability(metrics.reliability(confidences, right), f"reliability, {setting}"))
    if not names:
        return ""
    return (
        f"<h3>Risk and coverage</h3>{plots.panels(names, curves)}"
        f"<h3>Reliability: what confidence says and what is so</h3>{plots.panels(names, diagrams)}"
    )


# --- failures ----------------------------------------------------------------------------------------


def _failures(suite: str, records: Sequence[Record]) -> str:
    if suite not in MAIN_MEASURE:
        return ""
    parts = []
    for setting in dict.fromkeys(record.setting for record in records):
        own = [record for record in records if record.setting == setting and record.question]
        measure = MAIN_MEASURE[suite]
        failed = worst(own, measure, _FAILURES)
        wrong = [record for record in own if record.scores.get("wrongly answered") == 1.0][:_FAILURES]
        if failed or wrong:
            cases = "".join(map(_case, [*failed, *wrong]))
            parts.append(f"<details><summary>Worst of {escape(setting)}</summary>{cases}</details>")
    return f"<h3>Worst failures</h3>{''.join(parts)}" if parts else ""


def _case(record: Record) -> str:
    scores = ", ".join(f"{escape(name)} {_number(value)}" for name, value in record.scores.items())
    fields = (("asked", record.question), ("expected", record.expected), ("got", record.got))
    lines = "".join(f"<dt>{name}</dt><dd>{_text(text)}</dd>" for name, text in fields if text)
    return f'<div class="case"><p class="soft">{escape(record.question_id)}: {scores}</p><dl>{lines}</dl></div>'


def _text(text: str) -> str:
    """Each line in its own language and direction, whatever the page's."""
    if len(text) > _FAILURE_CHARACTERS:
        text = text[:_FAILURE_CHARACTERS].rsplit(" ", 1)[0] + " …"
    return "".join(_line(line) for line in text.splitlines() if line.strip())


def _line(line: str) -> str:
    language = detect_language(line)
    direction = "rtl" if language == "ar" else "ltr"
    return f'<p dir="{direction}" lang="{escape(language)}">{escape(line)}</p>'
