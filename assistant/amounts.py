"""Whether evidence holds the numbers, dates, shares and measures of a sentence: pure functions over ``quantities``.

A quantity is held if the evidence has it, however it is written ("a third" of 33 per cent, «ساعة ونصف» of 90 minutes),
or if it follows from what the evidence has: a year of its century, the years between two dates, the length of a list.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from assistant.numerals import CARDINALS, ONES, ORDINALS, SCALES, SQUARE, UNITS
from assistant.quantities import KEPT, ONE, PARTS, Quantity, look, quantities, value_of
from assistant.text import fold, ungroup_digits

_REGNAL = {1: re.compile(r"[a-z] I(?![\w'])"), 5: re.compile(r"[a-z] V(?![\w'])"), 10: re.compile(r"[a-z] X(?![\w'])")}
# "For a year" and "a year later" are no rates.
_EACH = {
    period: re.compile(
        rf"(?<!\w)(?:{adverbs}|(?:per|each|every) {period}"
        rf"|(?<!for )(?<!in )(?<!of )(?<!than )(?<!over )(?<!after )(?<!within )(?<!about )"
        rf"(?<!roughly )(?<!nearly )(?<!almost )a {period}"
        rf"(?! (?:later|ago|after|before|earlier|long|or|of)))(?!\w)"
    )
    for period, adverbs in {
        "day": "daily|(?:ال)?يومي(?:ا|ه)|اليومي|كل يوم",
        "week": "weekly|(?:ال)?اسبوعي(?:ا|ه)?|كل اسبوع",
        "month": "monthly|(?:ال)?شهري(?:ا|ه)?|كل شهر",
        "year": "annual|annually|yearly|per annum|(?:ال)?سنوي(?:ا|ه)?|كل (?:سنه|عام)|في (?:السنه الواحده|العام الواحد)",
    }.items()
}


_DIVIDING = {"m", "m2", "kg", "litre", "second"}
"""What divides, as far as it is compared: units of time from the day are periods."""
_PER = re.compile(
    r"\b(?:(?:per|each|every)(?: (?P<power>square|cubic))? (?P<english>[a-z]+)"
    r"|(?:لكل|في كل|في) (?:ال)?(?P<arabic>\w+)(?: (?:ال)?(?P<powered>مربعه?|مكعبه?))?(?! ?[0-9]| ال))\b"
)
"""«في الدقيقة 90» and «في الساعة الثامنة» divide nothing."""


_DAY = 86400.0
_LONG = 100.0
"""Years from which a number without a unit may stand for a span of them."""
_METRIC = {"m", "m2", "m3", "kg", "litre"}
_CONVERTED = 0.03
"""How far a length or weight may be from the one that it was converted from: "5 miles" is 8 kilometres."""
_OF_A_THIRD = 0.0067
"""How far a share in words may be from one in whole per cent: two thirds are 66 or 67."""


def same(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities are equal, as far as both say what they count."""
    if one.kind != other.kind:
        kinds = {one.kind, other.kind}
        if kinds == {"month", "number"}:
            return False
        # "the 20th century" is «القرن العشرون»; the first of anything is not the number one.
        return (
            kinds == {"ordinal", "number"}
            and one.value == other.value
            and one.value > 1
            and not (one.unit and other.unit)
        )
    if one.kind == "decade":
        either = min(one.value, other.value) < 100
        return one.value % 100 == other.value % 100 if either else one.value == other.value
    if one.kind == "share" and not (one.in_digits and other.in_digits):
        return abs(one.value - other.value) <= _OF_A_THIRD  # "a third" of 33 per cent
    if not (one.unit and other.unit):
        # «قبل ألفي عام» names its unit by a word that means "general", too
        years = [quantity.value * quantity.factor for quantity in (one, other) if quantity.unit == "year"]
        plain = [quantity.value for quantity in (one, other) if not quantity.unit and quantity.value >= _LONG]
        return math.isclose(one.value, other.value, rel_tol=1e-6) or bool(years and years == plain)
    (unit, amount), (other_unit, other_amount) = _amount(one), _amount(other)
    converted = _imperial(one) != _imperial(other)
    return unit == other_unit and math.isclose(amount, other_amount, rel_tol=_CONVERTED if converted else 1e-6)


