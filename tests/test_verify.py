"""What verify finds, what repair mends, and one clear line for whatever cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from assistant.catalogue import Catalogue
from assistant.errors import IndexMismatchError, IndexStateError
from assistant.index import Index
from assistant.verify import repair, verify
from tests.killed import HashEncoder
from tests.test_cli import run  # noqa: F401 - a fixture
from tests.test_index import assert_whole, find


@pytest.fixture
def data(tmp_path: Path, knowledge: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed index of the knowledge folder, with its graph files on disk."""
    monkeypatch.setattr("assistant.vectors._SYNC_THRESHOLD", 2)
    index = Index(tmp_path / "data", HashEncoder())
    index.sync(knowledge)
    index.close()
    return tmp_path / "data"


@contextmanager
def opened(data: Path) -> Iterator[Index]:
    index = Index(data, HashEncoder())
    try:
        yield index
    finally:
        index.close()


def faults(index: Index, knowledge: Path) -> dict[str, str]:
    return {finding.subject: finding.detail for finding in verify(index, knowledge) if not finding.ok}


def graph_file(data: Path, name: str) -> Path:
    return max(data.glob(f"vectors/*/{name}"), key=lambda path: path.stat().st_size)


# --- what is found, and mended -----------------------------------------------------------------------


def test_a_whole_index(data: Path, knowledge: Path):
    with opened(data) as index:
        assert [(one.subject, one.ok) for one in verify(index, knowledge)] == [
            ("catalogue", True),
            ("vectors", True),
            ("terms", True),
            ("knowledge", True),
        ]


def test_the_folder_moved_on(data: Path, knowledge: Path):
    documents = knowledge / "documents"
    (documents / "notes.txt").unlink()
    (knowledge / "جديد.txt").write_text("في المدينة مكتبة كبيرة.", encoding="utf-8")
    before = (documents / "mines.ar.md").stat()
    text = (documents / "mines.ar.md").read_text(encoding="utf-8")
    (documents / "mines.ar.md").write_text(text.replace("الجنوب", "الشرقي"), encoding="utf-8")
    os.utime(documents / "mines.ar.md", ns=(before.st_atime_ns, before.st_mtime_ns))  # sync would not look
    with opened(data) as index:
        assert faults(index, knowledge) == {
            "knowledge": "1 files not indexed (جديد.txt); 1 indexed files gone (documents/notes.txt); "
            "1 files changed since (documents/mines.ar.md)"
        }
        repair(index, knowledge)
        index.sync(knowledge)
        assert faults(index, knowledge) == {}
        assert find(index, "الشرقي") == ["documents/mines.ar.md"]


def some_passage(index: Index, language: str) -> str:
    return min(key for key, (spoken, _) in index.catalogue.outline().items() if spoken == language)


def lose_vector(index: Index, language: str) -> None:
    index.vectors.delete("passages", language, [some_passage(index, language)])


def lose_sentence(index: Index, language: str) -> None:
    index.vectors.delete("sentences", language, [f"{some_passage(index, language)}:0"])


def strange_vector(index: Index, language: str) -> None:
    index.vectors.upsert("passages", language, ["stranger"], np.eye(1, 64, dtype=np.float32))


def wrong_vector(index: Index, language: str) -> None:
    (encoded,) = index.catalogue.encoded([some_passage(index, language)])
    index.vectors.upsert("passages", language, [encoded.passage.id], -encoded.vector[None, :])


def lose_terms(index: Index, language: str) -> None:
    index.lexical.update([], removed=[some_passage(index, language)])


def wrong_terms(index: Index, language: str) -> None:
    (encoded,) = index.catalogue.encoded([some_passage(index, language)])
    passage = encoded.passage
    index.lexical.update([type(passage)(**{**_fields(passage), "text": "zzz", "context": ""})])


def _fields(passage) -> dict:
    return {name: getattr(passage, name) for name in passage.__slots__}


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize(
    ("harm", "subject", "said"),
    [
        (lose_vector, "vectors", "1 passages missing ("),
        (lose_sentence, "vectors", "1 passages missing ("),
        (strange_vector, "vectors", "1 unknown entries (stranger)"),
        (wrong_vector, "vectors", "1 vectors not found ("),
        (lose_terms, "terms", "1 passages missing ("),
        (wrong_terms, "terms", "1 passages not found by their words ("),
    ],
)
def test_an_index_that_differs(data: Path, knowledge: Path, harm: Callable, subject: str, said: str, language: str):
    with opened(data) as index:
        harm(index, language)
        found = faults(index, knowledge)
        assert list(found) == [subject]
        assert said in found[subject]
        repair(index, knowledge)
        assert faults(index, knowledge) == {}
        assert_whole(index)


