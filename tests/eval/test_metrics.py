"""Measures by hand."""

from __future__ import annotations

import math

import pytest

from assistant.schema import Answer, Citation
from eval import metrics
from eval.metrics import Bin, Place


def citation(document_id: str, start: int, end: int) -> Citation:
    return Citation(1, document_id, "T", "document", "ar", "x" * (end - start), start, end)


def answer(text: str, *citations: Citation) -> Answer:
    return Answer("س؟", "ar", True, text, 0.9, "extractive", citations, 1.0)


# --- rankings ----------------------------------------------------------------------------------------


def test_ranking_scores():
    scores = metrics.ranking_scores(
        {"first": ["g", "x"], "third": ["x", "x", "y", "g"], "never": ["x"], "nothing": []},
        {name: ["g"] for name in ("first", "third", "never", "nothing")},
    )
    assert scores["first"]["nDCG@10"] == 1.0
    # x counts once, so the gold document is third: 1 / log2(1 + 3) = .5 and 1 / 3
    assert scores["third"]["nDCG@10"] == pytest.approx(0.5)
    assert scores["third"]["RR@10"] == pytest.approx(1 / 3)
    assert scores["third"]["R@10"] == 1.0
    assert set(scores["never"].values()) == set(scores["nothing"].values()) == {0.0}


def test_a_document_below_the_tenth_does_not_count():
    ranking = [f"d{number}" for number in range(10)] + ["g"]
    assert metrics.ranking_scores({"q": ranking}, {"q": ["g"]})["q"] == {"nDCG@10": 0.0, "R@10": 0.0, "RR@10": 0.0}


def test_several_documents_may_be_relevant():
    scores = metrics.ranking_scores({"q": ["x", "a"]}, {"q": ["a", "b"]})["q"]
    # found: a at rank 2, 1 / log2(3); best possible: ranks 1 and 2, 1 + 1 / log2(3)
    assert scores["nDCG@10"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert scores["R@10"] == 0.5
    assert scores["RR@10"] == 0.5


# --- answers -----------------------------------------------------------------------------------------


def test_the_first_sentence_and_the_plain_text():
    said = answer("بدأ عام 2004. [1] ثم تطوّر. [2]")
    assert metrics.first_sentence(said) == "بدأ عام 2004."
    assert metrics.plain(said.text) == "بدأ عام 2004. ثم تطوّر."
    introduced = answer("Sources in Arabic answer this:\n“بدأ عام 2004.” [1]\n“ثم.” [2]")
    assert metrics.first_sentence(introduced) == "“بدأ عام 2004.”"
    assert metrics.sentence_count(introduced.text) == 2  # the introduction is not one


def test_words_without_marks():
    assert metrics.word_count("بدأ عام 2004. [1] ثم تطوّر. [12]") == 5  # بدأ, عام, 2004., ثم, تطوّر.


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("عُقِدَتِ القِمّةُ في طوكيو", ["القمة"], True),
        ("إلى الأمام", ["الى الامام"], True),
        ("في عام ٢٠٠٤", ["2004"], True),
        ("The  Silk\nRoad", ["silk road"], True),
        ("The Silk Road", ["Tokyo", "road"], True),
        ("The Silk Road", ["Tokyo"], False),
        ("The Silk Road", ["", " "], False),
        ("The Silk Road", [], False),
    ],
)
def test_holds_whatever_the_spelling(text: str, gold: list[str], expected: bool):
    assert metrics.holds(text, gold) is expected


# --- citations ---------------------------------------------------------------------------------------


def test_citations_against_gold():
    said = [citation("a", 0, 10), citation("a", 40, 50)]
    gold = [[Place("a", 0, 10)], [Place("a", 12, 20)], [Place("b", 40, 50)]]
    # the first of two quotes is gold, the second stands in another document than the third gold sentence
    assert metrics.cited_precision(said, gold) == 0.5
    assert metrics.cited_recall(said, gold) == pytest.approx(1 / 3)
    assert metrics.cited_precision([], gold) == 0.0
    assert metrics.cited_recall(said, []) == 0.0


def test_a_gold_sentence_may_stand_in_several_documents():
    gold = [[Place("a", 0, 10), Place("b", 5, 15)]]
    assert metrics.cited_recall([citation("b", 5, 15)], gold) == 1.0
    assert metrics.cited_precision([citation("b", 5, 15)], gold) == 1.0


