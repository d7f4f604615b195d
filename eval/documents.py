"""How well files are read: ``python -m eval.documents``, character and word error rates against true texts.

The benchmark is a folder ``documents`` with a ``manifest.json``: a list of objects with ``file``, ``truth``
(a text file), ``format``, ``kind`` (what the text tests) and ``renderer`` (what made the file).
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import DocumentError
from assistant.pdf import PdfError, read_pdf
from assistant.readers import SUFFIXES, read_source
from eval.squad import BENCHMARKS

_BULLETS = re.compile("[•▪▫◦●○■□◆‣⁃∙·*–—-](?=\\s|$)")
_CELL = re.compile(r" \| ")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the benchmark and the text that it holds."""

    path: Path
    truth: Path
    format: str
    kind: str
    renderer: str


@dataclass(frozen=True, slots=True)
class Score:
    """How a file was read."""

    entry: Entry
    cer: float
    """Character errors as a share of the true characters."""
    wer: float
    """Word errors as a share of the true words."""
    seconds: float
    error: str = ""
    """Why it could not be read at all."""


# --- measures ----------------------------------------------------------------------------------------


def comparable(text: str) -> str:
    """Text without what no reader need keep: form variants, format characters, bullets, lines and cells."""
    text = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return " ".join(_BULLETS.sub(" ", _CELL.sub(" ", text)).split())


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """The least number of items to insert, remove or replace to turn one sequence into the other."""
    codes: dict[str, int] = {}
    one, other = (np.array([codes.setdefault(x, len(codes)) for x in items], np.int32) for items in (first, second))
    ramp = np.arange(len(other) + 1)
    row = ramp.copy()
    for count, item in enumerate(one, 1):
        replaced = row[:-1] + (other != item)
        below = np.concatenate(([count], np.minimum(replaced, row[1:] + 1)))
        # Insertions run along the row: the cheapest cell to the left, plus one for each step from it.
        row = np.minimum.accumulate(below - ramp) + ramp
    return int(row[-1])


def error_rate(truth: Sequence[str], read: Sequence[str]) -> float:
    """Edit distance as a share of the length of the truth; without one, 0 if nothing was read, else 1."""
    if not truth:
        return float(len(read) > 0)
    return edit_distance(truth, read) / len(truth)


# --- reading -----------------------------------------------------------------------------------------


def load(folder: Path) -> list[Entry]:
    """The files that a benchmark folder lists.

    Raises:
        FileNotFoundError: there is no manifest.
    """
    rows = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [
        Entry(folder / row["file"], folder / row["truth"], row["format"], row["kind"], row["renderer"]) for row in rows
    ]


def supported(entry: Entry) -> bool:
    """Whether there is a reader for the file's format."""
    return entry.path.suffix in {*SUFFIXES, ".pdf"}


def read_text(name: str, data: bytes) -> str:
    """Text of a file as Dalil would quote it.

    Raises:
        DocumentError: it cannot be read.
    """
    if name.endswith(".pdf") and ".pdf" not in SUFFIXES:
        try:
            return "\n".join(block.text for block in read_pdf(data).blocks)
        except PdfError as error:
            raise DocumentError(f"{name}: {error}") from None
    return read_source(name, data).document.text


def score(entry: Entry) -> Score:
    """Read a file and compare it with its truth; one that cannot be read has every character wrong."""
    truth = comparable(entry.truth.read_text(encoding="utf-8"))
    data = entry.path.read_bytes()
    start = time.perf_counter()
    try:
        text = read_text(entry.path.name, data)
    except DocumentError as error:
        return Score(entry, 1.0, 1.0, time.perf_counter() - start, str(error))
    seconds = time.perf_counter() - start
    read = comparable(text)
    return Score(entry, error_rate(truth, read), error_rate(truth.split(), read.split()), seconds)


# --- tables ------------------------------------------------------------------------------------------


def by(scores: Iterable[Score], key: Callable[[Entry], _T]) -> dict[_T, list[Score]]:
    """Scores in groups of the same key, in the order in which the keys come."""
    groups: dict[_T, list[Score]] = {}
    for one in scores:
        groups.setdefault(key(one.entry), []).append(one)
    return groups


def means(scores: Sequence[Score]) -> str:
    """Mean character and word error rate in percent: ``0.21 / 1.4``."""
    return f"{100 * mean(one.cer for one in scores):.2f} / {100 * mean(one.wer for one in scores):.1f}"


def tables(scores: Sequence[Score]) -> list[Table]:
    """Errors by format and kind, by format and renderer, and by format."""
    formats = by(scores, lambda entry: entry.format)
    kinds = Table(title="Character error rate, %", title_justify="left")
    kinds.add_column("")
    for name in formats:
        kinds.add_column(name, justify="right")
    for kind, of_kind in by(scores, lambda entry: entry.kind).items():
        groups = by(of_kind, lambda entry: entry.format)
        cells = [f"{100 * mean(s.cer for s in groups[name]):.2f}" if name in groups else "" for name in formats]
        kinds.add_row(kind, *cells)
    renderers = Table(title="Character / word error rate, %", title_justify="left")
    for name in ("format", "renderer", "files", "CER / WER"):
        renderers.add_column(name, justify="left" if name in {"format", "renderer"} else "right")
    for (format_, renderer), group in by(scores, lambda entry: (entry.format, entry.renderer)).items():
        renderers.add_row(format_, renderer, str(len(group)), means(group))
    totals = Table(title="By format", title_justify="left")
    for name in ("format", "files", "CER / WER", "files a second"):
        totals.add_column(name, justify="left" if name == "format" else "right")
    for name, group in formats.items():
        speed = len(group) / max(sum(one.seconds for one in group), 1e-9)
        totals.add_row(name, str(len(group)), means(group), f"{speed:.0f}")
    return [kinds, renderers, totals]


def main(
    benchmarks: Annotated[Path, typer.Option(help="Folder with the folder documents.")] = BENCHMARKS,
    formats: Annotated[list[str] | None, typer.Option("--format", help="Only files of this format.")] = None,
    worst: Annotated[int, typer.Option(min=0, help="List this many files with most errors.")] = 0,
) -> None:
    """Measure how well the formats are read."""
    console = Console()
    folder = benchmarks / "documents"
    if not (folder / "manifest.json").is_file():
        console.print(f"skipped: {folder} has no manifest.json; name another folder with --benchmarks", soft_wrap=True)
        return
    entries = [entry for entry in load(folder) if not formats or entry.format in formats]
    skipped = sorted({entry.path.suffix for entry in entries if not supported(entry)})
    scores = [score(entry) for entry in entries if supported(entry)]
    for table in tables(scores) if scores else []:
        console.print(table)
    for one in sorted(scores, key=lambda one: -one.cer)[:worst]:
        console.print(f"{100 * one.cer:6.2f} {one.entry.path.name} {one.error}", markup=False, soft_wrap=True)
    if skipped:
        console.print(f"skipped formats without a reader: {', '.join(skipped)}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
