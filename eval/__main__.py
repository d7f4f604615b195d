"""Evaluate Dalil: ``python -m eval``, or ``dalil eval`` in a checkout.

python -m eval [run] [--suite NAME]... [--limit N] [--no-baselines] [--benchmarks DIR] [--squad LANGUAGE:FILE]...
               [--judge-base-url URL --judge-model NAME [--judge-api-key KEY]] [--out DIR]
python -m eval followups [--split dev|test] [--no-baselines]
python -m eval compare RUN_A RUN_B
python -m eval gate [--write]
python -m eval support [--split fit] [--wrong]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from assistant import Settings
from assistant.errors import DalilError
from assistant.models import PreparedModel, prepare
from eval import baselines, gate, judge, report, suites, support_cases
from eval.compare import compare, table
from eval.followups import Split, followups, load_followups
from eval.progress import console
from eval.questions import SHIPPED, QuestionsError, load_cases
from eval.run import DALIL, RUNS, Run, new_run
from eval.squad import BENCHMARKS, Dataset, load
from eval.stores import Store, asked_in, indexed, parallel_stores, shipped, single_store

SUITES = (
    "retrieval",
    "answers",
    "citations",
    "abstention",
    "robustness",
    "knowledge",
    "judged",
    "followups",
    "latency",
)
ON_BENCHMARKS = {"retrieval", "answers", "citations", "abstention", "robustness"}
ON_OWN_QUESTIONS = {"citations", "abstention", "robustness", "knowledge", "judged"}

app = typer.Typer(help="Evaluate Dalil.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The stores that the files at hand make."""

    stores: Sequence[Store]
    arabic: Store | None
    """XQuAD's Arabic paragraphs asked in Arabic, for robustness and the speed of syncing."""


@app.command()
def run(
    suite: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(SUITES)}; all by default.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions of each data set, for a quick look.")] = None,
    with_baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="In the suites retrieval and followups.")
    ] = True,
    benchmarks: Annotated[Path, typer.Option(help="Folder with the SQuAD files.", show_default=False)] = BENCHMARKS,
    squad: Annotated[
        list[str] | None, typer.Option(metavar="LANGUAGE:FILE", help="Another SQuAD file, such as ar:mlqa.json.")
    ] = None,
    judge_base_url: Annotated[
        str | None, typer.Option(help="Server of the model that judges, such as http://127.0.0.1:8080/v1.")
    ] = None,
    judge_model: Annotated[str | None, typer.Option(help="The model that judges; not the one that answers.")] = None,
    judge_api_key: Annotated[str, typer.Option(envvar=judge.API_KEY, help="Its key.", show_default=False)] = "",
    out: Annotated[Path, typer.Option(help="Gets a folder for the run.", show_default=False)] = RUNS,
) -> None:
    """Run suites, print their tables, and write results.json and report.html."""
    chosen = set(suite or SUITES)
    for name in sorted(chosen - set(SUITES)):
        raise typer.BadParameter(f"no suite '{name}'; there are {', '.join(SUITES)}", param_hint="--suite")
    settings = Settings()
    chosen_judge = _judge(judge_base_url, judge_model, judge_api_key)
    model = prepare(settings.embedding_model, settings.cache_dir)
    threshold = settings.answer_threshold
    result = new_run(
        model,
        {
            "suites": sorted(chosen),
            "questions of each data set": limit,
            "threshold": threshold,
            "reranker": settings.reranker_model,
            "language model": settings.llm_model,
        },
    )
    found = _benchmarks(benchmarks, squad or [], limit, result, chosen)
    names = _baselines(result) if with_baselines and "retrieval" in chosen and found.stores else []
    if chosen & ON_BENCHMARKS:
        _ask_benchmarks(result, chosen, found, names, model, threshold)
    if chosen & ON_OWN_QUESTIONS:
        _ask_own(result, chosen, limit, chosen_judge)
    if "followups" in chosen:
        with result.timed("followups"):
            result.add(followups(load_followups()[:limit], with_baselines))
    if "latency" in chosen:
        _measure_latency(result, found, limit)
    for what, reason in result.skipped.items():
        console.print(f"skipped {what}: {reason}", markup=False, soft_wrap=True)
    if not result.records:
        raise typer.Exit(1)
    _finish(result, out / result.name)


def _finish(result: Run, folder: Path) -> None:
    result.save(folder)
    (folder / "report.html").write_text(report.html(result), encoding="utf-8")
    terminal = _stdout()
    for one in report.tables(result):
        terminal.print(one)
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.seconds.items())
    console.print(f"{took}\nwritten to {folder}", markup=False, highlight=False, soft_wrap=True)


def _stdout() -> Console:
    return Console(width=None if sys.stdout.isatty() else 150)


