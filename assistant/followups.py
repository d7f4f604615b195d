"""Follow-up questions without a language model: what a question leaves to the conversation is put into words.

``leaning`` says whether a question can stand alone, ``rewrites`` gives the texts that it may stand for. Which
of them is meant is for the stores to say, see ``Retriever.standalone``. Pure functions over words: nothing
here knows what the knowledge base is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from assistant.text import all_words, analyse, content_words, fold, normalise, stem

History = Sequence[tuple[str, str]]
"""Earlier turns of a conversation, oldest first: (question, answer text)."""

MAX_TURNS = 6
"""Earlier turns that are looked at."""

MAX_CHARACTERS = 2_000
"""Of each earlier question and answer."""

MAX_CARRIED = 12
"""Words that a conversation lends to a question."""

_LONG = 4
"""Words that say something: a question with more of them, and no pronoun, stands alone."""

_ALONE = 1.0
"""Log odds in favour of a question as it was asked, where it may stand alone."""

_ANOTHER = 1.0
"""Log odds in favour of leaving behind what the question before was about, where another takes its place."""


class Leaning(Enum):
    """How much a question needs the conversation."""

    STANDS = "stands"
    MAY_LEAN = "may lean"
    LEANS = "leans"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A text that a question may stand for."""

    text: str
    """Stands alone."""
    carried: frozenset[str] = frozenset()
    """Terms of it that the conversation lent."""
    prior: float = 0.0
    """Log odds in its favour before anything is looked up."""


def standalone(question: str, history: History) -> str:
    """The question as it stands alone, as far as words tell: itself, or with what the conversation was about."""
    return max(rewrites(question, history), key=lambda rewrite: rewrite.prior).text


def rewrites(question: str, history: History) -> tuple[Rewrite, ...]:
    """What a question may stand for; the only one is the question itself where it stands alone.

    Args:
        question: as it was asked.
        history: the turns before it; only the last ``MAX_TURNS`` count.
    """
    alone = Rewrite(question, prior=_ALONE)
    turns = [(asked[:MAX_CHARACTERS], answer[:MAX_CHARACTERS]) for asked, answer in history[-MAX_TURNS:]]
    how = leaning(question, turns)
    topic, whole = _conversation(turns)
    if how is Leaning.STANDS or not whole:
        return (alone,)
    # A piece of a sentence takes up the whole question before; one with a verb of its own, what that was about.
    if _asks_about_another(question):
        asked = _asked(turns[-1][0])
        lent = [_with(question, whole), *([replace(_with(question, asked), prior=_ANOTHER)] if asked else [])]
    else:
        lent = [_with(question, whole if _is_fragment(question) else topic)]
    return (*lent, alone) if how is Leaning.MAY_LEAN else tuple(lent)


def _with(question: str, phrase: str) -> Rewrite:
    """The question with a phrase of the conversation: where it points back, else behind it."""
    text = _untied(question)
    carried = frozenset(analyse(phrase)) - frozenset(analyse(question))
    pointing = [(span, word) for span, word, points in _spans(text) if points]
    if not pointing:
        return Rewrite(f"{text} {phrase}", carried)
    (start, end), word = pointing[0]
    kept = "" if fold(word) in _PRONOUNS else f"{word} "
    return Rewrite(f"{text[:start]}{kept}{phrase}{text[end:]}", carried)


def _untied(question: str) -> str:
    """The question without what only ties it to the one before, which would be read as part of what it asks."""
    words = normalise(question).split()
    while len(words) > 1 and fold(words[0].rstrip(",،")) in _TIES:
        del words[0]
    if words and _JOINED.match(fold(words[0])):
        words[0] = _LETTER.sub("", words[0], count=1)
    return " ".join(words)


# --- what a conversation is about --------------------------------------------------------------------


def _conversation(turns: History) -> tuple[str, str]:
    """What the conversation is about, and the whole last question with it: the most recent words first."""
    topic: list[str] = []
    whole: list[str] = []
    for position, (question, answer) in enumerate(turns):
        how = leaning(question, turns[:position])
        named, said = _phrase(question, names_only=True), _phrase(question, names_only=False)
        goes_on = how is Leaning.LEANS or (how is Leaning.MAY_LEAN and len(_terms(named)) < 2)
        answered = set(analyse(answer))
        # What the answer still speaks of goes on as well: its question had left it out.
        kept = [phrase for phrase in topic if goes_on or _terms(phrase) <= answered]
        whole = _distinct([said, *kept])
        topic = _distinct([named, *kept]) or whole
    return " ".join(topic), " ".join(whole)


