"""The JSON interface: its answers are the Python types, its mistakes have one shape, in both languages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from assistant import Assistant
from assistant.api import Health, programs
from assistant.desk import Desk
from assistant.errors import ModelError, VectorServerError
from assistant.remote import Listed
from assistant.schema import Answer, AnswerPiece, Document, Hit, to_json
from assistant.security import Access, Guard, hash_password, token_digest
from assistant.settings import Settings
from tests.helpers import local_client

ARABIC = "كم يبلغ طول نهر الأمل؟"
ENGLISH = "How much can the cranes of Salma lift?"


@pytest.fixture(scope="module")
def dalil(tiny_dalil: Assistant) -> Assistant:
    return tiny_dalil


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    desk = Desk(2)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def client(dalil: Assistant, desk: Desk) -> TestClient:
    return local_client(Guard(programs(dalil, desk), Access()), raise_server_exceptions=False)


def without_time(answer: dict) -> dict:
    return {**json.loads(json.dumps(answer)), "elapsed_ms": 0}


def events(response) -> list[tuple[str, dict]]:
    """The server-sent events of a response."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = []
    for block in response.text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# --- what is answered --------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [ARABIC, ENGLISH, "كَمْ طُولُ نَهرِ الأمَل ؟", "متى افتُتح Harbour of Salma عام ١٩٦٤؟"])
def test_an_answer_is_that_of_the_python_interface(client: TestClient, dalil: Assistant, question: str):
    response = client.post("/api/ask", json={"question": question})
    assert response.status_code == 200
    assert without_time(response.json()) == without_time(to_json(dalil.ask(question)))
    answer = TypeAdapter(Answer).validate_python(response.json())
    assert answer.citations
    for citation in answer.citations:
        document = client.get(f"/api/documents/{citation.document_id}").json()
        assert document["text"][citation.start : citation.end] == citation.quote


def test_the_answer_is_in_the_language_that_is_asked_for(client: TestClient):
    for language in ("ar", "en"):
        body = {"question": ENGLISH, "language": language}
        assert client.post("/api/ask", json=body).json()["language"] == language


def test_earlier_turns_are_handed_on(client: TestClient, dalil: Assistant):
    history = [["ما هو نهر الأمل؟", "ينبع نهر الأمل من جبل الثلج في الشمال. [1]"]]
    answer = client.post("/api/ask", json={"question": "وكم طوله؟", "history": history}).json()
    expected = dalil.ask("وكم طوله؟", [("ما هو نهر الأمل؟", "ينبع نهر الأمل من جبل الثلج في الشمال. [1]")])
    assert without_time(answer) == without_time(to_json(expected))
    assert without_time(answer) != without_time(to_json(dalil.ask("وكم طوله؟")))


def test_passages_are_found(client: TestClient, dalil: Assistant):
    for query in ("المنارة", "lighthouse"):
        response = client.post("/api/search", json={"query": query, "limit": 3})
        assert response.json() == to_json(dalil.search(query, 3))
        assert len(TypeAdapter(list[Hit]).validate_python(response.json())) == 3


def test_documents_are_listed_and_read(client: TestClient, dalil: Assistant):
    listed = TypeAdapter(list[Listed]).validate_python(client.get("/api/documents").json())
    assert [one.title for one in listed] == ["Harbour of Salma", "مناجم تارين", "notes", "نهر الأمل"]
    for one in listed:
        document = TypeAdapter(Document).validate_python(client.get(f"/api/documents/{one.id}").json())
        assert document == dalil.document(one.id)
        assert len(document.text) == one.characters


def test_health(client: TestClient, dalil: Assistant):
    health = TypeAdapter(Health).validate_python(client.get("/api/health").json())
    assert (health.ready, health.documents, health.facts) == (True, 4, 3)
    assert health.passages == dalil.passage_count() == 12
    assert health.model == dalil.settings.embedding_model
    assert health.versions["dalil"] == "0.1.0"