def _benchmarks(folder: Path, squad: Sequence[str], limit: int | None, result: Run, chosen: set[str]) -> Benchmarks:
    """The stores of the files that are there; the others are skipped by name."""
    files = {
        "XQuAD, Arabic": ("xquad.ar.json", "xquad", "ar"),
        "XQuAD, English": ("xquad.en.json", "xquad", "en"),
        "ARCD": ("arcd-train.json", "arcd", "ar"),
    }
    data: dict[str, Dataset] = {}
    for title, (file, name, language) in files.items():
        if (folder / file).is_file():
            data[title] = load(folder / file, name, language)
        elif chosen & {*ON_BENCHMARKS, "latency"}:
            result.skipped[title] = f"{folder} lacks {file}; name another folder with --benchmarks"
    arabic, english, arcd = (data.get(title) for title in files)
    stores = [single_store(one, limit) for one in (arcd, *map(_named, squad)) if one]
    if arabic and english:
        stores = [*parallel_stores(arabic, english, limit), *stores]
    elif arabic or english:
        stores = [*(single_store(one, limit) for one in (arabic, english) if one), *stores]
    return Benchmarks(stores, single_store(arabic, limit) if arabic else None)


def _named(argument: str) -> Dataset:
    """The data set of a ``LANGUAGE:FILE`` argument, named after the file."""
    language, _, file = argument.partition(":")
    if language not in ("ar", "en") or not file:
        raise typer.BadParameter(f"'{argument}' is not ar:FILE or en:FILE", param_hint="--squad")
    try:
        return load(Path(file), Path(file).stem, language)
    except FileNotFoundError:
        raise typer.BadParameter(f"there is no file {file}", param_hint="--squad") from None
    except (json.JSONDecodeError, KeyError, TypeError, IndexError):
        raise typer.BadParameter(f"{file} is not a SQuAD file", param_hint="--squad") from None


def _baselines(result: Run) -> list[str]:
    missing = baselines.missing()
    result.skipped.update({f"baseline {name}": reason for name, reason in missing.items()})
    return [name for name in baselines.NEEDS if name not in missing]


def _ask_benchmarks(
    result: Run, chosen: set[str], found: Benchmarks, names: Sequence[str], model: PreparedModel, threshold: float
) -> None:
    if chosen & {"retrieval", "answers", "citations"}:
        with baselines.plain_encoder(model) as encoder:
            for store in found.stores:
                _ask_store(result, chosen, store, threshold)
                if names:
                    with result.timed("retrieval"), baselines.searches(store.paragraphs, names, encoder) as searches:
                        for name, search in searches.items():
                            result.add(suites.retrieval(store, search, name))
    if "abstention" in chosen:
        for store in found.stores:
            with result.timed("abstention"):
                result.add(suites.abstention(store))
    if "robustness" in chosen and found.arabic:
        with result.timed("robustness"), indexed(found.arabic.paragraphs) as (dalil, _):
            result.add(suites.robustness(asked_in(found.arabic, "ar"), dalil))


def _ask_store(result: Run, chosen: set[str], store: Store, threshold: float) -> None:
    with indexed(store.paragraphs, always_answer=True) as (dalil, _):
        if "retrieval" in chosen:
            with result.timed("retrieval"):
                result.add(suites.retrieval(store, suites.documents_found(dalil), DALIL))
        if chosen & {"answers", "citations"}:
            with result.timed("answers"):
                replies = suites.ask_all(store, dalil)
            if "answers" in chosen:
                result.add(suites.answers(store, replies, threshold))
            if "citations" in chosen:
                result.add(suites.citations(store, replies, dalil))


def _judge(base_url: str | None, model: str | None, api_key: str) -> judge.Judge | None:
    """The configured judge; None without one."""
    if bool(base_url) != bool(model):
        raise typer.BadParameter("a judge needs both --judge-base-url and --judge-model")
    return judge.Judge(base_url, model, api_key) if base_url and model else None


def _ask_judge(result: Run, asked: Sequence[suites.Asked], chosen: judge.Judge | None) -> None:
    """Add what the judge says, and what it took; say which evaluators did not run and why."""
    if chosen is None:
        result.skipped.update(judge.not_judged("no judge; name one with --judge-base-url and --judge-model"))
        return
    try:
        with result.timed("judged"):
            records, usage = judge.judged(asked, judge.connect(chosen))
    except judge.JudgeError as error:
        result.skipped.update(judge.not_judged(str(error)))
        return
    result.add(records)
    result.settings["judge"] = {"model": chosen.model, "base url": chosen.base_url, **asdict(usage)}
    console.print(
        f"judged by {chosen.model}: {usage.calls} calls, {usage.prompt_tokens} + {usage.completion_tokens} tokens, "
        f"{usage.seconds:.0f} s",
        markup=False,
        highlight=False,
    )


