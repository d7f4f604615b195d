"""Words of a sentence beside those of its evidence, with vectors made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.alignment import align, equals
from assistant.claims import Claim, Word
from assistant.lexicon import parse
from assistant.text import detect_language, fold, stem

LEXICON = parse(
    "countries: Georgia|جورجيا\nword: build built|بنى يبني بناء; wall|جدار; old|قديم\nage: new|جديد; old|قديم\n"
)


def word(text: str, name: float = 0.0, *, content: bool = True, number: bool = False) -> Word:
    folded = fold(text)
    return Word(
        folded=folded,
        root=stem(folded),
        content=content,
        name=name,
        concepts=LEXICON.concepts([folded])[0],
        negated=False,
        hedged=False,
        role="",
        joined=False,
        number=number,
    )


def claim(words: list[Word], vectors: list[list[float]]) -> Claim:
    text = " ".join(one.folded for one in words)
    return Claim(
        text=text,
        language=detect_language(text),
        vector=np.ones(2, dtype=np.float32),
        words=tuple(words),
        vectors=np.array(vectors, dtype=np.float32),
        hedged=False,
        universal=False,
        partial=False,
        negators=0,
        denies=False,
        restricts=False,
        excludes_all=False,
        ranks=False,
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (word("walls"), word("wall"), True),  # by stem
        (word("built"), word("بناء"), True),  # by meaning
        (word("old"), word("جديد"), False),
        (word("wall"), word("بناء"), False),  # both known, and not the same
        (word("Tashkent", 0.9), word("طشقند", 0.9), True),  # by sound
        (word("Tashkent", 0.9), word("سمرقند", 0.9), False),
        (word("tashkent"), word("طشقند"), False),  # no names
        (word("Georgia", 0.9), word("جورج", 0.9), False),  # a listed name has its forms in the list
        (word("production"), word("productive"), True),  # one root is the beginning of the other
    ],
)
def test_words_that_are_one(one: Word, other: Word, *, same: bool):
    assert equals(LEXICON, one, other) is same
    assert equals(LEXICON, other, one) is same


def test_a_word_without_its_like_is_set_beside_the_nearest_that_nobody_says():
    said = claim([word("wall"), word("crumbles")], [[1.0, 0.0], [0.6, 0.8]])
    held = claim([word("الجدار"), word("ينهار"), word("7", number=True)], [[0.6, 0.8], [0.0, 1.0], [0.6, 0.8]])
    found = align(LEXICON, said, [held])
    assert found.equal.tolist() == [[True, False, False], [False, False, False]]
    assert found.partner.tolist() == [0, 1]  # «الجدار» is taken and a number is no word
    assert found.cover == pytest.approx([1.0, 0.8], abs=1e-6)
    [unmatched] = found.unmatched
    assert unmatched["near"] == pytest.approx(0.8, abs=1e-6)
    assert unmatched["margin"] == pytest.approx(0.8, abs=1e-6)  # "wall" is at right angles to «ينهار»
    assert (unmatched["cross"], unmatched["known"], unmatched["both_known"]) == (1.0, 0.0, 0.0)
    assert unmatched["cross_near"] == unmatched["near"]


def test_within_a_language_nothing_crosses():
    said, held = claim([word("crumbles")], [[1.0, 0.0]]), claim([word("falls")], [[0.6, 0.8]])
    [unmatched] = align(LEXICON, said, [held]).unmatched
    assert unmatched["near"] == pytest.approx(0.6, abs=1e-6)
    assert all(value == 0.0 for name, value in unmatched.items() if name.startswith("cross"))


def test_a_name_may_be_one_word_in_one_script_and_two_in_the_other():
    english = claim([word("Diyarbakir", 0.9)], [[1.0, 0.0]])
    arabic = claim([word("ديار", 0.9), word("بكر", 0.9), word("جدار")], [[0.0, 1.0]] * 3)
    assert align(LEXICON, english, [arabic]).equal.tolist() == [[True, True, False]]
    assert align(LEXICON, arabic, [english]).equal.tolist() == [[True], [True], [False]]


def test_words_that_say_nothing_are_left_alone():
    said = claim([word("the", content=False), word("7", content=False, number=True)], [[1.0, 0.0], [1.0, 0.0]])
    found = align(LEXICON, said, [claim([word("wall")], [[1.0, 0.0]])])
    assert (found.partner.tolist(), found.unmatched) == ([-1, -1], ())


def test_an_empty_lexicon_leaves_spelling_and_sound():
    empty = parse("")
    assert equals(empty, word("wall"), word("walls"))
