"""What a user would pick instead, with the same model on the same paragraphs and questions.

``BM25``        LlamaIndex's ``BM25Retriever`` with its defaults (English stemmer and stop-words)
``lexical``     Dalil's own lexical index alone
``dense``       passage vectors of the model as it comes (its language direction left in), nearest first
``tutorial``    LlamaIndex's ``VectorStoreIndex`` over Chroma with its default splitter
``hybrid``      LlamaIndex's ``QueryFusionRetriever``: reciprocal rank fusion of ``tutorial`` and ``BM25``
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from assistant.encoder import Encoder
from assistant.lexical import LexicalIndex
from assistant.models import PreparedModel
from assistant.passages import split_source
from assistant.readers import read_source
from assistant.text import analyse
from eval.squad import Paragraph, one_line

if TYPE_CHECKING:
    from llama_index.core import Document
    from llama_index.core.retrievers import BaseRetriever

NEEDS: dict[str, tuple[str, ...]] = {
    "BM25": ("llama_index.retrievers.bm25",),
    "lexical": (),
    "dense": (),
    "tutorial": ("llama_index.vector_stores.chroma",),
    "hybrid": ("llama_index.vector_stores.chroma", "llama_index.retrievers.bm25"),
}
"""Baseline to the modules that it needs beyond Dalil's own; the extra ``eval`` installs them."""

DEPTH = 30
"""Passages asked for, as of Dalil."""

Search = Callable[[str], Sequence[str]]


def missing() -> dict[str, str]:
    """Baselines that cannot run here, with the command that installs what they need."""
    lacking = {name: [module for module in modules if not _installed(module)] for name, modules in NEEDS.items()}
    return {
        name: f"needs {', '.join(modules)}; run: pip install -e '.[eval]'"
        for name, modules in lacking.items()
        if modules
    }


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class PlainEncoder(Encoder):
    """The model as it comes, and remembering: stores share paragraphs, and baselines share questions."""

    def __init__(self, model: PreparedModel) -> None:
        super().__init__(model)
        self._known: dict[tuple[str, str], NDArray[np.float32]] = {}

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, shape (len(texts), dimension)."""
        return self._remembered("query", texts, super().encode_queries)

    def encode_passages(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        """Vectors of stored texts, shape (len(texts), dimension); ``progress`` is not told."""
        return self._remembered("passage", texts, super().encode_passages)

    def _remembered(
        self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._known]
        if new:
            self._known.update(((kind, text), vector) for text, vector in zip(new, encode(new), strict=True))
        return np.array([self._known[kind, text] for text in texts], dtype=np.float32).reshape(-1, self.dimension)


@contextmanager
def plain_encoder(model: PreparedModel) -> Iterator[PlainEncoder]:
    """An encoder of the same network that leaves the language direction in.

    Every array beside the network is what Dalil takes out of vectors; zeros take nothing out.
    """
    with tempfile.TemporaryDirectory() as work:
        for file in model.path.iterdir():
            if file.suffix == ".npy":
                np.save(Path(work) / file.name, np.zeros_like(np.load(file)))
            else:
                (Path(work) / file.name).symlink_to(file)
        yield PlainEncoder(replace(model, path=Path(work)))


@contextmanager
def searches(paragraphs: Sequence[Paragraph], names: Sequence[str], encoder: Encoder) -> Iterator[dict[str, Search]]:
    """Baselines over these paragraphs by name."""
    texts = {f"{paragraph.id}.txt": one_line(paragraph.text) for paragraph in paragraphs}
    found: dict[str, Search] = {}
    with tempfile.TemporaryDirectory() as work:
        if {"BM25", "tutorial", "hybrid"} & set(names):
            found |= _llamaindex(texts, names, encoder)
        if "lexical" in names:
            found["lexical"] = _lexical(texts, encoder, Path(work))
        if "dense" in names:
            found["dense"] = _dense(texts, encoder)
        yield {name: found[name] for name in NEEDS if name in names}


def _dense(texts: dict[str, str], encoder: Encoder) -> Search:
    ids = list(texts)
    vectors = encoder.encode_passages(list(texts.values()))

    def search(question: str) -> list[str]:
        nearest = np.argsort(-(vectors @ encoder.encode_queries([question])[0]), kind="stable")[:DEPTH]
        return [ids[position] for position in nearest]

    return search


def _lexical(texts: dict[str, str], encoder: Encoder, folder: Path) -> Search:
    index = LexicalIndex(folder)
    passages = [
        passage
        for name, text in texts.items()
        for passage in split_source(read_source(name, text.encode()), encoder.count_tokens)
    ]
    index.update(passages)
    documents = {passage.id: passage.document_id for passage in passages}
    languages = sorted({passage.language for passage in passages})

    def search(question: str) -> list[str]:
        hits = [hit for language in languages for hit in index.query(language, analyse(question), DEPTH)]
        return [documents[hit.passage_id] for hit in sorted(hits, key=lambda hit: -hit.score)[:DEPTH]]

    return search


def _llamaindex(texts: dict[str, str], names: Sequence[str], encoder: Encoder) -> dict[str, Search]:
    from llama_index.core import Document
    from llama_index.core.node_parser import SentenceSplitter

    documents = [
        Document(text=text, metadata={"name": name}, excluded_embed_metadata_keys=["name"])
        for name, text in texts.items()
    ]
    retrievers: dict[str, BaseRetriever] = {}
    if {"tutorial", "hybrid"} & set(names):
        retrievers["tutorial"] = _tutorial(documents, encoder)
    if {"BM25", "hybrid"} & set(names):
        from llama_index.retrievers.bm25 import BM25Retriever

        nodes = SentenceSplitter().get_nodes_from_documents(documents)
        retrievers["BM25"] = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=min(DEPTH, len(nodes)))
    if "hybrid" in names:
        retrievers["hybrid"] = _hybrid([retrievers["tutorial"], retrievers["BM25"]])

    def search(retriever: BaseRetriever) -> Search:
        return lambda question: [str(node.metadata["name"]) for node in retriever.retrieve(question)]

    return {name: search(retriever) for name, retriever in retrievers.items()}


def _tutorial(documents: Sequence[Document], encoder: Encoder) -> BaseRetriever:
    import chromadb
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from assistant.llamaindex import DalilEmbedding

    client = chromadb.EphemeralClient(chromadb.config.Settings(anonymized_telemetry=False))
    collection = client.create_collection(f"baseline-{uuid4().hex}", embedding_function=None)
    index = VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection)),
        embed_model=DalilEmbedding(encoder),
    )
    return index.as_retriever(similarity_top_k=DEPTH)


def _hybrid(retrievers: list[BaseRetriever]) -> BaseRetriever:
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES

    return QueryFusionRetriever(
        retrievers,
        llm=MockLLM(),
        similarity_top_k=DEPTH,
        num_queries=1,  # the question as it is: no language model writes others
        mode=FUSION_MODES.RECIPROCAL_RANK,
        use_async=False,
    )
