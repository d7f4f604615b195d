"""How a sentence is read before it is compared with another: its words with what they mean and how they are said.

A word is a name or not, negated or not, planned or done, and has a role that the small words before it give it. The
rules are those of newspaper prose in Arabic and English, and no grammar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from assistant.encoder import Encoder
from assistant.lexicon import Lexicon
from assistant.quantities import counts, measures
from assistant.ranking import probability
from assistant.text import detect_language, fold, stem

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = 0.5
"""Probability above which a word is a name."""
SURE_NAME = 0.7
"""Probability above which a word must have its like in the evidence."""
_READ = 512
"""Texts whose encoding is kept: the evidence of a question is compared with every sentence of its answer."""


def _folded(lines: str) -> frozenset[str]:
    return frozenset(fold(word) for word in lines.split())


_LIGHT = _folded(
    """
    say says said state states stated example instance قال قالت يقول تقول ذكر ذكرت أفاد أفادت مثلا عليهم لديهم
    لديه لديها عندهم إليهم منهم فيهم بينهم بينها بينهما بينما حين a an the is are was were be been being am do
    does did done has have had having can could will would shall should may might must of to in on at by for from
    with about between among and or nor not no but if than then so as that this these those it its they their them
    he his him she her we our you your i who whom whose which what when where why how there here also very too
    only just such each own same other another some any all both more most less many much few into onto over under
    above below up down out off again through during before after until since while because however although
    though without within around near upon per via toward towards against one ones nearly almost approximately
    called known way get got become becomes became becoming still cannot able number total amount صار صارت يصير
    تصير أصبح أصبحت يصبح تصبح ظل ظلت يظل تظل بات باتت بلغ بلغت يبلغ تبلغ عدد عددها عدده قام قامت يقوم تقوم استطاع
    استطاعت يستطيع تستطيع يمكن تمكن نسبة بنسبة مرة جرت يجري قرابة بعدما حالما يقارب تقارب including include
    includes roughly slightly according percent ago century centuries قرن القرن قرون واحد واحدة الواحد الواحدة
    المئة بالمئة أثناء بموجب متى شاء ذا ذوي عبر رغم سوى إلا بوصفه بوصفها باعتباره باعتبارها كونه كونها وهي وهو
    بحسب في من إلى على عن مع بين أو ثم إن أن كان كانت يكون تكون كانوا هذا هذه ذلك تلك التي الذي الذين اللذين هو هي
    هم هما به بها له لها لهم فيه فيها منه منها عليه عليها عنه عنها ما ماذا لا لم لن ليس ليست قد سوف كل بعض غير دون
    بلا بدون عدم أي أية أكثر أقل كما أيضا حيث بحيث إذ إذا لو لكن لكنه لكنها بل حتى منذ خلال بعد قبل عند عندما لدى
    حول نحو حوالي أما إنه إنها أنه أنها وأن بأن لأن لأنه لأنها لقد ذات ذو نفس تم يتم جرى وقد فقد ومن وفي عام سنة
    عاما أمام ضد حينما فيما مما عما إليه إليها هناك هنا كذلك فقط جدا مثل يد وفق وفقا بسبب
    """
)
_CLITICS = tuple("وفبلك")
_NEGATORS = _folded(
    """
    not no never without nor neither none nobody nothing cannot لا لم لن ليس ليست ليسوا لست دون بدون بلا
    عدم غير ولا ولم ولن وليس فلا فلم فلن بدون
    """
)
_DENIALS = _folded(
    """
    lacking incompatible افتقار لافتقارهم لافتقاره لافتقارها prevent prevents prevented avoid avoids avoided منع
    يمنع تمنع تفاديا تجنبا لتجنب لتفادي unable incapable عاجز عاجزة تعجز يعجز ruled rules rule excluded excludes
    deny denies denied reject rejects rejected refuse refused lack lacks lacked fail failed fails استبعد استبعدت
    نفى نفت تنفي ينفي رفض رفضت ترفض أنكر تفتقر يفتقر فشل فشلت خارج outside
    """
)
"""Verbs that deny without a negation: a sentence with one may stand for a negated one."""
_NO = _folded("لا ولا فلا لم ولم فلم لن ولن فلن ليس ليست وليس فليس ما")
_EXCEPT = _folded("إلا سوى")
_THAT = _folded("أن أنه أنها أنهم")
_EXCEPT_REACH = 11
_AFFIXES = ("un", "in", "im", "ir", "il", "non", "dis")
"""What an English word begins with that denies the rest of it: "informal", «غير رسمي»."""
_NOT_NEGATING = {
    tuple(fold(phrase).split())
    for phrase in (
        "not only", "no doubt", "لا يزال", "لا تزال", "لا سيما", "لا بد", "ليس فقط",
        "دون رد", "لا يقتصر", "لا تقتصر", "غير أن", "غير أنه", "غير أنها", "غير أنهم", "without doubt",
        "لا يقل", "لا تقل", "لا يزيد", "لا تزيد", "no fewer", "no less", "not less", "not fewer", "no more", "not more",
    )
}  # fmt: skip
_HEDGES = _folded(
    """
    due scheduled should ought supposed propose proposed proposal اقترح اقترحت اقتراح مزمع يجوز يحق ينبغي يفترض
    may might would will shall plan plans planned intend intends intended expect expects expected proposes hope
    hopes aim aims possibly perhaps probably likely potential potentially consider considers considering if
    possible provided seek seeks want wants suggest suggests suspect suspected believed thought alleged reportedly
    fear fears worry worries worried concern concerned concerns ربما محتمل المحتمل يحتمل متوقع المتوقع يتوقع تتوقع
    تعتزم يعتزم تخطط يخطط يأمل تأمل ينوي تنوي مقترح يقترح تقترح سوف إذا لو تخشى يخشى المقرر يسعى تسعى يرجح ترجح
    يعتقد لن ولن يهدف تهدف يخاف تخاف مخاوف خوف قلق يقلق يريد تريد تطمح يطمح
    """
)
_UNIVERSAL = _folded(
    """
    all every always only alone solely entire entirely whole wholly each everyone everything completely
    exclusively كل جميع كافة دائما فقط وحده وحدها الوحيد الوحيدة كلها كله كلهم جميعهم جميعا تماما بالكامل كامل
    بأكمله حصرا جميعها
    """
)
_EACH = _folded("every each all كل")
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
    some many most several few often sometimes usually mainly mostly partly part largely about almost
    nearly بعض معظم كثير كثيرا عدد أغلب غالبا أحيانا أساسا عديد جزء عدة أكثر غالبية أغلبية جزئيا
    """
)
_IF = _folded("if إذا لو provided")
"""Doubts what it stands before, but says no less than "when"."""
_FUTURE = re.compile("س[يت]\\w{3,}$")
_NOT_FUTURE = re.compile(
    "س(?:ياس|ياد|يار|يطر|يد|ين|يول|تين|تون|يلي|يف|ير|تال|يب|تار|يكول|نو|نه|نغ|يمف|تيفن|تيبن|ناء|يناء|يل|تراتيج|نتيم|تخد)"
)
_ROLE_WORDS = {
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
}
_ROLES = {fold(word): role for role, words in _ROLE_WORDS.items() for word in words.split()}
ROLES = ("", *_ROLE_WORDS)
"""What a small word makes of the one after it, or nothing."""
_BY = {tuple(fold(phrase).split()) for phrase in ["من قبل", "على يد", "على أيدي", "من جانب"]}
_NAME_PARTS = _folded(
    """
    new al el bin ibn abu abd von van der del dos das los las the saint san santa بن ابن أبو أبي عبد آل
    سانت سان فان فون دي
    """
)
_AND = _folded("and or و أو & كما")
_FIRST = _folded(
    """
    first only sole unique most best worst أول أولى الأول الأولى وحيد الوحيد الوحيدة أعلى أكبر أطول أصغر أقدم أعمق
    أسرع أكثر أقل أهم أشهر أفضل أسوأ أقصر أثقل أغنى أقوى أبعد أقرب أحدث
    """
)
"""What stands out among all: that no other does is the same, said with a negation."""
_NOTHING = _folded("no none nobody nothing any anyone anybody nowhere never أي أية أحد شيء")
_TO = _folded("أن إلى بأن على")
_BEYOND = _folded("other else before more أكثر أعلى غيره غيرها سواه سواها قبل قبله قبلها قبلهم آخر أخرى مثله مثلها")
"""Sets what is denied against something: no other, none before."""
_BUT = _folded("but while whereas although though yet لكن ولكن لكنه لكنها بل بينما فيما غير")
_CLAUSE = re.compile(r"[.,;:،؛()«»\"–—]")


