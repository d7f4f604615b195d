"""A small transformer that reads a sentence and its evidence together, word by word.

Its inputs are what the rest of the check has found: the vector of each word and how it is said (``claims``), which
words are one or exclude each other (``alignment``), and the findings about the whole (``support``). Which words belong
together leads its attention from the start: it need not learn from a few thousand facts what alignment is, only what
the differences between two aligned sentences mean.

Pre-norm transformer (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture") with additive
attention biases (after Shaw et al. 2018, "Self-Attention with Relative Position Representations"); trained by
``eval/fit_entailment.py``. ``Network`` runs it with NumPy in a few milliseconds a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from assistant.alignment import NEARNESS, Alignment
from assistant.claims import ROLES, Claim, Word
from assistant.lexicon import Lexicon
from assistant.ranking import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LINKS = 4
"""What is known of two words: that they are one, exclude each other, are in different texts, and their cosine there."""
FARTHEST = 9
"""Distance in words from which all are the same to attention."""
POSITIONS = 64
"""Places of a word in its text that are told apart."""
LONGEST = 256
"""Words of a sentence and its evidence that are read; more are cut off the evidence."""
KINDS = (
    "content", "number", "name", "negated", "hedged", "joined", "known", *(f"role {role}" for role in ROLES), "arabic",
    "evidence",
)  # fmt: skip
"""What is known of a word by itself."""
_PARTNER = (
    "like", "cosine", "partner's name", "negated", "negation differs", "hedged", "hedge lost", "role the same",
    "role differs", "any opposed", "opposed",
)  # fmt: skip
BESIDE = (*_PARTNER, *NEARNESS)
"""What is known of a word that says something and the word of the evidence that is its partner."""

FINDINGS = (
    "cosine", "unmatched", "clash", "negation_added", "negation_lost", "hedge_lost", "hedge_added", "universal",
    "partial_lost", "order", "apart", "log_words", "cross", "arabic", "cross_cosine", "cross_unmatched", "cross_arabic",
)  # fmt: skip
"""Features of the whole that the network takes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its evidence as the network takes them; where both are in one array the sentence comes first."""

    said: Floats
    """Unit vectors of the words of the sentence, shape (words, dimension); zeros for what the encoder did not read."""
    held: Floats
    """The same of the evidence."""
    kinds: Floats
    """What each word of both is and how it is said, shape (words of both, ``len(KINDS)``)."""
    beside: Floats
    """What each word of the sentence is beside its partner in the evidence, shape (words, ``len(BESIDE)``); zeros for
    one that says nothing."""
    content: NDArray[np.bool_]
    """Which words of the sentence say something."""
    equal: NDArray[np.bool_]
    """Words that are one, shape (words, words of the evidence)."""
    opposed: NDArray[np.bool_]
    """Words that exclude each other, of the same shape."""
    places: NDArray[np.int64]
    """Place of each word of both in its text."""
    findings: Floats
    """The features of the whole, by ``FINDINGS``."""


def pair(lexicon: Lexicon, said: Claim, held: Sequence[Claim], found: Alignment, features: Features) -> Pair:
    """What the network takes of ``said`` and the texts ``held`` that it was aligned with."""
    room = max(LONGEST - len(said.words), 1)
    others = [(word, text.language) for text in held for word in text.words][:room]
    vectors = held[0].vectors if len(held) == 1 else np.concatenate([text.vectors for text in held])
    opposed = _opposed(lexicon, said.words, [word for word, _ in others])
    content = np.array([word.content for word in said.words], dtype=np.bool_)
    liked: NDArray[np.bool_] = np.asarray(found.equal.any(axis=1))
    beside = np.zeros((len(said.words), len(BESIDE)), dtype=np.float32)
    for at in np.flatnonzero(content & (found.partner < len(others))):
        place = int(found.partner[at])
        alike = bool(liked[at]), float(said.vectors[at] @ vectors[place])
        excludes = bool(opposed[at].any()), bool(opposed[at, place])
        beside[at, : len(_PARTNER)] = [*alike, *_beside(said.words[at], others[place][0]), *excludes]
    for at, lost in zip(np.flatnonzero(content & ~liked), found.unmatched, strict=True):
        beside[at, len(_PARTNER) :] = [lost[name] for name in NEARNESS]
    kinds = [_kind(word, said.language, evidence=False) for word in said.words]
    kinds += [_kind(word, language, evidence=True) for word, language in others]
    return Pair(
        said=said.vectors,
        held=vectors[:room] if len(vectors) > room else vectors,
        kinds=np.array(kinds, dtype=np.float32).reshape(-1, len(KINDS)),
        beside=beside,
        content=content,
        equal=found.equal[:, :room],
        opposed=opposed,
        places=np.concatenate([np.arange(len(text.words)) for text in (said, *held)])[: len(kinds)],
        findings=np.array([features[name] for name in FINDINGS], dtype=np.float32),
    )


def _opposed(lexicon: Lexicon, words: Sequence[Word], others: Sequence[Word]) -> NDArray[np.bool_]:
    """Which words exclude each other, shape (words, others)."""
    found = np.zeros((len(words), len(others)), dtype=np.bool_)
    excluding = [(place, other.concepts) for place, other in enumerate(others) if lexicon.scales(other.concepts)]
    for at, word in enumerate(words):
        for place, concepts in excluding if word.concepts else ():
            found[at, place] = lexicon.opposed(word.concepts, concepts)
    return found


def _beside(word: Word, partner: Word) -> list[float]:
    """What a word is beside its partner by how both are said."""
    roles = bool(word.role) and bool(partner.role)
    differences = [
        partner.negated,
        word.negated != partner.negated,
        partner.hedged,
        partner.hedged and not word.hedged,
        roles and word.role == partner.role,
        roles and word.role != partner.role,
    ]
    return [partner.name, *map(float, differences)]


def _kind(word: Word, language: str, *, evidence: bool) -> list[float]:
    said = [word.content, word.number, word.name, word.negated, word.hedged, word.joined, bool(word.concepts)]
    return [*map(float, said), *(float(word.role == role) for role in ROLES), float(language == "ar"), float(evidence)]


def crosses(read: Pair) -> bool:
    """Whether no text of the evidence is in the language of the sentence."""
    return bool(read.findings[FINDINGS.index("cross")])


def arabic(read: Pair) -> bool:
    """Whether the sentence is in Arabic."""
    return bool(read.findings[FINDINGS.index("arabic")])


def links(read: Pair) -> Floats:
    """What is known of each two words of both texts, shape (``LINKS``, words, words), symmetric."""
    here, words = len(read.said), len(read.kinds)
    known = np.zeros((LINKS, words, words), dtype=np.float32)
    known[0, :here, here:] = read.equal
    known[1, :here, here:] = read.opposed
    known[2, :here, here:] = 1.0
    known[3, :here, here:] = read.said @ read.held.T
    return known + known.transpose(0, 2, 1)


class Network:
    """Runs a trained network. Safe to use from several threads."""

    def __init__(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Take the weights that ``eval/fit_entailment.py`` writes, by the names they have there."""
        self._weights = {name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}
        self._layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
        self._heads = len(self._weights["layers.0.links.bias"])

    def logit(self, read: Pair) -> float:
        """Log odds that the evidence supports the sentence."""
        here = len(read.content)
        priced = read.content.astype(np.float32)[:, None]
        vectors = np.concatenate([read.said, read.held])
        x = self._linear("words", vectors * np.float32(np.sqrt(vectors.shape[1]))) + self._linear("kinds", read.kinds)
        x += self._weights["places.weight"][np.minimum(read.places, POSITIONS - 1)]
        x[:here] += self._linear("beside", read.beside) * priced
        distance = np.clip(read.places[:, None] - read.places[None, :], -FARTHEST, FARTHEST) + FARTHEST
        known = links(read)
        for layer in range(self._layers):
            x = self._layer(f"layers.{layer}", x, known, distance)
        x = self._norm("norm", x[:here])
        costs = np.logaddexp(0, self._linear("price", read.beside) + self._linear("cost", x)) * priced
        telling = x[read.content] if read.content.any() else np.zeros_like(x[:1])
        pooled = np.concatenate([telling.mean(axis=0), telling.max(axis=0)])
        whole = self._linear("whole.1", _gelu(self._linear("whole.0", pooled)))
        return float((whole + self._linear("findings", read.findings)).item() - costs.sum())

    def _layer(self, name: str, x: Floats, known: Floats, distance: NDArray[np.int64]) -> Floats:
        words, size = x.shape
        query, key, value = np.moveaxis(
            self._linear(f"{name}.qkv", self._norm(f"{name}.norm0", x)).reshape(words, 3, self._heads, -1), 0, 2
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(size // self._heads))
        scores += np.tensordot(self._weights[f"{name}.links.weight"], known, axes=1)
        scores += self._weights[f"{name}.links.bias"][:, None, None]
        scores += self._weights[f"{name}.distance.weight"][distance].transpose(2, 0, 1) * (1 - known[2])
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        x = x + self._linear(f"{name}.out", (scores @ value).transpose(1, 0, 2).reshape(words, size))
        inner = _gelu(self._linear(f"{name}.inner.0", self._norm(f"{name}.norm1", x)))
        return x + self._linear(f"{name}.inner.1", inner)

    def _linear(self, name: str, values: Floats) -> Floats:
        product: Floats = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-5))
        normal: Floats = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return normal


