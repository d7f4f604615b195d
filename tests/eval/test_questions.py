"""Our own questions: the schema refuses what is wrong, and the shipped file is right."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from assistant.readers import read_source
from assistant.settings import shipped_knowledge_dir
from eval.questions import SHIPPED, QuestionsError, load_cases

GOOD = {
    "id": "a",
    "question": "متى؟",
    "language": "ar",
    "answerable": True,
    "documents": ["documents/a.md"],
    "evidence": ["نص."],
    "answers": ["2004"],
    "tags": ["same-language"],
    "history": [],
}


def write(path: Path, *rows: dict) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "x"}, r"q\.jsonl:2: answer: Extra inputs are not permitted"),
        ({"language": "fr"}, r"q\.jsonl:2: language: Input should be 'ar' or 'en'"),
        ({"tags": ["strange"]}, r"q\.jsonl:2: tags\.0: "),
        ({"evidence": []}, r"q\.jsonl:2: question: .*has documents, evidence and answers"),
        ({"answerable": False}, r"q\.jsonl:2: question: .*has documents, evidence and answers"),
        ({"tags": ["follow-up"]}, r"q\.jsonl:2: question: .*has a history"),
        ({"id": "first"}, r"q\.jsonl:2: the id 'first' is used before"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, change: dict, message: str):
    with pytest.raises(QuestionsError, match=message):
        load_cases(write(tmp_path / "q.jsonl", {**GOOD, "id": "first"}, {**GOOD, **change}))


def test_a_line_that_is_no_json(tmp_path: Path):
    (tmp_path / "q.jsonl").write_text("{")
    with pytest.raises(QuestionsError, match=r"q\.jsonl:1: not JSON"):
        load_cases(tmp_path / "q.jsonl")


def test_the_shipped_questions_are_what_was_asked_for():
    cases = load_cases(SHIPPED)
    languages = Counter(case.language for case in cases)
    tags = Counter(tag for case in cases for tag in case.tags)
    assert len(cases) >= 150
    assert abs(languages["ar"] - languages["en"]) <= 4
    assert tags["unanswerable"] >= 40
    assert tags["near-topic"] * 3 >= tags["unanswerable"]
    assert min(tags["cross-language"], tags["multi-sentence"], tags["follow-up"], tags["dialect"]) >= 10


def test_the_shipped_evidence_is_verbatim():
    root = shipped_knowledge_dir()
    texts = {
        path.relative_to(root).as_posix(): read_source(path.name, path.read_bytes()).document.text
        for path in (root / "documents").iterdir()
    }
    for case in load_cases(SHIPPED):
        assert all(any(quote in texts[name] for name in case.documents) for quote in case.evidence), case.id
