"""A second process is served by the one that owns the data directory: real processes, real HTTP."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assistant import remote
from assistant.assistant import Assistant
from assistant.encoder import Encoder
from assistant.errors import IndexBusyError, QuestionError
from assistant.index import Index
from assistant.remote import Owner
from assistant.schema import to_json
from assistant.settings import Settings
from tests.helpers import write_knowledge
from tests.llm_server import StatusError, fails, model_server

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


def test_notes_and_modes_come_from_the_owner(tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path):
    with model_server() as server:
        place = Place(tmp_path, tiny_model_dir, tiny_cache)
        place.environment |= {"DALIL_LLM_BASE_URL": server.url, "DALIL_LLM_MODEL": "test-model"}
        server.behaviour = fails(StatusError(401))
        process, _ = place.serve()
        try:
            answer = json.loads(place.run("ask", "كم طول نهر الأمل؟", "--json").stdout)
            shown = place.run("ask", "How much can the cranes of Salma lift?").stdout
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert (answer["mode"], answer["note"]) == (
        "extractive",
        "رفض خادم النموذج اللغوي الطلب، فهذه جمل المصادر نفسها.",
    )
    assert "(The language model's server refused the request: these are the sources' own sentences.)" in shown
