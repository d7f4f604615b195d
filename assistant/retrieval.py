"""A question to ranked passages. Read ``Retriever.retrieve`` from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assistant.catalogue import EncodedPassage
from assistant.index import Index, passage_id_of
from assistant.ranking import Evidence, RankingModel, coverage, rarity
from assistant.schema import Hit
from assistant.text import analyse, detect_question_language, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANDIDATES = 30
"""Passages taken from each signal in each language before they are weighed."""

History = Sequence[tuple[str, str]]
"""Earlier turns of a conversation, oldest first: (question, answer text)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stores and the ranking see it."""

    text: str
    language: str
    vector: NDArray[np.float32]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with what speaks for it."""

    encoded: EncodedPassage
    evidence: Evidence
    sentence_scores: NDArray[np.float32]
    """Cosine of the question and each sentence."""
    score: float
    """Probability, 0..1, that the passage answers the question."""

    def hit(self) -> Hit:
        """What a user sees of it."""
        passage = self.encoded.passage
        return Hit(
            passage_id=passage.id,
            document_id=passage.document_id,
            title=passage.title,
            text=passage.text,
            language=passage.language,
            kind=passage.kind,
            score=self.score,
        )


class Retriever:
    """Finds and ranks passages of an index. Safe to use from several threads."""

    def __init__(self, index: Index, model: RankingModel) -> None:
        self._index = index
        self._model = model

    def query(self, question: str, history: History = (), language: str | None = None) -> Query:
        """Analyse and encode a question; ``language`` overrides what its words say."""
        text = standalone(question, history)
        return Query(
            text=text,
            language=language or detect_question_language(question),
            vector=self._index.encoder.encode_queries([text])[0],
            terms=tuple(dict.fromkeys(analyse(text))),
        )

    def retrieve(self, query: Query) -> list[Candidate]:
        """Passages that may answer, the most probable first."""
        catalogue = self._index.catalogue
        with catalogue.snapshot():
            counts = catalogue.language_counts()
            found = catalogue.encoded(self._candidate_ids(query, list(counts)))
        weights = {language: self._term_weights(query.terms, language, counts[language]) for language in counts}
        sentence_scores = [encoded.sentence_vectors @ query.vector for encoded in found]
        evidence = [
            Evidence(
                dense=float(encoded.vector @ query.vector),
                sentence=float(scores.max(initial=-1.0)),
                coverage=coverage(weights.get(encoded.passage.language, {}), encoded.terms),
                cross=encoded.passage.language != query.language,
            )
            for encoded, scores in zip(found, sentence_scores, strict=True)
        ]
        probabilities = self._model.probabilities(evidence)
        candidates = [
            Candidate(encoded, item, scores, float(probability))
            for encoded, item, scores, probability in zip(found, evidence, sentence_scores, probabilities, strict=True)
        ]
        return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.encoded.passage.id))

    def _candidate_ids(self, query: Query, languages: Sequence[str]) -> list[str]:
        """The best of each signal in each language, without ranking one against the other."""
        vectors, lexical = self._index.vectors, self._index.lexical
        ids: dict[str, None] = {}
        for language in languages:
            ids.update(dict.fromkeys(vectors.query("passages", language, query.vector, CANDIDATES)))
            sentences = vectors.query("sentences", language, query.vector, CANDIDATES)
            ids.update(dict.fromkeys(map(passage_id_of, sentences)))
            ids.update(dict.fromkeys(hit.passage_id for hit in lexical.query(language, query.terms, CANDIDATES)))
        return list(ids)

    def _term_weights(self, terms: Sequence[str], language: str, passages: int) -> dict[str, float]:
        lexical = self._index.lexical
        return {term: rarity(passages, lexical.document_frequency(language, term)) for term in terms}


# --- follow-ups --------------------------------------------------------------------------------------

_LEAN = re.compile(
    r"^\s*(?:and|but|so|what about|how about|why\s*\??$|when\s*\??$|where\s*\??$|و(?=\S)|ف(?=\S)|طيب|وماذا عن|ماذا عن)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|he|she|his|her|there)\b"
    r"|(?<!\w)(?:هو|هي|هم|ذلك|هذا|هذه|تلك|هناك|فيه|فيها|منه|منها|عنه|عنها|له|لها|به|بها)(?!\w)",
    re.IGNORECASE,
)
_SHORT = 8


def standalone(question: str, history: History) -> str:
    """The question with the one before it in front, where it cannot stand alone.

    It leans on the conversation when it opens like a continuation or is short and has a pronoun.
    """
    if not history:
        return question
    short = len(words(question)) <= _SHORT
    if _LEAN.search(question) or (short and _PRONOUN.search(question)):
        return f"{history[-1][0]} {question}"
    return question
