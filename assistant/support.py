"""Whether a sentence says no more than the sentences that it cites, in either language.

What is compared: the meaning of the whole and of every word (see ``encoder``), quantities (``quantities``), names and
words that exclude each other (``lexicon``), negation, certainty, and who does what to whom as far as the order of
names tells. A logistic model over these, ``data/support.json``, is fitted by ``eval/fit_support.py`` on sentences
written for it; a quantity that the evidence does not hold is unsupported whatever the model says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from assistant.encoder import Encoder
from assistant.lexicon import Lexicon, shipped_lexicon, sound_alike
from assistant.quantities import Quantity, counts, missing
from assistant.ranking import Features, Logistic, probability
from assistant.text import detect_language, fold, leans_back, stem

if TYPE_CHECKING:
    from numpy.typing import NDArray

_READ = 512
"""Texts whose encoding is kept: the evidence of a question is compared with every sentence of its answer."""
_SAME_WORD = 0.8
"""Cosine above which a word in its sentence is the other in its own."""
_NAME = 0.5
"""Probability above which a word is a name."""
_DECIDED = 0.01
"""The most that a sentence is worth of which a finding by itself decides."""
_SURE_NAME = 0.7
"""Probability above which a word must have its like in the evidence."""
_NAME_ALONE = 0.3
"""The same of an Arabic word outside its sentence: «لجنة» may pass for a name within one."""
_SAME_NAME = 0.62
"""Cosine below which a word is no other way of writing a name."""
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

    logistic: Logistic
    threshold: float
    """Probability from which a sentence counts as supported."""
    encoder: str
    """Fingerprint of the encoder that it was fitted with."""
    names: NDArray[np.float32]
    """Weights that tell a name by its vector, then the intercept, shape (dimension of the words + 1,)."""


@lru_cache(maxsize=1)
def shipped_support_model() -> SupportModel:
    """The model that ships with Dalil."""
    values = json.loads(resources.files("assistant").joinpath("data/support.json").read_text(encoding="utf-8"))
    return SupportModel(
        Logistic(float(values["intercept"]), values["weights"]),
        float(values["threshold"]),
        values["encoder"],
        np.array(values["names"], dtype=np.float32),
    )


# --- small words -------------------------------------------------------------------------------------


def _folded(lines: str) -> frozenset[str]:
    return frozenset(fold(word) for word in lines.split())


_LIGHT = _folded(
    """
    a an the is are was were be been being am do does did done has have had having can could will would shall should may
    might must of to in on at by for from with about between among and or nor not no but if than then so as that this
    these those it its they their them he his him she her we our you your i who whom whose which what when where why how
    there here also very too only just such each own same other another some any all both more most less many much few
    into onto over under above below up down out off again through during before after until since while because
    however although though without within around near upon per via toward towards against one ones around about nearly
    almost approximately over some called known way get got
    في من إلى على عن مع بين أو ثم إن أن كان كانت يكون تكون كانوا هذا هذه ذلك تلك التي الذي الذين اللذين هو هي هم هما
    وهو وهي به بها له لها لهم فيه فيها منه منها عليه عليها عنه عنها ما ماذا من لا لم لن ليس ليست قد سوف كل بعض غير دون
    بلا بدون عدم أي أية أكثر أقل كما أيضا حيث بحيث إذ إذا لو لكن لكنه لكنها بل حتى منذ خلال بعد قبل عند عندما لدى حول نحو
    حوالي أما إنه إنها أنه أنها وأن بأن لأن لأنه لأنها لقد ذات ذو نفس تم يتم جرى وقد فقد ومن وفي عام سنة عاما
    أمام ضد حين حينما بينما فيما مما عما إليه إليها هناك هنا ذلك كذلك فقط جدا مثل يد قبل بحسب وفق وفقا بسبب
    """
)
_NEGATORS = _folded(
    """
    not no never without nor neither none nobody nothing cannot لا لم لن ليس ليست ليسوا لست دون بدون بلا عدم
    غير ولا ولم ولن وليس فلا فلم فلن بدون أبدا قط
    """
)
_DENIALS = _folded(
    """
    ruled rules rule excluded excludes deny denies denied reject rejects rejected refuse refused lack lacks
    lacked fail failed fails استبعد استبعدت نفى نفت تنفي ينفي رفض رفضت ترفض أنكر تفتقر يفتقر فشل فشلت خارج
    outside
    """
)
"""Verbs that deny without a negation: a sentence with one may stand for a negated one."""
_NOT_NEGATING = {tuple(fold(phrase).split()) for phrase in ["not only", "no doubt", "لا يزال", "لا تزال", "لا سيما", "لا بد", "ليس فقط", "دون رد", "لا يقتصر", "لا تقتصر", "غير أن", "without doubt"]}  # fmt: skip
_HEDGES = _folded(
    """
    may might would will shall plan plans planned intend intends intended expect expects expected propose proposes
    proposed hope hopes aim aims possibly perhaps probably likely potential potentially consider considers considering
    if possible provided seek seeks want wants suggest suggests suspect suspected believed thought alleged reportedly fear fears worry worries worried concern concerned concerns
    ربما محتمل المحتمل يحتمل متوقع المتوقع يتوقع تتوقع تعتزم يعتزم تخطط يخطط يأمل تأمل ينوي تنوي مقترح
    يقترح تقترح سوف إذا لو تخشى يخشى المقرر يسعى تسعى يرجح ترجح يعتقد لن ولن يهدف تهدف يخاف تخاف مخاوف خوف قلق يقلق يريد تريد تطمح يطمح
    """
)
_UNIVERSAL = _folded(
    """
    all every always only entire entirely whole wholly each everyone everything completely exclusively كل
    جميع كافة دائما فقط وحده وحدها الوحيد الوحيدة كلها كله كلهم جميعهم جميعا تماما بالكامل كامل بأكمله حصرا
    جميعها
    """
)
_NOT_UNIVERSAL = {
    tuple(fold(phrase).split())
    for phrase in (
        "كل من", "كل عام", "كل سنة", "كل يوم", "كل شهر", "كل أسبوع", "كل ساعة", "كل منهما", "each other", "each year",
        "every year", "each day", "every day", "each month", "every month", "each week", "every week", "every hour",
        "each of", "only one", "not only",
    )
}  # fmt: skip
_PARTIAL = _folded(
    """
    some many most several few often sometimes usually mainly mostly partly part largely about almost nearly
    بعض معظم كثير كثيرا عدد أغلب غالبا أحيانا أساسا عديد جزء عدة أكثر غالبية أغلبية جزئيا
    """
)
_FUTURE = re.compile("س[يت]\\w{3,}$")
_NOT_FUTURE = re.compile(
    "س(?:ياس|يار|يطر|يد|ين|يول|تين|تون|يلي|يف|ير|تال|يب|تار|يكو|نو|نه|نغ|يمف|تيفن|تيبن|ناء|يناء|يل|تراتيج|نتيم|تخد)"
)
_ROLES = {
    fold(word): role
    for role, group in {
        "by": "by",
        "from": "from than من",
        "to": "to into onto إلى لـ",
        "in": "in at on near في عند قرب",
        "with": "with مع",
        "against": "against ضد على أمام",
        "after": "after بعد عقب",
        "before": "before قبل",
        "of": "of",
        "for": "for",
    }.items()
    for word in group.split()
}
_BY = {tuple(fold(phrase).split()) for phrase in ["من قبل", "على يد", "على أيدي", "من جانب"]}
_NAME_PARTS = _folded(
    "new al el bin ibn abu abd von van der del dos das los las the saint san santa بن ابن أبو أبي عبد آل سانت سان فان فون دي"
)
_AND = _folded("and or و أو & كما")
_CLAUSE = re.compile(r"[.,;:،؛()«»\"–—]")


# --- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    folded: str
    root: str
    content: bool
    name: float
    """Probability that it is a name."""
    concepts: frozenset[int]
    negated: bool
    hedged: bool
    """Whether what it says is planned, possible or to come."""
    role: str
    """What the small word before it makes of it."""
    joined: bool
    """Whether "and" stands before it."""
    number: bool


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    language: str
    vector: NDArray[np.float32]
    words: tuple[_Word, ...]
    vectors: NDArray[np.float32]
    hedged: bool
    universal: bool
    partial: bool
    negators: int
    denies: bool


def _negating(folded: Sequence[str], at: int) -> bool:
    if folded[at].endswith("n't"):
        return True
    if folded[at] == "دون" and at + 1 < len(folded) and counts(folded[at + 1]):
        return False  # «دون درجتين» is below two degrees
    return folded[at] in _NEGATORS and tuple(folded[at : at + 2]) not in _NOT_NEGATING


def _reached(text: str, spans: Sequence[tuple[int, int]], content: Sequence[bool], signals: Sequence[int]) -> set[int]:
    """Words that a negation or a doubt reaches: the next two that say something, within the clause."""
    reached: set[int] = set()
    for at in signals:
        left = 2
        for later in range(at + 1, min(at + 6, len(spans))):
            if _CLAUSE.search(text[spans[later - 1][1] : spans[later][0]]) or left == 0:
                break
            if content[later]:
                reached.add(later)
                left -= 1
    return reached


def _hedging(folded: Sequence[str], at: int) -> bool:
    word, following = folded[at], folded[at + 1] if at + 1 < len(folded) else ""
    bare = word[1:] if word[:1] in "وف" and len(word) > 3 else word
    if bare == "قد":
        return following[:1] in ("ي", "ت", "ن")  # before an imperfect it doubts, before a perfect it affirms
    if word == "may" and (following.isdigit() or (at and folded[at - 1].isdigit())):
        return False
    if word in ("is", "are", "was", "were") and following == "to":
        return True
    if word in ("plan", "plans", "hope", "hopes", "aim", "aims") and following != "to":
        return False
    return word in _HEDGES or bare in _HEDGES or bool(_FUTURE.match(bare) and not _NOT_FUTURE.match(bare))


def _role(folded: Sequence[str], at: int) -> tuple[str, bool]:
    """Role of a word by the small words before it, and whether it is joined to what precedes."""
    word = folded[at]
    if tuple(folded[max(at - 2, 0) : at]) in _BY:
        return "by", False
    for back in range(1, 4):
        if at - back < 0:
            break
        before = folded[at - back]
        if before in _AND:
            return "", True
        if before in _ROLES:
            return _ROLES[before], False
        if before not in ("the", "a", "an", "its", "their", "his"):
            break
    if not word.isascii():
        if word.startswith("و") and len(word) > 3:
            return "", True
        if word.startswith("ل") and len(word) > 3:
            return "to", False
        if word.startswith("ب") and len(word) > 4:
            return "in", False
    return "", False


class SupportChecker:
    """Checks sentences against what they cite. Safe to use from several threads."""

    def __init__(self, encoder: Encoder, model: SupportModel | None = None, lexicon: Lexicon | None = None) -> None:
        """Check with an encoder.

        Args:
            encoder: reads sentences and evidence.
            model: fitted numbers; the shipped ones by default, which fit the default encoder. With another encoder
                names are told by their capitals and the lexicon only.
            lexicon: the shipped one by default.
        """
        self._encoder = encoder
        self._model = model or shipped_support_model()
        self._lexicon = lexicon or shipped_lexicon()
        self._read = lru_cache(maxsize=_READ)(self._read_text)
        self._alone = lru_cache(maxsize=8 * _READ)(self._read_alone)

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
        chance = float(probability(self._model.logistic.logits([findings.features]))[0])
        if findings.decisive:
            return Verdict(False, min(chance, _DECIDED), findings.decisive)
        if chance >= self._model.threshold:
            return Verdict(True, chance, "")
        return Verdict(False, chance, _reason(findings))

    def findings(self, sentence: str, evidence: Sequence[str], question: str = "") -> Findings:
        """What the model decides from."""
        said = self._read(sentence)
        held = [self._read(text) for text in evidence if text.strip()]
        if question and any(leans_back(text) for text in evidence):
            context: list[_Text] = [self._read(question)]
        else:
            context = []
        return _compare(self, said, held, context, sentence, " ".join(evidence))

    def alone(self, word: str) -> NDArray[np.float32]:
        """Vector of a word outside any sentence."""
        return self._alone(word)

    @property
    def fitted(self) -> bool:
        """Whether the numbers were fitted with this encoder; if not, a name must be there letter for letter or by sound."""
        return self._encoder.fingerprint == self._model.encoder

    def surely_name(self, word: _Word) -> bool:
        """Whether a word is a name in its sentence and by itself."""
        if word.name <= _SURE_NAME or len(word.folded) <= 2 or word.folded in _NAME_PARTS:
            return False
        weights = self._model.names
        if word.folded.isascii() or word.name == 1.0 or not self.fitted:
            return True
        alone = self._alone(word.folded) @ weights[:-1] + weights[-1]
        return float(probability(np.array([alone], dtype=np.float64))[0]) > _NAME_ALONE

    @property
    def lexicon(self) -> Lexicon:
        """What is compared with."""
        return self._lexicon

    def _read_alone(self, word: str) -> NDArray[np.float32]:
        words = self._encoder.encode_sentence(word).words
        mean = words.mean(axis=0)
        unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return unit

    def _read_text(self, text: str) -> _Text:
        read = self._encoder.encode_sentence(text)
        surface = [read.text[start:end] for start, end in read.spans]
        folded = [fold(word) for word in surface]
        concepts = self._lexicon.concepts(folded)
        number = [counts(word) for word in folded]
        content = [
            not number[at] and word not in _LIGHT and not (word[:1] == "و" and word[1:] in _LIGHT) and len(word) > 1
            for at, word in enumerate(folded)
        ]
        names = self._names(surface, read.words, concepts)
        negators = [at for at in range(len(folded)) if _negating(folded, at)]
        hedges = [at for at in range(len(folded)) if _hedging(folded, at)]
        negated = _reached(read.text, read.spans, content, negators)
        # a future is in the word itself
        hedged = _reached(read.text, read.spans, content, hedges) | {at for at in hedges if content[at]}
        words = []
        for at, word in enumerate(folded):
            role, joined = _role(folded, at)
            words.append(
                _Word(
                    folded=word,
                    root=stem(word),
                    content=content[at],
                    name=names[at],
                    concepts=concepts[at],
                    negated=at in negated,
                    hedged=at in hedged,
                    role=role,
                    joined=joined,
                    number=number[at],
                )
            )
        pairs = [tuple(folded[at : at + 2]) for at in range(len(folded))]
        return _Text(
            text=text,
            language=detect_language(text),
            vector=read.vector,
            words=tuple(words),
            vectors=read.words,
            hedged=bool(hedges),
            universal=any(w in _UNIVERSAL and pairs[at] not in _NOT_UNIVERSAL for at, w in enumerate(folded)),
            partial=any(w in _PARTIAL for w in folded),
            negators=len(negators),
            denies=any(word in _DENIALS for word in folded),
        )

    def _names(
        self, surface: Sequence[str], vectors: NDArray[np.float32], concepts: Sequence[frozenset[int]]
    ) -> list[float]:
        weights = self._model.names
        if self.fitted:
            chances = probability((vectors @ weights[:-1] + weights[-1]).astype(np.float64))
        else:
            chances = np.array([float(at > 0 and word[:1].isupper()) for at, word in enumerate(surface)])
        # English writes its names with a capital; a common word that the lexicon knows is no name.
        return [
            1.0
            if any(map(self._lexicon.entity, held))
            else 0.0
            if word.isascii() and word.islower()
            else min(float(chance), _NAME)
            if held
            else float(chance)
            for word, chance, held in zip(surface, chances, concepts, strict=True)
        ]


# --- comparing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that speaks for and against a sentence."""

    features: Features
    missing: Sequence[Quantity]
    """Quantities of the sentence that the evidence does not hold."""
    uncovered: Sequence[str] = field(default=())
    """Words of the sentence that the evidence does not say, folded."""

    @property
    def decisive(self) -> str:
        """What by itself makes a sentence unsupported, as in ``Verdict.reason``; empty if nothing does."""
        if self.missing:
            return "number"
        return next((reason for reason, names in _DECISIVE if any(self.features[name] for name in names)), "")


