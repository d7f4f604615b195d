"""The catalogue on a real SQLite file."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.catalogue import Catalogue, Encoding, SourceRecord, SourceState
from assistant.errors import IndexStateError
from assistant.passages import encoding_key, fact_passages, split_source
from assistant.readers import read_source
from assistant.schema import Evidence, Fact, Passage
from assistant.words import Words

TEXT = "# الممر\n\nالجملة الأولى. الجملة الثانية.\n\n## ثان\n\nThird sentence.\n"


def record(text: str = TEXT, name: str = "a.md", content: str = "h1") -> SourceRecord:
    source = read_source(name, text.encode())
    passages = tuple(split_source(source, lambda part: len(part.split())))
    state = SourceState("document", content, "1:1")
    return SourceRecord(name, state, source.document, passages, tuple(map(encoding_key, passages)))


def words_of(passage: Passage, first: int) -> Words:
    """Made-up codes, ``first`` the first of them, for two words of context and a word more in each sentence."""
    counts = tuple(range(2, 3 + len(passage.sentences)))
    codes = (first + np.arange(sum(counts) * 2)).astype(np.uint8).reshape(-1, 2)
    return Words(codes, counts)


def vectors_of(item: SourceRecord) -> dict[str, Encoding]:
    return {
        key: Encoding(np.full((1 + len(passage.sentences), 4), number + 1, dtype=np.float32), words_of(passage, number))
        for number, (key, passage) in enumerate(zip(item.encodings, item.passages, strict=True))
    }


WORDS = Words(np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint8), (0, 1, 2))


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
    # two words of context, then three and four in its two sentences; two and three in the other passage
    assert (found[1].words.counts, found[0].words.counts) == ((2, 3, 4), (2, 3))
    assert found[1].words.codes.tolist() == [[2 * row, 2 * row + 1] for row in range(9)]
    assert found[0].words.codes.tolist() == [[2 * row + 1, 2 * row + 2] for row in range(5)]


def test_outlines_are_what_is_encoded_without_the_text(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    wanted = [item.passages[1].id, "unknown", item.passages[0].id, item.passages[1].id]
    outlines, encoded = catalogue.outlines(wanted), catalogue.encoded(wanted)
    assert [outline.id for outline in outlines] == [one.passage.id for one in encoded]
    for outline, one in zip(outlines, encoded, strict=True):
        assert (outline.language, outline.fact_id) == (one.passage.language, one.passage.fact_id)
        assert outline.terms == one.terms
        assert np.array_equal(outline.vector, one.vector)
        assert np.array_equal(outline.sentence_vectors, one.sentence_vectors)


def test_counts_follow_every_write(catalogue: Catalogue):
    assert catalogue.language_counts() == {}
    item = record()
    fill(catalogue, item)
    counts = catalogue.language_counts()
    assert counts == {"ar": 1, "en": 1}
    counts.clear()  # a copy
    assert catalogue.language_counts() == {"ar": 1, "en": 1}
    assert catalogue.sentences_of("ar") == {p.id: len(p.sentences) for p in item.passages if p.language == "ar"}
    catalogue.remove(["a.md"])
    assert catalogue.language_counts() == {}
    assert catalogue.sentences_of("ar") == {}


def test_more_ids_than_sqlite_takes_at_once(catalogue: Catalogue):
    item = record("\n\n".join(f"## عنوان {number}\n\nجملة رقم {number}." for number in range(2_000)))
    fill(catalogue, item)
    wanted = [passage.id for passage in item.passages][::-1]
    assert len(wanted) == 2_000
    assert [encoded.passage.id for encoded in catalogue.encoded(wanted)] == wanted
    assert catalogue.known_encodings([*item.encodings, "unknown"]) == set(item.encodings)
    assert set(catalogue.vectors(item.encodings)) == set(item.encodings)
    assert catalogue.encoded([]) == []


def test_an_id_asked_twice_is_given_twice(catalogue: Catalogue):
    item = record()
    fill(catalogue, item)
    key = item.passages[0].id
    assert [encoded.passage.id for encoded in catalogue.encoded([key, key])] == [key, key]


def test_passages_keep_their_offsets_pages_and_place(catalogue: Catalogue):
    one = record(name="ب.md")
    passage = one.passages[0]
    paged = tuple(replace(sentence, page=number + 3) for number, sentence in enumerate(passage.sentences))
    one = replace(one, passages=(replace(passage, sentences=paged), *one.passages[1:]))
    two = record(name="أ.md", text="# عنوان\n\nنص آخر.\n\nفقرة.")
    fill(catalogue, one)
    fill(catalogue, two)
    assert catalogue.passages_of(["ب.md"]) == list(one.passages)
    assert catalogue.passages_of(["ب.md", "أ.md", "missing.md"]) == [*two.passages, *one.passages]
    for found in catalogue.passages_of(["ب.md", "أ.md"]):
        document = catalogue.document(found.document_id)
        assert document is not None
        assert found.text == document.text[found.start : found.end]
        assert all(document.text[s.start : s.end] == s.text for s in found.sentences)


def test_documents_come_in_order_with_their_metadata(catalogue: Catalogue):
    text = "---\ntitle: عنوان\norigin: المصدر\ndate: 2025-01-02\n---\nنص.\n"
    for name in ("c.md", "a.md", "ب.md"):
        fill(catalogue, record(text, name))
    assert [document.id for document in catalogue.documents()] == ["a.md", "c.md", "ب.md"]
    found = catalogue.document("ب.md")
    assert found is not None
    assert (found.title, found.source, dict(found.metadata)) == ("عنوان", "المصدر", {"date": "2025-01-02"})


def test_all_or_nothing_is_put(catalogue: Catalogue):
    good, other = record(), record(name="b.md")
    fill(catalogue, good)
    broken = replace(other, encodings=other.encodings[:1])
    with pytest.raises(ValueError, match="zip"):
        catalogue.put([record("غير ذلك.", content="h2"), broken])
    assert catalogue.states() == {"a.md": good.state}
    assert catalogue.passages_of(["a.md", "b.md"]) == list(good.passages)
    fill(catalogue, other)  # the failure left no transaction open
    assert set(catalogue.states()) == {"a.md", "b.md"}


def test_vectors_are_rounded_to_half_precision(catalogue: Catalogue):
    # 11 significant bits: between 1/4 and 1/2 the step is 2^-12, between 1/2 and 1 it is 2^-11
    exact = np.array([[0.25, 0.5, -1.0], [0.25 + 2**-12, 0.5 + 2**-11, 0.0]], dtype=np.float32)
    below = exact + np.array([[2**-14, 2**-13, 0.0], [2**-14, 2**-13, 0.0]], dtype=np.float32)
    catalogue.put_vectors({"exact": Encoding(exact, WORDS), "below": Encoding(below, WORDS)})
    found = catalogue.vectors(["exact", "below", "missing"])
    assert set(found) == {"exact", "below"}
    assert found["exact"].matrix.dtype == np.float32
    assert np.array_equal(found["exact"].matrix, exact)
    assert np.array_equal(found["below"].matrix, exact)


def test_vectors_keep_half_precision(catalogue: Catalogue):
    vector = np.array([[0.1234567, -0.7654321]], dtype=np.float32)
    catalogue.put_vectors({"k": Encoding(vector, WORDS)})
    assert np.abs(catalogue.vectors(["k"])["k"].matrix - vector).max() < 5e-4  # 11 significant bits
    assert catalogue.known_encodings(["k", "other"]) == {"k"}


def test_words_are_kept_exactly(catalogue: Catalogue):
    matrix = np.eye(2, dtype=np.float32)
    other = Words(np.array([[0, 255, 128]], dtype=np.uint8), (1, 0))  # no words in the sentence
    catalogue.put_vectors({"k": Encoding(matrix, WORDS), "other": Encoding(matrix, other)})
    found = catalogue.vectors(["k", "other"])
    for key, words in (("k", WORDS), ("other", other)):
        assert found[key].words.counts == words.counts
        assert np.array_equal(found[key].words.codes, words.codes)
    catalogue.put_vectors({"k": Encoding(matrix, other)})
    assert catalogue.vectors(["k"])["k"].words.counts == (1, 0)


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


def test_vectors_stay_while_any_passage_uses_them(catalogue: Catalogue):
    one, two = record(), record(name="b.md")  # the same text, so the same encodings
    assert one.encodings == two.encodings
    fill(catalogue, one)
    catalogue.put([two])
    catalogue.remove(["a.md"])
    catalogue.drop_unused_vectors()
    assert [encoded.passage for encoded in catalogue.encoded([p.id for p in two.passages])] == list(two.passages)
    catalogue.remove(["b.md"])
    catalogue.drop_unused_vectors()
    assert catalogue.known_encodings(one.encodings) == set()


def test_passages_without_vectors_are_not_encoded(catalogue: Catalogue):
    item = record()
    catalogue.put([item])
    assert catalogue.passage_count() == 2
    assert list(catalogue.all_encoded()) == catalogue.encoded([p.id for p in item.passages]) == []


def test_touching_or_removing_what_is_not_there(catalogue: Catalogue):
    fill(catalogue, record())
    catalogue.touch({"missing.md": "2:2"})
    catalogue.remove(["missing.md"])
    assert catalogue.states() == {"a.md": SourceState("document", "h1", "1:1")}


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


def fact_record(name: str, *fact_ids: str, word: str = "نص") -> SourceRecord:
    facts = tuple(
        Fact(key, {"ar": f"{word} {key}.", "en": f"Text {key}."}, (Evidence("a.md", "نص"),), (), "2025")
        for key in fact_ids
    )
    passages = tuple(passage for fact in facts for passage in fact_passages(fact, "T"))
    return SourceRecord(
        name, SourceState("fact", "h", "1:1"), None, passages, tuple(map(encoding_key, passages)), facts
    )


def test_statements_of_some_facts(catalogue: Catalogue):
    item = fact_record("facts/a.yaml", "one", "two")
    catalogue.put([item])
    by_fact = {key: {passage.id for passage in item.passages if passage.fact_id == key} for key in ("one", "two")}
    assert set(catalogue.statements_of(["one"])) == by_fact["one"]
    assert set(catalogue.statements_of(["two", "one"])) == by_fact["one"] | by_fact["two"]
    assert catalogue.statements_of(["three"]) == catalogue.statements_of([]) == []
    assert [len(by_fact["one"]), len(by_fact["two"])] == [2, 2]


def test_a_fact_belongs_to_the_file_that_holds_it_last(catalogue: Catalogue):
    catalogue.put([fact_record("facts/a.yaml", "one", "two")])
    moved = fact_record("facts/b.yaml", "two")
    catalogue.put([moved])
    catalogue.put([fact_record("facts/a.yaml", "one")])
    assert catalogue.fact_count() == 2
    assert catalogue.passages_of(["facts/b.yaml"]) == list(moved.passages)
    catalogue.remove(["facts/a.yaml"])
    assert catalogue.fact("one") is None
    assert catalogue.fact("two") == moved.facts[0]
    assert catalogue.passage_count() == 2


def test_meta(catalogue: Catalogue):
    catalogue.set_meta({"model": "m"})
    assert (catalogue.meta("model"), catalogue.meta("text")) == ("m", None)
    catalogue.set_meta({"model": "نموذج", "text": "1"})
    assert (catalogue.meta("model"), catalogue.meta("text")) == ("نموذج", "1")


def test_a_snapshot_does_not_move(catalogue: Catalogue):
    fill(catalogue, record())
    with catalogue.snapshot():
        assert catalogue.passage_count() == 2
        writer = threading.Thread(target=catalogue.remove, args=(["a.md"],))
        writer.start()
        writer.join()
        assert catalogue.passage_count() == 2
    assert catalogue.passage_count() == 0


def test_a_snapshot_ends_with_an_error_too(catalogue: Catalogue):
    fill(catalogue, record())
    with pytest.raises(RuntimeError), catalogue.snapshot():
        raise RuntimeError
    catalogue.remove(["a.md"])
    with catalogue.snapshot():
        assert catalogue.passage_count() == 0


def test_readers_see_one_version_or_the_other(catalogue: Catalogue):
    versions = [record("جملة أولى. " * 3), record("# عنوان\n\nجملة.\n\n## آخر\n\nأخرى.\n", content="h2")]
    expected = {item.state.hash: [p.id for p in item.passages] for item in versions}
    assert [len(keys) for keys in expected.values()] == [1, 2]
    fill(catalogue, versions[0])
    done = threading.Event()
    wrong: list[object] = []
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            with catalogue.snapshot():
                content = catalogue.states()["a.md"].hash
                keys = [passage.id for passage in catalogue.passages_of(["a.md"])]
                document = catalogue.document("a.md")
            seen.add(content)
            if keys != expected[content] or document != versions[content == "h2"].document:
                wrong.append((content, keys))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for turn in range(1, 200):
        fill(catalogue, versions[turn % 2])
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert seen == {"h1", "h2"}


def test_everything_is_there_after_opening_again(tmp_path: Path):
    first = Catalogue(tmp_path / "c.sqlite")
    item, facts = record(), fact_record("facts/a.yaml", "one")
    fill(first, item)
    fill(first, facts)
    first.set_meta({"model": "m"})
    before = {encoded.passage.id: encoded for encoded in first.all_encoded()}
    first.close()
    second = Catalogue(tmp_path / "c.sqlite")
    after = {encoded.passage.id: encoded for encoded in second.all_encoded()}
    assert {key: encoded.passage for key, encoded in after.items()} == {p.id: p for p in item.passages + facts.passages}
    for key, encoded in after.items():
        assert np.array_equal(encoded.vector, before[key].vector)
        assert np.array_equal(encoded.sentence_vectors, before[key].sentence_vectors)
        assert np.array_equal(encoded.words.codes, before[key].words.codes)
        assert encoded.words.counts == before[key].words.counts
        assert encoded.terms == before[key].terms
    assert (second.meta("model"), second.fact("one"), second.document("a.md")) == ("m", facts.facts[0], item.document)
    assert second.states() == {"a.md": item.state, "facts/a.yaml": facts.state}
    second.close()


@pytest.mark.parametrize(
    "content",
    [
        b"not a database, but long enough to look at" * 30,
        b"SQLite format 3\x00" + b"\xff" * 2_000,
        "ليس قاعدة بيانات".encode(),
    ],
    ids=["text", "damaged", "short"],
)
def test_a_file_that_is_no_catalogue(tmp_path: Path, content: bytes):
    (tmp_path / "c.sqlite").write_bytes(content)
    with pytest.raises(IndexStateError, match=r"c\.sqlite cannot be used \(.*\); run: dalil sync --rebuild$"):
        Catalogue(tmp_path / "c.sqlite")
    assert (tmp_path / "c.sqlite").read_bytes() == content


def test_a_place_where_no_file_can_be(tmp_path: Path):
    for path in (tmp_path, tmp_path / "missing" / "c.sqlite"):
        with pytest.raises(IndexStateError, match="cannot be used"):
            Catalogue(path)
