"""The knowledge folder as the page sees it: searching, adding, removing; with a real assistant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.errors import KnowledgeError
from assistant.schema import DocumentSummary, Evidence, Fact, SyncReport
from assistant.ui.library import PAGE_ROWS, Library, Upload


@pytest.fixture
def dalil(knowledge: Path, tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path) -> Iterator[Assistant]:
    settings = Settings(
        knowledge_dir=knowledge, data_dir=tmp_path / "data", embedding_model=str(tiny_model_dir), cache_dir=tiny_cache
    )
    with Assistant(settings) as dalil:
        dalil.sync()
        yield dalil


@pytest.fixture
def library(dalil: Assistant) -> Library:
    return Library(dalil)


def upload(tmp_path: Path, name: str, content: str | bytes, arrived: str = "arrived") -> Upload:
    path = tmp_path / arrived
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Upload(path, name)


def step(library: Library) -> SyncReport:
    *_, report = library.sync()
    assert isinstance(report, SyncReport)
    return report


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["harbour.en.md", "mines.ar.md", "notes.txt", "river.ar.md"]),
        ("نَهْرُ الأَمَل", ["river.ar.md"]),  # diacritics
        ("نهر الامل", ["river.ar.md"]),  # without the hamza
        ("HARBOUR salma", ["harbour.en.md"]),
        ("٢٠٢٥", ["harbour.en.md", "river.ar.md"]),  # their dates
        ("2025-01-02", ["river.ar.md"]),
        ("مناج", ["mines.ar.md"]),  # the beginning of a word
        ("nothing like it", []),
    ],
)
def test_documents_are_found_however_they_are_spelt(library: Library, query: str, found: list[str]):
    page = library.find(query, "documents")
    assert [row.document.id for row in page.documents] == [f"documents/{name}" for name in found]
    assert page.document_count == len(found)
    assert page.facts == ()
    assert page.searched == bool(query)


def test_rows_say_what_is_known(library: Library):
    (row,) = library.find("river", "documents").documents
    document = row.document
    assert (document.title, document.language, document.date, document.source) == (
        "نهر الأمل",
        "ar",
        "2025-01-02",
        "نص كتب للاختبار",
    )
    assert document.passages == 2
    assert document.characters > 100
    (file,) = {fact.split("#")[0] for fact in row.cited_by}
    assert row.cited_by == (f"{file}#river-length",)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("افتتح", ["harbour-opening"]),  # in a statement, with other vowels
        ("cranes", []),
        ("320 kilometres", ["river-length"]),
        ("ألفا عامل", ["mine-workers"]),  # in the evidence
        ("harbour of salma", ["harbour-opening"]),  # in the document's title as well
    ],
)
def test_facts_are_found_by_statement_and_evidence(library: Library, query: str, found: list[str]):
    page = library.find(query, "facts")
    assert [row.fact.id for row in page.facts] == found
    assert page.fact_count == len(found)
    assert page.documents == ()


def test_pages(library: Library, knowledge: Path):
    for number in range(PAGE_ROWS + 2):
        (knowledge / "documents" / f"page-{number:03}.txt").write_text(f"Words of page {number}.")
    step(library)
    first, second, beyond = (library.find("page", "documents", number) for number in (0, 1, 99))
    assert (len(first.documents), first.first, first.document_count) == (PAGE_ROWS, 1, PAGE_ROWS + 2)
    assert (len(second.documents), second.first) == (2, PAGE_ROWS + 1)
    assert beyond == second
    assert library.find("page", "documents", -5) == first


class Many:
    """A shelf with thousands of documents."""

    content_version = 1

    def summaries(self) -> list[DocumentSummary]:
        return [
            DocumentSummary(f"documents/{n}.md", f"وثيقة رقم {n} عن الأنهار", "ar", "أرشيف", "2020", 1000, 5)
            for n in range(5_000)
        ]

    def facts(self) -> list[tuple[str, Fact]]:
        evidence = (Evidence("documents/7.md", "نص طويل من الوثيقة"),)
        return [
            ("facts/a.yaml", Fact(f"fact-{n}", {"ar": f"حقيقة {n}", "en": f"Fact {n}"}, evidence, (), "2020"))
            for n in range(1_000)
        ]


def test_thousands_of_documents_are_searched_between_two_keys():
    library = Library(Many())  # type: ignore[arg-type]  # what searching needs of it
    library.find("", "documents")
    begun = time.perf_counter()
    page = library.find("وثيقه ٤٩٩٩", "documents")
    seconds = time.perf_counter() - begun
    assert [row.document.id for row in page.documents] == ["documents/4999.md"]
    assert seconds < 0.1


def test_uploads_are_taken_and_indexed(library: Library, knowledge: Path, tmp_path: Path):
    results = library.add(
        [
            upload(tmp_path, "تقرير ٢٠٢٥.md", "# تقرير\n\nارتفع المنسوب مترًا واحدًا.\n", "a"),
            upload(tmp_path, "../../escape.txt", "The gate is closed.", "b"),
            upload(tmp_path, "broken.pdf", b"%PDF-1.7 nothing", "c"),
            upload(tmp_path, "tool.exe", b"MZ", "d"),
            upload(tmp_path, ".hidden.md", "# no", "e"),
        ]
    )
    report = step(library)
    results = library.indexed(results, report)
    assert [(result.outcome, result.document_id, result.passages) for result in results] == [
        ("added", "documents/تقرير ٢٠٢٥.md", 1),
        ("added", "documents/escape.txt", 1),
        ("refused", "documents/broken.pdf", 0),
        ("format", "", 0),
        ("refused", "", 0),
    ]
    assert results[2].reason.startswith("the PDF ")
    assert results[4].reason.startswith("has no usable name")
    assert (knowledge / "documents" / "تقرير ٢٠٢٥.md").is_file()
    assert not (tmp_path / "escape.txt").exists()
    assert report.added == ("documents/escape.txt", "documents/تقرير ٢٠٢٥.md")
    assert library.find("تقرير", "documents").document_count == 1


def test_another_file_is_only_replaced_when_asked_for(library: Library, knowledge: Path, tmp_path: Path):
    place = knowledge / "documents" / "notes.txt"
    before = place.read_text()
    new = upload(tmp_path, "notes.txt", "The lighthouse is white now.")
    (result,) = library.add([new])
    assert (result.outcome, result.document_id) == ("exists", "documents/notes.txt")
    assert place.read_text() == before
    assert new.path.is_file()  # it waits for the answer
    (result,) = library.indexed(library.add([new], replace=True), step(library))
    assert (result.outcome, result.passages) == ("replaced", 1)
    assert place.read_text() == "The lighthouse is white now."
    (result,) = library.add([upload(tmp_path, "notes.txt", "The lighthouse is white now.")])
    assert result.outcome == "present"


def test_one_name_is_taken_once(library: Library, tmp_path: Path):
    first, second = library.add([upload(tmp_path, "new.md", "One.", "a"), upload(tmp_path, "x/new.md", "Two.", "b")])
    assert first.outcome == "added"
    assert (second.outcome, second.reason) == ("refused", "another of these files has the same name")


def test_facts_go_to_their_folder(library: Library, knowledge: Path, tmp_path: Path):
    text = """