@pytest.mark.parametrize("harm", [lose_vector, lose_sentence, strange_vector, lose_terms])
def test_counts_that_differ_are_mended_when_opened(data: Path, knowledge: Path, harm: Callable):
    with opened(data) as index:
        harm(index, "ar")
    assert not (data / "dirty").exists()
    with opened(data) as index:
        assert index.mended in {
            "1 passages were missing and 0 entries left over",
            "0 passages were missing and 1 entries left over",
        }
        assert_whole(index)
        assert verify(index, knowledge)[0].detail == f"mended: {index.mended}"
    with opened(data) as index:
        assert index.mended is None


def test_a_document_without_vectors(data: Path, knowledge: Path):
    with closing(sqlite3.connect(data / "catalogue.sqlite")) as connection:
        connection.execute(
            "DELETE FROM vectors WHERE encoding IN (SELECT encoding FROM passages WHERE source_id LIKE '%river.ar.md')"
        )
        connection.commit()
    with opened(data) as index:
        assert faults(index, knowledge)["catalogue"] == "1 documents lack vectors (documents/river.ar.md)"
        repair(index, knowledge)
        assert index.sync(knowledge).added == ("documents/river.ar.md",)
        assert faults(index, knowledge) == {}
        assert_whole(index)


# --- damaged files -----------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:90])


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[140:180] = b"\xa5" * 40
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: cut(graph_file(data, "header.bin")),
        lambda data: cut(graph_file(data, "data_level0.bin")),
        lambda data: graph_file(data, "length.bin").unlink(),
        lambda data: graph_file(data, "link_lists.bin").write_bytes(b""),
        lambda data: graph_file(data, "index_metadata.pickle").write_bytes(b""),
        lambda data: scribble(graph_file(data, "index_metadata.pickle")),
        lambda data: shutil.rmtree(graph_file(data, "header.bin").parent),
        lambda data: cut(data / "vectors" / "chroma.sqlite3"),
        lambda data: (data / "vectors" / "chroma.sqlite3").write_bytes(b"no database"),
        lambda data: (data / "vectors" / "chroma.sqlite3").unlink(),
        lambda data: (data / "lexical" / "meta.json").write_text("{"),
        lambda data: (data / "lexical" / "meta.json").unlink(),
        lambda data: [path.unlink() for path in (data / "lexical").glob("*.term")],
        lambda data: shutil.rmtree(data / "lexical"),
        lambda data: shutil.rmtree(data / "vectors"),
    ],
    ids=(
        "header,cut data,no lengths,empty links,empty pickle,bad pickle,no graph,cut chroma,foreign chroma,no chroma,"
        "bad meta,no meta,no terms,no lexical,no vectors"
    ).split(","),
)
def test_damaged_indexes_are_mended_when_opened(data: Path, knowledge: Path, harm: Callable):
    harm(data)
    with opened(data) as index:
        assert index.mended
        assert_whole(index)
        assert faults(index, knowledge) == {}


@pytest.mark.parametrize("name", ["data_level0.bin", "link_lists.bin"])
def test_altered_bytes_of_the_same_size_are_found_by_verify(data: Path, knowledge: Path, name: str):
    scribble(graph_file(data, name))
    with opened(data) as index:
        assert list(faults(index, knowledge)) == ["vectors"]
        repair(index, knowledge)
        assert faults(index, knowledge) == {}


def test_the_lock_file_may_say_anything(data: Path):
    (data / "lock").write_bytes(b"\x00garbage")
    with opened(data) as index:
        assert_whole(index)


@pytest.mark.parametrize("harm", [cut, lambda path: path.write_bytes(b"\xa5" * 5000)], ids=["cut", "foreign"])
def test_a_damaged_catalogue_names_the_command(data: Path, knowledge: Path, harm: Callable):
    harm(data / "catalogue.sqlite")
    with pytest.raises(IndexStateError, match=r"catalogue\.sqlite cannot be used \(.*\); run: dalil sync --rebuild$"):
        Index(data, HashEncoder())
    index = Index(data, HashEncoder(), rebuild=True)
    index.sync(knowledge)
    assert_whole(index)
    index.close()


def test_a_damaged_page_of_the_catalogue(data: Path, knowledge: Path):
    path = data / "catalogue.sqlite"
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'facts_by_source'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with opened(data) as index:
        assert "run: dalil sync --rebuild" in faults(index, knowledge)["catalogue"]
        with pytest.raises(IndexStateError, match=r"run: dalil sync --rebuild$"):
            repair(index, knowledge)


