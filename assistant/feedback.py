"""What people thought of answers: kept as JSON lines, listed, and turned into cases for the evaluation.

The file only grows. A line counts once it ends: what a kill left unfinished is ignored by readers, and cut
off before the next line is written.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.errors import DalilError, IndexStateError
from assistant.schema import Answer, to_json
from assistant.text import detect_language

FEEDBACK_FILE = "feedback.jsonl"
"""In the data directory, beside the index and untouched by its rebuilding."""

MAX_REASON_CHARACTERS = 2_000
"""Longer reasons are cut."""

MAX_TURNS = 20
"""Of a longer conversation only so many last turns are kept."""

Verdict = Literal["up", "down"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_MAX_ID = 100
_MARK = re.compile(r"\s*\[\d+\]")
# Between these a text is cut into lines by Python, though JSON may hold them as they are.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
_CASE_LANGUAGES = ("ar", "en")


class Entry(BaseModel):
    """One answer with what somebody thought of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    time: str
    """UTC, ISO 8601, to the second."""
    verdict: Verdict
    reason: str
    answer: Answer
    history: tuple[tuple[str, str], ...]
    """Earlier turns as (question, answer text), oldest first."""
    versions: Mapping[str, str]
    """What the answer was made with: as ``Assistant.versions`` names it."""


def nothing() -> Mapping[str, str]:
    """No versions are known."""
    return {}


class FeedbackLog:
    """The file of one data directory. One process writes, from any thread; any process may read."""

    def __init__(self, file: Path, versions: Callable[[], Mapping[str, str]] = nothing) -> None:
        """Name the file; it is made when something is added.

        Args:
            file: JSON lines, one for each entry or change of an entry.
            versions: asked with every entry what answers are made with.
        """
        self._file = file
        self._versions = versions
        self._guard = threading.Lock()

    def add(
        self,
        answer: Answer,
        verdict: Verdict,
        reason: str = "",
        history: Sequence[tuple[str, str]] = (),
        id: str | None = None,
    ) -> str:
        """Keep a verdict, on the disk itself when this returns.

        Args:
            answer: what was said.
            verdict: whether it was good.
            reason: why, in the words of whoever judged; cut to ``MAX_REASON_CHARACTERS``.
            history: the conversation before the question; the last ``MAX_TURNS`` turns are kept.
            id: an entry that this changes: the last verdict under an id counts. A new one by default.

        Returns:
            The id of the entry.

        Raises:
            ValueError: the verdict is unknown, or the id is empty or too long.
            IndexStateError: the file cannot be written.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"a verdict is 'up' or 'down', not '{verdict}'")
        if id is not None and not 0 < len(id) <= _MAX_ID:
            raise ValueError(f"an id has 1 to {_MAX_ID} characters")
        entry = {
            "id": id or secrets.token_hex(8),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "verdict": verdict,
            "reason": reason.strip()[:MAX_REASON_CHARACTERS],
            "answer": to_json(answer),
            "history": [list(turn) for turn in history][-MAX_TURNS:],
            "versions": dict(self._versions()),
        }
        try:
            with self._guard:
                _append(self._file, _line(entry))
        except OSError as error:
            raise IndexStateError(
                f"feedback cannot be kept in {self._file} ({error.strerror}); check its permissions and free some space"
            ) from error
        return str(entry["id"])

    def entries(self) -> list[Entry]:
        """Every entry as it was last changed, in the order in which they were made.

        Raises:
            IndexStateError: the file cannot be read.
        """
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise IndexStateError(f"{self._file} cannot be read ({error.strerror}); check its permissions") from error
        found: dict[str, Entry] = {}
        for line in data.split(b"\n")[:-1]:  # what follows the last end of a line is not finished
            if entry := _entry(line):
                found[entry.id] = entry
        return list(found.values())


def _line(value: Mapping[str, Any]) -> bytes:
    """A value as one line, whatever characters browsers have sent."""
    text = json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)
    return text.encode("utf-8", "replace") + b"\n"


def _entry(line: bytes) -> Entry | None:
    """The entry in a line; None where a kill or another hand has left something else."""
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def _append(file: Path, line: bytes) -> None:
    """Write a line so that it is there as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = not file.exists()
    # People's questions are nobody else's business.
    handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "r+b") as stream:
        end = _end_of_lines(stream)
        stream.truncate(end)
        stream.seek(end)
        try:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            stream.truncate(end)
            raise
    if new and os.name != "nt":  # Windows has no handles for folders
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _end_of_lines(stream: Any) -> int:
    """Where the last finished line ends, in bytes."""
    position = int(stream.seek(0, os.SEEK_END))
    while position:
        start = max(0, position - 65_536)
        stream.seek(start)
        found = stream.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + int(found) + 1
        position = start
    return 0


