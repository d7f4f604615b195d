"""Words of two languages: alike by meaning, excluding each other, alike by sound."""

from __future__ import annotations

import pytest

from assistant.lexicon import one_name, parse, shipped_lexicon, sound_alike, sound_distance
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
        ("Thimonnier's", "تيمونييه"),
        ("Poitiers", "بواتييه"),
        ("Monnet", "مونيه"),
    ],
)
def test_names_sound_alike_in_both_scripts(english: str, arabic: str):
    assert sound_alike(fold(english), fold(arabic))


@pytest.mark.parametrize(
    ("one", "other"), [("Newton", "أينشتاين"), ("Messner", "تنزينغ"), ("Tesla", "أديسون"), ("Granada", "قرطبة")]
)
def test_other_names_do_not(one: str, other: str):
    assert not sound_alike(fold(one), fold(other))


@pytest.mark.parametrize(
    ("english", "arabic", "one"),
    [
        ("Cameron", "كاميرون", True),
        ("axolotls", "والأكسولوتل", True),
        ("Teflon", "التفلون", True),
        ("planet", "بلان", False),  # a common word has no silent ending
        ("market", "مركز", False),
        ("Ross", "روس", False),  # two consonants are too few
        ("Cameron", "Cameroon", False),  # of one script
    ],
)
def test_all_consonants_make_one_name(english: str, arabic: str, one: bool):
    assert one_name(fold(english), fold(arabic)) is one


def test_how_far_names_are_in_sound():
    assert sound_distance(fold("Karoun"), fold("كارون")) < 0.1
    assert sound_distance("tashkent", "tashkent") == 0.0
    assert sound_distance(fold("Tashkent"), fold("وطشقند")) < 0.3  # "and" is taken off
    assert sound_distance(fold("Belconnen"), fold("غونغالين")) > 0.4
    assert sound_distance(fold("Lima"), fold("زغرب")) == 1.0


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


@pytest.mark.parametrize(
    ("english", "arabic"),
    [
        ("banned", "حظرت"),
        ("join", "يلتحق"),
        ("fly", "تطير"),
        ("mirror", "مرآته"),
        ("visited", "زاروا"),
        ("continue", "ستستمر"),
        ("iceberg", "بجبل جليدي"),
    ],
)
def test_arabic_verbs_and_belongings_are_found_under_their_listed_form(english: str, arabic: str):
    assert concepts(english)[-1] & concepts(arabic)[-1]


@pytest.mark.parametrize(
    ("one", "other"), [("increase", "تراجع"), ("exporter", "مستورد"), ("girls", "الفتيان"), ("after", "قبل ذلك")]
)
def test_opposites_are_of_one_class_that_excludes(one: str, other: str):
    lexicon = shipped_lexicon()
    assert lexicon.opposed(concepts(one)[0], concepts(other)[0])
    assert lexicon.opposed(concepts(other)[0], concepts(one)[0])


def test_what_is_equal_or_unrelated_is_not_opposed():
    lexicon = shipped_lexicon()
    assert not lexicon.opposed(concepts("increase")[0], concepts("ارتفاع")[0])
    assert not lexicon.opposed(concepts("increase")[0], concepts("copper")[0])
    assert any(map(lexicon.entity, concepts("مصر")[0]))


def test_words_of_one_stem_are_told_apart_as_they_are_listed():
    girls, boys = concepts("الفتيات")[0], concepts("والفتيان")[0]
    assert girls & concepts("girl")[0]
    assert not girls & boys


def test_a_name_that_shares_a_stem_with_a_country_is_not_it():
    lexicon = shipped_lexicon()
    assert not any(map(lexicon.entity, concepts("جورج")[0]))
    assert all(concepts("Georgia")[0] & concepts(word)[0] for word in ("جورجيا", "الجورجيين", "بجورجيا"))


def test_a_phrase_gives_its_concept_to_all_its_words():
    lexicon = parse(
        "word: coral_reef|شعاب_مرجانية; reef|شعب\ncountries: South_Africa|جنوب_أفريقيا\ndirections: south|جنوب\n"
    )
    assert lexicon.concepts(words("a coral reef")) == [frozenset(), frozenset({0}), frozenset({0, 1})]
    assert lexicon.concepts(words("south of it")) == [frozenset({3}), frozenset(), frozenset()]
    assert lexicon.concepts(words("in South Africa")) == [frozenset(), frozenset({2}), frozenset({2})]
