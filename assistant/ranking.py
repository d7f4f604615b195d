"""From evidence to a calibrated probability: pure functions over numbers.

Evidence of one passage is how near it is to the question as a whole and by its best sentence (both with
the language direction removed, so that languages compare), and which share of the question's rare words
it holds (which counts only within the question's language: between languages words cannot match, and
silence is no evidence). A logistic model turns it into the probability that the passage answers the
question. Its weights come from ``eval/fit_ranking.py``.
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one passage."""

    dense: float
    """Cosine of question and passage."""
    sentence: float
    """Cosine of question and the passage's nearest sentence."""
    coverage: float
    """Share, 0..1, of the question's terms in the passage, each weighed by its rarity."""
    cross: bool
    """Whether the passage is in another language than the question."""


FEATURES = ("dense", "sentence", "coverage", "cross", "cross_dense", "cross_sentence")
"""Inputs of the model, in the order of ``features``."""


def features(evidence: Evidence) -> list[float]:
    """The model's inputs. Across languages the two cosines have weights of their own."""
    cross = float(evidence.cross)
    return [
        evidence.dense,
        evidence.sentence,
        0.0 if evidence.cross else evidence.coverage,
        cross,
        cross * evidence.dense,
        cross * evidence.sentence,
    ]


@dataclass(frozen=True, slots=True)
class RankingModel:
    """Weights of the logistic model over ``FEATURES``."""

    intercept: float
    weights: Mapping[str, float]

    def probabilities(self, evidence: Sequence[Evidence]) -> NDArray[np.float64]:
        """Probability, 0..1, that each passage answers the question."""
        if not evidence:
            return np.zeros(0)
        rows = np.array([features(item) for item in evidence])
        logits = rows @ np.array([self.weights[name] for name in FEATURES]) + self.intercept
        result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
        return result


@lru_cache(maxsize=1)
def shipped_model() -> RankingModel:
    """The model that ships with Dalil."""
    values = json.loads(resources.files("assistant").joinpath("data/ranking.json").read_text(encoding="utf-8"))
    return RankingModel(float(values["intercept"]), values["weights"])


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