def _phrase(question: str, names_only: bool) -> str:
    """A question from its first to its last word that says something, or that names what is asked about."""
    text = normalise(question)
    spans = [span for span, word, points in _spans(text) if not points and not (names_only and _is_aspect(word))]
    return text[spans[0][0] : spans[-1][1]] if spans else ""


def _asked(question: str) -> str:
    """What a question asks without what it asks about: "When begin", or nothing."""
    text = normalise(question)
    words = [word for _, word, points in _spans(text) if not points and _is_aspect(word)]
    first = text.split(maxsplit=1)[:1]
    opens = [word for word in first if _JOINED.sub("", fold(word)) in _QUESTION_WORDS]
    return " ".join([*opens, *words] if words else [])


def _terms(phrase: str) -> set[str]:
    """Terms of the words of a phrase that say something."""
    return {stem(fold(word)) for word in _own(phrase)}


def _distinct(phrases: Sequence[str]) -> list[str]:
    """Phrases that name something which those before have not, up to ``MAX_CARRIED`` words in all."""
    kept: list[str] = []
    named: set[str] = set()
    for phrase in phrases:
        terms = _terms(phrase)
        words = phrase.split()[: MAX_CARRIED - sum(len(one.split()) for one in kept)]
        if terms - named and words:
            kept.append(" ".join(words))
            named |= terms
    return kept


def _own(question: str) -> list[str]:
    """The words of a question that say something by themselves, as they are written."""
    return [word for word, points in _words(question) if not points]


# --- whether a question stands alone -----------------------------------------------------------------

_OPENER = re.compile(
    r"(?:(?:and|but|so|or|also|then|ok|okay|well|what about|how about|what of)\b[\s,]*"
    r"|(?:طيب|حسنا|تمام|لكن|ولكن|ثم|وماذا عن|ماذا عن|وماذا بشان|شو عن|ايش عن|و|ف)(?=\s)[\s،,]*)+"
)
_WHAT_ABOUT = re.compile(r"(?:^|\s)(?:what about|how about|what of|و?ماذا عن|و?ماذا بشان|شو عن|ايش عن)(?=\s)")
# «وأين», «فمتى»: one word of two.
_JOINED = re.compile(
    r"^(?:و|ف)(?=(?:ما|ماذا|من|متي|اين|كيف|لماذا|لمن|هل|كم|اي|ايه|بماذا|فيم|بم|لم|عم|الي|علي|عن|في|بكم|خلال|ليش|ليه|وين|شو)(?!\w))"
)
_LETTER = re.compile(r"^\w\W*")
_TIES = frozenset(map(fold, "and but so or also then ok okay well طيب حسنا تمام لكن ولكن ثم".split()))
_QUESTION_WORDS = frozenset(
    """
    what which who whom whose when where why how
    ما ماذا من متي اين كيف لماذا لمن هل كم اي ايه بماذا فيم بم لم عم بكم ليش ليه وين شو ايش امتي شنو ازاي
    """.split()
)
_SMALL = frozenset(
    fold(word)
    for word in """
    what which who whom whose when where why how else exactly precisely really actually also too please more again
    still yet any some particular specifically ok okay well so then but if as into up out over off during
    ليش ليه وين شو ايش امتى ازاي كم بكم أيضا كذلك بالضبط تحديدا بالتحديد فعلا حقا مثلا خلال على مدى أي أية إلى
    حدثني أخبرني قل لي عن طيب حسنا لكن كل بعض قد لقد سوف هنالك ذا عم لما مما حتى دون عند منذ ضد نحو حول عبر
    حدّثني احك كلمني
    """.split()
)
# What is asked about a topic rather than the topic itself: left behind when the next question asks for another.
_ASPECTS = frozenset(
    stem(fold(word))
    for word in """
    begin began begun start started end ended finish happen occur take took place hold held launch launched cost last
    called call mean use used make made get give do done go come see say lead led attend attended found founded create
    time date year day month number amount name kind type sort way reason cause purpose aim goal role part effect
    result meaning definition importance difference size length country much many long
    بدأ يبدأ بدأت انطلق انطلقت انتهى انتهت حدث حدثت حصل جرى عقد عقدت انعقد انعقدت تعقد كلف يكلف استمر تستخدم يستخدم
    تسمى يسمى يعني تعني كان كانت يكون تكون صار تم يتم حضر شارك أسس تأسس تأسست يقع تقع يوجد توجد
    عدد مبلغ اسم نوع سبب أسباب هدف أهداف غرض دور أثر تأثير معنى تعريف أهمية تاريخ سنة عام شهر يوم مكان مدة موعد بداية
    نهاية فرق طريقة
    """.split()
)
_ENGLISH_PRONOUNS = frozenset(
    "it its itself they them their theirs this these those he him his she her hers there former latter".split()
)
_ARABIC_PRONOUNS = frozenset("هو هي هم هما هن".split())
_ARABIC_POINTERS = frozenset(
    fold(word)
    for word in "هذا هذه هذان هذين ذلك تلك هؤلاء أولئك هناك هنا آنذاك حينها حينئذ عندئذ وقتها ذاك بذلك لذلك".split()
)
_CLITIC = re.compile(r"(?P<host>.{1,}?)(?P<pronoun>هما|هم|هن|ها|ه)$")
_PREPOSITIONS = frozenset(
    "في من عن علي الي ب ل مع بين عند حول ضد لدي دون بعد قبل خلال تجاه ضمن فوق تحت غير مثل ازاء وراء امام".split()
)
# These end like words with a pronoun and have none.
_OWN_ENDING = frozenset(
    """
    هذه الله وجه اتجاه شبه مشابه متشابه شبيه نزيه انتباه اشتباه تشابه مياه شفاه فقه كره نبيه تنبيه توجيه ترفيه
    تشويه فواكه جبهه مهم اهم فهم تفاهم سهم اسهم يسهم تسهم ساهم يساهم تساهم مساهم درهم دراهم وهم يفهم متهم اتهم
    ذهن راهن وجها اتجاها مشابها شبيها نزيها ايه نفسه
    """.split()
)
# «كم طوله» asks for its length, «كم سنه» for years.
_MEASURES = frozenset("طول عرض عمر سعر وزن ثمن ارتفاع عمق حجم عدد بعد دخل راتب".split())
_PRONOUNS = _ENGLISH_PRONOUNS | _ARABIC_PRONOUNS
_EMPTY = _QUESTION_WORDS | _SMALL | _PREPOSITIONS
_JOINS = ("و", "ف", "ب", "ل", "ك", "س")
_EXISTS = frozenset("is are was were be been will".split())
_DEFINES = re.compile(
    r"^(?:what|who)(?:'s| is| are| was| were) |^(?:define|explain|describe) "
    r"|^(?:ما|من|ماهو|ماهي|عرف|اشرح)(?: هو| هي| هم| هما)? "
)
# «تدعمه اليابان» has a pronoun, «تكلفه المشروع» is «تكلفة المشروع»: spelling does not tell them apart.
_DOUBTFUL = re.compile(r"(?<!\w)(?!(?:و|ف|ب|ك)?ال|لل|و?هذه)\w{2,}ه\s+ال")
_CAPITAL = re.compile(r"[A-Z]")