def _equal(lexicon: Lexicon, one: _Word, other: _Word) -> bool:
    """Whether two words are one by spelling, meaning or sound."""
    if one.root == other.root or one.concepts & other.concepts:
        return True
    if one.concepts and other.concepts:
        return False
    if any(map(lexicon.entity, one.concepts | other.concepts)):
        return False  # a listed name has its other forms in the list
    if max(one.name, other.name) > _NAME:
        return sound_alike(one.folded, other.folded)
    prefix = min(len(one.root), len(other.root))
    return prefix >= 5 and one.root[:prefix] == other.root[:prefix]


def _compare(
    checker: SupportChecker, said: _Text, held: Sequence[_Text], context: Sequence[_Text], sentence: str, evidence: str
) -> Findings:
    others = [word for text in [*held, *context] for word in text.words]
    vectors = np.concatenate([text.vectors for text in [*held, *context]])
    cross = all(text.language != said.language for text in held)
    similar = said.vectors @ vectors.T
    usable = np.array([not other.number and (other.content or other.name > _NAME) for other in others])
    equal = np.array([[_equal(checker.lexicon, word, other) for other in others] for word in said.words]).reshape(
        similar.shape
    )
    content = [at for at, word in enumerate(said.words) if word.content]
    # What another word of the sentence says already is not there for a word that has no like.
    usable &= ~equal[content].any(axis=0) if content else usable
    near = np.where(usable[None, :], similar, -1.0) if usable.any() else similar
    cover = np.zeros(len(said.words))
    partner = np.full(len(said.words), -1)
    for at in content:
        matches = np.flatnonzero(equal[at])
        if len(matches):
            partner[at], cover[at] = int(matches[similar[at, matches].argmax()]), 1.0
            continue
        likeness = near[at].astype(np.float64)
        if likeness.max() < _SAME_WORD:
            # A word takes much from the words around it. By itself it says what it means, and little else.
            own = checker.alone(said.words[at].folded)
            alone = np.array(
                [checker.alone(other.folded) if usable[place] else own * 0 for place, other in enumerate(others)]
            )
            likeness = np.where(usable, (likeness + alone @ own) / 2, likeness)
        best = int(likeness.argmax())
        partner[at], cover[at] = best, float(likeness[best])
    held_concepts = frozenset[int]().union(*(other.concepts for other in others))
    said_concepts = frozenset[int]().union(*(word.concepts for word in said.words))
    clash = _clashes(checker.lexicon, said, others, equal, held_concepts, said_concepts)
    covers = np.array([cover[at] for at in content]) if content else np.ones(1)
    lowest = np.sort(covers)
    gaps = np.clip(1 - covers, 0, 1)
    name_gap = max((said.words[at].name * (1 - cover[at]) for at in content if said.words[at].name > 0.3), default=0.0)
    negation_added, negation_lost = _polarity(said, held, others, partner, cover)
    cosines = [float(said.vector @ text.vector) for text in held]
    joined = np.sum([text.vector for text in held], axis=0)
    whole = float(said.vector @ joined / max(float(np.linalg.norm(joined)), 1e-12))
    best_text = held[int(np.argmax(cosines))]
    features = {
        "cosine": max(*cosines, whole),
        "cover": float(covers.mean()),
        "lowest": float(lowest[0]),
        "second": float(lowest[min(1, len(lowest) - 1)]),
        "low35": float((covers < 0.35).sum()),
        "low50": float((covers < 0.5).sum()),
        "low65": float((covers < 0.65).sum()),
        "uncovered": float((covers < _COVERED).mean()),
        "gap": float(gaps.sum()),
        "name_gap": float(name_gap),
        "name_missing": float(
            any(
                (cover[at] < _SAME_NAME or (not checker.fitted and not equal[at].any()))
                and checker.surely_name(said.words[at])
                and not (cross and _beside_place(checker.lexicon, said, at))
                and not _run_together(said, at, others)
                for at in content
            )
        ),
        "run": float(min((max(pair) for pair in zip(covers, covers[1:], strict=False)), default=1.0)),
        "clash": float(clash),
        "negation_added": negation_added,
        "negation_lost": negation_lost,
        "hedge_lost": float(_doubt_lost(said, others, partner, cover)),
        "hedge_added": float(said.hedged and not any(text.hedged for text in held)),
        "universal": float(said.universal and not any(text.universal for text in held)),
        "partial_lost": float(best_text.partial and not said.partial),
        "order": float(_swapped(checker.lexicon, said, held, equal, cross) or _turned_back(said, others, equal)),
        "apart": _apart(said, equal, others),
        "log_words": float(np.log1p(len(content))),
        "cross": float(cross),
    }
    for name in (
        "cosine",
        "cover",
        "lowest",
        "second",
        "gap",
        "name_gap",
        "uncovered",
        "low35",
        "low50",
        "low65",
        "run",
    ):
        features[f"cross_{name}"] = features[name] if cross else 0.0
    uncovered = tuple(said.words[at].folded for at in content if cover[at] < _COVERED)
    return Findings(features, missing(sentence, evidence), uncovered)


