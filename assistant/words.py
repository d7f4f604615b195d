"""Word by word: how near the words of a question come to those of a passage.

A vector for a whole text blurs names and numbers. Here every word has the vector that the encoder gives it
in its sentence, and a passage is as near as the words of the question find their like in it: the "late
interaction" of Khattab and Zaharia (2020), "ColBERT", over words rather than word pieces and weighed by
their rarity. It finds a name written in the other script and another form of a verb.

Stored vectors take two bits for each number: Lloyd's quantiser of a normal variable with four levels (Max
1960, "Quantizing for minimum distortion", table I), which costs .001 nDCG@10 and is 16 times smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOUNDARY = 0.9816
"""Standard deviations at which the outer level begins."""
_INNER, _OUTER = 0.4528, 1.5104
"""What the levels stand for, in standard deviations."""
_VALUES = np.array([-_INNER, -_OUTER, _INNER, _OUTER], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a passage as they are stored."""

    codes: NDArray[np.uint8]
    """Compressed vectors in reading order, shape (words, dimension / 4)."""
    counts: tuple[int, ...]
    """How many words each part has: what is read before the text, then each sentence."""

    def to_bytes(self) -> bytes:
        """For storage: the width of a code, the number of parts, their counts, then the codes."""
        header = np.array([self.codes.shape[1], len(self.counts), *self.counts], dtype=np.uint32)
        return header.tobytes() + self.codes.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Words:
        """What ``to_bytes`` gave."""
        width, parts = map(int, np.frombuffer(data, np.uint32, 2))
        counts = np.frombuffer(data, np.uint32, parts, offset=8)
        codes = np.frombuffer(data, np.uint8, offset=8 + 4 * parts)
        return cls(codes.reshape(-1, width), tuple(map(int, counts)))


@dataclass(frozen=True, slots=True)
class Match:
    """How near a passage comes to a question."""

    passage: float
    """Mean over the question's words of the cosine with the nearest word of the passage, -1..1."""
    sentences: NDArray[np.float32]
    """The same for each sentence."""


def compress(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Two bits for each number of ``vectors``, shape (n, dimension): the signs, then which are far from 0."""
    spread = vectors.std(axis=1, keepdims=True)
    outer = np.abs(vectors) > _BOUNDARY * spread
    return np.concatenate([np.packbits(vectors > 0, axis=1), np.packbits(outer, axis=1)], axis=1)


def decompress(codes: NDArray[np.uint8], dimension: int) -> NDArray[np.float32]:
    """Unit vectors, shape (n, dimension), near those that were compressed."""
    half = codes.shape[1] // 2
    positive = np.unpackbits(codes[:, :half], axis=1, count=dimension)
    outer = np.unpackbits(codes[:, half:], axis=1, count=dimension)
    far = outer.sum(axis=1, dtype=np.float32)[:, None]
    lengths = np.sqrt(far * _OUTER**2 + (dimension - far) * _INNER**2)
    result: NDArray[np.float32] = np.take(_VALUES, 2 * positive + outer) / lengths
    return result


def match(question: NDArray[np.float32], weights: Sequence[float], passages: Sequence[Words]) -> list[Match]:
    """How near each passage comes.

    Args:
        question: unit vectors of the question's words, shape (words, dimension).
        weights: what each of them counts, not all 0; none for a question without words.
        passages: stored words.
    """
    counts = np.array([count for words in passages for count in words.counts], dtype=np.int64)
    parts = np.zeros(len(counts), dtype=np.float32)
    nearest = np.full((len(weights), len(counts)), -1.0, dtype=np.float32)
    shares = np.asarray(weights, dtype=np.float32) / max(sum(weights), 1e-12)
    if len(weights) and counts.sum():
        stored = decompress(np.concatenate([words.codes for words in passages]), question.shape[1])
        held = counts > 0
        starts = (np.cumsum(counts) - counts)[held]
        nearest[:, held] = np.maximum.reduceat(question @ stored.T, starts, axis=1)
        parts[held] = shares @ nearest[:, held]
    matches = []
    end = 0
    for words in passages:
        start, end = end, end + len(words.counts)
        whole = float(shares @ nearest[:, start:end].max(axis=1)) if sum(words.counts) else 0.0
        matches.append(Match(whole, parts[start + 1 : end]))
    return matches
