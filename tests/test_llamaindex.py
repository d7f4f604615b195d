"""Dalil's parts in LlamaIndex pipelines."""

from __future__ import annotations

import numpy as np
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from assistant.llamaindex import (
    DalilChatEngine,
    DalilEmbedding,
    DalilNodeParser,
    DalilQueryEngine,
    DalilRetriever,
)
from tests.loops import run

CORRIDOR = "ما هو الممر الأوسط؟"


def test_the_query_engine_answers_with_citations(shipped):
    response = DalilQueryEngine(shipped).query(CORRIDOR)
    answer = shipped.ask(CORRIDOR)
    assert str(response) == answer.text
    assert [node.text for node in response.source_nodes] == [citation.quote for citation in answer.citations]
    assert response.source_nodes[0].metadata["document_id"] == answer.citations[0].document_id
    assert run(DalilQueryEngine(shipped).aquery(CORRIDOR)).response == answer.text


def test_the_retriever_ranks(shipped):
    nodes = DalilRetriever(shipped, limit=3).retrieve("gallium")
    assert [node.node_id for node in nodes] == [hit.passage_id for hit in shipped.search("gallium", 3)]
    assert nodes[0].score == shipped.search("gallium", 1)[0].score


def test_the_chat_engine_remembers(shipped):
    engine = DalilChatEngine(shipped)
    engine.chat("ما هو مشروع ستبنوغورسك؟")
    response = engine.chat("ولماذا انسحبت اليابان منه؟")
    assert any("stepnogorsk" in node.metadata["document_id"] for node in response.source_nodes)
    assert [message.role for message in engine.chat_history] == [MessageRole.USER, MessageRole.ASSISTANT] * 2
    engine.reset()
    assert engine.chat_history == []


def test_the_chat_engine_streams(shipped):
    text = shipped.ask(CORRIDOR).text
    engine = DalilChatEngine(shipped)
    assert "".join(engine.stream_chat(CORRIDOR).response_gen) == text

    async def stream() -> str:
        response = await engine.astream_chat(CORRIDOR, chat_history=[])
        return "".join([piece async for piece in response.async_response_gen()])

    assert run(stream()) == text
    assert run(engine.achat(CORRIDOR, [ChatMessage(role=MessageRole.USER, content="x")])).response == text


def test_embedding_and_parser_in_a_pipeline_of_ones_own(shipped):
    parser = DalilNodeParser(shipped.encoder.count_tokens)
    text = "# الموانئ\n\nيقع ميناء أكتاو على بحر قزوين. وهو ميناء كبير.\n\n## Trade\n\nGrain leaves the harbour.\n"
    nodes = parser.get_nodes_from_documents([Document(text=text, metadata={"file_name": "ports.md"})])
    assert [node.get_content() for node in nodes] == [
        "يقع ميناء أكتاو على بحر قزوين. وهو ميناء كبير.",
        "Grain leaves the harbour.",
    ]
    assert [node.metadata["language"] for node in nodes] == ["ar", "en"]
    embedding = DalilEmbedding(shipped.encoder)
    expected = shipped.encoder.encode_queries([CORRIDOR])[0]
    assert np.allclose(embedding.get_query_embedding(CORRIDOR), expected, atol=1e-6)
    found = VectorStoreIndex(nodes, embed_model=embedding).as_retriever(similarity_top_k=1).retrieve("Where is Aktau?")
    assert found[0].node.metadata["language"] == "ar"
