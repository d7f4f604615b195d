"""Fit the three models of ``assistant/data/ranking.json``.

    python -m eval.fit_ranking [--benchmarks DIR] [--write]

Data: XQuAD (Arabic; English; even articles Arabic and odd English, asked in both; each language asked of
the other) and ARCD. Evidence comes from the real pipeline: files synced into an index, questions through
``Retriever``. The confidence model sees the same stores with half of the articles left out, so that half
of the questions cannot be answered, and stores of single sentences besides, which are what facts look like.

Every reported figure is cross-validated by article: five folds, each scored by models that saw none of
its articles in any language. The shipped weights are fitted on all.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from assistant import Assistant, Settings
from assistant.ranking import (
    Features,
    Logistic,
    SentenceEvidence,
    confidence_features,
    coverage,
    passage_features,
    probability,
    sentence_features,
)
from assistant.retrieval import Candidate, Query, Retriever
from assistant.text import analyse, fold, offers, sentence_spans
from eval.progress import watched
from eval.squad import BENCHMARKS, Dataset, Paragraph, Question, find, mixed, write_folder

FOLDS = 5
SENTENCE_PASSAGES = 5
"""Sentences of this many passages of each question train the sentence model."""
THRESHOLD = float(Settings.model_fields["answer_threshold"].default)
OUTPUT = Path(__file__).resolve().parent.parent / "assistant" / "data" / "ranking.json"


@dataclass(frozen=True, slots=True)
class Store:
    """Paragraphs to index and questions to ask of them."""

    name: str
    paragraphs: Sequence[Paragraph]
    """One for each position of the data set; the gold paragraph of a question is at its position."""
    dataset: Dataset
    gold_answers: Callable[[Question, str], Sequence[str]]
    """Answers of a question in a language."""


@dataclass(slots=True)
class Sample:
    """Everything that is needed of one question."""

    store: str
    fold: int
    same: bool
    """Whether the gold paragraph is in the question's language."""
    answerable: bool
    passages: list[Features]
    gold: NDArray[np.bool_]
    answering: NDArray[np.bool_]
    """Of the gold paragraph, or of its article and holding the answer as well; none if not answerable."""
    sentences: list[list[Features]]
    """For each of the first passages; ``behind`` is filled in once the passage model is known."""
    sentence_gold: list[list[bool]]
    confidence: Features
    """Of the best passage under the shipped model; ``logit`` is filled in as well."""


def collect(store: Store, keep: Callable[[int], bool], single: bool, folds: dict[str, int]) -> list[Sample]:
    """Sync the paragraphs of the articles that are kept, and gather the evidence of every question."""
    samples = []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        kept = [paragraph for paragraph in store.paragraphs if keep(paragraph.article)]
        articles = {paragraph.id: paragraph.article for paragraph in kept}
        write_folder(_single_sentences(kept) if single else kept, folder / "knowledge")
        settings = Settings(knowledge_dir=folder / "knowledge", data_dir=folder / "data", reranker_model=None)
        with Assistant(settings) as dalil:
            dalil.sync()
            questions = store.dataset.questions[:: 2 if single else 1]
            for question in watched(questions, f"{store.name} asked in {store.dataset.language}"):
                target = store.paragraphs[question.paragraph]
                answers = [fold(answer) for answer in store.gold_answers(question, target.language)]
                sample = _sample(dalil.retriever, store, question, target, answers, articles)
                sample.answerable = keep(target.article)
                sample.fold = folds[_group(store.dataset.name, question.article)]
                samples.append(sample)
    return samples


def _single_sentences(paragraphs: Iterable[Paragraph]) -> Iterable[Paragraph]:
    for paragraph in paragraphs:
        text = " ".join(paragraph.text.split())
        for number, (start, end) in enumerate(sentence_spans(text)):
            yield Paragraph(f"{paragraph.id}_{number}", paragraph.article, paragraph.language, text[start:end])


