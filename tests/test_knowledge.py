"""The knowledge folder and its facts: what is found, what is refused, and that the shipped one is valid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from assistant.errors import FactsError, KnowledgeError
from assistant.knowledge import check, parse_facts, scan
from assistant.settings import shipped_knowledge_dir

GOOD = {
    "id": "a-fact",
    "statement": {"ar": "هذه حقيقة.", "en": "This is a fact."},
    "evidence": [{"document": "documents/river.ar.md", "quote": "يولّد السد الكهرباء لثلاث مدن."}],
    "tags": ["one"],
    "as_of": "2025-12",
}


def facts(*entries: object) -> bytes:
    return yaml.safe_dump(list(entries), allow_unicode=True).encode()


def test_scan_finds_documents_and_facts(knowledge: Path):
    (knowledge / ".hidden.md").write_text("x")
    (knowledge / ".git").mkdir()
    (knowledge / ".git" / "a.md").write_text("x")
    (knowledge / "settings.yaml").write_text("a: 1")
    (knowledge / "picture.png").write_bytes(b"x")
    assert [(file.id, file.kind) for file in scan(knowledge)] == [
        ("documents/harbour.en.md", "document"),
        ("documents/mines.ar.md", "document"),
        ("documents/notes.txt", "document"),
        ("documents/river.ar.md", "document"),
        ("facts/facts.yaml", "fact"),
    ]


def test_links_out_of_the_folder_are_left_alone(knowledge: Path, tmp_path: Path):
    (tmp_path / "secret.md").write_text("secret")
    (knowledge / "link.md").symlink_to(tmp_path / "secret.md")
    (knowledge / "loop").symlink_to(knowledge)
    assert "link.md" not in [file.id for file in scan(knowledge)]


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(KnowledgeError, match=r"there is no knowledge folder .*; create it or name another"):
        scan(tmp_path / "nothing")


def test_a_good_fact():
    (fact,), problems = parse_facts("facts/a.yaml", facts(GOOD))
    assert problems == []
    assert (fact.id, fact.statements["ar"], fact.as_of, fact.basis) == ("a-fact", "هذه حقيقة.", "2025-12", None)
    assert fact.evidence[0].quote == "يولّد السد الكهرباء لثلاث مدن."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Not An Id"}, "id 'Not An Id' must be lower-case words joined by hyphens"),
        ({"id": None}, "id 'None' must be lower-case words joined by hyphens"),
        ({"as_of": "last year"}, "as_of 'last year' must be a date such as 2025, 2025-12 or 2025-12-20"),
        ({"as_of": "2025-13"}, "as_of '2025-13' must be a date such as 2025, 2025-12 or 2025-12-20"),
        ({"statement": {"ar": "نص."}}, "statement must have one text for 'ar' and one for 'en'"),
        ({"statement": {"ar": "نص.", "en": " "}}, "statement 'en' is empty"),
        ({"statement": {"ar": "Text.", "en": "Text."}}, "statement 'ar' is not written in that language"),
        ({"evidence": []}, "evidence must be a list with a document and a quote in each entry"),
        (
            {"evidence": [{"document": "a.md"}]},
            "each evidence entry must have 'document' and 'quote' and nothing else",
        ),
        ({"evidence": [{"document": "a.md", "quote": ""}]}, "evidence quote is empty"),
        ({"tags": "one"}, "tags must be a list of words"),
        ({"basis": 3}, "basis must be a sentence"),
        ({"source": "x"}, "unknown key 'source'; known: as_of, basis, evidence, id, statement, tags"),
    ],
)
def test_a_bad_fact_is_a_problem_and_the_others_stay(change: dict[str, object], message: str):
    other = {**GOOD, "id": "other"}
    parsed, (problem,) = parse_facts("facts/a.yaml", facts({**GOOD, **change}, other))
    assert [fact.id for fact in parsed] == ["other"]
    assert problem.message == message
    assert problem.where.startswith("facts/a.yaml#")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1", r"facts/a\.yaml: must be a list of facts"),
        (b"- id: [", r"facts/a\.yaml: not valid YAML \(line 1: "),
        ("- id: مرحبا".encode("cp1256"), r"facts/a\.yaml: not UTF-8 text"),
    ],
)
def test_a_bad_file(data: bytes, message: str):
    with pytest.raises(FactsError, match=message):
        parse_facts("facts/a.yaml", data)


def test_an_empty_facts_file_holds_none():
    assert parse_facts("facts/a.yaml", b"# nothing yet\n") == ([], [])


def test_check_of_a_good_folder(knowledge: Path):
    report = check(knowledge)
    assert (report.documents, report.facts, report.problems) == (4, 3, ())


def test_check_names_every_problem(knowledge: Path):
    elsewhere = [{"document": "documents/none.md", "quote": "x"}]
    altered = [{"document": "documents/river.ar.md", "quote": "بُني السد عام 1999."}]
    entries = facts(
        {**GOOD, "id": "river-length"}, {**GOOD, "evidence": elsewhere}, {**GOOD, "id": "b", "evidence": altered}
    )
    (knowledge / "facts" / "more.yaml").write_bytes(entries)
    (knowledge / "facts" / "broken.yaml").write_text("- [")
    (knowledge / "documents" / "bad.txt").write_bytes(b"\xff")
    problems = {problem.where: problem.message for problem in check(knowledge).problems}
    assert problems["documents/bad.txt"] == "not UTF-8 text (byte 0xff at position 0); save the file as UTF-8"
    assert problems["facts/broken.yaml"].startswith("not valid YAML")
    assert problems["facts/more.yaml#river-length"] == (
        "the id 'river-length' is already used in facts/facts.yaml; give it another"
    )
    assert problems["facts/more.yaml#a-fact"] == (
        "evidence names the document 'documents/none.md', which is not in the knowledge folder"
    )
    assert problems["facts/more.yaml#b"] == "quote is not verbatim in documents/river.ar.md: “بُني السد عام 1999.”"
    assert len(problems) == 5


def test_the_shipped_knowledge_base_is_valid():
    report = check(shipped_knowledge_dir())
    assert report.problems == ()
    assert report.documents >= 8
    assert report.facts >= 50


def test_the_shipped_knowledge_base_must_cross_languages():
    topics = Counter(
        file.id.rsplit("/", 1)[1].split(".")[0] for file in scan(shipped_knowledge_dir()) if file.kind == "document"
    )
    languages = Counter(file.id.split(".")[-2] for file in scan(shipped_knowledge_dir()) if file.kind == "document")
    assert set(languages) == {"ar", "en"}
    assert sum(number == 1 for number in topics.values()) >= 3
