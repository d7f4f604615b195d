"""Files into the knowledge folder and out of it.

A file appears in the folder whole or not at all: it is written under a hidden name, which every scan leaves
alone, and then renamed.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from assistant.errors import DocumentError, FactsError, KnowledgeError
from assistant.knowledge import FACTS_FOLDER, HIDDEN, SourceFile, parse_facts, scan
from assistant.readers import SUFFIXES
from assistant.readers.worker import ReaderPool, read_safely
from assistant.settings import shipped_knowledge_dir

_JOINER = "\u200c"
"""Stands between letters of Persian words, and is no character to be afraid of."""

_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]", re.IGNORECASE)

_MAX_NAME_BYTES = 200
"""File systems allow 255, and unfinished copies need some."""

FACTS_SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class AddReport:
    """What ``add`` did with the files it was given."""

    copied: list[str] = field(default_factory=list)
    """Ids of new and replaced files."""
    present: list[str] = field(default_factory=list)
    """Ids of files that were there already with the same content."""
    refused: dict[str, str] = field(default_factory=dict)
    """Path of a file that was not copied to the reason in one line."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Suffix to how many such files of added folders were passed over."""


def add(folder: Path, sources: Sequence[Path], into: str = "", replace: bool = False) -> AddReport:
    """Copy files, and folders with everything in them, into the knowledge folder; names are kept.

    A file is refused, and the others are still copied, where its format is not supported, it cannot be
    read, or another file has its place.

    Args:
        folder: knowledge folder; created if missing.
        sources: files and folders to copy.
        into: subfolder of the knowledge folder.
        replace: put files in the place of others.

    Raises:
        KnowledgeError: a source does not exist, ``into`` leads elsewhere, or the folder cannot be written.
    """
    _refuse_shipped(folder)
    root = folder.resolve()
    target = (root / into).resolve()
    if not target.is_relative_to(root) or any(part.startswith(HIDDEN) for part in target.relative_to(root).parts):
        raise KnowledgeError(f"'{into}' is not a place in the knowledge folder; name a subfolder, as in --into reports")
    for source in sources:
        if not source.exists():
            raise KnowledgeError(f"there is no file or folder {source}; check its name")
    report = AddReport()
    taken: set[Path] = set()
    with ReaderPool() as readers:
        for path, place in _places(sources, target, root, report):
            try:
                file_id = place.relative_to(root).as_posix()
                _refuse_place(path, place, root)
                data = SourceFile(str(path), path, "document").read()
                _refuse_unreadable(readers, file_id, data)
                if place in taken:
                    raise DocumentError("another of these files has the same name; add it with --into")
                taken.add(place)
                if place.is_file() and place.read_bytes() == data:
                    report.present.append(file_id)
                    continue
                if place.exists() and not (replace and place.is_file()):
                    raise DocumentError(
                        f"{file_id} is already in the knowledge folder; put it elsewhere with --into"
                        + (" or over it with --replace" if place.is_file() else "")
                    )
                _write(place, data)
                report.copied.append(file_id)
            except (DocumentError, FactsError) as error:
                report.refused[str(path)] = str(error).removeprefix(f"{path}: ").removeprefix(f"{file_id}: ")
    return report


