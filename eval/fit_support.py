"""Fit ``assistant/data/support.json``.

    python -m eval.fit_support [--write] [--cases]

Two small models. One tells a name by the vector of a word: it learns from the capitals of the English texts that
ship with Dalil, and since both languages share a space it also knows Arabic names, which have no capitals. The other
decides from everything that speaks for and against a sentence; it is fitted on the topics of ``support/cases.jsonl``
whose split is ``fit``. Every figure printed here is cross-validated by topic; ``python -m eval support`` measures
the topics that were held out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler

from assistant import Settings
from assistant.encoder import Encoder
from assistant.models import prepare
from assistant.ranking import Logistic, probability
from assistant.support import Findings, SupportChecker, SupportModel, Verdict
from assistant.text import detect_language, sentence_spans
from eval.support_cases import Rate, SupportCase, load_support_cases, rates

DATA = Path(__file__).resolve().parent.parent / "assistant" / "data"
OUTPUT = DATA / "support.json"
LIKENESS = {"cosine"}
"""Features that can only speak for a sentence; all others but the ``FREE`` ones can only speak against it."""
FREE = {"cross", "log_words", "arabic"}
_ALIGNED = 0.5
"""Cosine above which two words of a text and its translation are the same."""
SENTENCE_PENALTY = 0.001
"""Half of what a squared weight over standardised features costs; the same for words below."""
WORD_PENALTY = 0.005
CAUGHT = 0.9
"""Share of what is not supported that is to be refused, cross-validated."""


def labelled_words(encoder: Encoder) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors of words of the texts that ship with Dalil, and which are names.

    English words are labelled by their capitals, Arabic ones by the English word that they are nearest to in the
    same text in English, where each is the other's nearest.
    """
    vectors: list[NDArray[np.float32]] = []
    labels: list[bool] = []
    for line in (DATA / "parallel.jsonl").read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        english, arabic = _words(encoder, pair["en"]), _words(encoder, pair["ar"])
        vectors += [vector for vector, label in english if label is not None]
        labels += [label for _, label in english if label is not None]
        likeness = np.array([v for v, _ in arabic]) @ np.array([v for v, _ in english]).T
        for at, nearest in enumerate(likeness.argmax(axis=1)):
            label = english[nearest][1]
            if label is not None and likeness[:, nearest].argmax() == at and likeness[at, nearest] > _ALIGNED:
                vectors.append(arabic[at][0])
                labels.append(label)
    for line in (DATA / "calibration.jsonl").read_text(encoding="utf-8").splitlines():
        text = json.loads(line).get("text", "").partition("\n")[2]
        if detect_language(text) == "en":
            for start, end in sentence_spans(text):
                words = [(v, label) for v, label in _words(encoder, text[start:end]) if label is not None]
                vectors += [vector for vector, _ in words]
                labels += [label for _, label in words]
    return np.array(vectors), np.array(labels)


def _words(encoder: Encoder, text: str) -> list[tuple[NDArray[np.float32], bool | None]]:
    """Each word's vector and whether it is a name; None where its first letter does not tell."""
    read = encoder.encode_sentence(text)
    found: list[tuple[NDArray[np.float32], bool | None]] = []
    first = True
    for (start, end), vector in zip(read.spans, read.words, strict=True):
        word = read.text[start:end]
        tells = not first and word.isalpha() and len(word) > 2
        found.append((vector, word[0].isupper() if tells else None))
        first = read.text[end : end + 1] in tuple(".!?")
    return found


def fit_names(encoder: Encoder) -> tuple[NDArray[np.float32], float, float]:
    """Weights and intercept; then the share of names found and of other words taken for names, cross-validated."""
    matrix, names = labelled_words(encoder)
    model = LogisticRegression(C=3.0, max_iter=5_000, class_weight="balanced")
    guessed = cross_val_predict(model, matrix, names, cv=5)
    model.fit(matrix, names)
    weights = np.append(model.coef_[0], model.intercept_[0]).astype(np.float32)
    return weights, float(guessed[names].mean()), float(guessed[~names].mean())


