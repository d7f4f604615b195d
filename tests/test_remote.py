"""A second process is served by the one that owns the data directory: real processes, real HTTP."""

from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assistant import remote
from assistant.assistant import Assistant
from assistant.cli import _print_as_it_comes
from assistant.desk import Desk
from assistant.encoder import Encoder
from assistant.errors import DalilError, IndexBusyError, ModelError, QuestionError
from assistant.index import Index
from assistant.remote import Owner, Remote
from assistant.schema import Answer, AnswerPiece, to_json
from assistant.server import internal_routes
from assistant.settings import Settings
from tests.helpers import write_knowledge
from tests.llm_server import ModelServer, ResetError, StatusError, fails, held, model_server, obedient
from tests.ui.driver import serving

DALIL = (sys.executable, "-c", "from assistant.cli import main; main()")


class Place:
    """A knowledge folder, a data directory, and the commands that are run on them."""

    def __init__(self, folder: Path, model: Path, cache: Path) -> None:
        self.knowledge = folder / "knowledge"
        self.data = folder / "data"
        write_knowledge(self.knowledge)
        self.settings = Settings(
            knowledge_dir=self.knowledge, data_dir=self.data, cache_dir=cache, embedding_model=str(model)
        )
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "DALIL_KNOWLEDGE_DIR": str(self.knowledge),
            "DALIL_DATA_DIR": str(self.data),
            "DALIL_CACHE_DIR": str(cache),
            "DALIL_EMBEDDING_MODEL": str(model),
            "DALIL_ANSWER_THRESHOLD": "0",
        }

    def serve(self, *options: str) -> tuple[subprocess.Popen[str], str]:
        """A process that serves, and its address."""
        process = subprocess.Popen(
            [*DALIL, "serve", "--port", "0", *options],
            cwd=self.knowledge.parent,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return process, next(line.split()[-1] for line in process.stdout if line.startswith("Dalil is at "))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A second process."""
        return subprocess.run(
            [*DALIL, *arguments],
            cwd=self.knowledge.parent,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder) -> Place:
    return Place(tmp_path_factory.mktemp("served"), tiny_model_dir, tiny_cache)


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    """A running server."""
    process, address = place.serve()
    yield address
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not (place.data / "owner.json").exists()


def test_a_question_is_answered_without_a_model(place: Place, address: str):
    # a model that does not exist would be an error for a process that needed one
    for question in ("كم طول نهر الأمل؟", "How much can the cranes of Salma lift?"):
        begun = time.perf_counter()
        done = place.run("ask", question, "--json", DALIL_EMBEDDING_MODEL="/no/such/model")
        assert (done.returncode, done.stderr) == (0, "")
        assert time.perf_counter() - begun < 10  # well below a second where nothing else goes on
        answer = json.loads(done.stdout)
        assert answer["question"] == question
        assert answer["citations"]
        with_words = place.run("ask", question, DALIL_EMBEDDING_MODEL="/no/such/model")
        assert with_words.stdout.startswith(answer["text"])


def test_the_other_commands_are_served_too(place: Place, address: str, tmp_path: Path):
    hits = json.loads(place.run("search", "lighthouse", "--limit", "2", "--json").stdout)
    assert set(hits[0]) == {"passage_id", "document_id", "title", "text", "language", "kind", "score"}
    assert len(hits) == 2
    assert "4 documents, 3 curated facts" in place.run("list").stdout
    assert json.loads(place.run("list", "--json").stdout)[3]["title"] == "نهر الأمل"
    (tmp_path / "متحف.txt").write_text("يفتح المتحف أبوابه في التاسعة.", encoding="utf-8")
    added = place.run("add", str(tmp_path / "متحف.txt"), "--json")
    assert added.returncode == 0
    assert json.loads(added.stdout)["sync"]["added"] == ["متحف.txt"]
    assert json.loads(added.stdout)["sync"]["files"]["متحف.txt"]["passages"] == 1
    assert "متحف.txt" in place.run("list").stdout
    removed = place.run("remove", "متحف.txt", "--yes")
    assert "0 added, 0 updated, 1 removed, 5 unchanged, 0 failed; 12 passages" in removed.stdout
    assert json.loads(place.run("sync", "--json").stdout)["passages"] == 12


def test_the_types_are_those_of_python(place: Place, address: str):
    served = remote.find(place.settings)
    assert served is not None
    answer = served.ask("كم طول نهر الأمل؟", language="en")
    assert answer.language == "en"
    document = (place.knowledge / answer.citations[0].document_id).read_text()
    assert answer.citations[0].quote in document
    assert type(answer)(**{**to_json(answer), "citations": answer.citations}) == answer
    steps: list[tuple[int, int]] = []
    (place.knowledge / "step.txt").write_text("One more step.")
    report = served.sync(lambda done, total: steps.append((done, total)))
    assert report.added == ("step.txt",)
    assert steps[-1][0] == steps[-1][1] > 0
    (place.knowledge / "step.txt").unlink()
    assert served.sync().removed == ("step.txt",)
    with pytest.raises(QuestionError, match="the question is empty; write one in Arabic or English"):
        served.ask("  ")


def test_errors_are_those_of_the_owner(place: Place, address: str):
    done = place.run("ask", "س؟", "--language", "fr")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "dalil: cannot answer in 'fr': language must be ar or en\n"
    rebuild = place.run("sync", "--rebuild")
    assert rebuild.returncode == 1
    assert rebuild.stderr.startswith(f"dalil: the index in {place.data} is in use by another dalil process")


def test_nobody_else_is_let_in(place: Place, address: str):
    word = place.data / "owner.json"
    assert stat.S_IMODE(word.stat().st_mode) == 0o600
    owner = json.loads(word.read_text())
    assert httpx.URL(address).port == owner["port"]
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {owner['token']}"}):
        assert httpx.post(f"{address}/internal/list", headers=headers).status_code == 403
    headers = {"Authorization": f"Bearer {owner['token']}"}
    assert httpx.post(f"{address}/internal/list", headers=headers).status_code == 200
    # what a proxy forwards comes from elsewhere
    outside = {**headers, "X-Forwarded-For": "192.0.2.7"}
    assert httpx.post(f"{address}/internal/list", headers=outside).status_code == 403


def test_another_knowledge_folder_is_refused(place: Place, address: str, tmp_path: Path):
    done = place.run("list", "--knowledge", str(tmp_path))
    assert done.returncode == 1
    assert f"in use by another dalil process for the knowledge folder {place.knowledge}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_owner_that_hangs_or_is_killed(
    tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    place = Place(tmp_path, tiny_model_dir, tiny_cache)
    process, _ = place.serve("--watch")
    served = remote.find(place.settings)
    assert served is not None
    (place.knowledge / "جديد.txt").write_text("في سلمى سوق جديدة.", encoding="utf-8")
    assert process.stdout is not None
    assert next(process.stdout).startswith("1 added, 0 updated")  # it watches
    assert len(served.listing().documents) == 5
    monkeypatch.setattr(remote, "_ANSWER_SECONDS", 0.5)
    process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(IndexBusyError, match=rf"pid {process.pid}\), which does not answer"):
            remote.find(place.settings).listing()
    finally:
        process.kill()
        process.communicate(timeout=30)
    assert (place.data / "owner.json").exists()
    assert remote.find(place.settings) is None
    done = place.run("list")  # opens the index by itself
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 documents" in done.stdout
    assert not (place.data / "owner.json").exists()


def test_an_owner_that_does_not_serve(tmp_path: Path, knowledge: Path, tiny_encoder: Encoder):
    """The word of one that was killed stands, and another process that serves nobody has the directory."""
    settings = Settings(knowledge_dir=knowledge, data_dir=tmp_path / "data")
    assert remote.find(settings) is None
    index = Index(tmp_path / "data", tiny_encoder)
    assert remote.find(settings) is None  # opening it says who is in the way
    remote.announce(tmp_path / "data", Owner("127.0.0.1", 1, 2, "token", str(knowledge.resolve())))
    with pytest.raises(IndexBusyError, match="is in use by another dalil process"):
        remote.find(settings).listing()
    (tmp_path / "data" / "owner.json").write_text("{}")
    assert remote.find(settings) is None
    index.close()


def test_the_server_stops_in_the_middle_of_a_sync(tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path):
    place = Place(tmp_path, tiny_model_dir, tiny_cache)
    process, _ = place.serve()
    served = remote.find(place.settings)
    assert served is not None
    for number in range(3000):
        (place.knowledge / f"{number}.txt").write_text(f"Document number {number} of many. كلمة {number}.")
    stopped: list[float] = []

    def stop(done: int, total: int) -> None:
        if not stopped:
            stopped.append(time.monotonic())
            process.send_signal(signal.SIGTERM)

    with pytest.raises(IndexBusyError):
        served.sync(stop)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - stopped[0] < 20
    assert not (place.data / "owner.json").exists()
    with Assistant(place.settings) as dalil:
        assert 12 <= dalil.passage_count() < 3012


# --- answers that a language model writes ------------------------------------------------------------

ARABIC = "كم طول نهر الأمل؟"
ENGLISH = "How much can the cranes of Salma lift?"


class Written(Place):
    """A place whose server has a language model."""

    model: ModelServer

    def ask_on_a_terminal(self, question: str) -> tuple[subprocess.Popen[bytes], int]:
        """A second process that asks, and the end of the terminal that it writes to."""
        leader, follower = pty.openpty()
        code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        process = subprocess.Popen(
            [sys.executable, "-c", f"{code}from assistant.cli import main; main()", "ask", question],
            cwd=self.knowledge.parent,
            env=self.environment,
            stdout=follower,
            stderr=subprocess.PIPE,
        )
        os.close(follower)
        return process, leader


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder
) -> Iterator[Written]:
    place = Written(tmp_path_factory.mktemp("written"), tiny_model_dir, tiny_cache)
    with model_server() as place.model:
        place.environment |= {"DALIL_LLM_BASE_URL": place.model.url, "DALIL_LLM_MODEL": "test-model"}
        process, _ = place.serve()
        yield place
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


def read_to(leader: int, text: str = "") -> str:
    """What is written to a terminal up to ``text``, or up to the end."""
    screen = b""
    try:
        while not text or text.encode() not in screen:
            screen += os.read(leader, 4096)
    except OSError:  # how the end of a terminal is told
        assert not text, screen.decode()
    return screen.decode().replace("\r\n", "\n")


def test_notes_and_modes_come_from_the_owner(written: Written):
    written.model.behaviour = fails(StatusError(401))
    answer = json.loads(written.run("ask", ARABIC, "--json").stdout)
    shown = written.run("ask", ENGLISH).stdout
    assert (answer["mode"], answer["note"]) == (
        "extractive",
        "رفض خادم النموذج اللغوي الطلب، فهذه جمل المصادر نفسها.",
    )
    assert "(The language model's server refused the request: these are the sources' own sentences.)" in shown


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_a_terminal_shows_the_answer_as_the_owner_gives_it(written: Written, question: str):
    written.model.behaviour = obedient
    whole = written.run("ask", question).stdout
    first = whole.partition("[1]")[0] + "[1]"
    go_on = threading.Event()
    written.model.behaviour = held(go_on)
    process, leader = written.ask_on_a_terminal(question)
    try:
        shown = read_to(leader, first)  # the model has not finished
        assert process.poll() is None
        go_on.set()
        shown += read_to(leader)
    finally:
        go_on.set()
        os.close(leader)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err, shown) == (0, b"", whole)


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_ctrl_c_leaves_what_was_said_with_its_sources(written: Written, question: str):
    written.model.behaviour = obedient
    text, _, sources = written.run("ask", question).stdout.partition("\n\n")
    first = text.partition("[1]")[0] + "[1]"
    source = "\n".join(sources.split("\n")[:2])
    go_on = threading.Event()
    written.model.behaviour = held(go_on)
    process, leader = written.ask_on_a_terminal(question)
    try:
        shown = read_to(leader, first)
        process.send_signal(signal.SIGINT)
        shown += read_to(leader)
        _, err = process.communicate(timeout=30)
    finally:
        go_on.set()
        os.close(leader)
    assert (process.returncode, err) == (130, b"dalil: stopped; what was done is kept\n")
    assert shown == f"{first}\n\n{source}\n"
    written.model.behaviour = obedient
    assert written.run("ask", question).stdout == f"{text}\n\n{sources}"  # the owner serves on


# --- streams, within this process --------------------------------------------------------------------


def untimed(items: Iterable[AnswerPiece | Answer]) -> list[AnswerPiece | Answer]:
    return [replace(item, elapsed_ms=0) if isinstance(item, Answer) else item for item in items]


@contextmanager
def owning(dalil: Any) -> Iterator[Remote]:
    """An owner of an assistant, as another process would ask it."""
    app = FastAPI()
    with closing(Desk(2)) as desk:
        app.include_router(internal_routes(dalil, "token", desk))
        with serving(app) as address:
            yield Remote(Path("data"), Owner("127.0.0.1", httpx.URL(address).port or 0, 1, "token", "knowledge"))


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture(scope="module")
def dalil(tmp_path_factory: pytest.TempPathFactory, tiny_dalil: Assistant, model: ModelServer) -> Iterator[Assistant]:
    """The small knowledge folder with a language model."""
    more = {"data_dir": tmp_path_factory.mktemp("data"), "llm_base_url": model.url, "llm_model": "test-model"}
    with Assistant(tiny_dalil.settings.model_copy(update=more)) as dalil:
        dalil.sync()
        yield dalil


@pytest.fixture(scope="module")
def served(dalil: Assistant) -> Iterator[Remote]:
    with owning(dalil) as served:
        yield served


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_the_pieces_are_those_of_the_owner(dalil: Assistant, model: ModelServer, served: Remote, question: str):
    model.behaviour = obedient
    expected = untimed(dalil.stream(question))
    assert isinstance(expected[-1], Answer)
    assert expected[-1].mode == "generated"
    assert untimed(served.stream(question)) == expected
    assert untimed([served.ask(question)]) == expected[-1:]
    history = [("ما هو نهر الأمل؟", "ينبع نهر الأمل من جبل الثلج في الشمال. [1]")]
    assert untimed(served.stream(question, history, "en")) == untimed(dalil.stream(question, history, "en"))
    go_on = threading.Event()
    model.behaviour = held(go_on)
    items = served.stream(question)
    assert next(items) == expected[0]  # the model has not finished
    go_on.set()
    assert untimed(items) == expected[1:]


@pytest.mark.parametrize("question", [ARABIC, ENGLISH])
def test_what_the_owner_withdraws_is_withdrawn(dalil: Assistant, model: ModelServer, served: Remote, question: str):
    model.behaviour = obedient
    first = dalil.ask(question).text.partition("[1]")[0] + "[1] "
    model.behaviour = fails(ResetError(), first, "and so on")
    items = untimed(served.stream(question))
    assert [item.restart for item in items if isinstance(item, AnswerPiece)][:2] == [False, True]
    assert items == untimed(dalil.stream(question))


def test_errors_of_a_stream_are_those_of_the_owner(served: Remote):
    for question, language, message in (("  ", None, "the question is empty"), ("س؟", "fr", "cannot answer in 'fr'")):
        with pytest.raises(QuestionError, match=message):
            next(served.stream(question, language=language))


class Slow:
    """An assistant that begins, remembers whether it was stopped, and ends as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = threading.Event()

    def stream(self, question: str, history: Any = None, language: Any = None) -> Iterator[AnswerPiece]:
        try:
            yield AnswerPiece("Japan ")
            while self.error is None:
                time.sleep(0.01)
                yield AnswerPiece("and so on ")
            raise self.error
        finally:
            self.closed.set()


def test_whoever_stops_listening_stops_the_owner():
    slow = Slow()
    with owning(slow) as served:
        items = served.stream(ENGLISH)
        assert next(items) == AnswerPiece("Japan ")
        assert isinstance(items, Generator)
        items.close()
        assert slow.closed.wait(10)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModelError("the model is gone; run: dalil doctor"), "the model is gone; run: dalil doctor"),
        (RuntimeError("a secret"), "something unexpected went wrong; the server's output says what"),
    ],
)
def test_what_goes_wrong_in_the_middle_of_a_stream_is_said(error: Exception, message: str):
    with owning(Slow(error)) as served:
        items = served.stream(ENGLISH)
        assert next(items) == AnswerPiece("Japan ")
        with pytest.raises(DalilError) as raised:
            next(items)
    assert str(raised.value) == message


