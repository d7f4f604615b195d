"""Repairs that need the text alone."""

from __future__ import annotations

import pytest

from assistant.pdf import repair_text
from assistant.pdf.repair import count_forms, fix_brackets, fix_numbers, fold_forms, forms_vote, order_vote

LOGICAL = "ارتفعت السوق في هذا العام إلى أعلى قيمة\nعملت الشركة الكبيرة في المدينة (فرع الشمال)\nوقد حصل على الجائزة"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ﻻ ﷲ", "لا الله"),
        ("ﻓﻲ", "في"),
        ("ﹷ", "\u064e"),  # a mark alone: without its tatweel
        ("oﬃce ﬁle", "office file"),
        ("٢٠٢٥ ½ ²", "٢٠٢٥ ½ ²"),
    ],
)
def test_fold_forms(text: str, folded: str):
    assert fold_forms(text) == folded
    assert count_forms(folded) == 0


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("حجم MB 5 فقط", "حجم 5 MB فقط"),
        ("بنسبة %15 و ٪٢٠", "بنسبة 15% و ٢٠٪"),
        ("طراز Model X-500", "طراز Model X-500"),
        ("بنسبة 15% و 20%", "بنسبة 15% و 20%"),
    ],
)
def test_fix_numbers(text: str, fixed: str):
    assert fix_numbers(text) == fixed


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("السعر )٥ ريالات( فقط", "السعر (٥ ريالات) فقط"),
        ("قال: »نعم«، ثم", "قال: «نعم»، ثم"),
        ("a (b [c] d) e", "a (b [c] d) e"),
        ("قائمة 1) وبعدها", "قائمة 1) وبعدها"),
    ],
)
def test_fix_brackets(text: str, fixed: str):
    assert fix_brackets(text) == fixed


def mirrored(text: str) -> str:
    """Right-to-left lines without numbers and Latin words, as they are seen."""
    return "\n".join(line[::-1].translate(str.maketrans("()", ")(")) for line in text.split("\n"))


def test_text_in_reading_order_is_left_alone():
    for text in (LOGICAL, "English only (2025).", "", "بِسْمِ اللهِ"):
        assert repair_text(text) == (text, {})


def test_text_in_the_order_seen_is_turned():
    text, repairs = repair_text(mirrored(LOGICAL))
    assert text == LOGICAL
    assert repairs == {"right-to-left lines": 3}


def test_joining_forms_tell_the_order_exactly():
    assert forms_vote("ﻓﻲ") > 0
    assert forms_vote("ﻲﻓ") < 0
    assert repair_text("ﻲﻓ") == ("في", {"right-to-left lines": 1, "presentation forms": 2})
    assert repair_text("ﻓﻲ") == ("في", {"presentation forms": 2})


def test_latin_and_numbers_of_a_turned_line_stay_as_they_are():
    seen = mirrored(LOGICAL) + "\n%19.5 ةبسنب Daniel Okoye ةكرش تعفترا"
    assert repair_text(seen)[0].endswith("ارتفعت شركة Daniel Okoye بنسبة 19.5%")


def test_letters_tell_the_order():
    # في 2, المدينة: ة ends a word 2, ال begins one 1
    assert order_vote("في المدينة") == (5, 0)
    # the same reversed: 2 for the word, 2 for the ة, 1 for the article at the end
    assert order_vote("ةنيدملا يف") == (0, 5)