- id: lighthouse-colour
  statement: {ar: "منارة سلمى حمراء.", en: "Salma's lighthouse is red."}
  evidence: [{document: documents/notes.txt, quote: "The lighthouse is painted red."}]
  tags: [harbour]
  as_of: "2025"
- id: lighthouse-height
  statement: {ar: "ارتفاعها مئة متر.", en: "It is 100 metres high."}
  evidence: [{document: documents/notes.txt, quote: "It is 100 metres high."}]
  tags: [harbour]
  as_of: "2025"
"""
    (result,) = library.indexed(library.add([upload(tmp_path, "more.yaml", text)]), step(library))
    assert (result.outcome, result.document_id, result.passages) == ("added", "facts/more.yaml", 2)
    assert "quote" in result.reason  # one of the two rests on nothing
    assert [row.fact.id for row in library.find("lighthouse", "facts").facts] == ["lighthouse-colour"]
    (notes,) = library.find("notes", "documents").documents
    assert notes.cited_by == ("facts/more.yaml#lighthouse-colour",)


def test_removing(library: Library, knowledge: Path):
    library.remove("documents/notes.txt")
    assert step(library).removed == ("documents/notes.txt",)
    assert not (knowledge / "documents" / "notes.txt").exists()
    assert library.state().documents == 3
    with pytest.raises(KnowledgeError, match="no document"):
        library.remove("../outside.txt")


def test_the_state_tells_of_the_last_sync(library: Library, dalil: Assistant, knowledge: Path):
    (knowledge / "documents" / "bad.pdf").write_bytes(b"nothing")
    report = step(library)
    state = library.state()
    assert (state.documents, state.facts, state.passages) == (4, 3, 12)
    assert state.last_sync is not None
    assert state.last_sync[1] is report
    assert list(report.failed) == ["documents/bad.pdf"]
    assert dalil.last_sync == state.last_sync
    assert state.model == dalil.settings.embedding_model


def test_a_failing_sync_is_raised_where_it_is_followed(library: Library, dalil: Assistant):
    dalil.close()
    with pytest.raises(Exception, match="the index is closed"):
        step(library)