@pytest.mark.parametrize("error", [QuestionError("the question holds no words"), ModelError("the model is gone")])
def test_errors_after_a_long_wait_are_errors_too(error: Exception, monkeypatch: pytest.MonkeyPatch):
    class Waiting(Slow):
        def stream(self, *_: Any) -> Iterator[AnswerPiece]:
            time.sleep(0.1)
            raise error
            yield

    monkeypatch.setattr("assistant.server.PATIENCE_SECONDS", 0.02)
    kind = QuestionError if isinstance(error, QuestionError) else DalilError
    with owning(Waiting()) as served, pytest.raises(kind, match=str(error)):
        next(served.stream(ENGLISH))


# --- owners of other versions, and those that end ----------------------------------------------------

WHOLE = Answer(ENGLISH, "en", True, "Eighty tonnes. [1]", 0.9, "extractive", (), 1.0)
PIECE = f"event: piece\ndata: {json.dumps(to_json(AnswerPiece('ثمانون طنًّا ')))}\n\n"
LAST = f"event: answer\ndata: {json.dumps(to_json(WHOLE))}\n\n"
NEWER = LAST.replace('"question"', '"mood": "good", "question"')
SILENT = r"pid 1\), which does not answer; ask there, stop it, or use --data DIR$"
UNFINISHED = r"^the dalil process that answered \(pid 1\) ended before its answer did; ask again$"
OTHER = "^the dalil process that serves this index is of another version; stop it and start it again$"


