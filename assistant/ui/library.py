"""The knowledge folder as the knowledge page needs it: what is in it, by search; files in and out."""

from __future__ import annotations

import logging
import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from assistant import files
from assistant.errors import DocumentError
from assistant.knowledge import FACTS_FOLDER
from assistant.readers import SUFFIXES
from assistant.schema import DocumentSummary, Fact, SyncReport
from assistant.settings import Settings
from assistant.text import fold

logger = logging.getLogger(__name__)

PAGE_ROWS = 30
"""Rows shown at once."""

MAX_FILES = 500
"""Files taken at once."""

DOCUMENTS_FOLDER = "documents"
"""Where uploads go if the knowledge folder has it, as the shipped one does; else to its top."""

Outcome = Literal["added", "replaced", "present", "exists", "format", "refused", "unread"]
Item = TypeVar("Item")


class Progress(Protocol):
    """Told how a sync goes on, as ``Assistant.sync`` tells it."""

    def __call__(self, done: int, total: int) -> None:
        """``done`` of about ``total`` texts are indexed."""


class Shelf(Protocol):
    """What the page needs of an assistant."""

    settings: Settings

    def summaries(self) -> list[DocumentSummary]:
        """Every document without its text."""
        ...

    def facts(self) -> list[tuple[str, Fact]]:
        """Every curated fact with the id of its file."""
        ...

    def passage_count(self) -> int:
        """How many passages are indexed."""
        ...

    def versions(self) -> dict[str, str]:
        """What answers are made with."""
        ...

    def sync(self, progress: Progress) -> SyncReport:
        """Bring the index in step with the knowledge folder."""
        ...

    @property
    def last_sync(self) -> tuple[datetime, SyncReport] | None:
        """When that happened last, and what came of it."""
        ...

    @property
    def content_version(self) -> int:
        """Changes whenever what is indexed changes."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document with the curated facts (``file#fact``) that quote it."""

    document: DocumentSummary
    cited_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactRow:
    """A curated fact with the file that it is in, and the documents that it quotes where they are indexed."""

    file: str
    fact: Fact
    documents: Mapping[str, DocumentSummary]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the rows that a search found."""

    documents: tuple[DocumentRow, ...]
    facts: tuple[FactRow, ...]
    """One of the two is what was asked for, the other is empty."""
    first: int
    """Number of the first row, from 1; 0 where there are none."""
    document_count: int
    """How many documents the search found."""
    fact_count: int
    number: int
    """Number of the page, from 0."""
    searched: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is indexed now."""

    documents: int
    facts: int
    passages: int
    model: str
    last_sync: tuple[datetime, SyncReport] | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived at ``path``, and the name that it came with."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one upload."""

    upload: Upload
    outcome: Outcome
    document_id: str = ""
    passages: int = 0
    reason: str = ""
    """Why it was refused or not indexed, or what is doubtful about it."""


@dataclass(frozen=True, slots=True)
class _Contents:
    version: int
    documents: tuple[DocumentRow, ...]
    document_texts: tuple[str, ...]
    """What is searched in, folded."""
    facts: tuple[FactRow, ...]
    fact_texts: tuple[str, ...]


