"""Ranked passages to a cited answer, or to an honest abstention. Pure but for looking up documents."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.catalogue import Catalogue
from assistant.ranking import RankingModel, SentenceEvidence, coverage, probability, sentence_features
from assistant.retrieval import Candidate, Query
from assistant.schema import Answer, AnswerPiece, Citation, Passage, Sentence
from assistant.text import analyse, leans_back, offers

MAX_SENTENCES = 3
MAX_TITLES = 3
MAX_CLOSEST = 3
"""Passages shown with an abstention."""

MAX_EVIDENCE = 16
"""Sentences that a language model is given."""

_PASSAGES = 8
"""Sentences are chosen among those of this many passages."""

ANSWER_LANGUAGES = ("ar", "en")
"""Languages that Dalil speaks; a question in another one is answered in English."""

_OWN_LANGUAGE = 0.5
"""Passages in the question's language are preferred down to this share of the best probability."""

_WORTH = 0.001
"""A further sentence is said if each of its words adds this much to the probability that the answer is there.

Answers then hold 60 words on average on XQuAD, in Arabic as in English.
"""

_LACKING = 0.1
"""What confidence is worth when a number or a date was asked for and nothing that would be said has one.

In 2 to 9 % of such questions of XQuAD and ARCD does the gold sentence itself lack it.
"""

_SAME = 0.93
"""Sentences with a greater cosine say the same."""

_SAME_TERMS = 0.75
"""Sentences that share this much of the shorter one's terms say the same."""

_SAID = 0.2
"""What the odds of a sentence are worth that an earlier turn of the conversation said."""

_MARK = re.compile(r"\[(\d+)\]")
_BRACKETED = re.compile(r"\[(\s*\d+(?:\s*[,،;-]\s*\d+)*\s*)\]")
_PIECE = re.compile(r".+?\[\d+\]\s*|.+", re.DOTALL)
"""A sentence with its mark, or what is left without one."""

_TEXTS = {
    "ar": {
        "introduce": "تجيب عن هذا مصادر بالإنجليزية:",
        "introduce_other": "تجيب عن هذا مصادر بلغة أخرى:",
        "quote": "«{}»",
        "abstain": "لا أجد في قاعدة المعرفة إجابة عن هذا السؤال.",
        "closest": "أقرب ما فيها: {}.",
        "title": "«{}»",
        "comma": "، ",
        "empty": "قاعدة المعرفة فارغة: أضف مستندات إلى مجلدها ثم شغّل: dalil sync",
    },
    "en": {
        "introduce": "Sources in Arabic answer this:",
        "introduce_other": "Sources in another language answer this:",
        "quote": "“{}”",
        "abstain": "The knowledge base does not hold an answer to this question.",
        "closest": "The closest it has: {}.",
        "title": "“{}”",
        "comma": ", ",
        "empty": "The knowledge base is empty: add documents to its folder, then run: dalil sync",
    },
}


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A sentence that may be said."""

    passage: Passage
    sentence: Sentence
    vector: NDArray[np.float32]
    terms: frozenset[str]
    probability: float
    """That it holds the answer."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence that an answer may rest on, for whoever writes one."""

    text: str
    """As it would be said: of a fact, its statement."""
    title: str
    citation: Citation
    """Of the source, with number 0."""
    probability: float
    """That it holds the answer."""

    @property
    def start(self) -> int:
        """Place in its document."""
        return self.citation.start


def evidence(
    query: Query, candidates: Sequence[Candidate], catalogue: Catalogue, model: RankingModel, limit: int = MAX_EVIDENCE
) -> list[Cited]:
    """Sentences of the best passages in any language, the most probable first; none says what another does."""
    language = query.language if query.language in ANSWER_LANGUAGES else "en"
    likely = _spoken(query, candidates[:_PASSAGES], model)[: 2 * limit]
    chosen: list[_Spoken] = []
    # What is said in both languages is given in the answer's.
    for spoken in sorted(likely, key=lambda item: (item.passage.language != language, -item.probability)):
        if not any(_same(spoken, other) for other in chosen):
            chosen.append(spoken)
    found: list[Cited] = []
    for spoken in sorted(chosen, key=lambda item: -item.probability)[:limit]:
        citation = _cite(spoken, language, catalogue, 0)
        if citation is not None:
            found.append(Cited(spoken.sentence.text, spoken.passage.title, citation, spoken.probability))
    return found