def test_health_of_an_empty_knowledge_base(tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path, desk: Desk):
    settings = Settings(
        knowledge_dir=tmp_path, data_dir=tmp_path / "data", cache_dir=tiny_cache, embedding_model=str(tiny_model_dir)
    )
    with Assistant(settings) as empty:
        client = local_client(Guard(programs(empty, desk), Access()))
        health = client.get("/api/health").json()
        assert (health["ready"], health["passages"]) == (False, 0)
        assert client.post("/api/ask", json={"question": ARABIC}).json()["answered"] is False


# --- streams -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
@pytest.mark.parametrize("way", ["body", "header"])
def test_an_answer_comes_piece_by_piece(client: TestClient, dalil: Assistant, question: str, way: str):
    body = {"question": question, **({"stream": True} if way == "body" else {})}
    headers = {"Accept": "text/event-stream"} if way == "header" else {}
    response = client.post("/api/ask", json=body, headers=headers)
    *pieces, (last, answer) = events(response)
    assert {name for name, _ in pieces} == {"piece"}
    assert last == "answer"
    assert "".join(data["text"] for _, data in pieces) == answer["text"]
    assert [one for _, data in pieces for one in data["citations"]] == answer["citations"]
    assert without_time(answer) == without_time(to_json(dalil.ask(question)))
    assert TypeAdapter(AnswerPiece).validate_python(pieces[0][1]).restart is False


class Slow:
    """An assistant whose answer takes its time, and remembers whether it was stopped."""

    def __init__(self, dalil: Assistant) -> None:
        self.dalil = dalil
        self.closed = threading.Event()
        self.given = 0

    def stream(self, question: str, history=None, language=None):
        try:
            for _ in range(1000):
                self.given += 1
                yield AnswerPiece("كلمة ")
                time.sleep(0.01)
        finally:
            self.closed.set()

    def __getattr__(self, name: str):
        return getattr(self.dalil, name)


def test_a_client_that_goes_away_stops_the_work(dalil: Assistant, desk: Desk):
    import httpx

    from tests.ui.driver import serving

    slow = Slow(dalil)
    with serving(Guard(programs(slow, desk), Access())) as address:
        with httpx.stream("POST", f"{address}/api/ask", json={"question": ARABIC, "stream": True}) as response:
            next(response.iter_lines())
        assert slow.closed.wait(5)
    assert slow.given < 1000


