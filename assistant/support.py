"""Whether a sentence says no more than the sentences that it cites, in either language.

What is compared: the meaning of the whole and of every word (see ``encoder``), quantities (``amounts``), names and
words that exclude each other (``lexicon``), negation, certainty, and who does what to whom as far as the order of
names tells. A logistic model over these, ``data/support.json``, is fitted by ``eval/fit_support.py`` on sentences
written for it, and a small transformer that reads both texts together adds its word (``entailment``); a quantity that
the evidence does not hold is unsupported whatever they say, and so is what has hardly a word from it or denies it word
for word in the other language.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from assistant.alignment import align
from assistant.amounts import missing
from assistant.claims import NAME, SURE_NAME, Claim, Reader, Word
from assistant.encoder import Encoder
from assistant.entailment import Pair, pair, shipped_entailment_model
from assistant.lexicon import Lexicon, shipped_lexicon, sound_distance
from assistant.quantities import Quantity
from assistant.ranking import Features, Logistic, probability
from assistant.text import leans_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME_WORD = 0.8
"""Cosine above which a word in its sentence is the other in its own."""
_DECIDED = 0.01
"""The most that a sentence is worth of which a finding by itself decides."""
_LEAST_COVERED = 0.25
"""What the words of a sentence are covered at least: a single word of no meaning here is no answer, however near its
vector. No supported sentence that was written for the fit is below it."""
_MOST_UNMATCHED = 0.7
"""Share of the words without their like above which nothing is left to compare. Of 1,744 supported sentences that set
weights and thresholds 7 are above it, all freely reworded."""
_CONVERSE = frozenset(("giving", "sale", "lending", "teaching", "contest"))
"""Classes whose words say one thing from its two ends: «أعطاه» is "he received from him"."""
_CONTEXT = 4
"""Words on either side that tell the place of a word."""
_NEARER = 2
"""By how many shared words around it a place must be likelier than another."""
_COVERED = 0.5
"""Cosine above which a word counts as said."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one sentence."""

    supported: bool
    probability: float
    """That the evidence supports the sentence, 0..1."""
    reason: str
    """What speaks against it most: ``number``, ``name``, ``contradiction``, ``negation``, ``certainty``, ``scope``,
    ``order``, ``added`` or ``meaning``; empty if it is supported."""


@dataclass(frozen=True, slots=True)
class SupportModel:
    """The fitted numbers."""

    sentence: Logistic
    word: Logistic
    """What a word without its like costs: softplus of its log odds."""
    threshold: float
    """Probability from which a sentence counts as supported by these alone, with an encoder of the user's choice."""
    encoder: str
    """Fingerprint of the encoder that it was fitted with."""
    names: NDArray[np.float32]
    """Weights that tell a name by its vector, then the intercept, shape (dimension of the words + 1,)."""

    def logit(self, findings: Findings) -> float:
        """Log odds that a sentence is supported."""
        cost = float(np.logaddexp(0.0, self.word.logits(findings.unmatched)).sum()) if findings.unmatched else 0.0
        return float(self.sentence.logits([findings.features])[0] - cost)


@lru_cache(maxsize=1)
def shipped_support_model() -> SupportModel:
    """The model that ships with Dalil."""
    values = json.loads(resources.files("assistant").joinpath("data/support.json").read_text(encoding="utf-8"))
    return SupportModel(
        Logistic(**values["sentence"]),
        Logistic(**values["word"]),
        float(values["threshold"]),
        values["encoder"],
        np.array(values["names"], dtype=np.float32),
    )


