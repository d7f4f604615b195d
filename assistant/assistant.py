"""Builds everything once and passes it on: ``Assistant`` is what users, the command line and the chat hold."""

from __future__ import annotations

import atexit
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Self

from assistant import answering, models
from assistant.encoder import Encoder
from assistant.errors import DocumentError, IndexStateError, QuestionError
from assistant.followups import History
from assistant.generation import Writer
from assistant.index import LAYOUT_VERSION, Index, Progress, silent
from assistant.llm import open_model
from assistant.ranking import shipped_model
from assistant.reranker import prepare_reranker
from assistant.retrieval import Query, Retriever
from assistant.schema import (
    MAX_QUESTION_CHARACTERS,
    Answer,
    AnswerPiece,
    Document,
    DocumentSummary,
    Fact,
    Hit,
    SyncReport,
)
from assistant.settings import Settings
from assistant.support import SupportChecker
from assistant.text import TEXT_VERSION, words
from assistant.vectors import VectorServer

if TYPE_CHECKING:
    from llama_index.core.llms import LLM


class Assistant:
    """Answers questions from one knowledge folder. Safe to use from several threads; close it when done."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        rebuild: bool = False,
        model_progress: models.Progress = models.silent,
        llm: LLM | None = None,
    ) -> None:
        """Prepare the models where that was not done yet, and open the index.

        Args:
            settings: defaults, environment and ``dalil.toml`` if left out.
            rebuild: start from an empty index, as after a change of model.
            model_progress: told about each step of preparing a model.
            llm: any LlamaIndex language model, to write answers with; else the one of the settings, if any.

        Raises:
            DalilError: a setting, the model or the data directory cannot be used.
        """
        self.settings = settings or Settings()
        encoder = Encoder(models.prepare(self.settings.embedding_model, self.settings.cache_dir, model_progress))
        name = self.settings.reranker_model
        reranker = prepare_reranker(name, self.settings.cache_dir, model_progress) if name else None
        llm = llm or open_model(self.settings)
        self._index = Index(self.settings.index_dir, encoder, rebuild, _vector_server(self.settings, encoder))
        self._model = shipped_model()
        self._writer = Writer(llm, SupportChecker(encoder), self.settings.llm_timeout) if llm else None
        self.retriever = Retriever(
            self._index, self._model, reranker, self._writer.standalone if self._writer else None
        )
        self._syncing = threading.Lock()
        self._closing = threading.Event()
        self._closed = False
        self._last_sync: tuple[datetime, SyncReport] | None = None

    def close(self) -> None:
        """Close the stores and give up the data directory. A sync that goes on ends early; what it did is kept.

        Closing twice does nothing.
        """
        self._closing.set()
        with self._syncing:
            if not self._closed:
                self._closed = True
                self._index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self, progress: Progress = silent) -> SyncReport:
        """Bring the index in step with the knowledge folder. Questions are answered meanwhile.

        Raises:
            KnowledgeError: the knowledge folder does not exist or cannot be read.
            IndexStateError: the assistant is closed, or was closed meanwhile.
        """

        def step(done: int, total: int) -> None:
            if self._closing.is_set():
                raise IndexStateError("the index is closed; what was done is kept, sync again for the rest")
            progress(done, total)

        with self._syncing:
            if self._closed:
                raise IndexStateError("the index is closed; open it again to sync")
            report = self._index.sync(self.settings.knowledge_dir, step)
            self._last_sync = (datetime.now(UTC), report)
            return report

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """Passages that may answer ``query``, the most probable first.

        Raises:
            QuestionError: the query is empty, too long, or holds no words.
        """
        if limit < 1:
            raise QuestionError(f"limit must be at least 1, not {limit}")
        asked = self.retriever.query(_checked(query))
        candidates = self._index.steady(lambda: self.retriever.retrieve(asked))
        return [candidate.hit() for candidate in candidates[:limit]]

    def ask(self, question: str, history: History | None = None, language: str | None = None) -> Answer:
        """Answer a question from the knowledge base, or say that it does not hold the answer.

        Args:
            question: in Arabic or English.
            history: earlier turns as (question, answer text), oldest first, for follow-up questions.
            language: ``ar`` or ``en`` to answer in it whatever the question's language is.

        Raises:
            QuestionError: the question is empty, too long or holds no words, or the language is unknown.
        """
        *_, answer = self.stream(question, history, language)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self, question: str, history: History | None = None, language: str | None = None
    ) -> Iterator[AnswerPiece | Answer]:
        """Answer as ``ask`` does, piece by piece as it comes about; the last item is the whole ``Answer``.

        Closing the iterator stops the work.

        Raises:
            QuestionError: as ``ask``, when the first item is asked for.
        """
        begun = time.perf_counter()
        if language is not None and language not in answering.ANSWER_LANGUAGES:
            known = " or ".join(answering.ANSWER_LANGUAGES)
            raise QuestionError(f"cannot answer in '{language}': language must be {known}")
        deadline = self._writer.deadline() if self._writer else 0.0
        query = self.retriever.query(_checked(question), history or (), language)
        result, evidence = self._index.steady(lambda: self._answer(query, question))
        if self._writer is not None and result.answered:
            parts = self._writer.write(result, evidence, query.text, deadline)
        else:
            parts = chain(answering.pieces(result), [result])
        for part in parts:
            yield replace(part, elapsed_ms=_since(begun)) if isinstance(part, Answer) else part

    def _answer(self, query: Query, question: str) -> tuple[Answer, list[answering.Cited]]:
        """The answer of the sources alone in one state of the index, and what a model may write one from."""
        catalogue = self._index.catalogue
        candidates = self.retriever.retrieve(query)
        if not candidates and not catalogue.passage_count():
            return answering.empty(question, query.language), []
        answer = answering.answer(
            query,
            question,
            candidates,
            self.retriever.confidence(query, candidates),
            catalogue,
            self._model,
            self.settings.answer_threshold,
        )
        if self._writer is None or not answer.answered:
            return answer, []
        return answer, answering.evidence(query, candidates, catalogue, self._model)

    def document(self, document_id: str) -> Document:
        """The document as it is quoted.

        Raises:
            DocumentError: no such document is indexed.
        """
        document = self._index.catalogue.document(document_id)
        if document is None:
            raise DocumentError(f"no document '{document_id}' is indexed; 'dalil list' names those that are")
        return document

    def fact(self, fact_id: str) -> Fact | None:
        """One curated fact; None where it is not indexed."""
        return self._index.catalogue.fact(fact_id)

    def documents(self) -> list[Document]:
        """Every indexed document, in order of id."""
        return self._index.catalogue.documents()

    def summaries(self) -> list[DocumentSummary]:
        """Every indexed document without its text, in order of id."""
        return self._index.catalogue.summaries()

    def facts(self) -> list[tuple[str, Fact]]:
        """Every indexed curated fact with the id of its file."""
        return self._index.catalogue.facts()

    @property
    def content_version(self) -> int:
        """Changes whenever what is indexed changes; says nothing from one process to the next."""
        return self._index.catalogue.writes

    @property
    def last_sync(self) -> tuple[datetime, SyncReport] | None:
        """When the index was last brought in step, in UTC, and what came of it; None if not since it was opened."""
        return self._last_sync

    @property
    def index(self) -> Index:
        """The stores, for examining and mending them."""
        return self._index

    @property
    def encoder(self) -> Encoder:
        """What questions and passages are encoded with."""
        return self._index.encoder

    def versions(self) -> dict[str, str]:
        """What answers are made with now: this release, the model, the index's format and the knowledge itself."""
        return {
            "dalil": metadata.version("dalil"),
            "model": self.encoder.fingerprint,
            "layout": str(LAYOUT_VERSION),
            "text": str(TEXT_VERSION),
            "knowledge": self._index.content_digest(),
        }

    def document_count(self) -> int:
        """How many documents are indexed."""
        return self._index.catalogue.document_count()

    def fact_count(self) -> int:
        """How many curated facts are indexed."""
        return self._index.catalogue.fact_count()

    def passage_count(self) -> int:
        """How many passages are indexed."""
        return self._index.catalogue.passage_count()


