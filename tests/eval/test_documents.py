"""Error rates by hand, and the command over a benchmark made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from assistant.errors import DocumentError
from eval.documents import comparable, edit_distance, error_rate, load, main, read_text, score, supported
from tests.pdf.build import document, saved, write


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("", "abc", 3),
        ("kitten", "sitting", 3),  # two replaced, one inserted
        ("كتاب", "كتب", 1),
        (["the", "old", "house"], ["the", "house"], 1),
    ],
)
def test_edit_distance(first: str, second: str, distance: int):
    assert edit_distance(first, second) == distance


@settings(max_examples=60, deadline=None)
@given(st.text("abc", max_size=12), st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_edit_distance_is_a_distance(a: str, b: str, c: str):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_error_rate():
    assert error_rate("abcd", "abxd") == 0.25
    assert error_rate("", "") == 0.0
    assert error_rate("", "x") == 1.0


def test_what_is_compared():
    assert comparable("ﻻ\u200f  (ﬁle)\n• item\n- one | two") == "لا (file) item one two"
    assert comparable("well-known 2020–2025") == "well-known 2020–2025"


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    pdf = document()
    write(pdf, "بيت من حجر في طرف المدينة")
    (folder / "house.pdf").write_bytes(saved(pdf))
    (folder / "house.md").write_text("# بيت من حجر\n\nفي طرف المدينة", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"no PDF")
    (folder / "house.xyz").write_bytes(b"")
    (folder / "house.truth").write_text("بيت من حجر\nفي طرف المدينة", encoding="utf-8")
    names = ("house.pdf", "house.md", "broken.pdf", "house.xyz")
    rows = [
        {"file": n, "truth": "house.truth", "format": n[-3:].strip("."), "kind": "prose", "renderer": "x"}
        for n in names
    ]
    (folder / "manifest.json").write_text(json.dumps(rows), encoding="utf-8")
    return tmp_path


def test_scores(benchmarks: Path):
    entries = load(benchmarks / "documents")
    assert [supported(entry) for entry in entries] == [True, True, True, False]
    good, also, broken = (score(entry) for entry in entries[:3])
    assert (good.cer, good.wer) == (also.cer, also.wer) == (0.0, 0.0)
    assert (broken.cer, broken.wer) == (1.0, 1.0)
    assert "broken.pdf" in broken.error


def test_a_file_that_cannot_be_read():
    with pytest.raises(DocumentError, match=r"^x\.pdf: "):
        read_text("x.pdf", b"no PDF")


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command(benchmarks: Path):
    output = run("--benchmarks", str(benchmarks), "--worst", "1")
    assert "50.00 / 50.0" in output  # one PDF of two cannot be read
    assert "100.00 broken.pdf" in output
    assert "skipped formats without a reader: .xyz" in output
    assert "pdf" not in run("--benchmarks", str(benchmarks), "--format", "md")


def test_no_benchmark_is_no_failure(tmp_path: Path):
    assert "--benchmarks" in run("--benchmarks", str(tmp_path))