def _sample(
    retriever: Retriever,
    store: Store,
    question: Question,
    target: Paragraph,
    answers: Sequence[str],
    articles: Mapping[str, int],
) -> Sample:
    query = retriever.query(question.text)
    candidates = retriever.retrieve(query)
    paragraphs = [c.encoded.passage.document_id.removesuffix(".txt").split("_")[0] for c in candidates]
    from_target = [paragraph == target.id for paragraph in paragraphs]
    answering = [
        paragraph == target.id
        or (articles.get(paragraph) == target.article and any(a in fold(c.encoded.passage.text) for a in answers))
        for paragraph, c in zip(paragraphs, candidates, strict=True)
    ]
    return Sample(
        store=f"{store.name} {question.language}→{target.language}",
        fold=0,
        same=target.language == question.language,
        answerable=True,
        passages=[passage_features(candidate.evidence) for candidate in candidates],
        gold=np.array(from_target),
        answering=np.array(answering),
        sentences=[_sentence_rows(query, candidate) for candidate in candidates[:SENTENCE_PASSAGES]],
        sentence_gold=[
            [found and any(a in fold(s.text) for a in answers) for s in candidate.encoded.passage.sentences]
            for candidate, found in zip(candidates[:SENTENCE_PASSAGES], from_target, strict=False)
        ],
        confidence=confidence_features(retriever.answer_evidence(query, candidates[0])),
    )


def _sentence_rows(query: Query, candidate: Candidate) -> list[Features]:
    rows = []
    for position, sentence in enumerate(candidate.encoded.passage.sentences):
        terms = frozenset(analyse(sentence.text))
        evidence = SentenceEvidence(
            cosine=float(candidate.sentence_scores[position]),
            coverage=coverage(candidate.term_weights, terms),
            match=float(candidate.sentence_matches[position]),
            lacks=bool(query.asks) and not query.asks & offers(terms),
            words=len(sentence.text.split()),
            behind=0.0,
            cross=candidate.evidence.cross,
        )
        rows.append(sentence_features(evidence))
    return rows


# --- fitting -----------------------------------------------------------------------------------------


def fit(rows: Sequence[Features], labels: Sequence[bool] | NDArray[np.bool_]) -> Logistic:
    """A logistic model over the raw features."""
    names = list(rows[0])
    scaler = StandardScaler()
    matrix = scaler.fit_transform(np.array([[row[name] for name in names] for row in rows]))
    model = LogisticRegression(C=10.0, max_iter=5_000).fit(matrix, np.asarray(labels))
    weights = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - weights @ scaler.mean_)
    return Logistic(round(intercept, 4), {n: round(float(w), 4) for n, w in zip(names, weights, strict=True)})


def fit_passage(samples: Sequence[Sample]) -> Logistic:
    """The model of passages."""
    return fit([row for sample in samples for row in sample.passages], np.concatenate([s.gold for s in samples]))


def fit_sentence(samples: Sequence[Sample], passage: Logistic) -> Logistic:
    """The model of sentences, given that of passages."""
    rows = [row for sample in samples for row in sentence_rows(sample, passage)]
    return fit(rows, [label for sample in samples for labels in sample.sentence_gold for label in labels])


def fit_confidence(samples: Sequence[Sample], passage: Logistic) -> Logistic:
    """The model of answering at all, given that of passages."""
    return fit([confidence_row(s, passage) for s in samples], [right(s, passage) for s in samples])


def sentence_rows(sample: Sample, passage: Logistic) -> list[Features]:
    """Sentence features with the distance of their passage to the best one under ``passage``."""
    logits = passage.logits(sample.passages[:SENTENCE_PASSAGES])
    return [
        {**row, "behind": float(logit - logits.max())}
        for rows, logit in zip(sample.sentences, logits, strict=True)
        for row in rows
    ]


def confidence_row(sample: Sample, passage: Logistic) -> Features:
    """Confidence features with the best log odds under ``passage``."""
    best = float(passage.logits(sample.passages).max())
    row = sample.confidence
    return {
        **row,
        "logit": best,
        "logit_squared": best**2,
        "cross_logit": row["cross"] * best,
        "english_logit": row["english"] * best,
    }


def right(sample: Sample, passage: Logistic) -> bool:
    """Whether the best passage under ``passage`` answers."""
    return bool(sample.answering[int(passage.logits(sample.passages).argmax())])


# --- reporting ---------------------------------------------------------------------------------------


