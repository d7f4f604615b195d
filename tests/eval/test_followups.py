"""The conversations: the schema refuses what is wrong, the shipped file is right, and answers are graded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from assistant import Answer, Citation
from assistant.knowledge import parse_facts
from assistant.readers import read_source
from assistant.settings import shipped_knowledge_dir
from eval.followups import BY_MODEL, FOLLOWUPS, Followup, converse, followups, is_right, load_followups
from eval.metrics import holds
from eval.questions import QuestionsError
from eval.run import DALIL
from tests.llm_server import is_rewriting, model_server, question_of

GOOD = {
    "id": "a",
    "split": "dev",
    "language": "ar",
    "kind": "ellipsis",
    "turns": ["ما هو الجسر؟"],
    "question": "ومتى بُني؟",
    "rewritten": "متى بُني الجسر؟",
    "answerable": True,
    "documents": ["documents/a.md"],
    "answers": ["1986"],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "x"}, r"f\.jsonl:2: answer: Extra inputs are not permitted"),
        ({"kind": "strange"}, r"f\.jsonl:2: kind: "),
        ({"split": "train"}, r"f\.jsonl:2: split: "),
        ({"answers": []}, r"f\.jsonl:2: question: .*has documents and answers"),
        ({"turns": []}, r"f\.jsonl:2: question: .*one to three earlier turns"),
        ({"kind": "no answer"}, r"f\.jsonl:2: question: .*contradicts"),
        ({"id": "first"}, r"f\.jsonl:2: the id 'first' is used before"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, change: dict, message: str):
    rows = [{**GOOD, "id": "first"}, {**GOOD, **change}]
    (tmp_path / "f.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with pytest.raises(QuestionsError, match=message):
        load_followups(tmp_path / "f.jsonl")


def test_the_shipped_conversations_are_what_was_asked_for():
    cases = load_followups()
    follow = [case for case in cases if case.answerable and not case.stands]
    for split in ("dev", "test"):
        languages = Counter(case.language for case in follow if case.split == split)
        assert min(languages.values()) >= 15
        assert abs(languages["ar"] - languages["en"]) <= 2
    assert sum(case.stands for case in cases) >= 15
    assert sum(case.kind == "no answer" for case in cases) >= 6
    assert sum(case.crosses for case in follow) >= 6
    assert {len(case.turns) for case in cases} == {1, 2, 3}
    assert not {case.question for case in cases if case.split == "dev"} & {
        case.question for case in cases if case.split == "test" and case.kind != "ellipsis"
    }


def test_every_gold_string_stands_in_a_gold_document_or_in_what_a_fact_says_of_it():
    root = shipped_knowledge_dir()
    texts = {
        path.relative_to(root).as_posix(): read_source(path.name, path.read_bytes()).document.text
        for path in (root / "documents").iterdir()
    }
    for path in (root / "facts").iterdir():
        for fact in parse_facts(path.name, path.read_bytes())[0]:
            for evidence in fact.evidence:
                texts[evidence.document_id] += "\n" + "\n".join(fact.statements.values())
    for case in load_followups():
        assert all(name in texts for name in case.documents), case.id
        held = "\n".join(texts[name] for name in case.documents)
        assert not case.answers or any(holds(held, [answer]) for answer in case.answers), case.id


def answer(text: str, document: str = "documents/a.md", answered: bool = True) -> Answer:
    cited = Citation(1, document, "T", "document", "ar", text, 0, len(text))
    return Answer("س", "ar", answered, text, 0.9, "extractive", (cited,) if answered else (), 1.0)


def test_an_answer_is_right_if_it_holds_the_gold_and_cites_the_document():
    case = Followup(**GOOD)
    assert is_right(case, answer("بُني عام ١٩٨٦. [1]"))
    assert not is_right(case, answer("بُني عام 1990. [1]"))
    assert not is_right(case, answer("بُني عام 1986. [1]", document="documents/b.md"))
    assert not is_right(case, answer("بُني عام 1986.", answered=False))
    unanswerable = Followup(**{**GOOD, "answerable": False, "documents": [], "answers": [], "kind": "no answer"})
    assert is_right(unanswerable, answer("لا أجد.", answered=False))
    assert not is_right(unanswerable, answer("بُني عام 1986. [1]"))


class Echo:
    """Answers with how many turns came before, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []

    def ask(self, question: str, history: list[tuple[str, str]]) -> Answer:
        self.asked.append((question, list(history)))
        return answer(f"turn {len(history)}")


def test_a_conversation_is_held_with_its_own_answers():
    echo = Echo()
    last = converse(echo, Followup(**{**GOOD, "turns": ["a?", "b?"], "question": "c?"}))  # type: ignore[arg-type]
    assert last.text == "turn 2"
    assert echo.asked[-1] == ("c?", [("a?", "turn 0"), ("b?", "turn 1")])


def test_every_system_is_asked():
    wanted = {"dev-en-chain-1", "dev-ar-attached-pronoun-8"}
    cases = [case for case in load_followups(FOLLOWUPS) if case.id in wanted]
    records = followups(cases)
    systems = {record.system for record in records}
    assert systems == {DALIL, "question alone", "previous in front", "by hand"}
    right = {(record.question_id, record.system): record.scores["right"] for record in records}
    assert all(right[name, DALIL] == 1.0 for name in wanted)
    assert right["dev-en-chain-1", "question alone"] == 0.0
    assert {"ar all", "en all", "dev ar follow-up", "dev across languages"} <= {record.setting for record in records}


def test_a_language_model_that_is_set_only_rewrites_questions(monkeypatch: pytest.MonkeyPatch):
    wanted = {"dev-en-chain-1", "dev-ar-attached-pronoun-8"}
    cases = [case for case in load_followups(FOLLOWUPS) if case.id in wanted]
    by_hand = {case.question: case.rewritten for case in cases}
    with model_server() as server:
        server.behaviour = lambda messages: iter([by_hand.get(question_of(messages), "?")])
        monkeypatch.setenv("DALIL_LLM_BASE_URL", server.url)
        monkeypatch.setenv("DALIL_LLM_MODEL", "test-model")
        records = followups(cases)
    assert {question_of(request["messages"]) for request in server.requests} >= set(by_hand)
    assert all(is_rewriting(request["messages"]) for request in server.requests)
    right = {record.question_id: record.scores["right"] for record in records if record.system == BY_MODEL}
    assert right == dict.fromkeys(wanted, 1.0)
