"""Measures of rankings, answers, citations and confidence: pure functions.

Ranking measures come from ``ir-measures``; what is here is what no library has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from assistant.schema import Answer, Citation
from assistant.text import fold

RANKING = (nDCG @ 10, R @ 10, RR @ 10)
"""nDCG@10 (the measure of XQuAD and MIRACL reports), recall@10 and reciprocal rank."""

_MARK = re.compile(r"\s*\[\d+\]")


def ranking_scores(rankings: Mapping[str, Sequence[str]], gold: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Each measure of ``RANKING`` for each question.

    Args:
        rankings: question id to document ids, best first; a document may occur again.
        gold: question id to the one relevant document.

    Returns:
        Question id to measure name to value, 0..1.
    """
    run = {
        question: {document: -float(rank) for rank, document in enumerate(dict.fromkeys(documents))}
        for question, documents in rankings.items()
    }
    qrels = {question: {document: 1} for question, document in gold.items()}
    scores: dict[str, dict[str, float]] = {question: {str(m): 0.0 for m in RANKING} for question in gold}
    for metric in ir_measures.iter_calc(RANKING, qrels, run):
        scores[metric.query_id][str(metric.measure)] = float(metric.value)
    return scores


def plain(text: str) -> str:
    """An answer without its citation marks."""
    return _MARK.sub("", text)


def first_sentence(answer: Answer) -> str:
    """What is said before the first citation mark, without an introduction on a line of its own."""
    said = _MARK.split(answer.text, maxsplit=1)[0]
    return said.rsplit("\n", 1)[-1]


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the gold answers, whatever the spelling of either."""
    folded = " ".join(fold(text).split())
    return any(gold and gold in folded for gold in (" ".join(fold(answer).split()) for answer in answers))


def cited_precision(citations: Sequence[Citation], evidence: Sequence[str]) -> float:
    """Share of cited quotes that are, hold or are part of gold evidence; 0 without citations."""
    if not citations:
        return 0.0
    return sum(_matches(citation.quote, evidence) for citation in citations) / len(citations)


def cited_recall(citations: Sequence[Citation], evidence: Sequence[str]) -> float:
    """Share of gold evidence that is cited; 0 where there is none."""
    if not evidence:
        return 0.0
    quotes = [citation.quote for citation in citations]
    return sum(_matches(sentence, quotes) for sentence in evidence) / len(evidence)


def _matches(text: str, others: Sequence[str]) -> bool:
    return any(text in other or other in text for other in others)


def auroc(confidences: Sequence[float], answerable: Sequence[bool]) -> float:
    """Area under the ROC curve: that an answerable question is more confident than an unanswerable one."""
    if len(set(answerable)) < 2:
        return float("nan")
    return float(roc_auc_score(np.asarray(answerable), np.asarray(confidences)))


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass (Naeini, Cooper and Hauskrecht 2015)."""
    values, labels = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    parts = [part for part in np.array_split(np.argsort(values, kind="stable"), bins) if len(part)]
    return float(sum(abs(values[part].mean() - labels[part].mean()) * len(part) for part in parts) / len(values))


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """The risk–coverage curve: (share answered, share of those wrong), from the most confident on.

    Geifman and El-Yaniv (2017), "Selective Classification for Deep Neural Networks".
    """
    order = np.argsort(-np.asarray(confidences, dtype=float), kind="stable")
    wrong = 1.0 - np.asarray(right, dtype=float)[order]
    answered = np.arange(1, len(wrong) + 1)
    return list(zip((answered / len(wrong)).tolist(), (np.cumsum(wrong) / answered).tolist(), strict=True))


def bootstrap_interval(
    differences: Sequence[float], samples: int = 2_000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of paired differences (Efron and Tibshirani 1993, chapter 13)."""
    values: NDArray[np.float64] = np.asarray(differences, dtype=float)
    random = np.random.default_rng(seed)
    means = values[random.integers(0, len(values), size=(samples, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
