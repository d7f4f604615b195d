"""Sync, and what survives of an index: real SQLite, Chroma and tantivy, with the tiny model."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from assistant import index as index_module
from assistant.encoder import Encoder
from assistant.errors import IndexBusyError, IndexMismatchError, KnowledgeError
from assistant.index import Index, passage_id_of
from assistant.lexical import LANGUAGES
from assistant.passages import encoder_parts
from assistant.text import analyse
from assistant.vectors import UNITS

DOCUMENTS = ("documents/harbour.en.md", "documents/mines.ar.md", "documents/notes.txt", "documents/river.ar.md")
FILES = (*DOCUMENTS, "facts/facts.yaml")


class CountingEncoder(Encoder):
    """The tiny encoder that counts what it encodes."""

    encoded = 0

    def encode_passages(self, texts, progress=lambda done: None):
        self.encoded += len(texts)
        return super().encode_passages(texts, progress)

    def encode_with_words(self, texts, progress=lambda done: None):
        self.encoded += len(texts)
        return super().encode_with_words(texts, progress)


@pytest.fixture
def counting(tiny_encoder: Encoder) -> CountingEncoder:
    return CountingEncoder(tiny_encoder.model)


@pytest.fixture
def index(tmp_path: Path, counting: CountingEncoder):
    opened = Index(tmp_path / "data", counting)
    yield opened
    opened.close()


def assert_whole(index: Index) -> None:
    """Catalogue, dense and lexical index hold exactly the same passages and sentences."""
    stored = {encoded.passage.id: encoded.passage for encoded in index.catalogue.all_encoded()}
    for encoded in index.catalogue.all_encoded():
        sentences = len(encoded.passage.sentences)
        assert (len(encoded.sentence_vectors), len(encoded.words.counts)) == (sentences, 1 + sentences)
        assert len(encoded.words.codes) == sum(encoded.words.counts)
    assert index.catalogue.passage_count() == len(stored)  # each has its vectors
    assert index.lexical.count() == len(stored)
    languages = {passage.language for passage in stored.values()}
    dense = {unit: set() for unit in UNITS}
    for unit in UNITS:
        for language in {*languages, *index.vectors.languages()}:
            dense[unit] |= index.vectors.ids(unit, language)
    assert dense["passages"] == set(stored)
    assert dense["sentences"] == {f"{key}:{n}" for key, p in stored.items() for n in range(len(p.sentences))}


def find(index: Index, words: str) -> list[str]:
    hits = [hit for language in LANGUAGES for hit in index.lexical.query(language, analyse(words), 10)]
    return [e.passage.document_id for e in index.catalogue.encoded([hit.passage_id for hit in hits])]


def write(path: Path, text: str) -> None:
    """Write a file with a new modification time, however coarse the clock is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    if before:
        os.utime(path, ns=(before + 10**9, before + 10**9))


# --- sync --------------------------------------------------------------------------------------------


def test_a_first_sync_adds_everything(index: Index, knowledge: Path):
    report = index.sync(knowledge)
    assert (report.added, report.updated, report.removed, report.unchanged) == (FILES, (), (), ())
    assert report.failed == {}
    # river 2, harbour 2, mines 1, notes 1 and two statements for each of three facts
    assert report.passages == 12
    assert_whole(index)


def test_passages_are_stored_with_what_the_encoder_makes_of_them(index: Index, knowledge: Path, tiny_encoder: Encoder):
    index.sync(knowledge)
    for encoded in index.catalogue.all_encoded():
        passage = encoded.passage
        vectors, (words,) = tiny_encoder.encode_with_words([encoder_parts(passage)])
        sentences = tiny_encoder.encode_passages([sentence.text for sentence in passage.sentences])
        assert encoded.words.counts == words.counts
        assert np.array_equal(encoded.words.codes, words.codes)
        assert np.abs(encoded.vector - vectors[0]).max() < 5e-4  # half precision
        assert np.abs(encoded.sentence_vectors - sentences).max() < 5e-4
    (notes,) = index.catalogue.encoded([p.id for p in index.catalogue.passages_of(["documents/notes.txt"])])
    # "Salma has a lighthouse. The lighthouse is painted red." without context, has, a, the and is
    assert notes.words.counts == (0, 2, 3)