class SupportChecker:
    """Checks sentences against what they cite. Safe to use from several threads."""

    def __init__(self, encoder: Encoder, model: SupportModel | None = None, lexicon: Lexicon | None = None) -> None:
        """Check with an encoder.

        Args:
            encoder: reads sentences and evidence.
            model: fitted numbers; the shipped ones by default, which fit the default encoder. With another encoder
                names are told by their capitals and the lexicon only, and nothing is known of what the differences
                between two texts mean (``entailment``).
            lexicon: the shipped one by default.
        """
        self._model = model or shipped_support_model()
        self._encoder = encoder.fingerprint
        self._reader = Reader(encoder, lexicon or shipped_lexicon(), self._model.names, self._model.encoder)

    def check(self, sentence: str, evidence: Sequence[str], question: str = "") -> Verdict:
        """Whether ``evidence`` supports ``sentence``.

        Args:
            sentence: one sentence, without its marks.
            evidence: the sentences that it cites; none supports nothing.
            question: what was asked. Its words count as said where the evidence leans back on something before it
                ("It opened in 1964"); its numbers never do.
        """
        if not sentence.strip() or not any(text.strip() for text in evidence):
            return Verdict(False, 0.0, "meaning")
        findings = self.findings(sentence, evidence, question)
        logit, threshold = self._model.logit(findings), self._model.threshold
        if findings.decisive:
            return Verdict(False, min(float(probability(np.array(logit))), _DECIDED), findings.decisive)
        entailment = shipped_entailment_model()
        if entailment.encoder == self._encoder:
            logit = entailment.logit(findings.read, logit, findings.signs)
            threshold = entailment.threshold(findings.read)
        chance = float(probability(np.array(logit)))
        if chance >= threshold:
            return Verdict(True, chance, "")
        return Verdict(False, chance, findings.reason)

    def findings(self, sentence: str, evidence: Sequence[str], question: str = "") -> Findings:
        """What the model decides from."""
        said = self._reader.read(sentence)
        held = [self._reader.read(text) for text in evidence if text.strip()]
        if question and any(leans_back(text) for text in evidence):
            context: list[Claim] = [self._reader.read(question)]
        else:
            context = []
        return _compare(self._reader, said, held, context)


# --- comparing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that speaks for and against a sentence."""

    features: Features
    unmatched: Sequence[Features]
    """How near each word comes to the evidence that has no like there."""
    missing: Sequence[Quantity]
    """Quantities of the sentence that the evidence does not hold."""
    cover: float
    """How near the words come to the evidence on average, 0..1."""
    strange: float
    """How surely the sentence has a name that nothing in the evidence sounds like, 0..1."""
    read: Pair
    """Both texts as the network takes them."""

    @property
    def decisive(self) -> str:
        """What by itself makes a sentence unsupported, as in ``Verdict.reason``; empty if nothing does."""
        if self.missing:
            return "number"
        if self.cover < _LEAST_COVERED or self.features["unmatched"] > _MOST_UNMATCHED:
            return "meaning"
        # Across languages the network sees too little of a negation, but where each word has its like that is all.
        denied = self.features["negation_added"] or self.features["negation_lost"]
        return "negation" if denied and self.features["cross"] and not self.unmatched else ""

    @property
    def turned(self) -> bool:
        """Whether the sentence has the words of its evidence, all but one at most, and turns what they say.

        It denies what the evidence affirms, affirms what it denies, exchanges two things, or, without a word of its
        own, tells as done what was planned; across languages the last two are seen too badly. Of 215 such sentences
        among those of the fit 11 are supported.
        """
        denies = self.features["negation_added"] or self.features["negation_lost"]
        exchanges = self.features["order"] and not self.features["cross"]
        tells = self.features["hedge_lost"] and not self.features["cross"] and not self.unmatched
        return bool(denies or exchanges or tells) and len(self.unmatched) <= 1

    @property
    def signs(self) -> tuple[float, ...]:
        """What counts beside network and rules.

        ``turned``, ``strange``, and the logarithms of how many words it has and of how many without a like: one wrong
        word shows less among many.
        """
        return float(self.turned), self.strange, self.features["log_words"], math.log1p(len(self.unmatched))

    @property
    def reason(self) -> str:
        """What speaks against the sentence most, as in ``Verdict.reason``."""
        found = next((reason for reason, names in _REASONS if any(self.features[name] for name in names)), "")
        if found:
            return found
        if any(word["name"] > SURE_NAME for word in self.unmatched):
            return "name"
        return "added" if any(word["near"] < _COVERED for word in self.unmatched) else "meaning"


def _compare(reader: Reader, said: Claim, held: Sequence[Claim], context: Sequence[Claim]) -> Findings:
    texts = [*held, *context]
    others = [word for text in texts for word in text.words]
    cross = all(text.language != said.language for text in held)
    found = align(reader.lexicon, said, texts)
    equal, partner, cover = found.equal, found.partner, found.cover
    negation_added, negation_lost = _polarity(said, held, others, partner, cover)
    joined = np.sum([text.vector for text in held], axis=0)
    whole = float(said.vector @ joined / max(float(np.linalg.norm(joined)), 1e-12))
    cosines = [float(said.vector @ text.vector) for text in held]
    content = sum(word.content for word in said.words)
    features = {
        "cosine": max(*cosines, whole),
        "unmatched": len(found.unmatched) / max(content, 1),
        "clash": float(_clashes(reader.lexicon, said, others, equal)),
        "negation_added": negation_added,
        "negation_lost": negation_lost,
        "hedge_lost": float(_doubt_lost(said, others, partner, cover)),
        "hedge_added": float(said.hedged and not any(text.hedged for text in held)),
        "universal": float(
            said.universal and not any(text.universal or (said.restricts and text.negators) for text in held)
        ),
        "partial_lost": float(held[int(np.argmax(cosines))].partial and not said.partial),
        "order": float(_swapped(reader.lexicon, said, held, equal, cross) or _turned_back(said, others, equal)),
        "apart": _apart(said, equal, others),
        "log_words": float(np.log1p(content)),
        "cross": float(cross),
        "arabic": float(said.language == "ar"),
    }
    for name in ("cosine", "unmatched", "arabic"):
        features[f"cross_{name}"] = features[name] if cross else 0.0
    mean = float(cover.sum() / content) if content else 1.0
    quantities = missing(said.text, " ".join(text.text for text in held))
    read = pair(reader.lexicon, said, texts, found, features)
    strange = _strange(said, others, equal)
    return Findings(features, found.unmatched, quantities, mean, strange, read)