# --- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a claim."""

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
class Claim:
    """A text as it was read."""

    text: str
    language: str
    vector: NDArray[np.float32]
    words: tuple[Word, ...]
    vectors: NDArray[np.float32]
    hedged: bool
    universal: bool
    partial: bool
    negators: int
    denies: bool
    restricts: bool
    """Whether a negation of it is one half of "only" or "not until"."""
    excludes_all: bool
    """Whether it says of everything at once that it is not so."""
    ranks: bool
    """Whether it says that something stands out among all."""


def _restricting(folded: Sequence[str], at: int) -> bool:
    """Whether a negation is only half of one: «لا … سوى» is "only"."""
    return folded[at] in _NO and any(
        folded[later] in _EXCEPT and (later + 1 == len(folded) or folded[later + 1] not in _THAT)  # «إلا أن» is "but"
        for later in range(at + 1, min(at + _EXCEPT_REACH, len(folded)))
    )


def _negating(folded: Sequence[str], at: int) -> bool:
    if folded[at].endswith("n't"):
        return True
    if _restricting(folded, at):
        return False
    if folded[at] == "دون" and at + 1 < len(folded) and counts(folded[at + 1]):
        return False  # «دون درجتين» is below two degrees
    following = folded[at + 1] if at + 1 < len(folded) else ""
    if folded[at] == "no" and following[:1].isdigit():
        return False  # "No. 1"
    if folded[at] == "غير" and following.startswith("ال"):
        return False  # «التراث غير المادي» is a heritage of its own
    return folded[at] in _NEGATORS and tuple(folded[at : at + 2]) not in _NOT_NEGATING


