"""Suites from end to end on a small parallel data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import suites
from eval.run import DALIL, Run, summarise
from eval.squad import load, mixed
from eval.stores import asked_in, indexed, parallel_stores, single_store

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
                        "qas": [
                            {
                                "id": f"q{number}",
                                "question": question,
                                "answers": [{"text": answer, "answer_start": text.index(answer)}],
                            }
                        ],
                    }
                ],
            }
            for number, (text, question, answer) in enumerate(articles)
        ]
        (tmp_path / f"{language}.json").write_text(json.dumps({"data": value}, ensure_ascii=False), encoding="utf-8")
    return [load(tmp_path / f"{language}.json", "tiny", language) for language in ("ar", "en")]


def test_the_mixed_store_takes_turns(data):
    assert [paragraph.language for paragraph in mixed(*data)] == ["ar", "en"]


def test_stores_cover_every_direction(data):
    names = [[store.direction(question) for question in store.questions] for store in parallel_stores(*data)]
    assert names == [
        ["tiny ar→ar", "tiny ar→ar", "tiny en→ar", "tiny en→ar"],
        ["tiny ar→en", "tiny ar→en", "tiny en→en", "tiny en→en"],
        ["mixed ar→ar", "mixed ar→en", "mixed en→ar", "mixed en→en"],
    ]


def test_a_limit_spreads_over_the_data(data):
    assert [question.text for question in single_store(data[0], limit=1).questions] == [ARTICLES["ar"][0][1]]
    assert len(single_store(data[0], limit=9).questions) == 2


def test_the_gold_sentence_is_where_the_answer_stands(data):
    store = single_store(data[0])
    ((place,),) = store.gold_sentences(store.questions[0])
    paragraph = ARTICLES["ar"][0][0]
    assert paragraph[place.start : place.end] == "تأسست مكتبة النور عام 1901."


def test_gold_across_languages_is_in_the_language_of_the_paragraph(data):
    mixed_store = parallel_stores(*data)[2]
    asked = next(q for q in mixed_store.questions if mixed_store.direction(q) == "mixed ar→en")
    assert list(mixed_store.gold[asked.id].answers) == ["tuna"]


def test_suites_from_end_to_end(data, prepared_model):
    store = single_store(data[0])
    with indexed(store.paragraphs, always_answer=True) as (dalil, synced):
        ranked = suites.retrieval(store, suites.documents_found(dalil), DALIL)
        replies = suites.ask_all(store, dalil)
        answered = suites.answers(store, replies, dalil.settings.answer_threshold)
        cited = suites.citations(store, replies, dalil)
        robust = suites.robustness(asked_in(store, "ar"), dalil)
    assert synced.passages == 2
    assert [record.scores["nDCG@10"] for record in ranked] == [1.0, 1.0]
    assert [record.scores["first sentence"] for record in answered] == [1.0, 1.0]
    assert [record.scores["verbatim"] for record in cited] == [1.0, 1.0]
    assert [record.scores["recall"] for record in cited] == [1.0, 1.0]
    run = Run("name", "now", {}, robust)
    assert run.figures()["robustness", "diacritics", DALIL]["loss where changed"] == 0.0


def test_abstention_leaves_out_half_of_the_articles(data, prepared_model):
    store = single_store(data[0])
    records = suites.abstention(store)
    # articles 0 and 1 are both kept: of four, the second pair is left out
    assert [record.observed["answerable"] for record in records] == [1.0, 1.0]
    assert [record.observed["right"] for record in records] == [1.0, 1.0]
    assert [suites.kept_article(number) for number in range(5)] == [True, True, False, False, True]
    assert 0 <= summarise(records)["ECE"] <= 1