def _beside_place(lexicon: Lexicon, said: _Text, at: int) -> bool:
    """Whether a word stands beside a listed name: «the Cairo Trilogy» has one part to translate."""
    return any(any(map(lexicon.entity, word.concepts)) for word in said.words[max(at - 1, 0) : at + 2])


def _run_together(said: _Text, at: int, others: Sequence[_Word]) -> bool:
    """Whether a name is one word in one script and two in the other: «ديار بكر» and "Diyarbakir"."""
    words = [word.folded for word in said.words]
    theirs = [other.folded for other in others]
    pairs = [one + two for one, two in zip(theirs, theirs[1:], strict=False)]
    mine = ["".join(words[start : start + 2]) for start in (at - 1, at) if start >= 0]
    return any(sound_alike(words[at], pair) for pair in pairs) or any(
        sound_alike(pair, other) for pair in mine for other in theirs if len(other) > 4
    )


def _clashes(
    lexicon: Lexicon,
    said: _Text,
    others: Sequence[_Word],
    equal: NDArray[np.bool_],
    held_concepts: frozenset[int],
    said_concepts: frozenset[int],
) -> bool:
    """Whether a word of the sentence excludes one of the evidence that the sentence does not say as well."""
    for at, word in enumerate(said.words):
        own = {concept for concept in word.concepts if lexicon.exclusive(concept)}
        if not own or own & held_concepts or equal[at].any():
            continue
        classes = {lexicon.classes[concept] for concept in own}
        rivals = {
            concept
            for concept in held_concepts - said_concepts
            if lexicon.exclusive(concept) and lexicon.classes[concept] in classes
        }
        if any(other.concepts & rivals and other.negated == word.negated for other in others):
            return True
    return False


