"""What a run measures and keeps: one record for each question, and the figures that are shown."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from assistant.models import PreparedModel
from eval.metrics import set_measures

RUNS = Path(__file__).resolve().parent / "runs"
"""Where runs are kept unless another folder is named; not committed."""

DALIL = "dalil"
"""The system under test, beside the baselines."""

_PACKAGES = """
    dalil chromadb llama-index-core llama-index-llms-openai-like llama-index-retrievers-bm25
    llama-index-vector-stores-chroma ir-measures numpy onnxruntime scikit-learn tantivy tokenizers
""".split()

Key = tuple[str, str, str]
"""Suite, setting and system."""


@dataclass(frozen=True, slots=True)
class Record:
    """One question under one system in one setting."""

    suite: str
    setting: str
    """Store and direction, such as ``mixed ar→en``."""
    system: str
    """``dalil`` or the name of a baseline."""
    question_id: str
    scores: dict[str, float]
    """Measure to value; a table shows the mean over the questions that have it."""
    observed: dict[str, float] = field(default_factory=dict)
    """What measures of whole sets are made from; see ``metrics.Observed``."""
    question: str = ""
    expected: str = ""
    got: str = ""


@dataclass(slots=True)
class Run:
    """Everything that one evaluation found."""

    name: str
    started: str
    """ISO time, UTC."""
    settings: dict[str, Any]
    records: list[Record] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """What could not run, with the reason."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each suite took."""

    def add(self, records: Iterable[Record]) -> None:
        """Keep records."""
        self.records.extend(records)

    @contextmanager
    def timed(self, suite: str) -> Iterator[None]:
        """Count the time within towards a suite."""
        begun = time.perf_counter()
        yield
        self.seconds[suite] = round(self.seconds.get(suite, 0.0) + time.perf_counter() - begun, 2)

    def groups(self) -> dict[Key, list[Record]]:
        """Records by suite, setting and system, in the order in which they were made."""
        grouped: dict[Key, list[Record]] = {}
        for record in self.records:
            grouped.setdefault((record.suite, record.setting, record.system), []).append(record)
        return grouped

    def figures(self) -> dict[Key, dict[str, float]]:
        """What the tables show of each group."""
        return {key: summarise(records) for key, records in self.groups().items()}

    def save(self, folder: Path) -> Path:
        """Write ``results.json`` and give its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "results.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read what ``save`` wrote, from the file or its folder.

        Raises:
            FileNotFoundError: there is no such run.
        """
        file = path / "results.json" if path.is_dir() else path
        if not file.is_file():
            raise FileNotFoundError(f"{path} holds no run; name a folder that 'eval run' wrote")
        values = json.loads(file.read_text(encoding="utf-8"))
        records = [Record(**record) for record in values.pop("records")]
        return cls(**{**values, "records": records})


def summarise(records: Sequence[Record]) -> dict[str, float]:
    """The mean of every score, then the measures of the whole set."""
    kept: dict[str, list[float]] = {}
    for record in records:
        for measure, value in record.scores.items():
            kept.setdefault(measure, []).append(value)
    means = {measure: sum(values) / len(values) for measure, values in kept.items()}
    return means | set_measures([record.observed for record in records])


def new_run(model: PreparedModel, arguments: dict[str, Any]) -> Run:
    """An empty run that remembers what it was made with."""
    now = datetime.now(UTC)
    return Run(
        name=now.strftime("%Y%m%d-%H%M%S"),
        started=now.isoformat(timespec="seconds"),
        settings={
            **arguments,
            "model": model.name,
            "model fingerprint": model.fingerprint,
            "versions": {name: _version(name) for name in _PACKAGES},
            "python": platform.python_version(),
            "machine": f"{sys.platform} {platform.machine()}, {os.cpu_count()} cores",
        },
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def worst(records: Sequence[Record], measure: str, limit: int) -> list[Record]:
    """Dalil's records with the lowest value of a measure below 1, in a fixed order."""
    kept = [record for record in records if record.system == DALIL and record.scores.get(measure, 1.0) < 1.0]
    return sorted(kept, key=lambda record: (record.scores[measure], record.question_id))[:limit]
