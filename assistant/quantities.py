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


# --- vocabulary --------------------------------------------------------------------------------------


def _table(lines: str) -> dict[str, float]:
    """Folded word to value, from lines of a value and its words."""
    return {fold(word): float(line.split()[0]) for line in lines.strip().splitlines() for word in line.split()[1:]}


_CARDINALS = _table(
    """
    0 zero صفر
    2 two both اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي كلا كلتا كلتي
    3 three ثلاثة ثلاث ثلاثا
    4 four أربعة أربع أربعا
    5 five خمسة خمس خمسا
    6 six ستة ست ستا
    7 seven سبعة سبع سبعا
    8 eight ثمانية ثماني ثمان ثمانيا
    9 nine تسعة تسع تسعا
    10 ten عشرة عشر
    11 eleven
    12 twelve dozen
    13 thirteen
    14 fourteen
    15 fifteen
    16 sixteen
    17 seventeen
    18 eighteen
    19 nineteen
    20 twenty عشرون عشرين
    30 thirty ثلاثون ثلاثين
    40 forty أربعون أربعين
    50 fifty خمسون خمسين
    60 sixty ستون ستين
    70 seventy سبعون سبعين
    80 eighty ثمانون ثمانين
    90 ninety تسعون تسعين
    200 مئتان مئتين مئتا مئتي مائتان مائتين مائتا مائتي
    300 ثلاثمئة ثلاثمائة
    400 أربعمئة أربعمائة
    500 خمسمئة خمسمائة
    600 ستمئة ستمائة
    700 سبعمئة سبعمائة
    800 ثمانمئة ثمانمائة ثمانيمئة ثمانيمائة
    900 تسعمئة تسعمائة
    2000 ألفان ألفين ألفا ألفي
    2000000 مليونان مليونين مليونا مليوني
    2000000000 ملياران مليارين مليارا ملياري
    2000000000000 تريليونان تريليونين تريليونا تريليوني
    """
)
_SCALES = _table(
    """
    100 hundred مئة مائة مئات
    1000 thousand ألف آلاف الفا
    1000000 million mn مليون ملايين مليونا
    1000000000 billion bn مليار مليارات بليون مليارا
    1000000000000 trillion tn تريليون تريليونات ترليون ترليونات
    """
)
_VAGUE = _table(
    """
    10 dozens tens عشرات
    100 hundreds مئات
    1000 thousands آلاف
    1000000 millions ملايين
    1000000000 billions مليارات
    1000000000000 trillions تريليونات
    """
)
_ORDINALS = _table(
    """
    1 first الأول الأولى أول أولى
    2 second الثاني الثانية ثاني ثانية
    3 third الثالث الثالثة ثالث ثالثة
    4 fourth الرابع الرابعة رابع رابعة
    5 fifth الخامس الخامسة خامس خامسة
    6 sixth السادس السادسة سادس سادسة
    7 seventh السابع السابعة سابع سابعة
    8 eighth الثامن الثامنة ثامن ثامنة
    9 ninth التاسع التاسعة تاسع تاسعة
    10 tenth العاشر العاشرة عاشر عاشرة
    11 eleventh الحادي الحادية حادي حادية
    12 twelfth
    13 thirteenth
    14 fourteenth
    15 fifteenth
    16 sixteenth
    17 seventeenth
    18 eighteenth
    19 nineteenth
    20 twentieth
    30 thirtieth
    """
)
_ONES = {fold(word) for word in "واحد واحدا واحدة أحد إحدى".split()}
"""One, where it is part of a number: «واحد وعشرين», «إحدى عشرة»."""
_TWO_OF = {200.0, 2e3, 2e6, 2e9}
"""What a dual that stands before its noun counts."""
_TEENS = {fold("عشر"), fold("عشرة")}
_FRACTIONS = {
    **{fold(word): 0.5 for word in "half نصف".split()},
    **{fold(word): 1 / 3 for word in "ثلث".split()},
    **{fold(word): 0.25 for word in "quarter ربع".split()},
    **{fold(word): 2 / 3 for word in "ثلثا ثلثي ثلثين ثلثان".split()},
}
_ENGLISH_PARTS = {"half": 0.5, "halves": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25} | {
    f"{name}{end}": 1 / part
    for name, part in (("fifth", 5), ("sixth", 6), ("eighth", 8), ("tenth", 10))
    for end in ("", "s")
}
_ARABIC_PARTS = {
    fold(word + end): value
    for word, value in (("أرباع", 0.25), ("أخماس", 0.2), ("أثلاث", 1 / 3), ("أعشار", 0.1))
    for end in ("", "ه", "ها", "هم")
}
_DECADES = {
    fold(stem + end): value
    for stem, value in (
        ("عشرين", 20), ("ثلاثين", 30), ("أربعين", 40), ("خمسين", 50), ("ستين", 60),
        ("سبعين", 70), ("ثمانين", 80), ("تسعين", 90),
    )
    for end in ("يات", "ات", "ياته", "ياتها")
} | {
    name: 10 * (2 + place)
    for place, name in enumerate("twenties thirties forties fifties sixties seventies eighties nineties".split())
}  # fmt: skip