# --- cases for the evaluation ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exported:
    """What ``export`` wrote."""

    file: Path
    cases: int
    """Cases that the evaluation reads as they are."""
    unfinished_file: Path
    unfinished: int
    """Cases that a person has to complete."""


def export(entries: Iterable[Entry], file: Path) -> Exported:
    """Write entries as cases of ``eval/``: good answers into ``file``, the others beside it.

    What somebody liked is taken for right: the evidence is what the answer cites. What somebody disliked
    says nothing of what would be right, so that a person must: it goes to ``NAME.to-complete.jsonl``, in
    the same format but for a field ``complete`` that says what to do, because of which the evaluation
    refuses it until it is done.

    Raises:
        DalilError: one of the files is there already, or cannot be written.
    """
    unfinished_file = file.with_name(f"{file.stem}.to-complete.jsonl")
    ready: list[dict[str, Any]] = []
    unfinished: list[dict[str, Any]] = []
    for entry in entries:
        case = case_of(entry)
        (unfinished if "complete" in case else ready).append(case)
    for place in (file, unfinished_file):
        if place.exists():
            raise DalilError(f"{place} is there already and may have been worked on; export to another file")
    for place, cases in ((file, ready), (unfinished_file, unfinished)):
        if not cases and place != file:
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"".join(map(_line, cases)))
        except OSError as error:
            raise DalilError(f"{place} cannot be written ({error.strerror}); export to another file") from None
    return Exported(file, len(ready), unfinished_file, len(unfinished))


def case_of(entry: Entry) -> dict[str, Any]:
    """An entry in the format of ``eval/questions``; with a field ``complete`` where a person is needed."""
    answer = entry.answer
    language = detect_language(answer.question)
    if language not in _CASE_LANGUAGES:
        language = answer.language
    gold = entry.verdict == "up" and answer.answered
    tags = ["cross-language" if any(one.language != language for one in answer.citations) else "same-language"]
    unanswerable = entry.verdict == "up" and not answer.answered
    if unanswerable:
        tags = ["unanswerable"]
    if entry.history:
        tags.append("follow-up")
    quotes = [citation.quote for citation in answer.citations]
    case: dict[str, Any] = {
        "id": f"feedback-{entry.id}",
        "question": answer.question,
        "language": language,
        "answerable": not unanswerable,
        "documents": _each(one.document_id for one in answer.citations) if gold else [],
        "evidence": _each(quotes) if gold else [],
        "answers": _each([*quotes, *_said(answer.text)]) if gold else [],
        "tags": tags,
        "history": [{"question": question, "answer": text} for question, text in entry.history],
    }
    problem = _unfinished(entry, language)
    if problem:
        case["complete"] = problem
        case["given"] = answer.text
        case["reason"] = entry.reason
    return case


def _unfinished(entry: Entry, language: str) -> str | None:
    """What a person has to do before an entry is a case."""
    last = "; then take out the fields 'complete', 'given' and 'reason'"
    if entry.verdict == "down":
        return (
            "fill in documents, evidence (verbatim sentences) and answers, or say answerable: false and tag it "
            "'unanswerable'" + last
        )
    if language not in _CASE_LANGUAGES:
        return "say in which language, ar or en, it is asked" + last
    if entry.answer.answered and not entry.answer.citations:
        return "the answer cites nothing: fill in documents and evidence (verbatim sentences)" + last
    return None


def _said(text: str) -> list[str]:
    """The cited sentences of an answer, without what introduces or closes them."""
    before_marks = _MARK.split(text)[:-1]
    said = (part.rsplit("\n", 1)[-1].strip(" .،؛«»“”") for part in before_marks)
    return [part for part in said if part]


def _each(values: Iterable[str]) -> list[str]:
    """Values without those that came before."""
    return list(dict.fromkeys(values))
