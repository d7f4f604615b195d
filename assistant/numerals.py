"""The words of numbers, parts, months, decades and units in both languages, folded: the tables of ``quantities``."""

from __future__ import annotations

from assistant.text import fold


def _table(lines: str) -> dict[str, float]:
    """Folded word to value, from lines of a value and its words."""
    return {fold(word): float(line.split()[0]) for line in lines.strip().splitlines() for word in line.split()[1:]}


CARDINALS = _table(
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
SCALES = _table(
    """
    100 hundred مئة مائة مئات
    1000 thousand ألف آلاف الفا
    1000000 million mn مليون ملايين مليونا
    1000000000 billion bn مليار مليارات بليون مليارا
    1000000000000 trillion tn تريليون تريليونات ترليون ترليونات
    """
)
VAGUE = _table(
    """
    10 dozens tens عشرات
    100 hundreds مئات
    1000 thousands آلاف
    1000000 millions ملايين
    1000000000 billions مليارات
    1000000000000 trillions تريليونات
    """
)
ORDINALS = _table(
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
ONES = {fold(word) for word in "واحد واحدا واحدة أحد إحدى".split()}
"""One, where it is part of a number: «واحد وعشرين», «إحدى عشرة»."""
TWO_OF = {200.0, 2e3, 2e6, 2e9}
"""What a dual that stands before its noun counts."""
TEENS = {fold("عشر"), fold("عشرة")}
FRACTIONS = {
    "half": 0.5,
    "quarter": 0.25,
    **{
        fold(word + end): value
        for word, value in (("نصف", 0.5), ("ثلث", 1 / 3), ("ربع", 0.25), ("ثلثا", 2 / 3), ("ثلثي", 2 / 3))
        for end in ("", "ه", "ها", "هم", "هما", "هن")
    },
    **{fold(word): 2 / 3 for word in "ثلثين ثلثان".split()},
}
ENGLISH_PARTS = {"half": 0.5, "halves": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25} | {
    f"{name}{end}": 1 / part
    for name, part in (
        ("fifth", 5), ("sixth", 6), ("seventh", 7), ("eighth", 8), ("ninth", 9), ("tenth", 10), ("twelfth", 12),
        ("twentieth", 20), ("hundredth", 100), ("thousandth", 1e3), ("millionth", 1e6), ("billionth", 1e9),
    )
    for end in ("", "s")
}  # fmt: skip
ARABIC_PARTS = {
    fold(word + end): value
    for word, value in (
        ("أرباع", 0.25), ("أخماس", 0.2), ("أثلاث", 1 / 3), ("أعشار", 0.1), ("أسداس", 1 / 6), ("أثمان", 0.125),
        ("أتساع", 1 / 9), ("أسباع", 1 / 7),
    )
    for end in ("", "ه", "ها", "هم")
}  # fmt: skip
DECADES = {
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
MONTH = {fold(name): number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
MONTH_PARTS = {part for name in MONTH for part in name.split("_")} - {"may", "march", fold("اب")}
UNSURE_MONTHS = {fold(name) for name in "march may august mars jan jun dec sep مارس آب ماي أوت جوان".split()}
"""Also words of other meanings: a month only beside a number or a preposition."""

# Unit to what it measures, how many of the base unit it is, and its words.
UNITS: dict[str, tuple[str, float]] = {}


def _unit(base: str, factor: float, names: str) -> None:
    UNITS.update({fold(name): (base, factor) for name in names.split()})


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
_unit("kg", 1e-6, "mg milligram milligrams مليغرام مليغراما مليغرامات ميليغرام ملليغرام ملليغراما ملليغرامات ملغ")
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
_unit("bit", 1, "bit bits بت")
_unit("bit", 1e3, "kilobit kilobits كيلوبت")
_unit("bit", 1e6, "megabit megabits ميغابت ميجابت")
_unit("bit", 1e9, "gigabit gigabits غيغابت جيجابت")
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
# Money or weight: English has one word for both.
_unit("pound", 1, "£ pound pounds sterling جنيه جنيها جنيهات استرليني رطل رطلا أرطال")
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
DEGREES = {"degree", "degrees", *(fold(word) for word in "درجة درجات".split())}
LIGHT = {"light", fold("ضوئية")}
LIGHT_YEAR = 9.4607304725808e15
"""Metres."""
SQUARE = {"square", fold("مربع"), fold("مربعا"), fold("مربعة")}
CUBIC = {"cubic", fold("مكعب"), fold("مكعبا"), fold("مكعبة")}
CURRENCY_BEFORE = {"$", "us$", "€", "£", "¥"}
PER_CENT = {"%", "٪", "percent", "percentage"}
HUNDRED = (fold("المئة"), fold("المائة"), fold("المية"), fold("الماية"))
DUALS = {
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
