"""Quantities of a sentence that its evidence holds, however it is written there, and those that it does not."""

from __future__ import annotations

import pytest

from assistant.amounts import missing


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("في عام ٢٠٠٤", "in 2004"),
        ("10%", "عشرة في المئة"),
        ("half of it", "50 percent of it"),
        ("5 billion", "خمسة آلاف مليون"),
        ("5 km", "a distance of 5,000 metres"),
        ("5,000", "5,000 km"),
        ("on 12 May 2020", "2020-05-12"),
        ("في 12 أيار 2020", "12/05/2020"),
        ("two thousand workers", "يعمل في المناجم ألفا عامل"),
        ("two decades", "twenty years"),
        ("two rivers", "النهران"),
        ("thousands of people", "8,000 people"),
        ("يوسف الأول", "Yusuf I of Granada"),
        ("the twentieth century", "القرن العشرين"),
        ("early in the twentieth century", "between 1902 and 1904"),
        ("7.845 kilometres", "٧٨٤٥ مترا"),
        ("نحو ١٠٠ سنتيمتر", "about one metre"),
        ("100 milligrams", "one tenth of a gram"),
        ("19 out of every 20", "95 في المئة"),
        ("98 percent", "98 درجة من 100"),
        ("about nine in ten of them", "نحو 90 في المئة منها"),
        ("one percent", "واحد في المئة"),
        ("أربعة أخماسه", "80 percent of it"),
        ("بنحو الخمس", "by about 20 percent"),
        ("in the 1700s", "in the eighteenth century"),
        ("more than 57 percent", "57.3 percent"),
        ("أقل من ٥٨ في المئة", "57.3 percent"),
        ("two millennia", "2,000 years"),
        ("20 percent of the water", "خمس المياه"),
        ("these four are common", "the alto, the tenor, the soprano and the baritone"),
        ("up to 90 percent", "ما يصل إلى تسعين بالمائة"),
        ("في 8 أميال بحرية", "within 14.816 kilometres"),
        ("0.0022 millimetres", "2.2 ميكرومتر"),
        ("three times as much in half the time", "it could triple volumes and halve travel times"),
        ("it was first released in 1982", "أُطلقت أولى الحيوانات عام 1982"),
        ("half a dollar", "خمسون سنتا"),
        ("نصف كيلوغرام", "500 grams"),
        ("لمدة ثلث ساعة", "for about twenty minutes"),
        ("more than ninety-nine out of every hundred people", "more than 99 percent"),
        ("more than two centuries", "دام 250 عاما"),
        ("three-dimensional objects", "الأجسام الثلاثية الأبعاد"),
        ("خلال حرب المئة عام", "during the Hundred Years' War"),
        ("وبعد سبعة أعوام", "in Seoul in 1966 and in Toronto in 1973"),
        ("stops on the first one", "تتخلل أولاهما توقفات"),
        ("about a third of adults", "33 في المئة من البالغين"),
        ("ثلثا السكان", "66 percent of the population"),
        ("a nap of three quarters of an hour", "قيلولة من ٤٥ دقيقة"),
        ("two years and seven months", "بعد 31 شهرا"),
        ("بعد 31 شهرًا", "two years and seven months"),
        ("ساعة ونصف", "90 minutes"),
        ("48 hours", "يومان"),
        ("a decade and a half", "15 عاما"),
        ("8 كيلومترات", "5 miles"),
        ("two millennia", "قبل المصريين بألفي عام"),
        ("شارة ثالثة", "a third emblem"),
        ("a fifth pair of strings", "زوج خامس من الأوتار"),
        ("ثلاث جزر", "the islands of Isabela, Santiago and Pinta"),
        ("four researchers", "لارس إدفينسون وبيتر غودسبي ومايكل موسكوفيتز ويس أوليسن"),
        ("Vietnam is second", "البرازيل أكبر منتج، تليها فيتنام"),
        ("it first appeared in 2000", "it made its debut in 2000"),
        ("Of every 10,000 litres of air, 93 are argon", "0.93 في المئة من الهواء"),
        ("إيرباص إيه 380", "the Airbus A380"),
        ("طن ونصف", "between 1,500 and 1,800 kilograms"),
        ("100 ملليغرام", "عُشر غرام"),
        ("280 million bits", "280 ميغابت"),
        ("فاز 1-0", "won by a goal, unanswered"),
        ("won 1-0", "فاز بهدف دون رد"),
        ("five are active", "ستة براكين كلها نشطة ما عدا واحدا"),
        ("late in the 1800s", "in 1890"),
    ],
)
def test_the_same_said_differently(sentence: str, evidence: str):
    assert missing(sentence, evidence) == []


