"""Progress on standard error: a bar on a terminal, else a line for each finished step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

console = Console(stderr=True)


def watched(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items one by one, shown as they go; ``what`` is read by a person."""
    begun = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=len(items))
        for item in items:
            yield item
            bar.advance(task)
    seconds = time.perf_counter() - begun
    console.print(f"{what}: {len(items):,} in {seconds:.0f} s", markup=False, highlight=False)