def test_a_stream_that_waits_says_that_it_goes_on(dalil: Assistant, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    class Waiting(Slow):
        def stream(self, question: str, history=None, language=None):
            yield AnswerPiece("a")
            time.sleep(0.3)
            yield self.dalil.ask(question)

    monkeypatch.setattr("assistant.api.PATIENCE_SECONDS", 0.1)
    client = local_client(Guard(programs(Waiting(dalil), desk), Access()))
    text = client.post("/api/ask", json={"question": ENGLISH, "stream": True}).text
    assert text.index("event: piece") < text.index(": still at it") < text.index("event: answer")


def test_what_goes_wrong_in_the_middle_of_a_stream_is_its_last_event(dalil: Assistant, desk: Desk):
    class Breaking(Slow):
        def stream(self, question: str, history=None, language=None):
            yield AnswerPiece("Japan ")
            raise RuntimeError("a secret that no user should read")

    client = local_client(Guard(programs(Breaking(dalil), desk), Access()))
    response = client.post("/api/ask", json={"question": ENGLISH, "stream": True})
    (first, _), (last, data) = events(response)
    assert (first, last, data["error"]["code"]) == ("piece", "error", "internal")
    assert "secret" not in response.text


# --- mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({}, 422, "invalid_request", "question: Field required"),
        ({"question": 5}, 422, "invalid_request", "question: Input should be a valid string"),
        ({"question": ""}, 422, "invalid_request", "question: String should have at least 1 character"),
        ({"question": "  "}, 400, "invalid_question", "the question is empty"),
        ({"question": "؟!"}, 400, "invalid_question", "the question holds no words"),
        ({"question": "س" * 2001}, 422, "invalid_request", "question: String should have at most 2000 characters"),
        ({"question": "س", "langauge": "ar"}, 422, "invalid_request", "langauge: Extra inputs are not permitted"),
        ({"question": "س", "language": "fr"}, 422, "invalid_request", "language: Input should be 'ar' or 'en'"),
        ({"question": "س", "history": [["a"]]}, 422, "invalid_request", "history.0: List should have at least 2"),
        ({"question": "س", "history": ["ab"]}, 422, "invalid_request", "history.0: Input should be a valid list"),
        ({"question": "س", "history": [["", ""]] * 51}, 422, "invalid_request", "history: List should have at most 50"),
        ({"question": "س", "history": [["a", "b" * 20_001]]}, 422, "invalid_request", "history.0.1: String should"),
        ({"question": "س", "stream": "yes"}, 422, "invalid_request", "stream: Input should be a valid boolean"),
        ([], 422, "invalid_request", "Input should be"),
        ("س", 422, "invalid_request", "Input should be"),
        (None, 422, "invalid_request", ""),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(client: TestClient, body, status: int, code: str, message: str):
    response = client.post("/api/ask", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert message in response.json()["error"]["message"]
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize("limit", [0, -1, 101, "3", 2.5, True, None])
def test_a_wrong_limit(client: TestClient, limit):
    response = client.post("/api/search", json={"query": "المنارة", "limit": limit})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b"\xff\xfe", "application/json", 400, "invalid_json"),
        (b'{"question": "x"}', "text/plain", 422, "invalid_request"),
        (b"question=x", "application/x-www-form-urlencoded", 422, "invalid_request"),
        (b"[" * 100_000, "application/json", 400, "invalid_json"),
    ],
)
def test_what_is_no_json(client: TestClient, content: bytes, kind: str, status: int, code: str):
    response = client.post("/api/ask", content=content, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/ask", 405, "method_not_allowed"),
        ("DELETE", "/api/documents", 405, "method_not_allowed"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/documents/none.md", 404, "not_found"),
        ("POST", "/api/ask/", 404, "not_found"),
    ],
)
def test_what_is_not_there(client: TestClient, method: str, path: str, status: int, code: str):
    response = client.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "document_id",
    [
        "../../../../etc/passwd",
        "..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%2Fetc%2Fpasswd",
        "documents/..%5C..%5Csecret.md",
        "documents/river.ar.md%00.txt",
        "documents/%E2%80%AEdm.ra.revir",  # right-to-left override
        "documents//river.ar.md",
        "documents/%2E/river.ar.md",
        "DOCUMENTS/RIVER.AR.MD",
        "documents",
        "dalil.toml",
        "'%20OR%201=1%20--",
        "%F0%9F%92%A9",
        "%ff%fe",
        "x" * 5000,
    ],
)
def test_the_id_of_a_document_is_no_path(client: TestClient, dalil: Assistant, document_id: str):
    secret = dalil.settings.knowledge_dir / "documents" / "secret.md"
    secret.write_text("never indexed")
    response = client.get(f"/api/documents/{document_id}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert "root:" not in response.text


class Failing:
    """An assistant that cannot answer."""

    def __init__(self, dalil: Assistant, error: Exception) -> None:
        self.dalil, self.error = dalil, error

    def ask(self, *_: object) -> Answer:
        raise self.error

    def stream(self, *_: object):
        raise self.error
        yield

    def __getattr__(self, name: str):
        return getattr(self.dalil, name)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (VectorServerError("the Chroma server at http://10.0.0.1 does not answer"), 503, "unavailable"),
        (ModelError("/srv/model is damaged"), 503, "unavailable"),
        (RuntimeError("a secret that no user should read"), 500, "internal"),
    ],
)
def test_failures_of_the_server(dalil: Assistant, desk: Desk, error: Exception, status: int, code: str, stream: bool):
    app = programs(Failing(dalil, error), desk)
    body = {"question": ARABIC, "stream": stream}
    local = local_client(Guard(app, Access()), raise_server_exceptions=False).post("/api/ask", json=body)
    assert (local.status_code, local.json()["error"]["code"]) == (status, code)
    assert local.headers.get("retry-after") == ("5" if status == 503 else None)
    assert "secret" not in local.text
    access = Access({"x": hash_password("password")}, {"script": token_digest("token")})
    away = local_client(Guard(app, access), raise_server_exceptions=False)
    told = away.post("/api/ask", json=body, headers={"Authorization": "Bearer token"})
    assert told.status_code == status
    assert "10.0.0.1" not in told.text  # what only the operator should know
    assert "/srv" not in told.text