def _strange(said: Claim, others: Sequence[Word], equal: NDArray[np.bool_]) -> float:
    """The largest product of how surely a word without its like is a name, and how far all evidence is in sound."""
    strange = 0.0
    for at, word in enumerate(said.words):
        if word.content and word.name > strange and not equal[at].any():
            apart = min((sound_distance(word.folded, other.folded) for other in others if not other.number), default=1)
            strange = max(strange, word.name * apart)
    return strange


def _clashes(lexicon: Lexicon, said: Claim, others: Sequence[Word], equal: NDArray[np.bool_]) -> bool:
    """Whether a word of the sentence excludes the one that the evidence has in its place.

    Its place is where the words around it are. A word that the evidence says as well must be much further from its
    place than the one that it excludes.
    """
    turned = _turned_around(said, others, equal)
    said_concepts = frozenset[int]().union(*(word.concepts for word in said.words))
    for at, word in enumerate(said.words):
        own = {concept for concept in word.concepts if lexicon.exclusive(concept)}
        classes = {lexicon.classes[concept] for concept in own}
        if turned:
            classes -= _CONVERSE
        if not classes:
            continue
        like, rivals, sure = 0, -1, False
        for there, other in enumerate(others):
            if other.concepts & own or equal[at, there]:
                like = max(like, 1 + _shared_context(said, others, equal, at, there))
                continue
            rival = {c for c in other.concepts if lexicon.exclusive(c) and lexicon.classes[c] in classes}
            if rival and other.negated == word.negated:
                rivals = max(rivals, _shared_context(said, others, equal, at, there))
                sure |= not rival & said_concepts
        if rivals >= 0 and (
            (not like and ((sure and rivals > 0) or rivals > 1)) or (like and rivals >= like + _NEARER)
        ):
            return True
    return False


def _shared_context(said: Claim, others: Sequence[Word], equal: NDArray[np.bool_], at: int, there: int) -> int:
    """How many words around a place of the sentence are around a place of the evidence, too."""
    near = slice(max(there - _CONTEXT, 0), there + _CONTEXT + 1)
    return sum(
        bool(equal[place, near].any())
        for place in range(max(at - _CONTEXT, 0), min(at + _CONTEXT + 1, len(said.words)))
        if place != at and (said.words[place].content or said.words[place].number)
    )


def _turned_around(said: Claim, others: Sequence[Word], equal: NDArray[np.bool_]) -> bool:
    """Whether two words, not next to each other, come in the other order in the evidence."""
    anchors = [
        (at, int(places[0]))
        for at, word in enumerate(said.words)
        if word.content and len(places := np.flatnonzero(equal[at])) == 1
    ]
    here = np.cumsum([word.content for word in said.words])
    there = np.cumsum([other.content for other in others])
    return any(
        x > y and here[b] - here[a] > 1 and there[x] - there[y] > 1
        for place, (a, x) in enumerate(anchors)
        for b, y in anchors[place + 1 :]
    )


def _polarity(
    said: Claim,
    held: Sequence[Claim],
    others: Sequence[Word],
    partner: NDArray[np.int_],
    cover: NDArray[np.float64],
) -> tuple[float, float]:
    """Whether the sentence denies what the evidence says, and whether it says what the evidence denies."""
    mine: set[int] = set()
    theirs: set[int] = set()
    for at, word in enumerate(said.words):
        if word.content and partner[at] >= 0:
            if word.negated and cover[at] >= _SAME_WORD:
                mine.add(at)
            if others[partner[at]].negated and cover[at] >= _COVERED:
                theirs.add(at)
    negators = sum(text.negators for text in held)
    denied = any(text.negators or text.denies for text in held)
    # "no mountain is higher" of the highest one
    ranked = said.excludes_all and any(text.ranks for text in held)
    added = bool(mine - theirs) and (not theirs or said.negators > negators)
    lost = (
        bool(theirs - mine)
        and not said.denies
        and not said.restricts
        and (said.negators == 0 or (negators > said.negators and not mine))
    )
    return float(said.negators > 0 and not ranked and (not denied or added)), float(lost)


