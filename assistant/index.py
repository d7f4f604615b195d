"""The index: catalogue, vectors and terms kept in step with the knowledge folder and with each other.

Order of writes, so that a kill at any moment leaves a whole index: vectors into the catalogue; new ids
into the dense and lexical indexes; then, in one transaction, the catalogue's switch from the old passages
to the new; last, the old ids out of both indexes. A question sees a document before the switch or after
it, never in between, and ids that the catalogue does not know are never answered from.

A ``dirty`` mark stands, on the disk itself, from before the first write until both indexes have been closed
and their files have reached the disk; a write that did not end leaves it. Opening a marked index examines the
graph files and compares every id with the catalogue; opening any other compares counts and sizes. What
differs is mended from the catalogue, and indexes whose files contradict themselves are built again from it,
without encoding anything. Mending sets the mark too, so it may be killed like everything else.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

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
from assistant.graphs import damage
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
from assistant.schema import Document, Fact, FileReport, Passage, SyncReport
from assistant.text import TEXT_VERSION
from assistant.vectors import UNITS, Unit, VectorIndex, VectorServer

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYOUT_VERSION = 3
"""Changes whenever an index that is already there would be read or filled differently."""

_BATCH_PASSAGES = 400
"""Passages made durable together: some seconds of encoding, which is all that a kill can cost."""

_PROBES = 32
"""Passages whose vectors are looked for after an unclean end."""

_MAX_LOST = 0.01
"""Share of probes that may fail: the search in the graph is approximate, though hardly for a vector itself."""

_READERS = 2
"""Files read at the same time, in the background: reading is quicker than encoding."""

_FILES_AHEAD = 32
_BYTES_AHEAD = 32_000_000
"""How far reading may be ahead of encoding: what was read waits in memory."""

Seen = TypeVar("Seen")


class Progress(Protocol):
    """Told how a sync goes on."""

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` texts are encoded; ``total`` is an estimate until every file is read."""