def _polarity(
    said: _Text,
    held: Sequence[_Text],
    others: Sequence[_Word],
    partner: NDArray[np.int_],
    cover: NDArray[np.float64],
) -> tuple[float, float]:
    """Whether the sentence denies what the evidence says, and whether it says what the evidence denies."""
    added = lost = shared = False
    for at, word in enumerate(said.words):
        if word.content and cover[at] >= _COVERED and partner[at] >= 0:
            other = others[partner[at]]
            added |= word.negated and not other.negated and cover[at] >= _SAME_WORD
            lost |= other.negated and not word.negated
            shared |= other.negated
    denied = any(text.negators or text.denies for text in held)
    return (
        float(said.negators > 0 and (not denied or (added and not shared))),
        float(lost and said.negators == 0 and not said.denies),
    )


def _doubt_lost(said: _Text, others: Sequence[_Word], partner: NDArray[np.int_], cover: NDArray[np.float64]) -> bool:
    """Whether the sentence states what the evidence only expects or plans."""
    return (
        not said.hedged
        and not said.denies
        and any(
            word.content and cover[at] >= _COVERED and partner[at] >= 0 and others[partner[at]].hedged
            for at, word in enumerate(said.words)
        )
    )


def _swapped(lexicon: Lexicon, said: _Text, held: Sequence[_Text], equal: NDArray[np.bool_], cross: bool) -> bool:
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