def _amount(quantity: Quantity) -> tuple[str, float]:
    """What is measured and how much of it: days in seconds."""
    amount = quantity.value * quantity.factor
    return ("second", amount * _DAY) if quantity.unit == "day" else (quantity.unit, amount)


def _imperial(quantity: Quantity) -> bool:
    """Whether a unit is no decimal multiple of a metric one."""
    return quantity.unit in _METRIC and f"{quantity.factor:.3e}".partition("e")[0] != "1.000"


_NAMED_SCALES = {
    100.0: re.compile(r"(?<=[a-z] )Hundred\b|\bالم(?:ئ|ائ)ة عام"),
    1000.0: re.compile(r"(?<=[a-z] )Thousand\b"),
}
"""Numbers in names."""
_PERIODS = {"second", "day", "year"}
"""Units of which the dual is known: «أسبوعين» is no two of anything else."""
_FEW = frozenset({0.0, *map(float, range(3, 13))})
_RATIO_TURNED = re.compile(
    r"\b(?:of every|in every|من (?:بين )?كل|من اصل|لكل) (?P<whole>[0-9][0-9.,]*|[^\W\d]+)(?: [^\W\d]+){0,4},? "
    r"(?P<part>[0-9][0-9.,]*)\b"
)
"""«من كل 100 لتر هواء 21 لترا أكسجين»."""
_RATIO = re.compile(
    r"(?=\b(?:(?P<tens>[a-z]+ty)[- ])?(?P<part>[0-9.,]+|[^\W\d]+)(?: \w+)? "
    r"(?:out of(?: every)?|in(?: every)?|of every|من(?: بين)? كل|من اصل|من) (?P<whole>[0-9]+|[^\W\d]+)\b)"
)
"""Of a whole; «98 درجة من 100» is one, too."""
_ARABIC_PART = {word: 1 / part for part, word in enumerate(PARTS, 5)}
_DEFINITE_PARTS = {prefix + word: value for word, value in _ARABIC_PART.items() for prefix in ("ال", "بال", "وال")}
"""«بنحو الخمس» is by about a fifth, if it is not the five of something."""
_PART_OF_THE = re.compile(r"\b(?:ال|ب)?(" + "|".join(_ARABIC_PART) + r")(?:ها?\b| ال)")
"""«خمس المياه» and «خمسها» are a fifth; without the vowels it may be five of them as well."""
_FOLD = [fold(word) for word in "ثنائي ثلاثي رباعي خماسي سداسي سباعي ثماني تساعي عشاري".split()]
_RELATIVE = re.compile(r"\b(?:[وبلك]?ال|[وبلك])?(" + "|".join(_FOLD) + r")(?:ه|ا|ات)?\b")
"""«الثلاثية الأبعاد» is what has three dimensions."""
_TIMES = (
    (0.5, re.compile(r"\bhalv(?:e|es|ed|ing)\b")),
    (2.0, re.compile(r"\bdoubl(?:e|es|ed|ing)\b|\b(?:و|ي|ت|ست|سي)?(?:ضاعفت?|تضاعفت?|تضاعف|يتضاعف)\b|\bضعفي?\b")),
    (3.0, re.compile(r"\btripl(?:e|es|ed|ing)\b|\btrebl(?:e|es|ed|ing)\b")),
    (4.0, re.compile(r"\bquadrupl(?:e|es|ed|ing)\b")),
)
"""Verbs that multiply."""
_SLACK = 0.05
"""How far a number may be from the rounder one that "more than" stands before."""
_MORE = re.compile(r"(?:more than|over|at least|above|exceeding|اكثر من|يزيد علي|تزيد علي|فوق|يفوق|تجاوز|يتجاوز)$")
_LESS = re.compile(r"(?:less than|fewer than|under|almost|nearly|below|اقل من|يقل عن|تقل عن|دون|قرابه|يقارب|نحو)$")
_CENTURY = re.compile(r"\bcentur|قرن")
_POINTED = re.compile(r"\b(?:these|those|هذه|هولاء|تلك) (\w+)")
"""Counts what was just named one by one: "these four"."""
_FIRST = re.compile(
    r"\b(?:first|initial|initially|earliest|debut\w*|original|originally|oldest|premiered|(?:[وفبل]|ال|وال|لل)*(?:اقدم|الاصل|اول|اولي|اوليات|اوايل|اولها|اولهما|اولاهما))\b"
)
_SECOND = re.compile(r"\b(?:followed by|behind|next to|runner-up|و?(?:يلي|تلي|تلت)(?:ه|ها|هما|هم)|وصيفه?)\b")
_NAME_NUMBER = re.compile(r"\b[a-z]+-?([0-9]+)\b")
"""«إيه 380» is the A380."""
_BETWEEN = 30
"""Letters within which an hour and its minutes are written."""
_LISTED = re.compile(r"(?P<items>(?:[,،] (?:[^\s,،;:.()]+ ){0,4}[^\s,،;:.()]+)+?)[,،]? (?:and |or |و)(?=\w)")
_JOINED = re.compile(r"و(?!(?:هو|هي|في|من|عن|قد|لم|لا|ما|له|لها|كان|كانت|ذلك)$)\w{2,}")
_LONGEST_LIST = 12
_ALL_BUT_ONE = re.compile(r"\b(?:all but one|(?:ما عدا|ماعدا|الا|باستثناء|سوي) واحد(?:ه|ا)?)\b")
_NIL = re.compile(r"\b(?:unanswered|nil|(?:دون|بلا) رد|مقابل لا شيء|لا شيء)\b")
_GOAL = re.compile(r"\b(?:a|one|solitary|only) goal\b|\bب?هدف\b")