class Library:
    """Reads and changes one knowledge folder; safe to use from several threads.

    Who may change it is for the caller to ask.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._contents: _Contents | None = None

    @property
    def folder(self) -> Path:
        """The knowledge folder."""
        return self._shelf.settings.knowledge_dir

    @property
    def max_bytes(self) -> int:
        """The largest file that the server lets in; what a form adds around it is allowed for."""
        return self._shelf.settings.max_upload_mb * 2**20 - 4096

    def state(self) -> State:
        """What is indexed now."""
        contents = self._read()
        return State(
            len(contents.documents),
            len(contents.facts),
            self._shelf.passage_count(),
            self._shelf.settings.embedding_model,
            self._shelf.last_sync,
        )

    def find(self, query: str, kind: Literal["documents", "facts"], number: int = 0) -> Page:
        """A page of what holds every word of ``query``, or its beginning or middle, whatever the spelling.

        Args:
            query: in Arabic or English; diacritics, forms of alef and hamza, case and numerals do not matter.
            kind: what to list.
            number: of the page, from 0; the last one where there are fewer.
        """
        contents = self._read()
        wanted = fold(query[:200]).split()
        documents = _matching(contents.documents, contents.document_texts, wanted)
        facts = _matching(contents.facts, contents.fact_texts, wanted)
        count = len(documents if kind == "documents" else facts)
        number = max(0, min(number, (count - 1) // PAGE_ROWS))
        shown = slice(number * PAGE_ROWS, (number + 1) * PAGE_ROWS)
        return Page(
            documents=tuple(documents[shown]) if kind == "documents" else (),
            facts=tuple(facts[shown]) if kind == "facts" else (),
            first=shown.start + 1 if count else 0,
            document_count=len(documents),
            fact_count=len(facts),
            number=number,
            searched=bool(wanted),
        )

    def add(self, uploads: Sequence[Upload], replace: bool = False) -> list[Result]:
        """Move uploads into the knowledge folder; a sync must follow.

        Args:
            uploads: files that may be moved; one that is there under its name already is left where it is.
            replace: put them in the place of others of the same name.

        Raises:
            KnowledgeError: the knowledge folder cannot be written.
        """
        results: dict[int, Result] = {}
        with tempfile.TemporaryDirectory(prefix="dalil-upload-") as waiting:
            chosen: dict[Path, tuple[int, str, bool]] = {}
            for number, upload in enumerate(uploads):
                try:
                    name = files.safe_name(upload.name)
                    into = self._place(name)
                except DocumentError as error:
                    results[number] = Result(upload, "refused", reason=str(error))
                    continue
                if not name.lower().endswith((*SUFFIXES, *files.FACTS_SUFFIXES)):
                    results[number] = Result(upload, "format")
                    continue
                place = self.folder / into / name
                document_id = f"{into}/{name}" if into else name
                there = place.exists()
                if there and not replace and place.is_file() and not _same(place, upload.path):
                    results[number] = Result(upload, "exists", document_id)
                    continue
                if any(document_id == other for _, other, _ in chosen.values()):
                    results[number] = Result(upload, "refused", reason="another of these files has the same name")
                    continue
                source = Path(waiting) / str(number) / name
                source.parent.mkdir()
                shutil.move(upload.path, source)
                chosen[source] = (number, document_id, there)
            for into in (FACTS_FOLDER, self._documents_folder()):
                sources = [source for source in chosen if self._place(source.name) == into]
                if not sources:
                    continue
                report = files.add(self.folder, sources, into, replace)
                for source in sources:
                    number, document_id, there = chosen[source]
                    result = Result(uploads[number], "replaced" if there else "added", document_id)
                    if str(source) in report.refused:
                        reason = report.refused[str(source)]
                        result = Result(uploads[number], "refused", document_id, reason=reason)
                    elif document_id in report.present:
                        result = Result(uploads[number], "present", document_id)
                    results[number] = result
        return [results[number] for number in sorted(results)]

    def remove(self, document_id: str) -> None:
        """Delete a file of the knowledge folder; a sync must follow.

        Raises:
            KnowledgeError: it is unknown, or cannot be deleted.
        """
        files.remove(self.folder, [document_id])

    def sync(self) -> Iterator[tuple[int, int] | SyncReport]:
        """Bring the index in step: how it goes on as (done, total), and last the report.

        Raises:
            DalilError: as ``Assistant.sync``.
        """
        said: queue.SimpleQueue[tuple[int, int] | SyncReport | Exception] = queue.SimpleQueue()

        def run() -> None:
            try:
                said.put(self._shelf.sync(lambda done, total: said.put((done, total))))
            except Exception as error:
                said.put(error)

        threading.Thread(target=run, daemon=True, name="dalil-page-sync").start()
        while True:
            item = said.get()
            if isinstance(item, Exception):
                raise item
            yield item
            if isinstance(item, SyncReport):
                return

    def indexed(self, results: Sequence[Result], report: SyncReport) -> list[Result]:
        """Results of ``add`` with what a sync made of the files."""
        passages = {row.document.id: row.document.passages for row in self._read().documents}
        done = []
        for result in results:
            if result.outcome in ("added", "replaced", "present"):
                document_id = result.document_id
                made = report.files.get(document_id)
                count = passages.get(document_id, made.passages if made else 0)
                failed = [why for place, why in report.failed.items() if place.split("#", 1)[0] == document_id]
                doubt = report.warnings.get(document_id, "")
                result = replace(result, passages=count, reason="; ".join(failed) or doubt)
                if document_id in report.failed:
                    result = replace(result, outcome="unread")
            done.append(result)
        return done

    def _documents_folder(self) -> str:
        return DOCUMENTS_FOLDER if (self.folder / DOCUMENTS_FOLDER).is_dir() else ""

    def _place(self, name: str) -> str:
        """The subfolder for a file of this name."""
        return FACTS_FOLDER if name.lower().endswith(files.FACTS_SUFFIXES) else self._documents_folder()

    def _read(self) -> _Contents:
        """What is indexed, read again only when it has changed."""
        version = self._shelf.content_version
        contents = self._contents
        if contents is None or contents.version != version:
            contents = _contents(version, self._shelf.summaries(), self._shelf.facts())
            self._contents = contents
        return contents


def _contents(version: int, documents: Sequence[DocumentSummary], facts: Sequence[tuple[str, Fact]]) -> _Contents:
    by_id = {document.id: document for document in documents}
    citing: dict[str, list[str]] = {}
    rows = []
    for file, fact in facts:
        cited = list(dict.fromkeys(one.document_id for one in fact.evidence))
        for document_id in cited:
            citing.setdefault(document_id, []).append(f"{file}#{fact.id}")
        rows.append(FactRow(file, fact, {key: by_id[key] for key in cited if key in by_id}))
    shelf = tuple(DocumentRow(document, tuple(citing.get(document.id, ()))) for document in documents)
    return _Contents(
        version,
        shelf,
        tuple(fold("\n".join((one.title, one.id, one.source, one.date))) for one in documents),
        tuple(rows),
        tuple(fold("\n".join(_texts_of(row))) for row in rows),
    )


def _texts_of(row: FactRow) -> list[str]:
    fact = row.fact
    quotes = [text for one in fact.evidence for text in (one.quote, one.document_id)]
    titles = [document.title for document in row.documents.values()]
    return [fact.id, row.file, *fact.statements.values(), *fact.tags, *quotes, *titles, fact.as_of]


def _matching(rows: Sequence[Item], texts: Sequence[str], wanted: Sequence[str]) -> list[Item]:
    return [row for row, text in zip(rows, texts, strict=True) if all(word in text for word in wanted)]


def _same(place: Path, other: Path) -> bool:
    return place.stat().st_size == other.stat().st_size and place.read_bytes() == other.read_bytes()