@dataclass(frozen=True, slots=True)
class Table:
    """Findings as numbers, standardised."""

    sentences: NDArray[np.float64]
    """Shape (cases, features of a sentence)."""
    words: NDArray[np.float64]
    """Shape (cases, most words without a like, features of a word and 1); 0 where there are fewer."""
    held: NDArray[np.bool_]
    """Where ``words`` holds a word, shape (cases, most words without a like)."""
    names: tuple[list[str], list[str]]
    """Names of the features of sentences and words."""
    scales: tuple[StandardScaler, StandardScaler]


def table(findings: Sequence[Findings]) -> Table:
    """Numbers of all findings."""
    names = list(findings[0].features), list(next(found.unmatched[0] for found in findings if found.unmatched))
    scales = StandardScaler(), StandardScaler()
    sentences = scales[0].fit_transform([[found.features[name] for name in names[0]] for found in findings])
    scales[1].fit([[word[name] for name in names[1]] for found in findings for word in found.unmatched])
    words = np.zeros((len(findings), max(len(found.unmatched) for found in findings), len(names[1]) + 1))
    held = np.zeros(words.shape[:2], dtype=np.bool_)
    for row, found in enumerate(findings):
        if found.unmatched:
            values = scales[1].transform([[word[name] for name in names[1]] for word in found.unmatched])
            words[row, : len(values)] = np.column_stack([values, np.ones(len(values))])
            held[row, : len(values)] = True
    return Table(sentences, words, held, names, scales)


