"""The suites: each asks questions through ``Assistant`` and gives a record for each."""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant import Answer, Assistant, Settings
from assistant.settings import shipped_knowledge_dir
from eval import metrics
from eval.questions import Case
from eval.run import Record
from eval.squad import Dataset, Paragraph, Question, mixed, write_folder

SEARCH_DEPTH = 30
"""Hits asked for: a document may have several among its first ten."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A store and the questions asked of it. The gold paragraph of a question is at its position."""

    name: str
    paragraphs: Sequence[Paragraph]
    questions: Sequence[Question]
    answers: Callable[[Question, str], Sequence[str]]
    """Gold answers of a question in the language of its paragraph."""

    def direction(self, question: Question) -> str:
        """Name of the setting with the languages of question and answer."""
        return f"{self.name} {question.language}→{self.paragraphs[question.paragraph].language}"


def settings(arabic: Dataset, english: Dataset, others: Sequence[Dataset], limit: int | None) -> list[Setting]:
    """Every store that is asked, from parallel data in two languages and from other data."""
    gold = {
        data.language: {question.id.split("-", 2)[2]: question.answers for question in data.questions}
        for data in (arabic, english)
    }

    def parallel(question: Question, language: str) -> Sequence[str]:
        return gold[language][question.id.split("-", 2)[2]]

    def own(question: Question, _: str) -> Sequence[str]:
        return question.answers

    both = mixed(arabic, english)
    pairs: list[tuple[str, Sequence[Paragraph], Dataset, Callable[[Question, str], Sequence[str]]]] = [
        (arabic.name, arabic.paragraphs, arabic, own),
        (english.name, english.paragraphs, english, own),
        *((data.name, data.paragraphs, data, own) for data in others),
        (f"{arabic.name} crossed", english.paragraphs, arabic, parallel),
        (f"{english.name} crossed", arabic.paragraphs, english, parallel),
        ("mixed", both, arabic, parallel),
        ("mixed", both, english, parallel),
    ]
    return [
        Setting(name, paragraphs, _spread(data.questions, limit), answers) for name, paragraphs, data, answers in pairs
    ]


def _spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """At most ``limit`` questions, spread evenly over the data."""
    if limit is None or limit >= len(questions):
        return questions
    return [questions[int(position)] for position in np.linspace(0, len(questions) - 1, limit)]


