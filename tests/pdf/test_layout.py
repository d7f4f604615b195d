"""Blocks from lines: most pages are 400 points wide, from 50 to 450, with lines 14 points apart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.pdf.layout import PdfBlock, join_lines, read_layout, without_running_lines
from assistant.pdf.lines import Line
from tests.pdf.build import line

FULL = "words that fill the line up to its end"


def blocks(*pages: Sequence[Sequence[Line]]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in read_layout(pages)]


def test_nothing():
    assert read_layout([]) == []
    assert read_layout([[], []]) == []


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["one", "two"], "one two"),
        (["exam-", "ple"], "example"),
        (["well-", "known"], "well-known"),
        (["Franco-", "German"], "Franco- German"),  # a capital letter does not continue a word
        (["exam\u00ad", "ple"], "example"),
        (["co\u00adoperate"], "cooperate"),
        (["من 2020 -", "حتى الآن"], "من 2020 - حتى الآن"),
    ],
)
def test_lines_of_a_paragraph(lines: list[str], joined: str):
    assert join_lines(lines) == joined


def test_a_short_line_ends_a_paragraph():
    page = [[line(FULL, 700), line("short end.", 686, right=100), line(FULL, 672), line("the end", 658, right=120)]]
    assert blocks(page) == [("paragraph", f"{FULL} short end."), ("paragraph", f"{FULL} the end")]


def test_space_an_indent_or_a_marker_begins_a_paragraph():
    spaced = [[line(FULL, 700), line(FULL, 686), line(FULL, 666)]]
    assert len(blocks(spaced)) == 2
    indented = [[line(FULL, 700), line("and more", 686), line(FULL, 672, left=65), line("more of it", 658)]]
    assert len(blocks(indented)) == 2
    marked = [[line(FULL, 700), line("• one", 686), line("2) two", 672), line("٣. ثلاثة", 658, rtl=True)]]
    assert blocks(marked)[1:] == [("item", "one"), ("item", "2) two"), ("item", "٣. ثلاثة")]


def test_lines_that_start_on_the_right_end_on_the_left():
    page = [[line("كلمات كثيرة تملأ السطر كله", 700, rtl=True), line("قليل", 686, left=400, rtl=True)]]
    page[0] += [line("كلمات كثيرة تملأ السطر كله", 672, rtl=True)]
    assert len(blocks(page)) == 2


def test_a_list_without_markers_is_not_one_paragraph():
    lengths = (180, 230, 200, 150)
    page = [[line(FULL, 760), line(FULL, 746)], [line("entry", 700 - 14 * k, right=r) for k, r in enumerate(lengths)]]
    assert blocks(page)[1:] == [("paragraph", "entry")] * 4


def test_a_marker_that_stands_apart_is_put_before_its_line():
    page = [
        [line("•", 700, left=455, right=460)],
        [line("بند أول", 700, left=300, right=445, rtl=True)],
        [line("2.", 686, left=455, right=463)],
        [line("بند ثان", 686, left=300, right=445, rtl=True)],
    ]
    assert blocks(page) == [("item", "بند أول"), ("item", "2. بند ثان")]


def test_headings_by_size_and_weight():
    page = [
        [line("Title", 780, right=200, size=20)],
        [line("Chapter", 740, right=200, size=14)],
        [line(FULL, 700), line("ends here.", 686, right=100)],
        [line("Section", 660, right=200, bold=True)],
        [line(FULL, 640), line("and ends.", 626, right=100)],
        [line("A bold sentence is no heading.", 600, right=300, bold=True)],
    ]
    read = read_layout([page])
    assert [(b.text, b.level) for b in read if b.kind == "heading"] == [("Title", 1), ("Chapter", 2), ("Section", 3)]
    assert read[-1].kind == "paragraph"


def test_weight_means_nothing_where_all_is_bold():
    page = [[line(FULL, 700, bold=True), line("A few words", 686, right=120, bold=True)]]
    assert [kind for kind, _ in blocks(page)] == ["paragraph"]


def cell(text: str, baseline: float, left: float, *, rtl: bool = False, drawn: int = 0) -> list[Line]:
    return [line(text, baseline, left=left, right=left + 60, rtl=rtl, drawn=drawn)]


def test_a_table_row_is_one_block():
    page = [cell("Item", 700, 50), cell("Price", 700, 200), cell("Pump", 680, 50), cell("15", 680, 200)]
    assert blocks(page) == [("row", "Item | Price"), ("row", "Pump | 15")]


def test_a_cell_may_have_lines_of_its_own():
    tall = [line("two", 700, left=50, right=110), line("lines", 686, left=50, right=110)]
    assert blocks([tall, cell("15", 693, 200)]) == [("row", "two lines | 15")]


def test_arabic_tables_begin_on_the_right():
    page = [cell("15 ريالا", 700, 50, rtl=True), cell("مضخة مياه", 700, 200, rtl=True)]
    assert blocks(page) == [("row", "مضخة مياه | 15 ريالا")]


def test_mixed_tables_begin_where_the_file_draws_first():
    right_first = [cell("14", 700, 50, drawn=3), cell("Pump X", 700, 200, drawn=2)]
    assert blocks(right_first) == [("row", "Pump X | 14")]
    left_first = [cell("Pump X", 700, 50, drawn=2), cell("مضخة", 700, 200, drawn=3)]
    assert blocks(left_first) == [("row", "Pump X | مضخة")]


def test_a_last_cell_close_above_a_paragraph_belongs_to_the_row():
    page = [cell("Pump", 700, 50), [line("15", 700, left=200, right=260), line(FULL, 680), line(FULL, 666)]]
    assert blocks(page) == [("row", "Pump | 15"), ("paragraph", f"{FULL} {FULL}")]


def test_columns_of_text_are_no_table():
    def column(left: float) -> list[Line]:
        return [line(f"column at {left}.", 700 - 14 * k, left=left, right=left + 180) for k in range(6)]

    assert [kind for kind, _ in blocks([column(50), column(260)])] == ["paragraph", "paragraph"]


def test_a_paragraph_goes_on_in_the_next_column_or_page():
    first, second = [[line(FULL, 700), line(FULL, 686)]], [[line("and go on to", 710), line("end.", 696, right=80)]]
    read = read_layout([first, second])
    assert read == [PdfBlock(f"{FULL} {FULL} and go on to end.", "paragraph", 0, 1)]


@pytest.mark.parametrize("last", [line("A sentence that ends.", 686), line("short line", 686, right=100)])
def test_a_paragraph_that_ends_does_not_go_on(last: Line):
    read = read_layout([[[line(FULL, 700), last]], [[line("Another page with a full line", 710)]]])
    assert [block.page for block in read] == [1, 2]


def running(page: int) -> list[list[Line]]:
    texts = [[line(f"line {page * 7 + k} of the body", 700 - 20 * k)] for k in range(5)]
    return [[line("الدليل الداخلي", 780, rtl=True)], *texts, [line(f"صفحة {page}", 40, rtl=True)]]


def test_running_headers_and_page_numbers_are_left_out():
    pages = without_running_lines([running(page) for page in range(1, 5)])
    assert [len(page) for page in pages] == [5, 5, 5, 5]


def test_what_stands_on_one_page_only_is_kept():
    assert without_running_lines([running(1)]) == [running(1)]
    pages = [running(1), [[line("another text", 780)], [line("and its end", 300)]], [[line("third", 500)]]]
    assert without_running_lines(pages)[1] == pages[1]
