"""What OpenAI's clients speak, below ``/v1``: one model called ``dalil``, its answers with their citations."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict  # what pydantic wants before Python 3.12

from assistant.api import PATIENCE_SECONDS, STILL, event, event_stream
from assistant.errors import QuestionError
from assistant.requests import MAX_TURN_CHARACTERS, MAX_TURNS
from assistant.schema import Answer, AnswerPiece, Citation, to_json

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.desk import Desk

MODEL = "dalil"
MAX_MESSAGES = 500
MAX_MESSAGE_CHARACTERS = 200_000
"""Of one message: system messages are long, and passed over."""


class Part(BaseModel):
    """A part of a message. Only text is understood."""

    type: str
    text: str | None = Field(default=None, max_length=MAX_MESSAGE_CHARACTERS)


class Message(BaseModel):
    """What somebody said."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = Field(default=None, max_length=MAX_MESSAGE_CHARACTERS)


class StreamOptions(BaseModel):
    """What a stream holds besides the answer."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A conversation whose last message is the question.

    Clients send much that only a language model has use for (`temperature` and the like): it is passed over.
    """

    model: str = Field(description="`dalil`.", examples=[MODEL])
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=1, ge=1, le=1)


class Said(TypedDict):
    """Dalil's answer: OpenAI's message, and what that has no place for."""

    role: Literal["assistant"]
    content: str
    refusal: None
    citations: list[Citation]
    """What the marks in the text stand for."""
    answered: bool
    """False where the knowledge base does not hold the answer."""
    confidence: float
    note: str | None


class Choice(TypedDict):
    """The one answer."""

    index: int
    message: Said
    finish_reason: Literal["stop"]
    logprobs: None


class Usage(TypedDict):
    """Tokens, as Dalil's encoder counts them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(TypedDict):
    """An answer as OpenAI's clients expect it."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class Model(TypedDict):
    """A model as OpenAI's clients expect it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(TypedDict):
    """The models there are."""

    object: Literal["list"]
    data: list[Model]


def routes(dalil: Assistant, desk: Desk) -> APIRouter:
    """``/v1/models`` and ``/v1/chat/completions`` for one assistant."""
    router = APIRouter(prefix="/v1")
    began = int(time.time())
    model = Model(id=MODEL, object="model", created=began, owned_by=MODEL)

    @router.get("/models", response_model=Models)
    async def models() -> Any:
        """List the one model."""
        return JSONResponse(Models(object="list", data=[model]))

    @router.get("/models/{name}", include_in_schema=False)
    async def one_model(name: str) -> Any:
        _check(name)
        return JSONResponse(model)

    @router.post("/chat/completions", response_model=Completion)
    async def complete(request: Request, body: CompletionRequest) -> Any:
        """Answer the last message, the ones before it being the conversation. System messages are passed over.

        The text carries the marks `[1]`; `citations` of the message (of the last delta in a stream) holds what they
        stand for.
        """
        _check(body.model)
        question, history = conversation(body.messages)
        reply = _Reply(dalil, question, history)
        if not body.stream:
            answer = await desk.run(lambda: dalil.ask(question, history))
            return JSONResponse(reply.whole(answer))
        usage = body.stream_options is not None and body.stream_options.include_usage
        items = desk.stream(lambda: dalil.stream(question, history), PATIENCE_SECONDS)
        return await event_stream(request, items, lambda given: reply.chunks(given, usage))

    return router


def _check(name: str) -> None:
    if name != MODEL:
        raise HTTPException(404, f"there is no model '{name[:100]}'; the one that answers is '{MODEL}'")


def conversation(messages: Sequence[Message]) -> tuple[str, list[tuple[str, str]]]:
    """The question and the turns before it, as ``Assistant.ask`` takes them.

    Raises:
        QuestionError: the last message is not a user's, or has more than text in it.
    """
    said = [(message.role, _text(message)) for message in messages if message.role in ("user", "assistant")]
    if not said or said[-1][0] != "user":
        raise QuestionError("the last message must be the user's question")
    history: list[tuple[str, str]] = []
    asked: str | None = None
    for role, text in said[:-1]:
        if role == "user":
            if asked is not None:
                history.append((asked, ""))
            asked = text[:MAX_TURN_CHARACTERS]
        elif asked is not None:
            history.append((asked, text[:MAX_TURN_CHARACTERS]))
            asked = None
    if asked is not None:
        history.append((asked, ""))
    return said[-1][1], history[-MAX_TURNS:]


def _text(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    other = next((part.type for part in message.content if part.type not in ("text", "refusal")), None)
    if other is not None:
        raise QuestionError(f"a message has a part of type '{other[:50]}'; only text is understood")
    return "\n".join(part.text or "" for part in message.content)


class _Reply:
    """One answer as OpenAI's clients expect it."""

    def __init__(self, dalil: Assistant, question: str, history: Sequence[tuple[str, str]]) -> None:
        self._count = dalil.encoder.count_tokens
        self._prompt = [question, *(text for turn in history for text in turn)]
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}

    def whole(self, answer: Answer) -> dict[str, Any]:
        message = {"role": "assistant", "content": answer.text, "refusal": None, **_extra(answer)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage(answer.text)}

    async def chunks(self, items: AsyncIterator[AnswerPiece | Answer | None], usage: bool) -> AsyncIterator[str]:
        yield self._chunk({"role": "assistant", "content": ""})
        said = ""
        async for item in items:
            if item is None:
                yield STILL
            elif isinstance(item, Answer):
                yield self._chunk(_extra(item), "stop")
            else:
                # What was said cannot be taken back here: the new beginning stands apart from it.
                text = f"\n\n{item.text}" if item.restart and said else item.text
                said += text
                yield self._chunk({"content": text})
        if usage:
            yield event({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage(said)})
        yield event("[DONE]")

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event({**self._head, "object": "chat.completion.chunk", "choices": [choice]})

    def _usage(self, text: str) -> Usage:
        prompt, completion = sum(map(self._count, self._prompt)), self._count(text)
        return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def _extra(answer: Answer) -> dict[str, Any]:
    """What OpenAI's format has no place for."""
    return {
        "citations": to_json(answer.citations),
        "answered": answer.answered,
        "confidence": answer.confidence,
        "note": answer.note,
    }