def test_too_many_questions_at_once_are_refused_and_the_others_wait_in_order(dalil: Assistant):
    began, go_on = threading.Event(), threading.Event()
    done = []

    def work(number: int) -> None:
        began.set()
        assert go_on.wait(10)
        done.append(number)

    with closing(Desk(1, waiting=2)) as desk:
        futures = [desk.submit(lambda number=number: work(number)) for number in range(3)]
        assert began.wait(10)
        client = local_client(Guard(programs(dalil, desk), Access()))
        for body in ({"question": ARABIC}, {"question": ARABIC, "stream": True}):
            response = client.post("/api/ask", json=body)
            assert (response.status_code, response.json()["error"]["code"]) == (503, "busy")
            assert response.headers["retry-after"] == "5"
        go_on.set()
        [future.result(10) for future in futures]
        assert done == [0, 1, 2]
        assert client.post("/api/ask", json={"question": ARABIC}).status_code == 200
    assert client.post("/api/ask", json={"question": ARABIC}).json()["error"]["code"] == "busy"  # it is closed


# --- the description ---------------------------------------------------------------------------------


def test_the_description_describes_what_is_sent(client: TestClient):
    spec = client.get("/api/openapi.json").json()
    assert spec["openapi"].startswith("3.")
    for method, path, body in (
        ("post", "/api/ask", {"question": ARABIC}),
        ("post", "/api/search", {"query": "المنارة"}),
        ("get", "/api/documents", None),
        ("get", "/api/documents/{document_id}", None),
        ("get", "/api/health", None),
    ):
        described = spec["paths"][path][method]
        url = path.replace("{document_id}", "documents/river.ar.md")
        sent = client.request(method, url, json=body).json()
        schema = described["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(sent, {**schema, "components": spec["components"]})
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate("something else", {**schema, "components": spec["components"]})
        assert "default" in described["responses"]


@pytest.mark.parametrize(
    ("accepted", "language", "way", "words"),
    [
        ("ar-SA,ar;q=0.9,en;q=0.8", "ar", "rtl", "واجهة البرامج"),
        ("en-US,en;q=0.9,ar;q=0.1", "en", "ltr", "For programs"),
        ("fr", "en", "ltr", "For programs"),
    ],
)
def test_the_page_for_programs_needs_nobody_else(
    client: TestClient, accepted: str, language: str, way: str, words: str
):
    page = client.get("/api/docs", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}" dir="{way}">' in page.text
    assert f"<h1>{words}</h1>" in page.text
    for path in ("/api/ask", "/api/search", "/api/documents/{document_id}", "/api/health"):
        assert f"<code>{path}</code>" in page.text
    assert "<script" not in page.text
    outside = [part.split('"')[0] for part in page.text.split('href="')[1:]]
    assert [link for link in outside if ":" in link] == []
    assert "src=" not in page.text
    other = client.get("/api/docs?lang=" + ("en" if language == "ar" else "ar"), headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' not in other.text


def test_the_examples_of_the_page_work(client: TestClient):
    import html
    import re
    import shlex

    page = client.get("/api/docs?lang=ar").text
    commands = [html.unescape(found) for found in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    assert len(commands) == 5
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        assert words[1].startswith("http://127.0.0.1/api/")
        if "-d" in words:
            assert client.post(
                words[1], content=words[words.index("-d") + 1], headers={"Content-Type": "application/json"}
            )
