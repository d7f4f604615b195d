"""A judge is asked over HTTP, its replies become scores, and what it took is counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from assistant.schema import Answer, Citation
from eval.__main__ import app
from eval.judge import Judge, JudgeError, connect, grade, judged, not_judged
from eval.questions import Case
from eval.suites import Asked

QUESTION = "متى افتُتح ميناء سلمى؟"
QUOTE = "The harbour of Salma opened in 1964."


class JudgeServer(ThreadingHTTPServer):
    """Speaks enough of OpenAI's chat protocol to judge: a grade where one is asked for, else YES or NO."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict] = []
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        assert isinstance(server, JudgeServer)
        server.asked.append(request)
        if server.broken:
            self.send_response(400)
            self.end_headers()
            return
        text = " ".join(str(message["content"]) for message in request["messages"])
        reply = "4.5\nClose to the reference." if "Reference Answer" in text else "YES" if "1964" in text else "NO"
        body = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102},
        }
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with JudgeServer() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def asked(text: str, quote: str = QUOTE, answered: bool = True) -> Asked:
    case = Case(
        id="harbour",
        question=QUESTION,
        language="ar",
        answerable=True,
        documents=("harbour.md",),
        evidence=(QUOTE,),
        answers=("1964",),
        tags=("cross-language",),
        history=(),
    )
    citation = Citation(1, "harbour.md", "Harbour", "document", "en", quote, 0, len(quote), None, None)
    answer = Answer(QUESTION, "ar", answered, text, 0.9, "extractive", (citation,) if answered else (), 1)
    return Asked(case, answer, True, ("harbour.md",), {})


def test_three_evaluators_judge_an_arabic_answer(server: JudgeServer):
    records, usage = judged([asked("افتُتح الميناء عام 1964. [1]")], connect(Judge(server.url, "judge-1")))
    assert [record.scores for record in records] == [{"faithfulness": 1.0, "relevancy": 1.0, "correctness": 4.5}]
    assert (records[0].suite, records[0].setting) == ("judged", "ar")
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (3, 300, 6)
    assert {request["model"] for request in server.asked} == {"judge-1"}


def test_an_unfaithful_answer_scores_nothing(server: JudgeServer):
    records, _ = judged([asked("افتُتح قديمًا.", quote="Salma is old.")], connect(Judge(server.url, "judge-1")))
    assert records[0].scores["faithfulness"] == 0.0


def test_abstentions_are_not_judged(server: JudgeServer):
    records, usage = judged([asked("لا أجد إجابة.", answered=False)], connect(Judge(server.url, "judge-1")))
    assert (records, usage.calls, server.asked) == ([], 0, [])


def test_a_judge_that_refuses_is_an_error_in_one_line(server: JudgeServer):
    server.broken = True
    with pytest.raises(JudgeError, match="the judge does not answer"):
        judged([asked("1964")], connect(Judge(server.url, "judge-1")))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("4.0\nGood.", 4.0),
        ("Score: 3\nSo so.", 3.0),
        ("5", 5.0),
        ("", None),
        ("I cannot say.\n4", None),
    ],
)
def test_grades(reply: str, expected: float | None):
    assert grade(reply)[0] == expected


def test_without_a_judge_the_evaluators_are_named():
    assert set(not_judged("no judge")) == {"judged faithfulness", "judged relevancy", "judged correctness"}


def test_half_a_judge_is_wrong_usage():
    done = CliRunner().invoke(app, ["run", "--suite", "judged", "--judge-model", "m"])
    assert done.exit_code == 2
    assert "--judge-base-url" in done.output
