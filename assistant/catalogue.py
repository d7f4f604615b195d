"""The catalogue: what is indexed, in SQLite, and the truth that the other stores are rebuilt from.

It holds every document's text, every passage and fact, and every vector (keyed by what was encoded, so
that text that moves or returns is not encoded again). A document counts as indexed when it is here: the
vector and lexical indexes may know ids that the catalogue does not, and those are never answered from.

Writes come from one thread at a time; each reading thread has its own connection and sees whole
transactions only.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from assistant.errors import IndexStateError
from assistant.passages import passage_terms
from assistant.schema import Document, DocumentSummary, Evidence, Fact, Kind, Passage, Sentence
from assistant.words import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, hash TEXT NOT NULL, stamp TEXT NOT NULL,
    title TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS passages (
    id TEXT PRIMARY KEY, source_id TEXT NOT NULL, position INTEGER NOT NULL, document_id TEXT NOT NULL,
    title TEXT NOT NULL, context TEXT NOT NULL, language TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, sentences TEXT NOT NULL, fact_id TEXT, encoding TEXT NOT NULL,
    terms TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_source ON passages (source_id, position);
CREATE INDEX IF NOT EXISTS passages_by_encoding ON passages (encoding);
CREATE INDEX IF NOT EXISTS passages_by_fact ON passages (fact_id);
CREATE INDEX IF NOT EXISTS passages_by_language ON passages (language);
CREATE TABLE IF NOT EXISTS facts (id TEXT PRIMARY KEY, source_id TEXT NOT NULL, fact TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS facts_by_source ON facts (source_id);
CREATE TABLE IF NOT EXISTS vectors (encoding TEXT PRIMARY KEY, matrix BLOB NOT NULL, words BLOB NOT NULL);
"""

_MAX_VARIABLES = 900
"""SQLite builds allow 999 variables in a statement at least."""

