"""Arabic and English text, by hand-worked examples and properties."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text import (
    analyse,
    asks_for,
    detect_language,
    detect_question_language,
    fold,
    normalise,
    numbers,
    offers,
    sentence_spans,
    stem,
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
        ("مسؤول شاطئ سماء", "مسوول شاطي سما"),  # hamza carriers, and hamza alone
        ("٢٠٢٥ و۱۴۰۴", "2025 و1404"),  # Arabic-Indic and Persian digits
        ("١٬٢٣٤٫٥", "1,234.5"),  # Arabic separators
        ("ﻻ ﻛﺘﺎﺏ", "لا كتاب"),  # presentation forms
        ("ال\u200fممر\u200b", "الممر"),  # direction mark and zero-width space
        ("Türkiye CAFÉ", "turkiye cafe"),  # Latin accents and case
    ],
)
def test_fold(written: str, folded: str):
    assert fold(written) == folded


def test_normalise_keeps_spelling_for_the_encoder():
    assert normalise("إِلَى المدرسةِ ٢٠٢٥") == "إلى المدرسة 2025"


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
        ["٢٠٠٤", "2004"],
    ],
)
def test_variants_of_a_word_share_a_term(variants: list[str]):
    assert {tuple(analyse(variant)) for variant in variants} == {tuple(analyse(variants[0]))}


@pytest.mark.parametrize(("one", "other"), [("ممر", "مرور"), ("قمة", "قلم"), ("port", "sport"), ("2004", "2005")])
def test_different_words_stay_apart(one: str, other: str):
    assert analyse(one) != analyse(other)


def test_short_words_keep_their_letters():
    # و and ال belong to these words
    assert stem("ولد") == "ولد"
    assert stem("الف") == "الف"


def test_numbers_are_canonical():
    assert numbers("٢٠٢٥ ثم 19.50 و1,000 و7.0") == {"2025", "19.5", "1000", "7"}


@given(st.lists(st.sampled_from(["الممر", "الأوسط", "معادن", "طوكيو", "اليابان"]), min_size=1), st.data())
def test_diacritics_and_tatweel_never_change_the_terms(tokens: list[str], data: st.DataObject):
    text = " ".join(tokens)
    marked = "".join(
        letter + data.draw(st.sampled_from(["", "ـ", *HARAKAT])) if letter != " " else letter for letter in text
    )
    assert analyse(marked) == analyse(text)


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
    ],
)
def test_detect_language(text: str, language: str):
    assert detect_language(text) == language


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
    ],
)
def test_sentences(text: str, sentences: list[str]):
    assert split(text) == sentences


def test_sentences_of_a_part_have_offsets_of_the_whole():
    text = "Title. One here. Two there."
    assert sentence_spans(text, 7, 16) == [(7, 16)]


@given(st.text(alphabet='abc ابت.؟!\n"»«)123…', max_size=200))
def test_sentences_hold_every_character_once_and_in_order(text: str):
    spans = sentence_spans(text)
    covered = "".join(text[a:b] for a, b in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(text[a:b] == text[a:b].strip() for a, b in spans)


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
    ],
)
def test_asks_for(question: str, asked: set[str]):
    assert asks_for(question) == asked


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
    ],
)
def test_offers(text: str, held: set[str]):
    assert offers(analyse(text)) == held
