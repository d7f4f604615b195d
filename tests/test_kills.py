"""Kill -9 at any moment, then the next start is whole: real SQLite, Chroma and tantivy."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.encoder import Encoder
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


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process leaves is the same, and it is faster."""
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=fast if os.access(fast, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def place(memory: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own."""
    return memory / "".join(char for char in request.node.name if char.isalnum())


@pytest.fixture(scope="module")
def filled(memory: Path) -> Path:
    """A data directory and a knowledge folder to begin from."""
    place = memory / "filled"
    place.mkdir()
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


def kill_and_check(forks, filled: Path, place: Path, seed: int, aimed: bool, patience: int) -> str | None:
    """Kill a process that syncs; what that broke in Chroma's files, after checking that the next start mends it."""
    chance = random.Random(seed)
    shutil.copytree(filled, place)
    data, folder = place / "data", place / "knowledge"
    process = forks.Process(target=killed.work, args=(data, folder, seed))
    process.start()
    if aimed:
        wait_for_a_flush(data, chance.randint(1, 10 * patience))
    else:
        time.sleep(chance.uniform(0.05, 0.5 * patience))
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
def test_killed_at_a_random_moment(forks, filled: Path, place: Path, seed: int):
    kill_and_check(forks, filled, place, seed, aimed=False, patience=1)


@pytest.mark.parametrize("seed", range(FEW))
def test_killed_while_chroma_rewrites_its_graph(forks, filled: Path, place: Path, seed: int):
    kill_and_check(forks, filled, place, seed, aimed=True, patience=1)


@pytest.mark.slow
@pytest.mark.parametrize("aimed", [False, True], ids=["random", "aimed"])
def test_thirty_kills(forks, filled: Path, place: Path, aimed: bool, capsys: pytest.CaptureFixture):
    broken = [kill_and_check(forks, filled, place / f"{seed}", 100 + seed, aimed, patience=4) for seed in range(MANY)]
    with capsys.disabled():
        print(
            f"\n{sum(map(bool, broken))} of {MANY} kills left Chroma's files torn: {sorted(set(filter(None, broken)))}"
        )


def tear(data: Path) -> None:
    for file in data.glob("vectors/*/data_level0.bin"):
        file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("harm", [tear, lambda data: shutil.rmtree(data / "lexical")], ids=["torn", "no terms"])
def test_mending_that_is_killed_is_done_by_the_next_start(forks, filled: Path, place: Path, harm: Callable):
    shutil.copytree(filled, place)
    harm(place / "data")
    for seed in range(4):
        process = forks.Process(target=killed.mend, args=(place / "data",))
        process.start()
        time.sleep(random.Random(seed).uniform(0.05, 0.3))
        process.kill()
        process.join()
    check_next_start(place / "data", place / "knowledge")


@pytest.mark.parametrize("seed", range(3))
def test_starting_anew_that_is_killed_leaves_all_or_nothing(forks, filled: Path, place: Path, seed: int):
    shutil.copytree(filled, place)
    process = forks.Process(target=killed.mend, args=(place / "data", True))
    process.start()
    time.sleep(random.Random(seed).uniform(0.02, 0.2))
    process.kill()
    process.join()
    check_next_start(place / "data", place / "knowledge")


@pytest.mark.parametrize("wanted", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_sync_closes_cleanly(
    tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder, place: Path, wanted: signal.Signals
):
    folder = place / "knowledge"
    folder.mkdir(parents=True)
    for number in range(1_000):
        killed.write(folder, number, 0)
    environment = {**os.environ, "DALIL_EMBEDDING_MODEL": str(tiny_model_dir), "DALIL_CACHE_DIR": str(tiny_cache)}
    # a shell that starts the tests in the background has SIGINT ignored in all that they start
    command = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from assistant.cli import main; from tests.killed import small_flushes; small_flushes(); main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", command, "sync", "--data", str(place / "data"), "--knowledge", str(folder)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    while not list(place.glob("data/vectors/*/index_metadata.pickle")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(wanted)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert damage(place / "data" / "vectors", thorough=True) is None
    index = Index(place / "data", tiny_encoder)
    assert_whole(index)
    assert 0 < len(index.catalogue.documents()) < 1_000
    index.close()