def _sums(found: Sequence[Quantity]) -> list[tuple[Quantity, tuple[Quantity, Quantity]]]:
    """Each amount that is written in two units, "two years and seven months", with its parts."""
    return [
        (Quantity("number", one.value * one.factor + other.value * other.factor, one.unit), (one, other))
        for one, other in pairwise(found)
        if one.kind == other.kind == "number"
        and one.unit
        and one.unit == other.unit
        and one.factor > other.factor
        and other.value * other.factor < one.factor
        and 0 < other.start - one.start < _BETWEEN
    ]


def _list_lengths(text: str) -> set[int]:
    """How many things each list of a text has: "Isabela, Santiago and Pinta", «إيزابيلا وسانتياغو وبينتا»."""
    lengths = {2 + len(re.findall("[,،]", match["items"])) for match in _LISTED.finditer(text)}
    for clause in re.split("[,،;؛:.()]", text):
        places = [at for at, word in enumerate(clause.split()) if _JOINED.match(word)]
        run = 1
        for before, after in pairwise([*places, math.inf]):
            run = run + 1
            if after - before > 3:
                lengths.add(run)
                run = 1
    return {length for length in lengths if 3 <= length <= _LONGEST_LIST}


_DUAL_ENDING = re.compile(r"\w{3,}(?:ان|ين|تا|تي)$")


def _ratios(text: str) -> list[tuple[float, set[str]]]:
    """Value of each "19 out of every 20" of a text, with the numbers that it is written with."""
    found = []
    for match in _RATIO.finditer(ungroup_digits(fold(text))):
        part, whole = (_of_one_word(match[place]) for place in ("part", "whole"))
        tens = look(match["tens"], CARDINALS) if match["tens"] else None
        written = match["part"]
        if part is not None and part < 10 and tens and tens[0] in range(20, 100, 10):
            part, written = tens[0] + part, f"{match['tens']} {match['part']}"  # "ninety-nine out of every hundred"
        if part is not None and whole is not None and 0 < part < whole:
            found.append((part / whole, {written, match["whole"]}))
    for match in _RATIO_TURNED.finditer(ungroup_digits(fold(text))):
        part, whole = (_of_one_word(match[place]) for place in ("part", "whole"))
        if part is not None and whole is not None and 0 < part < whole:
            found.append((part / whole, {match["part"].rstrip(".,"), match["whole"].rstrip(".,")}))
    return found


def _of_one_word(word: str) -> float | None:
    if word[0].isdigit():
        return value_of(word.rstrip(".,"))
    return 1.0 if word == ONE or word in ONES else (look(word, CARDINALS) or look(word, SCALES) or (None,))[0]


