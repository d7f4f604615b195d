"""What a run measures and keeps: one record for each question, and the means that are shown."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from eval import metrics

RUNS = Path(__file__).resolve().parent / "runs"
"""Where runs are kept unless another folder is named; not committed."""

_PACKAGES = ("dalil", "chromadb", "llama-index-core", "onnxruntime", "tantivy")


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
    """Measure to value; the mean over questions is what a table shows."""
    question: str = ""
    expected: str = ""
    got: str = ""


@dataclass(slots=True)
class Run:
    """Everything that one evaluation found."""

    name: str
    started: str
    settings: dict[str, Any]
    records: list[Record] = field(default_factory=list)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Setting to its risk–coverage curve."""
    skipped: dict[str, str] = field(default_factory=dict)
    """What could not run, with the reason."""

    def add(self, records: Iterable[Record]) -> None:
        """Keep records."""
        self.records.extend(records)

    def means(self) -> dict[tuple[str, str, str], dict[str, float]]:
        """(suite, setting, system) to the mean of each measure."""
        grouped: dict[tuple[str, str, str], dict[str, list[float]]] = {}
        for record in self.records:
            kept = grouped.setdefault((record.suite, record.setting, record.system), {})
            for measure, value in record.scores.items():
                kept.setdefault(measure, []).append(value)
        return {
            key: {measure: sum(values) / len(values) for measure, values in kept.items()}
            for key, kept in grouped.items()
        }

    def save(self, folder: Path) -> Path:
        """Write ``results.json`` and give its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "results.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read what ``save`` wrote, from the file or its folder."""
        values = json.loads((path / "results.json" if path.is_dir() else path).read_text(encoding="utf-8"))
        records = [Record(**record) for record in values.pop("records")]
        return cls(**{**values, "records": records})


def new_run(model: str, arguments: dict[str, Any]) -> Run:
    """An empty run that remembers what it was made with."""
    now = datetime.now(UTC)
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return Run(
        name=now.strftime("%Y%m%d-%H%M%S"),
        started=now.isoformat(timespec="seconds"),
        settings={
            "model": model,
            "versions": versions,
            "python": platform.python_version(),
            "machine": platform.machine(),
            **arguments,
        },
    )


def compare(one: Run, other: Run) -> list[dict[str, Any]]:
    """Differences of every measure that both runs have on the same questions, ``other`` minus ``one``.

    Each row has the mean difference and its paired bootstrap 95 % interval.
    """
    values = [
        {(r.suite, r.setting, r.system, m, r.question_id): v for r in run.records for m, v in r.scores.items()}
        for run in (one, other)
    ]
    paired: dict[tuple[str, str, str, str], list[float]] = {}
    for key in values[0].keys() & values[1].keys():
        paired.setdefault(key[:4], []).append(values[1][key] - values[0][key])
    rows = []
    for (suite, setting, system, measure), differences in sorted(paired.items()):
        low, high = metrics.bootstrap_interval(differences)
        rows.append(
            {
                "suite": suite,
                "setting": setting,
                "system": system,
                "measure": measure,
                "questions": len(differences),
                "difference": sum(differences) / len(differences),
                "low": low,
                "high": high,
            }
        )
    return rows


def worst(records: Sequence[Record], measure: str, limit: int = 12) -> list[Record]:
    """The records with the lowest value of a measure, in a fixed order."""
    kept = [record for record in records if measure in record.scores and record.system == "dalil"]
    return sorted(kept, key=lambda record: (record.scores[measure], record.question_id))[:limit]