def silent(done: int, total: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Where the dense and lexical indexes differ from the catalogue."""

    missing: frozenset[str]
    """Passages that are not, or not with every sentence, in the dense index."""
    unknown: Mapping[tuple[Unit, str], frozenset[str]]
    """Ids in the dense index, for each unit and language, that the catalogue does not know."""
    missing_terms: frozenset[str]
    """Passages that are not in the lexical index."""
    unknown_terms: frozenset[str]
    """Ids in the lexical index that the catalogue does not know."""


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
        self.folder = folder
        self._server = server
        self._dirty = folder / "dirty"
        self._erasing = folder / "erasing"
        self._unfinished = False
        self.mended: str | None = None
        """What was wrong when the index was opened, and has been put right."""
        self._switch = threading.Lock()
        self._switches = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / "lock", timeout=0)
            self._lock.acquire()
        except Timeout:
            raise IndexBusyError(
                f"the index in {folder} is in use by another dalil process; ask there, stop it, or use --data DIR"
            ) from None
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            if rebuild or self._erasing.exists():
                _set_mark(self._erasing)
                self._erase("catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm", "vectors", "lexical")
                self._erasing.unlink()
            self.catalogue = Catalogue(folder / "catalogue.sqlite")
            try:
                self._check_version()
                self._open_indexes()
                if server is not None:
                    self._restore_vectors(rebuild)
            except BaseException:
                self.catalogue.close()
                self._close_vectors()
                raise
        except OSError as error:
            self._lock.release()
            raise _unusable(folder, error) from error
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the stores and give up the directory."""
        try:
            self._close_vectors()
            self.catalogue.close()
            if self._dirty.exists() and not self._unfinished:
                for name in ("vectors", "lexical"):
                    _flush(self.folder / name)
                self._dirty.unlink()
        finally:
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
                    f"the index in {self.folder} was built with {what} {stored[key]}, now it is {expected[key]}; "
                    "run: dalil sync --rebuild"
                )

    def _open_indexes(self) -> None:
        """Open the dense and lexical indexes, mending them where they are not what the catalogue says."""
        marked = self._dirty.exists()
        torn = damage(self.folder / "vectors", thorough=marked) if self._server is None else None
        if torn is None:
            try:
                self._open_stores()
                if self._server is not None:
                    self._reconcile_terms()
                elif marked or not self._counts_agree():
                    self.mended = self._reconcile()
                if self._server is None and marked and self.lost(_PROBES):
                    torn = "stored vectors are not found"
            except VectorServerError:
                raise
            except IndexStateError as error:
                torn = str(error)
        if torn is not None:
            self.rebuild_indexes()
            self.mended = torn

    def _open_stores(self) -> None:
        self.vectors = VectorIndex(self._server or self.folder / "vectors")
        self.lexical = LexicalIndex(self.folder / "lexical")

    def rebuild_indexes(self) -> None:
        """Fill new dense and lexical indexes from the catalogue. Nobody may be asking meanwhile."""
        with self._writing():
            self._close_vectors()
            self._erase("vectors", "lexical")
            self._open_stores()
        if self._server is None:
            self._reconcile()
        else:
            self._reconcile_terms()
            self._restore_vectors(rebuild=False)

    def _reconcile_terms(self) -> None:
        """Make the lexical index hold what the catalogue holds, where the vectors are another's to keep."""
        known, held = self.catalogue.outline().keys(), self.lexical.ids()
        missing, unknown = sorted(known - held), sorted(held - known)
        if not missing and not unknown:
            return
        with self._writing():
            self.lexical.update([], removed=unknown)
            for start in range(0, len(missing), _BATCH_PASSAGES):
                self._add_terms(self.catalogue.encoded(missing[start : start + _BATCH_PASSAGES]))

    def _counts_agree(self) -> bool:
        """Whether both indexes hold as many passages and sentences as the catalogue."""
        expected: Mapping[Unit, Mapping[str, int]] = {
            "passages": self.catalogue.language_counts(),
            "sentences": self.catalogue.sentence_counts(),
        }
        languages = {*expected["passages"], *self.vectors.languages()}
        return self.lexical.count() == self.catalogue.passage_count() and all(
            self.vectors.count(unit, language) == expected[unit].get(language, 0)
            for unit in UNITS
            for language in languages
        )

    def differences(self) -> Differences:
        """Compare every id of both indexes with the catalogue."""
        outline = self.catalogue.outline()
        expected: dict[tuple[Unit, str], dict[str, str]] = {
            (unit, language): {} for unit in UNITS for language in self.vectors.languages()
        }
        for passage_id, (language, sentences) in outline.items():
            expected.setdefault(("passages", language), {})[passage_id] = passage_id
            parts = expected.setdefault(("sentences", language), {})
            parts.update(dict.fromkeys(_sentence_ids(passage_id, sentences), passage_id))
        missing: set[str] = set()
        unknown: dict[tuple[Unit, str], frozenset[str]] = {}
        for place, passage_of in expected.items():
            held = self.vectors.ids(*place)
            missing.update(passage for key, passage in passage_of.items() if key not in held)
            unknown[place] = frozenset(held - passage_of.keys())
        terms = self.lexical.ids()
        return Differences(
            missing=frozenset(missing),
            # What a server has beside ours may belong to another process.
            unknown={} if self._server else {place: ids for place, ids in unknown.items() if ids},
            missing_terms=frozenset(outline.keys() - terms),
            unknown_terms=frozenset(terms - outline.keys()),
        )

    def _reconcile(self) -> str | None:
        """Make both indexes hold what the catalogue holds; what was put right."""
        found = self.differences()
        missing = sorted(found.missing | found.missing_terms)
        unknown = sum(map(len, found.unknown.values())) + len(found.unknown_terms)
        if not missing and not unknown:
            return None
        with self._writing():
            for (unit, language), ids in found.unknown.items():
                self.vectors.delete(unit, language, sorted(ids))
            if found.unknown_terms:
                self.lexical.update([], removed=sorted(found.unknown_terms))
            for start in range(0, len(missing), _BATCH_PASSAGES):
                self._add(self.catalogue.encoded(missing[start : start + _BATCH_PASSAGES]))
        return f"{len(missing)} passages were missing and {unknown} entries left over"

    def lost(self, sample: int) -> list[str]:
        """Stored vectors that the dense index does not find, of a sample of the passages.

        Empty while they are so few that an approximate search may miss them.
        """
        probes = 0
        lost = []
        for encoded in self.catalogue.encoded(self.catalogue.sample(sample)):
            passage = encoded.passage
            sentence_ids = _sentence_ids(passage.id, len(passage.sentences))
            stored: list[tuple[Unit, str, NDArray[np.float32]]] = [("passages", passage.id, encoded.vector)]
            stored += [("sentences", key, row) for key, row in zip(sentence_ids, encoded.sentence_vectors, strict=True)]
            probes += len(stored)
            for unit, key, vector in stored:
                nearest = self.vectors.query(unit, passage.language, vector, 1)
                if nearest != [key] and not self._is_stored(unit, nearest, vector):
                    lost.append(key)
        return lost if len(lost) > _MAX_LOST * probes else []

    def _is_stored(self, unit: Unit, ids: Sequence[str], vector: NDArray[np.float32]) -> bool:
        """Whether one of these ids has the same vector as far as can be told, as repeated text does."""
        for key in ids:
            passage_id = key if unit == "passages" else passage_id_of(key)
            for encoded in self.catalogue.encoded([passage_id]):
                rows = encoded.vector[None, :] if unit == "passages" else encoded.sentence_vectors
                if bool((np.abs(rows - vector).max(axis=1) < 1e-3).any()):
                    return True
        return False

    def unheard(self, sample: int) -> list[str]:
        """Passages of a sample that the lexical index does not find by their own terms."""
        known = self.catalogue.sample(sample)
        return [
            encoded.passage.id
            for encoded in self.catalogue.encoded(known)
            if encoded.terms and not self._is_heard(encoded)
        ]

    def _is_heard(self, encoded: EncodedPassage) -> bool:
        hits = [hit.passage_id for hit in self.lexical.query(encoded.passage.language, encoded.terms, 50)]
        # Text that is repeated more often than that has the same terms as the best.
        return encoded.passage.id in hits or any(
            sorted(best.terms) == sorted(encoded.terms) for best in self.catalogue.encoded(hits[:1])
        )

    def content_digest(self) -> str:
        """Tells one content of the index from another: a digest of every file's id and content."""
        known = sorted(f"{source_id} {state.hash}" for source_id, state in self.catalogue.states().items())
        return content_hash("\n".join(known).encode())[:16]

    def forget(self, source_ids: Sequence[str]) -> None:
        """Take files out of the index: the next sync reads those that are still there again."""
        self._remove(source_ids)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Everything that writes happens within: the mark comes first, and outlives a write that did not end."""
        before, self._unfinished = self._unfinished, True
        try:
            if not self._dirty.exists():
                _set_mark(self._dirty)
            yield
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self._unfinished = before

    def _close_vectors(self) -> None:
        """Close the dense index, if opening it or building it again got so far."""
        if hasattr(self, "vectors"):
            self.vectors.close()
            del self.vectors

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
        sentences = self.catalogue.sentences_of(language)
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
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    # --- sync ---

    def sync(self, knowledge_dir: Path, progress: Progress = silent) -> SyncReport:
        """Bring the index in step with a knowledge folder.

        Files are read in the background while those before them are encoded. A file that cannot be read
        is reported and skipped; what was indexed of it before stays.

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
        details: dict[str, FileReport] = {}

        looked_at: list[_LookedAt] = []
        for file in files:
            if file.kind != "document":
                continue
            try:
                size, stamp = _size_and_stamp(file)
            except DocumentError as error:
                failed[file.id] = _reason(file.id, error)
                continue
            before = known.get(file.id)
            if before and before.stamp == stamp:
                outcome["unchanged"].append(file.id)
            else:
                looked_at.append(_LookedAt(file, size, stamp, before))
        meter = _Meter(progress, sum(one.size for one in looked_at))

        def prepare(one: _LookedAt) -> _Prepared:
            return _prepare(one, readers, self.encoder.count_tokens)

        def prepared() -> Iterator[SourceRecord]:
            for one in _ahead(threads, prepare, looked_at):
                file_id = one.file.id
                meter.taken += one.size
                if one.failure is not None:
                    failed[file_id] = one.failure
                elif one.record is None:
                    touched[file_id] = one.stamp
                    outcome["unchanged"].append(file_id)
                else:
                    outcome["updated" if file_id in known else "added"].append(file_id)
                    details[file_id] = one.report
                    if one.warnings:
                        warnings[file_id] = one.warnings
                    yield one.record

        readers = ReaderPool(_READERS)
        threads = ThreadPoolExecutor(_READERS, thread_name_prefix="dalil-read")
        try:
            self._write(prepared(), meter)
        finally:
            readers.close()  # a read that still goes on fails, so that nothing waits for it
            threads.shutdown(cancel_futures=True)
        present = {file.id for file in files}
        removed = sorted(key for key, state in known.items() if state.kind == "document" and key not in present)
        self._remove(removed)

        def facts() -> Iterator[SourceRecord]:
            for record in self._changed_facts(files, known, outcome, touched, failed):
                details[record.id] = FileReport(len(record.passages))
                yield record

        # Facts come last: their quotes are checked against the documents as they are now.
        self._write(facts(), meter.after())
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
            files=dict(sorted(details.items())),
        )

    def steady(self, look: Callable[[], Seen]) -> Seen:
        """What ``look`` finds in one state of the index: before a document is switched or after it.

        Looking takes several reads. Where a switch came between them, it looks again while none can.
        """
        before = self._switches
        seen = look()
        if before % 2 == 0 and self._switches == before:
            return seen
        with self._switch:
            return look()

    @contextmanager
    def _switching(self) -> Iterator[None]:
        """Around the moment at which questions stop seeing old passages and start seeing new ones."""
        with self._switch:
            self._switches += 1  # odd: it may have happened
            try:
                yield
            finally:
                self._switches += 1

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
        with self._writing():
            texts = {record.id: record.document.text for record in records if record.document}
            records = [*records, *self._without_unfounded(texts)]
            done = self._encode(records, done, progress)
            self._replace(records)
        return done

    def _replace(self, records: Sequence[SourceRecord]) -> None:
        """Replace what is known of these files, whose vectors the catalogue holds."""
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
        with self._switching():
            self.catalogue.put(records)
        self._drop(stale)

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
        self._write(self._without_unfounded(dict.fromkeys(source_ids, "")), silent)
        with self._writing():
            stale = self.catalogue.passages_of(source_ids)
            with self._switching():
                self.catalogue.remove(source_ids)
            self._drop(stale)

    def _without_unfounded(self, texts: Mapping[str, str]) -> list[SourceRecord]:
        """Indexed facts files without the facts that lose their quote when documents get these texts.

        Facts that change are written after every document; until then nothing must rest on a quote that
        is gone. Their state fits no file, so that the files are looked at again whatever happens.
        """
        states = self.catalogue.states()
        if texts.keys().isdisjoint(states):
            return []
        records = []
        for source_id, state in states.items():
            if state.kind != "fact":
                continue
            passages = self.catalogue.passages_of([source_id])
            facts = [self.catalogue.fact(key) for key in dict.fromkeys(one.fact_id for one in passages) if key]
            founded = [fact for fact in facts if fact and _is_founded(fact, texts)]
            if len(founded) < len(facts):
                kept = {fact.id for fact in founded}
                left = [passage for passage in passages if passage.fact_id in kept]
                records.append(_record(source_id, SourceState("fact", "", state.stamp), left, None, founded))
        return records

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
            sentence_ids = [
                key for encoded in group for key in _sentence_ids(encoded.passage.id, len(encoded.passage.sentences))
            ]
            self.vectors.upsert(
                "sentences", language, sentence_ids, np.concatenate([encoded.sentence_vectors for encoded in group])
            )

    def _drop(self, stale: Sequence[Passage]) -> None:
        by_language: dict[str, list[Passage]] = defaultdict(list)
        for passage in stale:
            by_language[passage.language].append(passage)
        for language, group in by_language.items():
            self.vectors.delete("passages", language, [passage.id for passage in group])
            sentences = [key for passage in group for key in _sentence_ids(passage.id, len(passage.sentences))]
            self.vectors.delete("sentences", language, sentences)
        if stale:
            self.lexical.update([], removed=[passage.id for passage in stale])


