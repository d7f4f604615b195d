"""Which word of a sentence has its like among the words of its evidence.

Words are one by spelling, meaning or sound (``equals``), or their vectors are near each other. Vectors are compared
in a space that ``eval/fit_alignment.py`` learns from texts in both languages (``data/alignment.npz``), and a word
that another word of the sentence is nearer to is no like: what counts is how much nearer it is than the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, cast

import numpy as np

from assistant.claims import NAME, Claim, Word
from assistant.encoder import Encoder
from assistant.lexicon import Lexicon, sound_alike
from assistant.ranking import probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_SHARED = 5
"""Letters of a root with which another begins so that the two are one word."""


@dataclass(frozen=True, slots=True)
class AlignmentModel:
    """The fitted numbers."""

    projection: NDArray[np.float32]
    """From vectors of words to the space in which they are compared, shape (dimension of the words, fewer)."""
    weights: NDArray[np.float64]
    """Of what ``likeness`` finds, then the intercept, shape (6,)."""
    names: NDArray[np.float32]
    """Weights that tell a name by its vector, then the intercept, shape (dimension of the words + 1,)."""
    encoder: str
    """Fingerprint of the encoder that it was fitted with."""

    def project(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors in the space of comparison, one a row; 0 stays 0."""
        moved = vectors @ self.projection
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        return cast("NDArray[np.float32]", moved / np.maximum(lengths, 1e-12))


@lru_cache(maxsize=1)
def shipped_alignment_model() -> AlignmentModel:
    """The model that ships with Dalil."""
    with resources.files("assistant").joinpath("data/alignment.npz").open("rb") as file, np.load(file) as values:
        return AlignmentModel(
            values["projection"].astype(np.float32),
            values["weights"].astype(np.float64),
            values["names"].astype(np.float32),
            str(values["encoder"]),
        )


def unfitted(encoder: Encoder) -> AlignmentModel:
    """A model for any other encoder: vectors as they are, a like from a cosine of about .6 on."""
    size = encoder.encode_sentence("x").words.shape[1]
    weights = np.array([12.0, 0.0, 0.0, 0.0, 0.0, -7.0])
    return AlignmentModel(
        np.eye(size, dtype=np.float32), weights, np.zeros(size + 1, dtype=np.float32), encoder.fingerprint
    )


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of a sentence against those of its evidence."""

    cover: NDArray[np.float64]
    """Probability that each word of the sentence has a like, shape (words,); 0 for one that says nothing."""
    partner: NDArray[np.int_]
    """Place of the likeliest among the words of the evidence, shape (words,); -1 without any."""
    equal: NDArray[np.bool_]
    """Words that are one by spelling, meaning or sound, shape (words, words of the evidence)."""


def align(lexicon: Lexicon, model: AlignmentModel, said: Claim, held: Sequence[Claim]) -> Alignment:
    """Find the like of each word of ``said`` in ``held``."""
    others = [word for text in held for word in text.words]
    equal = np.array([[equals(lexicon, word, other) for other in others] for word in said.words], dtype=np.bool_)
    equal = equal.reshape(len(said.words), len(others))
    content = np.array([word.content for word in said.words], dtype=np.bool_)
    usable = np.array([not other.number and (other.content or other.name > NAME) for other in others])
    vectors = np.concatenate([text.vectors for text in held])
    similar = model.project(said.vectors) @ model.project(vectors).T
    cover = np.zeros(len(said.words))
    partner = np.full(len(said.words), -1)
    for at in np.flatnonzero(content):
        matches = np.flatnonzero(equal[at])
        if len(matches):
            partner[at], cover[at] = int(matches[similar[at, matches].argmax()]), 1.0
            continue
        found = likeness(similar, equal, content, usable, at, said.words[at].name)
        if found is not None:
            partner[at], values = found
            cover[at] = float(probability(np.array(values) @ model.weights[:-1] + model.weights[-1]))
    return Alignment(cover, partner, equal)


def likeness(
    similar: NDArray[np.float32],
    equal: NDArray[np.bool_],
    content: NDArray[np.bool_],
    usable: NDArray[np.bool_],
    at: int,
    name: float,
) -> tuple[int, tuple[float, ...]] | None:
    """Place of the likeliest word for the word ``at``, and how alike they are; None if there is none to compare with.

    What another word of the sentence says is not there for one that has no like. Alike is: the cosine, by how much
    the word is nearer than any other of the sentence, the probability that it is a name, and the products of that
    with either: names of a kind are near each other whatever they name.
    """
    others = content.copy()
    others[at] = False
    free = usable & ~equal[others].any(axis=0)
    if not free.any():
        return None
    best = int(np.where(free, similar[at], -2.0).argmax())
    rival = float(similar[others, best].max()) if others.any() else 0.0
    nearness = float(similar[at, best])
    margin = nearness - rival
    return best, (nearness, margin, name, name * nearness, name * margin)


def equals(lexicon: Lexicon, one: Word, other: Word) -> bool:
    """Whether two words are one by spelling, meaning or sound."""
    if one.root == other.root or one.concepts & other.concepts:
        return True
    if one.concepts and other.concepts:
        return False
    if any(map(lexicon.entity, one.concepts | other.concepts)):
        return False  # a listed name has its other forms in the list
    if max(one.name, other.name) > NAME:
        return sound_alike(one.folded, other.folded)
    shared = min(len(one.root), len(other.root))
    return shared >= _LEAST_SHARED and one.root[:shared] == other.root[:shared]
