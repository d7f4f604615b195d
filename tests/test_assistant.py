"""The object that everyone holds."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Answer, Assistant, Hit, Settings
from assistant.errors import DocumentError, IndexBusyError, IndexStateError, QuestionError


@pytest.fixture
def settings(tmp_path: Path, knowledge: Path, tiny_model_dir: Path, tiny_cache: Path) -> Settings:
    """The small knowledge folder with the tiny model: for the mechanics, not for the answers."""
    return Settings(
        knowledge_dir=knowledge, data_dir=tmp_path / "data", cache_dir=tiny_cache, embedding_model=str(tiny_model_dir)
    )


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "the question is empty"),
        (" \n\t", "the question is empty"),
        ("س" * 10_000, "the question has 10,000 characters; shorten it to 2,000 at most"),
        ("🙂🙂", "the question holds no words"),
        ("؟!", "the question holds no words"),
    ],
)
def test_what_is_no_question(shipped, question: str, message: str):
    for call in (shipped.ask, shipped.search):
        with pytest.raises(QuestionError, match=message):
            call(question)


def test_unknown_answer_language(shipped):
    with pytest.raises(QuestionError, match="cannot answer in 'fr': language must be ar or en"):
        shipped.ask("Bonjour", language="fr")


def test_other_languages_are_answered_in_english(shipped):
    assert shipped.ask("中央アジアとは何ですか").language == "en"


def test_mixed_questions_are_answered_in_the_language_of_their_small_words(shipped):
    assert shipped.ask("ما هو Middle Corridor؟").language == "ar"
    assert shipped.ask("What is الممر الأوسط?").language == "en"


def test_types_of_the_contract(shipped):
    answer = shipped.ask("ما هو الممر الأوسط؟")
    assert isinstance(answer, Answer)
    assert (answer.question, answer.mode) == ("ما هو الممر الأوسط؟", "extractive")
    assert 0.5 <= answer.confidence <= 1.0
    assert answer.elapsed_ms > 0
    hits = shipped.search("Middle Corridor", limit=4)
    assert len(hits) == 4
    assert all(isinstance(hit, Hit) for hit in hits)
    with pytest.raises(QuestionError, match="limit must be at least 1"):
        shipped.search("x", limit=0)


def test_documents(shipped):
    documents = shipped.documents()
    assert [document.id for document in documents] == sorted(document.id for document in documents)
    assert shipped.document(documents[0].id) == documents[0]
    with pytest.raises(DocumentError, match=r"no document 'nothing.md' is indexed; 'dalil list' names those that are"):
        shipped.document("nothing.md")


def test_an_empty_knowledge_base_says_so(tmp_path: Path, settings: Settings):
    (tmp_path / "empty").mkdir()
    with Assistant(settings.model_copy(update={"knowledge_dir": tmp_path / "empty"})) as dalil:
        assert dalil.sync().passages == 0
        answer = dalil.ask("ما هذا؟")
        assert (answer.answered, answer.confidence) == (False, 0.0)
        assert answer.text.startswith("قاعدة المعرفة فارغة")
        assert dalil.search("ما هذا؟") == []


def test_closing_frees_the_directory(settings: Settings):
    first = Assistant(settings)
    with pytest.raises(IndexBusyError):
        Assistant(settings)
    first.close()
    first.close()
    Assistant(settings).close()


def test_many_threads_ask_while_a_sync_runs(settings: Settings, knowledge: Path):
    with Assistant(settings) as dalil:
        dalil.sync()
        stop = threading.Event()

        def change() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                (knowledge / "documents" / "notes.txt").write_text(f"Version {number}. The tower has {number} floors.")
                dalil.sync()

        changing = threading.Thread(target=change)
        changing.start()

        def ask(number: int) -> None:
            answer = dalil.ask("How many floors has the tower?" if number % 2 else "كم طابقًا في البرج؟")
            for citation in answer.citations:
                assert citation.quote.strip()

        try:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(ask, range(80)))
        finally:
            stop.set()
            changing.join()


def test_module_level_ask_serves_the_shipped_knowledge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import assistant.assistant as module

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DALIL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(module, "_default", None)
    answer = module.ask("ما هو الممر الأوسط؟")
    try:
        assert answer.answered
        assert module.ask("What is the Middle Corridor?").answered
    finally:
        assert module._default is not None
        module._default.close()


def test_every_citation_over_the_shipped_base_is_verbatim(shipped):
    """Ask for every passage by its own words: whatever is cited stands where the citation says."""
    cited = 0
    for document in shipped.documents():
        for line in document.text.split("\n\n"):
            for citation in shipped.ask(line[:300]).citations:
                assert shipped.document(citation.document_id).text[citation.start : citation.end] == citation.quote
                cited += 1
    assert cited > 100


# --- while documents change --------------------------------------------------------------------------

OLD = """The lighthouse of Salma is red. It was built in 1911. Its lamp burns oil.

تقع منارة سلمى على التل. بُنيت المنارة عام 1911.
"""
NEW = """Much has changed on the coast, says the keeper.

تقع منارة سلمى اليوم على الجزيرة. رُممت المنارة عام 2020.

The lighthouse of Salma is white. It was rebuilt in 2020. Its lamp is electric.
"""
LIGHTHOUSE_FACT = """
- id: lighthouse
  statement: {{ar: "تاريخ المنارة: عام {year}.", en: "The date of the lighthouse is {year}."}}
  evidence: [{{document: lighthouse.txt, quote: "{quote}"}}]
  as_of: "2025"
