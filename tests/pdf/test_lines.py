"""Lines from glyphs that stand where a page would have them."""

from __future__ import annotations

from collections import Counter

import pytest

from assistant.pdf.glyphs import Sheet
from assistant.pdf.lines import read_lines
from tests.pdf.build import glyph, sheet_of


def texts(sheet: Sheet) -> list[list[str]]:
    return [[line.text for line in block] for block in read_lines(sheet, Counter())]


def test_a_page_without_glyphs():
    assert read_lines(Sheet(), Counter()) == []


@pytest.mark.parametrize("visual", [True, False])
def test_words_are_told_apart_by_gaps(visual: bool):
    assert texts(sheet_of([(50, 700, "ةنيدملا يف")], visual=visual)) == [["في المدينة"]]
    assert texts(sheet_of([(50, 700, "two words")], visual=visual)) == [["two words"]]


def test_order_in_the_file_is_what_the_repairs_count():
    repairs: Counter[str] = Counter()
    read_lines(sheet_of([(50, 700, "ةنيدملا يف")], visual=True), repairs)
    assert repairs["right-to-left lines"] == 1
    repairs.clear()
    read_lines(sheet_of([(50, 700, "ةنيدملا يف")], visual=False), repairs)
    assert not +repairs


def test_lines_close_under_one_another_are_a_block_and_columns_are_two():
    left = [(50, 700 - 14 * k, "left column") for k in range(3)]
    right = [(300, 700 - 14 * k, "right column") for k in range(3)]
    assert texts(sheet_of(left + right)) == [["left column"] * 3, ["right column"] * 3]


def test_a_title_that_is_drawn_last_comes_first():
    assert texts(sheet_of([(50, 600, "body text"), (50, 700, "The title")])) == [["The title"], ["body text"]]


def test_a_superscript_stays_in_its_line():
    sheet = sheet_of([(50, 700, "area 25 m")])
    sheet.glyphs.append(glyph("2", 104, 20, width=3, baseline=704, size=6))
    assert texts(sheet) == [["area 25 m2"]]


def test_spaced_out_letters_are_one_word():
    sheet = Sheet([glyph(char, 50 + 9 * place, place) for place, char in enumerate("HEADING")])
    assert texts(sheet) == [["HEADING"]]


def test_a_drawn_bullet_begins_its_line():
    sheet = sheet_of([(50, 700, "first"), (50, 686, "second"), (300, 650, "دنب")])
    sheet.dots += [(42, 703), (325, 653), (42, 620)]
    assert texts(sheet) == [["• first", "second"], ["• بند"]]


def test_a_blank_under_a_letter_parts_nothing():
    sheet = sheet_of([(50, 700, "word")])
    sheet.glyphs.append(glyph(" ", 57, 9, width=4))
    assert texts(sheet) == [["word"]]


def test_a_letter_said_twice_is_kept_once():
    # the alef with hamza and its hamza, both said to be أ; then two that stand side by side
    twice = Sheet([glyph("أ", 50, 0, width=3), glyph("أ", 50.5, 1, width=2), glyph("ب", 44, 2)])
    assert texts(twice) == [["أب"]]
    beside = Sheet([glyph("أ", 53, 0, width=3), glyph("أ", 50, 1, width=3), glyph("ب", 44, 2)])
    assert texts(beside) == [["أأب"]]


def test_narrow_cells_are_told_by_the_gutter_of_the_next_row():
    # a gap of 8 points in the first row stands over one of 32 in the second
    rows = sheet_of([(50, 700, "longername"), (118, 700, "25"), (50, 680, "short"), (118, 680, "30")])
    assert texts(rows) == [["longername"], ["25"], ["short"], ["30"]]
    alone = sheet_of([(50, 700, "longername"), (118, 700, "25")])
    assert texts(alone) == [["longername 25"]]


def test_direction_of_a_mixed_line_is_told_by_where_it_ends():
    # three Latin words and three Arabic ones: the full stop at the left ends a right-to-left line
    assert texts(sheet_of([(50, 700, ".Beta Gamma عم Alpha مادختسا")])) == [["استخدام Alpha مع Beta Gamma."]]
    assert texts(sheet_of([(50, 700, "Beta Gamma عم Alpha مادختسا.")])) == [["Beta Gamma مع Alpha استخدام."]]


def test_unbalanced_brackets_of_a_block_are_turned():
    repairs: Counter[str] = Counter()
    (block,) = read_lines(sheet_of([(50, 700, "(ةنيدملا( يف ةريبكلا ةكرشلا")]), repairs)
    assert block[0].text == "الشركة الكبيرة في (المدينة)"
    assert repairs["brackets"] == 1
