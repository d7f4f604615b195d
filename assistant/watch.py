"""Keeping the index in step with its folder while it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from assistant.knowledge import HIDDEN
from assistant.schema import SyncReport

QUIET_MS = 400
"""A sync begins when nothing has changed for this long: files that are being copied are waited for."""
PATIENCE_MS = 5_000
"""It begins at the latest this long after a change, however much goes on."""
LOOK_MS = 60_000
"""The folder is looked at this often in any case: network drives tell of no changes."""


def follow(
    folder: Path,
    data: Path,
    sync: Callable[[], SyncReport],
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Sync whenever the knowledge folder changes, until ``stop`` is set or Ctrl-C is pressed.

    Args:
        folder: knowledge folder.
        data: data directory; what happens in it is no change, wherever it lies.
        sync: brings the index in step.
        tell: gets one line for each sync that found something.
        stop: ends it from another thread.

    Raises:
        DalilError: a sync is not possible.
        KeyboardInterrupt: Ctrl-C.
    """
    from watchfiles import watch

    root, index = folder.resolve(), data.resolve()

    def matters(_: object, path: str) -> bool:
        place = Path(path)
        if place.is_relative_to(index) or not place.is_relative_to(root):
            return False
        return not any(part.startswith(HIDDEN) for part in place.relative_to(root).parts)

    failed: dict[str, str] | None = None
    changes = watch(
        root,
        watch_filter=matters,
        debounce=PATIENCE_MS,
        step=QUIET_MS,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
        stop_event=stop,
    )
    for _ in chain([set()], changes):  # first what came while the index was brought in step
        report = sync()
        if report.added or report.updated or report.removed or dict(report.failed) != (failed or {}):
            tell(line(report))
        failed = dict(report.failed)


def line(report: SyncReport) -> str:
    """A sync in one line."""
    return (
        f"{len(report.added)} added, {len(report.updated)} updated, {len(report.removed)} removed, "
        f"{len(report.unchanged)} unchanged, {len(report.failed)} failed; "
        f"{report.passages} passages in {report.seconds:.1f} s"
    )
