"""Our own questions: JSON lines with a strict schema.

A line is wrong if it lacks a field, has one too many, or contradicts itself; the message names file and line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

SHIPPED = Path(__file__).resolve().parent / "questions" / "knowledge.jsonl"
"""Questions on the shipped knowledge base."""

Tag = Literal[
    "same-language",
    "cross-language",
    "multi-sentence",
    "follow-up",
    "unanswerable",
    "near-topic",
    "off-topic",
    "diacritics",
    "dialect",
    "digits",
    "code-switch",
]


class Turn(BaseModel):
    """An earlier turn of the conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    answer: str


class Case(BaseModel):
    """One question with what is expected of its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    question: str
    language: Literal["ar", "en"]
    answerable: bool
    documents: tuple[str, ...]
    """A right answer cites one of these."""
    evidence: tuple[str, ...]
    """Sentences of those documents that answer, verbatim."""
    answers: tuple[str, ...]
    """A right answer holds one of these, whatever its spelling."""
    tags: tuple[Tag, ...]
    history: tuple[Turn, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Case:
        if self.answerable != bool(self.documents and self.evidence and self.answers):
            raise ValueError("an answerable question, and no other, has documents, evidence and answers")
        if self.answerable == ("unanswerable" in self.tags):
            raise ValueError("the tag 'unanswerable' contradicts 'answerable'")
        if bool(self.history) != ("follow-up" in self.tags):
            raise ValueError("a question tagged 'follow-up', and no other, has a history")
        return self


class QuestionsError(ValueError):
    """A question file is not valid."""


Line = TypeVar("Line", bound=BaseModel)


def load_cases(path: Path) -> list[Case]:
    """Read a question file.

    Raises:
        QuestionsError: a line is not valid; the message names file and line.
    """
    return load_lines(path, Case)


def load_lines(path: Path, kind: type[Line]) -> list[Line]:
    """Read a file with an object a line; where objects have an ``id``, each has its own.

    Raises:
        QuestionsError: a line is not valid; the message names file and line.
    """
    found: dict[str, Line] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = kind.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "question"
            raise QuestionsError(f"{path.name}:{number}: {place}: {first['msg']}") from None
        except json.JSONDecodeError as error:
            raise QuestionsError(f"{path.name}:{number}: not JSON ({error.msg})") from None
        key = str(one.model_dump(include={"id"}).get("id", number))
        if key in found:
            raise QuestionsError(f"{path.name}:{number}: the id '{key}' is used before")
        found[key] = one
    return list(found.values())
