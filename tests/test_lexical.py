"""The lexical index on a real tantivy folder."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from assistant.errors import IndexStateError
from assistant.lexical import LexicalIndex, field_language
from assistant.schema import Passage
from assistant.text import analyse


def passage(key: str, text: str, language: str = "ar", context: str = "") -> Passage:
    return Passage(key, "d.md", "T", context, language, "document", text, 0, len(text), ())


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    return LexicalIndex(tmp_path / "lexical")


def ids(index: LexicalIndex, language: str, query: str) -> list[str]:
    return [hit.passage_id for hit in index.query(language, analyse(query), 10)]


def test_rare_words_weigh_more(index: LexicalIndex):
    index.update(
        [
            passage("common", "ميناء كبير"),
            passage("rare", "أكتاو كبير"),
            passage("x", "ميناء صغير"),
            passage("y", "ميناء قديم"),
        ]
    )
    # three of four hold ميناء, one holds أكتاو
    assert ids(index, "ar", "ميناء أكتاو")[0] == "rare"
    assert index.document_frequency("ar", analyse("ميناء")[0]) == 3
    assert index.document_frequency("ar", analyse("أكتاو")[0]) == 1
    assert index.document_frequency("en", analyse("أكتاو")[0]) == 0


def test_each_language_is_searched_by_itself(index: LexicalIndex):
    index.update(
        [passage("a", "ميناء Aktau"), passage("e", "The port of Aktau", "en"), passage("f", "Port d'Aktau", "fr")]
    )
    assert ids(index, "ar", "Aktau") == ["a"]
    assert ids(index, "en", "Aktau") == ["e"]
    assert ids(index, "fr", "Aktau") == ids(index, "other", "aktau") == ["f"]


@pytest.mark.parametrize(
    ("language", "field"), [("ar", "ar"), ("en", "en"), ("other", "other"), ("fr", "other"), ("ckb", "other")]
)
def test_fields(language: str, field: str):
    assert field_language(language) == field


def test_a_passage_that_changes_its_language_leaves_the_old_field(index: LexicalIndex):
    index.update([passage("a", "Aktau", "ar")])
    index.update([passage("a", "Aktau", "en")])
    assert (ids(index, "ar", "Aktau"), ids(index, "en", "Aktau")) == ([], ["a"])
    assert index.count() == 1


def test_scores_by_hand(index: LexicalIndex):
    # BM25 with k1 = 1.2 and b = .75 over three passages of 1, 2 and 3 words, 2 on average.
    index.update([passage("one", "ميناء"), passage("two", "ميناء كبير"), passage("three", "ميناء قديم جدا")])
    every, some = math.log(1 + 0.5 / 3.5), math.log(1 + 2.5 / 1.5)  # held by 3 of 3, by 1 of 3
    weight = {length: 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / 2)) for length in (1, 2, 3)}
    scores = {hit.passage_id: hit.score for hit in index.query("ar", analyse("ميناء"), 10)}
    assert list(scores) == ["one", "two", "three"]  # the shorter the passage, the more a word is of it
    assert list(scores.values()) == pytest.approx([every * weight[1], every * weight[2], every * weight[3]], rel=1e-5)
    both = {hit.passage_id: hit.score for hit in index.query("ar", analyse("ميناء قديم"), 10)}
    assert list(both) == ["three", "one", "two"]
    assert both["three"] == pytest.approx((every + some) * weight[3], rel=1e-5)


def test_a_word_said_twice_counts_more_but_not_twice(index: LexicalIndex):
    # 2 of 4 words against 1 of 4: 2 * 2.2 / (2 + 1.2) = 1.375 against 2.2 / (1 + 1.2) = 1
    index.update([passage("once", "ميناء كبير جديد واسع"), passage("twice", "ميناء ميناء قديم ضيق")])
    first, second = index.query("ar", analyse("ميناء"), 10)
    assert (first.passage_id, second.passage_id) == ("twice", "once")
    assert first.score / second.score == pytest.approx(1.375, rel=1e-5)


def test_a_term_asked_twice_counts_once(index: LexicalIndex):
    index.update([passage("a", "ميناء كبير"), passage("b", "جبل")])
    assert index.query("ar", analyse("ميناء ميناء الميناء"), 10) == index.query("ar", analyse("ميناء"), 10)


def test_at_most_as_many_as_asked_for(index: LexicalIndex):
    index.update([passage(str(number), "ميناء " + "كلمة " * number) for number in range(5)])
    assert ids(index, "ar", "ميناء") == ["0", "1", "2", "3", "4"]
    assert [hit.passage_id for hit in index.query("ar", analyse("ميناء"), 2)] == ["0", "1"]


@pytest.mark.parametrize("query", ["المَعَادِنِ", "معادن", "والمعادن", "٢٠٠٤", "2004", "الإجراءات", "اجراءات"])
def test_spelling_does_not_matter(index: LexicalIndex, query: str):
    index.update([passage("a", "إجراءات المعادن عام ٢٠٠٤")])
    assert ids(index, "ar", query) == ["a"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("أكتاو", "اكتاو"),
        ("آسيا", "اسيا"),
        ("مسؤول", "مسوول"),
        ("مكتبة", "مكتبه"),
        ("مستشفى", "مستشفي"),
        ("٢٠٠٤", "2004"),
        ("۲۰۰۴", "2004"),
        ("٣٬٥٠٠", "3500"),
        ("3,500", "3500"),
        ("٣٫٥", "3.5"),
        ("الميناء", "ميناء"),
        ("والميناء", "الميناء"),
        ("کتاب", "كتاب"),
    ],
)
def test_both_spellings_find_each_other(index: LexicalIndex, one: str, other: str):
    index.update(
        [passage("one", f"كلمات قبل {one} وبعد"), passage("other", f"كلمات قبل {other} وبعد"), passage("x", "غير")]
    )
    assert set(ids(index, "ar", one)) == set(ids(index, "ar", other)) == {"one", "other"}


@pytest.mark.parametrize(
    ("one", "other"), [("Ports", "port"), ("TÜRKİYE", "Turkiye"), ("year's", "years"), ("٢٠٠٤", "2004")]
)
def test_english_spellings_find_each_other(index: LexicalIndex, one: str, other: str):
    index.update([passage("one", f"words before {one} after", "en"), passage("other", f"so {other} then", "en")])
    assert set(ids(index, "en", one)) == set(ids(index, "en", other)) == {"one", "other"}


@pytest.mark.parametrize(("one", "other"), [("2004", "2005"), ("ميناء", "مناخ"), ("1,5", "1500"), ("عَلَم", "عالم")])
def test_other_words_stay_apart(index: LexicalIndex, one: str, other: str):
    index.update([passage("one", one), passage("other", other)])
    assert (ids(index, "ar", one), ids(index, "ar", other)) == (["one"], ["other"])


def test_the_context_is_searched(index: LexicalIndex):
    index.update([passage("a", "Text.", "en", context="Ports > Aktau")])
    assert ids(index, "en", "aktau") == ["a"]


def test_update_replaces_and_removes(index: LexicalIndex):
    index.update([passage("a", "قديم"), passage("b", "قديم")])
    index.update([passage("a", "جديد")], removed=["b"])
    assert ids(index, "ar", "قديم") == []
    assert ids(index, "ar", "جديد") == ["a"]
    assert index.count() == 1


def test_an_id_removed_and_added_at_once_stays(index: LexicalIndex):
    index.update([passage("a", "قديم"), passage("a-2", "قديم")])
    index.update([passage("a", "جديد")], removed=["a", "missing"])
    assert ids(index, "ar", "جديد") == ["a"]
    assert ids(index, "ar", "قديم") == ["a-2"]
    assert index.count() == 2


def test_an_update_of_nothing(index: LexicalIndex):
    index.update([passage("a", "نص")])
    index.update([])
    assert (ids(index, "ar", "نص"), index.count()) == (["a"], 1)


def test_nothing_to_search_for(index: LexicalIndex):
    assert index.query("ar", [], 10) == []
    assert ids(index, "ar", "كلمة") == []


def test_everything_is_there_after_opening_again(index: LexicalIndex, tmp_path: Path):
    index.update([passage("a", "نص")])
    assert ids(LexicalIndex(tmp_path / "lexical"), "ar", "نص") == ["a"]


@pytest.mark.parametrize("damage", ["a file in its place", "another file's content"])
def test_what_is_no_index(tmp_path: Path, damage: str):
    folder = tmp_path / "lexical"
    if damage == "a file in its place":
        folder.write_text("x")
    else:
        folder.mkdir()
        (folder / "meta.json").write_text("{")
    with pytest.raises(IndexStateError, match=r"lexical cannot be opened \(.*\); run: dalil sync --rebuild"):
        LexicalIndex(folder)


def test_what_was_replaced_or_removed_is_not_counted(index: LexicalIndex):
    for text in ("ميناء سلمى", "ميناء سلمى القديم", "ميناء سلمى الجديد"):
        index.update([passage("a", text), passage("b", "سوق سلمى")])
    assert index.document_frequency("ar", analyse("سلمى")[0]) == 2
    assert index.document_frequency("ar", analyse("ميناء")[0]) == 1
    index.update([], ["b"])
    assert index.document_frequency("ar", analyse("سلمى")[0]) == 1
