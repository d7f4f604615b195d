"""How questions are altered, letter by letter."""

from __future__ import annotations

import pytest

from assistant.text import analyse, strip_diacritics
from eval import perturbations
from eval.perturbations import PERTURBATIONS

QUESTION = "متى بدأت القمة الأولى في طوكيو عام 2004؟"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tatweel", "متى بـــدأت الـــقمة الـــأولى في طـــوكيو عام 2004؟"),
        ("no hamza", "متى بدات القمة الاولى في طوكيو عام 2004؟"),
        ("wrong alef", "متى بدإت القمة الإولى في طوكيو عام 2004؟"),
        ("alef maqsura as ya", "متي بدأت القمة الأولي في طوكيو عام 2004؟"),
        ("ya as alef maqsura", "متى بدأت القمة الأولى فى طوكيو عام 2004؟"),
        ("ta marbuta as ha", "متى بدأت القمه الأولى في طوكيو عام 2004؟"),
        ("Arabic-Indic digits", "متى بدأت القمة الأولى في طوكيو عام ٢٠٠٤؟"),
        ("no question mark", "متى بدأت القمة الأولى في طوكيو عام 2004"),
        ("English frame", f"Please tell me: {QUESTION}"),
        ("English names", "متى بدأت القمة الأولى في Tokyo عام 2004؟"),
    ],
)
def test_exact_strings(name: str, expected: str):
    assert PERTURBATIONS[name](QUESTION) == expected


def test_names_of_several_words_and_names_within_words():
    assert perturbations.with_english_names("أين الولايات المتحدة؟") == "أين United States؟"
    assert perturbations.with_english_names("من الفرنسيون؟") == "من الفرنسيون؟"


def test_diacritics_follow_every_consonant_and_nothing_else_changes():
    changed = perturbations.with_diacritics("متى؟")
    assert changed == perturbations.with_diacritics("متى؟")
    assert strip_diacritics(changed) == "متى؟"
    assert len(changed) == len("متى؟") + 2  # after م and ت


def test_a_swap_keeps_the_letters_of_one_word():
    changed = perturbations.with_swapped_letters(QUESTION)
    assert changed == perturbations.with_swapped_letters(QUESTION)
    different = [(a, b) for a, b in zip(QUESTION.split(), changed.split(), strict=True) if a != b]
    ((before, after),) = different
    assert sorted(before) == sorted(after)
    assert (before[0], before[-1]) == (after[0], after[-1])


def test_a_drop_takes_one_letter():
    changed = perturbations.with_dropped_letter(QUESTION)
    assert len(changed) == len(QUESTION) - 1
    assert sum(a != b for a, b in zip(QUESTION.split(), changed.split(), strict=True)) == 1


@pytest.mark.parametrize("change", [perturbations.with_swapped_letters, perturbations.with_dropped_letter])
def test_short_words_have_no_typos(change):
    assert change("متى بدأ في عام 2004؟") == "متى بدأ في عام 2004؟"


@pytest.mark.parametrize("name", list(PERTURBATIONS))
def test_the_same_change_every_time(name: str):
    assert PERTURBATIONS[name](QUESTION) == PERTURBATIONS[name](QUESTION) != QUESTION


@pytest.mark.parametrize(
    "name",
    [
        "diacritics",
        "tatweel",
        "no hamza",
        "wrong alef",
        "alef maqsura as ya",
        "ya as alef maqsura",
        "ta marbuta as ha",
        "Arabic-Indic digits",
        "no question mark",
    ],
)
def test_spelling_alone_never_changes_the_terms(name: str):
    assert analyse(PERTURBATIONS[name](QUESTION)) == analyse(QUESTION)
