"""The knowledge folder: which files it holds, its curated facts, and whether those are true to it.

``documents`` are all files of a supported format anywhere below the folder; facts are the YAML files
below ``facts/``. Hidden files and folders, and links that lead outside, are left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistant.errors import DocumentError, FactsError, KnowledgeError
from assistant.readers import SUFFIXES, check_size, decode, is_date, load_yaml, yaml_place
from assistant.readers.worker import ReaderPool, read_safely
from assistant.schema import Document, Evidence, Fact, Kind
from assistant.text import detect_language

FACTS_FOLDER = "facts"
FACT_LANGUAGES = ("ar", "en")

HIDDEN = (".", "~$")
"""Names that start so are left alone; the second is how Office marks an open file."""

_FACT_KEYS = {"id", "statement", "evidence", "tags", "as_of", "basis"}
_FACT_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the knowledge folder."""

    id: str
    """Path below the knowledge folder, with forward slashes."""
    path: Path
    kind: Kind

    def read(self) -> bytes:
        """Content of the file.

        Raises:
            DocumentError: the file cannot be read, or is too large to be.
        """
        try:
            check_size(self.id, self.path.stat().st_size)
            return self.path.read_bytes()
        except OSError as error:
            raise DocumentError(f"{self.id}: cannot be read ({error.strerror}); mend or remove it") from error


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a knowledge folder, as one line."""

    where: str
    """File, or ``file#fact-id``."""
    message: str


def content_hash(data: bytes) -> str:
    """Identifies the content of a file."""
    return hashlib.sha256(data).hexdigest()


def scan(folder: Path) -> list[SourceFile]:
    """Documents and facts files below ``folder``, in order of id.

    Raises:
        KnowledgeError: ``folder`` is not a folder that can be read.
    """
    if not folder.is_dir():
        raise KnowledgeError(f"there is no knowledge folder {folder}; create it or name another with --knowledge")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise KnowledgeError(f"the knowledge folder {folder} cannot be read; check its permissions")
    root = folder.resolve()
    files = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(parent) / name
            suffix = path.suffix.lower()
            if name.startswith(HIDDEN) or suffix not in (*SUFFIXES, ".yaml", ".yml"):
                continue
            if not _is_file_within(path, root):
                continue
            document_id = path.relative_to(root).as_posix()
            in_facts = document_id.startswith(f"{FACTS_FOLDER}/")
            if suffix in SUFFIXES:
                files.append(SourceFile(document_id, path, "document"))
            elif in_facts:
                files.append(SourceFile(document_id, path, "fact"))
    return sorted(files, key=lambda file: file.id)


def _is_file_within(path: Path, root: Path) -> bool:
    """Whether ``path`` is a file below ``root``, or a link to one that is there or has gone astray.

    Links that lead out or in circles are not, nor are pipes and devices.
    """
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            return False
        return path.is_file() or not path.exists()
    except (OSError, RuntimeError):
        return False


# --- facts -------------------------------------------------------------------------------------------


def parse_facts(file_id: str, data: bytes) -> tuple[list[Fact], list[Problem]]:
    """Facts of one file. A fact that is not valid becomes a problem and the others stay.

    Raises:
        FactsError: the file as a whole is not a YAML list.
    """
    try:
        entries = load_yaml(decode(file_id, data))
    except DocumentError as error:
        raise FactsError(str(error)) from None
    except yaml.YAMLError as error:
        raise FactsError(f"{file_id}: not valid YAML{yaml_place(error)}; mend the file") from None
    if entries is None:
        return [], []
    if not isinstance(entries, list):
        raise FactsError(f"{file_id}: must be a list of facts, each starting with '- id:'")
    facts: list[Fact] = []
    problems: list[Problem] = []
    for position, entry in enumerate(entries, 1):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = f"{file_id}#{name or position}"
        try:
            facts.append(_parse_fact(entry))
        except FactsError as error:
            problems.append(Problem(where, str(error)))
    return facts, problems