_PASSAGE_COLUMNS = (
    'p.id, p.document_id, p.title, p.context, p.language, p.kind, p.text, p.start, p."end", p.sentences, p.fact_id'
)
_ENCODED = f"SELECT {_PASSAGE_COLUMNS}, p.terms, v.matrix, v.words FROM passages p JOIN vectors v USING (encoding)"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the catalogue knows of one file."""

    kind: Kind
    hash: str
    stamp: str
    """Size and modification time: while these are the same the file need not be read."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One file with everything that was made of it."""

    id: str
    state: SourceState
    document: Document | None
    """None for a facts file."""
    passages: tuple[Passage, ...]
    encodings: tuple[str, ...]
    """Key of the vectors of each passage, in the same order."""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoding:
    """Everything that the encoder made of a passage."""

    matrix: NDArray[np.float32]
    """The whole passage, then each sentence, shape (1 + number of sentences, dimension)."""
    words: Words


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """A passage with its vectors."""

    passage: Passage
    vector: NDArray[np.float32]
    """Of the whole passage, shape (dimension,)."""
    sentence_vectors: NDArray[np.float32]
    """Shape (number of sentences, dimension)."""
    words: Words
    terms: Sequence[str]
    """What the lexical index knows the passage by."""


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a passage as tells whether it is worth reading whole."""

    id: str
    language: str
    fact_id: str | None
    vector: NDArray[np.float32]
    sentence_vectors: NDArray[np.float32]
    terms: Sequence[str]


class Catalogue:
    """The SQLite file. Use ``close`` when done."""

    def __init__(self, path: Path) -> None:
        """Open the catalogue, creating it if missing.

        Raises:
            IndexStateError: the file is not a catalogue or cannot be written.
        """
        self._path = path
        self._local = threading.local()
        # Weak: that of a thread is closed when the thread ends, and servers start many.
        self._connections: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._writes = 0
        self._counted: tuple[int, dict[str, int]] = (-1, {})
        try:
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self.close()
            raise _translated(error, path) from error
        except IndexStateError:
            self.close()
            raise

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # One connection a thread; closing them all from the closing thread is the exception.
            connection = sqlite3.connect(
                self._path, timeout=30, isolation_level=None, check_same_thread=False, factory=_Connection
            )
            with self._guard:
                self._connections.add(connection)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """Close every connection."""
        with self._guard:
            for connection in list(self._connections):
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:  # SQLite ends it itself when the disk is full
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        self._writes += 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads of this thread inside see one state, whatever is written meanwhile."""
        connection = self._connection
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    # --- settings of the index ---

    def meta(self, key: str) -> str | None:
        """A value that describes the index as a whole."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Store values that describe the index as a whole."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def integrity(self) -> str:
        """What SQLite finds wrong with the file: ``ok`` or the first few faults."""
        return "; ".join(str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(3)"))

    # --- sources ---

    def states(self) -> dict[str, SourceState]:
        """Every indexed file by id."""
        rows = self._connection.execute("SELECT id, kind, hash, stamp FROM sources")
        return {row[0]: SourceState(*row[1:]) for row in rows}

    def put(self, records: Iterable[SourceRecord]) -> None:
        """Replace everything that is known of these files, in one transaction."""
        with self._transaction() as connection:
            for record in records:
                _delete(connection, record.id)
                document = record.document
                connection.execute(
                    "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        record.id,
                        record.state.kind,
                        record.state.hash,
                        record.state.stamp,
                        document.title if document else "",
                        document.language if document else "",
                        document.text if document else "",
                        document.source if document else "",
                        _dump(dict(document.metadata)) if document else "{}",
                    ),
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        _passage_row(record.id, position, passage, encoding)
                        for position, (passage, encoding) in enumerate(
                            zip(record.passages, record.encodings, strict=True)
                        )
                    ],
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                    [(fact.id, record.id, _dump_fact(fact)) for fact in record.facts],
                )

    def touch(self, stamps: Mapping[str, str]) -> None:
        """Note new size and time of files whose content did not change."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE sources SET stamp = ? WHERE id = ?", [(stamp, key) for key, stamp in stamps.items()]
            )

    def remove(self, source_ids: Iterable[str]) -> None:
        """Forget files, in one transaction."""
        with self._transaction() as connection:
            for source_id in source_ids:
                _delete(connection, source_id)

    def documents(self) -> list[Document]:
        """All documents in order of id."""
        rows = self._connection.execute(
            "SELECT id, title, language, text, source, metadata FROM sources WHERE kind = 'document' ORDER BY id"
        )
        return [_document(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """One document."""
        row = self._connection.execute(
            "SELECT id, title, language, text, source, metadata FROM sources WHERE kind = 'document' AND id = ?",
            (document_id,),
        ).fetchone()
        return None if row is None else _document(row)

    def summaries(self) -> list[DocumentSummary]:
        """What is known of every document without its text, in order of id."""
        rows = self._connection.execute(
            "SELECT s.id, s.title, s.language, s.source, s.metadata, length(s.text), "
            "(SELECT count(*) FROM passages p WHERE p.source_id = s.id) "
            "FROM sources s WHERE s.kind = 'document' ORDER BY s.id"
        )
        return [
            DocumentSummary(key, title, language, source, str(json.loads(metadata).get("date", "")), length, passages)
            for key, title, language, source, metadata, length, passages in rows
        ]

    def document_count(self) -> int:
        """How many documents are indexed."""
        return int(self._connection.execute("SELECT count(*) FROM sources WHERE kind = 'document'").fetchone()[0])

    def fact(self, fact_id: str) -> Fact | None:
        """One curated fact."""
        row = self._connection.execute("SELECT fact FROM facts WHERE id = ?", (fact_id,)).fetchone()
        return None if row is None else _load_fact(row[0])

    def facts(self) -> list[tuple[str, Fact]]:
        """Every curated fact with the id of its file, in order of file and fact."""
        rows = self._connection.execute("SELECT source_id, fact FROM facts ORDER BY source_id, id")
        return [(row[0], _load_fact(row[1])) for row in rows]

    def fact_count(self) -> int:
        """How many curated facts are indexed."""
        return int(self._connection.execute("SELECT count(*) FROM facts").fetchone()[0])

    @property
    def writes(self) -> int:
        """Changes with every write: what was read is good as long as this stays the same."""
        return self._writes

    # --- passages and vectors ---

    def passage_count(self) -> int:
        """How many passages are indexed."""
        return int(self._connection.execute("SELECT count(*) FROM passages").fetchone()[0])

    def language_counts(self) -> dict[str, int]:
        """How many passages are indexed in each language."""
        # Counting takes longer than a search: once after each write is enough, for nobody else writes.
        writes = self._writes
        if self._counted[0] != writes:
            rows = self._connection.execute("SELECT language, count(*) FROM passages GROUP BY language")
            self._counted = (writes, {row[0]: int(row[1]) for row in rows})
        return dict(self._counted[1])

    def sentences_of(self, language: str) -> dict[str, int]:
        """How many sentences each passage of a language has, by passage id."""
        rows = self._connection.execute(
            "SELECT id, json_array_length(sentences) FROM passages WHERE language = ?", (language,)
        )
        return {row[0]: int(row[1]) for row in rows}

    def sentence_counts(self) -> dict[str, int]:
        """How many sentences the passages of each language have."""
        rows = self._connection.execute("SELECT language, sum(json_array_length(sentences)) FROM passages GROUP BY 1")
        return {row[0]: int(row[1]) for row in rows}

    def outline(self) -> dict[str, tuple[str, int]]:
        """Language and number of sentences of every passage by id."""
        rows = self._connection.execute("SELECT id, language, json_array_length(sentences) FROM passages")
        return {row[0]: (row[1], int(row[2])) for row in rows}

    def sample(self, size: int) -> list[str]:
        """Ids of some passages, spread evenly: ids are digests, so the first in order are."""
        return [row[0] for row in self._connection.execute("SELECT id FROM passages ORDER BY id LIMIT ?", (size,))]

    def sources_without_vectors(self) -> list[str]:
        """Files with passages whose vectors are not stored: none unless the catalogue was damaged."""
        rows = self._connection.execute(
            "SELECT DISTINCT source_id FROM passages WHERE encoding NOT IN (SELECT encoding FROM vectors) ORDER BY 1"
        )
        return [row[0] for row in rows]

    def passages_of(self, source_ids: Iterable[str]) -> list[Passage]:
        """Passages of these files."""
        return [
            _passage(row)
            for chunk in _batched(source_ids, _MAX_VARIABLES)
            for row in self._connection.execute(
                f"SELECT {_PASSAGE_COLUMNS} FROM passages p WHERE source_id IN ({_marks(chunk)}) "
                "ORDER BY source_id, position",
                chunk,
            )
        ]

    def encoded(self, passage_ids: Sequence[str]) -> list[EncodedPassage]:
        """Passages by id with their vectors, in the order asked; unknown ids are left out."""
        found: dict[str, EncodedPassage] = {}
        for chunk in _batched(passage_ids, _MAX_VARIABLES):
            for row in self._connection.execute(
                f"{_ENCODED} WHERE p.id IN ({_marks(chunk)})",
                chunk,
            ):
                found[row[0]] = _encoded(row)
        return [found[key] for key in passage_ids if key in found]

    def outlines(self, passage_ids: Sequence[str]) -> list[Outline]:
        """Outlines by id, in the order asked; unknown ids are left out."""
        found: dict[str, Outline] = {}
        for chunk in _batched(passage_ids, _MAX_VARIABLES):
            for key, language, fact_id, terms, blob in self._connection.execute(
                "SELECT p.id, p.language, p.fact_id, p.terms, v.matrix FROM passages p JOIN vectors v USING (encoding) "
                f"WHERE p.id IN ({_marks(chunk)})",
                chunk,
            ):
                matrix = _unpack(blob)
                found[key] = Outline(key, language, fact_id, matrix[0], matrix[1:], terms.split())
        return [found[key] for key in passage_ids if key in found]

    def statements_of(self, fact_ids: Iterable[str]) -> list[str]:
        """Ids of the passages that state these facts, in every language."""
        return [
            row[0]
            for chunk in _batched(fact_ids, _MAX_VARIABLES)
            for row in self._connection.execute(f"SELECT id FROM passages WHERE fact_id IN ({_marks(chunk)})", chunk)
        ]

    def all_encoded(self) -> Iterator[EncodedPassage]:
        """Every passage with its vectors."""
        for row in self._connection.execute(_ENCODED):
            yield _encoded(row)

    def known_encodings(self, keys: Iterable[str]) -> set[str]:
        """Which of these encodings have their vectors stored."""
        return {
            row[0]
            for chunk in _batched(keys, _MAX_VARIABLES)
            for row in self._connection.execute(
                f"SELECT encoding FROM vectors WHERE encoding IN ({_marks(chunk)})", chunk
            )
        }

    def vectors(self, keys: Iterable[str]) -> dict[str, Encoding]:
        """Stored vectors by encoding."""
        return {
            row[0]: Encoding(_unpack(row[1]), Words.from_bytes(row[2]))
            for chunk in _batched(keys, _MAX_VARIABLES)
            for row in self._connection.execute(
                f"SELECT encoding, matrix, words FROM vectors WHERE encoding IN ({_marks(chunk)})", chunk
            )
        }

    def put_vectors(self, encodings: Mapping[str, Encoding]) -> None:
        """Store the vectors of each encoding, those of texts at half precision."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                [(key, _pack(value.matrix), value.words.to_bytes()) for key, value in encodings.items()],
            )

    def drop_unused_vectors(self) -> None:
        """Forget vectors that no passage refers to any more."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM vectors WHERE encoding NOT IN (SELECT encoding FROM passages)")


class _Connection(sqlite3.Connection):
    """What ``execute`` and ``executemany`` return are cursors of ours."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self.path = path

    def execute(self, *arguments: Any) -> _Cursor:
        return self.cursor(_Cursor).execute(*arguments)

    def executemany(self, *arguments: Any) -> _Cursor:
        return self.cursor(_Cursor).executemany(*arguments)


class _Cursor(sqlite3.Cursor):
    """A cursor whose errors are ours, wherever SQLite meets a damaged page or a full disk."""

    connection: _Connection

    def execute(self, *arguments: Any) -> Self:
        try:
            return super().execute(*arguments)
        except sqlite3.Error as error:
            raise _translated(error, self.connection.path) from error

    def executemany(self, *arguments: Any) -> Self:
        try:
            return super().executemany(*arguments)
        except sqlite3.Error as error:
            raise _translated(error, self.connection.path) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as error:
            raise _translated(error, self.connection.path) from error

    def fetchone(self) -> Any:
        return next(self, None)


def _translated(error: sqlite3.Error, path: Path) -> IndexStateError:
    """One line that says what to do about an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        advice = "free some space on the disk and run the command again"
    elif code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        advice = "make the data directory writable, or choose another with --data DIR"
    else:
        advice = "run: dalil sync --rebuild"
    return IndexStateError(f"{path} cannot be used ({error}); {advice}")


def _delete(connection: sqlite3.Connection, source_id: str) -> None:
    connection.execute("DELETE FROM passages WHERE source_id = ?", (source_id,))
    connection.execute("DELETE FROM facts WHERE source_id = ?", (source_id,))
    connection.execute("DELETE FROM sources WHERE id = ?", (source_id,))


def _batched(values: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """``itertools.batched``, which Python 3.11 lacks."""
    iterator = iter(values)
    while chunk := tuple(islice(iterator, size)):
        yield chunk


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _passage_row(source_id: str, position: int, passage: Passage, encoding: str) -> tuple[Any, ...]:
    sentences = [[s.start, s.end, s.page] for s in passage.sentences]
    return (
        passage.id,
        source_id,
        position,
        passage.document_id,
        passage.title,
        passage.context,
        passage.language,
        passage.kind,
        passage.text,
        passage.start,
        passage.end,
        _dump(sentences),
        passage.fact_id,
        encoding,
        " ".join(passage_terms(passage)),
    )


def _passage(row: tuple[Any, ...]) -> Passage:
    key, document_id, title, context, language, kind, text, start, end, sentences, fact_id = row[:11]
    return Passage(
        id=key,
        document_id=document_id,
        title=title,
        context=context,
        language=language,
        kind=kind,
        text=text,
        start=start,
        end=end,
        sentences=tuple(Sentence(text[a - start : b - start], a, b, page) for a, b, page in json.loads(sentences)),
        fact_id=fact_id,
    )


def _pack(matrix: NDArray[np.float32]) -> bytes:
    # The dimension comes first, so that a row can be read without asking the encoder.
    return np.uint32(matrix.shape[1]).tobytes() + matrix.astype(np.float16).tobytes()


def _unpack(blob: bytes) -> NDArray[np.float32]:
    dimension = int(np.frombuffer(blob, np.uint32, 1)[0])
    return np.frombuffer(blob, np.float16, offset=4).reshape(-1, dimension).astype(np.float32)


def _encoded(row: tuple[Any, ...]) -> EncodedPassage:
    matrix = _unpack(row[12])
    return EncodedPassage(_passage(row), matrix[0], matrix[1:], Words.from_bytes(row[13]), row[11].split())


def _document(row: tuple[Any, ...]) -> Document:
    key, title, language, text, source, metadata = row
    return Document(key, title, language, text, source, json.loads(metadata))


def _dump_fact(fact: Fact) -> str:
    return _dump(
        {
            "id": fact.id,
            "statements": dict(fact.statements),
            "evidence": [[e.document_id, e.quote] for e in fact.evidence],
            "tags": fact.tags,
            "as_of": fact.as_of,
            "basis": fact.basis,
        }
    )


def _load_fact(text: str) -> Fact:
    values = json.loads(text)
    return Fact(
        id=values["id"],
        statements=values["statements"],
        evidence=tuple(Evidence(*pair) for pair in values["evidence"]),
        tags=tuple(values["tags"]),
        as_of=values["as_of"],
        basis=values["basis"],
    )
