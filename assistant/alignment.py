"""Which word of a sentence has its like among the words of its evidence.

Words are one by spelling, meaning or sound (``equals``). One that has no such like is set beside the word whose vector
is nearest, which another word of the sentence may have a better claim to: how near, and how much nearer than the
next, says how likely the evidence means it in other words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from assistant.claims import NAME, Claim, Word
from assistant.lexicon import Lexicon, one_name, sound_alike
from assistant.ranking import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAYBE_NAME = 0.3
"""Probability above which a word that the lexicon knows may be used as a name."""
_NEARNESS = (
    "near", "margin", "name", "name_near", "known", "both_known", "senses", "length", "lost", "free", "arabic",
    "arabic_near",
)  # fmt: skip
NEARNESS = (*_NEARNESS, *(f"cross_{name}" for name in _NEARNESS), "cross")
"""Names of the features of a word without a like."""
_LEAST_SHARED = 5
"""Letters of a root with which another begins so that the two are one word."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of a sentence against those of its evidence."""

    equal: NDArray[np.bool_]
    """Words that are one by spelling, meaning or sound, shape (words, words of the evidence)."""
    partner: NDArray[np.int_]
    """Place of the nearest word of the evidence for each word that says something, shape (words,); otherwise -1."""
    cover: NDArray[np.float64]
    """Cosine to the partner, 1 where they are equal, shape (words,); 0 without one."""
    unmatched: tuple[Features, ...]
    """How near each word comes to its partner that says something and equals none."""


def align(lexicon: Lexicon, said: Claim, held: Sequence[Claim]) -> Alignment:
    """Set each word of ``said`` beside its nearest in ``held``."""
    others = [word for text in held for word in text.words]
    equal = np.array([[equals(lexicon, word, other) for other in others] for word in said.words], dtype=np.bool_)
    equal = equal.reshape(len(said.words), len(others))
    equal |= _run_together(said.words, others, equal)
    similar = said.vectors @ np.concatenate([text.vectors for text in held]).T
    content = np.array([word.content for word in said.words], dtype=np.bool_)
    usable = np.array([not other.number and (other.content or other.name > NAME) for other in others], dtype=np.bool_)
    spoken: NDArray[np.bool_] = np.asarray((equal & content[:, None]).any(axis=0))
    lost = int((content & ~equal.any(axis=1)).sum())
    setting = {
        "cross": float(all(text.language != said.language for text in held)),
        "arabic": float(said.language == "ar"),
        "length": math.log1p(float(content.sum())),  # one of many words may be said otherwise
        "lost": lost / max(int(content.sum()), 1),
        "free": math.log1p(sum(other.content and not spoken[at] for at, other in enumerate(others))),
    }
    cover = np.zeros(len(said.words))
    partner = np.full(len(said.words), -1)
    unmatched = []
    for at in np.flatnonzero(content):
        matches = np.flatnonzero(equal[at])
        if len(matches):
            partner[at], cover[at] = int(matches[similar[at, matches].argmax()]), 1.0
            continue
        rest = content.copy()
        rest[at] = False
        # What another word of the sentence says is not there for one that has no like.
        free = usable & ~equal[rest].any(axis=0)
        free = free if free.any() else usable if usable.any() else np.ones(len(others), dtype=np.bool_)
        best = int(np.where(free, similar[at], -2.0).argmax())
        partner[at], cover[at] = best, float(similar[at, best])
        rival = float(similar[rest, best].max()) if rest.any() else 0.0
        unmatched.append(_nearness(said.words[at], others[best], cover[at], cover[at] - rival, setting))
    return Alignment(equal, partner, cover, tuple(unmatched))


def _nearness(word: Word, other: Word, cosine: float, margin: float, setting: Features) -> Features:
    known, both = float(bool(word.concepts)), float(bool(word.concepts) and bool(other.concepts))
    values = {
        "near": cosine,
        "margin": margin,
        "name": word.name,
        "name_near": word.name * cosine,
        "known": known,  # the lexicon would know its like
        "both_known": both,
        "senses": math.log1p(len(word.concepts)),  # one of many meanings says little
        "length": setting["length"],
        "lost": setting["lost"],
        "free": setting["free"],
        "arabic": setting["arabic"],
        "arabic_near": setting["arabic"] * cosine,
    }
    cross = setting["cross"]
    return values | {f"cross_{name}": cross * value for name, value in values.items()} | {"cross": cross}


def _run_together(words: Sequence[Word], others: Sequence[Word], equal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Names that are one word in one script and two in the other: «ديار بكر» and "Diyarbakir"."""
    found = np.zeros_like(equal)
    for matrix, known, one, other in ((found, equal, words, others), (found.T, equal.T, others, words)):
        alone = [at for at, word in enumerate(one) if word.name > NAME and len(word.folded) > 4 and not known[at].any()]
        open_ = [not word.number and len(word.folded) > 1 and not known[:, at].any() for at, word in enumerate(other)]
        for at in alone:
            for place, (left, right) in enumerate(pairwise(other)):
                if (
                    open_[place]
                    and open_[place + 1]
                    and one[at].folded.isascii() != left.folded.isascii()
                    and sound_alike(one[at].folded, left.folded + right.folded)
                ):
                    matrix[at, place : place + 2] = True
    return found


def equals(lexicon: Lexicon, one: Word, other: Word) -> bool:
    """Whether two words are one by spelling, meaning or sound."""
    if one.concepts & other.concepts:
        return True
    if one.root == other.root:
        return one.folded == other.folded or not lexicon.opposed(one.concepts, other.concepts)
    if one.concepts and other.concepts:
        return _transliterated(lexicon, one, other)
    if not (one.number or other.number) and one_name(one.folded, other.folded):
        return True
    if any(map(lexicon.entity, one.concepts | other.concepts)):
        return False  # a listed name has its other forms in the list
    if max(one.name, other.name) > NAME:
        if one.folded.isascii() == other.folded.isascii() and (one.concepts or other.concepts):
            return False  # in one script a common word is no spelling of a name
        return sound_alike(one.folded, other.folded)
    shared = min(len(one.root), len(other.root))
    return shared >= _LEAST_SHARED and one.root[:shared] == other.root[:shared]


def _transliterated(lexicon: Lexicon, one: Word, other: Word) -> bool:
    """Whether two common words are one name in two scripts: «ويسترن يونيون»."""
    return (
        one.folded.isascii() != other.folded.isascii()
        and min(one.name, other.name) > _MAYBE_NAME
        and not any(map(lexicon.entity, one.concepts | other.concepts))
        and sound_alike(one.folded, other.folded)
    )
