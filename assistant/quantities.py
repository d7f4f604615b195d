"""Numbers, dates, shares and measures of a text in either language, as values that compare: pure functions.

«٢٠٠٤» and "2004", «ثلاثة تريليونات» and "3 trillion", «عشرة في المئة» and "10%", «كانون الثاني» and "January",
"5 km" and "5,000 metres" are the same quantities. What is read is what is written: nothing is rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
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

KEPT = 512
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
PARTS = [fold(word) for word in "خمس سدس سبع ثمن تسع عشر".split()]
"""A fifth, a sixth, … a tenth; without their vowels the numbers five to ten, too."""
_VOWELLED_PART = re.compile(
    r"\b(?:وال|بال|ال|و|ب)?(" + "|".join(f"{part[0]}\u064f{part[1]}\u064f?{part[2]}" for part in PARTS) + r")(?!\w)"
)
"""«عُشر»: the first vowel tells it from ten."""
_SEASON = re.compile(r"(?<![0-9])((?:18|19|20)[0-9]{2})[-–/]([0-9]{2})(?![0-9-])")
_FINAL = ("final", "finals", fold("نهائي"), fold("النهائي"), fold("نهائيات"))
_PLACE = {fold("المقام"), fold("بالدرجة")}
"""«في المقام الأول» and «بالدرجة الأولى» are "chiefly"."""
_NO_ORDINALS = {fold("أولا"), fold("أولي"), fold("باولي")}
_AGAIN = re.compile("ثانيةً|ثانيًة|(?<=مرة )ثانية")
_OF = ("of", fold("من"))
ONE = "one"
_ZERO = {"zero", fold("صفر"), fold("الصفر")}
_BESIDE_ZERO = {"below", "above", fold("تحت"), fold("فوق"), fold("دون")}
"""Before a zero that is a mark of the thermometer."""
_TO = {"to", "-", "–", "or", fold("إلى"), fold("أو")}
_AND = {"and", _CONJUNCTION}
_BETWEEN = re.compile(r"\b(?:between|ما بين|وبين|بين)(?: (?:about|some|نحو|حوالي|around|roughly))? $")
"""What the two ends of a range have between and before them."""
_NAUTICAL = {"nautical", *(fold(word) for word in "بحري بحريا بحرية".split())}
_MILES = {fold(word) for word in "ميل ميلا أميال".split()}
_FEW_WHOLE = 100.0
"""Numbers in words below this may have a half behind what they count."""
_BY_THE_HUNDRED = {fold("بالمئة"), fold("بالمائة")}
_AND_A_HALF = {fold("ونصف"), fold("والنصف")}
_AND_A_PART = dict.fromkeys(_AND_A_HALF, 0.5) | {fold("وربع"): 0.25, fold("وثلث"): 1 / 3}
_DOZEN = {"dozen", fold("دزينة"), fold("درزن")}
_PART_OF = {fold("جزء"): 1.0, fold("جزءا"): 1.0, fold("جزأين"): 2.0, fold("جزءين"): 2.0, fold("جزآن"): 2.0}
_PARTS_OF = {fold("أجزاء")}
"""«جزء من ألف» is a thousandth, «ثلاثة أجزاء من مليون» are three millionths."""


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
            tokens.append(_Token(match["number"], start, value_of(match["number"]), match["tail"] or ""))
        else:
            tokens.append(_Token(match.group(), start))
    return tokens, dates


def value_of(digits: str) -> float:
    """Value of a number in digits, its thousands and decimals marked as either language does."""
    if _DECIMAL_COMMA.fullmatch(digits):
        return float(digits.replace(",", "."))
    whole = digits.replace(",", "") if digits.count(".") <= 1 else digits.replace(".", "").replace(",", "")
    return float(whole)


def look(word: str, table: dict[str, float]) -> tuple[float, bool] | None:
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


@lru_cache(maxsize=KEPT)
def _quantities(text: str) -> tuple[Quantity, ...]:
    text = _AGAIN.sub("مجددا", _VOWELLED_PART.sub(_part_in_digits, _ROMAN.sub(_in_digits, text)))
    folded = _SEASON.sub(_whole_years, ungroup_digits(fold(text)))
    tokens, found = _tokens(folded)
    position = 0
    while position < len(tokens):
        quantity, used = _read(tokens, position)
        if quantity:
            found.append(quantity)
        position += max(used, 1)
    found.sort(key=lambda quantity: quantity.start)
    return tuple(_of_range(folded, one, other) for one, other in zip_longest(found, found[1:]))


def _of_range(folded: str, one: Quantity, other: Quantity | None) -> Quantity:
    """The lower end of a range with the unit that its upper end has: "between 1,500 and 1,800 kilograms"."""
    if not other or one.unit or one.kind != "number" or not (other.unit or other.kind == "share"):
        return one
    before, between = folded[: one.start], folded[one.start + len(one.written) : other.start].strip()
    if between not in _TO and not (between in _AND and _BETWEEN.search(before)):
        return one
    if other.kind == "share":
        return replace(one, kind="share", value=one.value / 100)
    return replace(one, unit=other.unit, factor=other.factor)


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
    for reader in (_one_per_cent, _one_and_a_half, _dual, _fraction, _ordinal, _decade):
        quantity, used = reader(tokens, at)
        if quantity:
            return quantity, used
    value, used = _cardinal(tokens, at)
    if value is None:
        vague = look(token.text, VAGUE)
        return (Quantity("vague", vague[0], "", 1, token.start, token.text, False), 1) if vague else (None, 1)
    return _measured(tokens, at, value, used)


def _in_digits(match: re.Match[str]) -> str:
    return f"{_ROMAN_NUMERALS.index(match.group()) + 2}th"


def _part_in_digits(match: re.Match[str]) -> str:
    return f"{100 / (5 + PARTS.index(fold(match[1]))):.10g}%"


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
    return Quantity("number", 1.0, base, factor, token.start, ONE, False)


def _one_per_cent(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """«واحد في المئة», whose first word is no number by itself."""
    token, following, third = tokens[at], _word(tokens, at + 1), _word(tokens, at + 2)
    length = 0
    if token.text == ONE and (following in PER_CENT or (following, third) == ("per", "cent")):
        length = 2 if following in PER_CENT else 3
    elif token.text.removeprefix("ب") in ONES and following == fold("في") and third in HUNDRED:
        length = 3
    return (Quantity("share", 0.01, "", 1, token.start, token.text, False), length) if length else (None, 1)


def _dual(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    for prefix in _PREFIXES:
        if token.text.startswith(prefix) and token.text[len(prefix) :] in DUALS:
            unit, factor = DUALS[token.text[len(prefix) :]]
            half = bool(unit) and _word(tokens, at + 1) in _AND_A_HALF
            value, factor = 2.5 if half else 2.0, factor / 2
            return Quantity("number", value, unit, factor, token.start, token.text, False), 1 + half
    return None, 1


def _one_and_a_half(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """One of a unit and a half: "an hour and a half", «ساعة ونصف», «عقد ونصف العقد»."""
    token, following = tokens[at], _word(tokens, at + 1)
    if token.text in ("a", "an") and following in UNITS:
        if [_word(tokens, at + step) for step in (2, 3, 4)] == ["and", "a", "half"]:
            return Quantity("number", 1.5, *UNITS[following], token.start, f"{following} and a half", False), 5
        return None, 1
    alone = at == 0 or (tokens[at - 1].number is None and not counts(tokens[at - 1].text))
    unit = _unit(token.text) or next((_unit(token.text.removeprefix(prefix)) for prefix in _PREFIXES[1:5]), None)
    if unit and alone and following in _AND_A_HALF:
        repeated = _word(tokens, at + 2).removeprefix(fold("ال"))
        words = 2 + bool(repeated and token.text.endswith(repeated))
        return Quantity("number", 1.5, *unit, token.start, f"{token.text} {following}", False), words
    return None, 1


def _unit(word: str) -> tuple[str, float] | None:
    """What a word measures where a number or a part is before it."""
    return ("year", 1.0) if word == fold("عام") else UNITS.get(word)


def _unit_after(tokens: Sequence[_Token], at: int) -> tuple[tuple[str, float] | None, int]:
    """The unit of which a part is said before ``at``, and how many words it takes: "of an hour", «الساعة»."""
    for between in ((), ("of", "a"), ("of", "an"), ("of", "one"), ("a",), ("an",), (fold("من"),)):
        if [_word(tokens, at + step) for step in range(len(between))] == list(between):
            name = _word(tokens, at + len(between))
            if name == "second" and between:
                name = "seconds"
            unit = _unit(name) or (_unit(name.removeprefix(fold("ال"))) if name.startswith(fold("ال")) else None)
            if unit:
                return unit, len(between) + 1
    return None, 0


def _part(tokens: Sequence[_Token], at: int) -> tuple[float, str, int] | None:
    """A part of a whole that begins at a token ("two thirds"), the word for it, and how many words it takes."""
    word, following, third = (_word(tokens, at + step) for step in range(3))
    article = word in ("a", ONE)
    several = 1.0 if article else (look(word, CARDINALS) or (0.0,))[0]
    if several and following in ENGLISH_PARTS and not third.startswith("centur"):
        # "two third places" are no two thirds, "three quarter hours" are three quarters
        if article or following.endswith(("s", "quarter")):
            return several * ENGLISH_PARTS[following], following, 2
        return None
    many = look(following, CARDINALS) or look(following, SCALES)
    if article and many and third in ENGLISH_PARTS and ENGLISH_PARTS[third] <= 0.01:
        return ENGLISH_PARTS[third] / many[0], third, 3  # "one ten-millionth"
    arabic = look(following, ARABIC_PARTS)
    if several and arabic:
        return several * arabic[0], word, 2
    parts = _PART_OF.get(word) or (several if following in _PARTS_OF else 0.0)
    start = at + (1 if word in _PART_OF else 2)
    if parts and _word(tokens, start) == fold("من") and _word(tokens, start + 1):
        whole, used = _cardinal(tokens, start + 1)
        if whole and whole >= 10:
            used += _word(tokens, start + 1 + used) == fold("جزء")
            return parts / whole, word, start + 1 + used - at
    return None


def _fraction(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    half = at + (token.text == "a")
    if [_word(tokens, half - step) for step in (2, 1, 0)] == ["and", "a", "half"] and _unit(_word(tokens, half - 3)):
        return None, 1  # "two years and a half" is read with the years
    if following in _FINAL:
        return None, 1
    scale, words = _scale_of_part(tokens, at)
    whole = look(token.text, FRACTIONS)
    if scale and whole:
        return Quantity("number", whole[0] * scale, "", 1, token.start, token.text, False), words
    part = _part(tokens, at)
    if part:
        value, written, words = part
        scale, used = _scale_of_part(tokens, at + words - 1)
        if scale and token.text.isascii():
            return Quantity("number", value * scale, "", 1, token.start, written, False), words - 1 + used
        unit, used = _unit_after(tokens, at + words)
        if unit and not (written in ("third", "fifth") and used == 1):  # "a third day" is the next after two
            return Quantity("number", value, *unit, token.start, written, False), words + used
        return Quantity("share", value, "", 1, token.start, written, False), words
    if not whole or token.text in _AND_A_PART:
        return None, 1
    unit, used = _unit_after(tokens, at + 1)
    if unit and not following.startswith(fold("ال")):  # "half a kilogram", «ثلث ساعة»
        return Quantity("number", whole[0], *unit, token.start, token.text, False), 1 + used
    return Quantity("share", whole[0], "", 1, token.start, token.text, False), 1


def _scale_of_part(tokens: Sequence[_Token], at: int) -> tuple[float, int]:
    """The million of "half a million", «نصف مليون» or "a quarter of a million", and how long that is; 0 without one."""
    for between in ((), ("a",), ("of", "a"), ("of", "one")):
        place = at + 1 + len(between)
        if all(_word(tokens, at + 1 + step) == word for step, word in enumerate(between)):
            scale = look(_word(tokens, place), SCALES) if place < len(tokens) else None
            if _word(tokens, place) in _DOZEN:
                return 12.0, 2 + len(between)
            if scale and scale[0] >= 1000 and not scale[1]:
                return scale[0], 2 + len(between)
    return 0.0, 1


def _ordinal(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    found = look(token.text, ORDINALS)
    if at and _word(tokens, at - 1) in _PLACE:
        return None, 1
    if token.text == "first" and _word(tokens, at - 1) == "at":
        return None, 1
    if found and at and tokens[at - 1].number is not None and token.text in UNITS:
        return None, 1  # «20 ثانية»
    if not found or following in _CARBON or token.text in _NO_ORDINALS:
        tens = look(token.text, CARDINALS)
        unit = look(following, ORDINALS) if following and following.isascii() else None
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
    tens = look(following, CARDINALS) if following.startswith(_CONJUNCTION) else None
    if tens and tens[0] in (20, 30, 40, 50, 60, 70, 80, 90):
        return Quantity("ordinal", (1 if value == 11 else value) + tens[0], "", 1, token.start, token.text, False), 2
    return Quantity("ordinal", value, "", 1, token.start, token.text, False), 1


def _decade(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    found = look(token.text, {key: float(value) for key, value in DECADES.items()})
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
    tens = look(following, CARDINALS) if following.startswith(_CONJUNCTION) else None
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
        opening = look(first.text.removesuffix("fold"), CARDINALS) or _one(first.text, _word(tokens, at + 1))
        if first.text == ONE and [_word(tokens, at + step) for step in (1, 2, 3)] == ["and", "a", "half"]:
            opening = 1.0, False
        scale_first = look(first.text, SCALES)
        alone = look(first.text, VAGUE)
        following = _word(tokens, at + 1)
        ends = at + 1 == len(tokens) or following.startswith(_CONJUNCTION)
        if ends and opening and first.text.endswith("ا") and opening[0] in TWO_OF:
            # «ألفا وخمسين» is one thousand and fifty, «ألفا كيلومتر» two thousand, «ألفا» by itself alpha, and
            # «ميتا وأورانج» are two companies
            goes_on = any(look(following, table) for table in (CARDINALS, SCALES))
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
        if text == "and" and not digits and look(_word(tokens, at + used + 1), CARDINALS) and last >= 100:
            used += 1
            continue
        if text in _AND_A_PART and last >= 1000:
            total, used = total + last * _AND_A_PART[text], used + 1
            repeated = look(tokens[at + used].text, SCALES) if at + used < len(tokens) else None
            used += bool(repeated and repeated[0] == last)
            break
        if text == "dozen" and current < 100:
            current, used = current * 12, used + 1
            continue
        scaled = None if text in _BY_THE_HUNDRED else look(text, SCALES)
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
        cardinal = None if text in _BY_THE_HUNDRED else look(text, {**CARDINALS, **SCALES})
        joined = bool(cardinal and cardinal[1] and not digits)
        if text == ONE and last in range(20, 100, 10):
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
    if first.tail == "%" and _unit(after):  # «عُشر غرام», whose vowel has told it from ten
        return Quantity("number", value / 100, *UNITS[after], first.start, written, False), used + 1
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
    elif [_word(tokens, at + used + step) for step in (1, 2, 3)] == ["and", "a", "half"] and value < _FEW_WHOLE:
        value, written = value + 0.5, f"{written} {after} and a half"  # "two years and a half"
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
    if word[:1].isdigit() or any(look(word, table) for table in (CARDINALS, SCALES, VAGUE, ORDINALS, FRACTIONS)):
        return True
    return any(
        word.startswith(prefix) and any(word[len(prefix) :] in table for table in _COUNTING) for prefix in _PREFIXES[:6]
    )


def measures(word: str) -> bool:
    """Whether a folded word is a unit."""
    return word in UNITS or word.removeprefix(fold("ال")) in UNITS
