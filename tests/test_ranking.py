"""Hand-worked numbers for the ranking functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assistant.ranking import (
    AnswerEvidence,
    Evidence,
    Logistic,
    SentenceEvidence,
    confidence_features,
    coverage,
    passage_features,
    probability,
    rarity,
    sentence_features,
    shipped_model,
)

SAME = Evidence(dense=0.8, sentence=0.9, coverage=0.5, match=0.6, cross=False)
CROSS = Evidence(dense=0.8, sentence=0.9, coverage=0.5, match=0.6, cross=True)


def test_words_count_within_a_language_only():
    assert passage_features(SAME)["coverage"] == 0.5
    assert passage_features(CROSS)["coverage"] == 0.0


def test_cosines_have_weights_of_their_own_across_languages():
    assert passage_features(SAME) == {
        "dense": 0.8,
        "sentence": 0.9,
        "coverage": 0.5,
        "match": 0.6,
        "cross": 0.0,
        "cross_dense": 0.0,
        "cross_sentence": 0.0,
        "cross_match": 0.0,
    }
    across = passage_features(CROSS)
    assert (across["cross_dense"], across["cross_sentence"], across["cross_match"]) == (0.8, 0.9, 0.6)


def test_sentence_features():
    evidence = SentenceEvidence(cosine=0.7, coverage=0.4, match=0.5, lacks=True, words=9, behind=-2.0, cross=True)
    assert sentence_features(evidence) == {
        "cosine": 0.7,
        "coverage": 0.0,
        "match": 0.5,
        "lacks": 1.0,
        "log_words": math.log(10),
        "behind": -2.0,
        "cross": 1.0,
        "cross_cosine": 0.7,
        "cross_match": 0.5,
    }


def test_confidence_features():
    evidence = AnswerEvidence(logit=2.0, cross=False, english=True, lacks=False, unknown=0.25)
    assert confidence_features(evidence) == {
        "logit": 2.0,
        "logit_squared": 4.0,
        "cross": 0.0,
        "cross_logit": 0.0,
        "english": 1.0,
        "english_logit": 2.0,
        "lacks": 0.0,
        "unknown": 0.25,
    }


def test_unknown_words_say_nothing_across_languages():
    evidence = AnswerEvidence(logit=2.0, cross=True, english=False, lacks=False, unknown=0.25)
    assert confidence_features(evidence)["unknown"] == 0.0


def test_logits_are_a_weighted_sum():
    model = Logistic(intercept=-1.0, weights={"a": 2.0, "b": 0.5})
    # -1 + 2*1 + .5*4 = 3 and -1 + 0 + 0 = -1; other features do not matter
    assert model.logits([{"a": 1.0, "b": 4.0, "c": 9.0}, {"a": 0.0, "b": 0.0}]).tolist() == [3.0, -1.0]


def test_logits_of_nothing():
    assert Logistic(0.0, {"a": 1.0}).logits([]).shape == (0,)


def test_probability_of_log_odds():
    # odds 3:1 are 3/4; extremes stay finite
    assert probability(np.array([0.0, math.log(3)])).tolist() == pytest.approx([0.5, 0.75])
    assert probability(np.array([-1e6, 1e6])).tolist() == pytest.approx([0.0, 1.0])


def test_rarity_falls_with_frequency_and_stays_positive():
    assert rarity(10, 0) == pytest.approx(math.log(1 + 10.5 / 0.5))
    assert rarity(10, 10) == pytest.approx(math.log(1 + 0.5 / 10.5))
    assert rarity(10, 1) > rarity(10, 5) > rarity(10, 10) > 0


def test_coverage_weighs_terms_by_rarity():
    # 3 of 3 + 1 is three quarters
    assert coverage({"ممر": 3.0, "هو": 1.0}, ["ممر", "اوسط"]) == 0.75
    assert coverage({"ممر": 3.0, "هو": 1.0}, {"هو"}) == 0.25


def test_coverage_without_terms_is_nothing():
    assert coverage({}, ["ممر"]) == 0.0


def test_the_shipped_models_fit_the_features():
    model = shipped_model()
    assert set(model.passage.weights) == set(passage_features(SAME))
    sentence = SentenceEvidence(cosine=0.7, coverage=0.4, match=0.5, lacks=False, words=9, behind=0.0, cross=False)
    assert set(model.sentence.weights) == set(sentence_features(sentence))
    answer = AnswerEvidence(logit=0.0, cross=False, english=False, lacks=False, unknown=0.0)
    assert set(model.confidence.weights) == set(confidence_features(answer))


def test_more_evidence_is_more_probable():
    model = shipped_model().passage
    weak, strong = Evidence(0.75, 0.75, 0.1, 0.4, False), Evidence(0.9, 0.9, 0.9, 0.8, False)
    logits = model.logits([passage_features(weak), passage_features(strong)])
    assert logits[0] < logits[1]