def leaning(question: str, history: History) -> Leaning:
    """Whether a question can be understood without the conversation before it.

    It leans where a pronoun has nothing in the question to stand for, or where too little is said to
    ask anything; it may lean where it opens like a continuation or is short and takes up words of the turns before.
    """
    if not history:
        return Leaning.STANDS
    found = _words(question)
    own = _own(question)
    bare = _bare(question)
    opened = len(bare) < len(fold(normalise(question)).strip().rstrip("?؟ "))
    if len(own) < len(found):
        return Leaning.LEANS if len(own) < _LONG or not _antecedent(found) else Leaning.MAY_LEAN
    if _asks_about_another(question):
        return Leaning.LEANS if len(own) < _LONG else Leaning.MAY_LEAN
    told = [word for word in own if not _is_aspect(word)]
    doubtful = _DOUBTFUL.search(normalise(question)) is not None
    if _DEFINES.match(bare) and told and not doubtful:
        return Leaning.STANDS
    if len(own) <= 1 or not told:
        return Leaning.LEANS
    if len(own) > _LONG and not doubtful:
        return Leaning.STANDS
    if opened or doubtful or len(own) <= 2 or _is_fragment(question):
        return Leaning.MAY_LEAN
    return Leaning.MAY_LEAN if _takes_up(told, history) else Leaning.STANDS


def _asks_about_another(question: str) -> bool:
    """Whether the question before is asked again of something else: "What about Aktau?"."""
    return _WHAT_ABOUT.search(fold(normalise(question))) is not None


