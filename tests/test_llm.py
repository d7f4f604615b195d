"""A language model that may fail: retries within the time, servers with their own ways, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from llama_index.core.llms import LLM, ChatMessage

from assistant.llm import ModelFailedError, _fault, _seconds, open_model, prompt, read
from assistant.settings import Settings
from tests import llm_server
from tests.llm_server import ModelServer, StatusError, model_server, says

SOON = 2.5
"""Seconds: the model would take ten, or ask to wait thirty; another process may use the cores."""
ASKED = [ChatMessage(role="user", content="<question>x</question>")]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture(scope="module")
def llm(server: ModelServer) -> LLM:
    model = open_model(Settings(llm_base_url=server.url, llm_model="test-model", llm_timeout=5))
    assert model is not None
    return model


def said(llm: LLM, seconds: float = 15.0) -> str:
    return "".join(read(llm, ASKED, time.monotonic() + seconds))


def after(failures: list[Exception], server: ModelServer) -> list[float]:
    """Let the server fail so often before it answers; when it was asked."""
    asked: list[float] = []

    def behave(messages):
        asked.append(time.monotonic())
        if len(asked) <= len(failures):
            raise failures[len(asked) - 1]
        yield "done"

    server.behaviour = behave
    return asked


def test_no_limit_is_set_that_a_reasoning_model_would_think_away(llm: LLM, server: ModelServer):
    server.behaviour = says("نعم")
    server.requests.clear()
    assert said(llm) == "نعم"
    (request,) = server.requests
    assert "max_tokens" not in request
    assert (request["temperature"], request["stream"]) == (0.0, True)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(llm: LLM, server: ModelServer, status: int):
    asked = after([StatusError(status)], server)
    assert said(llm) == "done"
    assert len(asked) == 2


def test_it_is_asked_when_it_wants_to_be(llm: LLM, server: ModelServer):
    asked = after([StatusError(429, {"Retry-After": "1"})], server)
    assert said(llm) == "done"
    assert 0.9 < asked[1] - asked[0] < 2.5


def test_nobody_waits_for_what_comes_too_late(llm: LLM, server: ModelServer):
    asked = after([StatusError(429, {"Retry-After": "30"})], server)
    begun = time.monotonic()
    with pytest.raises(ModelFailedError) as failure:
        said(llm)
    assert failure.value.kind == "limited"
    assert time.monotonic() - begun < SOON
    assert len(asked) == 1


def test_there_is_an_end_to_asking(llm: LLM, server: ModelServer):
    asked = after([StatusError(500)] * 9, server)
    with pytest.raises(ModelFailedError) as failure:
        said(llm)
    assert failure.value.kind == "refused"
    assert len(asked) == 3


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_wrong_for_good_is_not_asked_again(llm: LLM, server: ModelServer, status: int):
    asked = after([StatusError(status)], server)
    with pytest.raises(ModelFailedError) as failure:
        said(llm)
    assert (failure.value.kind, len(asked)) == ("refused", 1)


def test_a_model_without_system_messages_gets_one_message(llm: LLM, server: ModelServer):
    def behave(messages):
        if messages[0]["role"] == "system":
            raise StatusError(400)
        yield messages[0]["content"]

    server.behaviour = behave
    written = "".join(read(llm, prompt("answer", "ar", evidence="[1] جملة", question="سؤال؟"), time.monotonic() + 15))
    assert written.startswith("أنت تجيب عن سؤال")
    assert "<question>سؤال؟</question>" in written


def test_a_lost_connection_is_tried_again_until_something_was_said(llm: LLM, server: ModelServer):
    asked = after([llm_server.ResetError()], server)
    assert said(llm) == "done"
    assert len(asked) == 2

    def behave(messages):
        yield "one "
        time.sleep(0.2)  # the word is there before the connection goes
        raise llm_server.ResetError

    server.behaviour = behave
    with pytest.raises(ModelFailedError) as failure:
        said(llm)
    assert failure.value.kind == "cut"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_time_is_up_whatever_the_model_does(llm: LLM, server: ModelServer, language: str):
    server.behaviour = llm_server.waits(0.2, *(["كلمة " if language == "ar" else "word "] * 50))
    begun = time.monotonic()
    with pytest.raises(ModelFailedError) as failure:
        said(llm, 1.0)
    assert failure.value.kind == "slow"
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("soon", None), ("inf", float("inf"))]
)
def test_retry_after(header: str, seconds: float | None):
    assert _seconds(header) == seconds


def test_retry_after_as_a_date():
    later = datetime.now(UTC) + timedelta(seconds=20)
    found = _seconds(format_datetime(later, usegmt=True))
    assert found is not None
    assert 17 < found <= 20


def test_faults_are_told_by_their_names():
    request = httpx.Request("GET", "http://x")
    assert _fault(httpx.ReadTimeout("x", request=request)) == "slow"
    assert _fault(httpx.ConnectTimeout("x", request=request)) == "slow"
    assert _fault(httpx.ConnectError("x", request=request)) == "unreachable"
    assert _fault(httpx.ReadError("x", request=request)) == "cut"
    assert _fault(httpx.RemoteProtocolError("x", request=request)) == "cut"
    assert _fault(ConnectionRefusedError()) == "unreachable"
    assert _fault(TimeoutError()) == "slow"
    assert _fault(ValueError("what?")) == "refused"
