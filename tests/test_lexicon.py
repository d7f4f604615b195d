"""Words of two languages: alike by meaning, excluding each other, alike by sound."""

from __future__ import annotations

import pytest

from assistant.lexicon import parse, shipped_lexicon, sound_alike
from assistant.text import fold, words


@pytest.mark.parametrize(
    ("english", "arabic"),
    [
        ("Kazakhstan", "كازاخستان"),
        ("Aktau", "أكتاو"),
        ("Stepnogorsk", "ستيبنوغورسك"),
        ("Churchill", "وتشرشل"),
        ("Suez", "السويس"),
        ("Nabataeans", "الأنباط"),
        ("Snøhetta", "سنوهيتا"),
        ("Google", "غوغل"),
    ],
)
def test_names_sound_alike_in_both_scripts(english: str, arabic: str):
    assert sound_alike(fold(english), fold(arabic))


@pytest.mark.parametrize(
    ("one", "other"), [("Newton", "أينشتاين"), ("Messner", "تنزينغ"), ("Tesla", "أديسون"), ("Granada", "قرطبة")]
)
def test_other_names_do_not(one: str, other: str):
    assert not sound_alike(fold(one), fold(other))


def concepts(text: str) -> list[frozenset[int]]:
    return shipped_lexicon().concepts(words(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Germans", "والألمان"),
        ("United States", "الولايات المتحدة"),
        ("copper", "بالنحاس"),
        ("decline", "وانخفاض"),
        ("raises", "يرفع"),
        ("in summer", "صيفًا"),
    ],
)
def test_one_concept_in_both_languages(one: str, other: str):
    assert concepts(one)[-1] & concepts(other)[-1]


def test_opposites_are_of_one_class_that_excludes():
    lexicon = shipped_lexicon()
    [up], [down] = concepts("increase")[0], concepts("تراجع")[0]
    assert lexicon.classes[up] == lexicon.classes[down]
    assert lexicon.exclusive(up)
    assert lexicon.entity(next(iter(concepts("مصر")[0])))


def test_a_phrase_gives_its_concept_to_all_its_words():
    lexicon = parse("seas: Red_Sea|البحر_الأحمر; Black_Sea|البحر_الأسود\nword: sea|بحر\n")
    assert lexicon.concepts(words("in the red sea")) == [frozenset(), frozenset(), frozenset({0}), frozenset({0})]
    assert lexicon.concepts(words("بحر")) == [frozenset({2})]
