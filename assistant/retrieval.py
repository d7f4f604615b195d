"""A question to ranked passages. Read ``Retriever`` from top to bottom."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assistant.catalogue import EncodedPassage, Outline
from assistant.encoder import Question
from assistant.followups import History, Rewrite, rewrites
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
from assistant.text import analyse, asks_for, detect_language, detect_question_language, offers
from assistant.words import match

if TYPE_CHECKING:
    from numpy.typing import NDArray

CANDIDATES = 30
"""Passages taken from each signal in each language before they are weighed."""

MATCHED = 30
"""Passages in each language that are compared with the question word by word."""

RERANKED = 20
"""Passages that a reranker reads, where there is one."""

CARRIED = 0.4
"""What a word that the conversation lent to the question counts beside the question's own."""

Rewriter = Callable[[str, History], str | None]
"""Puts a question into words that stand alone, given the turns before it; None leaves that to ``standalone``."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stores and the ranking see it."""

    text: str
    language: str
    encoded: Question
    terms: tuple[str, ...]
    asks: frozenset[str]
    """Which of ``number`` and ``date`` an answer must hold."""
    carried: frozenset[str]
    """Terms that the conversation lent to the question."""
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

    def __init__(
        self,
        index: Index,
        model: RankingModel,
        reranker: Reranker | None = None,
        rewriter: Rewriter | None = None,
    ) -> None:
        """Over these stores.

        Args:
            index: what is searched.
            model: the fitted models.
            reranker: reads the best passages again.
            rewriter: puts follow-up questions into words that stand alone instead of ``standalone``.
        """
        self._index = index
        self._model = model
        self._reranker = reranker
        self._rewriter = rewriter

    def query(self, question: str, history: History = (), language: str | None = None) -> Query:
        """Analyse and encode a question; ``language`` overrides what its words say."""
        written = None
        if self._rewriter and [meant.text for meant in rewrites(question, history)] != [question]:
            written = self._rewriter(question, history)
        meant = Rewrite(written) if written else self.standalone(question, history)
        return self._query(meant, question, history, language)

    def standalone(self, question: str, history: History = ()) -> Rewrite:
        """What a question means after these turns: of the texts it may stand for, the one that is answered best."""
        found = rewrites(question, history)
        if len(found) == 1:
            return found[0]
        return max(found, key=lambda meant: self._odds(self._query(meant, question, history, None)) + meant.prior)

    def _odds(self, query: Query) -> float:
        """Log odds that the index answers, without a reranker: it would read for every text anew."""
        confidence = self._index.steady(lambda: self.confidence(query, self._ranked(query)))
        return math.log(max(confidence, 1e-9) / max(1.0 - confidence, 1e-9))

    def _query(self, meant: Rewrite, question: str, history: History, language: str | None) -> Query:
        return Query(
            text=meant.text,
            language=language or detect_question_language(question),
            encoded=self._index.encoder.encode_question(meant.text),
            terms=tuple(dict.fromkeys(analyse(meant.text))),
            asks=asks_for(question),
            carried=meant.carried,
            said="\n".join(answer for _, answer in history),
        )

    def retrieve(self, query: Query) -> list[Candidate]:
        """Passages that may answer, the most probable first."""
        ranked = self._ranked(query)
        return self._reranked(query, ranked, self._reranker) if self._reranker and ranked else ranked

    def _ranked(self, query: Query) -> list[Candidate]:
        catalogue = self._index.catalogue
        with catalogue.snapshot():
            counts = catalogue.language_counts()
            outlines = catalogue.outlines(self._candidate_ids(query, list(counts)))
            # A fact found in one language can be said in the other: both statements are candidates.
            known = {outline.id for outline in outlines}
            facts = {outline.fact_id for outline in outlines if outline.fact_id}
            outlines += catalogue.outlines([key for key in catalogue.statements_of(facts) if key not in known])
            weights = {language: self._term_weights(query, language, counts[language]) for language in counts}
            likely = self._likely(query, outlines, weights)
            found = catalogue.encoded(list(likely))
        matches = match(
            query.encoded.words,
            self._word_weights(query, counts),
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
        return sorted(candidates, key=lambda candidate: (-candidate.logit, candidate.encoded.passage.id))

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
        # What the conversation lent was answered before: whether this is known shows in the question's own words.
        weights = {term: weight for term, weight in best.term_weights.items() if term not in query.carried}
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

    def _word_weights(self, query: Query, counts: Mapping[str, int]) -> list[float]:
        """What each of the question's words counts: its rarity, or 1 where no passage is in its language."""
        weights = []
        for term in query.encoded.terms:
            carried = term in query.carried
            language = detect_language(term) if carried else query.language
            passages = counts.get(language, 0)
            rare = rarity(passages, self._index.lexical.document_frequency(language, term)) if passages else 1.0
            weights.append(rare * CARRIED if carried else rare)
        return weights

    def _term_weights(self, query: Query, language: str, passages: int) -> dict[str, float]:
        """Rarity of each term among the passages of a language; a lent word of another script says nothing there."""
        frequency = self._index.lexical.document_frequency
        return {
            term: rarity(passages, frequency(language, term)) * (CARRIED if term in query.carried else 1.0)
            for term in query.terms
            if term not in query.carried or detect_language(term) in (language, "other")
        }


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