def _gelu(values: Floats) -> Floats:
    """Hendrycks and Gimpel (2016), in its form with tanh."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (values + np.float32(0.044715) * values**3)
    passed: Floats = np.float32(0.5) * values * (1 + np.tanh(inner))
    return passed


@dataclass(frozen=True, slots=True)
class EntailmentModel:
    """What ``data/entailment.npz`` holds."""

    networks: tuple[Network, ...]
    """The same network trained from several starts: the mean of their log odds is taken."""
    mix: NDArray[np.float64]
    """What the log odds of the networks count, those of ``support.SupportModel``, each of ``support.Findings.signs``,
    and an intercept, shape (2, 3 + signs): for evidence in the sentence's language and for other evidence, across
    which all see less."""
    thresholds: NDArray[np.float64]
    """Probability from which a sentence counts as supported, shape (2,): in English and in Arabic."""
    encoder: str
    """Fingerprint of the encoder whose vectors it was trained on."""

    def logit(self, read: Pair, rules: float, signs: Sequence[float]) -> float:
        """Log odds that a sentence is supported, given those of the rules and what else they found."""
        mean = float(np.mean([network.logit(read) for network in self.networks]))
        return float(self.mix[int(crosses(read))] @ [mean, rules, *signs, 1.0])

    def threshold(self, read: Pair) -> float:
        """Probability from which the sentence counts as supported."""
        return float(self.thresholds[int(arabic(read))])


@lru_cache(maxsize=1)
def shipped_entailment_model() -> EntailmentModel:
    """The model that ships with Dalil."""
    with resources.files("assistant").joinpath("data/entailment.npz").open("rb") as file, np.load(file) as held:
        values = {name: held[name] for name in held.files}
    starts = sorted({name.partition(".")[0] for name in values if name[0].isdigit()})
    return EntailmentModel(
        tuple(
            Network({name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{start}.")})
            for start in starts
        ),
        values["mix"],
        values["thresholds"],
        str(values["encoder"]),
    )