def fit(data: Table, rows: NDArray[np.int_], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of the features of sentences, the intercept, then weights of the features of words.

    The log odds of a sentence are a linear function of its features, less the softplus of another for each word that
    has no like. Both outcomes count the same. A weight of a sentence cannot have the wrong sign: likeness never
    speaks against it, nor a finding for it.
    """
    sentences, words, held = data.sentences[rows], data.words[rows], data.held[rows]
    good = labels[rows]
    weights = np.where(good, 0.5 / good.mean(), 0.5 / (1 - good.mean())) / len(rows)
    signs = np.where(good, 1.0, -1.0)
    size = sentences.shape[1]
    penalties = np.concatenate(
        [np.full(size, SENTENCE_PENALTY), [0.0], np.full(words.shape[2] - 1, WORD_PENALTY), [0.0]]
    )

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        costs = words @ values[size + 1 :]
        margins = signs * (sentences @ values[:size] + values[size] - (np.logaddexp(0, costs) * held).sum(axis=1))
        slope = -signs * weights / (1 + np.exp(margins))
        of_words = (-slope[:, None] * held / (1 + np.exp(-costs)))[:, :, None] * words
        gradient = np.concatenate([sentences.T @ slope, [slope.sum()], of_words.sum(axis=(0, 1))])
        value = float(weights @ np.logaddexp(0, -margins) + penalties @ values**2 / 2)
        return value, gradient + penalties * values

    bounds = [*map(_bounds, data.names[0]), *[(None, None)] * (1 + words.shape[2])]
    start = np.zeros(len(penalties))
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _bounds(name: str) -> tuple[float | None, float | None]:
    if name.removeprefix("cross_") in FREE:
        return None, None
    return (0.0, None) if name.removeprefix("cross_") in LIKENESS else (None, 0.0)


def chances(data: Table, rows: NDArray[np.int_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that each case is supported."""
    size = data.sentences.shape[1]
    costs = np.logaddexp(0, data.words[rows] @ values[size + 1 :]) * data.held[rows]
    return probability(data.sentences[rows] @ values[:size] + values[size] - costs.sum(axis=1))


def cross_validated(
    cases: Sequence[SupportCase], data: Table, labels: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probability of each case by a model that saw none of its topic; 0 for what is decided without one."""
    topics = np.array([case.topic for case in cases])
    result = np.zeros(len(cases))
    for topic in np.unique(topics):
        train, test = np.flatnonzero((topics != topic) & usable), np.flatnonzero((topics == topic) & usable)
        result[test] = chances(data, test, fit(data, train, labels))
    return result


def raw(data: Table, values: NDArray[np.float64]) -> tuple[Logistic, Logistic]:
    """The fitted weights over features as they are: of sentences and of words."""
    size = data.sentences.shape[1]
    models = []
    for names, scale, weights, intercept in (
        (data.names[0], data.scales[0], values[:size], values[size]),
        (data.names[1], data.scales[1], values[size + 1 : -1], values[-1]),
    ):
        unscaled = weights / scale.scale_
        rounded = {name: round(float(weight), 4) for name, weight in zip(names, unscaled, strict=True)}
        models.append(Logistic(round(float(intercept - unscaled @ scale.mean_), 4), rounded))
    return models[0], models[1]


def choose_threshold(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The lowest threshold that refuses ``CAUGHT`` of what is not supported."""
    return round(float(np.quantile(values[~labels], CAUGHT)), 3)


def show(found: Sequence[Rate]) -> None:
    """Print rates, one line a group."""
    for rate in found:
        caught = "    –" if rate.caught is None else f"{rate.caught:5.3f}"
        refused = "    –" if rate.refused is None else f"{rate.refused:5.3f}"
        print(f"{rate.group:15} {rate.cases:4}  caught {caught}  refused {refused}")


def main() -> None:
    """Fit, report and, with ``--write``, replace the shipped numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    parser.add_argument("--cases", action="store_true", help="print the fit cases that are judged wrongly")
    arguments = parser.parse_args()
    settings = Settings()
    encoder = Encoder(prepare(settings.embedding_model, settings.cache_dir))
    names, found, mistaken = fit_names(encoder)
    print(f"names: {found:.3f} found, {mistaken:.3f} of other words taken for names")
    blank = SupportModel(Logistic(0.0, {}), Logistic(0.0, {}), 0.5, encoder.fingerprint, names)
    checker = SupportChecker(encoder, blank)
    cases = [case for case in load_support_cases() if case.split == "fit"]
    findings = [checker.findings(case.sentence, case.evidence) for case in cases]
    data = table(findings)
    labels = np.array([case.supported for case in cases])
    # What decides by itself would teach the model that nothing else was wrong.
    usable = np.array([not found.decisive for found in findings])
    guessed = cross_validated(cases, data, labels, usable)
    threshold = choose_threshold(guessed, labels)
    verdicts = {
        case.id: Verdict(bool(chance >= threshold), float(chance), one.decisive)
        for case, chance, one in zip(cases, guessed, findings, strict=True)
    }
    print(f"threshold {threshold}, cross-validated by topic:")
    show(rates(cases, verdicts))
    if arguments.cases:
        for case, chance, one in zip(cases, guessed, findings, strict=True):
            if verdicts[case.id].supported != case.supported:
                what = [quantity.written for quantity in one.missing]
                print(f"\n{chance:.3f} {case.kind} {case.id} {one.decisive}\n  {case.sentence}")
                print(f"  {' '.join(case.evidence)}\n  {what} {len(one.unmatched)} words without a like")
    sentence, word = raw(data, fit(data, np.flatnonzero(usable), labels))
    print(json.dumps([dict(sentence.weights), dict(word.weights)]))
    if arguments.write:
        values = {
            "fitted": {
                "command": "python -m eval.fit_support --write",
                "date": date.today().isoformat(),
                "cases": len(cases),
                "names found": round(found, 3),
                "others taken for names": round(mistaken, 3),
            },
            "threshold": threshold,
            "encoder": encoder.fingerprint,
            "sentence": {"intercept": sentence.intercept, "weights": dict(sentence.weights)},
            "word": {"intercept": word.intercept, "weights": dict(word.weights)},
            "names": [round(float(weight), 3) for weight in names],
        }
        OUTPUT.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