def answer(
    query: Query,
    question: str,
    candidates: Sequence[Candidate],
    confidence: float,
    catalogue: Catalogue,
    model: RankingModel,
    threshold: float,
) -> Answer:
    """Answer from ranked candidates; ``elapsed_ms`` is left at 0 for the caller to fill.

    Where ``confidence`` is below ``threshold`` it abstains and names the closest titles. Otherwise
    it says the best one to three sentences, each with the number of its citation.
    """
    language = query.language if query.language in ANSWER_LANGUAGES else "en"
    if not candidates or confidence < threshold:
        return _abstain(question, language, candidates, confidence)
    chosen = _sentences(query, _speakers(candidates, language), model)
    if query.asks and not any(query.asks & offers(item.terms) for item in chosen):
        confidence *= _LACKING
        if confidence < threshold:
            return _abstain(question, language, candidates, confidence)
    said: list[tuple[_Spoken, int]] = []
    citations: list[Citation] = []
    for spoken in chosen:
        citation = _cite(spoken, language, catalogue, len(citations) + 1)
        if citation is None:
            continue
        known = next((c for c in citations if _place(c) == _place(citation)), None)
        if known is None:
            citations.append(citation)
        said.append((spoken, (known or citation).number))
    if not said:  # every quote has gone since it was indexed
        return _abstain(question, language, candidates, confidence)
    return Answer(
        question=question,
        language=language,
        answered=True,
        text=_text(said, language),
        confidence=confidence,
        mode="extractive",
        citations=tuple(citations),
        elapsed_ms=0.0,
    )


def empty(question: str, language: str) -> Answer:
    """What Dalil says before it knows anything."""
    language = language if language in ANSWER_LANGUAGES else "en"
    return Answer(question, language, False, _TEXTS[language]["empty"], 0.0, "extractive", (), 0.0)


def _abstain(question: str, language: str, candidates: Sequence[Candidate], confidence: float) -> Answer:
    words = _TEXTS[language]
    # Titles in the question's language come first; each is named once.
    ordered = sorted(candidates[:10], key=lambda candidate: candidate.encoded.passage.language != language)
    titles = list(dict.fromkeys(candidate.encoded.passage.title for candidate in ordered))[:MAX_TITLES]
    parts = [words["abstain"]]
    if titles:
        parts.append(words["closest"].format(words["comma"].join(words["title"].format(title) for title in titles)))
    closest = tuple(candidate.hit() for candidate in ordered[:MAX_CLOSEST])
    return Answer(question, language, False, " ".join(parts), confidence, "extractive", (), 0.0, closest)


def pieces(answer: Answer) -> Iterator[AnswerPiece]:
    """An answer that is whole already, sentence by sentence, each with the citation that its mark names."""
    numbers = {citation.number: citation for citation in answer.citations}
    for part in _PIECE.findall(answer.text):
        found = [numbers.pop(int(mark), None) for mark in _MARK.findall(part)]
        yield AnswerPiece(part, tuple(citation for citation in found if citation is not None))


def _speakers(candidates: Sequence[Candidate], language: str) -> list[Candidate]:
    """The passages that the answer is taken from: all in one language, the question's if it will do."""
    best = candidates[0]
    own = [candidate for candidate in candidates if candidate.encoded.passage.language == language]
    if own and own[0].score >= best.score * _OWN_LANGUAGE:
        best = own[0]
    spoken = best.encoded.passage.language
    return [candidate for candidate in candidates if candidate.encoded.passage.language == spoken][:_PASSAGES]


def _sentences(query: Query, speakers: Sequence[Candidate], model: RankingModel) -> list[_Spoken]:
    """The best sentence, and up to two more while it is likely that those said miss the answer."""
    return _choose(_spoken(query, speakers, model), query.said)


def _spoken(query: Query, speakers: Sequence[Candidate], model: RankingModel) -> list[_Spoken]:
    """Every sentence of these passages, the most probable first."""
    pairs: list[tuple[Candidate, int, frozenset[str]]] = []
    rows = []
    for candidate in speakers:
        for position, sentence in enumerate(candidate.encoded.passage.sentences):
            terms = frozenset(analyse(sentence.text))
            pairs.append((candidate, position, terms))
            rows.append(
                sentence_features(
                    SentenceEvidence(
                        cosine=float(candidate.sentence_scores[position]),
                        coverage=coverage(candidate.term_weights, terms),
                        match=float(candidate.sentence_matches[position]),
                        lacks=bool(query.asks) and not query.asks & offers(terms),
                        words=len(sentence.text.split()),
                        behind=candidate.logit - speakers[0].logit,
                        cross=candidate.evidence.cross,
                    )
                )
            )
    spoken = [
        _Spoken(
            candidate.encoded.passage,
            candidate.encoded.passage.sentences[position],
            candidate.encoded.sentence_vectors[position],
            terms,
            float(value),
        )
        for (candidate, position, terms), value in zip(pairs, probability(model.sentence.logits(rows)), strict=True)
    ]
    return sorted(spoken, key=lambda item: -item.probability)


