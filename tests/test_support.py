"""Sentences are checked against what they cite, in both languages."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from assistant.encoder import Encoder
from assistant.support import SupportChecker, shipped_support_model

HARBOUR = "The harbour of Salma opened in 1964, and grain leaves it every week."
MINISTRY = "تخطط الوزارة لزيادة الإنتاج بحلول 2027 إذا نما الطلب في آسيا."
MATCH = "Morocco beat Portugal in the quarter-final in Qatar in December 2022."
CHINA = "صدّرت الصين 60 في المئة من الغاليوم إلى اليابان عام 2022."


@pytest.fixture(scope="module")
def checker(encoder: Encoder) -> SupportChecker:
    return SupportChecker(encoder)


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        (HARBOUR, HARBOUR),
        ("افتُتح ميناء سلمى عام ١٩٦٤.", HARBOUR),
        ("The harbour of Salma was opened in 1964.", HARBOUR),
        ("تخطط الوزارة لزيادة الإنتاج.", MINISTRY),
        ("The ministry plans to raise production by 2027.", MINISTRY),
        ("فاز المغرب على البرتغال في ربع النهائي في ديسمبر 2022.", MATCH),
        ("In 2022 China exported 60% of its gallium to Japan.", CHINA),
    ],
)
def test_supported(checker: SupportChecker, sentence: str, evidence: str):
    verdict = checker.check(sentence, [evidence])
    assert verdict.supported, verdict
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("sentence", "evidence", "reason"),
    [
        ("The harbour of Salma opened in 1946.", HARBOUR, "number"),
        ("افتُتح ميناء سلمى عام ١٩٤٦.", HARBOUR, "number"),
        ("صدّرت الصين 60 طنًا من الغاليوم إلى اليابان.", CHINA, "number"),
        ("The harbour of Tarin opened in 1964.", HARBOUR, "name"),
        ("فاز المغرب على إسبانيا في ربع النهائي.", MATCH, "contradiction"),
        ("China imported 60 percent of its gallium.", CHINA, "contradiction"),
        ("تخطط الوزارة لخفض الإنتاج بحلول 2027.", MINISTRY, "contradiction"),
        ("The harbour of Salma did not open in 1964.", HARBOUR, "negation"),
        ("لم يفز المغرب على البرتغال.", MATCH, "negation"),
        ("Morocco did not beat Portugal.", "فاز المغرب على البرتغال في ربع النهائي في قطر عام 2022.", "negation"),
        ("زادت الوزارة الإنتاج.", MINISTRY, "certainty"),
        ("يا ميناءً في القلوب قد سكن، فتحتَ أبوابك للزمن.", HARBOUR, "meaning"),
        ("صدّرت الصين كل الغاليوم إلى اليابان.", CHINA, "scope"),
        ("Portugal beat Morocco in the quarter-final in Qatar.", MATCH, "order"),
    ],
)
def test_unsupported(checker: SupportChecker, sentence: str, evidence: str, reason: str):
    verdict = checker.check(sentence, [evidence])
    assert not verdict.supported, verdict
    assert verdict.reason == reason


@pytest.mark.parametrize(
    ("sentence", "evidence", "turned"),
    [
        ("The harbour of Salma did not open in 1964.", HARBOUR, True),
        ("لم يُفتتح ميناء سلمى عام ١٩٦٤.", HARBOUR, True),
        ("Portugal beat Morocco in the quarter-final in Qatar.", MATCH, True),
        ("زادت الوزارة الإنتاج.", MINISTRY, True),
        ("The harbour of Salma opened in 1964.", HARBOUR, False),
        ("تخطط الوزارة لزيادة الإنتاج.", MINISTRY, False),
        ("Salma's fishermen never saw a lighthouse or a market hall.", HARBOUR, False),  # other words
    ],
)
def test_what_turns_the_words_of_its_evidence(checker: SupportChecker, sentence: str, evidence: str, turned: bool):
    assert checker.findings(sentence, [evidence]).turned == turned


def test_a_name_that_the_evidence_does_not_sound_like(checker: SupportChecker):
    evidence = "The Kolarov bridge in Belvendo was designed by Anika Tulseth."
    known = checker.findings("صمّمت أنيكا تولسيث جسر كولاروف في بيلفيندو.", [evidence]).strange
    other = checker.findings("صمّمت أنيكا تولسيث جسر كولاروف في غوراخشتان.", [evidence]).strange
    assert known < 0.2 < 0.5 < other


def test_what_counts_beside_the_rules(checker: SupportChecker):
    found = checker.findings("The harbour of Salma did not open in 1964.", [HARBOUR])
    turned, strange, words, lost = found.signs
    assert (turned, strange) == (1.0, found.strange)
    assert words == pytest.approx(math.log1p(found.read.content.sum()))
    assert lost == 0.0


def test_several_sentences_support_together(checker: SupportChecker):
    sentence = "افتُتح ميناء سلمى عام 1964، وفاز المغرب على البرتغال عام 2022."
    assert checker.check(sentence, [HARBOUR, MATCH]).supported
    assert checker.check(sentence, [HARBOUR]).reason == "number"


def test_nothing_supports_nothing(checker: SupportChecker):
    assert not checker.check("افتُتح الميناء.", []).supported
    assert not checker.check("افتُتح الميناء.", ["  "]).supported
    assert not checker.check(" ", [HARBOUR]).supported


def test_a_question_gives_the_name_that_evidence_leans_on(checker: SupportChecker):
    evidence = ["It opened in 1964."]
    sentence = "The harbour of Salma opened in 1964."
    assert not checker.check(sentence, evidence).supported
    assert checker.check(sentence, evidence, "When did the harbour of Salma open?").supported
    # but it never gives a number
    wrong = checker.check("The harbour opened in 1970.", evidence, "Did the harbour open in 1970?")
    assert wrong.reason == "number"


def test_threads_agree(checker: SupportChecker):
    sentences = ["افتُتح ميناء سلمى عام 1964.", "The harbour of Salma opened in 1946."] * 8
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda text: checker.check(text, [HARBOUR]).supported, sentences))
    assert verdicts == [True, False] * 8


def test_another_encoder_works_without_the_fitted_names(tiny_encoder: Encoder):
    assert tiny_encoder.fingerprint != shipped_support_model().encoder
    checker = SupportChecker(tiny_encoder)
    assert checker.check("It opened in 1946.", ["It opened in 1964."]).reason == "number"
    assert checker.check("The port of Tarin opened.", ["The port of Salma opened."]).reason == "name"


def test_the_shipped_numbers_belong_to_the_default_encoder(encoder: Encoder):
    # after a change of the encoder: python -m eval.fit_support --write
    assert encoder.fingerprint == shipped_support_model().encoder