def _exchanged(lexicon: Lexicon, said: _Text, text: _Text, anchors: Sequence[tuple[int, int]], cross: bool) -> bool:
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


def _turned_back(said: _Text, others: Sequence[_Word], equal: NDArray[np.bool_]) -> bool:
    """Whether a name that something comes from is what it goes to in the evidence, or the other way."""
    for at, word in enumerate(said.words):
        places = np.flatnonzero(equal[at])
        if word.name > _NAME and len(places) == 1 and {word.role, others[places[0]].role} == {"from", "to"}:
            return True
    return False


def _comparable(lexicon: Lexicon, one: tuple[_Word, _Word], two: tuple[_Word, _Word], cross: bool) -> bool:
    """Whether two words could stand in each other's place: of one class, or both names that are in no class."""
    classes = [
        {lexicon.classes[c] for word in pair for c in word.concepts if lexicon.exclusive(c)} for pair in (one, two)
    ]
    if classes[0] or classes[1]:
        return bool(classes[0] & classes[1]) and not one[0].concepts & two[0].concepts
    return not cross and all(max(word.name for word in pair) > _SURE_NAME for pair in (one, two))


def _apart(said: _Text, equal: NDArray[np.bool_], others: Sequence[_Word]) -> float:
    """How far two words that stand together in the sentence are apart in the evidence at most."""
    content = [at for at, word in enumerate(said.words) if word.content]
    places = np.cumsum([other.content or other.number for other in others])
    farthest = 0.0
    for one, two in zip(content, content[1:], strict=False):
        here, there = np.flatnonzero(equal[one]), np.flatnonzero(equal[two])
        if two - one <= 2 and len(here) and len(there):
            farthest = max(farthest, float(np.abs(places[here][:, None] - places[there][None, :]).min()) - 1)
    return float(np.log1p(max(farthest, 0.0)))


_DECISIVE = (
    ("name", ("name_missing",)),
    ("contradiction", ("clash",)),
    ("negation", ("negation_added", "negation_lost")),
    ("certainty", ("hedge_lost", "hedge_added")),
    ("scope", ("universal",)),
    ("order", ("order",)),
)
"""Findings that are nearly always right; the logistic model weighs the others."""


def _reason(findings: Findings) -> str:
    """Why the model refuses a sentence: what it adds, where words of it have no like in the evidence."""
    return "added" if findings.uncovered else "meaning"
