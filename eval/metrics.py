"""Measures of rankings, answers, citations and confidence: pure functions.

Ranking measures come from ``ir-measures`` and the ROC from scikit-learn; what is here is what no library has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from assistant.schema import Answer, Citation
from assistant.text import fold

RANKING = (nDCG @ 10, R @ 10, RR @ 10)
"""nDCG@10 (the measure of XQuAD and MIRACL reports), recall@10 and reciprocal rank down to the tenth (MRR@10)."""

BINS = 10
"""Bins of equal mass that calibration is measured in."""

_MARK = re.compile(r"\s*\[\d+\]")


# --- rankings ----------------------------------------------------------------------------------------


def ranking_scores(
    rankings: Mapping[str, Sequence[str]], gold: Mapping[str, Collection[str]]
) -> dict[str, dict[str, float]]:
    """Each measure of ``RANKING`` for each question.

    Args:
        rankings: question id to document ids, best first. A document that occurs again, as when several of
            its passages are found, counts at its best rank only.
        gold: question id to the relevant documents.

    Returns:
        Question id to measure name to value, 0..1.
    """
    run = {
        question: {document: -float(rank) for rank, document in enumerate(dict.fromkeys(documents))}
        for question, documents in rankings.items()
    }
    qrels = {question: dict.fromkeys(documents, 1) for question, documents in gold.items()}
    scores: dict[str, dict[str, float]] = {question: {str(m): 0.0 for m in RANKING} for question in gold}
    for metric in ir_measures.iter_calc(RANKING, qrels, run):
        scores[metric.query_id][str(metric.measure)] = float(metric.value)
    return scores


# --- answers -----------------------------------------------------------------------------------------


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


def word_count(text: str) -> int:
    """Words of an answer between white space, citation marks aside."""
    return len(plain(text).split())


def sentence_count(text: str) -> int:
    """Sentences of an answer that carry a citation mark: all but the introduction of quotes."""
    return len(_MARK.findall(text))


# --- citations ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Characters ``start`` to ``end``, half-open, of a document's text."""

    document_id: str
    start: int
    end: int

    def overlaps(self, citation: Citation) -> bool:
        """Whether a citation quotes part of this place."""
        return citation.document_id == self.document_id and citation.start < self.end and self.start < citation.end


GoldSentences = Sequence[Sequence[Place]]
"""One entry for each gold sentence: every place where it stands (the same sentence may be in two documents)."""


def cited_precision(citations: Sequence[Citation], gold: GoldSentences) -> float:
    """Share of citations that quote a gold sentence or part of one; 0 without citations."""
    if not citations:
        return 0.0
    places = [place for sentence in gold for place in sentence]
    return sum(any(place.overlaps(citation) for place in places) for citation in citations) / len(citations)


def cited_recall(citations: Sequence[Citation], gold: GoldSentences) -> float:
    """Share of gold sentences that are quoted at least in part; 0 where there are none."""
    if not gold:
        return 0.0
    found = [any(place.overlaps(citation) for place in sentence for citation in citations) for sentence in gold]
    return sum(found) / len(gold)


# --- confidence --------------------------------------------------------------------------------------


