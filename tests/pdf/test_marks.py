"""Ligatures and diacritics."""

from __future__ import annotations

from collections import Counter

import pytest

from assistant.pdf.marks import are_in_order, attach, restore
from tests.pdf.build import glyph


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ب", "ب"),
        ("ال", "لا"),
        ("أل", "لأ"),
        ("اَل", "لَا"),
        ("بَ", "بَ"),
        ("هللا", "الله"),  # a glyph for a word comes reversed
        ("fi", "fi"),
        ("نِن", "نِ"),  # letter and mark glyph both say both
    ],
)
def test_characters_of_a_glyph(text: str, read: str):
    assert restore(text, in_order=False)[0] == read


def test_a_ligature_with_a_code_point_is_spelt_out_where_lam_alef_is():
    assert restore("ين", in_order=True)[0] == "ين"
    assert restore("ني", in_order=False)[0] == "ين"
    assert are_in_order(["لا", "ب", "لأ", "ال"])
    assert not are_in_order(["ال", "ب"])
    assert not are_in_order([])


def test_a_mark_goes_to_the_letter_under_it():
    # seen from the left: ب over 100..106, ت over 106..112; the file ends with the mark over the ب
    letters = [glyph("ت", 106, 0), glyph("ب", 100, 1)]
    mark = glyph("َ", 102, 2, width=2, baseline=702)
    repairs: Counter[str] = Counter()
    attach([mark], [(700, letters)], repairs)
    assert [letter.text for letter in letters] == ["ت", "بَ"]
    assert not +repairs  # the file had it after its letter already


def test_a_mark_that_the_file_keeps_elsewhere_is_counted():
    letters = [glyph("ب", 100, 0), glyph("ت", 130, 1)]
    marks = [glyph("ُ", 102, 2, width=2), glyph("ِ", 132, 3, width=2)]
    repairs: Counter[str] = Counter()
    attach(marks, [(700, letters)], repairs)
    assert [letter.text for letter in letters] == ["بُ", "تِ"]
    assert repairs["misplaced marks"] == 1


def test_a_mark_over_the_right_half_of_lam_alef_is_the_lams():
    letter = glyph("لا", 100, 0, width=8)
    attach([glyph("َ", 106, 1, width=1)], [(700, [letter])], Counter())
    assert letter.text == "لَا"


def test_a_mark_far_from_every_letter_is_dropped():
    letter = glyph("ب", 100, 0)
    attach([glyph("َ", 300, 1, width=2)], [(700, [letter])], Counter())
    assert letter.text == "ب"
