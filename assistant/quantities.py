"""Numbers, dates, shares and measures of a text in either language, as values that compare: pure functions.

«٢٠٠٤» and "2004", «ثلاثة تريليونات» and "3 trillion", «عشرة في المئة» and "10%", «كانون الثاني» and "January",
"5 km" and "5,000 metres" are the same quantities. What is read is what is written: nothing is rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from assistant.numerals import (
    ARABIC_PARTS,
    CARDINALS,
    CUBIC,
    CURRENCY_BEFORE,
    DECADES,
    DEGREES,
    DUALS,
    ENGLISH_PARTS,
    FRACTIONS,
    HUNDRED,
    LIGHT,
    LIGHT_YEAR,
    MONTH,
    MONTH_PARTS,
    ONES,
    ORDINALS,
    PER_CENT,
    SCALES,
    SQUARE,
    TEENS,
    TWO_OF,
    UNITS,
    UNSURE_MONTHS,
    VAGUE,
)
from assistant.text import fold, ungroup_digits

_KEPT = 512
"""Texts that are read once: the evidence of a question is compared with every sentence of its answer."""
_KEPT_WORDS = 8192

Kind = Literal["number", "ordinal", "share", "month", "decade", "vague"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of a text."""

    kind: Kind
    """``share`` is a part of a whole (0.1 for ten per cent), ``decade`` a decade's first year («الستينيات» is 60,
    "the 1960s" 1960), ``vague`` a magnitude without a count ("thousands")."""
    value: float
    """As written: 5 for "5 km"."""
    unit: str = ""
    """What is measured: ``m``, ``kg``, ``usd``…; empty if nothing is said."""
    factor: float = 1.0
    """How many of ``unit`` one of what is written is: 1,000 for "km"."""
    start: int = 0
    """Where it stands: the position of its first word in the text."""
    written: str = ""
    """As the text has it, folded."""
    in_digits: bool = True


_TOKEN = re.compile(
    r"(?P<month>(?<![0-9/])(?:0?[1-9]|1[0-2])/(?:1[5-9]|20)[0-9]{2}(?![0-9/]))"
    r"|(?P<iso>[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?![0-9]))|(?P<date>(?<![0-9/])[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}(?![0-9]))"
    r"|(?P<name>[a-z]+[0-9]+)|(?P<number>(?<![a-z])[0-9]+(?:[.,][0-9]+)*)"
    r"(?P<tail>st\b|nd\b|rd\b|th\b|s\b|%|٪|[a-z]{1,2}2?\b)?|(?P<sign>us\$|[$€£¥%٪])"
    r"|(?P<word>[^\W\d_]+(?:'s)?)"
)
_DECIMAL_COMMA = re.compile(r"[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})")
"""«5,4 في المئة»: three digits after a comma are thousands."""
_PREFIXES = ["", *(fold(prefix) for prefix in "و ف ب ل ك ال وال بال لل فال كال ول وب".split())]
_NO_NUMBERS = {fold("كميات")}
"""Words that only look like a prefix and a number."""
_SAFE_PREFIXES = {"", *(fold(prefix) for prefix in "و ف ال وال".split())}
_CONJUNCTION = "و"
_NEAR_MONTH = {
    fold(word)
    for word in """
    in of since by until on from early late mid to في شهر من منذ منتصف أوائل أواخر مطلع حتى نهاية بداية
    """.split()
}
_CARBON = {fold("أكسيد"), fold("اكسيد")}
_ROMAN_NUMERALS = "II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI".split()
# A single letter is rather an initial.
_ROMAN = re.compile(r"(?<=[a-z] )(?:" + "|".join(r for r in reversed(_ROMAN_NUMERALS) if len(r) > 1) + r")(?![\w'-])")
_PARTS = [fold(word) for word in "خمس سدس سبع ثمن تسع عشر".split()]
"""A fifth, a sixth, … a tenth; without their vowels the numbers five to ten, too."""
_VOWELLED_PART = re.compile(
    r"\b(?:وال|بال|ال|و|ب)?(" + "|".join(f"{part[0]}\u064f{part[1]}\u064f?{part[2]}" for part in _PARTS) + r")(?!\w)"
)
"""«عُشر»: the first vowel tells it from ten."""
_SEASON = re.compile(r"(?<![0-9])((?:18|19|20)[0-9]{2})[-–/]([0-9]{2})(?![0-9-])")
_REGNAL = {1: re.compile(r"[a-z] I(?![\w'])"), 5: re.compile(r"[a-z] V(?![\w'])"), 10: re.compile(r"[a-z] X(?![\w'])")}
_FINAL = ("final", "finals", fold("نهائي"), fold("النهائي"), fold("نهائيات"))
_PLACE = {fold("المقام")}
"""«في المقام الأول» is "chiefly"."""
_OF = ("of", fold("من"))
_ONE = "one"
_ZERO = {"zero", fold("صفر"), fold("الصفر")}
_BESIDE_ZERO = {"below", "above", fold("تحت"), fold("فوق"), fold("دون")}
"""Before a zero that is a mark of the thermometer."""
_NAUTICAL = {"nautical", *(fold(word) for word in "بحري بحريا بحرية".split())}
_MILES = {fold(word) for word in "ميل ميلا أميال".split()}
_FEW_WHOLE = 100.0
"""Numbers in words below this may have a half behind what they count."""
_BY_THE_HUNDRED = {fold("بالمئة"), fold("بالمائة")}
_AND_A_HALF = {fold("ونصف"), fold("والنصف")}


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


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    number: float | None = None
    tail: str = ""