def missing(sentence: str, evidence: str) -> list[Quantity]:
    """Quantities of ``sentence`` that ``evidence`` does not hold.

    An Arabic dual counts as "two" where the evidence has no other way of saying it.
    """
    held = quantities(evidence)
    ratios = _ratios(evidence)
    held += [Quantity("share", ratio) for ratio, _ in ratios]
    folded = fold(evidence)
    held += [Quantity("share", _ARABIC_PART[match[1]]) for match in _PART_OF_THE.finditer(folded)]
    held += [Quantity("number", 2.0 + _FOLD.index(match[1])) for match in _RELATIVE.finditer(folded)]
    held += [Quantity("number", float(match[1])) for match in _NAME_NUMBER.finditer(folded)]
    held += [Quantity("ordinal", ORDINALS[q.written]) for q in held if q.kind == "share" and q.written in ORDINALS]
    held += [whole for whole, _ in _sums(held)]
    if _ALL_BUT_ONE.search(folded):
        held += [replace(q, value=q.value - 1) for q in held if q.kind == "number" and q.value in _FEW]
    if _NIL.search(folded):  # «بهدف دون رد» is 1-0
        held += [Quantity("number", float(goals)) for goals in range(1 + bool(_GOAL.search(folded)))]
    centuries = _CENTURY.search(fold(sentence)) is not None
    said = quantities(sentence)
    shares = {quantity.value for quantity in held if quantity.kind == "share"}
    shares -= {quantity.value for quantity in said if quantity.kind == "share"}  # it has said that one otherwise
    settled = {
        number
        for ratio, numbers in _ratios(sentence)
        if any(math.isclose(ratio, share, rel_tol=1e-6) for share in shares)
        for number in numbers
    }
    summed = [part for whole, parts in _sums(said) if any(same(whole, q) for q in held) for part in parts]
    few = any(q.kind == "number" and q.value in _FEW and not q.unit for q in held)
    lists = set() if few else _list_lengths(evidence)  # nothing else is counted
    pointed = {match[1] for match in _POINTED.finditer(fold(sentence))}
    return (
        _other_period(sentence, evidence)
        + _other_divisor(sentence, evidence)
        + [
            wanted
            for wanted in said
            if wanted not in summed
            and not any(same(wanted, quantity) for quantity in held)
            and not _said_otherwise(wanted, evidence, held)
            and not (wanted.written in pointed and 2 <= wanted.value <= 12)
            and wanted.written not in settled
            and not (wanted.value in lists and wanted.kind == "number" and not wanted.unit and not wanted.in_digits)
            and not _rounded(wanted, sentence, held)
            and not (centuries and wanted.kind == "ordinal" and _within_century(wanted.value, held))
            and wanted.written != ONE  # one of anything is seldom more than an article
        ]
    )


def _other_period(sentence: str, evidence: str) -> list[Quantity]:
    """What an amount of the sentence is for (each day, week, month or year) where the evidence names other periods."""
    if not quantities(sentence):
        return []
    folded = fold(sentence)
    said = {period: match[0] for period, pattern in _EACH.items() if (match := pattern.search(folded))}
    if not said:
        return []
    folded = fold(evidence)
    held = {period for period, pattern in _EACH.items() if pattern.search(folded)}
    if not held or held & said.keys():
        return []
    return [Quantity("number", 1.0, period, written=written, in_digits=False) for period, written in said.items()]


def _other_divisor(sentence: str, evidence: str) -> list[Quantity]:
    """What an amount of the sentence is divided by ("per litre") where the evidence divides by another such unit."""
    said = _divisors(sentence)
    held = _divisors(evidence) if said else {}
    return [
        Quantity("number", 1.0, unit[0], unit[1], written=written, in_digits=False)
        for unit, written in said.items()
        if unit not in held and any(unit[0] == other[0] for other in held)
    ]


@lru_cache(maxsize=KEPT)
def _divisors(text: str) -> dict[tuple[str, float], str]:
    """Units by which amounts of a text are divided, as they are written."""
    found = {}
    for match in _PER.finditer(fold(text)):
        for name, power in ((match["english"], match["power"]), (match["arabic"], match["powered"])):
            base, factor = UNITS.get(name or "", ("", 1.0))
            if base in _DIVIDING:
                exponent = 1 if not power else 2 if power in SQUARE else 3
                found[base + ("" if exponent == 1 else str(exponent)), factor**exponent] = match[0]
    return found


