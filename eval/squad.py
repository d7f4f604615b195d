"""SQuAD-format files (XQuAD, ARCD, MLQA) as evaluation data, and as a knowledge folder to index."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "shared" / "benchmarks"
"""Where the SQuAD files are looked for unless another folder is named."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One context of a SQuAD file."""

    id: str
    """Unique over all languages of a data set, such as ``xquad-ar-0012``."""
    article: int
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question with the paragraph that answers it."""

    id: str
    text: str
    language: str
    paragraph: int
    """Position of the paragraph in its file: the same in every language of a parallel data set."""
    article: int
    answers: tuple[str, ...]
    place: tuple[int, int] = (0, 0)
    """Where the first answer stands, half-open, in the paragraph as ``write_folder`` writes it; empty if unknown."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One SQuAD file."""

    name: str
    language: str
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Question, ...]


def load(path: Path, name: str, language: str) -> Dataset:
    """Read a SQuAD file.

    Raises:
        FileNotFoundError: there is no such file.
    """
    data = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs: list[Paragraph] = []
    questions: list[Question] = []
    for article, entry in enumerate(data):
        for paragraph in entry["paragraphs"]:
            position = len(paragraphs)
            paragraphs.append(Paragraph(f"{name}-{language}-{position:04d}", article, language, paragraph["context"]))
            questions += [
                Question(
                    id=f"{name}-{language}-{qa['id']}",
                    text=qa["question"],
                    language=language,
                    paragraph=position,
                    article=article,
                    answers=tuple(dict.fromkeys(answer["text"] for answer in qa["answers"])),
                    place=_place(paragraph["context"], qa["answers"][0]),
                )
                for qa in paragraph["qas"]
            ]
    return Dataset(name, language, tuple(paragraphs), tuple(questions))


def _place(context: str, answer: dict[str, Any]) -> tuple[int, int]:
    start = answer.get("answer_start", context.find(answer["text"]))
    if start < 0:
        return 0, 0
    # White space collapses: a marker keeps the one space that may stand before the answer.
    begin = len(one_line(context[:start] + "|")) - 1
    return begin, begin + len(one_line(answer["text"]))


def one_line(text: str) -> str:
    """Text with every run of white space as one space: how ``write_folder`` writes a paragraph."""
    return " ".join(text.split())


def mixed(arabic: Dataset, english: Dataset) -> list[Paragraph]:
    """The mixed store: of a parallel data set, even articles in Arabic only and odd ones in English only."""
    return [
        one if one.article % 2 == 0 else other for one, other in zip(arabic.paragraphs, english.paragraphs, strict=True)
    ]


def write_folder(paragraphs: Iterable[Paragraph], folder: Path) -> None:
    """Write a knowledge folder with one text file for each paragraph, named by its id."""
    folder.mkdir(parents=True, exist_ok=True)
    for paragraph in paragraphs:
        # One line each: the paragraph is the unit that the questions were written for.
        text = one_line(paragraph.text)
        (folder / f"{paragraph.id}.txt").write_text(text + "\n", encoding="utf-8")


def find(folder: Path, names: Sequence[tuple[str, str, str]]) -> list[Dataset]:
    """Data sets of ``folder`` by (file name, name, language).

    Raises:
        FileNotFoundError: one of them is missing; the message says which and where it was looked for.
    """
    missing = [file for file, _, _ in names if not (folder / file).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}; name another folder with --benchmarks")
    return [load(folder / file, name, language) for file, name, language in names]
