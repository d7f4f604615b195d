"""Fit the weights of ``assistant/data/ranking.json``.

    python -m eval.fit_ranking [--benchmarks DIR] [--write]

Data: XQuAD in four stores (Arabic; English; even articles Arabic and odd English, asked in Arabic; the
same, asked in English) and ARCD (Arabic). Evidence comes from the real pipeline: files synced into an
index, questions through ``Retriever``. Reported figures are cross-validated by article: five folds, each
scored by a model that saw none of its articles in any language. The shipped weights are fitted on all.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from assistant import Assistant, Settings
from assistant.ranking import FEATURES, features
from eval.squad import Dataset, Paragraph, Question, find, mixed, write_folder

FOLDS = 5
OUTPUT = Path(__file__).resolve().parent.parent / "assistant" / "data" / "ranking.json"
BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "shared" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything that is needed of one question."""

    store: str
    group: str
    """Article, the same in every language: what cross-validation keeps apart."""
    same: bool
    """Whether the gold paragraph is in the question's language."""
    rows: NDArray[np.float64]
    gold: NDArray[np.bool_]


def collect(store: str, paragraphs: Sequence[Paragraph], questions: Sequence[Question], folder: Path) -> list[Sample]:
    """Sync ``paragraphs`` and gather the evidence of every candidate of every question."""
    write_folder(paragraphs, folder / "knowledge")
    samples = []
    with Assistant(Settings(knowledge_dir=folder / "knowledge", data_dir=folder / "data")) as dalil:
        dalil.sync()
        for question in questions:
            target = paragraphs[question.paragraph]
            retriever = dalil.retriever
            candidates = retriever.retrieve(retriever.query(question.text))
            samples.append(
                Sample(
                    store=f"{store} {question.language}→{target.language}",
                    group=f"{target.id.split('-')[0]}-{question.article}",
                    same=target.language == question.language,
                    rows=np.array([features(c.evidence) for c in candidates]),
                    gold=np.array([c.encoded.passage.document_id == f"{target.id}.txt" for c in candidates]),
                )
            )
    return samples


def fit(samples: Sequence[Sample]) -> tuple[float, NDArray[np.float64]]:
    """Intercept and weights over the raw features."""
    scaler = StandardScaler()
    rows = scaler.fit_transform(np.concatenate([sample.rows for sample in samples]))
    model = LogisticRegression(C=10.0, max_iter=5_000).fit(rows, np.concatenate([sample.gold for sample in samples]))
    weights = model.coef_[0] / scaler.scale_
    return float(model.intercept_[0] - weights @ scaler.mean_), weights


def predict(sample: Sample, intercept: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each candidate."""
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(sample.rows @ weights + intercept)))
    return result


def ndcg(gold: NDArray[np.bool_], scores: NDArray[np.float64], depth: int = 10) -> float:
    """nDCG with one relevant document, which may have been split into several passages."""
    if not gold.any():
        return 0.0
    rank = int((scores > scores[gold].max()).sum())
    return 1 / math.log2(2 + rank) if rank < depth else 0.0


def main() -> None:
    """Fit, report and, with ``--write``, replace the shipped weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", type=Path, default=BENCHMARKS, help="folder with the SQuAD files")
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    arguments = parser.parse_args()
    arabic, english, arcd = find(
        arguments.benchmarks,
        [("xquad.ar.json", "xquad", "ar"), ("xquad.en.json", "xquad", "en"), ("arcd-train.json", "arcd", "ar")],
    )
    stores: list[tuple[str, Sequence[Paragraph], Dataset]] = [
        ("xquad", arabic.paragraphs, arabic),
        ("xquad", english.paragraphs, english),
        ("mixed", mixed(arabic, english), arabic),
        ("mixed", mixed(arabic, english), english),
        ("arcd", arcd.paragraphs, arcd),
    ]
    samples = []
    for store, paragraphs, dataset in stores:
        with tempfile.TemporaryDirectory() as folder:
            samples += collect(store, paragraphs, dataset.questions, Path(folder))

    groups = sorted({sample.group for sample in samples})
    fold = {group: position % FOLDS for position, group in enumerate(groups)}
    scores: dict[str, list[float]] = {}
    for held_out in range(FOLDS):
        model = fit([sample for sample in samples if fold[sample.group] != held_out])
        for sample in samples:
            if fold[sample.group] == held_out:
                scores.setdefault(sample.store, []).append(ndcg(sample.gold, predict(sample, *model)))
    report = {store: round(float(np.mean(values)), 4) for store, values in sorted(scores.items())}
    for store, value in report.items():
        print(f"{store:16} nDCG@10 {value:.4f} ({len(scores[store])} questions)")

    intercept, weights = fit(samples)
    values = {
        "fitted": {
            "command": "python -m eval.fit_ranking --write",
            "date": date.today().isoformat(),
            "data": "XQuAD ar and en (four stores), ARCD train; weights on all, figures cross-validated by article",
            "ndcg@10": report,
        },
        "intercept": round(intercept, 4),
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
    }
    print(json.dumps(values, indent=2, ensure_ascii=False))
    if arguments.write:
        OUTPUT.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
