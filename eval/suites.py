"""The suites: each asks questions through ``Assistant`` and gives a record for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant import Answer, Assistant
from assistant.schema import Document, SyncReport
from assistant.text import detect_language
from eval import metrics
from eval.metrics import GoldSentences, Place
from eval.perturbations import PERTURBATIONS
from eval.progress import watched
from eval.questions import Case
from eval.run import DALIL, Record
from eval.squad import Question
from eval.stores import Store, encoder_seconds, indexed, shipped

SEARCH_DEPTH = 30
"""Hits asked for: a document may have several among its first ten."""

Search = Callable[[str], Sequence[str]]
"""A question to document ids, best first; a document may occur again."""


def documents_found(dalil: Assistant) -> Search:
    """Document ids by Dalil's own search."""
    return lambda question: [hit.document_id for hit in dalil.search(question, limit=SEARCH_DEPTH)]


# --- retrieval ---------------------------------------------------------------------------------------


def retrieval(store: Store, search: Search, system: str) -> list[Record]:
    """Rank documents for every question. Texts are kept for Dalil only, where failures are shown."""
    questions = watched(store.questions, f"retrieval, {store.name}, {system}")
    rankings = {question.id: search(question.text) for question in questions}
    scores = metrics.ranking_scores(rankings, {question.id: [store.document(question)] for question in store.questions})
    texts = {f"{paragraph.id}.txt": paragraph.text for paragraph in store.paragraphs}

    def record(question: Question) -> Record:
        values = ("retrieval", store.direction(question), system, question.id, scores[question.id])
        if system != DALIL:
            return Record(*values)
        best = rankings[question.id][:1]
        return Record(
            *values,
            question=question.text,
            expected=store.target(question).text,
            got=texts[best[0]] if best else "",
        )

    return [record(question) for question in store.questions]


# --- answers and citations ---------------------------------------------------------------------------


def ask_all(store: Store, dalil: Assistant) -> list[Answer]:
    """An answer to every question of a store."""
    return [dalil.ask(question.text) for question in watched(store.questions, f"answers, {store.name}")]


def answers(store: Store, replies: Sequence[Answer], threshold: float) -> list[Record]:
    """Whether answers hold the gold, and how long they are.

    Args:
        store: what was asked.
        replies: answers of an assistant that never abstains, so that saying the right thing is measured
            apart from whether to say anything, the subject of ``abstention``.
        threshold: the shipped one; ``answered`` is the share of the answers whose confidence reaches it.
    """
    return [
        Record(
            "answers",
            store.direction(question),
            DALIL,
            question.id,
            {
                "first sentence": float(metrics.holds(metrics.first_sentence(reply), store.gold[question.id].answers)),
                "whole answer": float(metrics.holds(reply.text, store.gold[question.id].answers)),
                "words": float(metrics.word_count(reply.text)),
                "sentences": float(metrics.sentence_count(reply.text)),
                "answered": float(reply.confidence >= threshold),
            },
            question=question.text,
            expected="\n".join(store.gold[question.id].answers),
            got=reply.text,
        )
        for question, reply in zip(store.questions, replies, strict=True)
    ]


def citations(store: Store, replies: Sequence[Answer], dalil: Assistant) -> list[Record]:
    """Whether citations are verbatim, and how they agree with the sentences that the gold answers stand in.

    Questions whose gold sentence is not known are left out of precision and recall.
    """
    records = []
    for question, reply in zip(store.questions, replies, strict=True):
        gold = store.gold_sentences(question)
        scores = {"verbatim": float(_verbatim(reply, dalil))}
        if gold:
            scores["precision"] = metrics.cited_precision(reply.citations, gold)
            scores["recall"] = metrics.cited_recall(reply.citations, gold)
        records.append(Record("citations", store.direction(question), DALIL, question.id, scores))
    return records


def _verbatim(answer: Answer, dalil: Assistant) -> bool:
    return all(
        dalil.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        for citation in answer.citations
    )


# --- abstention --------------------------------------------------------------------------------------


def kept_article(article: int) -> bool:
    """Half of the articles, in pairs, so that both languages of the mixed store are left out alike."""
    return article % 4 < 2


