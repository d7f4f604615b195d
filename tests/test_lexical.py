"""The lexical index on a real tantivy folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.lexical import LexicalIndex
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


@pytest.mark.parametrize("query", ["المَعَادِنِ", "معادن", "والمعادن", "٢٠٠٤", "2004", "الإجراءات", "اجراءات"])
def test_spelling_does_not_matter(index: LexicalIndex, query: str):
    index.update([passage("a", "إجراءات المعادن عام ٢٠٠٤")])
    assert ids(index, "ar", query) == ["a"]


def test_the_context_is_searched(index: LexicalIndex):
    index.update([passage("a", "Text.", "en", context="Ports > Aktau")])
    assert ids(index, "en", "aktau") == ["a"]


def test_update_replaces_and_removes(index: LexicalIndex):
    index.update([passage("a", "قديم"), passage("b", "قديم")])
    index.update([passage("a", "جديد")], removed=["b"])
    assert ids(index, "ar", "قديم") == []
    assert ids(index, "ar", "جديد") == ["a"]
    assert index.count() == 1


def test_nothing_to_search_for(index: LexicalIndex):
    assert index.query("ar", [], 10) == []
    assert ids(index, "ar", "كلمة") == []


def test_everything_is_there_after_opening_again(index: LexicalIndex, tmp_path: Path):
    index.update([passage("a", "نص")])
    assert ids(LexicalIndex(tmp_path / "lexical"), "ar", "نص") == ["a"]
