"""Vectors on a Chroma server: a real one, killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from assistant import Assistant, Settings
from assistant import vectors as vectors_module
from assistant.encoder import Encoder
from assistant.errors import SettingsError, VectorServerError
from assistant.index import Index
from assistant.vectors import UNITS, VectorIndex, VectorServer


class ChromaServer:
    """``chroma run`` on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [Path(sys.executable).parent / "chroma", "run", "--path", self.folder, "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*map(str, command), "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=1).read()
            except OSError:
                assert self.process.poll() is None, "chroma run ended"
                time.sleep(0.1)
            else:
                return
        raise AssertionError("chroma run does not answer")

    def stop(self, how: int = signal.SIGKILL) -> None:
        if self.process is not None:
            os.kill(self.process.pid, how)
            self.process.wait(30)
            self.process = None


@pytest.fixture
def server(tmp_path: Path):
    started = ChromaServer(tmp_path / "server")
    started.start()
    yield started
    started.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a server soon."""
    monkeypatch.setattr(vectors_module, "_WAITS", (0.05, 0.05))


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """Enough passages for a graph."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for number in range(30):
        sections = [
            f"## Part {part}\n\nWell {number * 7 + part} is {part} metres deep. It is old." for part in range(5)
        ]
        (folder / f"{number}.md").write_text(f"# Well book {number}\n\n" + "\n\n".join(sections), encoding="utf-8")
    return folder


class Home:
    """One application's index on the server."""

    def __init__(self, folder: Path, encoder: Encoder, server: ChromaServer) -> None:
        self.folder, self.encoder, self.server = folder, encoder, server

    def open(self, rebuild: bool = False) -> Index:
        return Index(self.folder, self.encoder, rebuild, VectorServer(self.server.url, "wells"))


@pytest.fixture
def home(tmp_path: Path, tiny_encoder: Encoder, server: ChromaServer) -> Home:
    return Home(tmp_path / "data", tiny_encoder, server)


def assert_complete(index: Index) -> None:
    """The server finds every passage and every sentence of the catalogue."""
    stored = list(index.catalogue.all_encoded())
    assert len(stored) == 150
    for unit, expected in (("passages", 150), ("sentences", sum(len(one.passage.sentences) for one in stored))):
        assert len(index.vectors.ids(unit, "en")) == expected == index.vectors.count(unit, "en")
    assert index.vectors.finds("passages", "en", np.stack([one.vector for one in stored]))
    assert index.vectors.finds("sentences", "en", np.concatenate([one.sentence_vectors for one in stored]))


def ask(index: Index) -> list[str]:
    question = index.encoder.encode_question("How deep is well 12?").vector
    return [key for unit in UNITS for key in index.vectors.query(unit, "en", question, 10)]


def test_a_server_gives_what_a_folder_gives(home: Home, tmp_path: Path, knowledge: Path):
    embedded = Index(tmp_path / "own", home.encoder)
    shared = home.open()
    for index in (embedded, shared):
        assert index.sync(knowledge).passages == 150
    assert ask(shared) == ask(embedded)
    assert_complete(shared)
    (knowledge / "0.md").unlink()
    assert shared.sync(knowledge).passages == 145 == shared.vectors.count("passages", "en")
    embedded.close()
    shared.close()
    assert not (home.folder / "vectors").exists()


def test_several_processes_share_it(home: Home, tmp_path: Path, tiny_encoder: Encoder, server, knowledge: Path):
    first, second = home.open(), Home(tmp_path / "data2", tiny_encoder, server).open()
    first.sync(knowledge)
    second.sync(knowledge)
    assert ask(first) == ask(second)
    (knowledge / "new.md").write_text("# Well book\n\nWell 12 is 999 metres deep.", encoding="utf-8")
    first.sync(knowledge)  # ahead of the second, which does not know the new passage
    assert set(ask(second)) - {encoded.passage.id for encoded in second.catalogue.all_encoded()}
    assert second.catalogue.encoded(list(first.vectors.ids("passages", "en") - ids_of(second))) == []
    second.close()
    second = Home(tmp_path / "data2", tiny_encoder, server).open()
    assert ids_of(first) <= second.vectors.ids("passages", "en")  # what is another's stays
    first.close()
    second.close()


def ids_of(index: Index) -> set[str]:
    return {encoded.passage.id for encoded in index.catalogue.all_encoded()}