def _parse_fact(entry: Any) -> Fact:
    if not isinstance(entry, dict):
        raise FactsError("a fact must be a mapping with id, statement, evidence, tags and as_of")
    unknown = sorted(set(map(str, entry)) - _FACT_KEYS)
    if unknown:
        raise FactsError(f"unknown key '{unknown[0]}'; known: {', '.join(sorted(_FACT_KEYS))}")
    fact_id = entry.get("id")
    if not isinstance(fact_id, str) or not _FACT_ID.fullmatch(fact_id):
        raise FactsError(f"id '{fact_id}' must be lower-case words joined by hyphens")
    as_of = entry.get("as_of")
    if not is_date(str(as_of)):
        raise FactsError(f"as_of '{as_of}' must be a date such as 2025, 2025-12 or 2025-12-20")
    tags = entry.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise FactsError("tags must be a list of words")
    basis = entry.get("basis")
    if basis is not None and not isinstance(basis, str):
        raise FactsError("basis must be a sentence")
    return Fact(
        id=fact_id,
        statements=_parse_statements(entry.get("statement")),
        evidence=_parse_evidence(entry.get("evidence")),
        tags=tuple(tags),
        as_of=str(as_of),
        basis=basis,
    )


def _parse_statements(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or set(value) != set(FACT_LANGUAGES):
        raise FactsError("statement must have one text for 'ar' and one for 'en'")
    statements = {}
    for language in FACT_LANGUAGES:
        text = value[language]
        if not isinstance(text, str) or not text.strip():
            raise FactsError(f"statement '{language}' is empty")
        if detect_language(text) != language:
            raise FactsError(f"statement '{language}' is not written in that language")
        statements[language] = " ".join(text.split())
    return statements


def _parse_evidence(value: Any) -> tuple[Evidence, ...]:
    if not isinstance(value, list) or not value:
        raise FactsError("evidence must be a list with a document and a quote in each entry")
    evidence = []
    for entry in value:
        if not isinstance(entry, dict) or set(entry) != {"document", "quote"}:
            raise FactsError("each evidence entry must have 'document' and 'quote' and nothing else")
        quote = entry["quote"]
        if not isinstance(quote, str) or not quote.strip():
            raise FactsError("evidence quote is empty")
        evidence.append(Evidence(str(entry["document"]), quote.strip()))
    return tuple(evidence)


def fact_problems(file_id: str, facts: Iterable[Fact], texts: Mapping[str, str]) -> list[Problem]:
    """What is wrong between facts and the documents they cite.

    Args:
        file_id: facts file, for the messages.
        facts: facts of that file.
        texts: document id to text of every readable document.
    """
    problems = []
    for fact in facts:
        for evidence in fact.evidence:
            text = texts.get(evidence.document_id)
            shown = evidence.quote if len(evidence.quote) <= 60 else evidence.quote[:57] + "…"
            if text is None:
                message = f"evidence names the document '{evidence.document_id}', which is not in the knowledge folder"
            elif evidence.quote not in text:
                message = f"quote is not verbatim in {evidence.document_id}: “{shown}”"
            else:
                continue
            problems.append(Problem(f"{file_id}#{fact.id}", message))
    return problems


def duplicate_problems(facts: Iterable[tuple[str, Fact]]) -> list[Problem]:
    """Fact ids that occur again, for (file id, fact) in order; the first one stands."""
    first: dict[str, str] = {}
    problems = []
    for file_id, fact in facts:
        if fact.id in first:
            message = f"the id '{fact.id}' is already used in {first[fact.id]}; give it another"
            problems.append(Problem(f"{file_id}#{fact.id}", message))
        else:
            first[fact.id] = file_id
    return problems


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What ``dalil check`` found."""

    documents: int
    facts: int
    problems: tuple[Problem, ...]


def check(folder: Path) -> CheckReport:
    """Validate a knowledge folder: readable documents, well-formed facts, unique ids, verbatim quotes.

    Raises:
        KnowledgeError: ``folder`` is not a folder that can be read.
    """
    documents: dict[str, Document] = {}
    facts: list[tuple[str, Fact]] = []
    problems: list[Problem] = []
    with ReaderPool() as pool:
        for file in scan(folder):
            try:
                if file.kind == "document":
                    documents[file.id] = read_safely(pool, file.id, file.read()).document
                else:
                    parsed, found = parse_facts(file.id, file.read())
                    facts.extend((file.id, fact) for fact in parsed)
                    problems.extend(found)
            except (DocumentError, FactsError) as error:
                problems.append(Problem(file.id, str(error).removeprefix(f"{file.id}: ")))
    texts = {document.id: document.text for document in documents.values()}
    problems.extend(duplicate_problems(facts))
    for file_id, fact in facts:
        problems.extend(fact_problems(file_id, [fact], texts))
    return CheckReport(len(documents), len(facts), tuple(problems))