@contextmanager
def saying(kind: str, text: str, missing: int = 0) -> Iterator[Remote]:
    """An owner that answers with this text, or with less than it announces."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = text.encode()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data) + missing))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is for people."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Remote(Path("data"), Owner("127.0.0.1", server.server_address[1], 1, "token", "knowledge"))
        server.shutdown()
        thread.join()


def test_an_owner_that_does_not_stream_yet_gives_the_whole_answer():
    with saying("application/x-ndjson", json.dumps({"value": to_json(WHOLE)}) + "\n") as served:
        assert list(served.stream(ENGLISH)) == [WHOLE]


def test_marks_of_a_stream_that_goes_on_are_passed_over():
    with saying("text/event-stream", f": still at it\n\n{PIECE}: still at it\n\n{LAST}") as served:
        assert list(served.stream(ENGLISH)) == [AnswerPiece("ثمانون طنًّا "), WHOLE]


@pytest.mark.parametrize(
    ("kind", "text", "missing", "pieces", "message"),
    [
        ("text/event-stream", "", 9, 0, SILENT),
        ("text/event-stream", ": still at it\n\n", 9, 0, SILENT),
        ("text/event-stream", PIECE, 0, 1, UNFINISHED),
        ("text/event-stream", PIECE, 9, 1, UNFINISHED),
        ("text/event-stream", PIECE + LAST[:40], 9, 1, UNFINISHED),
        ("text/event-stream", PIECE + "data: nonsense\n\n", 0, 1, UNFINISHED),
        ("text/event-stream", PIECE + NEWER, 0, 1, OTHER),
        ("application/x-ndjson", "", 0, 0, SILENT),
        ("application/x-ndjson", '{"value": {"question": "س"}}', 0, 0, OTHER),
    ],
)
def test_an_owner_that_ends_before_its_answer(kind: str, text: str, missing: int, pieces: int, message: str):
    with saying(kind, text, missing) as served:
        items = served.stream(ENGLISH)
        assert list(islice(items, pieces)) == [AnswerPiece("ثمانون طنًّا ")] * pieces
        with pytest.raises(IndexBusyError, match=message):
            next(items)


def test_a_terminal_keeps_what_was_said_before_the_owner_ended(dalil: Assistant, capsys: pytest.CaptureFixture[str]):
    citation = dalil.ask(ARABIC).citations[0]
    piece = f"event: piece\ndata: {json.dumps(to_json(AnswerPiece('ثمانون. [1]', (citation,))))}\n\n"
    with saying("text/event-stream", piece, 9) as served, pytest.raises(IndexBusyError, match=UNFINISHED):
        _print_as_it_comes(served.stream(ARABIC))
    shown = capsys.readouterr().out
    assert shown.startswith(f"ثمانون. [1]\n\n[1] {citation.title} (")
    assert shown.endswith(f"\n    {citation.quote}\n")