def _is_founded(fact: Fact, texts: Mapping[str, str]) -> bool:
    """Whether every quote that a fact takes from one of these documents is there."""
    return all(one.quote in texts.get(one.document_id, one.quote) for one in fact.evidence)


def _sentence_ids(passage_id: str, sentences: int) -> list[str]:
    return [f"{passage_id}:{position}" for position in range(sentences)]


def passage_id_of(sentence_id: str) -> str:
    """The passage that a sentence of the dense index belongs to."""
    return sentence_id.rpartition(":")[0]


def _set_mark(path: Path) -> None:
    """Create a file that is there even after the power has failed."""
    path.touch()
    for place in (path, path.parent):
        _to_disk(place)


def _flush(folder: Path) -> None:
    """Make sure that the files below ``folder`` have reached the disk."""
    for path in folder.rglob("*"):
        _to_disk(path)


def _to_disk(path: Path) -> None:
    if os.name == "nt":  # it can do so only for files opened for writing
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unusable(folder: Path, error: OSError) -> IndexStateError:
    return IndexStateError(
        f"the data directory {folder} cannot be used ({error.strerror}); "
        "make it writable, free some space, or choose another with --data DIR"
    )


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
    return _size_and_stamp(file)[1]


def _size_and_stamp(file: SourceFile) -> tuple[int, str]:
    try:
        status = file.path.stat()
    except OSError as error:
        raise DocumentError(f"{file.id}: cannot be read ({error.strerror}); mend or remove it") from error
    return status.st_size, f"{status.st_size}:{status.st_mtime_ns}"