def ndcg(gold: NDArray[np.bool_], scores: NDArray[np.float64], depth: int = 10) -> float:
    """The nDCG with one relevant document, which may have been split into several passages."""
    if not gold.any():
        return 0.0
    rank = int((scores > scores[gold].max()).sum())
    return 1 / math.log2(2 + rank) if rank < depth else 0.0


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass (Naeini et al. 2015)."""
    order = np.argsort(probabilities)
    return float(
        sum(abs(probabilities[part].mean() - labels[part].mean()) * len(part) for part in np.array_split(order, bins))
        / len(order)
    )


def report(full: Sequence[Sample], halved: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Cross-validated figures for each store."""
    figures: dict[str, dict[str, list[float]]] = {}
    answering: dict[str, list[tuple[float, bool, bool]]] = {}
    for held_out in range(FOLDS):
        train = [sample for sample in full if sample.fold != held_out]
        passage = fit_passage(train)
        sentence = fit_sentence(train, passage)
        confidence = fit_confidence([sample for sample in halved if sample.fold != held_out], passage)
        for sample in full:
            if sample.fold == held_out:
                kept = figures.setdefault(sample.store, {"ndcg@10": [], "first sentence": []})
                kept["ndcg@10"].append(ndcg(sample.gold, passage.logits(sample.passages)))
                labels = [label for labels in sample.sentence_gold for label in labels]
                best = int(sentence.logits(sentence_rows(sample, passage)).argmax())
                kept["first sentence"].append(float(labels[best]))
        for sample in halved:
            if sample.fold == held_out:
                value = float(probability(confidence.logits([confidence_row(sample, passage)]))[0])
                answering.setdefault(sample.store, []).append((value, sample.answerable, right(sample, passage)))
    result = {
        store: {name: round(float(np.mean(values)), 4) for name, values in kept.items()}
        for store, kept in figures.items()
    }
    for store, rows in answering.items():
        values, answerable, correct = (np.array(column) for column in zip(*rows, strict=True))
        result.setdefault(store, {}).update(
            {
                "auroc": round(float(roc_auc_score(answerable, values)), 3),
                "calibration error": round(calibration_error(values, correct), 3),
                "answered": round(float((values[answerable] >= THRESHOLD).mean()), 3),
                "wrongly answered": round(float((values[~answerable] >= THRESHOLD).mean()), 3),
            }
        )
    return dict(sorted(result.items()))


def _group(name: str, article: int) -> str:
    return f"{name}-{article}"


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
    twins = {
        "ar": {q.id.split("-", 2)[2]: q.answers for q in arabic.questions},
        "en": {q.id.split("-", 2)[2]: q.answers for q in english.questions},
    }

    def parallel(question: Question, language: str) -> Sequence[str]:
        return twins[language][question.id.split("-", 2)[2]]

    def own(question: Question, language: str) -> Sequence[str]:
        return question.answers

    both = mixed(arabic, english)
    single_language = [
        Store("xquad", arabic.paragraphs, arabic, own),
        Store("xquad", english.paragraphs, english, own),
        Store("arcd", arcd.paragraphs, arcd, own),
    ]
    mixed_stores = [Store("mixed", both, arabic, parallel), Store("mixed", both, english, parallel)]
    crossed = [
        Store("xquad", english.paragraphs, arabic, parallel),
        Store("xquad", arabic.paragraphs, english, parallel),
    ]
    articles = sorted(
        {_group(s.dataset.name, q.article) for s in [*single_language, *crossed] for q in s.dataset.questions}
    )
    folds = {article: position % FOLDS for position, article in enumerate(articles)}

    full = [s for store in [*single_language, *mixed_stores, *crossed] for s in collect(store, _all, False, folds)]
    halved = [s for store in single_language for s in collect(store, _even, False, folds)]
    halved += [s for store in mixed_stores for s in collect(store, _first_pair, False, folds)]
    short = [s for store in single_language[:2] for s in _renamed(collect(store, _even, True, folds))]
    short += [s for store in mixed_stores for s in _renamed(collect(store, _first_pair, True, folds))]
    halved += short

    figures = report(full, halved)
    for store, of_store in figures.items():
        print(f"{store:16}", "  ".join(f"{name} {value:.4g}" for name, value in of_store.items()))
    passage = fit_passage(full)
    models = {
        "passage": passage,
        "sentence": fit_sentence(full, passage),
        "confidence": fit_confidence(halved, passage),
    }
    values: dict[str, Any] = {
        "fitted": {
            "command": "python -m eval.fit_ranking --write",
            "date": date.today().isoformat(),
            "data": "XQuAD ar and en, ARCD train; weights on all, figures cross-validated by article",
            "figures": figures,
        },
        **{name: {"intercept": model.intercept, "weights": dict(model.weights)} for name, model in models.items()},
    }
    print(json.dumps({name: values[name] for name in models}, indent=2))
    if arguments.write:
        OUTPUT.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _all(article: int) -> bool:
    return True


def _even(article: int) -> bool:
    return article % 2 == 0


def _first_pair(article: int) -> bool:
    """Half of the articles, of both languages of the mixed store."""
    return article % 4 < 2


def _renamed(samples: list[Sample]) -> list[Sample]:
    for sample in samples:
        sample.store = f"single {sample.store}"
    return samples


if __name__ == "__main__":
    main()
