"""The types that flow through Dalil. All frozen; this module imports nothing from the package.

Offsets are in characters (Python string indices) of ``Document.text``, half-open: ``text[start:end]``.
Languages are ISO 639-1 codes; Dalil treats ``ar`` and ``en`` as its own and every other one alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MAX_QUESTION_CHARACTERS = 2_000
"""Longer questions are refused: no encoder reads that far, and a page of text is not a question."""

Kind = Literal["document", "fact"]
Mode = Literal["extractive", "generated"]
BlockKind = Literal["heading", "paragraph", "item", "row"]


@dataclass(frozen=True, slots=True)
class Document:
    """One source document as it is quoted: plain text without markup."""

    id: str
    """Path below the knowledge folder, with forward slashes."""
    title: str
    language: str
    text: str
    source: str
    """Where the text comes from, for a reader: the origin its front matter names, else the file's name."""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """What is known of a document without its text."""

    id: str
    title: str
    language: str
    source: str
    date: str
    """ISO date (year, year-month or full) that the document names; empty where it names none."""
    characters: int
    passages: int


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table row of a document. Sentences never cross blocks."""

    start: int
    end: int
    kind: BlockKind
    level: int = 0
    """Heading level from 1; 0 for everything else."""
    page: int | None = None
    """Page number from 1, where the format has pages."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader makes of a file: the document and how its text is laid out."""

    document: Document
    blocks: tuple[Block, ...]
    titled: bool = True
    """False where the title is only the file's name."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """What was mended while reading, by kind, and how often."""
    warnings: tuple[str, ...] = ()
    """Why text of this file may not be usable, a line each."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a curated fact is stated: a verbatim quote in a source document."""

    document_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A curated statement in Arabic and in English with the quotes that it rests on."""

    id: str
    statements: Mapping[str, str]
    """Language code to statement."""
    evidence: tuple[Evidence, ...]
    tags: tuple[str, ...]
    as_of: str
    """ISO date (year, year-month or full) at which the fact was true."""
    basis: str | None = None
    """Names a well-established basis where the fact says more than its quotes."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The unit that is quoted: offsets into the document (or, for a fact, into its statement)."""

    text: str
    start: int
    end: int
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is retrieved: neighbouring sentences of one section, or one statement of a fact."""

    id: str
    document_id: str
    title: str
    context: str
    """Title and headings: what the encoder reads before the text, never quoted. Empty for a fact, which
    speaks for itself, and without a title of its own that a file name stands in for."""
    language: str
    kind: Kind
    text: str
    start: int
    end: int
    sentences: tuple[Sentence, ...]
    fact_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. ``score`` is the probability, 0..1, that it answers the question."""

    passage_id: str
    document_id: str
    title: str
    text: str
    language: str
    kind: Kind
    score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact sentence that a sentence of an answer rests on: ``document.text[start:end] == quote``."""

    number: int
    document_id: str
    title: str
    kind: Kind
    language: str
    quote: str
    start: int
    end: int
    page: int | None = None
    fact_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Dalil says: every sentence of ``text`` carries ``[number]`` of a citation, unless it abstains."""

    question: str
    language: str
    answered: bool
    text: str
    confidence: float
    """Probability, 0..1, that the knowledge base answers the question."""
    mode: Mode
    citations: tuple[Citation, ...]
    elapsed_ms: float
    closest: tuple[Hit, ...] = ()
    """Where it abstains: the passages that come closest, the most probable first."""
    note: str | None = None
    """What a reader should know of how the answer came about, in its language; None where all went as it should."""


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """Some more of an answer while it is being given: the pieces since the last restart are its text."""

    text: str
    citations: tuple[Citation, ...] = ()
    """What the text refers to and no piece before it did."""
    restart: bool = False
    """What was said so far is withdrawn; this is the beginning."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What ``sync`` made of one file that is new or has changed."""

    passages: int
    pages: int = 0
    """The last page with text; 0 where the format has no pages."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """What was mended while reading, by kind, and how often."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What ``sync`` did: document ids by what happened to them, and how much is indexed now."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """Document (or facts file) id to the reason in one line."""
    passages: int = 0
    """Passages in the index after the sync."""
    seconds: float = 0.0
    warnings: Mapping[str, str] = field(default_factory=dict)
    """Document id to what is doubtful about a file that was read, in one line."""
    files: Mapping[str, FileReport] = field(default_factory=dict)
    """What became of each file that was added or updated."""


def to_json(value: Any) -> Any:
    """A schema object, or a sequence of them, as plain JSON-ready data (what ``--json`` prints)."""
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return asdict(value)
