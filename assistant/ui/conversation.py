"""What a browser asks, checked; the turn that Dalil makes of it, piece by piece; and what people think of it.

Conversations live in the browser. It sends a question with the turns before it, and is sent the turn so far
whenever something is added. What it sends is never trusted.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from assistant.errors import DalilError, QuestionError
from assistant.schema import Answer, AnswerPiece, Citation, Document, Fact, Hit
from assistant.ui.texts import TEXTS, Language, script_language

logger = logging.getLogger(__name__)

CONTEXT_WIDTH = 200
"""Characters shown on each side of a quote."""

MAX_TURNS = 20
"""Earlier turns that a question brings along."""

MAX_TEXT = 20_000
"""Characters of a question or an answer that a browser may send."""

MAX_REASON = 2_000
"""Characters of a reason for a verdict."""

RATEABLE = 2_000
"""Answers that can still be rated: the last ones since the server started."""

HIGH_CONFIDENCE = 0.85
MEDIUM_CONFIDENCE = 0.65

_BLANK_LINES = re.compile(r"\n\s*\n")
_HALF_WORD_FIRST = re.compile(r"^\S*\s+")
_HALF_WORD_LAST = re.compile(r"\s+\S*$")

TurnState = Literal["streaming", "answered", "abstained", "failed"]
Verdict = Literal["up", "down"]
History = tuple[tuple[str, str], ...]


class Dalil(Protocol):
    """What the chat needs of an assistant."""

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] | None = None,
        language: str | None = None,
    ) -> Iterator[AnswerPiece | Answer]:
        """Answer a question piece by piece; the whole answer comes last."""
        ...

    def document(self, document_id: str) -> Document:
        """The document that a citation points into."""
        ...

    def fact(self, fact_id: str) -> Fact | None:
        """The curated fact that a citation names; None where it is gone."""
        ...


class Feedback(Protocol):
    """Where verdicts on answers are kept."""

    def add(
        self,
        answer: Answer,
        verdict: Verdict,
        reason: str = "",
        history: Sequence[tuple[str, str]] = (),
        id: str | None = None,
    ) -> str:
        """Keep a verdict, or change the one with this id; returns the id."""
        ...


# --- what a browser sends -----------------------------------------------------------------------------

TurnId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Said = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Asked(_Sent):
    """A question with the conversation before it."""

    id: TurnId
    question: Said
    history: Annotated[list[Annotated[list[Said], Field(min_length=2, max_length=2)]], Field(max_length=MAX_TURNS)]
    interface: Language

    def turns(self) -> History:
        """Earlier questions with the text of their answers."""
        return tuple((question, answer) for question, answer in self.history)


class Rated(_Sent):
    """A verdict on the answer of a turn."""

    id: TurnId
    verdict: Verdict
    reason: Annotated[str, StringConstraints(max_length=MAX_REASON)] = ""


class Stopped(_Sent):
    """A turn whose answer nobody waits for any more."""

    id: TurnId


def parse(kind: type[Asked] | type[Rated] | type[Stopped], data: Any) -> Any:
    """What a browser sent, as ``kind``; None where it is anything else."""
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None


# --- turns --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Some text of a document, with what a reader sees around it and where it can be read as a whole."""

    document_id: str
    title: str
    language: str
    quote: str
    start: int | None = None
    """Offsets in the document; None where the text is not found in it (any more)."""
    end: int | None = None
    digest: str = ""
    """Of the text, so that a link knows whether it is still there."""
    before: str = ""
    after: str = ""
    page: int | None = None
    origin: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class StatedFact:
    """The curated fact that a citation names."""

    id: str
    statement: str
    language: str
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class CitedSource:
    """What a mark in an answer stands for."""

    number: int
    place: Place
    fact: StatedFact | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What came back for one question, so far. ``reply`` is plain text with ``[1]`` marks, never HTML."""

    id: str
    state: TurnState
    reply: str
    language: str
    confidence: Literal["high", "medium", "low"] = "low"
    note: str = ""
    sources: tuple[CitedSource, ...] = ()
    closest: tuple[Place, ...] = ()


def take_turn(
    dalil: Dalil,
    asked: Asked,
    stopped: Callable[[], bool] = lambda: False,
    answers: Answers | None = None,
) -> Iterator[Turn]:
    """Ask, and give the turn as it grows; the last one is finished. This never raises.

    Args:
        dalil: The assistant.
        asked: The question, with the conversation before it.
        stopped: Whether nobody waits any more; the work then ends, without another turn.
        answers: Where the whole answer is kept for being rated.
    """
    language = script_language(asked.question, asked.interface)
    try:
        yield from _growing(dalil, asked, language, stopped, answers)
    except QuestionError:
        yield Turn(asked.id, "failed", TEXTS[language].question_refused, language)
    except DalilError as error:
        yield Turn(asked.id, "failed", TEXTS[language].failed.format(reason=error), language)
    except Exception:
        logger.exception("the chat could not answer a question")
        yield Turn(asked.id, "failed", TEXTS[language].broken, language)


def _growing(
    dalil: Dalil, asked: Asked, language: Language, stopped: Callable[[], bool], answers: Answers | None
) -> Iterator[Turn]:
    said = ""
    sources: list[CitedSource] = []
    items = dalil.stream(asked.question, asked.turns())
    try:
        for item in items:
            if stopped():
                return
            if isinstance(item, Answer):
                if answers is not None:
                    answers.keep(asked, item)
                yield finished(dalil, asked.id, item)
                return
            if item.restart:
                said, sources = "", []
            said += item.text
            sources += [cited_source(dalil, citation, language) for citation in item.citations]
            yield Turn(asked.id, "streaming", said, script_language(said, language), sources=tuple(sources))
    finally:
        close = getattr(items, "close", None)  # ends the work; plain iterators have none to end
        if close is not None:
            close()


def finished(dalil: Dalil, turn_id: str, answer: Answer) -> Turn:
    """A whole answer, or an abstention, as a turn."""
    return Turn(
        id=turn_id,
        state="answered" if answer.answered else "abstained",
        reply=answer.text,
        language=answer.language,
        confidence=confidence_level(answer.confidence),
        note=answer.note or "",
        sources=tuple(cited_source(dalil, citation, answer.language) for citation in answer.citations),
        closest=() if answer.answered else tuple(close_place(dalil, hit) for hit in answer.closest),
    )


def confidence_level(confidence: float) -> Literal["high", "medium", "low"]:
    """A probability in a word that has a text in both languages."""
    if confidence >= HIGH_CONFIDENCE:
        return "high"
    return "medium" if confidence >= MEDIUM_CONFIDENCE else "low"


def cited_source(dalil: Dalil, citation: Citation, language: str) -> CitedSource:
    """A citation as a reader sees it; the quote alone where its document is gone or has changed since.

    Args:
        dalil: Knows documents and facts.
        citation: What a mark stands for.
        language: In which a curated fact should be stated.
    """
    place = Place(citation.document_id, citation.title, citation.language, citation.quote, page=citation.page)
    document = _document(dalil, citation.document_id)
    if document is not None:
        place = _placed(document, place, citation.start, citation.end)
    fact = dalil.fact(citation.fact_id) if citation.fact_id else None
    return CitedSource(citation.number, place, _stated(fact, language) if fact else None)


def close_place(dalil: Dalil, hit: Hit) -> Place:
    """A passage that comes close to a question, with its place where its document holds it verbatim."""
    place = Place(hit.document_id, hit.title, hit.language, hit.text)
    document = _document(dalil, hit.document_id)
    if document is None:
        return place
    start = document.text.find(hit.text)  # a fact's statement stands in no document
    return _placed(document, place, start, start + len(hit.text), context=False)


def _document(dalil: Dalil, document_id: str) -> Document | None:
    try:
        return dalil.document(document_id)
    except DalilError:
        return None


def _placed(document: Document, place: Place, start: int, end: int, *, context: bool = True) -> Place:
    there = start >= 0 and document.text[start:end] == place.quote
    before, after = surroundings(document.text, start, end) if there and context else ("", "")
    return Place(
        place.document_id,
        place.title,
        place.language,
        place.quote,
        start=start if there else None,
        end=end if there else None,
        digest=quote_digest(place.quote),
        before=before,
        after=after,
        page=place.page,
        origin="" if document.source == place.document_id else document.source,
        date=document.metadata.get("date", ""),
    )


def _stated(fact: Fact, language: str) -> StatedFact:
    spoken = language if language in fact.statements else next(iter(fact.statements))
    return StatedFact(fact.id, fact.statements[spoken], spoken, fact.as_of)


def quote_digest(quote: str) -> str:
    """A few letters that tell one quote from another in the address of a document."""
    return hashlib.sha256(quote.encode("utf-8", "replace")).hexdigest()[:12]


def surroundings(text: str, start: int, end: int, width: int = CONTEXT_WIDTH) -> tuple[str, str]:
    """Up to ``width`` characters on each side of ``text[start:end]``, cut between words and marked ``…``."""
    # A margin, because blank lines are taken out; all of a long document need not be read for it.
    before = _BLANK_LINES.sub("\n", text[max(0, start - 4 * width) : start])
    after = _BLANK_LINES.sub("\n", text[end : end + 4 * width])
    if len(before) > width:
        before = "… " + _HALF_WORD_FIRST.sub("", before[-width:])
    if len(after) > width:
        after = _HALF_WORD_LAST.sub("", after[:width]) + " …"
    return before, after


# --- what goes on, and what was said ------------------------------------------------------------------


class Stops:
    """Turns that are being answered, and which of them nobody waits for. Safe to use from several threads."""

    def __init__(self) -> None:
        self._running: dict[str, threading.Event] = {}

    def begin(self, turn_id: str) -> threading.Event:
        """A turn is being answered; the event is set when it should stop."""
        return self._running.setdefault(turn_id, threading.Event())

    def end(self, turn_id: str) -> None:
        """A turn is over."""
        self._running.pop(turn_id, None)

    def stop(self, turn_id: str) -> None:
        """Nobody waits for this turn; does nothing where it is over already."""
        running = self._running.get(turn_id)
        if running is not None:
            running.set()


class Answers:
    """The last answers by turn, so that a verdict is kept with what Dalil said, not with what a browser claims."""

    def __init__(self, size: int = RATEABLE) -> None:
        self._size = size
        self._guard = threading.Lock()
        self._kept: OrderedDict[str, tuple[Answer, History]] = OrderedDict()
        self._entries: dict[str, str] = {}

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Remember an answer; the oldest one is forgotten when there are too many."""
        with self._guard:
            self._kept[asked.id] = (answer, asked.turns())
            self._kept.move_to_end(asked.id)
            while len(self._kept) > self._size:
                forgotten, _ = self._kept.popitem(last=False)
                self._entries.pop(forgotten, None)

    def rate(self, rated: Rated, feedback: Feedback) -> bool:
        """Keep a verdict, or change the one that was given; False where the answer is forgotten.

        Raises:
            DalilError: the verdict cannot be kept.
        """
        with self._guard:
            if rated.id not in self._kept:
                return False
            answer, history = self._kept[rated.id]
            entry = feedback.add(answer, rated.verdict, rated.reason, history, self._entries.get(rated.id))
            self._entries[rated.id] = entry
        return True
