"""Measures by hand."""

from __future__ import annotations

import math

import pytest

from assistant.schema import Answer, Citation
from eval import metrics


def answer(text: str, *quotes: str) -> Answer:
    citations = tuple(
        Citation(n, "a.md", "T", "document", "ar", quote, 0, len(quote)) for n, quote in enumerate(quotes, 1)
    )
    return Answer("س؟", "ar", True, text, 0.9, "extractive", citations, 1.0)


def test_ranking_scores():
    scores = metrics.ranking_scores(
        {"first": ["g", "x"], "third": ["x", "x", "y", "g"], "never": ["x"]},
        dict.fromkeys(["first", "third", "never"], "g"),
    )
    assert scores["first"]["nDCG@10"] == 1.0
    # x counts once, so the gold document is third: 1 / log2(4) and 1 / 3
    assert scores["third"]["nDCG@10"] == pytest.approx(1 / math.log2(4))
    assert scores["third"]["RR@10"] == pytest.approx(1 / 3)
    assert scores["third"]["R@10"] == 1.0
    assert set(scores["never"].values()) == {0.0}


def test_a_document_below_the_tenth_does_not_count():
    ranking = [f"d{number}" for number in range(10)] + ["g"]
    assert metrics.ranking_scores({"q": ranking}, {"q": "g"})["q"] == {"nDCG@10": 0.0, "R@10": 0.0, "RR@10": 0.0}


def test_the_first_sentence_and_the_plain_text():
    said = answer("بدأ عام 2004. [1] ثم تطوّر. [2]", "q", "r")
    assert metrics.first_sentence(said) == "بدأ عام 2004."
    assert metrics.plain(said.text) == "بدأ عام 2004. ثم تطوّر."
    introduced = answer("Sources in Arabic answer this:\n“بدأ عام 2004.” [1]\n“ثم.” [2]", "q", "r")
    assert metrics.first_sentence(introduced) == "“بدأ عام 2004.”"


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("بدأ الحوار عام ٢٠٠٤.", ["2004"], True),
        ("استضافت طوكيو القِمّةَ", ["القمة"], True),
        ("Nearly 19 billion", ["$19", "19  billion"], True),
        ("Nearly 19 billion", ["20 billion", ""], False),
    ],
)
def test_holds_whatever_the_spelling(text: str, gold: list[str], expected: bool):
    assert metrics.holds(text, gold) is expected


def test_citations_against_gold():
    citations = answer("x", "One.", "Nothing.").citations
    # one of two quotes is gold; one of three gold sentences is cited
    assert metrics.cited_precision(citations, ["One.", "Two.", "Three."]) == 0.5
    assert metrics.cited_recall(citations, ["One.", "Two.", "Three."]) == pytest.approx(1 / 3)
    assert metrics.cited_precision([], ["One."]) == 0.0
    assert metrics.cited_recall(citations, []) == 0.0


def test_auroc_counts_the_pairs_in_order():
    # pairs (answerable, not): .9>.5, .9>.1, .4<.5, .4>.1: three of four
    assert metrics.auroc([0.9, 0.4, 0.5, 0.1], [True, True, False, False]) == 0.75
    assert math.isnan(metrics.auroc([0.9], [True]))


def test_calibration_error_by_hand():
    # two bins: confidences .2, .4 (mean .3) with none right; .6, .8 (mean .7) with one right: (.3 + .2) / 2
    assert metrics.calibration_error([0.8, 0.2, 0.6, 0.4], [True, False, False, False], bins=2) == pytest.approx(0.25)


def test_risk_rises_with_coverage():
    curve = metrics.risk_coverage([0.9, 0.1, 0.5], [True, False, True])
    assert curve == [(pytest.approx(1 / 3), 0.0), (pytest.approx(2 / 3), 0.0), (1.0, pytest.approx(1 / 3))]


def test_bootstrap_interval():
    assert metrics.bootstrap_interval([0.5] * 20) == (0.5, 0.5)
    low, high = metrics.bootstrap_interval([0.0, 1.0] * 50)
    # the standard error of the mean is .5 / 10: about .5 ± .1
    assert 0.38 < low < 0.42
    assert 0.58 < high < 0.62