@pytest.mark.parametrize("text", ["من هو؟", "What is what?", "؟!"], ids=["ar", "en", "marks"])
def test_a_passage_of_function_words_alone_is_indexed(index: Index, knowledge: Path, text: str):
    (knowledge / "bare.txt").write_text(text, encoding="utf-8")
    report = index.sync(knowledge)
    assert (report.failed, report.passages) == ({}, 13)
    assert_whole(index)


def test_a_second_sync_does_nothing(index: Index, knowledge: Path, counting: CountingEncoder):
    index.sync(knowledge)
    encoded = counting.encoded
    report = index.sync(knowledge)
    assert (report.added, report.updated, report.removed, report.unchanged) == ((), (), (), FILES)
    assert (report.passages, counting.encoded) == (12, encoded)


def test_added_changed_and_removed(index: Index, knowledge: Path):
    index.sync(knowledge)
    write(knowledge / "documents" / "mines.ar.md", "تقع مناجم تارين في الجنوب. أُغلقت المناجم.")
    write(knowledge / "new.txt", "A new island appeared.")
    (knowledge / "documents" / "notes.txt").unlink()
    report = index.sync(knowledge)
    assert report.added == ("new.txt",)
    # the fact about the mines lost its quote, so its file changed too
    assert report.updated == ("documents/mines.ar.md", "facts/facts.yaml")
    assert report.removed == ("documents/notes.txt",)
    assert list(report.failed) == ["facts/facts.yaml#mine-workers"]
    assert find(index, "island") == ["new.txt"]
    assert find(index, "lighthouse") == []
    assert find(index, "أغلقت") == ["documents/mines.ar.md"]
    assert_whole(index)


def test_only_what_changed_is_encoded(index: Index, knowledge: Path, counting: CountingEncoder):
    index.sync(knowledge)
    before = {passage.text: passage.id for passage in index.catalogue.passages_of(["documents/harbour.en.md"])}
    encoded = counting.encoded
    path = knowledge / "documents" / "harbour.en.md"
    write(path, path.read_text().replace("opened in 1964. Its cranes", "opened in 1964. Six cranes"))
    index.sync(knowledge)
    assert counting.encoded - encoded == 3  # one passage of two sentences
    after = {passage.text: passage.id for passage in index.catalogue.passages_of(["documents/harbour.en.md"])}
    (kept,) = set(before.values()) & set(after.values())
    assert before["Grain and copper leave the harbour every week. The copper comes from the mines of Tarin."] == kept
    assert_whole(index)


def test_same_content_is_unchanged_whatever_its_date(index: Index, knowledge: Path, counting: CountingEncoder):
    index.sync(knowledge)
    encoded = counting.encoded
    for path in knowledge.rglob("*.*"):
        write(path, path.read_text())
    assert index.sync(knowledge).unchanged == FILES
    assert counting.encoded == encoded
    stamps = {key: state.stamp for key, state in index.catalogue.states().items()}
    status = (knowledge / "documents" / "notes.txt").stat()
    assert stamps["documents/notes.txt"] == f"{status.st_size}:{status.st_mtime_ns}"


def test_a_renamed_file_is_not_encoded_again(index: Index, knowledge: Path, counting: CountingEncoder):
    index.sync(knowledge)
    encoded = counting.encoded
    (knowledge / "documents" / "notes.txt").rename(knowledge / "moved.txt")
    report = index.sync(knowledge)
    assert (report.added, report.removed) == (("moved.txt",), ("documents/notes.txt",))
    assert counting.encoded == encoded
    assert find(index, "lighthouse") == ["moved.txt"]
    assert_whole(index)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00", "is text of no known encoding; save the file as UTF-8"),
        (b"---\ntitle: x\n", "front matter is not closed; add a line '---' after it"),
        (b"", "holds no text; write some or remove the file"),
    ],
)
def test_one_bad_file_fails_alone(index: Index, knowledge: Path, content: bytes, reason: str):
    (knowledge / "bad.md").write_bytes(content)
    report = index.sync(knowledge)
    assert report.failed == {"bad.md": reason}
    assert report.added == FILES
    assert_whole(index)