def abstention(store: Store) -> list[Record]:
    """Leave out half of the articles and ask everything: half of the questions have no answer.

    ``right`` is that the best passage is of the gold paragraph, or of its article and holds the answer as well:
    what confidence was fitted to.
    """
    records = []
    kept = store.without(kept_article)
    articles = {f"{paragraph.id}.txt": paragraph.article for paragraph in kept}
    with indexed(kept) as (dalil, _):
        for question in watched(store.questions, f"abstention, {store.name}"):
            answer = dalil.ask(question.text)
            answerable = kept_article(store.target(question).article)
            best = dalil.search(question.text, limit=1)
            right = bool(best) and (
                best[0].document_id == store.document(question)
                or (
                    articles[best[0].document_id] == store.target(question).article
                    and metrics.holds(best[0].text, store.gold[question.id].answers)
                )
            )
            records.append(
                Record(
                    "abstention",
                    store.direction(question),
                    DALIL,
                    question.id,
                    {"answered" if answerable else "wrongly answered": float(answer.answered)},
                    _observed(answer, answerable) | {"right": float(right)},
                    question=question.text,
                    got=answer.text,
                )
            )
    return records


def _observed(answer: Answer, answerable: bool) -> dict[str, float]:
    return {"confidence": answer.confidence, "answerable": float(answerable)}


# --- robustness --------------------------------------------------------------------------------------


def robustness(store: Store, dalil: Assistant) -> list[Record]:
    """Arabic questions written differently: nDCG@10 and how far it is from that of the question as written.

    ``loss where changed`` is over the questions that the change applies to, ``loss`` over all.
    """
    search = documents_found(dalil)
    clean = _ndcg(store, search, store.questions, "robustness, as written")
    records = [_varied("as written", question, question.text, clean[question.id], 0.0) for question in store.questions]
    for name, change in PERTURBATIONS.items():
        changed = [question for question in store.questions if change(question.text) != question.text]
        scores = clean | _ndcg(store, search, changed, f"robustness, {name}", change)
        touched = {question.id for question in changed}
        records += [
            _varied(
                name,
                question,
                change(question.text),
                scores[question.id],
                clean[question.id] - scores[question.id],
                question.id in touched,
            )
            for question in store.questions
        ]
    return records


def _ndcg(
    store: Store, search: Search, questions: Sequence[Question], what: str, change: Callable[[str], str] = str
) -> dict[str, float]:
    if not questions:
        return {}
    rankings = {question.id: search(change(question.text)) for question in watched(questions, what)}
    scores = metrics.ranking_scores(rankings, {question.id: [store.document(question)] for question in questions})
    return {key: values["nDCG@10"] for key, values in scores.items()}


def _varied(name: str, question: Question, text: str, ndcg: float, loss: float, changed: bool = False) -> Record:
    scores = {"nDCG@10": ndcg, "loss": loss}
    if name != "as written":
        scores["changed"] = float(changed)
    if changed:
        scores["loss where changed"] = loss
    return Record("robustness", name, DALIL, question.id, scores, question=text, expected=question.text)


# --- the shipped knowledge base ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One of our own questions with what Dalil made of it."""

    case: Case
    answer: Answer
    verbatim: bool
    ranking: tuple[str, ...]
    """Ids of the documents found, best first."""
    gold: dict[str, GoldSentences]
    """Language of a document to the gold sentences that stand in documents of that language."""


def ask_cases(cases: Sequence[Case], with_model: bool = False) -> list[Asked]:
    """Ask our own questions of the shipped knowledge base; the language model of the settings may write the answers."""
    asked = []
    with shipped(with_model) as (dalil, _):
        documents = {document.id: document for document in dalil.documents()}
        search = documents_found(dalil)
        for case in watched(cases, "own questions"):
            answer = dalil.ask(case.question, history=[(turn.question, turn.answer) for turn in case.history])
            gold = gold_sentences(case, [documents[name] for name in case.documents])
            asked.append(Asked(case, answer, _verbatim(answer, dalil), tuple(search(case.question)), gold))
    return asked


def gold_sentences(case: Case, documents: Sequence[Document]) -> dict[str, GoldSentences]:
    """Where the evidence of a question stands, by the language of the documents."""
    found: dict[str, list[list[Place]]] = {}
    for quote in case.evidence:
        places: dict[str, list[Place]] = {}
        for document in documents:
            start = document.text.find(quote)
            if start >= 0:
                places.setdefault(document.language, []).append(Place(document.id, start, start + len(quote)))
        for language, standing in places.items():
            found.setdefault(language, []).append(standing)
    return dict(found)


def _settings_of(case: Case, tags: Sequence[str] | None = None) -> Iterator[str]:
    """A question counts under its language and under its language with each of its tags."""
    yield case.language
    yield from (f"{case.language} {tag}" for tag in case.tags if tags is None or tag in tags)


