"""Percentiles, stages of a question and memory: what the other modules measure with."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0..1) of the values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def resident_bytes() -> int:
    """Memory of this process that is in use and is its own; 0 where the system does not tell (not Linux).

    Pages of files that the system caches for the process are left out: it can drop them at any time.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def folder_bytes(folder: Path) -> int:
    """Disk that the files below a folder take."""
    return sum(getattr(path.stat(), "st_blocks", 0) * 512 for path in folder.rglob("*") if path.is_file())


class Stages:
    """Seconds that named stages took, by wrapping the functions that do them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def timing(self, owner: Any, function: str, stage: str | Callable[..., str]) -> Iterator[None]:
        """While inside, calls of ``owner.function`` count for ``stage``.

        Args:
            owner: an object or a module.
            function: name of its attribute.
            stage: a name, or what gives the name from a call's arguments.
        """
        original = getattr(owner, function)
        own = function in vars(owner)

        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                name = stage if isinstance(stage, str) else stage(*arguments, **named)
                self.seconds[name] += time.perf_counter() - begun

        setattr(owner, function, timed)
        try:
            yield
        finally:
            if own:
                setattr(owner, function, original)
            else:
                delattr(owner, function)


def shares(seconds: Mapping[str, float], total: float, rest: str) -> dict[str, float]:
    """Each stage's share of ``total``, and what is left over as ``rest``; the largest first."""
    parts = {**seconds, rest: max(0.0, total - sum(seconds.values()))}
    return dict(sorted(((name, value / total) for name, value in parts.items()), key=lambda item: -item[1]))
