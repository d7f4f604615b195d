"""Arabic and English text, by hand-worked examples and properties."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.text import (
    all_words,
    analyse,
    asks_for,
    content_words,
    detect_language,
    detect_question_language,
    flatten,
    fold,
    fold_accents,
    fold_apostrophes,
    fold_digits,
    fold_letters,
    leans_back,
    normalise,
    numbers,
    offers,
    sentence_spans,
    stem,
    strip_diacritics,
    strip_format,
    words,
)

HARAKAT = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"


def split(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


# --- folding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("كِتَابٌ", "كتاب"),  # diacritics
        ("كتـــاب", "كتاب"),  # tatweel
        ("أحمد إلى آخر ٱسم", "احمد الي اخر اسم"),  # every alef; alef maqsura becomes ya
        ("مدرسة", "مدرسه"),  # ta marbuta
        ("مسؤول شاطئ سماء", "مسوول شاطي سماء"),  # hamza carriers; hamza alone ends a word
        ("٢٠٢٥ و۱۴۰۴", "2025 و1404"),  # Arabic-Indic and Persian digits
        ("١٬٢٣٤٫٥", "1,234.5"),  # Arabic separators
        ("ﻻ ﻛﺘﺎﺏ", "لا كتاب"),  # presentation forms
        ("ال\u200fممر\u200b", "الممر"),  # direction mark and zero-width space
        ("Türkiye CAFÉ", "turkiye cafe"),  # Latin accents and case
        ("ا\u0653سيا", "اسيا"),  # madda as a character of its own
        ("و\u0654 ي\u0654", "و ي"),  # hamza above as a character of its own: ؤ and ئ
        ("قرءان شيء شاطىء", "قران شي شاطي"),  # hamza alone within a word and after ya
        ("ماء جزء بدء", "ماء جزء بدء"),
        ("مسئول شئون رءوس", "مسوول شوون رووس"),  # the Egyptian spelling of مسؤول شؤون رؤوس
        ("Japan’s Japanʼs ‘It’", "japan's japan's 'it'"),  # apostrophes
        ("Việt Nam, Ếch, Ḥimṣ, ẞ", "viet nam, ech, hims, ss"),
        ("ẹ\u0301ko\u0323\u0301 Росси\u0301я", "eko россия"),  # accents that have no composed letter
        ("کتاب ی گ پ چ ڤ", "كتاب ي ك ب ج ف"),  # Persian letters, and those Arabic writes foreign names with
        ("هٰذا رحمٰن", "هذا رحمن"),  # superscript alef
        ("ﷲ ﺍﻟﻤﻤﺮ ﻷﻥ", "الله الممر لان"),  # ligatures
        ("\u2067الممر\u2069 \u061cعام\ufeff", "الممر عام"),  # isolates, the Arabic letter mark, a byte order mark
        ("می\u200cخواهم", "ميخواهم"),  # zero-width non-joiner
        ("İstanbul Straße ﬁnance Ａktau", "istanbul strasse finance aktau"),
        ("co\u00adoperation", "cooperation"),  # soft hyphen
        ("e\u0301cole", "ecole"),  # a combining accent
    ],
)
def test_fold(written: str, folded: str):
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("إِلَى المدرسةِ ٢٠٢٥", "إلى المدرسة 2025"),
        ("مؤتمرٌ على شاطئ", "مؤتمر على شاطئ"),
        ("ﻻ ا\u0653سيا", "لا آسيا"),
        ("Türkiye, CAFÉ", "Türkiye, CAFÉ"),
        ("بدأ عام 2004¹", "بدأ عام 2004"),
    ],
)
def test_normalise_keeps_spelling_for_the_encoder(written: str, normal: str):
    assert normalise(written) == normal


def test_each_fold_does_one_thing():
    assert strip_format("ال\u200fمَمر\u200b ـ") == "المَمر ـ"
    assert strip_diacritics("كِتَــابٌ إلى") == "كتاب إلى"
    assert fold_digits("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ ٣٫٥ ١٬٠٠٠ إلى") == "0123456789 0123456789 3.5 1,000 إلى"
    assert fold_letters("أإآٱ ىئ ؤ ة ء") == "اااا يي و ه "
    assert fold_letters("ماء مئوية شاطىء") == "ماء موويه شاطي"
    assert fold_apostrophes("Japan’s ʼ‘") == "Japan's ''"
    assert fold_accents("Ürümqi Łódź إلى") == "Urumqi Łodz إلى"  # ł is a letter of its own, not an accented l


@pytest.mark.parametrize(
    ("written", "flat"),
    [
        ("2004¹ ٢٠٠٤² 19.5³", "2004 ٢٠٠٤ 19.5"),  # marks of notes
        ("in 2004.¹ Next", "in 2004. Next"),
        ("2004①, corridor¹², الممر²", "2004, corridor, الممر"),
        ("G7¹", "G7"),
        ("m² 5 km³ x² كم²", "m2 5 km3 x2 كم2"),  # powers
        ("E=mc²", "E=mc2"),
        ("10⁶ 3×10⁹ ١٠³", "10^6 3×10^9 ١٠^3"),
        ("110⁶", "110"),  # no power of ten: note 6
        ("CO₂ H₂SO₄ C₁₂H₂₂O₁₁", "CO2 H2SO4 C12H22O11"),  # formulas
        ("Ca²⁺ ²³⁵U", "Ca2+ 235U"),
        ("2½ ½", "2 1⁄2 1⁄2"),
        ("① Introduction", "1 Introduction"),  # the number of a list
        ("Toyota™", "Toyota"),
        ("plain 2004", "plain 2004"),
    ],
)
def test_flatten(written: str, flat: str):
    assert flatten(written) == flat


@settings(deadline=None)
@given(st.text(alphabet="أإآٱاىيئؤوةهءبتكتـًٌَُِّْٰ٠٢٥۴٫٬، ¹²₂½①™’ʼếẞﻻﷲ\u200f\u0653ÜéİßAz,.1", max_size=60))
def test_folding_twice_changes_nothing_more(text: str):
    assert fold(fold(text)) == fold(text)
    assert normalise(normalise(text)) == normalise(text)
    assert words(fold(text)) == words(text)


# --- words and stems ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19.5% of $1,234,567", ["19.5", "of", "1234567"]),
        ("١٬٢٣٤ دولار", ["1234", "دولار"]),
        ("في G7 والـGDP", ["في", "g7", "وال", "gdp"]),
        ("Japan's", ["japan's"]),
        ("1, 2", ["1", "2"]),
        ("日本", ["日", "本"]),
        ("🙂 !؟", []),
        ("", []),
        ("مشروع Trans-Caspian الكبير", ["مشروع", "trans", "caspian", "الكبير"]),
        ("شركةToyota", ["شركه", "toyota"]),  # no space between scripts
        ("COVID-19 و3D", ["covid", "19", "و", "3", "d"]),
        ("«الممر»، (الأوسط)؛", ["الممر", "الاوسط"]),  # Arabic punctuation
        ("١٩٩٠-٢٠٠٠", ["1990", "2000"]),
        ("1,234 12,34 1,2345", ["1234", "12,34", "1,2345"]),  # only groups of three are joined
        ("12,345,678.90", ["12345678.90"]),
        ("1.000.000 1.234.567,89", ["1000000", "1234567.89"]),  # where dots are repeated they part thousands
        ("1.234 1.2.3 192.168.1.1", ["1.234", "1.2.3", "192.168.1.1"]),
        ("١،٢٣٤ ١٢،٣٤٥،٦٧٨", ["1234", "12345678"]),  # the Arabic comma
        ("١، ٢ و١،٢ و2004،2005", ["1", "2", "و", "1", "2", "و", "2004", "2005"]),  # lists
        ("2004،123 2004,123", ["2004", "123", "2004,123"]),  # a group of four comes before no separator
        ("2004¹ m² CO₂", ["2004", "m2", "co2"]),
        ("10⁶ 2½", ["10", "6", "2", "1", "2"]),
        ("Phở Việt", ["pho", "viet"]),
        ("the dogs’ ‘corridor’", ["the", "dogs", "corridor"]),
        ("don't I've", ["don't", "i've"]),
        ("al-Jubail's", ["al", "jubail's"]),
        ("Казахстан", ["казахстан"]),
    ],
)
def test_words(text: str, expected: list[str]):
    assert words(text) == expected


@pytest.mark.parametrize(
    "variants",
    [
        ["الممر", "ممر", "والممر", "بالممر", "للممر", "كالممر", "فالممر", "الممرّ", "المَمَرُّ"],
        ["معادن", "المعادن", "والمعادن"],
        ["سياسة", "السياسة", "سياسه"],
        ["minerals", "mineral", "Mineral"],
        ["countries", "country"],
        ["٢٠٠٤", "2004", "۲۰۰۴", "٢\u200f٠٠٤"],
        ["١٬٢٣٤", "1,234", "1234"],
        ["٣٫٥", "3.5", "۳٫۵"],
        ["إلى", "الى", "الي", "إلي"],
        ["على", "علي", "علىٰ"],
        ["أمن", "امن", "إمن", "آمن", "ٱمن"],
        ["آسيا", "اسيا", "ا\u0653سيا"],
        ["مؤتمر", "موتمر", "المُؤْتَمَر", "والمؤتمر"],
        ["شاطئ", "شاطىء", "شاطي"],
        ["اتفاقية", "الاتفاقية", "اتفاقيه", "والاتفاقية"],
        ["شركة", "الشركة", "شركات", "والشركات"],
        ["الأمم", "الامم", "أمم", "للأمم", "ﺍﻷﻣﻢ"],
        ["مهندس", "مهندسون", "مهندسين", "المهندسين"],
        ["باكستان", "پاکستان"],
        ["Japan", "Japan's", "JAPAN", "Japan’s", "Japanʼs"],
        ["don't", "don’t"],
        ["اليابان", "ياباني", "اليابانية", "اليابانيون", "اليابانيين"],
        ["لبنان", "لبناني", "اللبنانيون"],
        ["فلسطين", "فلسطينية", "الفلسطينيين"],
        ["اتفاقية", "اتفاقيات", "الاتفاقيات", "اتفاق"],
        ["شركة", "شركاتها"],
        ["مسئول", "مسؤول", "المسئولين", "مسؤولية"],
        ["شئون", "شؤون"],
        ["إجراء", "إجراءات", "الإجراءات"],
        ["شيء", "شئ", "شىء"],
        ["الماء", "ماء", "والماء", "ماءٌ"],
        ["مليون", "المليون", "مليونين"],
        ["ألف", "الألف", "بألف", "للألف"],
        ["Hà Nội", "Ha Noi"],
        ["2004¹", "2004", "٢٠٠٤²"],
        ["1.000.000", "1,000,000", "١٬٠٠٠٬٠٠٠", "١،٠٠٠،٠٠٠"],
        ["connection", "connections", "connected", "connect"],
        ["Türkiye", "turkiye"],
    ],
)
def test_variants_of_a_word_share_a_term(variants: list[str]):
    assert {tuple(analyse(variant)) for variant in variants} == {tuple(analyse(variants[0]))}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ممر", "مرور"),
        ("قمة", "قلم"),
        ("port", "sport"),
        ("2004", "2005"),
        ("3.5", "35"),
        ("1,234", "1.234"),
        ("والد", "لد"),  # و and ال belong to the word: too little would be left
        ("بالغ", "غاية"),
        ("كالح", "فالح"),
        ("قيمة", "قمة"),
        ("دور", "دار"),
        ("سكان", "سكن"),
        ("university", "unity"),
        ("G7", "G20"),
        ("مصر", "مصير"),
        ("ماء", "ما"),
        ("جاء", "جا"),
        ("لبنان", "لبن"),
        ("كانون", "كان"),
        ("يومين", "يوم"),
        ("ميتين", "ميت"),  # «مئتين» without its dots
        ("٢٠٠٤، ٢٠٠٥", "20042005"),
    ],
)
def test_different_words_stay_apart(one: str, other: str):
    assert analyse(one) != analyse(other)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ولد", "ولد"),  # و and ال belong to these words
        ("الف", "الف"),
        ("الفين", "الفين"),
        ("والفان", "الفان"),
        ("كميه", "كمي"),  # no hundred
        ("وصول", "وصول"),  # و comes off only from five letters on
        ("ومصانع", "مصانع"),
        ("المال", "مال"),
        ("والماء", "ماء"),  # وال before ال
        ("للدول", "دول"),
        ("اليد", "يد"),  # two letters are enough after a prefix
        ("باب", "باب"),
        ("شركات", "شرك"),  # ات
        ("بنات", "بنات"),  # two letters would be left
        ("دوله", "دول"),
        ("سنه", "سنه"),
        ("الياباني", "يابان"),
        ("minerals", "miner"),
        ("running", "run"),
        ("2004", "2004"),
        ("казахстан", "казахстан"),
        ("日", "日"),
    ],
)
def test_light_stems(word: str, expected: str):
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("٢٠٢٥ ثم 19.50 و1,000 و7.0", {"2025", "19.5", "1000", "7"}),
        ("١٬٢٣٤٫٥٠ و۱۴۰۴", {"1234.5", "1404"}),
        ("19,5", {"19,5"}),  # could be a decimal comma: left as it is written
        ("100 و10 و2000", {"100", "10", "2000"}),  # only zeros after a decimal point go
        ("G7 في 2004/2005", {"2004", "2005"}),  # the 7 is part of a name
        ("19.5% من $4.0", {"19.5", "4"}),
        ("0.0 و0", {"0"}),
        ("1.000.000 و1.234.567,50", {"1000000", "1234567.5"}),
        ("١،٢٣٤", {"1234"}),
        ("١، ٢", {"1", "2"}),
        ("2004،2005", {"2004", "2005"}),
        ("1.2.0", {"1.2.0"}),  # a version
        ("2004¹", {"2004"}),
        ("خمسة five", set()),
        ("", set()),
    ],
)
def test_numbers_are_canonical(text: str, expected: set[str]):
    assert numbers(text) == expected


@settings(deadline=None)
@given(st.integers(0, 10**12), st.sampled_from(["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"]), st.sampled_from([",", "٬", ""]))
def test_a_number_is_the_same_in_every_numeral_system(number: int, digits: str, separator: str):
    written = f"{number:,}".replace(",", separator).translate({48 + d: digit for d, digit in enumerate(digits)})
    assert numbers(f"بلغ {written} طن") == {str(number)}
    assert analyse(written) == analyse(f"{number:,}") == [str(number)]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["الممر", "الأوسط", "معادن", "طوكيو", "اليابان"]), min_size=1), st.data())
def test_diacritics_and_tatweel_never_change_the_terms(tokens: list[str], data: st.DataObject):
    text = " ".join(tokens)
    marked = "".join(
        letter + data.draw(st.sampled_from(["", "ـ", *HARAKAT])) if letter != " " else letter for letter in text
    )
    assert analyse(marked) == analyse(text)


ALEF_HAMZA = "اأإآٱ"
ARABIC_WORD = st.text(alphabet="ابتثجحخدذرزسشصضطظعغفقكلمنهويىةؤئءأإآ", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(ARABIC_WORD, min_size=1, max_size=6), st.data())
def test_the_alef_that_is_written_never_changes_the_terms(tokens: list[str], data: st.DataObject):
    text = " ".join(tokens)
    respelt = "".join(data.draw(st.sampled_from(ALEF_HAMZA)) if letter in ALEF_HAMZA else letter for letter in text)
    assert analyse(respelt) == analyse(text)


@settings(deadline=None)
@given(st.lists(ARABIC_WORD, min_size=1, max_size=6), st.data())
def test_marks_never_change_the_terms_of_any_arabic_text(tokens: list[str], data: st.DataObject):
    text = " ".join(tokens)
    # Not U+0653..0655, which make another letter of the one before; but direction marks within words.
    marks = st.sampled_from(["", "ـ", "ــ", "\u200f", "\u200c", *HARAKAT])
    marked = "".join(letter + data.draw(marks) if letter != " " else letter for letter in text)
    assert analyse(marked) == analyse(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_any_text_has_terms_that_can_be_indexed(text: str):
    terms = analyse(text)
    assert all(term and not any(char.isspace() for char in term) for term in terms)
    assert len(terms) == len(words(text))


# --- languages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ما هو الممر الأوسط؟", "ar"),
        ("What is the Middle Corridor?", "en"),
        ("تدعم اليابان Trans-Caspian بقوة كبيرة", "ar"),
        ("日本と中央アジア", "other"),
        ("Что это?", "other"),
        ("🙂 123", "other"),
        ("", "other"),
        ("؟، ٢٠٢٥", "other"),  # Arabic digits and punctuation are no letters
        ("ﺍﻟﻤﻤﺮ", "ar"),  # presentation forms
        ("پاکستان", "ar"),  # Persian letters: the script counts
        ("Türkiye", "en"),  # Latin letters: answered in English
        ("ممر abcd", "ar"),  # 3 x 1.5 = 4.5 against 4
        ("ممر abcde", "en"),  # 4.5 against 5
        ("مم abc", "ar"),  # 3 against 3: Arabic
        ("日本 ab", "en"),  # two against two: a language of ours
        ("日本語 ab", "other"),
        ("ـــ\u064b", "other"),  # tatweel and a mark without a letter
    ],
)
def test_detect_language(text: str, language: str):
    assert detect_language(text) == language


# --- words of a text ---------------------------------------------------------------------------------


def test_offsets_of_words():
    #       0         1         2
    #       0123456789012345678901234
    text = "ما هو الممر الأوسط، 2004؟"
    assert all_words(text) == [(0, 2), (3, 5), (6, 11), (12, 18), (20, 24)]
    assert content_words(text) == [(6, 11), (12, 18), (20, 24)]
    #       01234567890123456789012345678
    text = "What is the Middle Corridor?"
    assert all_words(text) == [(0, 4), (5, 7), (8, 11), (12, 18), (19, 27)]
    assert content_words(text) == [(12, 18), (19, 27)]


@pytest.mark.parametrize(
    ("text", "said", "content"),
    [
        ("متى بدأ الحوار في طوكيو؟", "متى بدأ الحوار في طوكيو", "بدأ الحوار طوكيو"),
        ("وما أهمية «الممر»؟", "وما أهمية الممر", "أهمية الممر"),
        ("WHAT Is Aktau?", "WHAT Is Aktau", "Aktau"),
        ("إلى أين تتجه أي دولة", "إلى أين تتجه أي دولة", "تتجه دولة"),  # whatever the alef
        ("الي اين", "الي اين", ""),
        ("ما هو Middle Corridor؟", "ما هو Middle Corridor", "Middle Corridor"),
        ("من وعن", "من وعن", "وعن"),  # joined to «و», only some are listed
        ("the CA+JAD G7", "the CA JAD G7", "CA JAD G7"),
        ("Trans-Caspian, Türkiye", "Trans Caspian Türkiye", "Trans Caspian Türkiye"),
        ("日本語 x", "日 本 語 x", "日 本 語 x"),  # a word a character
        ("؟ … «»", "", ""),
        ("", "", ""),
    ],
)
def test_words_that_say_something(text: str, said: str, content: str):
    assert [text[a:b] for a, b in all_words(text)] == said.split()
    assert [text[a:b] for a, b in content_words(text)] == content.split()


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["ما", "هو ", "what ", "الممر", "Aktau", "٢٠٠٤", "\u064b", "ـ", " ", "؟", "-", "日"])).map(
        "".join
    )
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
)
def test_words_are_in_order_and_hold_every_letter(text: str):
    normal = normalise(text)
    spans = all_words(normal)
    assert all(a < b for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    held = "".join(normal[a:b] for a, b in spans)
    assert re.findall(r"[^\W\d_]", held) == re.findall(r"[^\W\d_]", normal)
    assert [span for span in spans if span in set(content_words(normal))] == content_words(normal)


# --- the language of questions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("ما هو Middle Corridor؟", "ar"),  # most letters are Latin, its own words are Arabic
        ("What does ممر mean?", "en"),
        ("What will Japan send to ميناء أكتاو?", "en"),
        ("Aktau?", "en"),
        ("أكتاو", "ar"),
        ("中央アジアとは?", "other"),
        ("🙂", "other"),
        ("", "other"),
        ("متى G7", "ar"),
        ("When was طوكيو?", "en"),
        ("وما هي Trans-Caspian International Transport Route؟", "ar"),
        ("مَا هُوَ Middle Corridor؟", "ar"),  # with diacritics
        ("شو Middle Corridor", "ar"),  # Levantine
        ("إيه Middle Corridor", "ar"),  # Egyptian
        ("اشرح CA+JAD", "ar"),
        ("الممر الأوسط in English", "en"),
        ("Middle Corridor ممر", "en"),  # no small words: most letters
        ("من is الممر", "ar"),  # one against one: most letters
        ("Что такое Middle?", "other"),
        ("ماهو Middle Corridor", "ar"),  # written as one word
        ("ماهي Trans-Caspian Route", "ar"),
        ("وماهي Trans-Caspian Route", "ar"),
        ("ماهم G7 countries", "ar"),
        ("مالذي Middle Corridor", "ar"),
        ("ماذا Middle Corridor", "ar"),
        ("What is ماهو?", "en"),
    ],
)
def test_detect_question_language(question: str, language: str):
    assert detect_question_language(question) == language


# --- sentences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("In the U.S. it began. Dr. Smith left.", ["In the U.S. it began.", "Dr. Smith left."]),
        ("See No. 5 and p. 7. He said no. Then he left.", ["See No. 5 and p. 7.", "He said no.", "Then he left."]),
        ("It grew 3.5 per cent. J. K. Brown wrote.", ["It grew 3.5 per cent.", "J. K. Brown wrote."]),
        ('He asked: "Why?" Nobody knew.', ['He asked: "Why?"', "Nobody knew."]),
        ("It began in 2004. The next came later.", ["It began in 2004.", "The next came later."]),
        ("بدأ الحوار عام 2004. ثم تطوّر؟ نعم!", ["بدأ الحوار عام 2004.", "ثم تطوّر؟", "نعم!"]),
        ("موردون أكثر عددًا. يقاس النجاح.", ["موردون أكثر عددًا.", "يقاس النجاح."]),  # tanwin before the stop
        ("انتهى الأمر.بدأ غيره.", ["انتهى الأمر.", "بدأ غيره."]),  # no space after the stop
        ("عاش سنة 300 ق.م. في مصر. ثم مات.", ["عاش سنة 300 ق.م. في مصر.", "ثم مات."]),
        ("قال: «نعم.» ثم ذهب.", ["قال: «نعم.»", "ثم ذهب."]),
        ("تدعم شركة Toyota Ltd. المشروع. وهو كبير.", ["تدعم شركة Toyota Ltd. المشروع.", "وهو كبير."]),
        ("Wait… what happened? Nothing", ["Wait… what happened?", "Nothing"]),
        ("これは文。次の文。", ["これは文。", "次の文。"]),
        ("   ", []),
        ("", []),
        # Arabic: marks before the stop, dots that end nothing, forgotten spaces, quotes
        ("كُتِبَ كتابٌ. ثُمَّ نُشِر.", ["كُتِبَ كتابٌ.", "ثُمَّ نُشِر."]),
        ("بمعدلٍ. يقاس", ["بمعدلٍ.", "يقاس"]),
        ("كتـــاب. بدأ", ["كتـــاب.", "بدأ"]),
        ("بلغ ٣٫٥ في المئة. ثم ارتفع.", ["بلغ ٣٫٥ في المئة.", "ثم ارتفع."]),
        ("بلغ 3.5 مليون طن.ثم ارتفع.", ["بلغ 3.5 مليون طن.", "ثم ارتفع."]),
        ("حضر د. أحمد القمة. ثم غادر.", ["حضر د. أحمد القمة.", "ثم غادر."]),
        ("حضر دِ. أحمد القمة.", ["حضر دِ. أحمد القمة."]),  # an initial with a mark
        ("سنة 1446هـ. ثم عاد.", ["سنة 1446هـ.", "ثم عاد."]),
        ("لماذا؟بدأ!انتهى؟!عاد.", ["لماذا؟", "بدأ!", "انتهى؟!", "عاد."]),
        ("حقًا؟؟؟ نعم!!", ["حقًا؟؟؟", "نعم!!"]),
        ("قال: «ذهب». ثم عاد.", ["قال: «ذهب».", "ثم عاد."]),
        ("قال: «لماذا؟» فسكت.", ["قال: «لماذا؟»", "فسكت."]),
        ("(انظر الجدول.) ثم عد.", ["(انظر الجدول.)", "ثم عد."]),
        ("انتظر… ثم ذهب.", ["انتظر…", "ثم ذهب."]),  # Arabic has no small letters to tell
        ("انتظر... ثم ذهب.", ["انتظر...", "ثم ذهب."]),
        ("نص، ثم نص؛ ثم: نص.", ["نص، ثم نص؛ ثم: نص."]),  # comma, semicolon, colon
        ("یہ ہے۔ وہ تھا۔", ["یہ ہے۔", "وہ تھا۔"]),  # the Urdu full stop
        ("تعمل شركة Toyota.Corp هنا. نعم.", ["تعمل شركة Toyota.Corp هنا.", "نعم."]),
        ("يدعمه U.S. Steel. نعم.", ["يدعمه U.S. Steel.", "نعم."]),
        # English
        ("Wait... what? Wait... What?", ["Wait... what?", "Wait...", "What?"]),
        ("He left.” She came.", ["He left.”", "She came."]),
        ("(See Fig. 3.) Next.", ["(See Fig. 3.)", "Next."]),
        ("Visit example.com now. Use v1.2.3 then.", ["Visit example.com now.", "Use v1.2.3 then."]),
        ("Ports, e.g. Aktau, i.e. Caspian ones. Next.", ["Ports, e.g. Aktau, i.e. Caspian ones.", "Next."]),
        ("On Jan. 5 Prof. Lee met Gen. Kim. Both left.", ["On Jan. 5 Prof. Lee met Gen. Kim.", "Both left."]),
        ("It ended in Mar. It began on Mar. 5.", ["It ended in Mar.", "It began on Mar. 5."]),
        ("It rose 5%. Then it fell.", ["It rose 5%.", "Then it fell."]),
        ("What?! No. Yes", ["What?!", "No.", "Yes"]),
        ("In 1990. in lower case", ["In 1990. in lower case"]),
        ("One line\nruns on. Two\n\nlines", ["One line\nruns on.", "Two\n\nlines"]),
        (" \u00a0One.\u00a0Two. ", ["One.", "Two."]),  # no-break spaces
        # a forgotten space, after anything a sentence ends in
        ("هذا كتابٌ.بدأ غيره.", ["هذا كتابٌ.", "بدأ غيره."]),
        ("كان قويًّا.ثُمَّ ضعف.", ["كان قويًّا.", "ثُمَّ ضعف."]),
        ("قال: «نعم».ثم ذهب.", ["قال: «نعم».", "ثم ذهب."]),
        ("قال: «نعم.»ثم ذهب.", ["قال: «نعم.»", "ثم ذهب."]),
        ("قال: «نعم».«لا» قال غيره.", ["قال: «نعم».", "«لا» قال غيره."]),
        ("بدأ (كما قيل).ثم انتهى.", ["بدأ (كما قيل).", "ثم انتهى."]),
        ("بدأ عام 2004.ثم تطور.", ["بدأ عام 2004.", "ثم تطور."]),
        ("بدأ عام ٢٠٠٤.ثم تطور.", ["بدأ عام ٢٠٠٤.", "ثم تطور."]),
        ("بلغ ٥٠٪.ثم ارتفع.", ["بلغ ٥٠٪.", "ثم ارتفع."]),
        ("انتهى…بدأ غيره.", ["انتهى…", "بدأ غيره."]),
        ("انتهى...بدأ غيره.", ["انتهى...", "بدأ غيره."]),
        ("حقًا؟؟؟نعم!!لا.", ["حقًا؟؟؟", "نعم!!", "لا."]),
        ("تدعمه شركة Toyota.ثم غيرها.", ["تدعمه شركة Toyota.", "ثم غيرها."]),
        # dots that look like one and are none
        ("بلغ 3.5مليون طن. ثم ارتفع.", ["بلغ 3.5مليون طن.", "ثم ارتفع."]),
        ("الإصدار v1.2.3مستقر. نعم.", ["الإصدار v1.2.3مستقر.", "نعم."]),
        ("انظر https://example.com/ملف.صفحة هنا. نعم.", ["انظر https://example.com/ملف.صفحة هنا.", "نعم."]),
        ("افتح www.example.com/a.نص هنا.", ["افتح www.example.com/a.نص هنا."]),
        ("افتح تقرير.pdf أو data.csv هنا.", ["افتح تقرير.pdf أو data.csv هنا."]),
        ("المادة 3.أ من النظام. نعم.", ["المادة 3.أ من النظام.", "نعم."]),
        ("حضر د.أحمد القمة. ثم غادر.", ["حضر د.أحمد القمة.", "ثم غادر."]),
        ("بدأ (...)ثم انتهى.", ["بدأ (...)ثم انتهى."]),
        ("يشربه الناس.[بحاجة لمصدر] ثم غيره.", ["يشربه الناس.[بحاجة لمصدر] ثم غيره."]),  # a note, no sentence
        ("1.مقدمة قصيرة. 2. Body text.", ["1.مقدمة قصيرة.", "2. Body text."]),  # a number of a list is no sentence
        ("2.1. Scope here. Next.", ["2.1. Scope here.", "Next."]),
        # a word with a dot is an abbreviation only when it is made of letters
        ("Visit example.com. Then leave.", ["Visit example.com.", "Then leave."]),
        ("زر example.com. ثم عد.", ["زر example.com.", "ثم عد."]),
        ("Use v1.2.3. Then rest.", ["Use v1.2.3.", "Then rest."]),
        ("Open data.csv. Read it.", ["Open data.csv.", "Read it."]),
        ("At 5 a.m. Monday it began. Next.", ["At 5 a.m. Monday it began.", "Next."]),
        ("At 5a.m. Monday it began.", ["At 5a.m. Monday it began."]),
        ("عاش سنة 300ق.م. في مصر. ثم مات.", ["عاش سنة 300ق.م. في مصر.", "ثم مات."]),
        ("تدعمه الـU.S. Steel هنا. نعم.", ["تدعمه الـU.S. Steel هنا.", "نعم."]),
        ("Ph.D. Smith of the U.S.A. Navy came.", ["Ph.D. Smith of the U.S.A. Navy came."]),
    ],
)
def test_sentences(text: str, sentences: list[str]):
    assert split(text) == sentences


def test_offsets_of_sentences():
    #                0         1         2
    #                0123456789012345678901234567
    spans = sentence_spans("  بدأ الحوار.  ثم توقف؟ نعم ")
    # two spaces; «بدأ الحوار.» has 11 characters; two spaces; «ثم توقف؟» has 8; a space; «نعم» has 3
    assert spans == [(2, 13), (15, 23), (24, 27)]


@pytest.mark.parametrize(
    ("start", "end", "spans"),
    [
        (7, 16, [(7, 16)]),
        (0, None, [(0, 6), (7, 16), (17, 27)]),
        (7, None, [(7, 16), (17, 27)]),
        (6, 7, []),  # the space between
        (9, 19, [(9, 16), (17, 19)]),
        (7, 15, [(7, 15)]),  # cut before the full stop
        (27, 27, []),
    ],
)
def test_sentences_of_a_part_have_offsets_of_the_whole(start: int, end: int | None, spans: list[tuple[int, int]]):
    text = "Title. One here. Two there."
    assert sentence_spans(text, start, end) == spans


SENTENCE_PIECES = [*'abcN ابتق.؟!۔。\n"»«)(123…\u064b\u200f\u00a0ـ', "...", "U.S.", "Dr. ", "No. 5", "ق.م.", "٣٫٥"]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(SENTENCE_PIECES), max_size=120).map("".join)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=80),
    st.data(),
)
def test_sentences_hold_every_character_once_and_in_order(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spans = sentence_spans(text, start, end)
    covered = "".join(text[a:b] for a, b in spans)
    assert "".join(covered.split()) == "".join(text[start:end].split())
    assert all(start <= a < b <= end for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(text[a:b] == text[a:b].strip() for a, b in spans)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["بدأ الحوار", "تطوّرت العلاقةُ", "It began", "They left"]), min_size=1, max_size=8))
def test_sentences_of_ordinary_text_are_found_again(parts: list[str]):
    sentences = [f"{part}{'.؟!'[n % 3]}" for n, part in enumerate(parts)]
    assert split(" ".join(sentences)) == sentences


# --- what is asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How many tonnes of gallium?", {"number"}),
        ("What percentage comes from China?", {"number"}),
        ("كم عمق الميناء؟", {"number"}),
        ("وكم سيكلف؟", {"number"}),
        ("ما عدد الدول؟", {"number"}),
        ("مَتَى بدأ الحوار؟", {"date"}),
        ("في أي عام بدأ؟", {"date"}),
        ("When did it begin?", {"date"}),
        ("In which year?", {"date"}),
        ("Who came?", set()),
        ("ما هو الممر الأوسط؟", set()),
        ("تراكم الديون", set()),  # كم inside a word
        ("كما قال", set()),
        ("بِكَمْ يباع؟", {"number"}),
        ("فكم طنًا؟", {"number"}),
        ("وبكم اشتراه؟", {"number"}),
        ("شكرا لكم", set()),  # for you
        ("ماذا قال لكم؟", set()),
        ("هل طوله ١٠٠ كم؟", set()),  # kilometres
        ("ما هي نسبة الغاليوم؟", {"number"}),
        ("ماهي نسبة الغاليوم؟", {"number"}),
        ("ما قيمة المشروع؟", {"number"}),
        ("ومتى انتهى؟", {"date"}),
        ("منذ متى؟", {"date"}),
        ("في أيّ سنةٍ؟", {"date"}),
        ("ما تاريخ القمة؟", {"date"}),
        ("ما هو تاريخ القمة؟", {"date"}),
        ("How long is it and when was it built?", {"number", "date"}),
        ("HOW MUCH?", {"number"}),
        ("Whenever they meet", set()),  # when inside a word
        ("How did it begin?", set()),
        ("", set()),
    ],
)
def test_asks_for(question: str, asked: set[str]):
    assert asks_for(question) == asked


@pytest.mark.parametrize(
    "word",
    """
    ألف ألفان ألفا ألفين ألفي آلاف بألفي والألفين مئة مائة مئتان مئتا مئتين مئتي مائتان مائتين بالمئة
    ثلاثمئة ثلاثمائة أربعمئة خمسمائة ستمئة سبعمائة ثمانمئة ثمانيمائة تسعمئة
    مليون مليونان مليونين مليونا ملايين ملياران مليارين مليارات اثنا اثني اثنتا واحدة عامان شهرين يومان مرتين
    """.split(),
)
def test_arabic_numerals_are_numbers(word: str):
    assert "number" in offers(analyse(word))


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("خمس دول", {"number"}),
        ("في ديسمبر الماضي", {"date"}),
        ("في عام ٢٠٠٤", {"number", "date"}),
        ("nearly 19 billion", {"number", "date"}),
        ("five leaders", {"number"}),
        ("a rare metal", set()),
        ("معدن نادر", set()),
        ("ثلاثُ مدن", {"number"}),
        ("والملايين", {"number"}),  # with affixes
        ("٪ ١", {"number", "date"}),
        ("كانون الأول", {"date"}),
        ("in December", {"date"}),
        ("شهرين", {"number", "date"}),  # two months: a number of months
        ("G7", set()),  # a name
        ("في ذلك اليوم", set()),
        ("يومين", {"number"}),
        ("بعد يومين", {"number"}),
        ("في العام الماضي", {"date"}),
        ("مرة أخرى", set()),
        ("كان يكتب", set()),
        ("كمية المياه المائية", set()),
        ("شخص ميت", set()),
        ("", set()),
    ],
)
def test_offers(text: str, held: set[str]):
    assert offers(analyse(text)) == held


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("It opened in 1901.", True),
        ("However, they refused.", True),
        ("These ports grew.", True),
        ("The latter is larger.", True),
        ("Italy opened in 1901.", False),
        ("The port opened. It grew.", False),
        ("وهو أكبر ميناء في البلاد.", True),
        ("وَهِيَ قديمة.", True),
        ("لكنها لم تكتمل.", True),
        ("هذه الموانئ كبيرة.", True),
        ("هولندا دولة.", False),
        ("يقع الميناء على بحر قزوين.", False),
    ],
)
def test_sentences_that_lean_back(sentence: str, leans: bool):
    assert leans_back(sentence) is leans