def _tokens(folded: str) -> tuple[list[_Token], list[Quantity]]:
    """Words, numbers and signs in order; dates written in digits are quantities already."""
    tokens: list[_Token] = []
    dates: list[Quantity] = []
    for match in _TOKEN.finditer(folded):
        start = match.start()
        if match["month"]:
            month, year = map(int, match["month"].split("/"))
            dates.append(Quantity("month", month, "", 1, start, match.group()))
            dates.append(Quantity("number", year, "", 1, start, match.group()))
        elif match["iso"] or match["date"]:
            parts = [int(part) for part in re.split(r"[-/.]", match.group())]
            year, first, second = parts if match["iso"] else (parts[2], parts[1], parts[0])
            dates.append(Quantity("number", year, "", 1, start, match.group()))
            # 05/12/2020 has its day first almost everywhere; where that is no date the month is first.
            month, day = (second, first) if first > 12 else (first, second)
            dates += [
                Quantity("month", month, "", 1, start, match.group()),
                Quantity("number", day, "", 1, start, match.group()),
            ]
        elif match["number"]:
            tokens.append(_Token(match["number"], start, _value(match["number"]), match["tail"] or ""))
        else:
            tokens.append(_Token(match.group(), start))
    return tokens, dates


def _value(digits: str) -> float:
    if _DECIMAL_COMMA.fullmatch(digits):
        return float(digits.replace(",", "."))
    whole = digits.replace(",", "") if digits.count(".") <= 1 else digits.replace(".", "").replace(",", "")
    return float(whole)


def _look(word: str, table: dict[str, float]) -> tuple[float, bool] | None:
    """Value of a word in ``table``, Arabic prefixes taken off, and whether it began with «و»."""
    for prefix in _PREFIXES:
        rest = word[len(prefix) :]
        if word.startswith(prefix) and rest in table and word not in _NO_NUMBERS:
            if len(rest) <= 2 and prefix not in _SAFE_PREFIXES:
                continue  # «وبست» is the name Best, and «لست» "I am not"
            return table[word[len(prefix) :]], prefix.startswith(_CONJUNCTION)
    return None


# --- reading -----------------------------------------------------------------------------------------


def quantities(text: str) -> list[Quantity]:
    """Everything in ``text`` that counts, measures or dates, in reading order."""
    return list(_quantities(text))


@lru_cache(maxsize=_KEPT)
def _quantities(text: str) -> tuple[Quantity, ...]:
    text = _VOWELLED_PART.sub(_part_in_digits, _ROMAN.sub(_in_digits, text))
    folded = _SEASON.sub(_whole_years, ungroup_digits(fold(text)))
    tokens, found = _tokens(folded)
    position = 0
    while position < len(tokens):
        quantity, used = _read(tokens, position)
        if quantity:
            found.append(quantity)
        position += max(used, 1)
    return tuple(sorted(found, key=lambda quantity: quantity.start))


