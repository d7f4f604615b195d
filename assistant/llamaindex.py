"""Dalil's parts as LlamaIndex components, for pipelines of their own.

    from assistant import Assistant
    from assistant.llamaindex import DalilChatEngine, DalilQueryEngine, DalilRetriever

    with Assistant() as dalil:
        dalil.sync()
        print(DalilQueryEngine(dalil).query("ما هو الممر الأوسط؟"))

The only module that knows LlamaIndex, and the only one that imports it: it takes seconds to import.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.node_parser import NodeParser
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import BaseNode, NodeRelationship, NodeWithScore, QueryBundle, TextNode
from pydantic import PrivateAttr

from assistant.assistant import Assistant
from assistant.encoder import Encoder
from assistant.passages import CountTokens, split_source
from assistant.readers import read_source
from assistant.schema import Answer, Citation, Hit, to_json


class DalilEmbedding(BaseEmbedding):
    """The encoder: unit vectors with the language direction removed, questions and passages told apart."""

    _encoder: Encoder = PrivateAttr()

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(model_name=encoder.model.name)
        self._encoder = encoder

    @classmethod
    def class_name(cls) -> str:
        """Name that LlamaIndex serialises the component under."""
        return "DalilEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return _floats(self._encoder.encode_queries([query])[0])

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return _floats(self._encoder.encode_passages([text])[0])

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [_floats(vector) for vector in self._encoder.encode_passages(texts)]


class DalilNodeParser(NodeParser):
    """The splitter: balanced passages of whole sentences, with their offsets in the document.

    A node's text is read as Markdown where the metadata's ``file_name`` ends in ``.md``, else as plain text.
    """

    _count_tokens: CountTokens = PrivateAttr()

    def __init__(self, count_tokens: CountTokens) -> None:
        super().__init__()
        self._count_tokens = count_tokens

    @classmethod
    def class_name(cls) -> str:
        """Name that LlamaIndex serialises the component under."""
        return "DalilNodeParser"

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        parsed: list[BaseNode] = []
        for node in nodes:
            name = str(node.metadata.get("file_name") or "document.txt")
            source = read_source(name if name.endswith((".md", ".txt")) else f"{name}.txt", node.get_content().encode())
            for passage in split_source(source, self._count_tokens):
                parsed.append(
                    TextNode(
                        id_=f"{node.node_id}:{passage.id}",
                        text=passage.text,
                        start_char_idx=passage.start,
                        end_char_idx=passage.end,
                        metadata={**node.metadata, "context": passage.context, "language": passage.language},
                        excluded_embed_metadata_keys=[*node.metadata, "language"],
                        relationships={NodeRelationship.SOURCE: node.as_related_node_info()},
                    )
                )
        return parsed


class DalilRetriever(BaseRetriever):
    """Ranked passages of an assistant's index; the score is the probability of answering."""

    def __init__(self, assistant: Assistant, limit: int = 10) -> None:
        super().__init__()
        self._assistant = assistant
        self._limit = limit

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_hit_node(hit) for hit in self._assistant.search(query_bundle.query_str, self._limit)]


class DalilQueryEngine(BaseQueryEngine):
    """Cited answers. ``source_nodes`` are the quotes in order of their numbers; ``metadata`` is the answer."""

    def __init__(self, assistant: Assistant) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._assistant = assistant

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._assistant.ask(query_bundle.query_str)
        return Response(response=answer.text, source_nodes=_citation_nodes(answer), metadata=to_json(answer))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return self._query(query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


class DalilChatEngine(BaseChatEngine):
    """A conversation: earlier turns make follow-up questions complete."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._messages: list[ChatMessage] = []

    @property
    def chat_history(self) -> list[ChatMessage]:
        """The messages so far."""
        return self._messages

    def reset(self) -> None:
        """Forget the conversation."""
        self._messages = []

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """Answer the next message."""
        answer = self._answer(message, chat_history)
        return AgentChatResponse(response=answer.text, source_nodes=_citation_nodes(answer), metadata=to_json(answer))

    def stream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamingAgentChatResponse:
        """Answer the next message piece by piece."""
        answer = self._answer(message, chat_history)
        response = StreamingAgentChatResponse(
            response=answer.text,
            unformatted_response=answer.text,
            source_nodes=_citation_nodes(answer),
            is_function=False,
        )
        for piece in _pieces(answer.text):
            response.put_in_queue(piece)
        response.is_done = True
        return response

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """Answer the next message."""
        return self.chat(message, chat_history)

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """Answer the next message piece by piece."""
        response = self.stream_chat(message, chat_history)
        response._ensure_async_setup()
        for piece in _pieces(response.response):
            response.aput_in_queue(piece)
        return response

    def _answer(self, message: str, chat_history: list[ChatMessage] | None) -> Answer:
        if chat_history is not None:
            self._messages = list(chat_history)
        answer = self._assistant.ask(message, history=_turns(self._messages))
        self._messages.append(ChatMessage(role=MessageRole.USER, content=message))
        self._messages.append(ChatMessage(role=MessageRole.ASSISTANT, content=answer.text))
        return answer


def _turns(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    """(question, answer) pairs of a conversation; messages without a partner are left out."""
    turns = []
    question: str | None = None
    for message in messages:
        if message.role == MessageRole.USER:
            question = message.content or ""
        elif message.role == MessageRole.ASSISTANT and question is not None:
            turns.append((question, message.content or ""))
            question = None
    return turns


def _hit_node(hit: Hit) -> NodeWithScore:
    metadata = {"document_id": hit.document_id, "title": hit.title, "language": hit.language, "kind": hit.kind}
    return NodeWithScore(node=TextNode(id_=hit.passage_id, text=hit.text, metadata=metadata), score=hit.score)


def _citation_nodes(answer: Answer) -> list[NodeWithScore]:
    return [NodeWithScore(node=_citation_node(citation), score=answer.confidence) for citation in answer.citations]


def _citation_node(citation: Citation) -> TextNode:
    return TextNode(
        text=citation.quote,
        start_char_idx=citation.start,
        end_char_idx=citation.end,
        metadata={key: value for key, value in to_json(citation).items() if value is not None and key != "quote"},
    )


def _floats(vector: Any) -> list[float]:
    return [float(value) for value in vector]


def _pieces(text: str) -> list[str]:
    """Words with the white space after them: together they are the text."""
    return re.findall(r"\S+\s*", text)
