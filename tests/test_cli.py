"""Commands as a user types them: exit codes, output, one line for what went wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant import cli


@pytest.fixture
def run(
    tmp_path: Path,
    tiny_model_dir: Path,
    tiny_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    """Run a command in this process with the tiny model: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DALIL_EMBEDDING_MODEL", str(tiny_model_dir))
    monkeypatch.setenv("DALIL_CACHE_DIR", str(tiny_cache))
    monkeypatch.setenv("DALIL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # main() is not alone in this process

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dalil", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_sync_and_list(run, knowledge: Path):
    code, out, err = run("sync")
    assert (code, err) == (0, "")
    assert "added    documents/river.ar.md" in out
    assert "5 added, 0 updated, 0 removed, 0 unchanged, 0 failed; 12 passages in " in out
    assert "0 added, 0 updated, 0 removed, 5 unchanged" in run("sync")[1]
    code, out, _ = run("list")
    assert code == 0
    assert "documents/river.ar.md" in out
    assert "نهر الأمل" in out
    assert "4 documents, 3 curated facts" in out


def test_json_is_the_types(run, knowledge: Path):
    report = json.loads(run("sync", "--json")[1])
    assert (len(report["added"]), report["passages"]) == (5, 12)
    documents = json.loads(run("list", "--json")[1])
    assert documents[3] == {
        "id": "documents/river.ar.md",
        "title": "نهر الأمل",
        "language": "ar",
        "source": "نص كتب للاختبار",
        "characters": documents[3]["characters"],
    }
    hits = json.loads(run("search", "lighthouse", "--limit", "2", "--json")[1])
    assert len(hits) == 2
    assert set(hits[0]) == {"passage_id", "document_id", "title", "text", "language", "kind", "score"}
    answer = json.loads(run("ask", "كم طول نهر الأمل؟", "--json")[1])
    assert (answer["question"], answer["language"]) == ("كم طول نهر الأمل؟", "ar")
    assert json.loads(run("check", "--json")[1]) == {"documents": 4, "facts": 3, "problems": []}
    assert [finding["subject"] for finding in json.loads(run("doctor", "--json")[1])] == [
        "versions",
        "knowledge",
        "model",
        "index",
    ]


def test_search_prints_passages(run, knowledge: Path):
    code, out, _ = run("search", "lighthouse", "--limit", "12")
    assert code == 0
    assert out.startswith("1. ")
    assert "(documents/notes.txt, document)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ask", "  "), "dalil: the question is empty; write one in Arabic or English\n"),
        (("ask", "🙂"), "dalil: the question holds no words; write one in Arabic or English\n"),
        (("ask", "س؟", "--language", "fr"), "dalil: cannot answer in 'fr': language must be ar or en\n"),
        (("sync", "--knowledge", "nowhere"), "dalil: there is no knowledge folder nowhere; create it or name another"),
        (("check", "--knowledge", "nowhere"), "dalil: there is no knowledge folder nowhere;"),
    ],
)
def test_errors_are_one_line_and_exit_1(run, knowledge: Path, arguments: tuple[str, ...], message: str):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_an_empty_folder_cannot_be_asked(run, tmp_path: Path):
    (tmp_path / "knowledge").mkdir()
    code, _, err = run("ask", "ما هذا؟")
    assert code == 1
    assert err == (
        "dalil: the knowledge folder knowledge holds no documents that can be read; "
        "add some (.pdf, .docx, .md, .txt and more), then run: dalil sync\n"
    )


def test_bad_files_are_named_and_exit_1(run, knowledge: Path):
    (knowledge / "bad.txt").write_bytes(b"\xff\xfe\x00")
    code, out, err = run("sync")
    assert code == 1
    assert err == "dalil: bad.txt: is text of no known encoding; save the file as UTF-8\n"
    assert "5 added, 0 updated, 0 removed, 0 unchanged, 1 failed" in out
    assert run("list")[0] == 0  # the others are there


def test_doubtful_files_are_named_and_exit_0(run, knowledge: Path):
    (knowledge / "cut.txt").write_bytes("ميناء سلمى قديم وفيه منارة حمراء.".encode() + b"\xd9")
    code, _, err = run("sync")
    assert code == 0
    assert err == "dalil: warning: cut.txt: 1 character could not be decoded as utf-8; save the file as UTF-8\n"
    assert run("sync")[2] == ""


def test_check_names_the_problem(run, knowledge: Path):
    path = knowledge / "facts" / "facts.yaml"
    path.write_text(path.read_text().replace("ألفا عامل", "ثلاثة آلاف عامل"))
    code, out, _ = run("check")
    assert code == 1
    assert "facts/facts.yaml#mine-workers: quote is not verbatim in documents/mines.ar.md" in out
    assert "4 documents, 3 facts, 1 problem\n" in out


def test_wrong_usage_is_2(run):
    assert run("ask")[0] == 2
    assert run("nonsense")[0] == 2
    assert run("search", "x", "--limit", "0")[0] == 2


def test_version(run):
    code, out, _ = run("--version")
    assert (code, out.strip()) == (0, "0.1.0")


def test_a_question_from_standard_input(run, knowledge: Path, monkeypatch: pytest.MonkeyPatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("كم طول نهر الأمل؟\n"))
    assert json.loads(run("ask", "-", "--json")[1])["question"].strip() == "كم طول نهر الأمل؟"


def test_a_changed_model_names_the_rebuild(run, knowledge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tests.helpers import build_tiny_model

    run("sync")
    monkeypatch.setenv("DALIL_EMBEDDING_MODEL", str(build_tiny_model(tmp_path / "other")))
    code, _, err = run("ask", "ما هذا؟")
    assert code == 1
    assert "was built with the model" in err
    assert err.endswith("run: dalil sync --rebuild\n")
    assert run("sync", "--rebuild")[0] == 0
    assert run("search", "lighthouse")[0] == 0


def test_serve_from_an_empty_folder_answers_and_stops(tmp_path: Path, prepared_model):
    """The installed command in an empty folder serves the shipped knowledge base."""
    import httpx

    environment = {**os.environ, "DALIL_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", "from assistant.cli import main; main()", "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stdout if line.startswith("Dalil is at "))
        assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
        assert "Dalil" in httpx.get(address).text
        busy = subprocess.run(
            [sys.executable, "-c", "from assistant.cli import main; main()", "ask", "ما هو الممر الأوسط؟"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert busy.returncode == 1
        assert busy.stderr.startswith("dalil: the index in ")
    finally:
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - begun < 10
    assert not (tmp_path / "data" / "dirty").exists()