"""
OLD_FACT = LIGHTHOUSE_FACT.format(year=1911, quote="بُنيت المنارة عام 1911.")
NEW_FACT = LIGHTHOUSE_FACT.format(year=2020, quote="It was rebuilt in 2020.")


def test_an_answer_never_sees_half_of_a_change(settings: Settings):
    """Threads ask while a document and the fact about it go back and forth between two versions."""
    folder = settings.knowledge_dir
    shutil.rmtree(folder)
    (folder / "facts").mkdir(parents=True)
    versions = ((OLD, OLD_FACT), (NEW, NEW_FACT))
    seen: set[str] = set()
    wrong: list[str] = []
    done = threading.Event()

    def put(document: str, fact: str) -> None:
        (folder / "lighthouse.txt").write_text(document, encoding="utf-8")
        (folder / "facts" / "lighthouse.yaml").write_text(fact, encoding="utf-8")

    def keep_asking(question: str) -> int:
        count = 0
        while not done.is_set():
            answer = dalil.ask(question)
            count += 1
            fitting = [
                text
                for text in (OLD, NEW)
                if answer.citations and all(text[c.start : c.end] == c.quote for c in answer.citations)
            ]
            seen.update(fitting)
            if not fitting:
                wrong.append(f"{answer.text} {answer.citations}")
        return count

    put(*versions[0])
    with Assistant(settings.model_copy(update={"answer_threshold": 0.0})) as dalil:
        dalil.sync()
        with ThreadPoolExecutor(3) as pool:
            asked = [
                pool.submit(keep_asking, question)
                for question in ("the lighthouse of Salma", "منارة سلمى المنارة", "When was the lighthouse built?")
            ]
            try:
                for turn in range(16):
                    put(*versions[(turn + 1) % 2])
                    report = dalil.sync()
                    assert {"lighthouse.txt", "facts/lighthouse.yaml"} <= set(report.updated)
                    assert not report.failed
            finally:
                done.set()
            counts = [future.result() for future in asked]
    assert not wrong, f"{len(wrong)} of {sum(counts)}: {wrong[:5]}"
    assert min(counts) >= 10
    assert seen == {OLD, NEW}


def test_looking_again_where_a_switch_came_between(settings: Settings):
    """The reads of a question straddle the switch of a document: it is asked again, of the new state alone."""
    with Assistant(settings) as dalil:
        dalil.sync()
        looks = 0

        def look() -> list[str]:
            nonlocal looks
            looks += 1
            before = dalil.document("documents/notes.txt").text
            if looks == 1:
                (settings.knowledge_dir / "documents" / "notes.txt").write_text("Salma has a tower.")
                dalil.sync()
            return [before, dalil.document("documents/notes.txt").text]

        assert dalil._index.steady(look) == ["Salma has a tower."] * 2
        assert looks == 2


def test_closing_ends_a_sync(settings: Settings):
    """What was done is kept, and the directory is free at once."""
    with Assistant(settings) as dalil, ThreadPoolExecutor(1) as pool:
        begun = threading.Event()
        going = pool.submit(dalil.sync, lambda done, total: (begun.set(), dalil._closing.wait(30)))
        assert begun.wait(30)
        dalil.close()
        with pytest.raises(IndexStateError, match="the index is closed; what was done is kept"):
            going.result()
        with pytest.raises(IndexStateError, match="open it again"):
            dalil.sync()
    with Assistant(settings) as dalil:
        assert dalil.sync().passages == 12


def test_a_streamed_answer_is_the_one_that_ask_gives(shipped: Assistant):
    *parts, whole = shipped.stream("متى بدأ الحوار بين اليابان وآسيا الوسطى؟")
    assert isinstance(whole, Answer)
    assert "".join(part.text for part in parts) == whole.text
    assert [c for part in parts for c in part.citations] == list(whole.citations)
    asked = shipped.ask("متى بدأ الحوار بين اليابان وآسيا الوسطى؟")
    assert replace(asked, elapsed_ms=0.0) == replace(whole, elapsed_ms=0.0)


def test_an_abstention_brings_the_closest_passages(shipped: Assistant):
    answer = shipped.ask("ما هي عاصمة البرازيل وكم عدد سكانها؟")
    assert not answer.answered
    assert len(answer.closest) == 3
    assert answer.closest[0].title in answer.text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("افتُتح ميناء سلمى في عام 1901. وتعمل فيه أربع رافعات.", "متى افتُتح ميناء سلمى؟"),
        ("The harbour of Salma opened in 1901. Four cranes work there.", "When did the harbour of Salma open?"),
    ],
)
def test_a_document_that_changes_again_and_again_is_answered_from(
    tmp_path: Path, prepared_model, text: str, question: str
):
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "a.txt").write_text(text, encoding="utf-8")
    with Assistant(Settings(knowledge_dir=tmp_path / "knowledge", data_dir=tmp_path / "data")) as dalil:
        for number in range(4):
            (tmp_path / "knowledge" / "b.txt").write_text(f"{text} {number}.", encoding="utf-8")
            dalil.sync()
            answer = dalil.ask(question)
            assert answer.answered
            assert answer.confidence > 0.9
