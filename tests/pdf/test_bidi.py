"""Direction, by hand-worked lines: each is written as it is seen, from left to right."""

from __future__ import annotations

import pytest

from assistant.pdf.bidi import (
    base_direction,
    clusters_of,
    count_words,
    embedding_levels,
    kind,
    logical_order,
    to_logical,
)


@pytest.mark.parametrize(
    ("seen", "read"),
    [
        ("ةنيدملا يف", "في المدينة"),
        ("19.5 ةبسنب", "بنسبة 19.5"),
        ("%19.5 ةبسنب", "بنسبة 19.5%"),
        ("20- نيب", "بين -20"),
        ("Windows 11 ةمظنأ", "أنظمة Windows 11"),
        ("01/03/2025 نيب", "بين 01/03/2025"),
        ("٢٠٢٥/٠٣/٠١ خيراتب", "بتاريخ ٢٠٢٥/٠٣/٠١"),
        ("15-22 تاحفصلا", "الصفحات 22-15"),  # a range after Arabic is seen with its end on the left
        ("https://a.example/b عقوملا", "الموقع https://a.example/b"),
        ("Windows ١٠", "١٠ Windows"),  # Arabic digits do not follow the word before them
        ("،24.04 LTS", "24.04 LTS،"),  # the name that the number follows ended the line above
    ],
)
def test_right_to_left_lines(seen: str, read: str):
    assert to_logical(clusters_of(seen), rtl=True) == read


@pytest.mark.parametrize(
    ("seen", "read"),
    [
        ("The water wheel (2021)", "The water wheel (2021)"),
        ("the word ةيقاس means", "the word ساقية means"),
        ("hello ملاع 25 ابحرم world", "hello مرحبا 25 عالم world"),
    ],
)
def test_left_to_right_lines(seen: str, read: str):
    assert to_logical(clusters_of(seen), rtl=False) == read


def test_levels_and_order_of_a_mixed_line():
    # seen: 7 b, read from the right: b, blank, 7
    assert embedding_levels(["7", " ", "ب"], rtl=True) == [2, 1, 1]
    assert logical_order([2, 1, 1]) == [2, 1, 0]
    assert logical_order([0, 1, 1, 0]) == [0, 2, 1, 3]
    assert logical_order([]) == []


def test_marks_stay_with_their_letter():
    assert clusters_of("بَتُ") == ["بَ", "تُ"]
    assert to_logical(["تُ", "بَ"], rtl=True) == "بَتُ"


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("ب", "right"),
        ("َب", "right"),
        ("a", "left"),
        ("5", "digit"),
        ("٥", "arabic-digit"),
        ("٫", "separator"),
        (",", "separator"),
        (" ", "space"),
        ("(", "neutral"),
        ("َ", "neutral"),
    ],
)
def test_kind(cluster: str, expected: str):
    assert kind(cluster) == expected


def test_words_decide_the_direction():
    assert count_words("زيارة https://x.example/long/path اليوم 25") == (2, 1)
    assert base_direction("كلمة word") is True  # a tie is Arabic
    assert base_direction("two words كلمة") is False
    assert base_direction("12 %") is None