@pytest.mark.parametrize(
    ("sentence", "evidence", "lost"),
    [
        ("عام 2005", "in 2004", [2005]),
        ("5 million barrels", "5 مليارات برميل", [5_000_000]),
        ("10 percent", "10 دول", [0.1]),
        ("8,849 feet", "8,849 metres", [8849]),
        ("seven years", "7 أيام", [7]),
        ("in June 2010", "في يوليو 2010", [6]),
        ("أول دولة", "دولة واحدة", [1]),
        ("17 hours", "seven hours", [17]),
        ("three rivers", "the two rivers", [3]),
        ("طوله 60 بوصة", "طوله 60 سنتيمترا", [60]),
        ("10 miles", "10 kilometres", [10]),
        ("in the nineteenth century", "between 1902 and 1904", [19]),
        ("17 out of every 20", "95 percent", [17, 20]),
        ("four are common", "the alto and the tenor", [4]),
        ("more than 58 percent", "57.3 percent", [0.58]),
        ("more than 40 percent", "57.3 percent", [0.4]),
        ("الدول الخمس", "the six countries", [5]),
        ("2.2 ملم", "2.2 micrometres", [2.2]),
        ("15,000 nautical miles", "15,000 كيلومتر", [15_000]),
        ("after three hours", "it tripled in four hours", [3]),
        ("for two months", "for two weeks", [2]),
        ("مدة شهرين", "نحو أسبوعين", [2]),
        ("eight years later", "in 1966 and in 1973", [8]),
        ("more than two centuries", "دام 350 عاما", [2]),
        ("مليون شجرة", "five million trees", [1_000_000]),
        ("مئة شجرة", "six hundred trees", [100]),
        ("about a quarter of adults", "33 percent of adults", [0.25]),
        ("10 miles", "10.5 kilometres", [10]),
        ("two years and eight months", "31 months", [2, 8]),
        ("at least three satellites", "four satellites for latitude, longitude and altitude", [3]),
        ("ثلاث جزر", "four islands: Isabela, Santiago and Pinta", [3]),
        ("one in 20, of whom 5 to 10 percent die", "one in 200, of whom 5 to 10 percent die", [20]),
        ("won 2-0", "فاز بهدف دون رد", [2]),
        ("ساعة ونصف", "ساعتان ونصف", [1.5]),
    ],
)
def test_what_the_evidence_does_not_hold(sentence: str, evidence: str, lost: list[float]):
    assert [round(q.value, 4) for q in missing(sentence, evidence)] == lost


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("تنتج المصفاة ٢٠٠ طن شهريًا.", "The refinery makes 200 tonnes a year."),
        ("It carries 40 passengers each week.", "تنقل أربعين راكبا كل يوم."),
        ("ولّدت المحطة ٢٥ جيجاواط ساعة.", "The plant generated 25 TWh."),
        ("The plant generated 25 terawatts.", "The plant generated 25 terawatt-hours."),
        ("يبعد النجم 25 سنة.", "The star is 25 light-years away."),
        ("It froze at 32 degrees Celsius.", "It froze at 32 degrees Fahrenheit."),
        ("أقرضها ٢٧ تاكا.", "He lent her 27 dollars."),
        ("مساحتها 60 هكتارا", "It covers 60 acres."),
        ("A dose is 5 litres.", "الجرعة ٥ مل."),
        ("رسالة تزن نصف رطل", "a half-ounce letter"),
        ("6 milligrams per litre", "٦ ملليغرامات لكل ديسيلتر"),
        ("a million hairs per square centimetre", "مليون شعرة في البوصة المربعة"),
        ("It travels 12 kilometres per second.", "تقطع 12 كيلومترا في الساعة."),
    ],
)
def test_another_unit_or_period_is_missing(sentence: str, evidence: str):
    assert missing(sentence, evidence)


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("تنتج المصفاة ٢٠٠ طن سنويًا.", "The refinery makes 200 tonnes every year."),
        ("It makes 200 tonnes a year.", "ينتج 200 طن."),  # says less
        ("The emperor and 3 men were freed after about a week.", "أُطلق الإمبراطور و3 رجال بعد أسبوع لقاء مبلغ سنوي."),
        ("ولّدت ٢٥ تيراواط/ساعة.", "It generated 25,000 GWh."),
        ("يبعد 25 سنة ضوئية.", "It is 25 light-years away."),
        ("Water boils at 100 degrees.", "يغلي الماء عند ١٠٠ درجة مئوية."),
        ("a million hairs per square inch", "مليون شعرة في البوصة المربعة"),
        ("60 km per hour", "60 كيلومترا في الساعة، أي كيلومتر في كل دقيقة"),
        ("6 milligrams", "6 milligrams per decilitre"),  # says less
        ("سجل هدفا في الدقيقة 90", "He scored in the 90th minute; the ball flew at 80 km per hour."),
        ("بدأت المباراة في الساعة الثامنة", "It began at the eighth hour, with one goal per minute."),
        ("يومي الاثنين والثلاثاء لمدة 2 ساعة", "For 2 hours on Monday and Tuesday, once a year."),
    ],
)
def test_the_same_unit_or_period_is_held(sentence: str, evidence: str):
    assert not missing(sentence, evidence)
