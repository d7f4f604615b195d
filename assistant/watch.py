"""Keeping the index in step with its folder while it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from assistant.knowledge import HIDDEN
from assistant.schema import SyncReport

QUIET_MS = 400
"""A sync begins when nothing has changed for this long: files that are being copied are waited for."""
PATIENCE_MS = 5_000
"""It begins at the latest this long after a change, however much goes on."""
LOOK_SECONDS = 60.0
"""The folder is looked at this often in any case: network drives tell of no changes."""
_WAKE_MS = 1_000


def follow(
    folder: Path,
    data: Path,
    sync: Callable[[], SyncReport],
    tell: Callable[[SyncReport], None],
    stop: threading.Event | None = None,
) -> None:
    """Sync whenever the knowledge folder changes, until ``stop`` is set or Ctrl-C is pressed.

    Args:
        folder: knowledge folder.
        data: data directory; what happens in it is no change, wherever it lies.
        sync: brings the index in step.
        tell: gets the report of each sync that found something.
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
        rust_timeout=_WAKE_MS,
        yield_on_timeout=True,
        stop_event=stop,
    )
    looked = -LOOK_SECONDS  # the first look finds what came before the watching began
    for changed in changes:
        if not changed and time.monotonic() - looked < LOOK_SECONDS:
            continue
        looked = time.monotonic()
        report = sync()
        if report.added or report.updated or report.removed or dict(report.failed) != (failed or {}):
            tell(report)
        failed = dict(report.failed)
