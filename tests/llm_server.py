"""A small server that speaks OpenAI's protocol over real sockets, and does whatever a test wants of a model.

It streams server-sent events or answers at once. A *behaviour* gets the request's messages and gives the parts that
the model says; exceptions of this module end the reply as a broken server would.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[list[dict[str, Any]]], Iterator[str]]

EVIDENCE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
QUESTION = re.compile(r"<question>(.*?)</question>", re.DOTALL)


class ResetError(Exception):
    """The connection is torn down."""


class EndedError(Exception):
    """The stream ends without saying why."""


class TooLongError(Exception):
    """The model may not write more: ``finish_reason`` is ``length``."""


@dataclass
class StatusError(Exception):
    """The request is answered with an HTTP error."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


def evidence_of(messages: list[dict[str, Any]]) -> list[str]:
    """The numbered sentences of a prompt, without their numbers."""
    return [text for _, text in EVIDENCE.findall(messages[-1]["content"])]


def is_rewriting(messages: list[dict[str, Any]]) -> bool:
    """Whether the prompt asks for a question, not for an answer."""
    return "<conversation>" in messages[-1]["content"]


def question_of(messages: list[dict[str, Any]]) -> str:
    """The question of a prompt."""
    found = QUESTION.search(messages[-1]["content"])
    assert found is not None
    return found.group(1)


def says(*parts: str) -> Behaviour:
    """A model that says the same whatever it is asked; a question it leaves as it is."""

    def behave(messages: list[dict[str, Any]]) -> Iterator[str]:
        yield from [question_of(messages)] if is_rewriting(messages) else parts

    return behave


def is_arabic(text: str) -> bool:
    """By its first letter."""
    return next((letter > "\u0600" for letter in text if letter.isalpha()), False)


def spoken_evidence(messages: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """The numbered sentences in the question's language."""
    arabic = is_arabic(question_of(messages))
    return [(n, text) for n, text in enumerate(evidence_of(messages), 1) if is_arabic(text) == arabic]


def obedient(messages: list[dict[str, Any]]) -> Iterator[str]:
    """A good model: says the first two sentences of the evidence in the question's language, with their numbers."""
    if is_rewriting(messages):
        yield question_of(messages)
        return
    for number, text in spoken_evidence(messages)[:2]:
        for word in text.split():
            yield word + " "
        yield f"[{number}] "


def held(go_on: threading.Event) -> Behaviour:
    """A good model that waits for ``go_on`` in the middle of a last sentence, in which it repeats its first."""

    def behave(messages: list[dict[str, Any]]) -> Iterator[str]:
        parts = list(obedient(messages))
        yield from [*parts, parts[0]]
        assert go_on.wait(50)
        first = next(place for place, part in enumerate(parts) if part.startswith("["))
        yield from parts[1 : first + 1]

    return behave


def fails(error: Exception, *before: str) -> Behaviour:
    """A model that says something and then fails."""

    def behave(messages: list[dict[str, Any]]) -> Iterator[str]:
        yield from before
        raise error

    return behave


def waits(seconds: float, *parts: str) -> Behaviour:
    """A model that takes its time before each part."""

    def behave(messages: list[dict[str, Any]]) -> Iterator[str]:
        for part in parts:
            time.sleep(seconds)
            yield part

    return behave


@dataclass
class ModelServer:
    """What a test holds: where the server is, what it does, and what it was asked."""

    url: str
    behaviour: Behaviour = obedient
    requests: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server on a free port of this machine."""
    held = ModelServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/v1/models":
                self._json(200, {"object": "list", "data": [{"id": "test-model", "object": "model"}]})
            else:
                self._json(404, {"error": {"message": "no such page"}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            held.requests.append(body)
            parts = held.behaviour(body["messages"])
            try:
                first = next(parts, None)
            except StatusError as error:
                self._json(error.status, {"error": {"message": "an error of the server"}}, error.headers)
                return
            except ResetError:
                self._reset()
                return
            said = [] if first is None else [first]
            if body.get("stream"):
                self._stream(said, parts)
            else:
                self._json(200, self._whole("".join([*said, *parts])))

        def _stream(self, said: list[str], parts: Iterator[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            reason = "stop"
            try:
                for part in said:
                    self._event({"content": part}, None)
                for part in parts:
                    self._event({"content": part}, None)
            except TooLongError:
                reason = "length"
            except EndedError:
                self.close_connection = True
                return
            except ResetError:
                self._reset()
                return
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
                return
            try:
                self._event({}, reason)
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.close_connection = True

        def _event(self, delta: dict[str, Any], reason: str | None) -> None:
            chunk = {
                "id": "1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "test-model",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

        def _whole(self, text: str) -> dict[str, Any]:
            return {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "test-model",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }

        def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            for name, content in (headers or {}).items():
                self.send_header(name, content)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is for people."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Clients go away whenever they like."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
