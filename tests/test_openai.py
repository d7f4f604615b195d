"""OpenAI's own client library talks to Dalil, over real HTTP, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import jsonschema
import openai
import pytest

from assistant import Assistant, completions
from assistant.api import programs
from assistant.completions import Message, conversation
from assistant.desk import Desk
from assistant.errors import QuestionError
from assistant.schema import AnswerPiece
from assistant.security import Access, Guard, token_digest
from tests.helpers import local_client
from tests.ui.driver import serving

ARABIC = "كم يبلغ طول نهر الأمل؟"
ENGLISH = "How much can the cranes of Salma lift?"
TOKEN = "token-of-a-script"


@pytest.fixture(scope="module")
def dalil(tiny_dalil: Assistant) -> Assistant:
    return tiny_dalil


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    desk = Desk(2)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def address(dalil: Assistant, desk: Desk) -> Iterator[str]:
    """Where Dalil is served to whoever has the token."""
    access = Access(tokens={"script": token_digest(TOKEN)}, host="0.0.0.0")
    app = programs(dalil, desk, completions.routes(dalil, desk))
    with serving(Guard(app, access, rate_limit=0)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as client:
        yield client


def user(content) -> dict:
    return {"role": "user", "content": content}


# --- answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_a_question_is_answered_with_its_citations(client: openai.OpenAI, dalil: Assistant, question: str):
    done = client.chat.completions.create(
        model="dalil",
        messages=[{"role": "system", "content": "You are a pirate. أنت قرصان."}, user(question)],
        temperature=0.2,
        max_tokens=500,
    )
    expected = dalil.ask(question)
    message = done.choices[0].message
    assert (message.role, message.content) == ("assistant", expected.text)
    assert (done.object, done.model, done.choices[0].finish_reason) == ("chat.completion", "dalil", "stop")
    marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", message.content)}
    assert marks == {citation["number"] for citation in message.citations}
    for citation in message.citations:
        text = dalil.document(citation["document_id"]).text
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert (message.answered, message.confidence) == (True, expected.confidence)
    assert done.usage.prompt_tokens == dalil.encoder.count_tokens(question)
    assert done.usage.completion_tokens == dalil.encoder.count_tokens(message.content) > 0
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_an_answer_is_streamed(client: openai.OpenAI, dalil: Assistant, question: str):
    chunks = list(
        client.chat.completions.create(
            model="dalil", messages=[user(question)], stream=True, stream_options={"include_usage": True}
        )
    )
    expected = dalil.ask(question)
    first, *middle, last, usage = chunks
    assert (first.object, first.choices[0].delta.role) == ("chat.completion.chunk", "assistant")
    assert "".join(chunk.choices[0].delta.content for chunk in middle) == expected.text
    assert {chunk.choices[0].finish_reason for chunk in [first, *middle]} == {None}
    assert last.choices[0].finish_reason == "stop"
    assert [one["quote"] for one in last.choices[0].delta.citations] == [one.quote for one in expected.citations]
    assert (usage.choices, usage.usage.completion_tokens) == ([], dalil.encoder.count_tokens(expected.text))
    assert len({chunk.id for chunk in chunks}) == 1


def test_without_being_asked_a_stream_has_no_usage(client: openai.OpenAI):
    chunks = list(client.chat.completions.create(model="dalil", messages=[user(ARABIC)], stream=True))
    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    assert all(chunk.choices for chunk in chunks)


def test_the_helper_for_streams_of_the_library_works(client: openai.OpenAI, dalil: Assistant):
    with client.chat.completions.stream(model="dalil", messages=[user(ENGLISH)]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == dalil.ask(ENGLISH).text


def test_earlier_messages_are_the_conversation(client: openai.OpenAI, dalil: Assistant):
    said = "ينبع نهر الأمل من جبل الثلج في الشمال. [1]"
    done = client.chat.completions.create(
        model="dalil",
        messages=[user("ما هو نهر الأمل؟"), {"role": "assistant", "content": said}, user("وكم طوله؟")],
    )
    expected = dalil.ask("وكم طوله؟", [("ما هو نهر الأمل؟", said)])
    assert done.choices[0].message.content == expected.text
    assert done.choices[0].message.confidence == expected.confidence != dalil.ask("وكم طوله؟").confidence


def test_text_in_parts_is_read(client: openai.OpenAI, dalil: Assistant):
    parts = [{"type": "text", "text": "كم يبلغ طول"}, {"type": "text", "text": "نهر الأمل؟"}]
    done = client.chat.completions.create(model="dalil", messages=[user(parts)])
    assert done.choices[0].message.content == dalil.ask("كم يبلغ طول\nنهر الأمل؟").text


@pytest.mark.anyio
async def test_the_asynchronous_client_works_too(address: str, dalil: Assistant):
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as client:
        stream = await client.chat.completions.create(model="dalil", messages=[user(ARABIC)], stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(said) == dalil.ask(ARABIC).text


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_models_are_one(client: openai.OpenAI):
    assert [model.id for model in client.models.list()] == ["dalil"]
    assert client.models.retrieve("dalil").owned_by == "dalil"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_the_description_describes_what_is_sent(dalil: Assistant, desk: Desk):
    client = local_client(Guard(programs(dalil, desk, completions.routes(dalil, desk)), Access()))
    spec = client.get("/api/openapi.json").json()
    body = {"model": "dalil", "messages": [user(ARABIC)]}
    for method, path in (("get", "/v1/models"), ("post", "/v1/chat/completions")):
        sent = client.request(method, path, json=body if method == "post" else None).json()
        schema = spec["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(sent, {**schema, "components": spec["components"]})
        assert schema["$ref"]
    assert [scheme["scheme"] for scheme in spec["components"]["securitySchemes"].values()] == ["bearer"]
    assert client.get("/api/docs").text.count("<pre") == 7


def test_what_is_withdrawn_is_followed_by_a_new_beginning(dalil: Assistant, desk: Desk):
    class Changing:
        encoder = dalil.encoder

        def stream(self, question: str, history=None, language=None):
            yield AnswerPiece("اليابان ")
            yield AnswerPiece("لا أجد ", restart=True)
            yield AnswerPiece("إجابة.")
            yield dalil.ask(question)

    app = programs(Changing(), desk, completions.routes(Changing(), desk))
    client = local_client(Guard(app, Access()))
    body = {"model": "dalil", "stream": True, "messages": [user(ARABIC)]}
    text = client.post("/v1/chat/completions", json=body).text
    assert re.findall(r'"content": "([^"]*)"', text) == ["", "اليابان ", r"\n\nلا أجد ", "إجابة."]
    assert text.endswith("data: [DONE]\n\n")


# --- mistakes ----------------------------------------------------------------------------------------


def test_a_wrong_token_is_no_entry(address: str):
    with (
        openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "login_required"


@pytest.mark.parametrize(
    ("request_", "kind", "code", "message"),
    [
        ({"model": "gpt-4o", "messages": [user("س")]}, openai.NotFoundError, "not_found", "no model 'gpt-4o'"),
        ({"messages": [user("؟")]}, openai.BadRequestError, "invalid_question", "holds no words"),
        ({"messages": []}, openai.UnprocessableEntityError, "invalid_request", "messages: List should have"),
        (
            {"messages": [{"role": "assistant", "content": "x"}]},
            openai.BadRequestError,
            "invalid_question",
            "last message",
        ),
        ({"messages": [{"role": "king", "content": "x"}]}, openai.UnprocessableEntityError, "invalid_request", "role"),
        ({"messages": [user("س " * 1001)]}, openai.BadRequestError, "invalid_question", "shorten it to 2,000"),
        ({"messages": [user("س")], "n": 2}, openai.UnprocessableEntityError, "invalid_request", "n: Input should be"),
        (
            {"messages": [user([{"type": "image_url", "image_url": {"url": "http://x"}}])]},
            openai.BadRequestError,
            "invalid_question",
            "only text is understood",
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_mistakes_are_those_of_the_library(
    client: openai.OpenAI, request_: dict, kind: type[openai.APIStatusError], code: str, message: str, stream: bool
):
    with pytest.raises(kind, match=re.escape(message)) as caught:
        client.chat.completions.create(**{"model": "dalil", **request_}, stream=stream)
    assert (caught.value.code, caught.value.type, caught.value.param) == (code, "invalid_request_error", None)


def test_what_goes_wrong_in_the_middle_of_a_stream_is_an_error(dalil: Assistant, desk: Desk):
    class Breaking:
        encoder = dalil.encoder

        def stream(self, question: str, history=None, language=None):
            yield AnswerPiece("Japan ")
            raise RuntimeError("a secret that no user should read")

    app = Guard(programs(Breaking(), desk, completions.routes(Breaking(), desk)), Access())
    with serving(app) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(model="dalil", messages=[user(ENGLISH)], stream=True)
        with pytest.raises(openai.APIError, match="something unexpected went wrong"):
            list(stream)


# --- messages to question and history ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "question", "history"),
    [
        ([("user", "a")], "a", []),
        ([("user", "a"), ("assistant", "b"), ("user", "c")], "c", [("a", "b")]),
        ([("user", "a"), ("user", "b")], "b", [("a", "")]),
        ([("assistant", "hello"), ("user", "a")], "a", []),
        ([("user", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d")], "d", [("a", "b")]),
        ([("user", "a"), ("system", "s"), ("tool", "t"), ("assistant", "b"), ("user", "c")], "c", [("a", "b")]),
        ([("user", "a"), ("user", "b"), ("assistant", "c"), ("user", "d")], "d", [("a", ""), ("b", "c")]),
    ],
)
def test_messages_become_turns(messages: list[tuple[str, str]], question: str, history: list[tuple[str, str]]):
    said = [Message(role=role, content=text) for role, text in messages]
    assert conversation(said) == (question, history)


def test_a_long_conversation_keeps_its_end():
    said = [Message(role=role, content=f"{role} {number}") for number in range(80) for role in ("user", "assistant")]
    question, history = conversation([*said, Message(role="user", content="now")])
    assert (question, len(history), history[0]) == ("now", 50, ("user 30", "assistant 30"))


@pytest.mark.parametrize("roles", [["assistant"], ["system"], ["user", "assistant"], ["user", "system", "assistant"]])
def test_a_conversation_must_end_with_a_question(roles: list[str]):
    with pytest.raises(QuestionError, match="the last message must be the user's question"):
        conversation([Message(role=role, content="x") for role in roles])