def _vector_server(settings: Settings, encoder: Encoder) -> VectorServer | None:
    """The Chroma server that is set, with names that only this knowledge base, model and layout have."""
    if settings.chroma_url is None:
        return None
    name = settings.chroma_name or f"dalil-{settings.knowledge_digest}"
    vectors = hashlib.sha256(f"{encoder.fingerprint} {LAYOUT_VERSION}".encode()).hexdigest()[:8]
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else None
    return VectorServer(settings.chroma_url, f"{name}-{vectors}", token)


def _since(begun: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - begun) * 1000


def _checked(question: str) -> str:
    """The question without the white space around it.

    Raises:
        QuestionError: it is empty, too long, or holds no words.
    """
    text = question.strip()
    if not text:
        raise QuestionError("the question is empty; write one in Arabic or English")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"the question has {len(text):,} characters; shorten it to {MAX_QUESTION_CHARACTERS:,} at most"
        )
    if not words(text):
        raise QuestionError("the question holds no words; write one in Arabic or English")
    return text


_default: Assistant | None = None
_default_guard = threading.Lock()


def ask(question: str, history: History | None = None, language: str | None = None) -> Answer:
    """Answer from the default knowledge base with default settings, as ``Assistant.ask``.

    The first call prepares the model, brings the index in step and keeps both for the calls that follow.
    """
    global _default
    with _default_guard:
        if _default is None:
            assistant = Assistant()
            try:
                assistant.sync()
            except BaseException:
                assistant.close()
                raise
            atexit.register(assistant.close)
            _default = assistant
    return _default.ask(question, history, language)
