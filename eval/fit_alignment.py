"""Fit ``assistant/data/alignment.npz``: which words of two sentences are each other's like.

    python -m eval.fit_alignment [--write]

Three small models. One tells a name by the vector of a word: it learns from the capitals of the English texts that
ship with Dalil, and since both languages share a space it also knows Arabic names, which have no capitals. The second
is a projection, learnt from the texts in both languages that ship with Dalil: words that are known to be one are
pulled together, the other words of the same two texts apart (InfoNCE: van den Oord et al., 2018, "Representation
Learning with Contrastive Predictive Coding"). The third tells how likely a word has its like
at all: it learns by taking the known likes away. Everything printed is cross-validated by text.

Run it after every change of the lexicon or the encoder, then ``eval.fit_support``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from assistant import Settings
from assistant.alignment import AlignmentModel, equals, likeness
from assistant.claims import NAME, Claim, Reader
from assistant.encoder import Encoder
from assistant.lexicon import shipped_lexicon
from assistant.models import parallel_texts, prepare
from assistant.text import detect_language, sentence_spans

DATA = Path(__file__).resolve().parent.parent / "assistant" / "data"
OUTPUT = DATA / "alignment.npz"
DIMENSION = 128
TEMPERATURE = 0.15
"""Of the softmax over the words of a text; .1 and .3 are worse."""
RATE = 1e-3
ROUNDS = 12
FOLDS = 4

_ALIGNED = 0.5
"""Cosine above which two words of a text and its translation are the same, for telling Arabic names."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A text in both languages."""

    arabic: Claim
    english: Claim
    known: NDArray[np.bool_]
    """Words that are known to be one, shape (words of Arabic, words of English)."""


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


def read_pairs(encoder: Encoder, names: NDArray[np.float32]) -> list[Pair]:
    """The texts that ship with Dalil."""
    lexicon = shipped_lexicon()
    reader = Reader(encoder, lexicon, names, encoder.fingerprint)
    pairs = []
    for text in parallel_texts():
        arabic, english = reader.read(text["ar"]), reader.read(text["en"])
        known = [equals(lexicon, one, other) for one in arabic.words for other in english.words]
        shape = (len(arabic.words), len(english.words))
        pairs.append(Pair(arabic, english, np.array(known, dtype=np.bool_).reshape(shape)))
    return pairs


def fit_projection(pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """The space in which words that mean the same are nearest to each other, shape (dimension, ``DIMENSION``)."""
    import torch

    torch.set_num_threads(1)
    vectors = np.concatenate([text.vectors for pair in pairs for text in (pair.arabic, pair.english)])
    values, axes = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    start = axes[:, ::-1][:, :DIMENSION] / (values[::-1][:DIMENSION] + 1e-3) ** 0.25
    projection = torch.nn.Parameter(torch.tensor(start.astype(np.float32)))
    items = []
    for pair in pairs:
        texts = (pair.arabic, pair.english)
        rows, columns = ([at for at, word in enumerate(text.words) if word.content] for text in texts)
        known = pair.known[np.ix_(rows, columns)]
        if known.any():
            items.append(tuple(map(torch.tensor, (texts[0].vectors[rows], texts[1].vectors[columns], known))))
    optimiser = torch.optim.Adam([projection], lr=RATE)
    order = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for at in order.permutation(len(items)):
            arabic, english, known = items[at]
            similar = torch.nn.functional.normalize(arabic @ projection, dim=1) @ (
                torch.nn.functional.normalize(english @ projection, dim=1).T
            )
            loss = torch.zeros(())
            for likes, right in ((similar, known), (similar.T, known.T)):
                chosen = right.any(dim=1)
                chances = (likes[chosen] / TEMPERATURE).log_softmax(dim=1)
                loss = loss - chances.masked_fill(~right[chosen], -1e9).logsumexp(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return projection.detach().numpy().astype(np.float16).astype(np.float32)


def examples(pairs: Sequence[Pair], model: AlignmentModel) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What ``likeness`` finds for words whose like is known, once with it and once without, and which of the two."""
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for pair in pairs:
        ways = ((pair.arabic, pair.english, pair.known), (pair.english, pair.arabic, pair.known.T))
        for said, held, equal in ways:
            content = np.array([word.content for word in said.words], dtype=np.bool_)
            usable = np.array([not word.number and (word.content or word.name > NAME) for word in held.words])
            similar = model.project(said.vectors) @ model.project(held.vectors).T
            for at in np.flatnonzero(content & equal.any(axis=1)):
                for there in (True, False):
                    hidden = equal.copy()
                    hidden[at] = False
                    found = likeness(similar, hidden, content, usable & (there | ~equal[at]), at, said.words[at].name)
                    if found is not None:
                        rows.append(found[1])
                        labels.append(there)
    return np.array(rows, dtype=np.float64), np.array(labels)


def fit(encoder: Encoder) -> tuple[AlignmentModel, dict[str, float]]:
    """The model, and what it is worth on texts that it was not fitted on."""
    names, found, mistaken = fit_names(encoder)
    pairs = read_pairs(encoder, names)
    unweighted = np.zeros(1)
    held_out = []
    for fold in range(FOLDS):
        learnt = fit_projection([pair for at, pair in enumerate(pairs) if at % FOLDS != fold])
        held_out.append(examples(pairs[fold::FOLDS], AlignmentModel(learnt, unweighted, names, encoder.fingerprint)))
    rows = np.concatenate([row for row, _ in held_out])
    labels = np.concatenate([label for _, label in held_out])
    logistic = LogisticRegression(C=100.0, max_iter=1_000).fit(rows, labels)
    weights = np.append(logistic.coef_[0], logistic.intercept_[0])
    figures = {
        "names found": found,
        "other words taken for names": mistaken,
        "words with a like": len(labels) / 2,
        "area under the curve of words with their like against without": roc_auc_score(labels, rows @ weights[:-1]),
    }
    return AlignmentModel(fit_projection(pairs), weights, names, encoder.fingerprint), figures


def main() -> None:
    """Fit, report and, with ``--write``, replace the shipped numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    arguments = parser.parse_args()
    settings = Settings()
    model, figures = fit(Encoder(prepare(settings.embedding_model, settings.cache_dir)))
    for name, value in figures.items():
        print(f"{name}: {value:.3f}")
    print(f"weights {model.weights.round(3).tolist()}")
    if arguments.write:
        np.savez_compressed(
            OUTPUT,
            projection=model.projection.astype(np.float16),
            weights=model.weights.round(4),
            names=model.names.astype(np.float16),
            encoder=np.array(model.encoder),
        )


if __name__ == "__main__":
    main()
