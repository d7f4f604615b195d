"""The network is trained on valid facts, and is shipped as it was trained."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from assistant.entailment import BESIDE, KINDS, Network, Pair
from eval.entailment_data import Fact, TrainingClaim, examples, load_facts
from eval.fit_entailment import (
    DECIDED,
    Trainable,
    _batches,
    balanced_threshold,
    batch_of,
    begun_with,
    every,
    mixed,
    scales,
    weights_of,
)
from eval.questions import QuestionsError

DIMENSION, FINDINGS = 12, 3


def a_pair(said: int, held: int, seed: int) -> Pair:
    random_ = np.random.default_rng(seed)

    def unit(count: int) -> np.ndarray:
        vectors = random_.normal(size=(count, DIMENSION)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return Pair(
        said=unit(said),
        held=unit(held),
        kinds=random_.integers(0, 2, (said + held, len(KINDS))).astype(np.float32),
        beside=random_.normal(size=(said, len(BESIDE))).astype(np.float32),
        content=random_.random(said) < 0.7,
        equal=random_.random((said, held)) < 0.3,
        opposed=random_.random((said, held)) < 0.1,
        places=np.concatenate([np.arange(said), np.arange(held)]),
        findings=random_.normal(size=FINDINGS).astype(np.float32),
    )


def test_the_shipped_network_computes_what_was_trained():
    pairs = [a_pair(3 + seed % 5, 4 + seed % 7, seed) for seed in range(12)]
    pairs.append(a_pair(2, 80, 99))  # farther than places are told apart
    of = scales(pairs)
    torch.manual_seed(1)
    model = Trainable(DIMENSION, FINDINGS)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.randn_like(value) * 0.1)
    model.eval()
    with torch.no_grad():
        wanted = model(batch_of(pairs, of)).numpy()
    network = Network(weights_of(model, of))
    # 16 bits keep three digits
    assert [network.logit(pair) for pair in pairs] == pytest.approx(wanted.tolist(), rel=0.01, abs=0.03)


def test_training_goes_on_from_what_was_shipped():
    of = scales([a_pair(3 + seed, 5, seed) for seed in range(6)])
    torch.manual_seed(1)
    state = Trainable(DIMENSION, FINDINGS).state_dict()
    model = Trainable(DIMENSION, FINDINGS)
    model.load_state_dict(state)
    found = begun_with(weights_of(model, of), of)
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert found[name].numpy() == pytest.approx(value.numpy(), rel=0.01, abs=0.02)


def test_a_pair_is_read_the_same_in_any_batch():
    short, long = a_pair(3, 4, 1), a_pair(9, 20, 2)
    of = scales([short, long])
    model = Trainable(DIMENSION, FINDINGS).eval()
    with torch.no_grad():
        assert float(model(batch_of([short], of))[0]) == pytest.approx(
            float(model(batch_of([short, long], of))[0]), abs=1e-4
        )


def test_batches_hold_every_row_once():
    rows = np.concatenate(list(_batches([random.Random(1).randrange(5, 60) for _ in range(1000)], random.Random(2))))
    assert sorted(rows.tolist()) == list(range(1000))


def test_every_nth_group():
    assert every(["b", "a", "c", "a", "d"], 2) == {"a", "c"}


def claim(text: str, *, ok: bool, lang: str = "en") -> TrainingClaim:
    return TrainingClaim.model_validate({"kind": "close" if ok else "antonym", "ok": ok, "lang": lang, "text": text})


def test_examples_of_a_fact():
    one = Fact(
        topic="a",
        en="Rain fell.",
        ar="هطل المطر.",
        claims=(claim("It rained.", ok=True), claim("لم تمطر.", ok=False, lang="ar")),
    )
    two = Fact(topic="b", en="Gold rose.", ar="ارتفع الذهب.", claims=(claim("Gold climbed.", ok=True),))
    found = [(e.sentence, e.evidence, e.supported, e.kind) for e in examples([one, two]) if e.group == "a"]
    assert found == [
        ("It rained.", ("Rain fell.",), True, "close"),
        ("It rained.", ("هطل المطر.",), True, "close"),
        ("لم تمطر.", ("Rain fell.",), False, "antonym"),
        ("لم تمطر.", ("هطل المطر.",), False, "antonym"),
        ("هطل المطر.", ("هطل المطر.",), True, "verbatim"),
        ("هطل المطر.", ("Rain fell.",), True, "translation"),
        ("Rain fell.", ("Rain fell.",), True, "verbatim"),
        ("Rain fell.", ("هطل المطر.",), True, "translation"),
        ("It rained.", ("ارتفع الذهب.",), False, "elsewhere"),
        ("It rained.", ("ارتفع الذهب.", "Rain fell."), True, "close"),
        ("لم تمطر.", ("ارتفع الذهب.", "Rain fell."), False, "antonym"),
    ]


def test_a_fact_of_two_sentences_is_cited_as_two():
    fact = Fact(
        topic="a",
        en="Rain fell on 3 May. It stopped at noon.",
        ar="هطل المطر في 3 مايو. وتوقف ظهرا.",
        claims=(claim("The rain of 3 May ended at noon.", ok=True),),
    )
    found = [(e.sentence, e.evidence) for e in examples([fact]) if e.kind in ("close", "translation")]
    english, arabic = ("Rain fell on 3 May.", "It stopped at noon."), ("هطل المطر في 3 مايو.", "وتوقف ظهرا.")
    assert found[:2] == [("The rain of 3 May ended at noon.", english), ("The rain of 3 May ended at noon.", arabic)]
    assert found[2:6] == [*((one, english) for one in arabic), *((one, arabic) for one in english)]


def test_the_shipped_facts():
    facts = load_facts()
    assert len(facts) >= 7000
    claims = [one for fact in facts for one in fact.claims]
    for language in ("ar", "en"):
        of_language = [one for one in claims if one.lang == language]
        assert len(of_language) == len(claims) / 2
        assert sum(one.ok for one in of_language) == len(of_language) / 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        (
            '{"topic":"a","en":"b","ar":"c","claims":[{"kind":"close","ok":false,"lang":"en","text":"d"}]}',
            r"claims\.0: .*contradicts",
        ),
        ('{"topic":"a","en":"b","ar":"c"}', "claims: Field required"),
    ],
)
def test_wrong_facts(tmp_path: Path, line: str, message: str):
    file = tmp_path / "facts.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(QuestionsError, match=f"facts.jsonl:1: {message}"):
        load_facts(file)


def test_what_tells_nothing_counts_for_nothing():
    """Within a language the networks are right and the rules guess; across languages it is the other way round."""
    random_ = np.random.default_rng(1)
    labels = np.arange(400) % 2 == 0
    across = np.arange(400) >= 200
    telling, guess = np.where(labels, 1.0, -1.0) + random_.normal(size=400), random_.normal(size=400)
    decided = np.zeros(400, dtype=np.bool_)
    decided[7] = True
    inputs = np.column_stack([np.where(across, guess, telling), np.where(across, telling, guess)])
    mix, odds = mixed(inputs, across, labels, decided)
    assert mix.shape == (2, 3)
    assert mix[0, 0] > 1.0 > 0.5 > abs(mix[0, 1])
    assert mix[1, 1] > 1.0 > 0.5 > abs(mix[1, 0])
    assert odds[7] == DECIDED
    assert ((odds > 0) == labels).mean() > 0.8
    assert odds[0] == pytest.approx(mix[0] @ [telling[0], guess[0], 1.0])


def test_as_much_is_refused_as_is_let_through():
    good = np.array([0.2, 0.61119, 0.7, 0.8, 0.9])
    bad = np.array([0.1, 0.3, 0.4, 0.5, 0.65])
    assert balanced_threshold(good, bad) == 0.6111  # one of five below, one of five at or above
    assert balanced_threshold(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 0.8  # told apart
