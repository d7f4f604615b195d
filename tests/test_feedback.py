"""Feedback outlives kills and rebuilt indexes, and becomes cases that the evaluation reads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.encoder import Encoder
from assistant.errors import DalilError, IndexStateError
from assistant.feedback import FEEDBACK_FILE, MAX_REASON_CHARACTERS, MAX_TURNS, FeedbackLog, export
from assistant.schema import Answer, Citation, Hit
from eval.questions import QuestionsError, load_cases

QUOTE_AR = "يبلغ طول النهر ٣٢٠ كيلومترًا."
QUOTE_EN = "The harbour of Salma opened in 1964."


def citation(number: int, document_id: str, language: str, quote: str) -> Citation:
    return Citation(number, document_id, "عنوان", "document", language, quote, 5, 5 + len(quote))


ARABIC = Answer(
    question="كم يبلغ طول نهر الأمل؟",
    language="ar",
    answered=True,
    text=f"{QUOTE_AR} [1]",
    confidence=0.93,
    mode="extractive",
    citations=(citation(1, "documents/river.ar.md", "ar", QUOTE_AR),),
    elapsed_ms=7.5,
)
ACROSS = Answer(
    question="متى افتتح ميناء سلمى؟",
    language="ar",
    answered=True,
    text=f"يقول مصدر بالإنجليزية:\n«{QUOTE_EN}» [1] افتُتح الميناء عام 1964 [2].",
    confidence=0.8,
    mode="generated",
    citations=(
        citation(1, "documents/harbour.en.md", "en", QUOTE_EN),
        citation(2, "documents/harbour.en.md", "en", QUOTE_EN),
    ),
    elapsed_ms=9.0,
)
ABSTENTION = Answer(
    question="What is the capital of France?",
    language="en",
    answered=False,
    text="The knowledge base does not hold the answer.",
    confidence=0.02,
    mode="extractive",
    citations=(),
    elapsed_ms=5.0,
    closest=(Hit("p1", "documents/harbour.en.md", "Harbour", QUOTE_EN, "en", "document", 0.02),),
)


@pytest.fixture
def log(tmp_path: Path) -> FeedbackLog:
    return FeedbackLog(tmp_path / "data" / FEEDBACK_FILE, lambda: {"dalil": "1.2", "model": "m"})


def test_nothing_was_said_yet(log: FeedbackLog):
    assert log.entries() == []


def test_an_entry_holds_all_that_was_said(log: FeedbackLog):
    history = [("ما هو نهر الأمل؟", "نهر في الشمال [1].")]
    key = log.add(ARABIC, "down", "  ليس هذا\u2028ما سألتُ عنه 👎  ", history)
    log.add(ABSTENTION, "up")
    first, second = log.entries()
    assert (first.id, first.verdict, first.reason) == (key, "down", "ليس هذا\u2028ما سألتُ عنه 👎")
    assert (first.answer, second.answer) == (ARABIC, ABSTENTION)
    assert first.history == (("ما هو نهر الأمل؟", "نهر في الشمال [1]."),)
    assert first.versions == {"dalil": "1.2", "model": "m"}
    assert first.time.endswith("+00:00")
    assert abs(time.time() - time.mktime(time.strptime(first.time[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60


def test_the_last_verdict_under_an_id_counts(log: FeedbackLog):
    key = log.add(ARABIC, "up")
    log.add(ACROSS, "up", id="other")
    assert log.add(ARABIC, "down", "أخطأت في التقييم", id=key) == key
    assert [(entry.id, entry.verdict, entry.reason) for entry in log.entries()] == [
        (key, "down", "أخطأت في التقييم"),
        ("other", "up", ""),
    ]


def test_what_is_kept_is_bounded(log: FeedbackLog):
    log.add(ARABIC, "up", "ط" * 10_000, [(f"سؤال {n}", "رد") for n in range(50)])
    (entry,) = log.entries()
    assert entry.reason == "ط" * MAX_REASON_CHARACTERS
    assert entry.history[0] == (f"سؤال {50 - MAX_TURNS}", "رد")
    for bad in ("", "x" * 101):
        with pytest.raises(ValueError, match="an id has 1 to 100 characters"):
            log.add(ARABIC, "up", id=bad)
    with pytest.raises(ValueError, match="a verdict is 'up' or 'down', not 'maybe'"):
        log.add(ARABIC, "maybe")


def test_half_a_character_from_a_browser_does_no_harm(log: FeedbackLog):
    log.add(ARABIC, "up", "bad \ud83d half")
    assert log.entries()[0].reason == "bad ? half"


@pytest.mark.parametrize("torn", ['{"id": "torn", "verdict"', "garbage", "\x00" * 100_000, ""])
def test_a_torn_line_is_ignored_and_mended(log: FeedbackLog, tmp_path: Path, torn: str):
    file = tmp_path / "data" / FEEDBACK_FILE
    log.add(ARABIC, "up", id="first")
    whole = file.read_bytes()
    file.write_bytes(whole + torn.encode())
    assert [entry.id for entry in log.entries()] == ["first"]
    log.add(ACROSS, "down", id="second")
    assert [entry.id for entry in log.entries()] == ["first", "second"]
    assert file.read_bytes().startswith(whole)
    assert file.read_bytes().count(b"\n") == 2


def test_a_line_of_another_hand_is_passed_over(log: FeedbackLog, tmp_path: Path):
    log.add(ARABIC, "up", id="first")
    with (tmp_path / "data" / FEEDBACK_FILE).open("ab") as stream:
        stream.write(b'{"id": 3}\n\xff\xfe\n\n')
    log.add(ARABIC, "up", id="second")
    assert [entry.id for entry in log.entries()] == ["first", "second"]


def test_every_thread_is_heard(log: FeedbackLog):
    def speak(name: int) -> None:
        for turn in range(10):
            log.add(ARABIC, "up", id=f"{name}-{turn}")

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.entries()) == 80


def test_only_the_user_may_read_it(log: FeedbackLog, tmp_path: Path):
    log.add(ARABIC, "up")
    if sys.platform != "win32":
        assert (tmp_path / "data" / FEEDBACK_FILE).stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(IndexStateError, match=r"feedback cannot be kept in .+check its permissions"):
        FeedbackLog(tmp_path / "data" / FEEDBACK_FILE).add(ARABIC, "up")


WRITER = """
import sys
from pathlib import Path
from assistant.feedback import FeedbackLog
from tests.test_feedback import ARABIC
log = FeedbackLog(Path(sys.argv[1]))
while True:
    print(log.add(ARABIC, "up", "سبب " * 300), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signal")
def test_what_was_kept_outlives_kills(tmp_path: Path):
    file = tmp_path / FEEDBACK_FILE
    said: list[str] = []
    for pause in (0.0, 0.013, 0.031):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said.append(writer.stdout.readline().strip())
        time.sleep(pause)
        writer.kill()
        rest, _ = writer.communicate()
        said += rest.split()
        kept = [entry.id for entry in FeedbackLog(file).entries()]
        # the last one may have been killed between keeping it and saying so
        assert [key for key in kept if key in said] == said


def test_feedback_outlives_a_rebuilt_index(knowledge: Path, tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path):
    settings = Settings(
        knowledge_dir=knowledge, data_dir=tmp_path / "data", embedding_model=str(tiny_model_dir), cache_dir=tiny_cache
    )
    log = FeedbackLog(settings.index_dir / FEEDBACK_FILE)
    with Assistant(settings) as dalil:
        dalil.sync()
        FeedbackLog(settings.index_dir / FEEDBACK_FILE, dalil.versions).add(ARABIC, "up", id="kept")
        dalil.index.rebuild_indexes()
        before = dalil.versions()
    (settings.index_dir / "erasing").touch()  # a rebuild that was killed
    for rebuild in (False, True):
        with Assistant(settings, rebuild=rebuild) as dalil:
            assert dalil.versions() != before  # it is empty
            dalil.sync()
            assert dalil.versions() == before
        assert [(entry.id, entry.versions) for entry in log.entries()] == [("kept", before)]


def test_versions_tell_one_knowledge_from_another(
    knowledge: Path, tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder
):
    settings = Settings(
        knowledge_dir=knowledge, data_dir=tmp_path / "data", embedding_model=str(tiny_model_dir), cache_dir=tiny_cache
    )
    with Assistant(settings) as dalil:
        dalil.sync()
        before = dalil.versions()
        assert before["model"] == tiny_encoder.fingerprint
        (knowledge / "notes.en.txt").write_text("Salma has two lighthouses.\n")
        dalil.sync()
        after = dalil.versions()
    assert {name for name in before if before[name] != after[name]} == {"knowledge"}


def test_what_was_liked_becomes_cases_that_the_evaluation_reads(log: FeedbackLog, tmp_path: Path):
    log.add(ARABIC, "up", id="river")
    log.add(ACROSS, "up", id="harbour")
    log.add(ABSTENTION, "up", id="france")
    follow_up = replace(ARABIC, question="وكم طوله؟\u2028")  # would end a line for whoever reads lines of text
    log.add(follow_up, "up", history=[("ما هو نهر الأمل؟", "نهر [1].")], id="how-long")
    done = export(log.entries(), tmp_path / "cases.jsonl")
    assert (done.cases, done.unfinished) == (4, 0)
    assert not done.unfinished_file.exists()
    river, harbour, france, how_long = load_cases(tmp_path / "cases.jsonl")
    assert (river.id, river.question, river.language, river.tags) == (
        "feedback-river",
        ARABIC.question,
        "ar",
        ("same-language",),
    )
    assert (river.documents, river.evidence) == (("documents/river.ar.md",), (QUOTE_AR,))
    assert harbour.tags == ("cross-language",)
    assert harbour.documents == ("documents/harbour.en.md",)
    assert harbour.evidence == (QUOTE_EN,)
    assert harbour.answers == (QUOTE_EN, QUOTE_EN[:-1], "افتُتح الميناء عام 1964")
    assert (france.answerable, france.tags, france.documents) == (False, ("unanswerable",), ())
    assert how_long.tags == ("same-language", "follow-up")
    assert how_long.history[0].question == "ما هو نهر الأمل؟"


def test_what_was_disliked_waits_for_a_person(log: FeedbackLog, tmp_path: Path):
    log.add(ARABIC, "down", "الرقم خطأ", id="river")
    log.add(replace(ARABIC, citations=(), text="ثلاثمئة"), "up", id="bare")
    done = export(log.entries(), tmp_path / "cases.jsonl")
    assert (done.cases, done.unfinished) == (0, 2)
    assert load_cases(done.file) == []
    with pytest.raises(QuestionsError, match=r"cases\.to-complete\.jsonl:1: complete: Extra inputs"):
        load_cases(done.unfinished_file)
    rows = [json.loads(line) for line in done.unfinished_file.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["complete"].startswith("fill in documents, evidence (verbatim sentences) and answers")
    assert (rows[0]["given"], rows[0]["reason"]) == (ARABIC.text, "الرقم خطأ")
    assert rows[1]["complete"].startswith("the answer cites nothing")
    for name in ("complete", "given", "reason"):
        del rows[0][name]
    file = tmp_path / "done.jsonl"
    file.write_text(json.dumps(rows[0]))
    with pytest.raises(QuestionsError, match="has documents, evidence and answers"):
        load_cases(file)  # taking the marks out is not enough
    rows[0] |= {"documents": ["documents/river.ar.md"], "evidence": [QUOTE_AR], "answers": ["320"]}
    file.write_text(json.dumps(rows[0]))
    assert load_cases(file)[0].id == "feedback-river"


def test_a_person_s_work_is_never_written_over(log: FeedbackLog, tmp_path: Path):
    log.add(ARABIC, "up")
    (tmp_path / "cases.to-complete.jsonl").write_text("half done")
    with pytest.raises(DalilError, match=r"cases\.to-complete\.jsonl is there already"):
        export(log.entries(), tmp_path / "cases.jsonl")
    assert not (tmp_path / "cases.jsonl").exists()
