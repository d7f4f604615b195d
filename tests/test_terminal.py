"""What a person sees of a sync."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from assistant import terminal
from assistant.encoder import Encoder
from assistant.schema import FileReport, SyncReport


def shown(report: SyncReport) -> list[str]:
    console = Console(width=400, highlight=False)
    with console.capture() as capture:
        for table in terminal.summary(report):
            console.print(table)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_a_row_for_each_changed_file():
    report = SyncReport(
        added=("a.pdf", "facts/f.yaml"),
        updated=("عربي.md",),
        removed=("old[1].txt",),
        unchanged=("same.md",),
        failed={"bad.docx": "is damaged", "facts/f.yaml#x": "quote is not verbatim"},
        warnings={"عربي.md": "1 character could not be decoded"},
        files={
            "a.pdf": FileReport(1234, 56, {"right-to-left lines": 7, "numbers": 1000}),
            "عربي.md": FileReport(2),
            "facts/f.yaml": FileReport(4),
        },
    )
    assert shown(report) == [
        "file format pages passages note",
        "a.pdf added pdf 56 1,234 mended: numbers 1,000, right-to-left lines 7",
        "bad.docx failed docx is damaged",
        "facts/f.yaml added yaml 4",
        "facts/f.yaml#x failed yaml quote is not verbatim",
        "old[1].txt removed txt",
        "عربي.md updated md 2 1 character could not be decoded",
    ]
    assert shown(SyncReport(unchanged=("same.md",))) == []


def test_counts_by_format_where_there_are_many():
    report = SyncReport(
        added=tuple(f"{number}.pdf" for number in range(1200)),
        updated=("one.md", "C#.md"),
        removed=("gone.txt",),
        failed={"bad.pdf": "is damaged"},
        warnings={"7.pdf": "doubtful"},
        files={"7.pdf": FileReport(3, 1)},
    )
    assert shown(report) == [
        "format added updated removed failed",
        "md 2",
        "pdf 1,200 1",
        "txt 1",
        "file format pages passages note",
        "7.pdf added pdf 1 3 doubtful",
        "bad.pdf failed pdf is damaged",
    ]


def test_plain_lines_where_nobody_watches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    with terminal.progress() as progress:
        progress(1, 10)
        monkeypatch.setattr(terminal, "PLAIN_SECONDS", 0)
        progress(5000, 10000)
    assert re.fullmatch(r"indexing: 5,000 of about 10,000 texts, [\d,]+ texts/s, \d+ s left\n", capsys.readouterr().err)


def test_a_bar_on_a_terminal(
    tmp_path: Path, knowledge: Path, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder
):
    leader, follower = pty.openpty()
    for number in range(300):
        (knowledge / f"{number}.txt").write_text(f"Document number {number} of many. كلمة {number}.")
    environment = {
        **os.environ,
        "DALIL_DATA_DIR": str(tmp_path / "data"),
        "DALIL_CACHE_DIR": str(tiny_cache),
        "DALIL_EMBEDDING_MODEL": str(tiny_model_dir),
        "COLUMNS": "120",
        "TERM": "xterm",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", "from assistant.cli import main; main()", "sync", "--json"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    screen = b""
    try:
        while chunk := os.read(leader, 4096):
            screen += chunk
    except OSError:  # how the end of a terminal is told
        pass
    assert process.wait(timeout=30) == 0
    assert re.search(rb"\d+ texts/s", screen)
    assert re.search(rb"\d+:\d\d:\d\d[^\n]*left", screen)
