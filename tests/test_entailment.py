"""A sentence and its evidence as the network takes them, and the network itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from assistant.alignment import align
from assistant.claims import Reader
from assistant.encoder import Encoder
from assistant.entailment import (
    BESIDE,
    FINDINGS,
    KINDS,
    LINKS,
    LONGEST,
    EntailmentModel,
    Network,
    Pair,
    links,
    pair,
    shipped_entailment_model,
)
from assistant.lexicon import Lexicon, parse
from assistant.support import SupportChecker, shipped_support_model

FEATURES = dict.fromkeys(reversed(FINDINGS), 0.0) | {"cosine": 0.5, "cross": 1.0}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return parse("word: harbour|ميناء; opened|افتتح\nchange: rose|ارتفع; fell|انخفض\n")


@pytest.fixture(scope="module")
def reader(encoder: Encoder, lexicon: Lexicon) -> Reader:
    model = shipped_support_model()
    return Reader(encoder, lexicon, model.names, model.encoder)


def read(reader: Reader, sentence: str, *evidence: str) -> Pair:
    said, held = reader.read(sentence), [reader.read(text) for text in evidence]
    return pair(reader.lexicon, said, held, align(reader.lexicon, said, held), FEATURES)


def test_words_of_both_texts(reader: Reader):
    found = read(reader, "ارتفع الذهب", "Gold fell in 1964.")
    assert found.said.shape == (2, 384)
    assert found.held.shape == (4, 384)
    assert found.kinds.shape == (6, len(KINDS))
    assert found.kinds[:, KINDS.index("arabic")].tolist() == [1, 1, 0, 0, 0, 0]
    assert found.kinds[:, KINDS.index("evidence")].tolist() == [0, 0, 1, 1, 1, 1]
    assert found.kinds[:, KINDS.index("number")].tolist() == [0, 0, 0, 0, 0, 1]
    assert found.places.tolist() == [0, 1, 0, 1, 2, 3]
    assert found.opposed.tolist() == [[False, True, False, False], [False] * 4]
    assert found.findings.tolist() == [0.5, *[0.0] * 11, 1.0, *[0.0] * 4]  # in the order that was trained


def test_words_without_a_like_say_how_near_they_come(reader: Reader):
    found = read(reader, "افتُتح المتحف", "The harbour opened.")
    assert found.content.tolist() == [True, True]
    assert found.beside[:, BESIDE.index("like")].tolist() == [1.0, 0.0]
    assert found.beside[:, BESIDE.index("cross")].tolist() == [0.0, 1.0]
    assert found.beside[0, BESIDE.index("cosine")] == pytest.approx(float(found.said[0] @ found.held[2]))


def test_a_word_beside_its_partner(reader: Reader):
    found = read(reader, "لم ينخفض الذهب", "Gold rose.")
    fell = found.beside[1]
    assert fell[BESIDE.index("negation differs")] == 1.0
    assert fell[BESIDE.index("any opposed")] == 1.0
    assert not found.beside[0].any()  # «لم» says nothing by itself


def test_links_are_those_of_the_two_texts(reader: Reader):
    found = read(reader, "الميناء ارتفع", "harbour fell")
    known = links(found)
    assert known.shape == (LINKS, 4, 4)
    assert known[0].tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert known[1].tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert known[2].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert known[3] == pytest.approx(known[3].T)
    assert known[3][0, 2] == pytest.approx(float(found.said[0] @ found.held[0]))


def test_several_texts_of_evidence_each_begin_anew(reader: Reader):
    found = read(reader, "harbour", "It opened.", "Gold fell.")
    assert found.places.tolist() == [0, 0, 1, 0, 1]


def test_long_evidence_is_cut(reader: Reader):
    found = read(reader, "harbour opened", "gold fell and " * 200)
    assert len(found.kinds) == len(found.places) == len(found.said) + len(found.held) == LONGEST
    assert found.equal.shape == found.opposed.shape == (2, LONGEST - 2)


def test_the_network_tells_a_sentence_from_its_opposite(encoder: Encoder):
    checker = SupportChecker(encoder)
    model = shipped_entailment_model()
    assert model.encoder == encoder.fingerprint

    def logit(sentence: str, evidence: str) -> float:
        return float(
            np.mean([network.logit(checker.findings(sentence, [evidence]).read) for network in model.networks])
        )

    evidence = "The council leased the hall to the school after the fire."
    for good, bad in (
        (
            "After the fire the school got the hall on lease from the council.",
            "The school leased the hall to the council.",
        ),
        ("أجّر المجلس القاعة للمدرسة بعد الحريق.", "أجّر المجلس القاعة للمدرسة قبل الحريق."),
    ):
        assert logit(good, evidence) > logit(bad, evidence)


class TwoOrFour(Network):
    """Log odds that are known."""

    def __init__(self, odds: float) -> None:
        self._odds = odds

    def logit(self, read: Pair) -> float:
        return self._odds


def test_rules_and_networks_count_by_the_languages(reader: Reader):
    mix = np.array([[1.0, 0.5, -2.0, -4.0, 0.25], [0.5, 0.0, -3.0, -1.0, -1.0]])
    model = EntailmentModel((TwoOrFour(2.0), TwoOrFour(4.0)), mix, np.array([0.3, 0.4]), "")
    across = read(reader, "افتُتح الميناء", "The harbour opened.")
    same = replace(across, findings=np.zeros_like(across.findings))
    assert model.logit(same, -1.0, (0.0, 0.0)) == pytest.approx(3.0 - 0.5 + 0.25)
    assert model.logit(same, -1.0, (1.0, 0.5)) == pytest.approx(3.0 - 0.5 - 2.0 - 2.0 + 0.25)
    assert model.logit(across, -1.0, (0.0, 0.5)) == pytest.approx(1.5 - 0.5 - 1.0)
    assert model.logit(across, -1.0, (1.0, 0.0)) == pytest.approx(1.5 - 3.0 - 1.0)


def test_each_language_has_its_threshold(encoder: Encoder):
    checker = SupportChecker(encoder)
    model = EntailmentModel((), np.zeros((2, 7)), np.array([0.3, 0.4]), "")
    assert model.threshold(checker.findings("The harbour opened.", ["افتُتح الميناء."]).read) == 0.3
    assert model.threshold(checker.findings("افتُتح الميناء.", ["The harbour opened."]).read) == 0.4


def test_the_network_is_the_same_from_several_threads(encoder: Encoder):
    found = SupportChecker(encoder).findings("افتُتح الميناء عام 1964.", ["The harbour opened in 1964."]).read
    network = shipped_entailment_model().networks[0]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(network.logit, [found] * 16))) == 1


def test_a_sentence_that_says_nothing_has_odds_too(encoder: Encoder):
    found = SupportChecker(encoder).findings("It is.", ["The harbour opened in 1964."]).read
    assert not found.content.any()
    assert np.isfinite(shipped_entailment_model().networks[0].logit(found))