def _reason(file_id: str, error: Exception) -> str:
    return str(error).removeprefix(f"{file_id}: ")


def _by_place(problems: Iterable[Problem]) -> dict[str, str]:
    return {problem.where: problem.message for problem in problems}


# --- reading ahead -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """A document whose size or time is not that of the last sync."""

    file: SourceFile
    size: int
    stamp: str
    before: SourceState | None


_NOTHING = FileReport(0)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A file after reading. Without a record its content has not changed, or it failed."""

    file: SourceFile
    size: int
    stamp: str
    record: SourceRecord | None = None
    report: FileReport = _NOTHING
    warnings: str = ""
    failure: str | None = None


def _prepare(one: _LookedAt, readers: ReaderPool, count_tokens: Callable[[str], int]) -> _Prepared:
    """Read, parse and split one file: everything that comes before encoding."""
    file = one.file
    try:
        data = file.read()
        state = SourceState("document", content_hash(data), one.stamp)
        if one.before and one.before.hash == state.hash:
            return _Prepared(file, one.size, one.stamp)
        source = read_safely(readers, file.id, data)
    except DocumentError as error:
        kept = "; its last good version stays indexed" if one.before else ""
        return _Prepared(file, one.size, one.stamp, failure=_reason(file.id, error) + kept)
    passages = split_source(source, count_tokens)
    pages = max((block.page or 0 for block in source.blocks), default=0)
    return _Prepared(
        file,
        one.size,
        one.stamp,
        _record(file.id, state, passages, source.document),
        FileReport(len(passages), pages, dict(source.repairs)),
        "; ".join(source.warnings),
    )


def _ahead(
    threads: ThreadPoolExecutor, prepare: Callable[[_LookedAt], _Prepared], files: Iterable[_LookedAt]
) -> Iterator[_Prepared]:
    """Files prepared in the background, in their order, no further ahead than memory should hold."""
    waiting: deque[tuple[int, Future[_Prepared]]] = deque()
    size = 0
    for file in files:
        while waiting and (len(waiting) >= _FILES_AHEAD or size + file.size > _BYTES_AHEAD):
            first, future = waiting.popleft()
            size -= first
            yield future.result()
        waiting.append((file.size, threads.submit(prepare, file)))
        size += file.size
    for _, future in waiting:
        yield future.result()


class _Meter:
    """Passes progress on, with the total that files still to be read are likely to add."""

    def __init__(self, progress: Progress, size: int, start: int = 0) -> None:
        self.taken = 0
        """Bytes of the files that were read so far."""
        self._progress = progress
        self._size = size
        self._start = start
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        """``done`` of the ``total`` texts of the files read so far are encoded."""
        self._done = done
        likely = round(total * self._size / self.taken) if self.taken else total
        self._progress(self._start + done, self._start + max(total, likely))

    def after(self) -> _Meter:
        """One for texts that are encoded after these."""
        return _Meter(self._progress, 0, self._start + self._done)