_MONTHS = [
    "january jan يناير كانون_الثاني جانفي",
    "february feb فبراير شباط فيفري",
    "march مارس آذار",
    "april apr أبريل إبريل نيسان أفريل",
    "may مايو أيار ماي",
    "june jun يونيو حزيران جوان",
    "july jul يوليو تموز جويلية",
    "august aug أغسطس آب أوت",
    "september sep sept سبتمبر أيلول",
    "october oct أكتوبر تشرين_الأول",
    "november nov نوفمبر تشرين_الثاني",
    "december dec ديسمبر كانون_الأول",
]
_MONTH = {fold(name): number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH_PARTS = {part for name in _MONTH for part in name.split("_")} - {"may", "march", fold("اب")}
_UNSURE_MONTHS = {fold(name) for name in "march may mars jan jun dec sep مارس آب ماي أوت جوان".split()}
"""Also words of other meanings: a month only beside a number or a preposition."""

# Unit to what it measures, how many of the base unit it is, and its words.
_UNITS: dict[str, tuple[str, float]] = {}


def _unit(base: str, factor: float, names: str) -> None:
    _UNITS.update({fold(name): (base, factor) for name in names.split()})


_unit("m", 1, "m metre metres meter meters متر مترا أمتار مترين")
_unit("m", 1000, "km kilometre kilometres kilometer kilometers كم كيلومتر كيلومترا كيلومترات")
_unit("m", 0.01, "cm centimetre centimetres centimeter centimeters سم سنتيمتر سنتيمترا سنتيمترات")
_unit(
    "m",
    0.001,
    "mm millimetre millimetres millimeter millimeters مم ملم مليمتر مليمترا مليمترات ملليمتر ملليمترا ملليمترات",
)
_unit("m", 1e-6, "µm μm micrometre micrometres micrometer micrometers micron microns ميكرومتر ميكرومترا ميكرون ميكرونا")
_unit("m", 1e-9, "nm nanometre nanometres nanometer nanometers نانومتر نانومترا نانومترات")
_unit("m", 1609.344, "mile miles ميل ميلا أميال")
_unit("m", 0.9144, "yard yards ياردة ياردات")
_unit("m", 0.3048, "foot feet ft قدم قدما أقدام")
_unit("m", 0.0254, "inch inches بوصة بوصات إنش")
_unit("m2", 1, "m2")
_unit("m2", 1e6, "km2")
_unit("m2", 1e4, "hectare hectares ha هكتار هكتارا هكتارات")
_unit("m2", 4046.8564224, "acre acres فدان فدانا أفدنة فدادين")
_unit("kg", 1, "kg kilogram kilograms كغ كجم كيلوغرام كيلوغراما كيلوغرامات كيلوجرام كيلوجراما")
_unit("kg", 1e-6, "mg milligram milligrams مليغرام مليغراما مليغرامات ميليغرام")
_unit("kg", 1e-9, "microgram micrograms ميكروغرام ميكروغراما ميكروغرامات ميكروجرام")
_unit("kg", 0.001, "gram grams غرام غراما غرامات جرام جراما")
_unit("kg", 1000, "tonne tonnes ton tons طن طنا أطنان")
_unit("kg", 1e6, "kiloton kilotons kilotonne kilotonnes كيلوطن")
_unit("carat", 1, "carat carats قيراط قيراطا قراريط")
_unit("kg", 0.028349523, "ounce ounces أونصة أونصات أوقية")
_unit("litre", 3.785411784, "gallon gallons غالون غالونا غالونات جالون")
_unit("litre", 0.001, "ml millilitre millilitres milliliter milliliters مل مليلتر مليلترا مليلترات ملليلتر")
_unit("litre", 0.1, "dl decilitre decilitres deciliter deciliters ديسيلتر ديسيلترا")
_unit("litre", 1, "litre litres liter liters لتر لترا لترات")
_unit("barrel", 1, "barrel barrels برميل برميلا براميل")
_unit("watt", 1, "watt watts واط")
_unit("watt", 1e3, "kw kilowatt kilowatts كيلوواط")
_unit("watt", 1e6, "mw megawatt megawatts ميغاواط ميجاواط")
_unit("watt", 1e9, "gw gigawatt gigawatts غيغاواط جيجاواط")
_unit("watt", 1e12, "tw terawatt terawatts تيراواط")
_unit("watt hour", 1e3, "kwh")
_unit("watt hour", 1e6, "mwh")
_unit("watt hour", 1e9, "gwh")
_unit("watt hour", 1e12, "twh")
_unit("hertz", 1, "hz hertz هرتز هيرتز")
_unit("hertz", 1e3, "khz kilohertz كيلوهرتز")
_unit("hertz", 1e6, "mhz megahertz ميغاهرتز ميجاهرتز")
_unit("hertz", 1e9, "ghz gigahertz غيغاهرتز جيجاهرتز")
_unit("byte", 1, "byte bytes بايت")
_unit("byte", 1e3, "kilobyte kilobytes كيلوبايت")
_unit("byte", 1e6, "megabyte megabytes ميغابايت ميجابايت")
_unit("byte", 1e9, "gigabyte gigabytes غيغابايت جيجابايت")
_unit("byte", 1e12, "terabyte terabytes تيرابايت")
_unit("volt", 1, "volt volts فولت فولتا")
_unit("volt", 1e3, "kv kilovolt kilovolts كيلوفولت")
_unit("joule", 1, "joule joules جول")
_unit("calorie", 1, "calorie calories kilocalorie kilocalories سعرة سعرات")
_unit("decibel", 1, "decibel decibels ديسيبل")
_unit("knot", 1, "knot knots عقدة")
_unit("second", 1, "seconds ثانية ثوان ثوانى")
_unit("second", 60, "minute minutes دقيقة دقائق")
_unit("second", 3600, "hour hours ساعة ساعات")
_unit("day", 1, "day days يوم يوما أيام")
_unit("day", 7, "week weeks أسبوع أسبوعا أسابيع")
_unit("year", 1, "year years سنة سنوات سنين أعوام عاما سنويا")
_unit("year", 1 / 12, "month months شهر شهرا أشهر شهور")
_unit("year", 10, "decade decades عقد عقدا عقود")
_unit("year", 100, "century centuries قرن قرنا قرون")
_unit("year", 1000, "millennium millennia ألفية ألفيات")
_unit("usd", 1, "$ us$ dollar dollars دولار دولارا دولارات")
_unit("usd", 0.01, "cent cents سنت سنتا سنتات")
_unit("eur", 1, "€ euro euros يورو")
_unit("gbp", 1, "£ pound pounds sterling جنيه جنيها جنيهات استرليني")
_unit("jpy", 1, "¥ yen ين")
_unit("cny", 1, "yuan renminbi يوان")
_unit("sar", 1, "riyal riyals ريال ريالا ريالات")
_unit("aed", 1, "dirham dirhams درهم درهما دراهم")
_unit("chf", 1, "franc francs فرنك فرنكا فرنكات")
_unit("try", 1, "lira liras ليرة ليرات")
_unit("dinar", 1, "dinar dinars دينار دينارا دنانير")
_unit("inr", 1, "rupee rupees روبية روبيات")
_unit("rub", 1, "rouble roubles ruble rubles روبل روبلا روبلات")
_unit("peso", 1, "peso pesos بيزو")
_unit("bdt", 1, "taka takas تاكا")
_unit("thb", 1, "baht باهت")
_unit("kzt", 1, "tenge تنغي تنغه")
_unit("krone", 1, "krone kroner krona kronor كرونة كرونات")
_unit("pln", 1, "zloty zlotys زلوتي")
_unit("uah", 1, "hryvnia هريفنيا")
_unit("ils", 1, "shekel shekels شيكل شيكلا")
_unit("shilling", 1, "shilling shillings شلن شلنا شلنات")
_unit("ngn", 1, "naira نايرا")
_unit("etb", 1, "birr")
_unit("brl", 1, "reais")
_unit("celsius", 1, "celsius مئوية")
_unit("kelvin", 1, "kelvin كلفن")
_unit("fahrenheit", 1, "fahrenheit فهرنهايت")
_DEGREES = {"degree", "degrees", *(fold(word) for word in "درجة درجات".split())}
_LIGHT = {"light", fold("ضوئية")}
_LIGHT_YEAR = 9.4607304725808e15
"""Metres."""
_SQUARE = {"square", fold("مربع"), fold("مربعا"), fold("مربعة")}
_CUBIC = {"cubic", fold("مكعب"), fold("مكعبا"), fold("مكعبة")}
_CURRENCY_BEFORE = {"$", "us$", "€", "£", "¥"}
_PER_CENT = {"%", "٪", "percent", "percentage"}
_HUNDRED = (fold("المئة"), fold("المائة"), fold("المية"), fold("الماية"))
_DUALS = {
    **{fold(word): ("year", 2.0) for word in "عامان عامين سنتان سنتين سنتا".split()},
    **{fold(word): ("year", 2 / 12) for word in "شهران شهرين".split()},
    **{fold(word): ("year", 20.0) for word in "عقدان عقدين".split()},
    **{fold(word): ("year", 200.0) for word in "قرنان قرنين".split()},
    **{fold(word): ("day", 2.0) for word in "يومان يومين".split()},
    **{fold(word): ("day", 14.0) for word in "أسبوعان أسبوعين".split()},
    **{fold(word): ("second", 120.0) for word in "دقيقتان دقيقتين".split()},
    **{fold(word): ("second", 7200.0) for word in "ساعتان ساعتين".split()},
    **{
        fold(word): ("", 2.0)
        for word in "مرتان مرتين دولتان دولتين بلدان_اثنان مدينتان مدينتين درجتان درجتين twice".split()
    },
}
"""Words that are a count of two by themselves, with what they count."""

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
_VOWELLED_PART = re.compile(r"\b(?:وال|بال|ال|و|ب)?((?:خ|س|ث|ت|ع)\u064f[بدمسش][سعنر])(?!\w)")
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
    r"|(?:لكل|في كل|في) (?:ال)?(?P<arabic>\w+)(?: (?:ال)?(?P<powered>مربعه?|مكعبه?))?)\b"
)


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
        vague = _look(token.text, _VAGUE)
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
        if following and f"{name}_{following}" in _MONTH:
            return _MONTH[f"{name}_{following}"], 2
        if name in _MONTH:
            before = tokens[at - 1] if at else None
            after = tokens[at + 1] if at + 1 < len(tokens) else None
            sure = name not in _UNSURE_MONTHS or any(t and t.number is not None for t in (before, after))
            if sure or (before and before.text in _NEAR_MONTH):
                return _MONTH[name], 1
    return None