def test_doubtful_text_is_indexed_with_a_warning(index: Index, knowledge: Path):
    (knowledge / "cut.txt").write_bytes("ميناء سلمى قديم وفيه منارة حمراء.".encode() * 3 + b"\xd9")
    (knowledge / "old.txt").write_bytes("في المدينة مكتبة كبيرة.".encode("cp1256"))
    report = index.sync(knowledge)
    assert report.failed == {}
    assert report.warnings == {"cut.txt": "1 character could not be decoded as utf-8; save the file as UTF-8"}
    assert {"cut.txt", "old.txt"} <= set(report.added)
    assert index.sync(knowledge).warnings == {}  # nothing was read


def test_hostile_files_fail_alone(index: Index, knowledge: Path):
    (knowledge / "page.html").write_text("<h1>Lighthouse</h1><p>It is red.", encoding="utf-8")
    (knowledge / "bad.docx").write_bytes(b"PK\x03\x04 and no more")
    (knowledge / "wrong.pdf").write_bytes(b"PK\x03\x04")
    report = index.sync(knowledge)
    assert report.failed == {
        "bad.docx": "is cut off or damaged; copy it again or save it anew",
        "wrong.pdf": "is a zip archive; give it its own suffix or remove it",
    }
    assert "page.html" in report.added
    assert_whole(index)


def test_the_last_good_version_stays(index: Index, knowledge: Path):
    index.sync(knowledge)
    write(knowledge / "documents" / "notes.txt", "")
    report = index.sync(knowledge)
    assert report.failed == {
        "documents/notes.txt": "holds no text; write some or remove the file; its last good version stays indexed"
    }
    assert find(index, "lighthouse") == ["documents/notes.txt"]
    write(knowledge / "documents" / "notes.txt", "A tower stands there.")
    assert index.sync(knowledge).updated == ("documents/notes.txt",)
    assert find(index, "lighthouse") == []


def test_bad_facts_fail_alone(index: Index, knowledge: Path):
    good = (knowledge / "facts" / "facts.yaml").read_text()
    (knowledge / "facts" / "again.yaml").write_text(good.split("- id: mine-workers")[0])  # two ids a second time
    (knowledge / "facts" / "broken.yaml").write_text("- [")
    write(knowledge / "facts" / "facts.yaml", good.replace("ألفا عامل", "ثلاثة آلاف عامل"))
    report = index.sync(knowledge)
    assert set(report.failed) == {
        "facts/broken.yaml",
        "facts/facts.yaml#river-length",
        "facts/facts.yaml#harbour-opening",
        "facts/facts.yaml#mine-workers",
    }
    assert "is already used in facts/again.yaml" in report.failed["facts/facts.yaml#river-length"]
    assert index.catalogue.fact_count() == 2
    assert_whole(index)


def test_facts_follow_their_document(index: Index, knowledge: Path):
    index.sync(knowledge)
    path = knowledge / "documents" / "mines.ar.md"
    good = path.read_text()
    write(path, good.replace("ألفا عامل", "مئة عامل"))
    assert "quote is not verbatim" in index.sync(knowledge).failed["facts/facts.yaml#mine-workers"]
    assert index.catalogue.fact("mine-workers") is None
    write(path, good)
    assert index.sync(knowledge).failed == {}
    assert index.catalogue.fact("mine-workers") is not None
    assert_whole(index)


def test_a_fact_can_move_to_another_file(index: Index, knowledge: Path):
    index.sync(knowledge)
    head, tail = (knowledge / "facts" / "facts.yaml").read_text().split("- id: mine-workers")
    write(knowledge / "facts" / "facts.yaml", head)
    write(knowledge / "facts" / "another.yaml", f"- id: mine-workers{tail}")
    assert index.sync(knowledge).failed == {}
    assert index.catalogue.fact_count() == 3
    assert_whole(index)
    (knowledge / "facts" / "another.yaml").unlink()
    assert index.sync(knowledge).removed == ("facts/another.yaml",)
    assert index.catalogue.fact_count() == 2
    assert_whole(index)


