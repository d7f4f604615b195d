"""How long a question takes in stores of several sizes, where the time goes, and what a store takes to hold."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant import Assistant, Settings, retrieval
from assistant import answering as answering_module
from assistant.index import Index
from assistant.models import prepare
from benchmarks.made import Pool, PretendEncoder, write_made
from benchmarks.measure import Stages, folder_bytes, percentile, resident_bytes, shares


@dataclass(frozen=True, slots=True)
class Measured:
    """What one store costs."""

    passages: int
    sentences: int
    build_seconds: float
    disk_bytes: int
    resident_bytes: int
    open_seconds: float
    """Until the index can be asked, the model already loaded."""
    first_ms: float
    p50_ms: float
    p95_ms: float
    cpu_p50_ms: float
    """Processor time of all threads: what a question would take at most if nothing else ran on the machine."""
    cpu_p95_ms: float
    stages: dict[str, float]
    """Share of each stage in the time of all questions."""


def is_built(folder: Path) -> bool:
    """Whether ``folder`` has a finished store."""
    return (folder / "built.json").is_file()


def build(folder: Path, passages: int, pool: Pool) -> None:
    """Fill ``folder`` with a store of so many passages, unless a finished one is there."""
    if is_built(folder):
        return
    settings = Settings()
    begun = time.perf_counter()
    write_made(pool, folder / "knowledge", passages)
    index = Index(folder / "data", PretendEncoder(prepare(settings.embedding_model, settings.cache_dir), pool))
    try:
        report = index.sync(folder / "knowledge")
    finally:
        index.close()
    values = {"passages": report.passages, "seconds": time.perf_counter() - begun}
    (folder / "built.json").write_text(json.dumps(values), encoding="utf-8")


def measure(folder: Path, questions: Sequence[str]) -> Measured:
    """Open a built store and ask each question once. Memory is that of the whole process: run it in a fresh one."""
    built = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    settings = Settings(knowledge_dir=folder / "knowledge", data_dir=folder / "data")
    stages = Stages()
    with stages.timing(Index, "__init__", "open"), Assistant(settings) as dalil:
        begun = time.perf_counter()
        dalil.ask(questions[0])
        first = time.perf_counter() - begun
        opened = stages.seconds.pop("open")
        times, cpu_times = _ask_all(dalil, questions[1:], stages)
        resident = resident_bytes()
        sentences = sum(len(dalil._index.vectors.ids("sentences", code)) for code in dalil._index.vectors.languages())
    return Measured(
        passages=int(built["passages"]),
        sentences=sentences,
        build_seconds=float(built["seconds"]),
        disk_bytes=folder_bytes(folder / "data"),
        resident_bytes=resident,
        open_seconds=opened,
        first_ms=first * 1000,
        p50_ms=percentile(times, 0.5) * 1000,
        p95_ms=percentile(times, 0.95) * 1000,
        cpu_p50_ms=percentile(cpu_times, 0.5) * 1000,
        cpu_p95_ms=percentile(cpu_times, 0.95) * 1000,
        stages=shares(stages.seconds, sum(times), "ranking"),
    )


def _ask_all(dalil: Assistant, questions: Sequence[str], stages: Stages) -> tuple[list[float], list[float]]:
    """Seconds of each question, and of processor time."""
    index = dalil._index
    with ExitStack() as stack:
        for owner, function, stage in (
            (index.encoder, "encode_question", "encode question"),
            (index.vectors, "query", lambda unit, *_: f"dense {unit}"),
            (index.lexical, "query", "lexical"),
            (index.lexical, "document_frequency", "lexical"),
            (index.catalogue, "language_counts", "catalogue read"),
            (index.catalogue, "outlines", "catalogue read"),
            (index.catalogue, "encoded", "catalogue read"),
            (index.catalogue, "statements_of", "catalogue read"),
            (retrieval, "match", "word match"),
            (answering_module, "answer", "answer"),
        ):
            stack.enter_context(stages.timing(owner, function, stage))
        times, cpu_times = [], []
        for question in questions:
            begun, cpu_begun = time.perf_counter(), time.process_time()
            dalil.ask(question)
            times.append(time.perf_counter() - begun)
            cpu_times.append(time.process_time() - cpu_begun)
    return times, cpu_times


def measure_apart(folder: Path, questions: Sequence[str]) -> Measured:
    """``measure`` in a process of its own, so that memory is that of one store."""
    (folder / "questions.json").write_text(json.dumps(list(questions)), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.latency", str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Measured(**json.loads(output.splitlines()[-1]))


if __name__ == "__main__":
    store = Path(sys.argv[1])
    print(json.dumps(asdict(measure(store, json.loads((store / "questions.json").read_text(encoding="utf-8"))))))