def _single(tokens: Sequence[_Token], at: int) -> Quantity | None:
    """One of a unit: "one metre", «متر واحد»."""
    token, following = tokens[at], _word(tokens, at + 1)
    if token.text == "one" and following in _UNITS:
        name = following
    elif following in _ONES and token.text in _UNITS:
        name = token.text
    else:
        return None
    base, factor = _UNITS[name]
    return Quantity("number", 1.0, base, factor, token.start, _ONE, False)


def _one_per_cent(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    """«واحد في المئة», whose first word is no number by itself."""
    token, following, third = tokens[at], _word(tokens, at + 1), _word(tokens, at + 2)
    length = 0
    if token.text == _ONE and (following in _PER_CENT or (following, third) == ("per", "cent")):
        length = 2 if following in _PER_CENT else 3
    elif token.text.removeprefix("ب") in _ONES and following == fold("في") and third in _HUNDRED:
        length = 3
    return (Quantity("share", 0.01, "", 1, token.start, token.text, False), length) if length else (None, 1)


def _dual(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    for prefix in _PREFIXES:
        if token.text.startswith(prefix) and token.text[len(prefix) :] in _DUALS:
            unit, factor = _DUALS[token.text[len(prefix) :]]
            value, factor = 2.0, factor / 2
            return Quantity("number", value, unit, factor, token.start, token.text, False), 1
    return None, 1


def _fraction(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    if following in _FINAL:
        return None, 1
    several = _look(token.text, _CARDINALS)
    part = _ENGLISH_PARTS.get(following) or (_look(following, _ARABIC_PARTS) or (None,))[0]
    if (
        several
        and part
        and following not in ("second",)
        and following not in ("third", "fifth", "sixth", "eighth", "tenth")
    ):
        return Quantity("share", several[0] * part, "", 1, token.start, token.text, False), 2
    scale, words = _scale_of_part(tokens, at)
    whole = _look(token.text, _FRACTIONS)
    if scale and whole:
        return Quantity("number", whole[0] * scale, "", 1, token.start, token.text, False), words
    if token.text in ("a", "one") and following in _ENGLISH_PARTS and _word(tokens, at + 2) == "of":
        unit = _UNITS.get(_word(tokens, at + 4)) if _word(tokens, at + 3) in ("a", "an") else None
        if unit:
            part = _ENGLISH_PARTS[following]
            return Quantity("number", part, *unit, start=token.start, written=following, in_digits=False), 5
    if token.text in ("a", "one") and following in _ENGLISH_PARTS:
        scale, words = _scale_of_part(tokens, at + 1)
        if scale:
            return (
                Quantity("number", _ENGLISH_PARTS[following] * scale, "", 1, token.start, following, False),
                words + 1,
            )
        return Quantity("share", _ENGLISH_PARTS[following], "", 1, token.start, following, False), 2
    value = _look(token.text, _FRACTIONS)
    article = following in ("a", "an")
    name = _word(tokens, at + 1 + article)
    unit = ("year", 1.0) if name == fold("عام") else _UNITS.get(name)
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
            scale = _look(_word(tokens, place), _SCALES) if place < len(tokens) else None
            if scale and scale[0] >= 1000 and not scale[1]:
                return scale[0], 2 + len(between)
    return 0.0, 1


def _ordinal(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token, following = tokens[at], _word(tokens, at + 1)
    found = _look(token.text, _ORDINALS)
    if at and _word(tokens, at - 1) in _PLACE:
        return None, 1
    if token.text == "first" and _word(tokens, at - 1) == "at":
        return None, 1
    if found and at and tokens[at - 1].number is not None and token.text in _UNITS:
        return None, 1  # «20 ثانية»
    if not found or following in _CARBON or token.text in (fold("أولا"), fold("أولي")):
        tens = _look(token.text, _CARDINALS)
        unit = _look(following, _ORDINALS) if following and following.isascii() else None
        if tens and token.text.isascii() and tens[0] >= 20 and unit and unit[0] < 10:
            return Quantity("ordinal", tens[0] + unit[0], "", 1, token.start, f"{token.text} {following}", False), 2
        return None, 1
    value = found[0]
    for step in (1, 2):  # "the first of July" is its day 1
        if (step == 1 or following in _OF) and at + step < len(tokens) and _month(tokens, at + step):
            return Quantity("number", value, "", 1, token.start, token.text, False), 1
    if following in _TEENS:
        value = 11.0 if value == 11 else value + 10
        return Quantity("ordinal", value, "", 1, token.start, f"{token.text} {following}", False), 2
    tens = _look(following, _CARDINALS) if following.startswith(_CONJUNCTION) else None
    if tens and tens[0] in (20, 30, 40, 50, 60, 70, 80, 90):
        return Quantity("ordinal", (1 if value == 11 else value) + tens[0], "", 1, token.start, token.text, False), 2
    return Quantity("ordinal", value, "", 1, token.start, token.text, False), 1


def _decade(tokens: Sequence[_Token], at: int) -> tuple[Quantity | None, int]:
    token = tokens[at]
    found = _look(token.text, {key: float(value) for key, value in _DECADES.items()})
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
    tens = _look(following, _CARDINALS) if following.startswith(_CONJUNCTION) else None
    if following not in _TEENS and not (tens and 20 <= tens[0] <= 90):
        return None
    return next(((1.0, p.startswith(_CONJUNCTION)) for p in _PREFIXES if word.removeprefix(p) in _ONES), None)


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
        opening = _look(first.text.removesuffix("fold"), _CARDINALS) or _one(first.text, _word(tokens, at + 1))
        if first.text == _ONE and [_word(tokens, at + step) for step in (1, 2, 3)] == ["and", "a", "half"]:
            opening = 1.0, False
        scale_first = _look(first.text, _SCALES)
        alone = _look(first.text, _VAGUE)
        following = _word(tokens, at + 1)
        ends = at + 1 == len(tokens) or following.startswith(_CONJUNCTION)
        if ends and opening and first.text.endswith("ا") and opening[0] in _TWO_OF:
            # «ألفا وخمسين» is one thousand and fifty, «ألفا كيلومتر» two thousand, «ألفا» by itself alpha, and
            # «ميتا وأورانج» are two companies
            goes_on = any(_look(following, table) for table in (_CARDINALS, _SCALES))
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
        if text == "and" and not digits and _look(_word(tokens, at + used + 1), _CARDINALS) and last >= 100:
            used += 1
            continue
        if text in _AND_A_HALF and last >= 1000:
            total, used = total + last / 2, used + 1
            repeated = _look(tokens[at + used].text, _SCALES) if at + used < len(tokens) else None
            used += bool(repeated and repeated[0] == last)
            break
        if text == "dozen" and current < 100:
            current, used = current * 12, used + 1
            continue
        scaled = None if text in _BY_THE_HUNDRED else _look(text, _SCALES)
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
        cardinal = None if text in _BY_THE_HUNDRED else _look(text, {**_CARDINALS, **_SCALES})
        joined = bool(cardinal and cardinal[1] and not digits)
        if text == _ONE and last in range(20, 100, 10):
            current, last, used = current + 1, 1.0, used + 1
            continue
        teen = text in _TEENS and 1 <= current % 100 < 10
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
        or after in _PER_CENT
        or (after in ("per", "in") and second in ("cent", "hundred"))
    ):
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used
    if after == fold("في") and second in _HUNDRED:
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used + 2
    if after in _BY_THE_HUNDRED:
        return Quantity("share", value / 100, "", 1, first.start, written, digits), used + 1
    if second in _AND_A_HALF and value < _FEW_WHOLE and not digits and not counts(after):
        value, written = value + 0.5, f"{written} {after} {second}"  # «ثلاث نقاط ونصف»
    if after in _NAUTICAL or (after in _MILES and second in _NAUTICAL):
        return Quantity("number", value, "m", 1852, first.start, written, digits), used + 2
    if _LIGHT & {after, second} and "year" in {_UNITS.get(word, ("",))[0] for word in (after, second)}:
        return Quantity("number", value, "m", _LIGHT_YEAR, first.start, written, digits), used + 2
    if after in _DEGREES and second in _UNITS:
        return Quantity("number", value, *_UNITS[second], first.start, written, digits), used + 2
    if _word(tokens, at - 1) in _CURRENCY_BEFORE:
        return Quantity("number", value, _UNITS[_word(tokens, at - 1)][0], 1, first.start, written, digits), used
    if first.tail in _UNITS:
        base, factor = _UNITS[first.tail]
        return Quantity("number", value, base, factor, first.start, written, digits), used
    if after in _SQUARE | _CUBIC and second in _UNITS:
        return _powered(first, value, _UNITS[second], after in _SQUARE, written), used + 2
    for name in (after, after.removeprefix(fold("ال"))):
        if name in _UNITS:
            if second in _SQUARE | _CUBIC:
                return _powered(first, value, _UNITS[name], second in _SQUARE, written), used + 2
            base, factor = _UNITS[name]
            if base == "watt" and _UNITS.get(second) == _UNITS["hour"]:
                return Quantity("number", value, "watt hour", factor, first.start, written, digits), used + 2
            return Quantity("number", value, base, factor, first.start, written, digits), used
    return Quantity("number", value, "", 1, first.start, written, digits), used


def _powered(first: _Token, value: float, unit: tuple[str, float], square: bool, written: str) -> Quantity:
    base, factor = unit
    power = 2 if square else 3
    return Quantity("number", value, f"{base}{power}", factor**power, first.start, written, first.number is not None)


_COUNTING: tuple[Mapping[str, object] | set[str], ...] = (_MONTH_PARTS, _DECADES, _DUALS, _ARABIC_PARTS)


@lru_cache(maxsize=_KEPT_WORDS)
def counts(word: str) -> bool:
    """Whether a folded word is, or belongs to, a number, an ordinal or a month."""
    if word[:1].isdigit() or any(_look(word, table) for table in (_CARDINALS, _SCALES, _VAGUE, _ORDINALS, _FRACTIONS)):
        return True
    return any(
        word.startswith(prefix) and any(word[len(prefix) :] in table for table in _COUNTING) for prefix in _PREFIXES[:6]
    )


def _ratios(text: str) -> list[tuple[float, set[str]]]:
    """Value of each "19 out of every 20" of a text, with the numbers that it is written with."""
    found = []
    for match in _RATIO.finditer(ungroup_digits(fold(text))):
        part, whole = (_of_one_word(match[place]) for place in ("part", "whole"))
        tens = _look(match["tens"], _CARDINALS) if match["tens"] else None
        written = match["part"]
        if part is not None and part < 10 and tens and tens[0] in range(20, 100, 10):
            part, written = tens[0] + part, f"{match['tens']} {match['part']}"  # "ninety-nine out of every hundred"
        if part is not None and whole is not None and 0 < part < whole:
            found.append((part / whole, {written, match["whole"]}))
    return found


def _of_one_word(word: str) -> float | None:
    if word[0].isdigit():
        return _value(word.rstrip(".,"))
    return 1.0 if word == _ONE or word in _ONES else (_look(word, _CARDINALS) or _look(word, _SCALES) or (None,))[0]


def measures(word: str) -> bool:
    """Whether a folded word is a unit."""
    return word in _UNITS or word.removeprefix(fold("ال")) in _UNITS


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
            base, factor = _UNITS.get(name or "", ("", 1.0))
            if base in _DIVIDING:
                exponent = 1 if not power else 2 if power in _SQUARE else 3
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


def _scales(text: str) -> list[tuple[float, bool] | None]:
    """What the words of a text are as scales: a hundred, a thousand."""
    return [_look(word, _SCALES) for word in re.findall(r"[^\W\d_]+", fold(text))]


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
    if not wanted.in_digits and any(scale and scale[0] == wanted.value for scale in _scales(evidence)):
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
