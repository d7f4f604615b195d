"""Names that somebody sends become names that do no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import files
from assistant.errors import DocumentError
from assistant.settings import shipped_knowledge_dir


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("تقرير المياه ٢٠٢٥.pdf", "تقرير المياه ٢٠٢٥.pdf"),
        ("كِتَابٌ (نسخة).docx", "كِتَابٌ (نسخة).docx"),
        ("Plan, final – v2.md", "Plan, final – v2.md"),
        ("../../etc/cron.d/job.txt", "job.txt"),
        ("..\\..\\Windows\\System32\\أمر.txt", "أمر.txt"),
        ("C:\\a\\b.txt", "b.txt"),
        ("C:b.txt", "C_b.txt"),
        ("a\x00b\x1b[31m\n.txt", "ab[31m.txt"),
        ("invoice\u202efdp.txt", "invoicefdp.txt"),  # would read invoicetxt.pdf
        ("\u2066\u200f\u200eسري\u2069.md", "سري.md"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),  # Persian spelling
        ('a<b>:"c|d?*.txt', "a_b___c_d__.txt"),
        ("CON.txt", "_CON.txt"),
        ("com1.tar.md", "_com1.tar.md"),
        ("LPT¹.md", "_LPT¹.md"),
        ("console.md", "console.md"),
        ("report.pdf. . ", "report.pdf"),
        ("a\u2028b.txt", "a b.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("half \ud83d.txt", "half.txt"),
    ],
)
def test_safe_names(name: str, safe: str):
    assert files.safe_name(name) == safe


@pytest.mark.parametrize(
    "name", ["", "..", "/", ".txt", ".hidden.txt", "~$report.docx", "report", "\u202e.txt", "_.md"]
)
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(DocumentError, match="has no usable name"):
        files.safe_name(name)


def test_long_names_are_shortened_between_letters_and_keep_their_suffix():
    name = files.safe_name("م" * 300 + ".pdf")
    assert name == "م" * 98 + ".pdf"
    assert len(name.encode()) <= 200
    with pytest.raises(DocumentError, match="unknown format"):
        files.safe_name("a." + "x" * 300)


@given(st.text(max_size=120), st.sampled_from([".md", ".PDF", ".txt"]))
def test_any_name_is_one_part_that_changes_no_more(text: str, suffix: str):
    try:
        name = files.safe_name(text + suffix)
    except DocumentError:
        return
    assert Path(name).name == name
    assert name.lower().endswith(suffix.lower())
    assert not name.startswith(files.HIDDEN)
    assert files.safe_name(name) == name
    name.encode()


def test_obstacles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert files.obstacle(tmp_path) is None
    assert files.obstacle(shipped_knowledge_dir()) == "shipped"
    monkeypatch.setattr("os.access", lambda *_: False)  # the superuser may write everywhere
    assert files.obstacle(tmp_path) == "read-only"