def knowledge(asked: Sequence[Asked]) -> list[Record]:
    """Our own questions, end to end, at the shipped threshold."""
    return [
        Record(
            "knowledge",
            setting,
            DALIL,
            item.case.id,
            _grade(item),
            question="\n".join([*(turn.question for turn in item.case.history), item.case.question]),
            expected="\n".join(item.case.answers),
            got=item.answer.text,
        )
        for item in asked
        for setting in _settings_of(item.case)
    ]


def _grade(item: Asked) -> dict[str, float]:
    case, answer = item.case, item.answer
    if not case.answerable:
        return {"wrongly answered": float(answer.answered), "verbatim": float(item.verbatim)}
    scores = {
        "answered": float(answer.answered),
        "first sentence": float(answer.answered and metrics.holds(metrics.first_sentence(answer), case.answers)),
        "whole answer": float(answer.answered and metrics.holds(answer.text, case.answers)),
        "right document": float(any(c.document_id in case.documents for c in answer.citations)),
        "verbatim": float(item.verbatim),
    }
    if answer.answered:
        scores["own language"] = float(detect_language(metrics.first_sentence(answer)) == case.language)
        scores["words"] = float(metrics.word_count(answer.text))
    return scores


def own_citations(asked: Sequence[Asked]) -> list[Record]:
    """Citations of our own answerable questions that were answered.

    Evidence in Arabic and in English says the same twice, and so does most evidence within a language: one
    gold sentence is enough, but for a question tagged ``multi-sentence`` recall is the share of those in the
    language that is cited best.
    """
    return [
        Record(
            "citations",
            f"own questions {item.case.language}",
            DALIL,
            item.case.id,
            {
                "verbatim": float(item.verbatim),
                "precision": metrics.cited_precision(
                    item.answer.citations, [sentence for group in item.gold.values() for sentence in group]
                ),
                "recall": _own_recall(item),
            },
        )
        for item in asked
        if item.case.answerable and item.answer.answered
    ]


def _own_recall(item: Asked) -> float:
    best = max(metrics.cited_recall(item.answer.citations, group) for group in item.gold.values())
    return best if "multi-sentence" in item.case.tags else float(best > 0)


def own_abstention(asked: Sequence[Asked]) -> list[Record]:
    """Every answerable question of a language against its near-topic and against its off-topic ones."""
    return [
        Record(
            "abstention",
            f"own questions {item.case.language}, {kind}",
            DALIL,
            item.case.id,
            {"answered" if item.case.answerable else "wrongly answered": float(item.answer.answered)},
            _observed(item.answer, item.case.answerable),
            question=item.case.question,
            got=item.answer.text,
        )
        for kind in ("near-topic", "off-topic")
        for item in asked
        if item.case.answerable or kind in item.case.tags
    ]


def own_dialects(asked: Sequence[Asked]) -> list[Record]:
    """Retrieval for our Arabic questions in dialect beside those in the standard language.

    Follow-ups are left out: ``search`` knows no conversation.
    """
    chosen = [item for item in asked if item.case.language == "ar" and item.case.answerable and not item.case.history]
    if not chosen:
        return []
    rankings = {item.case.id: item.ranking for item in chosen}
    scores = metrics.ranking_scores(rankings, {item.case.id: item.case.documents for item in chosen})
    return [
        Record(
            "robustness",
            f"own questions, {'dialect' if 'dialect' in item.case.tags else 'standard Arabic'}",
            DALIL,
            item.case.id,
            {"nDCG@10": scores[item.case.id]["nDCG@10"]},
            question=item.case.question,
        )
        for item in chosen
    ]


# --- latency -----------------------------------------------------------------------------------------


def ask_latency(cases: Sequence[Case]) -> list[Record]:
    """Milliseconds of a warm ``ask`` on the shipped knowledge base, one client."""
    records = []
    with shipped() as (dalil, _):
        dalil.ask(cases[0].question)
        for case in watched(cases, "latency"):
            begun = time.perf_counter()
            dalil.ask(case.question)
            observed = {"ms": (time.perf_counter() - begun) * 1000}
            records.append(Record("latency", "ask, shipped base", DALIL, case.id, {}, observed))
    return records


def sync_speed(name: str, dalil: Assistant, synced: SyncReport) -> Record:
    """How fast a folder was synced beside the encoder's own speed on the same texts, right afterwards.

    The encoder runs twice and its better time counts: other work on the machine makes the share smaller, not larger.

    Args:
        name: what was synced.
        dalil: has synced it and is warm.
        synced: how that went, into an empty index.
    """
    alone = min(encoder_seconds(dalil, dalil.settings.knowledge_dir) for _ in range(2))
    scores = {"passages/s": synced.passages / synced.seconds, "share of encoder speed": alone / synced.seconds}
    return Record("latency", f"sync, {name}", DALIL, "all", scores)