def _rounded(wanted: Quantity, sentence: str, held: Sequence[Quantity]) -> bool:
    """Whether "more than 57 percent" is what is left of 57.3, or "more than two centuries" of 250 years."""
    before = " ".join(ungroup_digits(fold(sentence))[: wanted.start].split()[-3:])
    more, less = _MORE.search(before), _LESS.search(before)
    if wanted.kind not in ("number", "share") or not (more or less):
        return False
    beyond = _SLACK if wanted.in_digits or not wanted.unit else max(_SLACK, 1 / max(wanted.value, 1.0))
    for quantity in held:
        if quantity.kind == wanted.kind and (quantity.unit == wanted.unit or not (quantity.unit and wanted.unit)):
            ratio = quantity.value * quantity.factor / max(wanted.value * wanted.factor, 1e-12)
            if (more and 1 < ratio <= 1 + beyond) or (less and 1 - _SLACK <= ratio < 1):
                return True
    return False


def _years_apart(years: float, held: Sequence[Quantity]) -> bool:
    """Whether two years of the evidence are so far apart."""
    dates = [q.value for q in held if q.kind == "number" and not q.unit and q.in_digits and 1000 <= q.value < 2100]
    return years >= 2 and any(abs(one - other) == years for one in dates for other in dates)


def _within_century(number: float, held: Sequence[Quantity]) -> bool:
    """Whether a year of a century is there: 1902 for the twentieth."""
    first = 100 * (number - 1)
    return number > 10 and any(q.kind == "number" and not q.unit and first <= q.value <= first + 100 for q in held)


def _said_otherwise(wanted: Quantity, evidence: str, held: Sequence[Quantity]) -> bool:
    if wanted.kind == "vague":
        return any(q.kind == "number" and wanted.value <= q.value < wanted.value * 1000 for q in held)
    named = _NAMED_SCALES.get(wanted.value)
    if named and not wanted.in_digits and named.search(evidence):
        return True  # «حرب المئة عام» is the Hundred Years' War
    if wanted.unit == "year" and _years_apart(wanted.value * wanted.factor, held):
        return True  # seven years after 1966, it was 1973
    if wanted.kind == "ordinal" and wanted.value == 2 and _SECOND.search(fold(evidence)):
        return True
    if wanted.value == 2 and wanted.kind in ("number", "ordinal") and wanted.unit not in _PERIODS:
        if any(_DUAL_ENDING.match(word) for word in fold(evidence).split()):
            return True
        # "the two cities" of two that are named: wrong only where the evidence counts something else
        return (
            wanted.kind == "number"
            and not wanted.in_digits
            and not any(q.kind == "number" and q.value in _FEW and not q.unit for q in held)
        )
    if (
        not wanted.in_digits
        and not wanted.unit
        and any(
            math.isclose(wanted.value, value) and verb.search(fold(evidence))
            for value, verb in _TIMES
            if (wanted.kind == "share") == (value < 1)
        )
    ):
        return True
    if wanted.kind == "decade" and wanted.value >= 1000 and wanted.value % 100 == 0:
        # the 1700s
        return any(q.kind == "ordinal" and q.value == wanted.value // 100 + 1 for q in held) or any(
            q.kind == "number" and not q.unit and wanted.value <= q.value < wanted.value + 100 for q in held
        )
    if wanted.written in _DEFINITE_PARTS:
        return any(q.kind == "share" and math.isclose(q.value, _DEFINITE_PARTS[wanted.written]) for q in held)
    if wanted.kind == "share" and wanted.written in ORDINALS:  # "a third emblem"
        return any(q.kind == "ordinal" and q.value == ORDINALS[wanted.written] for q in held)
    if wanted.kind == "ordinal" and wanted.value == 1 and _FIRST.search(fold(evidence)):
        return True
    regnal = _REGNAL.get(int(wanted.value)) if wanted.kind == "ordinal" else None
    return bool(regnal and regnal.search(evidence))
