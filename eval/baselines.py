"""What a user would pick instead, with the same model on the same paragraphs and questions.

``BM25``        LlamaIndex's ``BM25Retriever`` with its defaults
``dense``       passage vectors of the model as it is (its language direction left in), nearest first
``tutorial``    LlamaIndex's ``VectorStoreIndex`` over Chroma with its default splitter
``hybrid``      LlamaIndex's ``QueryFusionRetriever``: reciprocal rank fusion of the two above
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from assistant.encoder import Encoder
from assistant.models import prepare
from assistant.settings import Settings
from eval.squad import Paragraph

PACKAGES = {
    "BM25": "llama_index.retrievers.bm25",
    "dense": "numpy",
    "tutorial": "llama_index.vector_stores.chroma",
    "hybrid": "llama_index.retrievers.bm25",
}
"""Baseline to the module that it needs; the extra ``eval`` installs them."""

DEPTH = 30

Search = Callable[[str], Sequence[str]]


def missing() -> dict[str, str]:
    """Baselines that cannot run here, with the command that installs what they need."""
    return {
        name: f"needs {module}: pip install 'dalil[eval]'"
        for name, module in PACKAGES.items()
        if not _installed(module)
    }


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def plain_encoder(work: Path) -> Encoder:
    """The default model as it comes: the same network without the removal of the language direction."""
    settings = Settings()
    model = prepare(settings.embedding_model, settings.cache_dir)
    for file in ("model.onnx", "tokenizer.json"):
        (work / file).symlink_to(model.path / file)
    np.save(work / "direction.npy", np.zeros(model.dimension, dtype=np.float32))
    return Encoder(replace(model, path=work))


def build(paragraphs: Sequence[Paragraph], names: Sequence[str]) -> dict[str, Search]:
    """Searches over these paragraphs by name; each gives document ids, best first."""
    encoder = plain_encoder(Path(tempfile.mkdtemp(prefix="dalil-eval-")))
    searches: dict[str, Search] = {}
    if "dense" in names:
        searches["dense"] = _dense(paragraphs, encoder)
    if {"BM25", "tutorial", "hybrid"} & set(names):
        searches |= {name: search for name, search in _llamaindex(paragraphs, encoder).items() if name in names}
    return searches


def _dense(paragraphs: Sequence[Paragraph], encoder: Encoder) -> Search:
    vectors = encoder.encode_passages([paragraph.text for paragraph in paragraphs])

    def search(question: str) -> list[str]:
        order = np.argsort(-(vectors @ encoder.encode_queries([question])[0]))[:DEPTH]
        return [f"{paragraphs[position].id}.txt" for position in order]

    return search


def _llamaindex(paragraphs: Sequence[Paragraph], encoder: Encoder) -> dict[str, Search]:
    import chromadb
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
    from llama_index.retrievers.bm25 import BM25Retriever
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from assistant.llamaindex import DalilEmbedding

    documents = [
        Document(text=paragraph.text, metadata={"name": f"{paragraph.id}.txt"}, excluded_embed_metadata_keys=["name"])
        for paragraph in paragraphs
    ]
    client = chromadb.EphemeralClient(chromadb.config.Settings(anonymized_telemetry=False))
    name = f"baseline-{uuid4().hex}"
    store = ChromaVectorStore(chroma_collection=client.create_collection(name, embedding_function=None))
    index = VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=DalilEmbedding(encoder),
    )
    vector = index.as_retriever(similarity_top_k=DEPTH)
    nodes = SentenceSplitter().get_nodes_from_documents(documents)
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=min(DEPTH, len(nodes)))
    fused = QueryFusionRetriever(
        [vector, lexical],
        llm=MockLLM(),
        similarity_top_k=DEPTH,
        num_queries=1,
        mode="reciprocal_rerank",
        use_async=False,
    )

    def search(retriever: BaseRetriever) -> Search:
        return lambda question: [str(node.metadata["name"]) for node in retriever.retrieve(question)]

    return {"BM25": search(lexical), "tutorial": search(vector), "hybrid": search(fused)}