def _ask_own(result: Run, chosen: set[str], limit: int | None, chosen_judge: judge.Judge | None) -> None:
    cases = load_cases(SHIPPED)
    with result.timed("knowledge"):
        asked = suites.ask_cases(cases[:: max(1, len(cases) // limit)] if limit else cases, with_model=True)
    if "citations" in chosen:
        result.add(suites.own_citations(asked))
    if "abstention" in chosen:
        result.add(suites.own_abstention(asked))
    if "robustness" in chosen:
        result.add(suites.own_dialects(asked))
    if "knowledge" in chosen:
        result.add(suites.knowledge(asked))
    if "judged" in chosen:
        _ask_judge(result, asked, chosen_judge)


def _measure_latency(result: Run, found: Benchmarks, limit: int | None) -> None:
    with result.timed("latency"):
        result.add(suites.ask_latency(load_cases(SHIPPED)[:limit]))
        with shipped() as (dalil, synced):
            result.add([suites.sync_speed("shipped base", dalil, synced)])
        if found.arabic:
            with indexed(found.arabic.paragraphs) as (dalil, synced):
                result.add([suites.sync_speed("XQuAD, Arabic", dalil, synced)])


@app.command("followups")
def ask_followups(
    split: Annotated[Split | None, typer.Option(help="One half of the conversations; both by default.")] = None,
    with_baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Other systems beside it.")] = True,
) -> None:
    """Hold the conversations with follow-up questions, and print the share answered rightly."""
    settings = Settings()
    result = new_run(prepare(settings.embedding_model, settings.cache_dir), {"reranker": settings.reranker_model})
    cases = [case for case in load_followups() if split in (None, case.split)]
    result.add(followups(cases, with_baselines))
    terminal = _stdout()
    for one in report.tables(result):
        terminal.print(one)


@app.command("compare")
def compare_runs(
    one: Annotated[Path, typer.Argument(help="Folder of a run.")],
    other: Annotated[Path, typer.Argument(help="Folder of a later run.")],
) -> None:
    """Differences between two runs on the questions that both asked, with paired bootstrap 95 % intervals."""
    rows = compare(Run.load(one), Run.load(other))
    if not rows:
        console.print("the runs have no question in common", markup=False)
        raise typer.Exit(1)
    _stdout().print(table(rows))


@app.command("gate")
def check_gate(
    write: Annotated[bool, typer.Option("--write", help="Make today's scores the expected ones.")] = False,
) -> None:
    """Ask our own questions and fail if the answers are worse than the committed expectations."""
    settings = Settings()
    result = new_run(prepare(settings.embedding_model, settings.cache_dir), {"reranker": settings.reranker_model})
    result.add(suites.knowledge(suites.ask_cases(load_cases(SHIPPED))))
    result.add(followups(load_followups(), with_baselines=False))
    now = gate.scores(result)
    held_out = [case for case in support_cases.load_support_cases() if case.split == "held-out"]
    for rate in support_cases.rates(held_out, support_cases.judge(held_out, support_cases.new_checker())):
        if rate.group in now and rate.caught is not None and rate.refused is not None:
            now[rate.group] |= {
                "unsupported caught": round(rate.caught, 4),
                "supported refused": round(rate.refused, 4),
            }
    if write:
        gate.write(now)
    problems = gate.failures(now, gate.read())
    terminal = _stdout()
    for language, values in now.items():
        terminal.print(
            f"{language}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()), markup=False
        )
    for line in problems:
        console.print(f"worse: {line}", markup=False)
    if problems:
        raise typer.Exit(1)


@app.command("support")
def check_support(
    split: Annotated[
        str, typer.Option(help="held-out, calibrate, or fit: what the numbers were fitted on.")
    ] = "held-out",
    wrong: Annotated[bool, typer.Option("--wrong", help="Print the cases that are judged wrongly.")] = False,
) -> None:
    """Check sentences written to be supported by what they cite, or subtly not, and print how many are caught."""
    if split not in ("held-out", "calibrate", "fit"):
        raise typer.BadParameter(f"no split '{split}'; there are held-out, calibrate and fit", param_hint="--split")
    cases = [case for case in support_cases.load_support_cases() if case.split == split]
    verdicts = support_cases.judge(cases, support_cases.new_checker())
    terminal = _stdout()
    terminal.print(report.support_table(split, support_cases.rates(cases, verdicts)))
    if wrong:
        for case in cases:
            verdict = verdicts[case.id]
            if verdict.supported != case.supported:
                terminal.print(
                    f"{case.id} {case.kind} {verdict.probability:.3f} {verdict.reason}\n  {case.sentence}\n  "
                    + " ".join(case.evidence),
                    markup=False,
                    highlight=False,
                )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; without a command it is ``run``."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or (given[0].startswith("-") and given[0] != "--help"):
        given = ["run", *given]
    try:
        app(given, prog_name="dalil eval")
    except (
        DalilError,
        QuestionsError,
        gate.ExpectationsError,
        FileNotFoundError,
    ) as error:
        print(f"dalil eval: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