def _choose(spoken: Sequence[_Spoken], said: str) -> list[_Spoken]:
    """From sentences those to say, in the order to say them.

    A follow-up wants something new, so what earlier turns ``said`` counts less; but "Why?" may be answered by it.
    """
    spoken = [
        replace(item, probability=_again(item.probability)) if item.sentence.text in said else item for item in spoken
    ]
    spoken.sort(key=lambda item: -item.probability)
    chosen: list[_Spoken] = []
    missed = 1.0
    for item in spoken:
        unit = [other for other in _unit(item, spoken) if not any(_same(other, one) for one in chosen)]
        if item not in unit or len(chosen) + len(unit) > MAX_SENTENCES:
            continue
        words = sum(len(other.sentence.text.split()) for other in unit)
        if chosen and missed * item.probability < _WORTH * words:
            continue
        chosen += unit
        missed *= math.prod(1 - other.probability for other in unit)
    return chosen


def _again(value: float) -> float:
    """What a probability is worth for a sentence that was said before."""
    return value * _SAID / (value * _SAID + 1.0 - value)


def _unit(item: _Spoken, spoken: Sequence[_Spoken]) -> list[_Spoken]:
    """A sentence with the neighbours that it means little without.

    A list lead-in brings its first items; a sentence that leans on the one before it brings that one, after
    itself: what answers comes first.
    """
    text, start = item.sentence.text, item.sentence.start
    neighbours = [other for other in spoken if other.passage.id == item.passage.id and other is not item]
    if text.endswith(":"):
        after = sorted((o for o in neighbours if o.sentence.start > start), key=lambda other: other.sentence.start)
        return [item, *after[: MAX_SENTENCES - 1]]
    if leans_back(text):
        before = [other for other in neighbours if other.sentence.start < start]
        return [item, *sorted(before, key=lambda other: other.sentence.start)[-1:]]
    return [item]


def _same(one: _Spoken, other: _Spoken) -> bool:
    if float(one.vector @ other.vector) > _SAME:
        return True
    shorter = min(len(one.terms), len(other.terms))
    return shorter > 0 and len(one.terms & other.terms) / shorter >= _SAME_TERMS


def _cite(spoken: _Spoken, language: str, catalogue: Catalogue, number: int) -> Citation | None:
    """The citation of a sentence; a fact cites its evidence, in the question's language if it can."""
    passage, sentence = spoken.passage, spoken.sentence
    if passage.fact_id is None:
        return Citation(
            number=number,
            document_id=passage.document_id,
            title=passage.title,
            kind="document",
            language=passage.language,
            quote=sentence.text,
            start=sentence.start,
            end=sentence.end,
            page=sentence.page,
        )
    fact = catalogue.fact(passage.fact_id)
    found = []
    for evidence in fact.evidence if fact else ():
        document = catalogue.document(evidence.document_id)
        start = document.text.find(evidence.quote) if document else -1
        if document and start >= 0:
            found.append((document, evidence.quote, start))
    if not found:
        return None
    document, quote, start = min(found, key=lambda item: item[0].language != language)
    return Citation(
        number=number,
        document_id=document.id,
        title=document.title,
        kind="fact",
        language=document.language,
        quote=quote,
        start=start,
        end=start + len(quote),
        fact_id=passage.fact_id,
    )


def _place(citation: Citation) -> tuple[str, int, int, str | None]:
    return citation.document_id, citation.start, citation.end, citation.fact_id


def _text(said: Sequence[tuple[_Spoken, int]], language: str) -> str:
    """The answer as it is read: sentences with their marks, or introduced quotes from another language."""
    spoken_language = said[0][0].passage.language
    sentences = [(without_marks(spoken.sentence.text), number) for spoken, number in said]
    if spoken_language == language:
        return " ".join(f"{text} [{number}]" for text, number in sentences)
    words = _TEXTS[language]
    introduction = words["introduce" if spoken_language in ANSWER_LANGUAGES else "introduce_other"]
    return "\n".join([introduction, *(f"{words['quote'].format(text)} [{number}]" for text, number in sentences)])


def without_marks(text: str) -> str:
    """Text whose own numbers in square brackets, a source's footnotes, are in round ones: no mark of ours is theirs."""
    return _BRACKETED.sub(r"(\1)", text)