@contextmanager
def indexed(paragraphs: Sequence[Paragraph], always_answer: bool = False) -> Iterator[Assistant]:
    """An assistant over these paragraphs, one document each, that may be made never to abstain."""
    chosen = {"answer_threshold": 0.0} if always_answer else {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        write_folder(paragraphs, folder / "knowledge")
        with Assistant(Settings(knowledge_dir=folder / "knowledge", data_dir=folder / "data", **chosen)) as dalil:
            dalil.sync()
            yield dalil


# --- retrieval, answers and citations ----------------------------------------------------------------


def retrieval(setting: Setting, search: Callable[[str], Sequence[str]], system: str) -> list[Record]:
    """Rank documents for every question; ``search`` gives document ids, best first."""
    rankings = {question.id: search(question.text) for question in setting.questions}
    gold = {question.id: f"{setting.paragraphs[question.paragraph].id}.txt" for question in setting.questions}
    scores = metrics.ranking_scores(rankings, gold)
    return [
        Record(
            "retrieval",
            setting.direction(question),
            system,
            question.id,
            scores[question.id],
            question.text,
            setting.paragraphs[question.paragraph].text,
            ", ".join(rankings[question.id][:3]),
        )
        for question in setting.questions
    ]


def documents_found(dalil: Assistant) -> Callable[[str], list[str]]:
    """Document ids by Dalil's own search."""
    return lambda question: [hit.document_id for hit in dalil.search(question, limit=SEARCH_DEPTH)]


def answers(setting: Setting, dalil: Assistant) -> list[Record]:
    """Whether answers hold the gold, how long they are, and whether their citations are verbatim.

    ``dalil`` is to answer always: whether it should is the subject of ``abstention``.
    """
    records = []
    for question in setting.questions:
        answer = dalil.ask(question.text)
        gold = setting.answers(question, setting.paragraphs[question.paragraph].language)
        records.append(
            Record(
                "answers",
                setting.direction(question),
                "dalil",
                question.id,
                {
                    "first sentence": float(metrics.holds(metrics.first_sentence(answer), gold)),
                    "whole answer": float(metrics.holds(answer.text, gold)),
                    "words": float(len(metrics.plain(answer.text).split())),
                    "verbatim": float(_verbatim(answer, dalil)),
                },
                question.text,
                " · ".join(gold),
                answer.text,
            )
        )
    return records


def _verbatim(answer: Answer, dalil: Assistant) -> bool:
    return all(
        dalil.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        for citation in answer.citations
    )


# --- abstention --------------------------------------------------------------------------------------


def abstention(setting: Setting) -> tuple[list[Record], dict[str, list[tuple[float, float]]]]:
    """Leave out half of the articles and ask everything: half of the questions have no answer."""

    def kept(article: int) -> bool:
        # Pairs of articles, so that both languages of the mixed store are left out alike.
        return article % 4 < 2

    records = []
    graded: dict[str, list[tuple[float, bool, bool]]] = {}
    with indexed([paragraph for paragraph in setting.paragraphs if kept(paragraph.article)]) as dalil:
        for question in setting.questions:
            answer = dalil.ask(question.text)
            target = setting.paragraphs[question.paragraph]
            answerable = kept(target.article)
            best = dalil.search(question.text, limit=1)
            right = answerable and bool(best) and best[0].document_id == f"{target.id}.txt"
            graded.setdefault(setting.direction(question), []).append((answer.confidence, answerable, right))
            measure = "answered" if answerable else "wrongly answered"
            records.append(
                Record(
                    "abstention",
                    setting.direction(question),
                    "dalil",
                    question.id,
                    {measure: float(answer.answered)},
                    question.text,
                    target.text if answerable else "",
                    answer.text,
                )
            )
    curves = {}
    for direction, rows in graded.items():
        confidences, answerable_rows, right_rows = zip(*rows, strict=True)
        curves[direction] = metrics.risk_coverage(confidences, right_rows)
        summary = {
            "AUROC": metrics.auroc(confidences, answerable_rows),
            "calibration error": metrics.calibration_error(confidences, right_rows),
        }
        records.append(Record("abstention", direction, "dalil", "all", summary))
    return records, curves


# --- robustness --------------------------------------------------------------------------------------

_HARAKAT = "\u064e\u064f\u0650\u0652"
_LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


def _each_letter(question: str, change: Callable[[str, random.Random], str], share: float) -> str:
    chance = random.Random(question)
    return "".join(change(char, chance) if chance.random() < share else char for char in question)


def with_diacritics(question: str) -> str:
    """A haraka after every Arabic letter."""
    return _each_letter(question, lambda char, r: char + r.choice(_HARAKAT) if char in _LETTERS else char, 1.0)


def with_tatweel(question: str) -> str:
    """A word of four letters or more is stretched."""
    return re.sub(r"([بتثجحخسشصضطظعغفقكلمنهي])([\u0621-\u064a]{3,})", r"\1ـــ\2", question)


def without_hamza(question: str) -> str:
    """Bare alef, and no hamza on its carriers."""
    return question.translate(str.maketrans("أإآؤئ", "اااوي"))


def with_swapped_endings(question: str) -> str:
    """Ya for alef maqsura and ha for ta marbuta, as many type them."""
    return question.translate(str.maketrans("ىة", "يه"))


def with_arabic_digits(question: str) -> str:
    """Arabic-Indic digits."""
    return question.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))


