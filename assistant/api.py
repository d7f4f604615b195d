"""What programs ask: the JSON interface below ``/api``, its answers the Python types as they are.

``programs`` builds the application; ``completions`` adds what OpenAI's clients speak. Whatever goes wrong has
the one shape of ``security.refusal``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import Field
from starlette.exceptions import HTTPException

from assistant.answering import ANSWER_LANGUAGES
from assistant.errors import DalilError, DocumentError, QuestionError, ServerBusyError
from assistant.pages import api_page, page_language
from assistant.remote import EVENT_STREAM, Listed, listing
from assistant.requests import Asked, Searched, explained
from assistant.schema import Answer, AnswerPiece, Document, Hit, to_json
from assistant.security import refusal, user_of

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.desk import Desk

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 15.0
"""After so long without news a stream says that it goes on, so that nothing between takes it for dead."""

RETRY_SECONDS = "5"
"""Sent with what may go better in a moment."""

_PACKAGES = ("dalil", "chromadb", "gradio", "llama-index-core", "mcp", "onnxruntime", "tantivy")


class AskRequest(Asked):
    """A question, and how its answer is sent."""

    stream: bool = Field(default=False, description="Send the answer as server-sent events while it comes about.")


@dataclass(frozen=True, slots=True)
class Health:
    """What is served, and whether it can be asked."""

    ready: bool
    """There is something to answer from, and the vectors can be reached."""
    passages: int
    documents: int
    facts: int
    model: str
    """The embedding model."""
    reranker: str | None
    languages: tuple[str, ...]
    """Languages that answers can be given in."""
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, for a program and for a reader."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What every request that is refused or fails is answered with."""

    error: Problem


def health(dalil: Assistant) -> Health:
    """What an assistant serves, and whether it can be asked."""
    passages = dalil.passage_count()
    try:
        index = dalil.index.vectors
        reached = any(index.count("passages", language) for language in index.languages())
    except DalilError:
        reached = False
    return Health(
        ready=passages > 0 and reached,
        passages=passages,
        documents=dalil.document_count(),
        facts=dalil.fact_count(),
        model=dalil.settings.embedding_model,
        reranker=dalil.settings.reranker_model,
        languages=ANSWER_LANGUAGES,
        versions=_versions(),
    )


@cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}


def programs(dalil: Assistant, desk: Desk, *more: APIRouter) -> FastAPI:
    """The application below ``/api`` and, with the routers of other modules, beside it.

    Args:
        dalil: answers.
        desk: where its work is done.
        more: further routes, described on the same page.
    """
    app = FastAPI(
        title="Dalil",
        version=metadata.version("dalil"),
        description="Answers questions in Arabic and English, every sentence with its source.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        responses={"default": {"model": Failure, "description": "What is wrong."}},
        # Only described here: the guard in front asks for it, where it is needed.
        dependencies=[Depends(HTTPBearer(auto_error=False, description="Where a login is required: `dalil token`."))],
    )
    app.include_router(_routes(dalil, desk))
    for router in more:
        app.include_router(router)
    app.add_exception_handler(DalilError, failed)
    app.add_exception_handler(RequestValidationError, failed)
    app.add_exception_handler(HTTPException, failed)
    app.add_exception_handler(Exception, failed)

    @app.get("/api/docs", include_in_schema=False)
    async def docs(request: Request, lang: str | None = None) -> HTMLResponse:
        language = page_language(lang, request.headers.get("accept-language", ""))
        address = str(request.base_url).rstrip("/")
        return HTMLResponse(api_page(app.openapi(), language, address))

    return app