def test_an_empty_folder(index: Index, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    report = index.sync(tmp_path / "empty")
    assert (report.passages, report.failed) == (0, {})
    with pytest.raises(KnowledgeError):
        index.sync(tmp_path / "missing")


def test_progress_reaches_its_total(index: Index, knowledge: Path):
    steps: list[tuple[int, int]] = []
    index.sync(knowledge, lambda done, total: steps.append((done, total)))
    assert steps[0][0] == 1
    assert all(done <= total for done, total in steps)
    assert steps[-1][0] == steps[-1][1]


def test_many_documents_are_written_in_batches(
    tmp_path: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(index_module, "_BATCH_PASSAGES", 3)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.txt").write_text(f"Document number {number}. كلمة {number}.")
    index = Index(tmp_path / "data", counting)
    assert len(index.sync(folder).added) == 10
    assert_whole(index)
    index.close()


# --- who may open it ---------------------------------------------------------------------------------


def test_one_owner_at_a_time(index: Index, tmp_path: Path, tiny_encoder: Encoder):
    with pytest.raises(IndexBusyError, match="is in use by another dalil process"):
        Index(tmp_path / "data", tiny_encoder)


HOLD = """
import sys, time
from pathlib import Path
from assistant.encoder import Encoder
from assistant.index import Index
from assistant.models import prepare
index = Index(Path(sys.argv[3]), Encoder(prepare(sys.argv[1], Path(sys.argv[2]))))
print("open", flush=True)
if len(sys.argv) > 4:
    index.sync(Path(sys.argv[4]), lambda done, total: print(done, flush=True))
    print("synced", flush=True)
time.sleep(60)
"""


def hold(model: Path, cache: Path, *paths: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(model), str(cache), *map(str, paths)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_a_dead_process_owns_nothing(tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder, tmp_path: Path):
    process = hold(tiny_model_dir, tiny_cache, tmp_path / "data")
    with pytest.raises(IndexBusyError):
        Index(tmp_path / "data", tiny_encoder)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    Index(tmp_path / "data", tiny_encoder).close()


def test_another_model_or_analysis_is_refused(
    tmp_path: Path, knowledge: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
):
    index = Index(tmp_path / "data", tiny_encoder)
    index.sync(knowledge)
    index.close()
    monkeypatch.setattr(index_module, "TEXT_VERSION", 999)
    with pytest.raises(
        IndexMismatchError, match=r"built with text analysis 2, now it is 999; run: dalil sync --rebuild"
    ):
        Index(tmp_path / "data", tiny_encoder)
    rebuilt = Index(tmp_path / "data", tiny_encoder, rebuild=True)
    assert rebuilt.catalogue.passage_count() == 0
    assert rebuilt.sync(knowledge).passages == 12
    assert_whole(rebuilt)
    rebuilt.close()


# --- after an unclean end ----------------------------------------------------------------------------


def tear_graph(data: Path) -> None:
    for file in (data / "vectors").rglob("*"):
        if file.suffix in {".bin", ".sqlite3"}:
            file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: (data / "dirty").touch(),
        lambda data: shutil.rmtree(data / "lexical"),
        lambda data: (shutil.rmtree(data / "vectors"), (data / "dirty").touch()),
        lambda data: (tear_graph(data), (data / "dirty").touch()),
        tear_graph,
    ],
    ids=["marked", "no terms", "no vectors", "torn and marked", "torn"],
)
def test_the_indexes_are_rebuilt_from_the_catalogue(tmp_path: Path, knowledge: Path, counting: CountingEncoder, damage):
    index = Index(tmp_path / "data", counting)
    index.sync(knowledge)
    index.close()
    assert not (tmp_path / "data" / "dirty").exists()
    damage(tmp_path / "data")
    encoded = counting.encoded
    index = Index(tmp_path / "data", counting)
    assert_whole(index)
    assert find(index, "lighthouse") == ["documents/notes.txt"]
    assert index.sync(knowledge).unchanged == FILES
    assert counting.encoded == encoded
    index.close()


@pytest.mark.parametrize("moment", [1, 30, 90, 150])
def test_a_killed_sync_is_finished_by_the_next(
    tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder, moment: int
):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"Document number {number}. كلمة {number}.")
    process = hold(tiny_model_dir, tiny_cache, tmp_path / "data", folder)
    assert process.stdout is not None
    for line in process.stdout:
        if line == "synced\n" or int(line) >= moment:
            break
    time.sleep(moment / 1000)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    index = Index(tmp_path / "data", tiny_encoder)
    assert_whole(index)
    index.sync(folder)
    assert index.catalogue.passage_count() == 60
    assert_whole(index)
    index.close()


def test_sentence_ids_lead_to_their_passage():
    assert passage_id_of("abc-2:10") == "abc-2"
