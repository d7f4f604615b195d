"""Follow-up questions in whole conversations on the shipped knowledge base, asked through ``Assistant.ask``.

Every conversation is held afresh by each system: the turns before the question are answered by it as well. An answer
is right if it holds a gold string and cites a gold document; a question without an answer, if nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from assistant import Answer, Assistant, Settings
from assistant.generation import Writer
from assistant.llm import open_model
from assistant.ranking import shipped_model
from assistant.retrieval import Retriever, Rewriter
from assistant.support import SupportChecker
from assistant.text import detect_question_language
from eval import metrics
from eval.progress import watched
from eval.questions import load_lines
from eval.run import DALIL, Record
from eval.stores import shipped

FOLLOWUPS = Path(__file__).resolve().parent / "questions" / "followups.jsonl"

Split = Literal["dev", "test"]
Kind = Literal[
    "pronoun",
    "attached pronoun",
    "ellipsis",
    "what about",
    "chain",
    "noun phrase",
    "comparison",
    "topic switch",
    "no answer",
]

ALONE, BEFORE, BY_HAND = "question alone", "previous in front", "by hand"
"""Baselines, and the question as a person would put it so that it stands alone."""
BY_MODEL = "language model"
"""Rewritten by the model of the settings, where one is set; what it may not change is left to the rules."""


class Followup(BaseModel):
    """A question after earlier turns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    split: Split
    """The method was made by looking at ``dev`` only."""
    language: Literal["ar", "en"]
    kind: Kind
    turns: tuple[str, ...]
    """Earlier questions, oldest first."""
    question: str
    rewritten: str
    """The question as a person would put it so that it stands alone."""
    answerable: bool
    documents: tuple[str, ...]
    """A right answer cites one of these."""
    answers: tuple[str, ...]
    """A right answer holds one of these, whatever its spelling."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Followup:
        if self.answerable != bool(self.documents and self.answers):
            raise ValueError("an answerable question, and no other, has documents and answers")
        if not 1 <= len(self.turns) <= 3:
            raise ValueError("a follow-up has one to three earlier turns")
        if self.kind == "no answer" and self.answerable:
            raise ValueError("the kind 'no answer' contradicts 'answerable'")
        return self

    @property
    def crosses(self) -> bool:
        """Whether the turn before is in the other language."""
        return detect_question_language(self.turns[-1]) != self.language

    @property
    def stands(self) -> bool:
        """Whether the question stands alone in a conversation about something else."""
        return self.kind == "topic switch"


def load_followups(path: Path = FOLLOWUPS) -> list[Followup]:
    """Read the conversations.

    Raises:
        QuestionsError: a line is not valid; the message names file and line.
    """
    return load_lines(path, Followup)


def previous_in_front(question: str, history: Sequence[tuple[str, str]]) -> str:
    """The simplest rewriting: the question with the one before it in front."""
    return f"{history[-1][0]} {question}"


def followups(cases: Sequence[Followup], with_baselines: bool = True) -> list[Record]:
    """Hold every conversation with each system. Answers are extractive in all of them: only questions differ."""
    records: list[Record] = []
    with shipped() as (dalil, _):
        own = dalil.retriever
        by_model = _model(dalil) if with_baselines else {}
        for case in watched(cases, "follow-ups"):
            records += _records(case, DALIL, converse(dalil, case))
            if not with_baselines:
                continue
            for name, rewriter in (_baselines(case) | by_model).items():
                dalil.retriever = Retriever(dalil.index, shipped_model(), rewriter=rewriter)
                records += _records(case, name, converse(dalil, case))
            dalil.retriever = own
    return records


def _baselines(case: Followup) -> dict[str, Rewriter]:
    def by_hand(question: str, history: Sequence[tuple[str, str]]) -> str:
        return case.rewritten if question == case.question else previous_in_front(question, history)

    return {ALONE: lambda question, history: question, BEFORE: previous_in_front, BY_HAND: by_hand}


def _model(dalil: Assistant) -> dict[str, Rewriter]:
    """The language model that is set, as one that rewrites questions."""
    settings = Settings()
    llm = open_model(settings)
    return {BY_MODEL: Writer(llm, SupportChecker(dalil.encoder), settings.llm_timeout).standalone} if llm else {}


def converse(dalil: Assistant, case: Followup) -> Answer:
    """The answer to the last question, after the assistant's own answers to the ones before."""
    history: list[tuple[str, str]] = []
    for question in case.turns:
        history.append((question, dalil.ask(question, history).text))
    return dalil.ask(case.question, history)


def is_right(case: Followup, answer: Answer) -> bool:
    """Whether the answer is what was wanted; see the top of this file."""
    if not case.answerable:
        return not answer.answered
    cited = any(citation.document_id in case.documents for citation in answer.citations)
    return answer.answered and cited and metrics.holds(answer.text, case.answers)


def _records(case: Followup, system: str, answer: Answer) -> Iterator[Record]:
    scores = {"right": float(is_right(case, answer)), "own language": float(answer.language == case.language)}
    for setting in _settings_of(case):
        yield Record(
            "followups",
            setting,
            system,
            case.id,
            scores,
            {"ms": answer.elapsed_ms},
            question="\n".join([*case.turns, case.question]),
            expected="\n".join(case.answers),
            got=answer.text,
        )


def _settings_of(case: Followup) -> Iterator[str]:
    """A conversation counts under its language; under its split and group; a follow-up under its kind as well."""
    yield f"{case.language} all"
    group = case.kind if case.stands or not case.answerable else "follow-up"
    yield f"{case.split} {case.language} {group}"
    if group == "follow-up":
        yield f"{case.split} {case.kind}"
        if case.crosses:
            yield f"{case.split} across languages"