def auroc(confidences: Sequence[float], answerable: Sequence[float]) -> float:
    """Area under the ROC curve: the chance that an answerable question is more confident than another.

    Not a number where all questions are of one kind.
    """
    if len(set(answerable)) < 2:
        return float("nan")
    return float(roc_auc_score(np.asarray(answerable, dtype=bool), np.asarray(confidences)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence."""

    confidence: float
    """Mean of what was claimed, 0..1."""
    accuracy: float
    """Share that was right, 0..1."""
    questions: int


def reliability(confidences: Sequence[float], right: Sequence[float], bins: int = BINS) -> list[Bin]:
    """Confidence against accuracy in bins of equal mass, the least confident first."""
    values, labels = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    parts = [part for part in np.array_split(np.argsort(values, kind="stable"), bins) if len(part)]
    return [Bin(float(values[part].mean()), float(labels[part].mean()), len(part)) for part in parts]


def calibration_error(confidences: Sequence[float], right: Sequence[float], bins: int = BINS) -> float:
    """Expected calibration error over bins of equal mass (Naeini, Cooper and Hauskrecht 2015), 0..1."""
    return sum(
        abs(part.confidence - part.accuracy) * part.questions for part in reliability(confidences, right, bins)
    ) / len(confidences)


def risk_coverage(confidences: Sequence[float], right: Sequence[float]) -> list[tuple[float, float]]:
    """The risk–coverage curve: (share answered, share of those wrong), from the most confident on.

    Geifman and El-Yaniv (2017), "Selective Classification for Deep Neural Networks".
    """
    order = np.argsort(-np.asarray(confidences, dtype=float), kind="stable")
    wrong = 1.0 - np.asarray(right, dtype=float)[order]
    answered = np.arange(1, len(wrong) + 1)
    return list(zip((answered / len(wrong)).tolist(), (np.cumsum(wrong) / answered).tolist(), strict=True))


def risk_coverage_area(confidences: Sequence[float], right: Sequence[float]) -> float:
    """Area under the risk–coverage curve: the mean risk over all coverages, 0..1, lower is better."""
    return float(np.mean([risk for _, risk in risk_coverage(confidences, right)]))


def answer_rate(confidences: Sequence[float], answerable: Sequence[float], threshold: float) -> float:
    """Share of the answerable questions whose confidence reaches the threshold; not a number without any."""
    return _reaching(confidences, [bool(value) for value in answerable], threshold)


def false_answer_rate(confidences: Sequence[float], answerable: Sequence[float], threshold: float) -> float:
    """Share of the unanswerable questions whose confidence reaches the threshold; not a number without any."""
    return _reaching(confidences, [not value for value in answerable], threshold)


def _reaching(confidences: Sequence[float], chosen: Sequence[bool], threshold: float) -> float:
    kept = [value for value, take in zip(confidences, chosen, strict=True) if take]
    return sum(value >= threshold for value in kept) / len(kept) if kept else float("nan")


# --- measures of a whole set of questions ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetMeasure:
    """A measure that exists for a set of questions only, from what was observed of each."""

    needs: tuple[str, ...]
    """Names of the observations, in the order of the function's arguments."""
    of: Callable[..., float]


SET_MEASURES = {
    "AUROC": SetMeasure(("confidence", "answerable"), auroc),
    "risk–coverage area": SetMeasure(("confidence", "right"), risk_coverage_area),
    "ECE": SetMeasure(("confidence", "right"), calibration_error),
    "p50 ms": SetMeasure(("ms",), lambda times: float(np.percentile(times, 50))),
    "p95 ms": SetMeasure(("ms",), lambda times: float(np.percentile(times, 95))),
}

Observed = Sequence[Mapping[str, float]]
"""What was observed of each question: ``confidence`` 0..1; ``answerable`` and ``right`` 0 or 1; ``ms``."""


def set_measures(observed: Observed) -> dict[str, float]:
    """Every measure whose observations all questions have."""
    return {
        name: measure.of(*([row[key] for row in observed] for key in measure.needs))
        for name, measure in SET_MEASURES.items()
        if observed and all(key in row for row in observed for key in measure.needs)
    }


# --- intervals ---------------------------------------------------------------------------------------


def bootstrap_interval(
    differences: Sequence[float], samples: int = 2_000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of paired differences (Efron and Tibshirani 1993, chapter 13)."""
    values: NDArray[np.float64] = np.asarray(differences, dtype=float)
    random = np.random.default_rng(seed)
    means = [values[random.integers(0, len(values), size=len(values))].mean() for _ in range(samples)]
    return _interval(means, level)


def bootstrap_set_interval(
    one: Observed, other: Observed, measure: SetMeasure, samples: int = 500, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The same for a measure of whole sets: ``other`` minus ``one`` on questions drawn for both alike.

    Args:
        one: observations of each question.
        other: those of the same questions in the same order.
        measure: what is compared.
        samples: how often the questions are drawn, with replacement.
        level: share of the draws that the interval holds.
        seed: of the draws.
    """
    columns = [[np.array([row[key] for row in rows]) for key in measure.needs] for rows in (one, other)]
    random = np.random.default_rng(seed)
    differences = []
    for _ in range(samples):
        drawn = random.integers(0, len(one), size=len(one))
        before, after = (measure.of(*(column[drawn] for column in side)) for side in columns)
        differences.append(after - before)
    return _interval(differences, level)


def _interval(values: Sequence[float], level: float) -> tuple[float, float]:
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
