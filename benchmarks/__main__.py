"""Measure Dalil's speed and size: ``python -m benchmarks``.

python -m benchmarks ingest [--limit N] [--json]
python -m benchmarks latency [--size N]... [--questions N] [--keep DIR] [--json]
python -m benchmarks unchanged [--files N] [--json]
python -m benchmarks load [--users N] [--seconds N] [--json]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant import Settings
from assistant.encoder import Encoder
from assistant.errors import DalilError
from assistant.models import prepare
from benchmarks import ingest as ingesting
from benchmarks import load as loading
from benchmarks.latency import Measured, build, is_built, measure_apart
from benchmarks.made import Pool, data_sets, make_pool
from eval.progress import watched
from eval.questions import SHIPPED, load_cases
from eval.squad import BENCHMARKS

SIZES = (1_000, 10_000, 100_000)

app = typer.Typer(help="Measure Dalil.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Data = Annotated[Path, typer.Option("--benchmarks", help="Folder with the SQuAD files.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def ingest(
    limit: Annotated[int, typer.Option(min=1, help="Files.")] = 240, data: Data = BENCHMARKS, as_json: AsJson = False
) -> None:
    """Index text files with Dalil, with its encoder alone, and with LlamaIndex on the same weights."""
    paragraphs = [paragraph for one in data_sets(data) for paragraph in one.paragraphs]
    result = ingesting.ingest(_spread(paragraphs, limit))
    times = result.times_llamaindex
    if as_json:
        _print_json({**asdict(result), "share_of_encoder": result.share_of_encoder, "times_llamaindex": times})
        return
    rows = [
        ("Dalil", result.dalil_seconds),
        ("its encoder alone", result.encoder_seconds),
        ("LlamaIndex", result.llamaindex_seconds),
    ]
    _print_table(
        f"{result.files} text files, {result.passages} passages",
        ["", "seconds", "files/s"],
        [[name, f"{value:.1f}", f"{result.files / value:.1f}"] for name, value in rows if value],
    )
    print(f"Dalil syncs at {result.share_of_encoder:.0%} of its encoder's own speed")
    print(f"and {times:.1f} times as fast as LlamaIndex" if times else "LlamaIndex: pip install -e '.[eval]'")


@app.command()
def latency(
    size: Annotated[list[int] | None, typer.Option(min=10, help="Passages; 1,000, 10,000 and 100,000 if none.")] = None,
    questions: Annotated[int, typer.Option(min=2, help="Asked of each store, each once.")] = 200,
    keep: Annotated[Path | None, typer.Option(help="Keep the stores in this folder, or use those kept there.")] = None,
    data: Data = BENCHMARKS,
    as_json: AsJson = False,
) -> None:
    """Build stores of several sizes and ask each: time of a question and of its stages, memory, disk, opening."""
    sets = data_sets(data)
    asked = _spread([question.text for one in sets for question in one.questions], questions)
    with _folder(keep) as folder:
        stores = {number: folder / str(number) for number in size or SIZES}
        if not all(map(is_built, stores.values())):
            pool = _pool(data, None)
            for number in watched([number for number, store in stores.items() if not is_built(store)], "build stores"):
                build(stores[number], number, pool)
        results = [measure_apart(store, asked) for store in watched(list(stores.values()), "ask stores")]
    if as_json:
        _print_json([asdict(result) for result in results])
        return
    _print_table("Stores", ["passages", "sentences", "disk", "memory", "open", "build"], map(_store_row, results))
    stages = list(results[-1].stages)
    _print_table(
        "A question in milliseconds, and the share of each stage",
        ["passages", "first", "p50", "p95", "p50 processor", "p95 processor", *stages],
        [
            [
                f"{one.passages:,}",
                *(f"{value:.0f}" for value in (one.first_ms, one.p50_ms, one.p95_ms, one.cpu_p50_ms, one.cpu_p95_ms)),
                *(f"{one.stages.get(stage, 0):.0%}" for stage in stages),
            ]
            for one in results
        ],
    )


@app.command()
def unchanged(
    files: Annotated[int, typer.Option(min=1, help="Small files.")] = 10_000,
    data: Data = BENCHMARKS,
    as_json: AsJson = False,
) -> None:
    """Sync a folder again in which nothing has changed."""
    result = ingesting.unchanged(_pool(data, 30), files)
    if as_json:
        _print_json(asdict(result))
        return
    _print_table(
        f"{result.files:,} files, none changed",
        ["open", "sync", "first sync without encoding"],
        [[f"{value:.1f} s" for value in (result.open_seconds, result.again_seconds, result.first_seconds)]],
    )


@app.command()
def load(
    users: Annotated[int, typer.Option(min=1, help="Who ask at once.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 120,
    as_json: AsJson = False,
) -> None:
    """Have many users ask a server of the shipped knowledge base at once, over HTTP, each question after the other."""
    asked = [case.question for case in load_cases(SHIPPED) if not case.history]
    result = loading.load(asked, users, seconds)
    if as_json:
        _print_json({**asdict(result), "per_second": result.per_second})
    else:
        _print_table(
            f"{users} users for {result.seconds:.0f} seconds",
            ["answers", "answers/s", "errors", "p50", "p95", "p99", "slowest", "processor"],
            [
                [
                    f"{result.answers:,}",
                    f"{result.per_second:.1f}",
                    str(sum(result.errors.values())),
                    *(f"{value:.0f} ms" for value in (result.p50_ms, result.p95_ms, result.p99_ms, result.slowest_ms)),
                    f"{result.server_cpu_seconds / result.seconds:.2f}",
                ]
            ],
        )
        for error, count in sorted(result.errors.items()):
            print(f"{count} times {error}")
    if result.errors:
        raise SystemExit(1)


def _store_row(one: Measured) -> list[str]:
    return [
        f"{one.passages:,}",
        f"{one.sentences:,}",
        f"{one.disk_bytes / 1e9:.2f} GB",
        f"{one.resident_bytes / 1e9:.2f} GB",
        f"{one.open_seconds:.1f} s",
        f"{one.build_seconds:.0f} s",
    ]


def _pool(data: Path, limit: int | None) -> Pool:
    settings = Settings()
    paragraphs = [paragraph for one in data_sets(data) for paragraph in one.paragraphs]
    encoder = Encoder(prepare(settings.embedding_model, settings.cache_dir))
    return make_pool(_spread(paragraphs, limit or len(paragraphs)), encoder)


def _spread(items: Sequence[Any], limit: int) -> list[Any]:
    """At most ``limit`` of the items, evenly over all of them."""
    count = min(limit, len(items))
    return [items[number * len(items) // count] for number in range(count)]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
    else:
        with tempfile.TemporaryDirectory() as work:
            yield Path(work)


def _print_table(title: str, columns: Sequence[str], rows: Any) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="python -m benchmarks")
    except (DalilError, FileNotFoundError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