def safe_name(name: str) -> str:
    """A name for a file that somebody sends, whatever name it came with; letters of every language are kept.

    Folders are cut off; control characters, and marks that turn the direction of what follows, are left out;
    names that Windows reserves get an underscore; long ones are shortened before their suffix.

    Raises:
        DocumentError: nothing of the name is left, or it would be hidden.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(char for char in last if char == _JOINER or unicodedata.category(char)[0] != "C")
    plain = _FORBIDDEN.sub("_", " ".join(kept.split())).strip(". ") if not kept.startswith(HIDDEN) else ""
    stem, suffix = PurePosixPath(plain).stem, PurePosixPath(plain).suffix
    if not stem.strip(_JOINER + "_ ") or not suffix:
        raise DocumentError("has no usable name; give it one such as report.pdf")
    if _RESERVED.fullmatch(plain.split(".", 1)[0].strip()):
        stem = f"_{stem}"
    room = _MAX_NAME_BYTES - len(suffix.encode())
    if room < 1:
        raise DocumentError(f"unknown format; supported: {', '.join(SUFFIXES)}")
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + suffix


def obstacle(folder: Path) -> Literal["shipped", "read-only"] | None:
    """Why files cannot be put into a knowledge folder; None where they can."""
    if folder == shipped_knowledge_dir():
        return "shipped"
    return None if os.access(folder, os.W_OK | os.X_OK) else "read-only"


def remove(folder: Path, ids: Iterable[str]) -> None:
    """Delete files of the knowledge folder.

    Raises:
        KnowledgeError: an id is unknown, in which case nothing is deleted, or a file cannot be deleted.
    """
    for file in chosen(folder, ids):
        try:
            file.path.unlink()
        except OSError as error:
            raise KnowledgeError(f"{file.path} cannot be removed ({error.strerror}); check its permissions") from error


def chosen(folder: Path, ids: Iterable[str]) -> list[SourceFile]:
    """Files of the knowledge folder by id.

    Raises:
        KnowledgeError: an id is unknown; the message names the nearest ones.
    """
    _refuse_shipped(folder)
    known = {file.id: file for file in scan(folder)}
    files = []
    for file_id in dict.fromkeys(ids):
        if file_id not in known:
            near = difflib.get_close_matches(file_id, known, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "'dalil list' names those that are"
            raise KnowledgeError(f"no document '{file_id}' is in the knowledge folder {folder}; {hint}")
        files.append(known[file_id])
    return files


def citing_facts(folder: Path, ids: Iterable[str]) -> dict[str, list[str]]:
    """Document id to the curated facts (``file#fact``) that quote it, where their files stay."""
    wanted = set(ids)
    found: dict[str, list[str]] = {}
    for file in scan(folder):
        if file.kind != "fact" or file.id in wanted:
            continue
        try:
            facts, _ = parse_facts(file.id, file.read())
        except (DocumentError, FactsError):
            continue  # 'dalil check' and every sync name it
        for fact in facts:
            for document_id in dict.fromkeys(one.document_id for one in fact.evidence):
                if document_id in wanted:
                    found.setdefault(document_id, []).append(f"{file.id}#{fact.id}")
    return found


def _places(sources: Sequence[Path], target: Path, root: Path, report: AddReport) -> Iterator[tuple[Path, Path]]:
    """Each file to copy with the place it gets. In a folder, hidden files and other formats are passed over."""
    for source in sources:
        if not source.is_dir():
            yield source, target / source.name
            continue
        source = source.resolve()  # "." has no name
        for parent, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(parent) / name != root)
            for name in sorted(names):
                path = Path(parent) / name
                place = target / source.name / path.relative_to(source)
                if name.startswith(HIDDEN) or not path.is_file():
                    continue
                if path.suffix.lower() in SUFFIXES or path.suffix.lower() in FACTS_SUFFIXES:
                    yield path, place
                else:
                    report.skipped[path.suffix] = report.skipped.get(path.suffix, 0) + 1


def _refuse_shipped(folder: Path) -> None:
    """Leave the knowledge base that comes with Dalil alone, unless it is the folder in a checkout.

    Raises:
        KnowledgeError: it is.
    """
    if folder == shipped_knowledge_dir():
        raise KnowledgeError("there is no knowledge folder here; run: mkdir knowledge (or name one with --knowledge)")


def _refuse_place(path: Path, place: Path, root: Path) -> None:
    """Check what can be said without reading the file.

    Raises:
        DocumentError: it would never be indexed there, or it is there already.
    """
    suffix = path.suffix.lower()
    if suffix in FACTS_SUFFIXES:
        if place.relative_to(root).parts[0] != FACTS_FOLDER or place.parent == root:
            raise DocumentError(f"facts belong in a folder of their own; add them with --into {FACTS_FOLDER}")
    elif suffix not in SUFFIXES:
        raise DocumentError(f"unknown format; supported: {', '.join(SUFFIXES)}")
    if path.name.startswith(HIDDEN):
        raise DocumentError("is a hidden file, which is never indexed; give it another name")
    if not path.is_file():
        raise DocumentError("is not a file")
    if not place.parent.resolve().is_relative_to(root):
        raise DocumentError(f"{place.parent} leads out of the knowledge folder; add it with another --into")
    if path.resolve() != place.resolve() and path.resolve().is_relative_to(root):
        raise DocumentError("is in the knowledge folder already")


def _refuse_unreadable(readers: ReaderPool, file_id: str, data: bytes) -> None:
    """Read a file as sync will.

    Raises:
        DocumentError: it cannot be read.
        FactsError: it is not a list of facts.
    """
    if PurePosixPath(file_id).suffix.lower() in FACTS_SUFFIXES:
        parse_facts(file_id, data)
    else:
        read_safely(readers, file_id, data)


def _write(place: Path, data: bytes) -> None:
    """Write a file so that it is never seen half.

    Raises:
        KnowledgeError: the knowledge folder cannot be written.
    """
    unfinished = place.with_name(f".dalil-{secrets.token_hex(8)}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(place)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise KnowledgeError(
            f"{place} cannot be written ({error.strerror}); check the permissions and the space of its folder"
        ) from error