def _doubt_lost(said: Claim, others: Sequence[Word], partner: NDArray[np.int_], cover: NDArray[np.float64]) -> bool:
    """Whether the sentence states what the evidence only expects or plans."""
    return (
        not said.hedged
        and not said.denies
        and any(
            word.content and cover[at] >= _COVERED and partner[at] >= 0 and others[partner[at]].hedged
            for at, word in enumerate(said.words)
        )
    )


def _swapped(lexicon: Lexicon, said: Claim, held: Sequence[Claim], equal: NDArray[np.bool_], cross: bool) -> bool:
    """Whether two things change places: exchanging two words puts the sentence in the order of its evidence."""
    start = 0
    for text in held:
        end = start + len(text.words)
        anchors: list[tuple[int, int]] = []
        for at, word in enumerate(said.words):
            places = np.flatnonzero(equal[at, start:end])
            if (word.content or word.number) and len(places) == 1:
                anchors.append((at, int(places[0])))
        if _exchanged(lexicon, said, text, anchors, cross):
            return True
        start = end
    return False


def _exchanged(lexicon: Lexicon, said: Claim, text: Claim, anchors: Sequence[tuple[int, int]], cross: bool) -> bool:
    for first, (a, x) in enumerate(anchors):
        for b, y in anchors[first + 1 :]:
            one, two = said.words[a], said.words[b]
            passive = ("by" in (one.role, two.role)) != ("by" in (text.words[x].role, text.words[y].role))
            low, high = min(x, y), max(x, y)
            if any(word.joined for word in (*said.words[a + 1 : b + 1], *text.words[low + 1 : high + 1])):
                continue
            if x == y or not _comparable(lexicon, (one, text.words[x]), (two, text.words[y]), cross):
                continue
            others = [(c, z) for c, z in anchors if c not in (a, b)]
            if cross:
                # a verb stands before both in one language and between them in the other
                others = [(c, z) for c, z in others if not a < c < b and not low < z < high]
            if len(others) < 1 + (not cross):
                continue
            if (x < y) != passive or (cross and passive):
                continue
            if all((c < a) == (z < low) and (c < b) == (z < high) for c, z in others):
                return True
    return False


def _turned_back(said: Claim, others: Sequence[Word], equal: NDArray[np.bool_]) -> bool:
    """Whether a name that something comes from is what it goes to in the evidence, or the other way."""
    for at, word in enumerate(said.words):
        places = np.flatnonzero(equal[at])
        if word.name > NAME and len(places) == 1 and {word.role, others[places[0]].role} == {"from", "to"}:
            return True
    return False


def _comparable(lexicon: Lexicon, one: tuple[Word, Word], two: tuple[Word, Word], cross: bool) -> bool:
    """Whether two words could stand in each other's place: of one class, or both names that are in no class."""
    classes = [
        {lexicon.classes[c] for word in pair for c in word.concepts if lexicon.exclusive(c)} for pair in (one, two)
    ]
    if classes[0] or classes[1]:
        return bool(classes[0] & classes[1]) and not one[0].concepts & two[0].concepts
    return not cross and all(max(word.name for word in pair) > SURE_NAME for pair in (one, two))


def _apart(said: Claim, equal: NDArray[np.bool_], others: Sequence[Word]) -> float:
    """How far two words that stand together in the sentence are apart in the evidence at most."""
    content = [at for at, word in enumerate(said.words) if word.content]
    places = np.cumsum([other.content or other.number for other in others])
    farthest = 0.0
    for one, two in pairwise(content):
        here, there = np.flatnonzero(equal[one]), np.flatnonzero(equal[two])
        if two - one <= 2 and len(here) and len(there):
            farthest = max(farthest, float(np.abs(places[here][:, None] - places[there][None, :]).min()) - 1)
    return float(np.log1p(max(farthest, 0.0)))


_REASONS = (
    ("contradiction", ("clash",)),
    ("negation", ("negation_added", "negation_lost")),
    ("certainty", ("hedge_lost", "hedge_added")),
    ("scope", ("universal",)),
    ("order", ("order",)),
)
"""Findings that say what is wrong with a sentence, the surest first."""
