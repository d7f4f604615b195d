"""How questions are altered, and a suite from end to end on a small data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.text import analyse
from eval import suites
from eval.squad import find, load, mixed

QUESTION = "متى بدأت القمة الأولى في طوكيو عام 2004؟"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (suites.without_hamza, "متى بدات القمة الاولى في طوكيو عام 2004؟"),
        (suites.with_swapped_endings, "متي بدأت القمه الأولي في طوكيو عام 2004؟"),
        (suites.with_arabic_digits, "متى بدأت القمة الأولى في طوكيو عام ٢٠٠٤؟"),
        (suites.without_question_mark, "متى بدأت القمة الأولى في طوكيو عام 2004"),
        (suites.with_english_frame, f"Please tell me: {QUESTION}"),
    ],
)
def test_perturbations(change, expected: str):
    assert change(QUESTION) == expected


def test_words_are_stretched():
    assert suites.with_tatweel("من القمة") == "من الـــقمة"


def test_a_typo_swaps_two_letters_of_the_longest_word():
    # the middle letters of الأولى, أ and و, change places
    assert suites.with_typo("القمة الأولى") == "القمة الوألى"


def test_diacritics_are_many_and_the_same_every_time():
    changed = suites.with_diacritics(QUESTION)
    assert changed == suites.with_diacritics(QUESTION)
    assert len(changed) > len(QUESTION) + 15
    assert analyse(changed) == analyse(QUESTION)


@pytest.mark.parametrize(
    "name", ["diacritics", "tatweel", "no hamza", "ya and ha", "Arabic digits", "no question mark"]
)
def test_spelling_alone_never_changes_the_terms(name: str):
    assert analyse(suites.PERTURBATIONS[name](QUESTION)) == analyse(QUESTION)


# --- a small data set --------------------------------------------------------------------------------

ARTICLES = {
    "ar": [
        ("تأسست مكتبة النور عام 1901. فيها ألف كتاب.", "متى تأسست مكتبة النور؟", "1901"),
        ("يصطاد أهل قرية المرجان سمك التونة. تقع القرية قرب البحر.", "ماذا يصطاد أهل قرية المرجان؟", "سمك التونة"),
    ],
    "en": [
        ("The library of Nour was founded in 1901. It holds a thousand books.", "When was it founded?", "1901"),
        ("The people of Marjan catch tuna. The village lies near the sea.", "What do people in Marjan catch?", "tuna"),
    ],
}


@pytest.fixture
def data(tmp_path: Path):
    for language, articles in ARTICLES.items():
        value = [
            {
                "title": str(number),
                "paragraphs": [
                    {
                        "context": text,
                        "qas": [{"id": f"q{number}", "question": question, "answers": [{"text": answer}]}],
                    }
                ],
            }
            for number, (text, question, answer) in enumerate(articles)
        ]
        (tmp_path / f"{language}.json").write_text(json.dumps({"data": value}, ensure_ascii=False), encoding="utf-8")
    return [load(tmp_path / f"{language}.json", "tiny", language) for language in ("ar", "en")]


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"lacks none\.json; name another folder with --benchmarks"):
        find(tmp_path, [("none.json", "none", "ar")])


def test_the_mixed_store_takes_turns(data):
    assert [paragraph.language for paragraph in mixed(*data)] == ["ar", "en"]


def test_settings_cover_every_direction(data):
    names = [setting.direction(setting.questions[0]) for setting in suites.settings(*data, [], limit=1)]
    assert names == [
        "tiny ar→ar",
        "tiny en→en",
        "tiny crossed ar→en",
        "tiny crossed en→ar",
        "mixed ar→ar",
        "mixed en→ar",
    ]


def test_a_suite_from_end_to_end(data, prepared_model):
    setting = suites.settings(*data, [], limit=None)[0]
    with suites.indexed(setting.paragraphs, always_answer=True) as dalil:
        ranked = suites.retrieval(setting, suites.documents_found(dalil), "dalil")
        answered = suites.answers(setting, dalil)
    assert [record.scores["nDCG@10"] for record in ranked] == [1.0, 1.0]
    assert [record.scores["first sentence"] for record in answered] == [1.0, 1.0]
    assert [record.scores["verbatim"] for record in answered] == [1.0, 1.0]
