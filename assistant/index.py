"""The index: catalogue, vectors and terms kept in step with the knowledge folder and with each other.

Order of writes, so that a kill at any moment leaves a whole index: vectors into the catalogue; new ids
into the dense and lexical indexes; then, in one transaction, the catalogue's switch from the old passages
to the new; last, the old ids out of both indexes. A question sees a document before the switch or after
it, never in between, and ids that the catalogue does not know are never answered from.

A ``dirty`` mark stands from the first write until both indexes have been closed. Opening a marked index
rebuilds the dense and lexical indexes from the catalogue, without encoding anything.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from assistant.catalogue import Catalogue, EncodedPassage, Encoding, SourceRecord, SourceState
from assistant.encoder import Encoder
from assistant.errors import (
    DocumentError,
    FactsError,
    IndexBusyError,
    IndexMismatchError,
    IndexStateError,
    VectorServerError,
)
from assistant.knowledge import (
    Problem,
    SourceFile,
    content_hash,
    duplicate_problems,
    fact_problems,
    parse_facts,
    scan,
)
from assistant.lexical import LexicalIndex
from assistant.passages import encoder_parts, encoding_key, fact_passages, split_source
from assistant.readers.worker import ReaderPool, read_safely
from assistant.schema import Document, Fact, Passage, SyncReport
from assistant.text import TEXT_VERSION
from assistant.vectors import UNITS, VectorIndex, VectorServer

LAYOUT_VERSION = 3
"""Changes whenever an index that is already there would be read or filled differently."""

_BATCH_PASSAGES = 400
"""Passages made durable together: some seconds of encoding, which is all that a kill can cost."""

_PROBES = 20
"""Vectors that a server is asked for to see whether its graphs are whole: a torn one finds less than half."""


class Progress(Protocol):
    """Told how a sync goes on."""

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` texts are encoded; ``total`` grows while files are read."""


def silent(done: int, total: int) -> None:
    """Nobody is watching."""


