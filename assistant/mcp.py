"""The tools ``ask``, ``search`` and ``document`` for whoever speaks the Model Context Protocol.

Over standard input and output (``dalil mcp``) or over HTTP, one request at a time without sessions. The protocol's
library takes most of a second to import: that is done when somebody first speaks it.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import TypeAdapter, ValidationError

from assistant.errors import DalilError, DocumentError, IndexBusyError, QuestionError, ServerBusyError
from assistant.requests import Asked, Searched, Strict, Wanted, explained
from assistant.schema import Answer, Document, Hit, to_json
from assistant.security import refusal, user_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult, Tool
    from starlette.types import Receive, Scope, Send

    from assistant.assistant import Assistant
    from assistant.desk import Desk

logger = logging.getLogger(__name__)

INSTRUCTIONS = (
    "Answers questions in Arabic and English from a knowledge base of documents. Use `ask` for a cited answer, "
    "`search` for the passages themselves, and `document` to read a document that a citation names. An answer with "
    '"answered": false means that the knowledge base does not hold it.'
)


STOPPED = 130
"""Exit code after Ctrl-C, as of every command."""


class Dalil(Protocol):
    """What the tools need: an ``Assistant``, or the process that serves one."""

    def ask(
        self, question: str, history: Sequence[tuple[str, str]] | None = None, language: str | None = None
    ) -> Answer:
        """As ``Assistant.ask``."""
        ...

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """As ``Assistant.search``."""
        ...

    def document(self, document_id: str) -> Document:
        """As ``Assistant.document``."""
        ...


Work = Callable[[Callable[[Dalil], Any]], Awaitable[Any]]
"""Has something done with an assistant, off the event loop."""


# --- the tools ---------------------------------------------------------------------------------------


@cache
def _tools() -> list[Tool]:
    from mcp_types import Tool, ToolAnnotations

    hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    def tool(name: str, title: str, about: str, arguments: type[Strict], result: Any) -> Tool:
        schema = TypeAdapter(result).json_schema(mode="serialization")
        if schema["type"] != "object":  # the protocol wants one
            definitions = schema.pop("$defs", {})
            schema = {"type": "object", "properties": {"hits": schema}, "required": ["hits"], "$defs": definitions}
        return Tool(
            name=name,
            title=title,
            description=about,
            input_schema=arguments.model_json_schema(),
            output_schema=schema,
            annotations=hints,
        )

    return [
        tool(
            "ask",
            "Ask Dalil · اسأل دليلًا",
            "Answer a question in Arabic or English from the knowledge base, every sentence with a citation of the "
            "exact sentence that it rests on; or say that the knowledge base does not hold the answer.",
            Asked,
            Answer,
        ),
        tool(
            "search",
            "Search passages · ابحث في المقاطع",
            "Find the passages that may answer a question or hold some words, in both languages, most probable first.",
            Searched,
            list[Hit],
        ),
        tool(
            "document",
            "Read a document · اقرأ مستندًا",
            "Read a whole document. The offsets of citations are characters of its text.",
            Wanted,
            Document,
        ),
    ]


def build_server(work: Work) -> Server[Any]:
    """A server of the protocol whose tools do their work with ``work``."""
    from mcp.server.lowlevel import Server
    from mcp_types import ListToolsResult

    async def list_tools(context: Any, params: Any) -> ListToolsResult:
        return ListToolsResult(tools=_tools())

    async def call_tool(context: Any, params: Any) -> CallToolResult:
        user = user_of(context.request)
        return await _called(work, params.name, params.arguments or {}, local=user is None or user.local)

    return Server(
        "dalil",
        title="Dalil · دليل",
        version=metadata.version("dalil"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _called(work: Work, name: str, arguments: dict[str, Any], local: bool) -> CallToolResult:
    """The result of a tool; what goes wrong is said in it, so that a model can read it and do better."""
    from mcp_types import CallToolResult, TextContent

    try:
        text, value = await _result(work, name, arguments)
    except ValidationError as error:
        return _failed(explained(error.errors()))
    except (QuestionError, DocumentError, ServerBusyError) as error:
        return _failed(str(error))
    except DalilError as error:
        logger.error("a tool failed: %s", error)
        return _failed(str(error) if local else "no answers at the moment; try again later")
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=value)


async def _result(work: Work, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """What a tool gives, for a reader and as JSON."""
    if name == "ask":
        asked = Asked.model_validate(arguments)
        answer = await work(lambda dalil: dalil.ask(asked.question, asked.turns, asked.language))
        return answer_text(answer), to_json(answer)
    if name == "search":
        searched = Searched.model_validate(arguments)
        hits = await work(lambda dalil: dalil.search(searched.query, searched.limit))
        return hits_text(hits), {"hits": to_json(hits)}
    if name == "document":
        wanted = Wanted.model_validate(arguments)
        document = await work(lambda dalil: dalil.document(wanted.document_id))
        return document_text(document), to_json(document)
    raise QuestionError(f"there is no tool '{name[:100]}'; there are ask, search and document")


def _failed(message: str) -> CallToolResult:
    from mcp_types import CallToolResult, TextContent

    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def answer_text(answer: Answer) -> str:
    """An answer as it is read: the text, a note, and what each mark in it stands for."""
    parts = [answer.text, *([answer.note] if answer.note else [])]
    if answer.citations:
        parts.append("\n".join(f"[{one.number}] {_origin(one)}: “{one.quote}”" for one in answer.citations))
    elif answer.closest:
        parts.append(hits_text(answer.closest))
    return "\n\n".join(parts)


def _origin(citation: Any) -> str:
    page = f", p. {citation.page}" if citation.page else ""
    return f"{citation.title} ({citation.document_id}{page})"


def hits_text(hits: Sequence[Hit]) -> str:
    """Passages as they are read."""
    return "\n\n".join(
        f"{number}. {hit.title} ({hit.document_id}), {hit.score:.0%}\n{hit.text}" for number, hit in enumerate(hits, 1)
    )


def document_text(document: Document) -> str:
    """A document as it is read."""
    return f"{document.title}\n{document.id} · {document.language} · {document.source}\n\n{document.text}"


# --- over HTTP ---------------------------------------------------------------------------------------


class McpEndpoint:
    """The tools over HTTP: an ASGI application that answers POST with JSON and keeps nothing between requests."""

    def __init__(self, dalil: Assistant, desk: Desk) -> None:
        async def work(task: Callable[[Dalil], Any]) -> Any:
            return await desk.run(lambda: task(dalil))

        self._server = cache(lambda: build_server(work))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].rstrip("/") != "/mcp":
            await refusal(scope, 404, "not_found", "the tools are at /mcp")(scope, receive, send)
            return
        if scope["method"] != "POST":  # streams that a server may send by itself: there is nothing to say
            await refusal(scope, 405, "method_not_allowed", "send POST", {"Allow": "POST"})(scope, receive, send)
            return
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(self._server(), json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)


# --- over standard input and output ------------------------------------------------------------------


def serve_stdio(begin: Callable[[], AbstractContextManager[Dalil]]) -> None:
    """Serve the tools over standard input and output until the input ends.

    Args:
        begin: opens what answers. It may take minutes: clients are answered meanwhile, and tools wait for it.
    """
    import anyio
    from mcp.server.stdio import stdio_server

    async def serve(answers: _Answers) -> None:
        server = build_server(answers.work)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    with _Answers(begin) as answers:

        def stop(*_: object) -> None:
            # The thread that reads the input cannot be woken: what is open is closed, and nobody waits for it.
            answers.close_now()
            os._exit(STOPPED)

        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, stop)
        anyio.run(serve, answers)


class _Answers:
    """Something that answers, opened in a thread of its own, and opened anew when it has gone."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Dalil]]) -> None:
        self._begin = begin
        self._stack = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dalil-mcp")
        self._changing = threading.Lock()
        self._opened = self._thread.submit(self._open)

    def _open(self) -> Dalil:
        self._stack.close()
        return self._stack.enter_context(self._begin())

    async def work(self, task: Callable[[Dalil], Any]) -> Any:
        """The result of a task. The process that answered may have been stopped meanwhile, or another one started."""
        import anyio.to_thread

        def do() -> Any:
            opened = self._opened
            try:
                dalil = opened.result()
            except DalilError:
                dalil = self._anew(opened).result()
            try:
                return task(dalil)
            except IndexBusyError:
                return task(self._anew(opened).result())

        return await anyio.to_thread.run_sync(do)

    def _anew(self, opened: Future[Dalil]) -> Future[Dalil]:
        with self._changing:
            if self._opened is opened:  # nobody else has opened it anew already
                self._opened = self._thread.submit(self._open)
            return self._opened

    def __enter__(self) -> _Answers:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.submit(self._stack.close).result()  # after what is still being opened
        self._thread.shutdown()

    def close_now(self) -> None:
        """Close what is open; what is still being opened ends with the process, which harms no index."""
        if self._opened.done():
            self._thread.submit(self._stack.close).result()