def test_an_erasure_that_was_cut_short_is_finished(data: Path, knowledge: Path):
    (data / "erasing").touch()
    (data / "catalogue.sqlite").unlink()
    with opened(data) as index:
        assert index.catalogue.passage_count() == 0
        assert index.sync(knowledge).passages == 12
        assert_whole(index)
    assert not (data / "erasing").exists()


@pytest.mark.parametrize(
    ("key", "what"), [("layout", "index layout"), ("text", "text analysis"), ("model", "the model")]
)
def test_an_index_of_an_older_version(data: Path, knowledge: Path, key: str, what: str):
    catalogue = Catalogue(data / "catalogue.sqlite")
    catalogue.set_meta({key: "0"})
    catalogue.close()
    with pytest.raises(IndexMismatchError, match=rf"built with {what} 0, now it is .*; run: dalil sync --rebuild$"):
        Index(data, HashEncoder())


# --- writes that fail --------------------------------------------------------------------------------


def test_an_unfinished_write_leaves_the_mark(data: Path, knowledge: Path, monkeypatch: pytest.MonkeyPatch):
    (knowledge / "documents" / "notes.txt").unlink()
    with opened(data) as index:

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(index.lexical, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index.sync(knowledge)
    assert (data / "dirty").exists()
    with opened(data) as index:
        assert index.mended == "0 passages were missing and 1 entries left over"
        assert find(index, "lighthouse") == []
        assert_whole(index)
    assert not (data / "dirty").exists()


SMALL_DISK = """
import sys, resource
from pathlib import Path
from assistant.errors import DalilError
from assistant.index import Index
from tests.killed import HashEncoder, small_flushes
limit = int(sys.argv[3])
small_flushes()
index = Index(Path(sys.argv[1]), HashEncoder())
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    index.sync(Path(sys.argv[2]))
except DalilError as error:
    print(error)
index.close()
"""


@pytest.mark.parametrize("kilobytes", [40, 300])
def test_a_full_disk_is_one_line_and_loses_nothing(data: Path, knowledge: Path, kilobytes: int):
    for number in range(200):
        text = f"المستند رقم {number}. Number {number} is here. " * 3
        (knowledge / f"{number}.txt").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", SMALL_DISK, str(data), str(knowledge), str(kilobytes * 1000)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 1
    assert "; free some space" in ended.stdout or "; run: dalil verify --repair" in ended.stdout
    with opened(data) as index:
        assert_whole(index)
        assert index.sync(knowledge).failed == {}
        assert faults(index, knowledge) == {}


@contextmanager
def powerless() -> Iterator[None]:
    """Without root's power to write everywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("inner", [".", "vectors", "lexical", "catalogue.sqlite"])
def test_what_may_not_be_written_is_one_line(data: Path, inner: str):
    place = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folders are closed to others
    try:
        shutil.copytree(data, place / "data")
        for path in [place, *place.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o666)
        target = place / "data" / inner
        for path in [target, *target.rglob("*")]:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555)
        with powerless(), pytest.raises(IndexStateError) as caught, opened(place / "data") as index:
            index.sync(place)
        assert "--data DIR" in str(caught.value)
        assert "\n" not in str(caught.value)
    finally:
        shutil.rmtree(place)


# --- the command -------------------------------------------------------------------------------------


def test_the_command(run, knowledge: Path, tmp_path: Path):  # noqa: F811
    assert run("sync")[0] == 0
    code, out, err = run("verify")
    assert (code, err) == (0, "")
    assert [line[:4] for line in out.splitlines()] == ["ok  "] * 4
    (knowledge / "documents" / "notes.txt").unlink()
    code, out, err = run("verify", "--json")
    assert code == 1
    assert json.loads(out)[-1] == {
        "subject": "knowledge",
        "ok": False,
        "detail": "1 indexed files gone (documents/notes.txt)",
    }
    assert err == "dalil: run: dalil verify --repair\n"
    assert run("verify", "--repair")[0] == 0
    assert run("verify")[0] == 0
    (tmp_path / "data" / "catalogue.sqlite").write_bytes(b"no database at all")
    code, out, err = run("verify", "--repair")
    assert (code, out) == (1, "")
    assert err.endswith("; run: dalil sync --rebuild\n")
    assert run("sync", "--rebuild")[0] == 0
    assert run("verify")[0] == 0
