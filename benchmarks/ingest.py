"""How fast files are indexed: Dalil beside its own encoder, and beside LlamaIndex with the same weights."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from assistant import Assistant, Settings, models
from assistant.index import Index
from assistant.models import prepare
from benchmarks.made import Pool, PretendEncoder
from eval.squad import Paragraph, write_folder
from eval.stores import encoder_seconds


@dataclass(frozen=True, slots=True)
class Ingested:
    """Seconds for the same files, measured one after the other."""

    files: int
    passages: int
    dalil_seconds: float
    encoder_seconds: float
    """Of Dalil's encoder alone on everything that it encodes: passages with their words, and sentences."""
    llamaindex_seconds: float | None
    """None where the packages that it needs are missing."""

    @property
    def share_of_encoder(self) -> float:
        """How near ``sync`` comes to the encoder's own limit, 0..1."""
        return self.encoder_seconds / self.dalil_seconds

    @property
    def times_llamaindex(self) -> float | None:
        """How many times as fast as LlamaIndex."""
        return None if self.llamaindex_seconds is None else self.llamaindex_seconds / self.dalil_seconds


def ingest(paragraphs: Sequence[Paragraph]) -> Ingested:
    """Index a text file for each paragraph with both, models loaded before the clock starts."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "knowledge"
        write_folder(paragraphs, folder)
        with Assistant(Settings(knowledge_dir=folder, data_dir=Path(work) / "data")) as dalil:
            dalil.encoder.encode_with_words([["", "warm"]])
            before = encoder_seconds(dalil, folder)
            report = dalil.sync()
            # The better of two runs: other work on the machine makes the share smaller, not larger.
            alone = min(before, encoder_seconds(dalil, folder))
        beside = _llamaindex_seconds(folder, Path(work) / "chroma")
    return Ingested(len(paragraphs), report.passages, report.seconds, alone, beside)


def _llamaindex_seconds(folder: Path, chroma: Path) -> float | None:
    """LlamaIndex as its documentation has it: directory reader, default splitter, embedding, Chroma on disk."""
    if importlib.util.find_spec("llama_index.vector_stores") is None:
        return None
    import chromadb
    from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
    from llama_index.vector_stores.chroma import ChromaVectorStore

    logging.getLogger("llama_index").setLevel(logging.WARNING)
    embedding = _sentence_transformers()
    embedding.get_text_embedding("warm")
    begun = time.perf_counter()
    client = chromadb.PersistentClient(str(chroma), settings=chromadb.config.Settings(anonymized_telemetry=False))
    collection = client.create_collection("llamaindex", embedding_function=None)
    VectorStoreIndex.from_documents(
        SimpleDirectoryReader(str(folder)).load_data(),
        storage_context=StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection)),
        embed_model=embedding,
    )
    return time.perf_counter() - begun


def _sentence_transformers() -> Any:
    """The default model as LlamaIndex's ``HuggingFaceEmbedding`` runs it: PyTorch, ten texts a batch."""
    from llama_index.core.embeddings import BaseEmbedding

    with models.quiet_libraries():
        pipeline = models._default_pipeline(models.silent)

    class SentenceTransformersEmbedding(BaseEmbedding):
        """Texts to vectors by sentence-transformers."""

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            vectors = pipeline.encode(
                texts, batch_size=self.embed_batch_size, prompt_name="document", show_progress_bar=False
            )
            return cast("list[list[float]]", vectors.tolist())

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return cast("list[float]", pipeline.encode(query, prompt_name="query", show_progress_bar=False).tolist())

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    return SentenceTransformersEmbedding(embed_batch_size=10)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A folder that is synced again without any change."""

    files: int
    first_seconds: float
    """Without running the network."""
    open_seconds: float
    again_seconds: float


def unchanged(pool: Pool, files: int) -> Unchanged:
    """Index so many small files, close, open and sync again."""
    settings = Settings()
    model = prepare(settings.embedding_model, settings.cache_dir)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "knowledge"
        folder.mkdir()
        sentences = [sentence for language in sorted(pool.sentences) for sentence in pool.sentences[language]]
        for number in range(files):
            text = f"{sentences[number % len(sentences)]} {number}.\n"
            (folder / f"{number:06}.txt").write_text(text, encoding="utf-8")
        encoder = PretendEncoder(model, pool)
        index = Index(Path(work) / "data", encoder)
        first = index.sync(folder)
        index.close()
        begun = time.perf_counter()
        index = Index(Path(work) / "data", encoder)
        opened = time.perf_counter() - begun
        again = index.sync(folder)
        index.close()
    if len(again.unchanged) != files:
        raise RuntimeError(f"{len(again.unchanged)} of {files} files were unchanged")
    return Unchanged(files, first.seconds, opened, again.seconds)