def with_typo(question: str) -> str:
    """Two neighbouring letters of the longest word change places."""
    word = max(question.split(), key=len)
    middle = len(word) // 2
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return question.replace(word, swapped, 1) if len(word) > 3 else question


def without_question_mark(question: str) -> str:
    """No punctuation at the end."""
    return question.rstrip(" ؟?")


def with_english_frame(question: str) -> str:
    """An Arabic question inside an English sentence, as bilingual speakers ask."""
    return f"Please tell me: {question}"


PERTURBATIONS: dict[str, Callable[[str], str]] = {
    "diacritics": with_diacritics,
    "tatweel": with_tatweel,
    "no hamza": without_hamza,
    "ya and ha": with_swapped_endings,
    "Arabic digits": with_arabic_digits,
    "one typo": with_typo,
    "no question mark": without_question_mark,
    "English frame": with_english_frame,
}


def robustness(setting: Setting, dalil: Assistant) -> list[Record]:
    """The same questions written differently."""
    search = documents_found(dalil)
    gold = {question.id: f"{setting.paragraphs[question.paragraph].id}.txt" for question in setting.questions}
    records = []
    for name, change in {"as written": str, **PERTURBATIONS}.items():
        rankings = {question.id: search(change(question.text)) for question in setting.questions}
        scores = metrics.ranking_scores(rankings, gold)
        records += [
            Record("robustness", name, "dalil", q.id, {"nDCG@10": scores[q.id]["nDCG@10"]}, change(q.text))
            for q in setting.questions
        ]
    return records


# --- the shipped knowledge base ----------------------------------------------------------------------


@contextmanager
def shipped() -> Iterator[Assistant]:
    """An assistant over the shipped knowledge base, with an index of its own."""
    with (
        tempfile.TemporaryDirectory() as work,
        Assistant(Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=Path(work))) as dalil,
    ):
        dalil.sync()
        yield dalil


def knowledge(cases: Sequence[Case]) -> list[Record]:
    """Our own questions, end to end, each counted under its language and under each of its tags."""
    records = []
    with shipped() as dalil:
        for case in cases:
            answer = dalil.ask(case.question, history=[(turn.question, turn.answer) for turn in case.history])
            scores = _grade(case, answer, dalil)
            expected = " · ".join(case.answers)
            records += [
                Record("knowledge", setting, "dalil", case.id, scores, case.question, expected, answer.text)
                for setting in (case.language, *(f"{case.language} {tag}" for tag in case.tags))
            ]
    return records


def _grade(case: Case, answer: Answer, dalil: Assistant) -> dict[str, float]:
    if not case.answerable:
        return {"wrongly answered": float(answer.answered)}
    return {
        "answered": float(answer.answered),
        "first sentence": float(answer.answered and metrics.holds(metrics.first_sentence(answer), case.answers)),
        "whole answer": float(answer.answered and metrics.holds(answer.text, case.answers)),
        "right document": float(any(c.document_id in case.documents for c in answer.citations)),
        "cited precision": metrics.cited_precision(answer.citations, case.evidence),
        "cited recall": metrics.cited_recall(answer.citations, case.evidence),
        "verbatim": float(_verbatim(answer, dalil)),
        "words": float(len(metrics.plain(answer.text).split())),
    }


def latency(cases: Sequence[Case], rounds: int = 2) -> list[Record]:
    """Milliseconds of a warm ``ask`` on the shipped base; the mean over records is a percentile each."""
    with shipped() as dalil:
        dalil.ask(cases[0].question)
        times = []
        for case in list(cases) * rounds:
            begun = time.perf_counter()
            dalil.ask(case.question)
            times.append((time.perf_counter() - begun) * 1000)
    percentiles = {f"p{level} ms": float(np.percentile(times, level)) for level in (50, 95, 99)}
    return [Record("latency", "ask, shipped base", "dalil", "all", percentiles)]
