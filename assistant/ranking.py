"""From evidence to calibrated probabilities: pure functions over numbers.

Three small logistic models share a file, ``data/ranking.json``, written by ``eval/fit_ranking.py``:

``passage``     that a passage answers the question: ranks the passages;
``sentence``    that a sentence of a ranked passage holds the answer: chooses what is said;
``confidence``  that the best passages answer at all: decides between answering and abstaining.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one passage."""

    dense: float
    """Cosine of question and passage, language direction removed."""
    sentence: float
    """Cosine of question and the passage's nearest sentence, language direction removed."""
    coverage: float
    """Share, 0..1, of the question's terms in the passage, each weighed by its rarity."""
    match: float
    """How near the question's words come to words of the passage, see ``words.match``."""
    cross: bool
    """Whether the passage is in another language than the question."""


@dataclass(frozen=True, slots=True)
class SentenceEvidence:
    """What speaks for one sentence of a ranked passage."""

    cosine: float
    """Cosine of question and sentence, language direction removed."""
    coverage: float
    """Share, 0..1, of the question's terms in the sentence, each weighed by its rarity."""
    match: float
    """How near the question's words come to words of the sentence, see ``words.match``."""
    lacks: bool
    """Whether the question asks for a number or a date and the sentence has none."""
    words: int
    """Length of the sentence."""
    behind: float
    """Logit of its passage minus that of the best one: 0 or less."""
    cross: bool
    """Whether it is in another language than the question."""


@dataclass(frozen=True, slots=True)
class AnswerEvidence:
    """What speaks for answering at all, from the best passage."""

    logit: float
    """Log odds that the best passage answers the question."""
    cross: bool
    """Whether the best passage is in another language than the question."""
    english: bool
    """Whether the question is in English: encoders place English texts nearer to each other."""
    lacks: bool
    """Whether the question asks for a number or a date that the passage's nearest sentence has not."""
    unknown: float
    """Share, 0..1, of the question's rare words that no passage in its language holds."""


def passage_features(evidence: Evidence) -> Features:
    """Inputs of the passage model.

    Terms count within the question's language only: across languages they cannot match, and silence is
    no evidence. The cosines have weights of their own across languages.
    """
    cross = float(evidence.cross)
    return {
        "dense": evidence.dense,
        "sentence": evidence.sentence,
        "coverage": 0.0 if evidence.cross else evidence.coverage,
        "match": evidence.match,
        "cross": cross,
        "cross_dense": cross * evidence.dense,
        "cross_sentence": cross * evidence.sentence,
        "cross_match": cross * evidence.match,
    }


def sentence_features(evidence: SentenceEvidence) -> Features:
    """Inputs of the sentence model."""
    cross = float(evidence.cross)
    return {
        "cosine": evidence.cosine,
        "coverage": 0.0 if evidence.cross else evidence.coverage,
        "match": evidence.match,
        "lacks": float(evidence.lacks),
        "log_words": math.log1p(evidence.words),
        "behind": evidence.behind,
        "cross": cross,
        "cross_cosine": cross * evidence.cosine,
        "cross_match": cross * evidence.match,
    }


def confidence_features(evidence: AnswerEvidence) -> Features:
    """Inputs of the confidence model.

    The square bends the line: the best of many passages is surer than its own odds where these are middling.
    """
    cross, english = float(evidence.cross), float(evidence.english)
    return {
        "logit": evidence.logit,
        "logit_squared": evidence.logit**2,
        "cross": cross,
        "cross_logit": cross * evidence.logit,
        "english": english,
        "english_logit": english * evidence.logit,
        "lacks": float(evidence.lacks),
        "unknown": 0.0 if evidence.cross else evidence.unknown,
    }


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model over named features."""

    intercept: float
    weights: Mapping[str, float]

    def logits(self, rows: Sequence[Features]) -> NDArray[np.float64]:
        """Log odds for each row of features, shape (len(rows),)."""
        names = list(self.weights)
        matrix = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
        result: NDArray[np.float64] = (
            matrix.reshape(len(rows), len(names)) @ np.array(list(self.weights.values())) + self.intercept
        )
        return result


@dataclass(frozen=True, slots=True)
class RankingModel:
    """The fitted models."""

    passage: Logistic
    sentence: Logistic
    confidence: Logistic


@lru_cache(maxsize=1)
def shipped_model() -> RankingModel:
    """The models that ship with Dalil."""
    values = json.loads(resources.files("assistant").joinpath("data/ranking.json").read_text(encoding="utf-8"))
    return RankingModel(
        **{
            name: Logistic(float(values[name]["intercept"]), values[name]["weights"])
            for name in ("passage", "sentence", "confidence")
        }
    )


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds as probabilities, 0..1."""
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
    return result


def rarity(passages: int, frequency: int) -> float:
    """Weight of a term that ``frequency`` of ``passages`` hold: BM25's inverse document frequency.

    Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond", with the 1
    inside the logarithm that keeps it positive.
    """
    return math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))


def coverage(weights: Mapping[str, float], terms: Collection[str]) -> float:
    """Share of the weight of a question's terms that ``terms`` hold, 0..1; 0 for a question without any."""
    total = sum(weights.values())
    if total <= 0:
        return 0.0
    held = terms if isinstance(terms, (set, frozenset)) else set(terms)
    return sum(weight for term, weight in weights.items() if term in held) / total