def _routes(dalil: Assistant, desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/api")
    pieces = {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}

    @router.post("/ask", response_model=Answer, responses={200: pieces})
    async def ask(request: Request, body: AskRequest) -> Any:
        """Answer a question from the knowledge base, or say that it does not hold the answer.

        With `"stream": true`, or where the request accepts `text/event-stream`, the answer comes as server-sent
        events: `piece` for each further part of the text (`restart` withdraws what was said before it), `answer`
        for the whole answer at the end, `error` where it cannot be finished.
        """
        if body.stream or EVENT_STREAM in request.headers.get("accept", ""):
            items = desk.stream(lambda: dalil.stream(body.question, body.turns, body.language), PATIENCE_SECONDS)
            return await event_stream(request, items, events)
        return JSONResponse(to_json(await desk.run(lambda: dalil.ask(body.question, body.turns, body.language))))

    @router.post("/search", response_model=list[Hit])
    async def search(body: Searched) -> Any:
        """Find the passages that may answer, the most probable first."""
        return JSONResponse(to_json(await desk.run(lambda: dalil.search(body.query, body.limit))))

    @router.get("/documents", response_model=list[Listed])
    async def documents() -> Any:
        """List the indexed documents, without their text."""
        return JSONResponse(to_json((await desk.run(lambda: listing(dalil))).documents))

    @router.get("/documents/{document_id:path}", response_model=Document)
    async def document(document_id: str) -> Any:
        """One document with its text as citations quote it: `text[start:end]` is the quote, in characters."""
        return JSONResponse(to_json(await desk.run(lambda: dalil.document(document_id))))

    @router.get("/health", response_model=Health, name="health")
    async def tell_health() -> Any:
        """What is served, and whether it can be asked."""
        return JSONResponse(to_json(await desk.run(lambda: health(dalil))))

    return router


# --- streams -----------------------------------------------------------------------------------------


Render = Callable[[AsyncIterator[AnswerPiece | Answer | None]], AsyncIterator[str]]
"""Makes text of the items of an answer; None stands for "still at it"."""


async def event_stream(
    request: Request, items: AsyncIterator[AnswerPiece | Answer | None], render: Render
) -> StreamingResponse:
    """A stream of server-sent events, begun only when there is something: until then a failure has a status.

    Closing it closes ``items``.

    Raises:
        DalilError: what the first item raises.
    """
    try:
        first = await anext(items)
    except StopAsyncIteration:  # every stream ends with its answer
        raise RuntimeError("the answer has no items") from None

    async def whole() -> AsyncIterator[AnswerPiece | Answer | None]:
        yield first
        async for item in items:
            yield item

    async def lines() -> AsyncIterator[str]:
        try:
            async for text in render(whole()):
                yield text
        except Exception as error:  # the status is sent: the stream must say it
            yield event(Failure(failure(request, error).error), "error")
        finally:
            await items.aclose()  # type: ignore[attr-defined]  # it is a generator

    return StreamingResponse(lines(), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})


async def events(items: AsyncIterator[AnswerPiece | Answer | None]) -> AsyncIterator[str]:
    """An answer as the events `piece` and `answer`."""
    async for item in items:
        if item is None:
            yield STILL
        else:
            yield event(to_json(item), "answer" if isinstance(item, Answer) else "piece")


STILL = ": still at it\n\n"
"""A comment, which clients of server-sent events pass over."""


def event(data: Any, name: str | None = None) -> str:
    """One server-sent event with JSON as its data."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=to_json)
    return f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n"


# --- failures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure on its way to whoever asked."""

    status: int
    error: Problem


def failure(request: Request, error: Exception) -> Failed:
    """What is said about an error. Nothing of what only the operator should know goes to other machines."""
    if isinstance(error, QuestionError):
        return Failed(400, Problem("invalid_question", str(error)))
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return Failed(400, Problem("invalid_json", f"the body is not JSON: {first['ctx']['error']}"))
        return Failed(422, Problem("invalid_request", explained(error.errors(), skip=1)))
    if isinstance(error, DocumentError):
        return Failed(404, Problem("not_found", str(error)))
    if isinstance(error, ServerBusyError):
        return Failed(503, Problem("busy", str(error)))
    if isinstance(error, HTTPException):
        return Failed(error.status_code, Problem(_CODES.get(error.status_code, "refused"), str(error.detail)))
    if isinstance(error, DalilError):
        logger.error("a request failed: %s", error)
        user = user_of(request)
        told = str(error) if user is not None and user.local else "no answers at the moment; try again later"
        return Failed(503, Problem("unavailable", told))
    logger.error("a request failed", exc_info=error)
    return Failed(500, Problem("internal", "something unexpected went wrong; the server's output says what"))


# FastAPI says 400 of a body that it cannot parse.
_CODES = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed"}


async def failed(request: Request, error: Exception) -> JSONResponse:
    """The response to a request that failed."""
    found = failure(request, error)
    headers = dict(getattr(error, "headers", None) or {})
    if found.status == 503:
        headers["Retry-After"] = RETRY_SECONDS
    return refusal(request.scope, found.status, found.error.code, found.error.message, headers)