def _reached(
    text: str,
    spans: Sequence[tuple[int, int]],
    folded: Sequence[str],
    content: Sequence[bool],
    signals: Sequence[int],
) -> set[int]:
    """Words that a negation or a doubt reaches: the next two that say something, within the clause."""
    reached: set[int] = set()
    for at in signals:
        left = 2
        for later in range(at + 1, min(at + 6, len(spans))):
            if _CLAUSE.search(text[spans[later - 1][1] : spans[later][0]]) or folded[later] in _BUT or left == 0:
                break
            if content[later]:
                reached.add(later)
                left -= 1
    return reached


def _hedging(folded: Sequence[str], at: int) -> bool:
    word, following = folded[at], folded[at + 1] if at + 1 < len(folded) else ""
    bare = word[1:] if word[:1] in "وف" and len(word) > 3 else word
    if bare == "قد":
        # before an imperfect it doubts, before a perfect it affirms
        return following[:1] == "ي" or (following[:1] == "ت" and not following.endswith(("ت", "وا")))
    if word == "may" and (following.isdigit() or (at and folded[at - 1].isdigit())):
        return False
    if word in ("is", "are", "was", "were") and following == "to":
        return True
    if word in ("plan", "plans", "hope", "hopes", "aim", "aims") and following not in ("to", "of", "is"):
        return False
    return word in _HEDGES or bare in _HEDGES or bool(_FUTURE.match(bare) and not _NOT_FUTURE.match(bare))


def _after_subject(folded: Sequence[str], at: int) -> int:
    """Where what is planned or expected begins: «يهدف الاتفاق إلى خفض…» doubts the cut, not the agreement."""
    if folded[at].isascii() or len(folded[at]) < 4:
        return at
    for later in range(at + 1, min(at + 8, len(folded))):
        if folded[later] in _TO:
            return later
        if folded[later].startswith("ل") and len(folded[later]) > 4:
            return later - 1
    return at


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