def _takes_up(told: Sequence[str], history: History) -> bool:
    """Whether words of the last turn come back, and none that is a name in Latin letters is new."""
    before = set(analyse(" ".join(history[-1])))
    known = [stem(fold(word)) in before for word in told]
    new_name = any(_CAPITAL.match(word) and not seen for word, seen in zip(told, known, strict=True))
    return any(known) and not new_name


def _is_fragment(question: str) -> bool:
    """Whether the question is a piece of a sentence whose verb stands in the one before: "To which port?"."""
    words = _bare(question).split()
    own = _own(question)
    if any(points for _, points in _words(question)):
        return False
    asks_first = bool(words) and words[0] in _QUESTION_WORDS
    return len(own) < 2 or (not asks_first and len(own) < _LONG)


def _antecedent(found: Sequence[tuple[str, bool]]) -> bool:
    """Whether something that a pronoun may stand for comes before it in the question."""
    first = next(position for position, (_, points) in enumerate(found) if points)
    return sum(not _is_aspect(word) for word, _ in found[:first]) >= 2


def _bare(question: str) -> str:
    """The folded question without what only ties it to the one before."""
    text = fold(normalise(question)).strip()
    return _JOINED.sub("", _OPENER.sub("", text, count=1) if _OPENER.match(text) else text, count=1).rstrip("?؟ ")


def _words(question: str) -> list[tuple[str, bool]]:
    """Words of a question that say something or point back, as they are written, and whether they point back."""
    return [(word, points) for _, word, points in _spans(normalise(question))]


def _spans(text: str) -> list[tuple[tuple[int, int], str, bool]]:
    """The same for a ``normalise``d question, with offsets."""
    spans = all_words(text)
    said = set(content_words(text))
    written = [text[start:end] for start, end in spans]
    folded = [fold(word) for word in written]
    found = []
    for position, (span, word, plain) in enumerate(zip(spans, written, folded, strict=True)):
        before = folded[position - 1] if position else ""
        after = folded[position + 1] if position + 1 < len(folded) else ""
        joined = _JOINED.sub("", plain)
        if _points_back(word, plain, before, after):
            found.append((span, word, True))
        elif span in said and not {plain, joined} & _EMPTY and not _OPENER.fullmatch(f"{plain} "):
            found.append((span, word, False))
    return found


def _points_back(written: str, word: str, before: str, after: str) -> bool:
    """Whether a word stands for something said before."""
    if word in _ENGLISH_PRONOUNS:
        return not (word == "there" and before in _EXISTS)
    if word == "that":  # not the one that opens a clause: "the port that Japan equips"
        return (
            not after or before in _EXISTS or before in _QUESTION_WORDS or before in {"did", "does", "do", "of", "for"}
        )
    for join in ("", *_JOINS):
        rest = word.removeprefix(join)
        if join and rest == word:
            continue
        if rest in _ARABIC_POINTERS:
            return True
        if rest in _ARABIC_PRONOUNS:  # «ما هو الممر؟» asks, «هل هو ميناء؟» points
            return not after or before not in {"ما", "من", "وما", "ومن", "فما", "اين", "كم"}
    return _has_clitic(written, word, before, after)


def _has_clitic(written: str, word: str, before: str, after: str) -> bool:
    """Whether an Arabic word ends in a pronoun: «تكلفته», «بينهما», but not «القمه» for «القمة»."""
    match = _CLITIC.fullmatch(word)
    if match is None or word in _OWN_ENDING:
        return False
    host, pronoun = match["host"], match["pronoun"]
    bases = [host, *(host.removeprefix(join) for join in _JOINS if host.startswith(join) and len(host) > 1)]
    if any(base in _PREPOSITIONS for base in bases):
        return not written.endswith("ة")
    if len(host) < 2 or any(base.startswith(("ال", "لل")) for base in bases) or bases[-1] + pronoun in _OWN_ENDING:
        return False
    if pronoun in {"هم", "هن"}:
        return len(host) >= 3
    if pronoun == "ه":
        # The ta marbuta is often written «ه»: in what is counted, or before a definite word, it is that.
        counted = before in {"كم", "اي", "وكم", "واي"} and host not in _MEASURES
        if not written.endswith("ه") or counted:
            return False
        definite = after.startswith("ال")
        return host.endswith("ت") or not definite or after.endswith(("ي", "يه"))  # «اسمه الرسمي», an adjective
    return True


def _is_aspect(word: str) -> bool:
    """Whether a word asks about a topic, or dates it, rather than names it."""
    folded = fold(word)
    return stem(folded) in _ASPECTS or folded.isnumeric()
