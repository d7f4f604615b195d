"""A conversation as a list of turns: asking Dalil, and what a reader is told when that goes wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.errors import DalilError, QuestionError
from assistant.schema import Answer, Citation, Document
from assistant.ui.texts import TEXTS, Language, script_language

logger = logging.getLogger(__name__)

CONTEXT_WIDTH = 200
"""Characters shown on each side of a quote."""

_BLANK_LINES = re.compile(r"\n\s*\n")
_HALF_WORD_FIRST = re.compile(r"^\S*\s+")
_HALF_WORD_LAST = re.compile(r"\s+\S*$")

TurnState = Literal["pending", "answered", "abstained", "failed"]


class Dalil(Protocol):
    """What the chat needs of an assistant."""

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] | None = None,
        language: str | None = None,
    ) -> Answer:
        """Answer a question; ``history`` holds earlier questions with the text of their answers."""
        ...

    def document(self, document_id: str) -> Document:
        """The document that a citation points into."""
        ...


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A citation together with what a reader sees around it."""

    citation: Citation
    origin: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came back. ``reply`` is plain text with ``[1]`` marks, never HTML."""

    question: str
    reply: str
    state: TurnState
    language: str
    confidence: float = 0.0
    sources: tuple[CitedSource, ...] = ()


def pending_turn(question: str, interface: Language) -> Turn:
    """The turn to show while the answer is being found."""
    return Turn(question, "…", "pending", script_language(question, interface))


def take_turn(dalil: Dalil, question: str, turns: Sequence[Turn], interface: Language) -> Turn:
    """Ask, and turn whatever happens into something to show: this never raises.

    Args:
        dalil: The assistant.
        question: What the user typed.
        turns: The conversation before this question.
        interface: Language for messages about a question that has no letters of its own.
    """
    language = script_language(question, interface)
    try:
        answer = dalil.ask(question, history=history_of(turns))
        sources = tuple(cited_source(dalil, citation) for citation in answer.citations)
    except QuestionError:
        return Turn(question, TEXTS[language].question_refused, "failed", language)
    except DalilError as error:
        return Turn(question, TEXTS[language].failed.format(reason=error), "failed", language)
    except Exception:
        logger.exception("the chat could not answer a question")
        return Turn(question, TEXTS[language].broken, "failed", language)
    if not answer.answered:
        return Turn(question, answer.text, "abstained", answer.language, answer.confidence)
    return Turn(question, answer.text, "answered", answer.language, answer.confidence, sources)


def history_of(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Earlier questions with the text of their answers, without those that failed."""
    return [(turn.question, turn.reply) for turn in turns if turn.state in ("answered", "abstained")]


def cited_source(dalil: Dalil, citation: Citation) -> CitedSource:
    """A citation with the text around it; alone where its document is gone or has changed since."""
    try:
        document = dalil.document(citation.document_id)
    except DalilError:
        return CitedSource(citation, "", "", "")
    if document.text[citation.start : citation.end] != citation.quote:
        return CitedSource(citation, document.source, "", "")
    before, after = surroundings(document.text, citation.start, citation.end)
    return CitedSource(citation, document.source, before, after)


def surroundings(text: str, start: int, end: int, width: int = CONTEXT_WIDTH) -> tuple[str, str]:
    """Up to ``width`` characters on each side of ``text[start:end]``, cut between words and marked ``…``."""
    before, after = (_BLANK_LINES.sub("\n", side) for side in (text[:start], text[end:]))
    if len(before) > width:
        before = "… " + _HALF_WORD_FIRST.sub("", before[-width:])
    if len(after) > width:
        after = _HALF_WORD_LAST.sub("", after[:width]) + " …"
    return before, after
