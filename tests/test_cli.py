"""Commands as a user types them: exit codes, output, one line for what went wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant import cli
from assistant.encoder import Encoder
from assistant.feedback import FEEDBACK_FILE, FeedbackLog
from eval.questions import load_cases
from tests.test_feedback import ABSTENTION as FRANCE
from tests.test_feedback import ARABIC as RIVER


@pytest.fixture
def run(
    tmp_path: Path,
    tiny_model_dir: Path,
    tiny_cache: Path,
    tiny_encoder: Encoder,  # prepares the model
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
    assert re.search(r"documents/river\.ar\.md +added +md +\d+", out)
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
        "language model",
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
        assert (busy.returncode, busy.stderr) == (0, "")  # the running one has answered
        assert "[1]" in busy.stdout
    finally:
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    # on a slow machine it has said how far it was
    assert (process.returncode, re.sub("indexing: .*\n", "", err)) == (0, "")
    assert time.monotonic() - begun < 10
    assert not (tmp_path / "data" / "dirty").exists()
    assert not (tmp_path / "data" / "owner.json").exists()


# --- files into the knowledge folder and out of it ---------------------------------------------------


def test_add_copies_and_indexes(run, knowledge: Path, tmp_path: Path):
    incoming = tmp_path / "تقارير"
    (incoming / "deep").mkdir(parents=True)
    (incoming / "جسر.txt").write_text("يبلغ طول الجسر مئة متر.", encoding="utf-8")
    (incoming / "deep" / "bridge.txt").write_text("The bridge is a hundred metres long.")
    (incoming / "photo.jpg").write_bytes(b"x")
    (incoming / ".hidden.txt").write_text("hidden")
    code, out, err = run("add", str(incoming), str(knowledge / ".." / "تقارير" / "جسر.txt"), "--into", "new")
    assert (code, err) == (0, "")
    assert (knowledge / "new" / "تقارير" / "جسر.txt").read_text() == "يبلغ طول الجسر مئة متر."
    assert re.search(r"new/تقارير/deep/bridge.txt +added +txt +1", out)
    assert "left out, in formats that are not supported: 1 .jpg\n" in out
    assert "8 added, 0 updated" in out
    assert sorted(path.name for path in (knowledge / "new").rglob("*")) == [
        "bridge.txt",
        "deep",
        "تقارير",
        "جسر.txt",
        "جسر.txt",
    ]
    assert "new/جسر.txt" in run("list")[1]


def test_add_never_overwrites_unless_told(run, knowledge: Path, tmp_path: Path):
    other = tmp_path / "notes.txt"
    other.write_text("Salma has a tower.")
    code, out, err = run("add", str(other), "--into", "documents", "--json")
    assert code == 1
    assert err == (
        f"dalil: {other}: not copied: documents/notes.txt is already in the knowledge folder; "
        "put it elsewhere with --into or over it with --replace\n"
    )
    assert json.loads(out)["sync"] is None
    assert "lighthouse" in (knowledge / "documents" / "notes.txt").read_text()
    code, out, _ = run("add", str(other), "--into", "documents", "--replace", "--json")
    assert (code, json.loads(out)["copied"]) == (0, ["documents/notes.txt"])
    assert (knowledge / "documents" / "notes.txt").read_text() == "Salma has a tower."
    code, out, _ = run("add", str(other), "--into", "documents", "--json")
    assert (code, json.loads(out)["present"]) == (0, ["documents/notes.txt"])


def test_add_refuses_one_by_one(run, knowledge: Path, tmp_path: Path):
    (tmp_path / "picture.jpg").write_bytes(b"x")
    (tmp_path / "cut.docx").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "facts.yaml").write_text("- id: x")
    (tmp_path / "good.txt").write_text("The mill turns.")
    names = ("picture.jpg", "cut.docx", "facts.yaml", "good.txt")
    code, out, err = run("add", *(str(tmp_path / name) for name in names))
    assert code == 1
    assert err.splitlines() == [
        f"dalil: {tmp_path}/picture.jpg: not copied: unknown format; supported: .md, .markdown, .txt, .csv, .tsv, "
        ".html, .htm, .xhtml, .docx, .pptx, .xlsx, .epub, .pdf",
        f"dalil: {tmp_path}/cut.docx: not copied: is cut off or damaged; copy it again or save it anew",
        f"dalil: {tmp_path}/facts.yaml: not copied: facts belong in a folder of their own; add them with --into facts",
    ]
    assert (knowledge / "good.txt").is_file()
    assert not (knowledge / "cut.docx").exists()
    assert "6 added" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "nothing.txt"), "dalil: there is no file or folder nothing.txt; check its name\n"),
        (("add", "file.txt", "--into", ".."), "dalil: '..' is not a place in the knowledge folder; name a subfolder"),
        (("add", "file.txt", "--into", ".x"), "dalil: '.x' is not a place in the knowledge folder; name a subfolder"),
        (
            ("remove", "documents/rivers.ar.md", "--yes"),
            "dalil: no document 'documents/rivers.ar.md' is in the knowledge folder knowledge; "
            "did you mean documents/river.ar.md",
        ),
        (("remove", "ميناء", "--yes"), "dalil: no document 'ميناء' is in the knowledge folder knowledge; 'dalil list'"),
        (
            ("remove", "documents/notes.txt"),
            "dalil: documents/notes.txt would be deleted from knowledge; say --yes if that should be\n",
        ),
    ],
)
def test_add_and_remove_refuse(run, knowledge: Path, tmp_path: Path, arguments: tuple[str, ...], message: str):
    (tmp_path / "file.txt").write_text("text")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert (knowledge / "documents" / "notes.txt").is_file()


def test_what_comes_with_dalil_is_left_alone(run, tmp_path: Path):
    (tmp_path / "file.txt").write_text("text")
    message = "dalil: there is no knowledge folder here; run: mkdir knowledge (or name one with --knowledge)\n"
    assert run("add", "file.txt") == (1, "", message)
    assert run("remove", "documents/middle-corridor.ar.md", "--yes") == (1, "", message)
    code, _, err = run("add", "file.txt", "--knowledge", "mine")
    assert (code, err) == (0, "Created the knowledge folder mine.\n")


def test_remove_deletes_warns_and_syncs(run, knowledge: Path):
    run("sync")
    code, out, err = run("remove", "documents/mines.ar.md", "documents/notes.txt", "--yes", "--json")
    assert code == 1  # a fact has lost its document
    assert "documents/mines.ar.md is cited by facts/facts.yaml#mine-workers" in err
    report = json.loads(out)
    assert report["removed"] == ["documents/mines.ar.md", "documents/notes.txt"]
    assert report["cited_by"] == {"documents/mines.ar.md": ["facts/facts.yaml#mine-workers"]}
    assert report["sync"]["removed"] == ["documents/mines.ar.md", "documents/notes.txt"]
    assert not (knowledge / "documents" / "notes.txt").exists()
    code, out, err = run("remove", "facts/facts.yaml", "--yes")
    assert (code, err) == (0, "")
    assert "facts/facts.yaml" in out


@pytest.mark.parametrize(("reply", "left"), [("n\n", True), ("y\n", False)])
def test_remove_asks_on_a_terminal(run, knowledge: Path, monkeypatch: pytest.MonkeyPatch, reply: str, left: bool):
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(reply))
    code, _, err = run("remove", "documents/notes.txt")
    assert "Delete documents/notes.txt from knowledge?" in err
    assert code == left
    assert (knowledge / "documents" / "notes.txt").exists() is left


# --- watching ----------------------------------------------------------------------------------------


# Tests that run in the background inherit from their shell that Ctrl-C is ignored.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


def test_sync_watch_follows_the_folder(run, knowledge: Path, tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", f"{INTERRUPTIBLE}; from assistant.cli import main; main()", "sync", "--watch"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        next(line for line in process.stdout if line.startswith("5 added"))
        (knowledge / "documents" / "جديد.txt").write_text("في سلمى سوق جديدة.", encoding="utf-8")
        (knowledge / ".unfinished.part").write_text("x")
        assert process.stdout.readline().startswith("1 added, 0 updated, 0 removed, 5 unchanged, 0 failed; 13 passages")
        (knowledge / "documents" / "جديد.txt").unlink()
        assert process.stdout.readline().startswith("0 added, 0 updated, 1 removed, 5 unchanged, 0 failed; 12 passages")
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert err == "Watching knowledge; Ctrl-C ends.\nStopped watching.\n"
    assert not (tmp_path / "data" / "dirty").exists()


def test_the_command_lists_and_exports(run, knowledge: Path, tmp_path: Path):
    assert run("feedback")[1].startswith("No feedback yet")
    log = FeedbackLog(tmp_path / "data" / FEEDBACK_FILE)
    log.add(RIVER, "up", id="river")
    log.add(FRANCE, "down", "باريس [bold]\x1b[31m", id="france")
    code, out, err = run("feedback")
    assert (code, err) == (0, "")
    assert "river" in out
    assert RIVER.question in out
    assert "باريس [bold][31m" in out  # as text, and nothing that a terminal obeys
    assert "2 entries: 1 up, 1 down" in out
    assert "france" not in run("feedback", "--up")[1]
    listed = json.loads(run("feedback", "--down", "--json")[1])
    assert [(row["id"], row["answer"]["question"]) for row in listed] == [("france", FRANCE.question)]
    code, out, _ = run("feedback", "--export", "cases.jsonl")
    assert code == 0
    assert "cases.jsonl: 1 cases, ready for 'dalil eval'" in out
    assert "cases.to-complete.jsonl: 1 cases to complete" in out
    assert [case.id for case in load_cases(Path("cases.jsonl"))] == ["feedback-river"]
    code, _, err = run("feedback", "--export", "cases.jsonl")
    assert code == 1
    assert err.startswith("dalil: cases.jsonl is there already")
