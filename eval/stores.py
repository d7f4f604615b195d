"""What is indexed and asked: stores made from benchmarks, and the shipped knowledge base."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assistant import Assistant, Settings
from assistant.knowledge import parse_facts, scan
from assistant.passages import encoder_parts, encoding_key, fact_passages, split_source
from assistant.readers import read_source
from assistant.schema import Passage, SyncReport
from assistant.settings import shipped_knowledge_dir
from assistant.text import sentence_spans
from eval.metrics import GoldSentences, Place
from eval.squad import Dataset, Paragraph, Question, mixed, one_line, write_folder


@dataclass(frozen=True, slots=True)
class Store:
    """Paragraphs to index, one document each, and the questions asked of them."""

    name: str
    paragraphs: Sequence[Paragraph]
    """The gold paragraph of a question is at its position."""
    questions: Sequence[Question]
    gold: Mapping[str, Question]
    """Question id to the same question in the language of its paragraph, whose answers stand there."""

    def target(self, question: Question) -> Paragraph:
        """The paragraph that answers."""
        return self.paragraphs[question.paragraph]

    def document(self, question: Question) -> str:
        """Id of the document that answers."""
        return f"{self.target(question).id}.txt"

    def direction(self, question: Question) -> str:
        """The store's name with the languages of question and answer."""
        return f"{self.name} {question.language}→{self.target(question).language}"

    def gold_sentences(self, question: Question) -> GoldSentences:
        """The sentences of the paragraph that the gold answer stands in, usually one."""
        text = one_line(self.target(question).text)
        start, end = self.gold[question.id].place
        return [
            [Place(self.document(question), begin, stop)]
            for begin, stop in sentence_spans(text)
            if begin < end and start < stop
        ]

    def without(self, kept: Callable[[int], bool]) -> list[Paragraph]:
        """The paragraphs of the articles that are kept."""
        return [paragraph for paragraph in self.paragraphs if kept(paragraph.article)]


def parallel_stores(arabic: Dataset, english: Dataset, limit: int | None = None) -> list[Store]:
    """Three stores of a parallel data set, each asked in both languages.

    Arabic paragraphs only; English ones only; and the mixed store, even articles in Arabic and odd in English.

    Args:
        arabic: one side.
        english: the other, paragraph by paragraph and question by question.
        limit: questions of each language, spread evenly over the data; all if left out.
    """
    sides = {
        data.language: {question.id.split("-", 2)[2]: question for question in data.questions}
        for data in (arabic, english)
    }
    questions = [*_spread(arabic.questions, limit), *_spread(english.questions, limit)]

    def store(name: str, paragraphs: Sequence[Paragraph]) -> Store:
        gold = {q.id: sides[paragraphs[q.paragraph].language][q.id.split("-", 2)[2]] for q in questions}
        return Store(name, paragraphs, questions, gold)

    return [
        store(arabic.name, arabic.paragraphs),
        store(english.name, english.paragraphs),
        store("mixed", mixed(arabic, english)),
    ]


def single_store(data: Dataset, limit: int | None = None) -> Store:
    """A data set in one language, asked in it."""
    questions = _spread(data.questions, limit)
    return Store(data.name, data.paragraphs, questions, {question.id: question for question in questions})


def asked_in(store: Store, language: str) -> Store:
    """The same store with the questions of one language."""
    return replace(store, questions=[question for question in store.questions if question.language == language])


def _spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    if limit is None or limit >= len(questions):
        return questions
    return [questions[int(position)] for position in np.linspace(0, len(questions) - 1, limit)]


@contextmanager
def indexed(paragraphs: Sequence[Paragraph], always_answer: bool = False) -> Iterator[tuple[Assistant, SyncReport]]:
    """An assistant over these paragraphs that may be made never to abstain, and how syncing them went."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "knowledge"
        write_folder(paragraphs, folder)
        chosen = {"answer_threshold": 0.0} if always_answer else {}
        with Assistant(Settings(knowledge_dir=folder, data_dir=Path(work) / "data", **chosen)) as dalil:
            yield dalil, dalil.sync()


@contextmanager
def shipped(with_model: bool = False) -> Iterator[tuple[Assistant, SyncReport]]:
    """The same over the shipped knowledge base, with an index of its own.

    Args:
        with_model: let the language model of the settings write the answers, if one is set.
    """
    without = {} if with_model else {"llm_base_url": None, "llm_model": None}
    with tempfile.TemporaryDirectory() as work:
        settings = Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=Path(work), **without)
        with Assistant(settings) as dalil:
            yield dalil, dalil.sync()


def encoder_seconds(dalil: Assistant, folder: Path) -> float:
    """How long the encoder alone takes for what a first ``sync`` of a folder encodes, each text once."""
    wanted: dict[str, Passage] = {}
    for file in scan(folder):
        if file.kind == "document":
            passages = split_source(read_source(file.id, file.read()), dalil.encoder.count_tokens)
        else:
            passages = [passage for fact in parse_facts(file.id, file.read())[0] for passage in fact_passages(fact, "")]
        wanted.update((encoding_key(passage), passage) for passage in passages)
    sentences = [sentence.text for passage in wanted.values() for sentence in passage.sentences]
    begun = time.perf_counter()
    dalil.encoder.encode_with_words([encoder_parts(passage) for passage in wanted.values()])
    dalil.encoder.encode_passages(sentences)
    return time.perf_counter() - begun
