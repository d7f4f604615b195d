"""The cases of the citation check are valid, and held-out topics are caught as often as is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.encoder import Encoder
from assistant.support import SupportChecker, Verdict
from eval.entailment_data import load_facts
from eval.questions import QuestionsError
from eval.support_cases import SupportCase, judge, load_support_cases, rates


def case(**values: object) -> dict:
    return {
        "id": "a-1",
        "topic": "a",
        "domain": "history",
        "split": "fit",
        "kind": "number",
        "supported": False,
        "language": "ar",
        "evidence_language": "en",
        "sentence": "عام 2005",
        "evidence": ["in 2004"],
    } | values


def test_the_shipped_cases():
    cases = load_support_cases()
    held = [one for one in cases if one.split == "held-out"]
    assert len(held) >= 200
    for language in ("ar", "en"):
        of_language = [one for one in held if one.language == language]
        assert 0.4 < len(of_language) / len(held) < 0.6
        assert 0.4 < sum(one.supported for one in of_language) / len(of_language) < 0.6


def test_no_fact_is_about_a_held_out_topic():
    assert not {fact.topic for fact in load_facts()} & {c.topic for c in load_support_cases() if c.split == "held-out"}


def test_rates():
    cases = [
        SupportCase.model_validate(case()),
        SupportCase.model_validate(case(id="a-2")),
        SupportCase.model_validate(case(id="a-3", kind="close", supported=True)),
    ]
    verdicts = {"a-1": Verdict(False, 0.0, "number"), "a-2": Verdict(True, 0.9, ""), "a-3": Verdict(True, 0.9, "")}
    every = {rate.group: rate for rate in rates(cases, verdicts)}
    assert (every["all"].caught, every["all"].refused, every["all"].cases) == (0.5, 0.0, 3)
    assert (every["number"].caught, every["number"].refused) == (0.5, None)
    assert every["ar citing en"].cases == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([case(), case()], r":2: the id 'a-1' is used before"),
        ([case(), case(id="a-2", split="held-out")], r"cases\.jsonl: a-2: the topic 'a' is in two splits"),
        ([case(supported=True)], "contradicts"),
        ([case(more=1)], "Extra inputs"),
    ],
)
def test_wrong_cases(tmp_path: Path, lines: list[dict], message: str):
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(QuestionsError, match=message):
        load_support_cases(file)


def test_numbers_units_and_dates_are_always_caught(encoder: Encoder):
    cases = [
        one
        for one in load_support_cases()
        if one.split == "held-out" and one.kind in ("number", "unit", "date", "verbatim")
    ]
    by_group = {rate.group: rate for rate in rates(cases, judge(cases, SupportChecker(encoder)))}
    assert by_group["all"].caught == 1.0
    assert by_group["all"].refused == 0.0