class Reader:
    """Reads texts and keeps the latest. Safe to use from several threads."""

    def __init__(self, encoder: Encoder, lexicon: Lexicon, names: NDArray[np.float32], fitted_with: str) -> None:
        """Read with an encoder.

        Args:
            encoder: gives the vectors.
            lexicon: gives the concepts.
            names: weights that tell a name by its vector, then the intercept.
            fitted_with: fingerprint of the encoder that ``names`` belong to; with another one names are told by
                their capitals and the lexicon only.
        """
        self.lexicon = lexicon
        self._fitted = encoder.fingerprint == fitted_with
        self._encoder = encoder
        self._weights = names
        self.read = lru_cache(maxsize=_READ)(self._read_text)

    def _read_text(self, text: str) -> Claim:
        read = self._encoder.encode_sentence(text)
        surface = [read.text[start:end] for start, end in read.spans]
        folded = [fold(word) for word in surface]
        concepts = self.lexicon.concepts(folded)
        number = [counts(word) for word in folded]
        content = [
            not number[at]
            and word not in _LIGHT
            and word not in _NAME_PARTS
            and not (at and number[at - 1] and measures(word))  # read with its number
            and not (word[:1] in _CLITICS and word[1:] in _LIGHT)
            and len(word) > 1
            for at, word in enumerate(folded)
        ]
        names = self._names(surface, read.words, concepts)
        negators = [at for at in range(len(folded)) if _negating(folded, at)]
        hedges = [at for at in range(len(folded)) if _hedging(folded, at)]
        negated = _reached(read.text, read.spans, folded, content, negators)
        # a future is in the word itself
        doubts = [_after_subject(folded, at) for at in hedges]
        hedged = _reached(read.text, read.spans, folded, content, doubts) | {at for at in hedges if content[at]}
        words = []
        for at, word in enumerate(folded):
            role, joined = _role(folded, at)
            words.append(
                Word(
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
        restricts = any(_restricting(folded, at) for at in range(len(folded)))
        pairs = [tuple(folded[at : at + 2]) for at in range(len(folded))]
        return Claim(
            text=text,
            language=detect_language(text),
            vector=read.vector,
            words=tuple(words),
            vectors=read.words,
            hedged=any(folded[at] not in _IF for at in hedges),
            universal=any(
                (w in _UNIVERSAL or (w[:1] in _CLITICS and w[1:] in _UNIVERSAL))
                and pairs[at] not in _NOT_UNIVERSAL
                and not (w in _EACH and at + 1 < len(folded) and number[at + 1])  # one of every twenty
                for at, w in enumerate(folded)
            )
            or restricts,
            restricts=restricts,
            partial=any(w in _PARTIAL for w in folded),
            negators=len(negators),
            denies=any(word in _DENIALS or self._denied(word) for word in folded),
            excludes_all=bool(negators)
            and any(word in _NOTHING for word in folded)
            and any(word in _BEYOND or (word.isascii() and word.endswith("er") and len(word) > 5) for word in folded),
            ranks=any(
                bare in _FIRST or (bare.isascii() and bare.endswith("est") and len(bare) > 5)
                for word in folded
                for bare in (word, word.removeprefix("و"))
            ),
        )

    def _denied(self, word: str) -> bool:
        # by an affix before a word that the lexicon knows
        if not word.isascii() or len(word) < 6:
            return False
        rests = (word[len(affix) :] for affix in _AFFIXES if word.startswith(affix))
        return word.endswith("less") or any(len(rest) > 3 and self.lexicon.concepts([rest])[0] for rest in rests)

    def _names(
        self, surface: Sequence[str], vectors: NDArray[np.float32], concepts: Sequence[frozenset[int]]
    ) -> list[float]:
        weights = self._weights
        if self._fitted:
            chances = probability((vectors @ weights[:-1] + weights[-1]).astype(np.float64))
        else:
            chances = np.array([float(at > 0 and word[:1].isupper()) for at, word in enumerate(surface)])
        # English writes its names with a capital; a common word that the lexicon knows is no name.
        return [
            1.0
            if any(map(self.lexicon.entity, held))
            else 0.0
            if word.isascii() and word.islower()
            else min(float(chance), NAME)
            if held
            else float(chance)
            for word, chance, held in zip(surface, chances, concepts, strict=True)
        ]
