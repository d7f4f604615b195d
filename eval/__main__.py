"""Evaluate Dalil: ``python -m eval``, or ``dalil eval`` in a checkout.

python -m eval run [--suite NAME]... [--limit N] [--no-baselines] [--benchmarks DIR] [--out DIR]
python -m eval compare RUN_A RUN_B
python -m eval gate [--write]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.settings import Settings
from eval import baselines, gate, report, suites
from eval.questions import SHIPPED, load_cases
from eval.run import RUNS, Run, compare, new_run
from eval.squad import BENCHMARKS, Dataset, find

SUITES = ("retrieval", "answers", "abstention", "robustness", "knowledge", "latency")
NEED_BENCHMARKS = ("retrieval", "answers", "abstention", "robustness")

app = typer.Typer(help="Evaluate Dalil.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
_error = Console(stderr=True)
_out = Console(width=None if sys.stdout.isatty() else 160)


@app.command()
def run(
    suite: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(SUITES)}; all by default.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions of each data set, for a quick look.")] = None,
    with_baselines: Annotated[bool, typer.Option("--baselines/--no-baselines")] = True,
    benchmarks: Annotated[Path, typer.Option(help="Folder with the SQuAD files.")] = BENCHMARKS,
    out: Annotated[Path, typer.Option(help="Folder that gets a folder for the run.")] = RUNS,
) -> None:
    """Run suites, print their tables, and write results.json and report.html."""
    chosen = suite or list(SUITES)
    unknown = sorted(set(chosen) - set(SUITES))
    if unknown:
        raise typer.BadParameter(f"no suite '{unknown[0]}'; there are {', '.join(SUITES)}")
    result = new_run(Settings().embedding_model, {"suites": chosen, "limit": limit})
    data = _benchmarks(benchmarks, result) if set(chosen) & set(NEED_BENCHMARKS) else None
    if data is not None:
        _run_benchmarks(result, chosen, data, limit, with_baselines)
    cases = load_cases(SHIPPED)
    if "knowledge" in chosen:
        result.add(suites.knowledge(cases))
    if "latency" in chosen:
        result.add(suites.latency(cases))
    for what, reason in result.skipped.items():
        _error.print(f"skipped {what}: {reason}", markup=False)
    if not result.records:
        raise typer.Exit(1)
    folder = out / result.name
    result.save(folder)
    (folder / "report.html").write_text(report.html(result), encoding="utf-8")
    for table in report.tables(result):
        _out.print(table)
    _error.print(f"written to {folder}", markup=False)


def _benchmarks(folder: Path, result: Run) -> tuple[Dataset, Dataset, Dataset] | None:
    files = [("xquad.ar.json", "xquad", "ar"), ("xquad.en.json", "xquad", "en"), ("arcd-train.json", "arcd", "ar")]
    try:
        arabic, english, arcd = find(folder, files)
    except FileNotFoundError as error:
        result.skipped.update(dict.fromkeys(NEED_BENCHMARKS, str(error)))
        return None
    return arabic, english, arcd


def _run_benchmarks(
    result: Run, chosen: list[str], data: tuple[Dataset, Dataset, Dataset], limit: int | None, with_baselines: bool
) -> None:
    arabic, english, arcd = data
    settings = suites.settings(arabic, english, [arcd], limit)
    names = [name for name in baselines.PACKAGES if name not in baselines.missing()] if with_baselines else []
    if with_baselines and "retrieval" in chosen:
        result.skipped.update({f"baseline {name}": reason for name, reason in baselines.missing().items()})
    for setting in track(settings, "Asking", console=_error, disable=not _error.is_terminal):
        if {"retrieval", "answers"} & set(chosen):
            with suites.indexed(setting.paragraphs, always_answer=True) as dalil:
                if "retrieval" in chosen:
                    result.add(suites.retrieval(setting, suites.documents_found(dalil), "dalil"))
                if "answers" in chosen:
                    result.add(suites.answers(setting, dalil))
        if "retrieval" in chosen:
            for name, search in baselines.build(setting.paragraphs, names).items():
                result.add(suites.retrieval(setting, search, name))
        if "abstention" in chosen and "crossed" not in setting.name:
            records, curves = suites.abstention(setting)
            result.add(records)
            result.curves.update(curves)
    if "robustness" in chosen:
        with suites.indexed(settings[0].paragraphs) as dalil:
            result.add(suites.robustness(settings[0], dalil))


@app.command("compare")
def compare_runs(one: Path, other: Path) -> None:
    """Differences between two runs on the questions that both asked, with 95 % intervals."""
    table = Table("suite", "setting", "system", "measure", "questions", "difference", "95 %")
    for row in compare(Run.load(one), Run.load(other)):
        certain = row["low"] > 0 or row["high"] < 0
        table.add_row(
            *(str(row[name]) for name in ("suite", "setting", "system", "measure", "questions")),
            f"{row['difference']:+.4f}",
            f"{row['low']:+.4f} to {row['high']:+.4f}{' *' if certain else ''}",
        )
    _out.print(table)


@app.command("gate")
def check_gate(
    write: Annotated[bool, typer.Option("--write", help="Make today's scores the expected ones.")] = False,
) -> None:
    """Ask our own questions and fail if the answers are worse than the committed expectations."""
    result = new_run(Settings().embedding_model, {})
    result.add(suites.knowledge(load_cases(SHIPPED)))
    now = gate.scores(result)
    if write:
        gate.write(now)
    problems = gate.failures(now, gate.read())
    for language, values in now.items():
        _out.print(f"{language}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()), markup=False)
    for line in problems:
        _error.print(f"worse: {line}", markup=False)
    if problems:
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    app(arguments)


if __name__ == "__main__":
    main()