class Index:
    """Owns a data directory for the life of the object. Reading is thread-safe; one thread syncs."""

    def __init__(
        self, folder: Path, encoder: Encoder, rebuild: bool = False, server: VectorServer | None = None
    ) -> None:
        """Open the index in ``folder``, creating it if missing, and mend it after an unclean end.

        Args:
            folder: data directory.
            encoder: what questions and passages are encoded with.
            rebuild: throw away what is there and start empty.
            server: holds the vectors instead of ``folder``, for several processes with a folder each.

        Raises:
            IndexBusyError: another process owns the directory.
            IndexMismatchError: the index was built with another model or text analysis.
            IndexStateError: the directory cannot be used.
        """
        self.encoder = encoder
        self._folder = folder
        self._server = server
        self._dirty = folder / "dirty"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / "lock", timeout=0)
            self._lock.acquire()
        except Timeout:
            raise IndexBusyError(
                f"the index in {folder} is in use by another dalil process; ask there, stop it, or use --data DIR"
            ) from None
        except OSError as error:
            raise IndexStateError(
                f"the data directory {folder} cannot be used ({error.strerror}); choose another with --data DIR"
            ) from error
        try:
            if rebuild:
                self._erase("catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm", "vectors", "lexical")
            self.catalogue = Catalogue(folder / "catalogue.sqlite")
            try:
                self._check_version()
                self._open_indexes()
                if server is not None:
                    self._restore_vectors(rebuild)
            except BaseException:
                self.catalogue.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the stores and give up the directory."""
        self.vectors.close()
        self.catalogue.close()
        self._dirty.unlink(missing_ok=True)
        self._lock.release()

    # --- opening ---

    def _check_version(self) -> None:
        expected = {
            "layout": str(LAYOUT_VERSION),
            "text": str(TEXT_VERSION),
            "model": self.encoder.fingerprint,
        }
        stored = {key: self.catalogue.meta(key) for key in expected}
        if all(value is None for value in stored.values()):
            self.catalogue.set_meta(expected)
            return
        for key, what in (("model", "the model"), ("text", "text analysis"), ("layout", "index layout")):
            if stored[key] != expected[key]:
                raise IndexMismatchError(
                    f"the index in {self._folder} was built with {what} {stored[key]}, now it is {expected[key]}; "
                    "run: dalil sync --rebuild"
                )

    def _open_indexes(self) -> None:
        mend = self._dirty.exists()
        if not mend:
            try:
                self._open_stores()
                mend = self.lexical.count() != self.catalogue.passage_count()
            except VectorServerError:
                raise
            except IndexStateError:
                mend = True
        if mend:
            self._rebuild_indexes()

    def _open_stores(self) -> None:
        self.vectors = VectorIndex(self._server or self._folder / "vectors")
        self.lexical = LexicalIndex(self._folder / "lexical")

    def _rebuild_indexes(self) -> None:
        """Fill new dense and lexical indexes from the catalogue; ``_restore_vectors`` sees to a server's."""
        vectors: VectorIndex | None = getattr(self, "vectors", None)
        if vectors is not None:
            vectors.close()
        self._erase("vectors", "lexical")
        self._dirty.touch()
        self._open_stores()
        add = self._add if self._server is None else self._add_terms
        batch: list[EncodedPassage] = []
        for encoded in self.catalogue.all_encoded():
            batch.append(encoded)
            if len(batch) == _BATCH_PASSAGES:
                add(batch)
                batch = []
        add(batch)

    def _restore_vectors(self, rebuild: bool) -> None:
        """Make sure that the server has every vector that the catalogue knows, and graphs that find them.

        What it has beside them may belong to another process that is ahead or behind: it stays, unless
        everything is to be built again.
        """
        for language in list(self.vectors.languages()) if rebuild else ():
            self._clear_vectors(language)
        for language in self.catalogue.language_counts():
            try:
                whole = self._complete_vectors(language)
            except VectorServerError as error:
                if not error.reached:
                    raise
                whole = False
            if not whole:
                self._clear_vectors(language)
                self._complete_vectors(language)

    def _complete_vectors(self, language: str) -> bool:
        """Add the vectors of a language that the server lacks; whether it then finds those that it should have."""
        sentences = self.catalogue.sentence_counts(language)
        held = self.vectors.ids("passages", language)
        if self.vectors.count("sentences", language) != sum(sentences.values()):
            parts = Counter(map(passage_id_of, self.vectors.ids("sentences", language)))
            held &= {key for key, count in sentences.items() if parts[key] == count}
        missing = sorted(sentences.keys() - held)
        for start in range(0, len(missing), _BATCH_PASSAGES):
            self._add_vectors(self.catalogue.encoded(missing[start : start + _BATCH_PASSAGES]))
        probes = self.catalogue.encoded(sorted(sentences)[:_PROBES])
        return self.vectors.finds(
            "passages", language, np.stack([one.vector for one in probes])
        ) and self.vectors.finds(
            "sentences", language, np.concatenate([one.sentence_vectors for one in probes])[:_PROBES]
        )

    def _clear_vectors(self, language: str) -> None:
        for unit in UNITS:
            self.vectors.clear(unit, language)

    def _erase(self, *names: str) -> None:
        for name in names:
            path = self._folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    # --- sync ---

    def sync(self, knowledge_dir: Path, progress: Progress = silent) -> SyncReport:
        """Bring the index in step with a knowledge folder.

        A file that cannot be read is reported and skipped; what was indexed of it before stays.

        Raises:
            KnowledgeError: ``knowledge_dir`` is not a folder that can be read.
        """
        begun = time.perf_counter()
        files = scan(knowledge_dir)
        known = self.catalogue.states()
        failed: dict[str, str] = {}
        warnings: dict[str, str] = {}
        outcome: dict[str, list[str]] = {"added": [], "updated": [], "unchanged": []}
        touched: dict[str, str] = {}

        changed: list[tuple[SourceFile, SourceState, bytes]] = []
        for file in files:
            if file.kind != "document":
                continue
            try:
                stamp = _stamp(file)
                before = known.get(file.id)
                if before and before.stamp == stamp:
                    outcome["unchanged"].append(file.id)
                    continue
                data = file.read()
            except DocumentError as error:
                failed[file.id] = _reason(file.id, error)
                continue
            state = SourceState("document", content_hash(data), stamp)
            if before and before.hash == state.hash:
                touched[file.id] = stamp
                outcome["unchanged"].append(file.id)
            else:
                changed.append((file, state, data))

        def prepared(pool: ReaderPool) -> Iterator[SourceRecord]:
            for file, state, data in changed:
                try:
                    source = read_safely(pool, file.id, data)
                except DocumentError as error:
                    kept = "; its last good version stays indexed" if file.id in known else ""
                    failed[file.id] = _reason(file.id, error) + kept
                    continue
                if source.warnings:
                    warnings[file.id] = "; ".join(source.warnings)
                outcome["updated" if file.id in known else "added"].append(file.id)
                passages = split_source(source, self.encoder.count_tokens)
                yield _record(file.id, state, passages, source.document)

        with ReaderPool() as pool:
            self._write(prepared(pool), progress)
        present = {file.id for file in files}
        removed = sorted(key for key, state in known.items() if state.kind == "document" and key not in present)
        self._remove(removed)
        # Facts come last: their quotes are checked against the documents as they are now.
        self._write(self._changed_facts(files, known, outcome, touched, failed), progress)
        gone = sorted(key for key, state in known.items() if state.kind == "fact" and key not in present)
        self._remove(gone)
        if touched:
            self.catalogue.touch(touched)
        if outcome["added"] or outcome["updated"] or removed or gone:
            self.catalogue.drop_unused_vectors()
        return SyncReport(
            added=tuple(sorted(outcome["added"])),
            updated=tuple(sorted(outcome["updated"])),
            removed=tuple(sorted([*removed, *gone])),
            unchanged=tuple(sorted(outcome["unchanged"])),
            failed=dict(sorted(failed.items())),
            passages=self.catalogue.passage_count(),
            seconds=time.perf_counter() - begun,
            warnings=dict(sorted(warnings.items())),
        )

    def _changed_facts(
        self,
        files: Sequence[SourceFile],
        known: dict[str, SourceState],
        outcome: dict[str, list[str]],
        touched: dict[str, str],
        failed: dict[str, str],
    ) -> Iterator[SourceRecord]:
        """Facts files whose content, or a document that they cite, has changed."""
        parsed: list[tuple[SourceFile, bytes, list[Fact]]] = []
        for file in files:
            if file.kind != "fact":
                continue
            try:
                data = file.read()
                facts, problems = parse_facts(file.id, data)
            except (DocumentError, FactsError) as error:
                kept = "; its last good version stays indexed" if file.id in known else ""
                failed[file.id] = _reason(file.id, error) + kept
                continue
            failed.update(_by_place(problems))
            parsed.append((file, data, facts))
        failed.update(_by_place(duplicate_problems((file.id, fact) for file, _, facts in parsed for fact in facts)))
        texts = {document.id: document for document in self.catalogue.documents()} if parsed else {}
        seen: set[str] = set()
        for file, data, facts in parsed:
            problems = fact_problems(file.id, facts, {key: document.text for key, document in texts.items()})
            failed.update(_by_place(problems))
            bad = {problem.where for problem in problems}
            valid = [fact for fact in facts if f"{file.id}#{fact.id}" not in bad and fact.id not in seen]
            seen.update(fact.id for fact in facts)
            # A fact is indexed again when its text, its validity or its document's title changes.
            titles = [f"{fact.id}:{texts[fact.evidence[0].document_id].title}" for fact in valid]
            state = SourceState("fact", content_hash(data + "\n".join(titles).encode()), _stamp(file))
            before = known.get(file.id)
            if before and before.hash == state.hash:
                if before.stamp != state.stamp:
                    touched[file.id] = state.stamp
                outcome["unchanged"].append(file.id)
                continue
            outcome["updated" if before else "added"].append(file.id)
            passages = [
                passage for fact in valid for passage in fact_passages(fact, texts[fact.evidence[0].document_id].title)
            ]
            yield _record(file.id, state, passages, None, valid)

    def _write(self, records: Iterable[SourceRecord], progress: Progress) -> None:
        batch: list[SourceRecord] = []
        size = 0
        done = 0
        for record in records:
            batch.append(record)
            size += len(record.passages)
            if size >= _BATCH_PASSAGES:
                done = self._write_batch(batch, done, progress)
                batch, size = [], 0
        if batch:
            self._write_batch(batch, done, progress)

    def _write_batch(self, records: Sequence[SourceRecord], done: int, progress: Progress) -> int:
        self._dirty.touch()
        done = self._encode(records, done, progress)
        before = {passage.id: passage for passage in self.catalogue.passages_of([record.id for record in records])}
        after = {
            passage.id: (passage, key)
            for record in records
            for passage, key in zip(record.passages, record.encodings, strict=True)
        }
        fresh = [pair for passage_id, pair in after.items() if passage_id not in before]
        stale = [passage for passage_id, passage in before.items() if passage_id not in after]
        encodings = self.catalogue.vectors([key for _, key in fresh])
        self._add(
            [
                EncodedPassage(passage, one.matrix[0], one.matrix[1:], one.words, ())
                for passage, key in fresh
                for one in [encodings[key]]
            ]
        )
        self.catalogue.put(records)
        self._drop(stale)
        return done

    def _encode(self, records: Sequence[SourceRecord], done: int, progress: Progress) -> int:
        """Make sure that the catalogue holds the vectors of every passage."""
        wanted = {
            key: passage for record in records for key, passage in zip(record.encodings, record.passages, strict=True)
        }
        for key in self.catalogue.known_encodings(wanted):
            del wanted[key]
        sentences = {key: [one.text for one in passage.sentences] for key, passage in wanted.items()}
        total = done + len(wanted) + sum(map(len, sentences.values()))
        count = done

        def step(texts_done: int) -> None:
            nonlocal count
            count += texts_done
            progress(count, total)

        wholes, words = self.encoder.encode_with_words([encoder_parts(passage) for passage in wanted.values()], step)
        vectors = self.encoder.encode_passages(list(chain.from_iterable(sentences.values())), step)
        encodings = {}
        start = 0
        for (key, parts), whole, held in zip(sentences.items(), wholes, words, strict=True):
            encodings[key] = Encoding(np.vstack([whole, vectors[start : start + len(parts)]]), held)
            start += len(parts)
        self.catalogue.put_vectors(encodings)
        return count

    def _remove(self, source_ids: Sequence[str]) -> None:
        if not source_ids:
            return
        self._dirty.touch()
        stale = self.catalogue.passages_of(source_ids)
        self.catalogue.remove(source_ids)
        self._drop(stale)

    def _add(self, batch: Sequence[EncodedPassage]) -> None:
        self._add_vectors(batch)
        self._add_terms(batch)

    def _add_terms(self, batch: Sequence[EncodedPassage]) -> None:
        if batch:
            self.lexical.update([encoded.passage for encoded in batch])

    def _add_vectors(self, batch: Sequence[EncodedPassage]) -> None:
        by_language: dict[str, list[EncodedPassage]] = defaultdict(list)
        for encoded in batch:
            by_language[encoded.passage.language].append(encoded)
        for language, group in by_language.items():
            ids = [encoded.passage.id for encoded in group]
            self.vectors.upsert("passages", language, ids, np.stack([encoded.vector for encoded in group]))
            sentence_ids = [key for encoded in group for key in _sentence_ids(encoded.passage)]
            self.vectors.upsert(
                "sentences", language, sentence_ids, np.concatenate([encoded.sentence_vectors for encoded in group])
            )

    def _drop(self, stale: Sequence[Passage]) -> None:
        by_language: dict[str, list[Passage]] = defaultdict(list)
        for passage in stale:
            by_language[passage.language].append(passage)
        for language, group in by_language.items():
            self.vectors.delete("passages", language, [passage.id for passage in group])
            self.vectors.delete("sentences", language, [key for passage in group for key in _sentence_ids(passage)])
        if stale:
            self.lexical.update([], removed=[passage.id for passage in stale])


def _sentence_ids(passage: Passage) -> list[str]:
    return [f"{passage.id}:{position}" for position in range(len(passage.sentences))]


def passage_id_of(sentence_id: str) -> str:
    """The passage that a sentence of the dense index belongs to."""
    return sentence_id.rpartition(":")[0]


def _record(
    source_id: str,
    state: SourceState,
    passages: Sequence[Passage],
    document: Document | None,
    facts: Sequence[Fact] = (),
) -> SourceRecord:
    encodings = tuple(encoding_key(passage) for passage in passages)
    return SourceRecord(source_id, state, document, tuple(passages), encodings, tuple(facts))


def _stamp(file: SourceFile) -> str:
    try:
        status = file.path.stat()
    except OSError as error:
        raise DocumentError(f"{file.id}: cannot be read ({error.strerror}); mend or remove it") from error
    return f"{status.st_size}:{status.st_mtime_ns}"


def _reason(file_id: str, error: Exception) -> str:
    return str(error).removeprefix(f"{file_id}: ")


def _by_place(problems: Iterable[Problem]) -> dict[str, str]:
    return {problem.where: problem.message for problem in problems}
