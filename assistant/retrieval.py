"""A question to ranked passages. Read ``Retriever.retrieve`` from top to bottom."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assistant.catalogue import EncodedPassage, Outline
from assistant.encoder import Question
from assistant.index import Index, passage_id_of
from assistant.passages import encoder_texts
from assistant.ranking import (
    AnswerEvidence,
    Evidence,
    RankingModel,
    confidence_features,
    coverage,
    passage_features,
    probability,
    rarity,
)
from assistant.reranker import Reranker
from assistant.schema import Hit, Passage
from assistant.text import analyse, asks_for, detect_question_language, offers, words
from assistant.words import match

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANDIDATES = 30
"""Passages taken from each signal in each language before they are weighed."""

MATCHED = 30
"""Passages in each language that are compared with the question word by word."""

RERANKED = 20
"""Passages that a reranker reads, where there is one."""

History = Sequence[tuple[str, str]]
"""Earlier turns of a conversation, oldest first: (question, answer text)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stores and the ranking see it."""

    text: str
    language: str
    encoded: Question
    terms: tuple[str, ...]
    asks: frozenset[str]
    """Which of ``number`` and ``date`` an answer must hold."""
    said: str
    """What the earlier turns of the conversation answered."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with what speaks for it."""

    encoded: EncodedPassage
    evidence: Evidence
    sentence_scores: NDArray[np.float32]
    """Cosine of the question and each sentence."""
    sentence_matches: NDArray[np.float32]
    """How near the question's words come to words of each sentence."""
    term_weights: Mapping[str, float]
    """Rarity of each of the question's terms in the passage's language."""
    logit: float
    """Log odds that the passage answers the question."""

    @property
    def score(self) -> float:
        """Probability, 0..1, that the passage answers the question."""
        return float(probability(np.array([self.logit]))[0])

    def lacks(self, query: Query) -> bool:
        """Whether the question asks for a number or a date that the nearest sentence has not."""
        if not query.asks or not len(self.sentence_scores):
            return False
        nearest = self.encoded.passage.sentences[int(self.sentence_scores.argmax())]
        return not query.asks & offers(analyse(nearest.text))

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

    def __init__(self, index: Index, model: RankingModel, reranker: Reranker | None = None) -> None:
        self._index = index
        self._model = model
        self._reranker = reranker

    def query(
        self, question: str, history: History = (), language: str | None = None, text: str | None = None
    ) -> Query:
        """Analyse and encode a question.

        Args:
            question: as it was asked.
            history: what was asked and answered before.
            language: overrides what the question's words say.
            text: the question as it stands alone, where somebody knows better than ``standalone``.
        """
        text = text or standalone(question, history)
        return Query(
            text=text,
            language=language or detect_question_language(question),
            encoded=self._index.encoder.encode_question(text),
            terms=tuple(dict.fromkeys(analyse(text))),
            asks=asks_for(question),
            said="\n".join(answer for _, answer in history),
        )

    def retrieve(self, query: Query) -> list[Candidate]:
        """Passages that may answer, the most probable first."""
        catalogue = self._index.catalogue
        with catalogue.snapshot():
            counts = catalogue.language_counts()
            outlines = catalogue.outlines(self._candidate_ids(query, list(counts)))
            # A fact found in one language can be said in the other: both statements are candidates.
            known = {outline.id for outline in outlines}
            facts = {outline.fact_id for outline in outlines if outline.fact_id}
            outlines += catalogue.outlines([key for key in catalogue.statements_of(facts) if key not in known])
            weights = {language: self._term_weights(query.terms, language, counts[language]) for language in counts}
            likely = self._likely(query, outlines, weights)
            found = catalogue.encoded(list(likely))
        matches = match(
            query.encoded.words,
            self._word_weights(query, counts.get(query.language, 0)),
            [encoded.words for encoded in found],
        )
        evidence = [
            replace(likely[encoded.passage.id], match=near.passage)
            for encoded, near in zip(found, matches, strict=True)
        ]
        logits = share_between_statements(query.language, [one.passage for one in found], self._logits(evidence))
        candidates = [
            Candidate(
                encoded=encoded,
                evidence=item,
                sentence_scores=encoded.sentence_vectors @ query.encoded.vector,
                sentence_matches=near.sentences,
                term_weights=weights.get(encoded.passage.language, {}),
                logit=float(logit),
            )
            for encoded, item, near, logit in zip(found, evidence, matches, logits, strict=True)
        ]
        ranked = sorted(candidates, key=lambda candidate: (-candidate.logit, candidate.encoded.passage.id))
        return self._reranked(query, ranked, self._reranker) if self._reranker and ranked else ranked

    def _reranked(self, query: Query, ranked: Sequence[Candidate], reranker: Reranker) -> list[Candidate]:
        """Candidates with the log odds of a reranker that read the first of them, the most probable first.

        Those behind keep their order below: the reranker might have said as little for them as for any.
        """
        first = ranked[:RERANKED]
        own = [candidate.logit for candidate in first]
        # What the encoder reads of a passage as a whole.
        scores = reranker.scores(query.text, [encoder_texts(candidate.encoded.passage)[0] for candidate in first])
        read = reranker.calibrated(own, scores, [candidate.evidence.cross for candidate in first])
        behind = np.minimum([candidate.logit for candidate in ranked[RERANKED:]], read.min())
        logits = share_between_statements(
            query.language,
            [candidate.encoded.passage for candidate in ranked],
            np.concatenate([read, behind]),
        )
        candidates = [replace(candidate, logit=float(logit)) for candidate, logit in zip(ranked, logits, strict=True)]
        return sorted(candidates, key=lambda candidate: -candidate.logit)  # stable: ties stay as they were ranked

    def _likely(
        self, query: Query, outlines: Sequence[Outline], weights: Mapping[str, Mapping[str, float]]
    ) -> dict[str, Evidence]:
        """The best of each language by id, before they are read whole and compared word by word."""
        evidence = [self._evidence(query, outline, weights) for outline in outlines]
        kept: Counter[str] = Counter()
        likely = {}
        for position in np.argsort(-self._logits(evidence), kind="stable"):
            outline = outlines[position]
            kept[outline.language] += 1
            if kept[outline.language] <= MATCHED:
                likely[outline.id] = evidence[position]
        return likely

    def _logits(self, evidence: Sequence[Evidence]) -> NDArray[np.float64]:
        return self._model.passage.logits([passage_features(item) for item in evidence])

    @staticmethod
    def _evidence(query: Query, outline: Outline, weights: Mapping[str, Mapping[str, float]]) -> Evidence:
        """Everything but how its words match."""
        vector = query.encoded.vector
        return Evidence(
            dense=float(outline.vector @ vector),
            sentence=float((outline.sentence_vectors @ vector).max(initial=-1.0)),
            coverage=coverage(weights.get(outline.language, {}), outline.terms),
            match=0.0,
            cross=outline.language != query.language,
        )

    def confidence(self, query: Query, candidates: Sequence[Candidate]) -> float:
        """Probability, 0..1, that the best of the ranked candidates answers the question."""
        if not candidates:
            return 0.0
        row = confidence_features(self.answer_evidence(query, candidates[0]))
        return float(probability(self._model.confidence.logits([row]))[0])

    def answer_evidence(self, query: Query, best: Candidate) -> AnswerEvidence:
        """What speaks for answering from the best candidate."""
        lexical = self._index.lexical
        weights = best.term_weights
        unheard = {term for term in weights if not lexical.document_frequency(best.encoded.passage.language, term)}
        return AnswerEvidence(
            logit=best.logit,
            cross=best.evidence.cross,
            english=query.language == "en",
            lacks=best.lacks(query),
            unknown=coverage(weights, unheard),
        )

    def _candidate_ids(self, query: Query, languages: Sequence[str]) -> list[str]:
        """The best of each signal in each language, without ranking one against the other."""
        vectors, lexical = self._index.vectors, self._index.lexical
        ids: dict[str, None] = {}
        for language in languages:
            ids.update(dict.fromkeys(vectors.query("passages", language, query.encoded.vector, CANDIDATES)))
            sentences = vectors.query("sentences", language, query.encoded.vector, CANDIDATES)
            ids.update(dict.fromkeys(map(passage_id_of, sentences)))
            ids.update(dict.fromkeys(hit.passage_id for hit in lexical.query(language, query.terms, CANDIDATES)))
        return list(ids)

    def _word_weights(self, query: Query, passages: int) -> list[float]:
        """What each of the question's words counts: its rarity, or 1 where no passage is in its language."""
        frequency = self._index.lexical.document_frequency
        return [rarity(passages, frequency(query.language, term)) if passages else 1.0 for term in query.encoded.terms]

    def _term_weights(self, terms: Sequence[str], language: str, passages: int) -> dict[str, float]:
        lexical = self._index.lexical
        return {term: rarity(passages, lexical.document_frequency(language, term)) for term in terms}


def share_between_statements(
    language: str, passages: Sequence[Passage], logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log odds in which a fact's statement in ``language`` is worth its best statement.

    The statements of a fact mean the same: what speaks for one of them speaks for the one that the
    answer can use.
    """
    best: dict[str, float] = {}
    for passage, logit in zip(passages, logits, strict=True):
        if passage.fact_id is not None:
            best[passage.fact_id] = max(best.get(passage.fact_id, -math.inf), float(logit))
    shared = logits.copy()
    for position, passage in enumerate(passages):
        if passage.fact_id is not None and passage.language == language:
            shared[position] = best[passage.fact_id]
    return shared


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
