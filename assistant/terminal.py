"""What a person sees of a sync: a bar while it goes on, a table when it has ended."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from assistant.schema import SyncReport

if TYPE_CHECKING:
    from assistant.feedback import Entry
    from assistant.index import Progress

MOST_ROWS = 30
"""With more changed files than this the table counts them by format."""

PLAIN_SECONDS = 10.0
"""Where nobody watches, a long sync says this often how far it is."""

_PIPE_WIDTH = 400
"""A pipe has no width: cutting ids there would make them useless."""

_SHORT = 100
"""Characters of a question, an answer or a reason in a table."""

_FACT = re.compile(r"(?<=\.yaml)#.*|(?<=\.yml)#.*", re.IGNORECASE)


def console() -> Console:
    """Standard output, wide enough for every id where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show how a sync goes on, on standard error."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield _PlainProgress()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("Indexing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Rate(ProgressColumn):
    """Texts encoded in a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} texts/s" if task.speed else "")


class _PlainProgress:
    """A line now and then."""

    def __init__(self) -> None:
        self._begun = self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said < PLAIN_SECONDS:
            return
        self._said = now
        rate = done / (now - self._begun)
        left = (total - done) / rate if rate else 0.0
        print(
            f"indexing: {done:,} of about {total:,} texts, {rate:,.0f} texts/s, {left:,.0f} s left",
            file=sys.stderr,
            flush=True,
        )


def summary(report: SyncReport) -> Iterator[Table]:
    """Tables of what a sync changed: a row for each file, or counts by format where there are many."""
    happened = {
        **dict.fromkeys(report.added, "added"),
        **dict.fromkeys(report.updated, "updated"),
        **dict.fromkeys(report.removed, "removed"),
        **{place: "failed" for place in report.failed if place not in {*report.added, *report.updated}},
    }
    if not happened:
        return
    if len(happened) <= MOST_ROWS:
        yield _rows(report, happened)
        return
    yield _counts(happened)
    doubtful = {place: what for place, what in happened.items() if place in report.failed or place in report.warnings}
    if doubtful:
        yield _rows(report, doubtful)


def feedback_table(entries: Iterable[Entry]) -> Table:
    """A row for each entry, in the order given."""
    table = Table("id", "time", "", "question", "answer", "reason", box=None)
    for entry in entries:
        when = datetime.fromisoformat(entry.time).astimezone().strftime("%Y-%m-%d %H:%M")
        texts = (entry.answer.question, entry.answer.text, entry.reason)
        table.add_row(escape(entry.id), when, entry.verdict, *(escape(_short(text)) for text in texts))
    return table


def _short(text: str) -> str:
    """The beginning of a text, on one line and without what a terminal would obey."""
    plain = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return plain if len(plain) <= _SHORT else plain[: _SHORT - 1] + "…"


def line(report: SyncReport) -> str:
    """A sync in one line."""
    return (
        f"{len(report.added)} added, {len(report.updated)} updated, {len(report.removed)} removed, "
        f"{len(report.unchanged)} unchanged, {len(report.failed)} failed; "
        f"{report.passages} passages in {report.seconds:.1f} s"
    )


def _rows(report: SyncReport, happened: Mapping[str, str]) -> Table:
    table = Table("file", "", "format", "pages", "passages", "note", box=None)
    for column in table.columns[3:5]:
        column.justify = "right"
    for place in sorted(happened):
        detail = report.files.get(place)
        notes = [report.failed.get(place, ""), report.warnings.get(place, "")]
        if detail and detail.repairs:
            repairs = ", ".join(f"{kind} {count:,}" for kind, count in sorted(detail.repairs.items()))
            notes.append(f"mended: {repairs}")
        table.add_row(
            escape(place),
            happened[place],
            _format(place),
            f"{detail.pages:,}" if detail and detail.pages else "",
            f"{detail.passages:,}" if detail else "",
            escape("; ".join(filter(None, notes))),
        )
    return table


def _counts(happened: Mapping[str, str]) -> Table:
    columns = ("added", "updated", "removed", "failed")
    table = Table("format", *columns, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    counts = Counter((_format(place), what) for place, what in happened.items())
    for name in sorted({name for name, _ in counts}):
        table.add_row(name, *(f"{counts[name, what]:,}" if counts[name, what] else "" for what in columns))
    return table


def _format(place: str) -> str:
    """The format of a file, or of the facts file that a fact is in (``file#fact``)."""
    return PurePosixPath(_FACT.sub("", place)).suffix.lower().removeprefix(".")