def test_names_keep_knowledge_bases_apart(server: ChromaServer):
    one, other = (VectorIndex(VectorServer(server.url, name)) for name in ("one", "one-more"))
    other.upsert("passages", "ar", ["b"], np.eye(2, dtype=np.float32)[:1])
    one.upsert("passages", "ar", ["a"], np.eye(2, dtype=np.float32)[:1])
    for name, ids in (("one", {"a"}), ("one-more", {"b"}), ("on", set())):
        again = VectorIndex(VectorServer(server.url, name))
        assert again.ids("passages", "ar") == ids
        assert list(again.languages()) == (["ar"] if ids else [])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_lost_server_is_told_and_its_return_is_enough(home: Home, server, knowledge: Path, quick, how: int):
    index = home.open()
    index.sync(knowledge)
    before = ask(index)
    server.stop(how)
    with pytest.raises(VectorServerError, match=rf"^the Chroma server at {server.url} does not answer; start it, .*$"):
        ask(index)
    (knowledge / "new.md").write_text("# Well book\n\nWell 800 is 2 metres deep.", encoding="utf-8")
    with pytest.raises(VectorServerError, match="does not answer"):
        index.sync(knowledge)
    server.start()
    assert ask(index) == before
    assert index.sync(knowledge).added == ("new.md",)
    index.close()


def test_nothing_is_opened_without_the_server(home: Home, server, knowledge: Path, quick):
    index = home.open()
    index.sync(knowledge)
    index.close()
    server.stop()
    with pytest.raises(VectorServerError, match="does not answer"):
        home.open()
    server.start()
    index = home.open()  # the data directory was given up, and is whole
    assert_complete(index)
    index.close()


def test_a_question_waits_for_a_server_that_is_started_again(home: Home, server, knowledge: Path, monkeypatch):
    monkeypatch.setattr(vectors_module, "_WAITS", (0.5,) * 40)
    index = home.open()
    syncing = threading.Thread(target=index.sync, args=(knowledge,))
    syncing.start()
    server.stop()
    server.start()
    syncing.join(60)
    assert_complete(index)
    index.close()


def test_vectors_that_went_missing_come_back_from_the_catalogue(home: Home, knowledge: Path):
    index = home.open()
    index.sync(knowledge)
    lost = sorted(index.vectors.ids("passages", "en"))
    index.vectors.delete("passages", "en", lost[:50])
    index.vectors.delete("sentences", "en", [f"{key}:1" for key in lost[40:90]])
    index.close()
    index = home.open()
    assert_complete(index)
    index.close()


def test_a_server_that_lost_its_disk_is_filled_again(home: Home, server, knowledge: Path, quick):
    index = home.open()
    index.sync(knowledge)
    before = ask(index)
    server.stop()
    shutil.rmtree(server.folder)
    server.start()
    with pytest.raises(VectorServerError, match=r"lacks vectors or refuses \(.*\); start Dalil anew$"):
        ask(index)
    index.close()
    index = home.open()
    assert_complete(index)
    assert ask(index) == before
    index.close()


@pytest.mark.parametrize("dirty", [False, True])
def test_a_graph_that_was_torn_is_built_again(home: Home, server, knowledge: Path, monkeypatch, quick, dirty: bool):
    monkeypatch.setattr(vectors_module, "_SYNC_THRESHOLD", 100)
    index = home.open()
    index.sync(knowledge)
    index.close()
    server.stop()
    torn = list(server.folder.rglob("data_level0.bin"))
    assert torn, "the graph was not written"
    for path in torn:  # what kill -9 leaves when it comes while the graph is being written
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    if dirty:  # killed as well
        (home.folder / "dirty").touch()
    server.start()
    index = home.open()
    assert index.lexical.count() == 150
    assert_complete(index)
    index.close()


def test_rebuilding_leaves_nothing_old(home: Home, knowledge: Path):
    index = home.open()
    index.sync(knowledge)
    index.close()
    index = home.open(rebuild=True)
    assert list(index.vectors.languages()) == []
    index.sync(knowledge)
    assert_complete(index)
    index.close()


def test_an_assistant_answers_from_a_server(
    server: ChromaServer, tiny_model_dir, tiny_cache, tmp_path, knowledge: Path
):
    settings = Settings(
        knowledge_dir=knowledge,
        data_dir=tmp_path / "data",
        cache_dir=tiny_cache,
        embedding_model=str(tiny_model_dir),
        chroma_url=server.url,
        chroma_name="books",
        chroma_token="secret",
        answer_threshold=0.0,
    )
    assert "secret" not in repr(settings)
    with Assistant(settings) as dalil:
        dalil.sync()
        answer = dalil.ask("How deep is well 12?")
        assert answer.citations
        assert all(dalil.document(c.document_id).text[c.start : c.end] == c.quote for c in answer.citations)
    named = VectorIndex(VectorServer(server.url, "books"))
    assert all(name.startswith("books-") for name in named._collections)
    assert len(named._collections) == 2


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://host/path"])
def test_an_address_is_one(url: str):
    with pytest.raises(SettingsError, match=r"setting 'chroma_url': .* is not an address such as"):
        Settings(chroma_url=url)


def test_an_empty_value_is_none():
    assert Settings(chroma_url="", chroma_name="", chroma_token="").chroma_url is None