def _read(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """The quantity that begins at a token, and how many tokens it takes."""
    token = tokens[at]
    month = _month(tokens, at)
    if month:
        return Quantity("month", month[0], "", 1, token.start, token.text, False), month[1]
    if token.number is not None and token.tail in ("st", "nd", "rd", "th"):
        return Quantity("ordinal", token.number, "", 1, token.start, token.text), 1
    if token.number is not None and token.tail == "s" and token.number >= 10:
        return Quantity("decade", token.number, "", 1, token.start, token.text), 1
    single = _single(tokens, at)
    if single:
        return single, 2
    for reader in (_one_per_cent, _dual, _fraction, _ordinal, _decade):
        quantity, used = reader(tokens, at)
        if quantity:
            return quantity, used
    value, used = _cardinal(tokens, at)
    if value is None:
        vague = _look(token.text, VAGUE)
        return (Quantity("vague", vague[0], "", 1, token.start, token.text, False), 1) if vague else (None, 1)
    return _measured(tokens, at, value, used)


def _in_digits(match: re.Match[str]) -> str:
    return f"{_ROMAN_NUMERALS.index(match.group()) + 2}th"


def _part_in_digits(match: re.Match[str]) -> str:
    return f"{100 / (5 + _PARTS.index(fold(match[1]))):.10g}%"


def _whole_years(match: re.Match[str]) -> str:
    """«2017-18» as «2017-2018»."""
    first, second = match.groups()
    return f"{first}-{first[:2]}{second}" if int(second) == (int(first) + 1) % 100 else match.group()


def _word(tokens: Sequence[_Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) and tokens[at].number is None else ""


def _month(tokens: Sequence[_Token], at: int) -> tuple[int, int] | None:
    word, following = _word(tokens, at), _word(tokens, at + 1)
    for prefix in _PREFIXES[:6]:
        name = word.removeprefix(prefix) if word.startswith(prefix) else ""
        if following and f"{name}_{following}" in MONTH:
            return MONTH[f"{name}_{following}"], 2
        if name in MONTH:
            before = tokens[at - 1] if at else None
            after = tokens[at + 1] if at + 1 < len(tokens) else None
            sure = name not in UNSURE_MONTHS or any(t and t.number is not None for t in (before, after))
            if sure or (before and before.text in _NEAR_MONTH):
                return MONTH[name], 1
    return None


def _single(tokens: Sequence[_Token], at: int) -> Quantity | None:
    """One of a unit: "one metre", «متر واحد»."""
    token, following = tokens[at], _word(tokens, at + 1)
    if token.text == "one" and following in UNITS:
        name = following
    elif following in ONES and token.text in UNITS:
        name = token.text
    else:
        return None
    base, factor = UNITS[name]
    return Quantity("number", 1.0, base, factor, token.start, _ONE, False)


def _one_per_cent(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """«واحد في المئة», whose first word is no number by itself."""
    token, following, third = tokens[at], _word(tokens, at + 1), _word(tokens, at + 2)
    length = 0
    if token.text == _ONE and (following in PER_CENT or (following, third) == ("per", "cent")):
        length = 2 if following in PER_CENT else 3
    elif token.text.removeprefix("ب") in ONES and following == fold("في") and third in HUNDRED:
        length = 3
    return (Quantity("share", 0.01, "", 1, token.start, token.text, False), length) if length else (None, 1)


def _dual(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    for prefix in _PREFIXES:
        if token.text.startswith(prefix) and token.text[len(prefix) :] in DUALS:
            unit, factor = DUALS[token.text[len(prefix) :]]
            value, factor = 2.0, factor / 2
            return Quantity("number", value, unit, factor, token.start, token.text, False), 1
    return None, 1


def _fraction(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    if following in _FINAL:
        return None, 1
    several = _look(token.text, CARDINALS)
    part = ENGLISH_PARTS.get(following) or (_look(following, ARABIC_PARTS) or (None,))[0]
    if (
        several
        and part
        and following not in ("second",)
        and following not in ("third", "fifth", "sixth", "eighth", "tenth")
    ):
        return Quantity("share", several[0] * part, "", 1, token.start, token.text, False), 2
    scale, words = _scale_of_part(tokens, at)
    whole = _look(token.text, FRACTIONS)
    if scale and whole:
        return Quantity("number", whole[0] * scale, "", 1, token.start, token.text, False), words
    if token.text in ("a", "one") and following in ENGLISH_PARTS and _word(tokens, at + 2) == "of":
        unit = UNITS.get(_word(tokens, at + 4)) if _word(tokens, at + 3) in ("a", "an") else None
        if unit:
            part = ENGLISH_PARTS[following]
            return Quantity("number", part, *unit, start=token.start, written=following, in_digits=False), 5
    if token.text in ("a", "one") and following in ENGLISH_PARTS:
        scale, words = _scale_of_part(tokens, at + 1)
        if scale:
            return (
                Quantity("number", ENGLISH_PARTS[following] * scale, "", 1, token.start, following, False),
                words + 1,
            )
        unit = UNITS.get(_word(tokens, at + 2))
        if unit:  # "a half ounce"
            return Quantity("number", ENGLISH_PARTS[following], *unit, token.start, following, False), 3
        return Quantity("share", ENGLISH_PARTS[following], "", 1, token.start, following, False), 2
    value = _look(token.text, FRACTIONS)
    article = following in ("a", "an")
    name = _word(tokens, at + 1 + article)
    unit = ("year", 1.0) if name == fold("عام") else UNITS.get(name)
    if value and unit and token.text not in _AND_A_HALF:  # "half a kilogram", «ثلث ساعة»
        return Quantity("number", value[0], *unit, token.start, token.text, False), 2 + article
    if value and token.text not in _AND_A_HALF:
        return Quantity("share", value[0], "", 1, token.start, token.text, False), 1
    return None, 1


def _scale_of_part(tokens: Sequence[_Token], at: int) -> tuple[float, int]:
    """The million of "half a million", «نصف مليون» or "a quarter of a million", and how long that is; 0 without one."""
    for between in ((), ("a",), ("of", "a"), ("of", "one")):
        place = at + 1 + len(between)
        if all(_word(tokens, at + 1 + step) == word for step, word in enumerate(between)):
            scale = _look(_word(tokens, place), SCALES) if place < len(tokens) else None
            if scale and scale[0] >= 1000 and not scale[1]:
                return scale[0], 2 + len(between)
    return 0.0, 1


def _ordinal(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    found = _look(token.text, ORDINALS)
    if at and _word(tokens, at - 1) in _PLACE:
        return None, 1
    if token.text == "first" and _word(tokens, at - 1) == "at":
        return None, 1
    if found and at and tokens[at - 1].number is not None and token.text in UNITS:
        return None, 1  # «20 ثانية»
    if not found or following in _CARBON or token.text in (fold("أولا"), fold("أولي")):
        tens = _look(token.text, CARDINALS)
        unit = _look(following, ORDINALS) if following and following.isascii() else None
        if tens and token.text.isascii() and tens[0] >= 20 and unit and unit[0] < 10:
            return Quantity("ordinal", tens[0] + unit[0], "", 1, token.start, f"{token.text} {following}", False), 2
        return None, 1
    value = found[0]
    for step in (1, 2):  # "the first of July" is its day 1
        if (step == 1 or following in _OF) and at + step < len(tokens) and _month(tokens, at + step):
            return Quantity("number", value, "", 1, token.start, token.text, False), 1
    if following in TEENS:
        value = 11.0 if value == 11 else value + 10
        return Quantity("ordinal", value, "", 1, token.start, f"{token.text} {following}", False), 2
    tens = _look(following, CARDINALS) if following.startswith(_CONJUNCTION) else None
    if tens and tens[0] in (20, 30, 40, 50, 60, 70, 80, 90):
        return Quantity("ordinal", (1 if value == 11 else value) + tens[0], "", 1, token.start, token.text, False), 2
    return Quantity("ordinal", value, "", 1, token.start, token.text, False), 1


def _decade(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    found = _look(token.text, {key: float(value) for key, value in DECADES.items()})
    if not found:
        return None, 1
    value = found[0]
    place = at + 1 + (_word(tokens, at + 1) in _OF)  # «السبعينيات من القرن العشرين»
    if _word(tokens, place) == fold("القرن") and place + 1 < len(tokens):
        century, words = _ordinal(tokens, place + 1)
        number, words = (century.value, words) if century else _cardinal(tokens, place + 1)
        if number:
            value += (number - 1) * 100
            return Quantity("decade", value, "", 1, token.start, token.text, False), place + 1 + words - at
    return Quantity("decade", value, "", 1, token.start, token.text, False), 1


def _one(word: str, following: str) -> tuple[float, bool] | None:
    """One, and whether it began with «و», where a number goes on after it."""
    tens = _look(following, CARDINALS) if following.startswith(_CONJUNCTION) else None
    if following not in TEENS and not (tens and 20 <= tens[0] <= 90):
        return None
    return next(((1.0, p.startswith(_CONJUNCTION)) for p in _PREFIXES if word.removeprefix(p) in ONES), None)


def _cardinal(tokens: Sequence[_Token], at: int) -> tuple[float | None, int]:
    """Value of the number written in digits or words at a token, and its length; None where there is none."""
    first = tokens[at]
    if first.number is not None:
        total, current, used = 0.0, first.number, 1
        if first.tail in ("m", "bn", "tn", "mn"):
            scale = {"m": 1.0, "mn": 1e6, "bn": 1e9, "tn": 1e12}[first.tail]
            return first.number * scale, 1
    else:
        if first.text in _ZERO and _word(tokens, at - 1) in _BESIDE_ZERO:
            return None, 1
        opening = _look(first.text.removesuffix("fold"), CARDINALS) or _one(first.text, _word(tokens, at + 1))
        if first.text == _ONE and [_word(tokens, at + step) for step in (1, 2, 3)] == ["and", "a", "half"]:
            opening = 1.0, False
        scale_first = _look(first.text, SCALES)
        alone = _look(first.text, VAGUE)
        following = _word(tokens, at + 1)
        ends = at + 1 == len(tokens) or following.startswith(_CONJUNCTION)
        if ends and opening and first.text.endswith("ا") and opening[0] in TWO_OF:
            # «ألفا وخمسين» is one thousand and fifty, «ألفا كيلومتر» two thousand, «ألفا» by itself alpha, and
            # «ميتا وأورانج» are two companies
            goes_on = any(_look(following, table) for table in (CARDINALS, SCALES))
            if not goes_on or opening[0] == 200:
                return None, 1
            opening = opening[0] / 2, opening[1]
        if opening:
            total, current, used = 0.0, opening[0], 1
        elif first.text == fold("ألف") and _word(tokens, at + 1).startswith("ال"):
            return None, 1  # «ألّف الإمبراطور كتابا»
        elif scale_first and (not alone) and (not first.text.isascii() or _word(tokens, at - 1) in ("a", "one")):
            total, current, used = 0.0, scale_first[0], 1
        else:
            return None, 1
    digits = first.number is not None
    last = current
    if current >= 1000 and not digits:
        last = 10.0 ** math.floor(math.log10(current))
        total, current = current, 0.0
    while at + used < len(tokens):
        token = tokens[at + used]
        if token.number is not None:
            break
        text = token.text
        if text == "and" and [_word(tokens, at + used + step) for step in (1, 2)] == ["a", "half"]:
            current, used = current + 0.5, used + 3  # "one and a half million"
            continue
        if text == "and" and not digits and _look(_word(tokens, at + used + 1), CARDINALS) and last >= 100:
            used += 1
            continue
        if text in _AND_A_HALF and last >= 1000:
            total, used = total + last / 2, used + 1
            repeated = _look(tokens[at + used].text, SCALES) if at + used < len(tokens) else None
            used += bool(repeated and repeated[0] == last)
            break
        if text == "dozen" and current < 100:
            current, used = current * 12, used + 1
            continue
        scaled = None if text in _BY_THE_HUNDRED else _look(text, SCALES)
        if scaled and not scaled[1] and not (text.isascii() and text.endswith("s")):
            last = scaled[0]
            if last == 100:
                current = (current or 1) * 100 if current < 100 else current + 100
            else:
                # «خمسة آلاف مليون» is five thousand times a million
                total = (total + current) * last if 0 < total < last else total + (current or 1) * last
                current = 0.0
            used += 1
            if digits:
                break
            continue
        cardinal = None if text in _BY_THE_HUNDRED else _look(text, {**CARDINALS, **SCALES})
        joined = bool(cardinal and cardinal[1] and not digits)
        if text == _ONE and last in range(20, 100, 10):
            current, last, used = current + 1, 1.0, used + 1
            continue
        teen = text in TEENS and 1 <= current % 100 < 10
        english = bool(cardinal and text.isascii() and not digits and last > cardinal[0] and last not in range(2, 10))
        if not cardinal or not (joined or teen or english):
            break
        if cardinal[0] >= 1000:
            total += cardinal[0]
        else:
            current += cardinal[0]
        last, used = cardinal[0], used + 1
    return total + current, used


def _measured(tokens: Sequence[_Token], at: int, value: float, used: int) -> tuple[Quantity, int]:
    """A number with its unit: a share where it is in per cent."""
    first = tokens[at]
    digits = first.number is not None
    after, second = (_word(tokens, at + used + step) for step in range(2))
    written = " ".join(token.text for token in tokens[at : at + used])
    sign_before = _word(tokens, at - 1) in ("%", "٪")
    if (
        first.tail in ("%", "٪")
        or sign_before
        or after in PER_CENT
        or (after in ("per", "in") and second in ("cent", "hundred"))
    ):
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used
    if after == fold("في") and second in HUNDRED:
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used + 2
    if after in _BY_THE_HUNDRED:
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used + 1
    if second in _AND_A_HALF and value < _FEW_WHOLE and not digits and not counts(after):
        value, written = value + 0.5, f"{written} {after} {second}"  # «ثلاث نقاط ونصف»
    if after in _NAUTICAL or (after in _MILES and second in _NAUTICAL):
        return Quantity("number", value, "m", 1852, first.start, written, digits), used + 2
    if LIGHT & {after, second} and "year" in {UNITS.get(word, ("",))[0] for word in (after, second)}:
        return Quantity("number", value, "m", LIGHT_YEAR, first.start, written, digits), used + 2
    if after in DEGREES and second in UNITS:
        return Quantity("number", value, *UNITS[second], first.start, written, digits), used + 2
    if _word(tokens, at - 1) in CURRENCY_BEFORE:
        return Quantity("number", value, UNITS[_word(tokens, at - 1)][0], 1, first.start, written, digits), used
    if first.tail in UNITS:
        base, factor = UNITS[first.tail]
        return Quantity("number", value, base, factor, first.start, written, digits), used
    if after in SQUARE | CUBIC and second in UNITS:
        return _powered(first, value, UNITS[second], after in SQUARE, written), used + 2
    for name in (after, after.removeprefix(fold("ال"))):
        if name in UNITS:
            if second in SQUARE | CUBIC:
                return _powered(first, value, UNITS[name], second in SQUARE, written), used + 2
            base, factor = UNITS[name]
            if base == "watt" and UNITS.get(second) == UNITS["hour"]:
                return Quantity("number", value, "watt hour", factor, first.start, written, digits), used + 2
            return Quantity("number", value, base, factor, first.start, written, digits), used
    return Quantity("number", value, "", 1, first.start, written, digits), used


def _powered(first: _Token, value: float, unit: tuple[str, float], square: bool, written: str) -> Quantity:
    base, factor = unit
    power = 2 if square else 3
    return Quantity("number", value, f"{base}{power}", factor**power, first.start, written, first.number is not None)


_COUNTING: tuple[Mapping[str, object] | set[str], ...] = (MONTH_PARTS, DECADES, DUALS, ARABIC_PARTS)


@lru_cache(maxsize=_KEPT_WORDS)
def counts(word: str) -> bool:
    """Whether a folded word is, or belongs to, a number, an ordinal or a month."""
    if word[:1].isdigit() or any(_look(word, table) for table in (CARDINALS, SCALES, VAGUE, ORDINALS, FRACTIONS)):
        return True
    return any(
        word.startswith(prefix) and any(word[len(prefix) :] in table for table in _COUNTING) for prefix in _PREFIXES[:6]
    )


def _ratios(text: str) -> list[tuple[float, set[str]]]:
    """Value of each "19 out of every 20" of a text, with the numbers that it is written with."""
    found = []
    for match in _RATIO.finditer(ungroup_digits(fold(text))):
        part, whole = (_of_one_word(match[place]) for place in ("part", "whole"))
        tens = _look(match["tens"], CARDINALS) if match["tens"] else None
        written = match["part"]
        if part is not None and part < 10 and tens and tens[0] in range(20, 100, 10):
            part, written = tens[0] + part, f"{match['tens']} {match['part']}"  # "ninety-nine out of every hundred"
        if part is not None and whole is not None and 0 < part < whole:
            found.append((part / whole, {written, match["whole"]}))
    return found


def _of_one_word(word: str) -> float | None:
    if word[0].isdigit():
        return _value(word.rstrip(".,"))
    return 1.0 if word == _ONE or word in ONES else (_look(word, CARDINALS) or _look(word, SCALES) or (None,))[0]


def measures(word: str) -> bool:
    """Whether a folded word is a unit."""
    return word in UNITS or word.removeprefix(fold("ال")) in UNITS


# --- comparing ---------------------------------------------------------------------------------------


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
    if one.unit and other.unit:
        amounts = one.value * one.factor, other.value * other.factor
        return one.unit == other.unit and math.isclose(*amounts, rel_tol=1e-6)
    return math.isclose(one.value, other.value, rel_tol=1e-6)


_NAMED_SCALES = {
    100.0: re.compile(r"(?<=[a-z] )Hundred\b|\bالم(?:ئ|ائ)ة عام"),
    1000.0: re.compile(r"(?<=[a-z] )Thousand\b"),
}
"""Numbers in names."""
_PERIODS = {"second", "day", "year"}
"""Units of which the dual is known: «أسبوعين» is no two of anything else."""
_FEW = frozenset({0.0, *map(float, range(3, 13))})
_RATIO = re.compile(
    r"(?=\b(?:(?P<tens>[a-z]+ty)[- ])?(?P<part>[0-9.,]+|[^\W\d]+)(?: \w+)? "
    r"(?:out of(?: every)?|in(?: every)?|of every|من(?: بين)? كل|من اصل|من) (?P<whole>[0-9]+|[^\W\d]+)\b)"
)
"""Of a whole; «98 درجة من 100» is one, too."""
_ARABIC_PART = {word: 1 / part for part, word in enumerate(_PARTS, 5)}
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
    r"\b(?:first|initial|initially|earliest|(?:[وفبل]|ال|وال|لل)*(?:اول|اولي|اوليات|اوايل|اولها|اولهما|اولاهما))\b"
)
_DUAL_ENDING = re.compile(r"\w{3,}(?:ان|ين|تا|تي)$")


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
    centuries = _CENTURY.search(fold(sentence)) is not None
    shares = [quantity.value for quantity in held if quantity.kind == "share"]
    settled = {
        number
        for ratio, numbers in _ratios(sentence)
        if any(math.isclose(ratio, share, rel_tol=1e-6) for share in shares)
        for number in numbers
    }
    pointed = {match[1] for match in _POINTED.finditer(fold(sentence))}
    return (
        _other_period(sentence, evidence)
        + _other_divisor(sentence, evidence)
        + [
            wanted
            for wanted in quantities(sentence)
            if not any(same(wanted, quantity) for quantity in held)
            and not _said_otherwise(wanted, evidence, held)
            and not (wanted.written in pointed and 2 <= wanted.value <= 12)
            and wanted.written not in settled
            and not _rounded(wanted, sentence, held)
            and not (centuries and wanted.kind == "ordinal" and _within_century(wanted.value, held))
            and wanted.written != _ONE  # one of anything is seldom more than an article
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


@lru_cache(maxsize=_KEPT)
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
        return any(q.kind == "ordinal" and q.value == wanted.value // 100 + 1 for q in held)  # the 1700s
    if wanted.written in _DEFINITE_PARTS:
        return any(q.kind == "share" and math.isclose(q.value, _DEFINITE_PARTS[wanted.written]) for q in held)
    if wanted.kind == "ordinal" and wanted.value == 1 and _FIRST.search(fold(evidence)):
        return True
    regnal = _REGNAL.get(int(wanted.value)) if wanted.kind == "ordinal" else None
    return bool(regnal and regnal.search(evidence))
