"""The catalogue on a real SQLite file."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from assistant.catalogue import Catalogue, SourceRecord, SourceState
from assistant.errors import IndexStateError
from assistant.passages import encoding_key, fact_passages, split_source
from assistant.readers import read_source
from assistant.schema import Evidence, Fact

TEXT = "# الممر\n\nالجملة الأولى. الجملة الثانية.\n\n## ثان\n\nThird sentence.\n"


def record(text: str = TEXT, name: str = "a.md", content: str = "h1") -> SourceRecord:
    source = read_source(name, text.encode())
    passages = tuple(split_source(source, lambda part: len(part.split())))
    state = SourceState("document", content, "1:1")
    return SourceRecord(name, state, source.document, passages, tuple(map(encoding_key, passages)))


def vectors_of(item: SourceRecord) -> dict[str, np.ndarray]:
    return {
        key: np.full((1 + len(passage.sentences), 4), number + 1, dtype=np.float32)
        for number, (key, passage) in enumerate(zip(item.encodings, item.passages, strict=True))
    }


@pytest.fixture
def catalogue(tmp_path: Path):
    opened = Catalogue(tmp_path / "catalogue.sqlite")
    yield opened
    opened.close()


def fill(catalogue: Catalogue, item: SourceRecord) -> None:
    catalogue.put_vectors(vectors_of(item))
    catalogue.put([item])


def test_what_is_put_is_found(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    assert catalogue.states() == {"a.md": item.state}
    assert catalogue.document("a.md") == item.document
    assert catalogue.documents() == [item.document]
    assert catalogue.passages_of(["a.md"]) == list(item.passages)
    assert catalogue.language_counts() == {"ar": 1, "en": 1}


def test_encoded_passages_come_in_the_order_asked(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    first, second = item.passages
    found = catalogue.encoded([second.id, "unknown", first.id])
    assert [encoded.passage for encoded in found] == [second, first]
    assert found[1].vector.tolist() == [1.0] * 4
    assert found[1].sentence_vectors.shape == (2, 4)
    assert found[0].terms == ["ممر", "ثان", "third", "sentenc"]


def test_vectors_keep_half_precision(catalogue: Catalogue):
    vector = np.array([[0.1234567, -0.7654321]], dtype=np.float32)
    catalogue.put_vectors({"k": vector})
    assert np.abs(catalogue.vectors(["k"])["k"] - vector).max() < 5e-4  # 11 significant bits
    assert catalogue.known_encodings(["k", "other"]) == {"k"}


def test_a_new_version_replaces_the_old(catalogue: Catalogue):
    fill(catalogue, record())
    changed = record("# الممر\n\nجملة جديدة.\n", content="h2")
    fill(catalogue, changed)
    assert catalogue.passages_of(["a.md"]) == list(changed.passages)
    assert catalogue.states()["a.md"].hash == "h2"


def test_removed_files_leave_nothing(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    catalogue.remove(["a.md"])
    assert catalogue.passage_count() == 0
    assert catalogue.document("a.md") is None
    catalogue.drop_unused_vectors()
    assert catalogue.known_encodings(item.encodings) == set()


def test_used_vectors_stay(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    catalogue.drop_unused_vectors()
    assert catalogue.known_encodings(item.encodings) == set(item.encodings)


def test_touch_changes_the_stamp_only(catalogue: Catalogue):
    fill(catalogue, record())
    catalogue.touch({"a.md": "2:2"})
    assert catalogue.states()["a.md"] == SourceState("document", "h1", "2:2")


def test_facts_and_their_statements(catalogue: Catalogue):
    fact = Fact("f", {"ar": "نص.", "en": "Text."}, (Evidence("a.md", "نص"),), ("t",), "2025", "a basis")
    passages = tuple(fact_passages(fact, "T"))
    state = SourceState("fact", "h", "1:1")
    catalogue.put([SourceRecord("facts/f.yaml", state, None, passages, tuple(map(encoding_key, passages)), (fact,))])
    assert catalogue.fact("f") == fact
    assert catalogue.fact("g") is None
    assert catalogue.fact_count() == 1
    assert set(catalogue.statements_of(["f", "g"])) == {passage.id for passage in passages}
    assert catalogue.documents() == []


def test_meta(catalogue: Catalogue):
    catalogue.set_meta({"model": "m"})
    assert (catalogue.meta("model"), catalogue.meta("text")) == ("m", None)


def test_a_snapshot_does_not_move(catalogue: Catalogue):
    fill(catalogue, record())
    with catalogue.snapshot():
        assert catalogue.passage_count() == 2
        writer = threading.Thread(target=catalogue.remove, args=(["a.md"],))
        writer.start()
        writer.join()
        assert catalogue.passage_count() == 2
    assert catalogue.passage_count() == 0


def test_everything_is_there_after_opening_again(tmp_path: Path):
    first = Catalogue(tmp_path / "c.sqlite")
    item = record()
    fill(first, item)
    first.close()
    second = Catalogue(tmp_path / "c.sqlite")
    assert [encoded.passage for encoded in second.all_encoded()] == list(item.passages)
    second.close()


def test_a_file_that_is_no_catalogue(tmp_path: Path):
    (tmp_path / "c.sqlite").write_bytes(b"not a database, but long enough to look at" * 30)
    with pytest.raises(IndexStateError, match="run: dalil sync --rebuild"):
        Catalogue(tmp_path / "c.sqlite")
