"""Kill -9 at any moment, then the next start is whole: real SQLite, Chroma and tantivy."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from assistant.graphs import damage
from assistant.index import Index
from assistant.ranking import shipped_model
from assistant.retrieval import Retriever
from tests import killed
from tests.killed import HashEncoder, word
from tests.test_index import assert_whole

FEW, MANY = 6, 30
GRAPH_FILES = {"header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle"}


@pytest.fixture(scope="session")
def forks():
    """Children fork from a process that has everything loaded and nothing opened."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.killed"])
    return context


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory and a knowledge folder to begin from."""
    place = tmp_path_factory.mktemp("filled")
    (place / "knowledge").mkdir()
    for number in range(0, 60, 2):
        killed.write(place / "knowledge", number, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.vectors._SYNC_THRESHOLD", 20)
        index = Index(place / "data", HashEncoder())
        index.sync(place / "knowledge")
        index.close()
    return place


def graph_times(data: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for folder in os.scandir(data / "vectors"):
        if folder.is_dir():
            for file in os.scandir(folder):
                if file.name in GRAPH_FILES:
                    status = file.stat()
                    found[file.path] = (status.st_size, status.st_mtime_ns)
    return found


def wait_for_a_flush(data: Path, number: int) -> None:
    """Return when the graph files have been seen changing ``number`` times."""
    end = time.monotonic() + 60
    before = graph_times(data)
    while number and time.monotonic() < end:
        try:
            now = graph_times(data)
        except FileNotFoundError:
            continue
        if now != before:
            before, number = now, number - 1
    assert not number


def kill_and_check(forks, filled: Path, place: Path, seed: int, aimed: bool) -> str | None:
    """Kill a process that syncs; what that broke in Chroma's files, after checking that the next start mends it."""
    chance = random.Random(seed)
    shutil.copytree(filled, place)
    data, folder = place / "data", place / "knowledge"
    process = forks.Process(target=killed.work, args=(data, folder, seed))
    process.start()
    if aimed:
        wait_for_a_flush(data, chance.randint(1, 40))
    else:
        time.sleep(chance.uniform(0.05, 2.0))
    assert process.is_alive()
    process.kill()
    process.join()
    broken = damage(data / "vectors", thorough=True)
    check_next_start(data, folder)
    return broken


def check_next_start(data: Path, folder: Path) -> None:
    index = Index(data, HashEncoder())
    try:
        assert_answers(index)
        report = index.sync(folder)
        assert not report.failed
        assert_answers(index)
        texts = {document.id: document.text for document in index.catalogue.documents()}
        assert texts == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    finally:
        index.close()
    assert not (data / "dirty").exists()
    assert damage(data / "vectors", thorough=True) is None


def assert_answers(index: Index) -> None:
    """Every document in the catalogue is found by its words and its vectors, and nothing else is."""
    assert_whole(index)
    assert index.lost(60) == []
    retriever = Retriever(index, shipped_model())
    known = {document.text: document.id for document in index.catalogue.documents()}
    assert index.catalogue.passage_count() == len(known)
    for text, document_id in known.items():
        unique = next(part for part in text.split() if part.startswith("w") and len(part) == 11)
        hits = [hit for hit in retriever.retrieve(retriever.query(unique)) if unique in hit.encoded.passage.text]
        assert [hit.encoded.passage.document_id for hit in hits] == [document_id]
    gone = [word(number, 0) for number in range(0, 60, 2) if not any(word(number, 0) in text for text in known)]
    for unique in gone[:10]:
        hits = retriever.retrieve(retriever.query(unique))
        assert not [hit for hit in hits if unique in hit.encoded.passage.text]


@pytest.mark.parametrize("seed", range(FEW))
def test_killed_at_a_random_moment(forks, filled: Path, tmp_path: Path, seed: int):
    kill_and_check(forks, filled, tmp_path / "run", seed, aimed=False)


@pytest.mark.parametrize("seed", range(FEW))
def test_killed_while_chroma_rewrites_its_graph(forks, filled: Path, tmp_path: Path, seed: int):
    kill_and_check(forks, filled, tmp_path / "run", seed, aimed=True)


@pytest.mark.slow
@pytest.mark.parametrize("aimed", [False, True], ids=["random", "aimed"])
def test_thirty_kills(forks, filled: Path, tmp_path: Path, aimed: bool, capsys: pytest.CaptureFixture):
    broken = [kill_and_check(forks, filled, tmp_path / f"{seed}", 100 + seed, aimed) for seed in range(MANY)]
    with capsys.disabled():
        print(
            f"\n{sum(map(bool, broken))} of {MANY} kills left Chroma's files torn: {sorted(set(filter(None, broken)))}"
        )
