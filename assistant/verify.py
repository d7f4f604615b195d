"""Whether catalogue, dense index, lexical index and knowledge folder say the same, and how to mend it.

Opening an index looks at counts and sizes only; here every id is compared, every graph element read, and a
sample of vectors and terms looked for. Nothing is changed unless asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from assistant.doctor import Finding
from assistant.errors import DocumentError, IndexStateError
from assistant.graphs import damage
from assistant.index import Index
from assistant.knowledge import content_hash, scan

_SAMPLE = 300
"""Passages whose vectors and terms are looked for."""

_NAMED = 3
"""Ids that a finding names; the rest are counted."""


def verify(index: Index, knowledge_dir: Path) -> list[Finding]:
    """Everything that was compared, the truth that the others depend on first.

    Raises:
        KnowledgeError: the knowledge folder cannot be read.
    """
    findings = [
        _look("catalogue", lambda: _catalogue_faults(index), f"{index.catalogue.passage_count()} passages"),
        _look("vectors", lambda: _vector_faults(index), "every id; a sample finds itself"),
        _look("terms", lambda: _term_faults(index), "every id; a sample finds itself"),
        _look("knowledge", lambda: _knowledge_faults(index, knowledge_dir), f"in step with {knowledge_dir}"),
    ]
    if index.mended is not None:
        findings.insert(0, Finding("opening", True, f"mended: {index.mended}"))
    return findings


def repair(index: Index, knowledge_dir: Path) -> None:
    """Build both indexes again where they differ from the catalogue; the next sync reads what differs from the folder.

    Raises:
        IndexStateError: the catalogue itself is damaged; the message names the command that starts anew.
        KnowledgeError: the knowledge folder cannot be read.
    """
    integrity = index.catalogue.integrity()
    if integrity != "ok":
        raise IndexStateError(f"the catalogue of the index is damaged ({integrity}); run: dalil sync --rebuild")
    # A sync trusts size and time; without them it reads the file.
    index.catalogue.touch(dict.fromkeys(_edited(index, knowledge_dir), ""))
    index.forget(index.catalogue.sources_without_vectors())
    if _faults(lambda: [*_vector_faults(index), *_term_faults(index)]):
        index.rebuild_indexes()


def _look(subject: str, examine: Callable[[], Iterable[str]], fine: str) -> Finding:
    faults = _faults(examine)
    return Finding(subject, not faults, "; ".join(faults) or fine)


def _faults(examine: Callable[[], Iterable[str]]) -> list[str]:
    """What is wrong; a store that cannot even be read is."""
    try:
        return list(examine())
    except IndexStateError as error:
        return [str(error)]


def _catalogue_faults(index: Index) -> Iterable[str]:
    integrity = index.catalogue.integrity()
    if integrity != "ok":
        yield f"damaged ({integrity}); run: dalil sync --rebuild"
    yield from _listed("documents lack vectors", index.catalogue.sources_without_vectors())


def _vector_faults(index: Index) -> Iterable[str]:
    torn = damage(index.folder / "vectors", thorough=True)
    if torn is not None:
        yield torn
    found = index.differences()
    yield from _listed("passages missing", found.missing)
    yield from _listed("unknown entries", (key for ids in found.unknown.values() for key in ids))
    yield from _listed("vectors not found", index.lost(_SAMPLE))


def _term_faults(index: Index) -> Iterable[str]:
    found = index.differences()
    yield from _listed("passages missing", found.missing_terms)
    yield from _listed("unknown entries", found.unknown_terms)
    yield from _listed("passages not found by their words", index.unheard(_SAMPLE))


def _knowledge_faults(index: Index, knowledge_dir: Path) -> Iterable[str]:
    files = {file.id: file for file in scan(knowledge_dir)}
    known = index.catalogue.states()
    yield from _listed("files not indexed", files.keys() - known.keys())
    yield from _listed("indexed files gone", known.keys() - files.keys())
    yield from _listed("files changed since", _edited(index, knowledge_dir))


def _edited(index: Index, knowledge_dir: Path) -> list[str]:
    """Indexed documents whose content is another now, even where size and time are the same."""
    known = index.catalogue.states()
    edited = []
    for file in scan(knowledge_dir):
        if file.kind == "document" and file.id in known:
            try:
                same = content_hash(file.read()) == known[file.id].hash
            except DocumentError:
                same = False
            if not same:
                edited.append(file.id)
    return edited


def _listed(what: str, ids: Iterable[str]) -> Iterable[str]:
    """One line that counts ``ids`` and names the first few, none where there are none."""
    names = sorted(ids)
    if names:
        more = ", …" if len(names) > _NAMED else ""
        yield f"{len(names)} {what} ({', '.join(islice(names, _NAMED))}{more})"
