"""Runs are kept, compared, shown and held against expectations."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import gate, report
from eval.run import Record, Run, compare, worst


def run_with(*values: float, measure: str = "nDCG@10", suite: str = "retrieval") -> Run:
    records = [
        Record(suite, "xquad ar→ar", "dalil", f"q{number}", {measure: value}, "ما هذا؟ <b>", "<script>", "Text")
        for number, value in enumerate(values)
    ]
    return Run("name", "now", {"model": "m"}, records, {"xquad ar→ar": [(0.5, 0.0), (1.0, 0.2)]}, {"x": "no data"})


def test_means():
    assert run_with(0.0, 1.0, 0.5).means() == {("retrieval", "xquad ar→ar", "dalil"): {"nDCG@10": 0.5}}


def test_a_run_survives_saving(tmp_path: Path):
    saved = run_with(0.25, 1.0)
    saved.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert loaded.records == saved.records
    assert loaded.skipped == {"x": "no data"}


def test_compare_pairs_the_questions():
    (row,) = compare(run_with(0.0, 1.0, 0.5), run_with(0.5, 1.0, 1.0))
    # differences .5, 0, .5 have the mean 1/3
    assert row["difference"] == pytest.approx(1 / 3)
    assert row["questions"] == 3
    assert row["low"] <= row["difference"] <= row["high"]


def test_the_worst_come_first():
    records = run_with(0.9, 0.1, 0.5).records
    assert [record.question_id for record in worst(records, "nDCG@10", 2)] == ["q1", "q2"]


def test_the_report_is_safe_and_readable_in_both_directions():
    page = report.html(run_with(0.5))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert '<p dir="rtl" lang="ar"><strong>ما هذا؟ &lt;b&gt;</strong></p>' in page
    assert '<p dir="ltr" lang="en"><em>Text</em></p>' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "skipped x: no data" in page


def test_the_tables_show_the_means():
    (table,) = report.tables(run_with(0.25, 0.5))
    assert [list(column.cells) for column in table.columns] == [["xquad ar→ar"], ["dalil"], ["0.375"]]


EXPECTED = {
    "tolerance": 0.03,
    "largest_gap": 0.08,
    "scores": {
        "ar": {"whole answer": 0.80, "right document": 0.9, "wrongly answered": 0.10},
        "en": {"whole answer": 0.82, "right document": 0.9, "wrongly answered": 0.10},
    },
}


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
    now = {language: {**values, **change.get(language, {})} for language, values in EXPECTED["scores"].items()}
    assert gate.failures(now, EXPECTED) == lines


def test_the_committed_expectations_can_be_read(tmp_path: Path):
    values = gate.read()
    assert set(values["scores"]) == {"ar", "en"}
    gate.write(values["scores"], tmp_path / "e.json")
    assert gate.read(tmp_path / "e.json")["scores"] == values["scores"]
