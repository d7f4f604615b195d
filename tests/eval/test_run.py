"""Runs are kept, compared, shown and held against expectations."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import gate, report
from eval.compare import compare
from eval.gate import ExpectationsError, Expected
from eval.run import DALIL, Record, Run, worst

SETTING = "xquad ar→ar"


def run_with(*values: float, measure: str = "nDCG@10", suite: str = "retrieval", system: str = DALIL) -> Run:
    records = [
        Record(
            suite,
            SETTING,
            system,
            f"q{number}",
            {measure: value},
            question="ما هذا؟ <b>",
            expected="<script>",
            got="Text",
        )
        for number, value in enumerate(values)
    ]
    return Run("name", "now", {"model": "m"}, records, {"x": "no data"})


def abstention_with(*pairs: tuple[float, float]) -> Run:
    """Confidence and whether it was right, by question."""
    records = [
        Record(
            "abstention",
            SETTING,
            DALIL,
            f"q{number}",
            {"answered" if right else "wrongly answered": 1.0},
            {"confidence": confidence, "right": right, "answerable": right},
        )
        for number, (confidence, right) in enumerate(pairs)
    ]
    return Run("name", "now", {"model": "m"}, records)


def test_figures_are_means():
    assert run_with(0.0, 1.0, 0.5).figures() == {("retrieval", SETTING, DALIL): {"nDCG@10": 0.5}}


def test_figures_of_sets():
    figures = abstention_with((0.9, 1.0), (0.1, 0.0)).figures()["abstention", SETTING, DALIL]
    assert figures["AUROC"] == 1.0
    # answering the surer half is never wrong, answering both is wrong half of the time
    assert figures["risk–coverage area"] == pytest.approx(0.25)
    assert (figures["answered"], figures["wrongly answered"]) == (1.0, 1.0)


def test_a_run_survives_saving(tmp_path: Path):
    saved = run_with(0.25, 1.0)
    with saved.timed("retrieval"):
        pass
    saved.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert loaded == saved
    assert Run.load(tmp_path / "run" / "results.json") == saved


def test_a_missing_run_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="holds no run; name a folder that 'eval run' wrote"):
        Run.load(tmp_path)


def test_compare_pairs_the_questions():
    (row,) = compare(run_with(0.0, 1.0, 0.5), run_with(0.5, 1.0, 1.0, 0.0))
    # differences .5, 0, .5 have the mean 1/3; the fourth question was asked once only
    assert row.difference == pytest.approx(1 / 3)
    assert row.before == pytest.approx(0.5)
    assert row.questions == 3
    assert row.low <= row.difference <= row.high


def test_compare_is_certain_of_what_every_question_shows():
    (row,) = compare(run_with(*[0.2] * 20), run_with(*[0.4] * 20))
    assert row.certain
    assert (row.low, row.high) == pytest.approx((0.2, 0.2))
    (same,) = compare(run_with(0.2, 0.4), run_with(0.2, 0.4))
    assert not same.certain


def test_compare_has_the_measures_of_sets():
    rows = compare(abstention_with((0.9, 1.0), (0.1, 0.0)), abstention_with((0.1, 1.0), (0.9, 0.0)))
    auroc = next(row for row in rows if row.measure == "AUROC")
    assert (auroc.before, auroc.difference) == (1.0, -1.0)


def test_compare_needs_the_same_groups():
    assert compare(run_with(0.5), run_with(0.5, suite="answers")) == []


def test_the_worst_come_first_and_perfect_ones_never():
    records = run_with(0.9, 0.1, 0.5, 1.0).records
    assert [record.question_id for record in worst(records, "nDCG@10", 5)] == ["q1", "q2", "q0"]
    assert worst(run_with(0.1, system="bm25").records, "nDCG@10", 5) == []


def test_the_report_is_safe_and_readable_in_both_directions():
    page = report.html(run_with(0.5))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'dir="rtl" lang="ar"' in page
    assert "ما هذا؟ &lt;b&gt;" in page
    assert 'dir="ltr" lang="en"' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "skipped x: no data" in page


def test_the_report_draws_abstention():
    page = report.html(abstention_with(*[(0.9, 1.0), (0.2, 0.0)] * 10))
    assert page.count("<svg") >= 2
    assert "risk" in page


def test_the_tables_show_the_means():
    (table,) = report.tables(run_with(0.25, 0.5))
    assert [list(column.cells) for column in table.columns] == [[SETTING], ["2"], ["0.375"]]


def test_systems_stand_side_by_side():
    both = run_with(0.25, 0.5)
    both.add(run_with(1.0, 1.0, system="bm25").records)
    (table,) = report.tables(both)
    assert [column.header for column in table.columns] == ["setting", "questions", "dalil", "bm25"]
    assert [list(column.cells) for column in table.columns] == [[SETTING], ["2"], ["0.375"], ["[bold]1.000[/]"]]


EXPECTED = Expected(
    tolerance=0.03,
    largest_gap=0.08,
    scores={
        "ar": {"whole answer": 0.80, "right document": 0.9, "wrongly answered": 0.10},
        "en": {"whole answer": 0.82, "right document": 0.9, "wrongly answered": 0.10},
    },
)


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, []),
        ({"ar": {"whole answer": 0.775}}, []),  # within the tolerance
        ({"ar": {"whole answer": 0.76}}, ["ar whole answer: 0.760, expected 0.800 ± 0.03"]),
        ({"en": {"wrongly answered": 0.2}}, ["en wrongly answered: 0.200, expected 0.100 ± 0.03"]),
        ({"en": {"wrongly answered": 0.0}}, []),  # better is never a failure
        (
            {"en": {"right document": 0.99}},
            ["Arabic is 0.090 behind English in right document; 0.08 is allowed"],
        ),
    ],
)
def test_the_gate(change: dict, lines: list[str]):
    now = {language: {**values, **change.get(language, {})} for language, values in EXPECTED.scores.items()}
    assert gate.failures(now, EXPECTED) == lines


def test_the_gate_misses_what_was_not_measured():
    now = {"ar": {}, "en": EXPECTED.scores["en"]}
    assert gate.failures(now, EXPECTED)[0] == "ar whole answer: not measured, expected 0.800"


def test_the_committed_expectations_can_be_read(tmp_path: Path):
    values = gate.read()
    assert set(values.scores) == {"ar", "en"}
    gate.write(values.scores, tmp_path / "e.json")
    assert gate.read(tmp_path / "e.json").scores == values.scores


def test_bad_expectations_are_named(tmp_path: Path):
    path = tmp_path / "e.json"
    with pytest.raises(ExpectationsError, match=r"there is no e\.json; make it with: python -m eval gate --write"):
        gate.read(path)
    path.write_text('{"tolerance": "much", "largest_gap": 0.1, "scores": {}}', encoding="utf-8")
    with pytest.raises(ExpectationsError, match=r"e\.json: tolerance: "):
        gate.read(path)