def test_part_of_a_sentence_is_enough_and_touching_is_not():
    assert Place("a", 5, 10).overlaps(citation("a", 9, 30))
    assert not Place("a", 5, 10).overlaps(citation("a", 10, 30))


# --- confidence --------------------------------------------------------------------------------------


def test_auroc_counts_the_pairs_in_order():
    # pairs (answerable, not): .9>.5, .9>.1, .4<.5, .4>.1: three of four
    assert metrics.auroc([0.9, 0.4, 0.5, 0.1], [1, 1, 0, 0]) == 0.75
    assert math.isnan(metrics.auroc([0.9], [1]))


def test_reliability_and_calibration_error_by_hand():
    confidences, right = [0.8, 0.2, 0.6, 0.4], [1, 0, 0, 0]
    low, high = metrics.reliability(confidences, right, bins=2)
    assert low == Bin(pytest.approx(0.3), 0.0, 2)
    assert high == Bin(pytest.approx(0.7), 0.5, 2)
    # |.3 - 0| and |.7 - .5|, two questions each of four: (.3 + .2) / 2
    assert metrics.calibration_error(confidences, right, bins=2) == pytest.approx(0.25)


def test_bins_without_questions_do_not_count():
    assert metrics.calibration_error([0.75], [1], bins=10) == pytest.approx(0.25)


def test_risk_rises_with_coverage():
    curve = metrics.risk_coverage([0.9, 0.1, 0.5], [1, 0, 1])
    assert curve == [(pytest.approx(1 / 3), 0.0), (pytest.approx(2 / 3), 0.0), (1.0, pytest.approx(1 / 3))]
    # the mean of 0, 0 and 1/3
    assert metrics.risk_coverage_area([0.9, 0.1, 0.5], [1, 0, 1]) == pytest.approx(1 / 9)


def test_rates_at_a_threshold():
    confidences, answerable = [0.9, 0.5, 0.2, 0.6, 0.1], [1, 1, 1, 0, 0]
    # of three answerable .9 and .5 reach it, of two others .6
    assert metrics.answer_rate(confidences, answerable, 0.5) == pytest.approx(2 / 3)
    assert metrics.false_answer_rate(confidences, answerable, 0.5) == 0.5
    assert math.isnan(metrics.false_answer_rate([0.9], [1], 0.5))


def test_measures_of_sets_appear_where_all_questions_have_what_they_need():
    rows = [{"confidence": 0.9, "answerable": 1.0}, {"confidence": 0.1, "answerable": 0.0}]
    assert metrics.set_measures(rows) == {"AUROC": 1.0}
    assert metrics.set_measures([{"ms": 10.0}, {"ms": 20.0}]) == {"p50 ms": 15.0, "p95 ms": pytest.approx(19.5)}
    assert metrics.set_measures([{"ms": 10.0}, {}]) == {}
    assert metrics.set_measures([]) == {}


# --- intervals ---------------------------------------------------------------------------------------


def test_bootstrap_interval():
    assert metrics.bootstrap_interval([0.5] * 20) == (0.5, 0.5)
    low, high = metrics.bootstrap_interval([0.0, 1.0] * 50)
    # the standard error of the mean is .5 / sqrt(100) = .05: about .5 ± 1.96 × .05
    assert 0.38 < low < 0.42
    assert 0.58 < high < 0.62


def test_bootstrap_of_a_measure_of_sets_draws_the_same_questions_for_both():
    one = [{"ms": float(value)} for value in range(20)]
    other = [{"ms": value["ms"] + 3} for value in one]
    # every question is 3 ms slower, so the median of any draw is
    low, high = metrics.bootstrap_set_interval(one, other, metrics.SET_MEASURES["p50 ms"], samples=50)
    assert (low, high) == (pytest.approx(3.0), pytest.approx(3.0))


def test_an_interval_of_what_never_was_a_number_is_not_one():
    rows = [{"confidence": 0.5, "answerable": 1.0}] * 3
    low, high = metrics.bootstrap_set_interval(rows, rows, metrics.SET_MEASURES["AUROC"], samples=5)
    assert math.isnan(low)
    assert math.isnan(high)
