"""The dense index on a real Chroma folder."""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import IndexStateError
from assistant.vectors import SENTENCE_DIMENSION, Unit, VectorIndex, _projection

FIRST = [0.090434, 0.023987, 0.056444]
"""The projection's first numbers."""


@pytest.fixture
def index(tmp_path: Path):
    opened = VectorIndex(tmp_path / "vectors")
    yield opened
    opened.close()


def unit(*angles: float) -> np.ndarray:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


def test_the_nearest_come_first(index: VectorIndex):
    index.upsert("passages", "ar", ["far", "near", "same"], unit(1.5, 0.2, 0.0))
    assert index.query("passages", "ar", unit(0.0)[0], 10) == ["same", "near", "far"]
    assert index.query("passages", "ar", unit(1.4)[0], 1) == ["far"]


@pytest.mark.parametrize("unit_name", ["passages", "sentences"])
@pytest.mark.parametrize(
    ("angle", "expected"),
    [
        (0.0, ["east", "north-east", "north", "west"]),
        (1.5, ["north", "north-east", "east", "west"]),
        (0.5, ["north-east", "east", "north", "west"]),
        (3.0, ["west", "north", "north-east", "east"]),
    ],
)
def test_the_order_is_that_of_the_angles(index: VectorIndex, unit_name: Unit, angle: float, expected: list[str]):
    # a quarter turn is 1.57; distances by hand, for 1.5: .07, .71, 1.5, 1.64
    index.upsert(unit_name, "ar", ["west", "north", "east", "north-east"], unit(np.pi, np.pi / 2, 0.0, np.pi / 4))
    assert index.query(unit_name, "ar", unit(angle)[0], 4) == expected
    assert index.query(unit_name, "ar", unit(angle)[0], 2) == expected[:2]
    assert index.query(unit_name, "ar", unit(angle)[0], 100) == expected


def test_the_graph_finds_what_a_full_search_finds(index: VectorIndex):
    random = np.random.default_rng(1)
    vectors = random.normal(size=(3_000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.upsert("passages", "ar", [str(number) for number in range(3_000)], vectors)
    found = 0
    for query in vectors[:50]:
        nearest = set(map(str, np.argsort(-(vectors @ query))[:10].tolist()))
        found += len(nearest & set(index.query("passages", "ar", query, 10)))
    assert found >= 495  # of 500


def test_sentences_are_found_in_fewer_dimensions(index: VectorIndex, tmp_path: Path):
    random = np.random.default_rng(2)
    vectors = random.normal(size=(2_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.upsert("sentences", "ar", [str(number) for number in range(2_000)], vectors)
    index.upsert("passages", "ar", ["p"], vectors[:1])
    lengths = {
        name: held.get(limit=1, include=["embeddings"])["embeddings"].shape[1] for name, held in collections(index)
    }
    assert lengths == {"sentences-ar": SENTENCE_DIMENSION, "passages-ar": 384}
    found = 0
    for number in range(100):
        near = vectors[number] + 0.7 * random.normal(size=384).astype(np.float32) / np.sqrt(384)  # cosine .82
        found += str(number) in index.query("sentences", "ar", near / np.linalg.norm(near), 10)
    assert found == 100
    assert index.finds("sentences", "ar", vectors[:20])
    assert not index.finds("sentences", "ar", random.normal(size=(1, 384)).astype(np.float32))
    assert not index.finds("sentences", "en", vectors[:1])


def collections(index: VectorIndex):
    return index._collections.items()


def test_the_projection_keeps_angles_and_never_changes():
    columns = _projection(384)
    assert columns.shape == (384, SENTENCE_DIMENSION)
    assert np.allclose(columns.T @ columns, np.eye(SENTENCE_DIMENSION), atol=1e-5)
    assert columns[0, :3] == pytest.approx(FIRST, abs=1e-5)  # indexes on disk were made with these


def test_languages_and_units_are_apart(index: VectorIndex):
    index.upsert("passages", "ar", ["a"], unit(0.0))
    index.upsert("passages", "en", ["e"], unit(0.0))
    index.upsert("sentences", "ar", ["a:0"], unit(0.0))
    assert index.query("passages", "en", unit(0.0)[0], 10) == ["e"]
    assert index.query("sentences", "en", unit(0.0)[0], 10) == []
    assert index.query("passages", "other", unit(0.0)[0], 10) == []
    assert list(index.languages()) == ["ar", "en"]
    index.delete("passages", "ar", ["a"])
    assert index.ids("sentences", "ar") == {"a:0"}
    assert index.ids("passages", "en") == {"e"}


def test_upsert_replaces(index: VectorIndex):
    index.upsert("passages", "ar", ["a", "b"], unit(0.0, 1.0))
    index.upsert("passages", "ar", ["a"], unit(1.5))
    assert index.query("passages", "ar", unit(0.0)[0], 2) == ["b", "a"]
    assert index.ids("passages", "ar") == {"a", "b"}


def test_nothing_is_there_at_first(index: VectorIndex):
    assert index.query("passages", "ar", unit(0.0)[0], 10) == []
    assert index.ids("passages", "ar") == set()
    assert list(index.languages()) == []


def test_an_emptied_collection_answers_nothing(index: VectorIndex):
    index.upsert("passages", "ar", ["a", "b"], unit(0.0, 1.0))
    index.delete("passages", "ar", ["b", "a"])
    assert index.query("passages", "ar", unit(0.0)[0], 10) == []
    assert index.ids("passages", "ar") == set()
    index.upsert("passages", "ar", ["b"], unit(0.5))
    assert index.query("passages", "ar", unit(0.0)[0], 10) == ["b"]


def test_nothing_to_store_or_delete(index: VectorIndex):
    index.upsert("passages", "ar", ["a"], unit(0.0))
    index.upsert("passages", "ar", [], np.zeros((0, 2), dtype=np.float32))
    index.delete("passages", "ar", [])
    assert index.ids("passages", "ar") == {"a"}


def test_deleted_ids_are_gone_and_missing_ones_do_not_matter(index: VectorIndex):
    index.upsert("passages", "ar", ["a", "b"], unit(0.0, 1.0))
    index.delete("passages", "ar", ["a", "never"])
    index.delete("passages", "en", ["a"])
    assert index.ids("passages", "ar") == {"b"}


def test_more_records_than_chroma_takes_at_once(index: VectorIndex):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(6_000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [str(number) for number in range(6_000)]
    index.upsert("passages", "en", ids, vectors)
    assert index.ids("passages", "en") == set(ids)
    assert index.query("passages", "en", vectors[4_321], 1) == ["4321"]
    index.delete("passages", "en", ids[:5_999])
    assert index.ids("passages", "en") == {"5999"}


def test_everything_is_there_after_opening_again(tmp_path: Path):
    first = VectorIndex(tmp_path / "v")
    first.upsert("passages", "ar", ["a", "b", "gone"], unit(0.0, 1.0, 0.9))
    first.upsert("sentences", "en", ["s:0"], unit(0.0))
    first.upsert("passages", "ar", ["a"], unit(2.0))
    first.delete("passages", "ar", ["gone"])
    first.close()
    second = VectorIndex(tmp_path / "v")
    assert second.query("passages", "ar", unit(0.9)[0], 3) == ["b", "a"]
    assert second.query("passages", "ar", unit(2.1)[0], 3) == ["a", "b"]
    assert second.ids("sentences", "en") == {"s:0"}
    assert list(second.languages()) == ["ar"]
    second.upsert("passages", "ar", ["c"], unit(0.9))
    assert second.query("passages", "ar", unit(0.9)[0], 1) == ["c"]
    second.close()


def test_two_folders_are_two_indexes(index: VectorIndex, tmp_path: Path):
    other = VectorIndex(tmp_path / "other")
    index.upsert("passages", "ar", ["a"], unit(0.0))
    other.upsert("passages", "ar", ["b"], unit(0.0))
    other.close()
    assert index.query("passages", "ar", unit(0.0)[0], 10) == ["a"]


@pytest.mark.parametrize("language", ["Arabic!", "", "a", "AR", "ar-SA", "ar\n", "../up", "ع", "arabic"])
def test_a_language_is_a_code(index: VectorIndex, language: str):
    for call in (
        lambda: index.upsert("passages", language, ["a"], unit(0.0)),
        lambda: index.delete("passages", language, ["a"]),
        lambda: index.query("passages", language, unit(0.0)[0], 1),
        lambda: index.ids("passages", language),
    ):
        with pytest.raises(ValueError, match=f"^not a language code: {re.escape(repr(language))}$"):
            call()


@pytest.mark.parametrize("language", ["ar", "en", "fr", "ckb", "other"])
def test_codes_of_two_to_five_letters(index: VectorIndex, language: str):
    index.upsert("passages", language, ["a"], unit(0.0))
    assert list(index.languages()) == [language]
    assert index.query("passages", language, unit(0.0)[0], 1) == ["a"]


def test_a_damaged_folder_can_be_replaced(tmp_path: Path):
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(IndexStateError, match=r"v cannot be opened \(.*\); run: dalil sync --rebuild"):
        VectorIndex(folder)
    shutil.rmtree(folder)
    mended = VectorIndex(folder)  # in the same process
    mended.upsert("passages", "ar", ["a"], unit(0.0))
    assert mended.ids("passages", "ar") == {"a"}
    mended.close()


def test_questions_are_answered_while_vectors_come_and_go(index: VectorIndex):
    index.upsert("passages", "ar", ["same"], unit(0.0))
    done = threading.Event()
    wrong: list[object] = []
    asked = 0

    def ask() -> None:
        nonlocal asked
        while not done.is_set():
            try:
                found = index.query("passages", "ar", unit(0.0)[0], 1)
            except Exception as error:
                found = [repr(error)]
            asked += 1
            if found != ["same"]:
                wrong.append(found)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(20):
        ids = [f"{turn}-{number}" for number in range(50)]
        index.upsert("passages", "ar", ids, unit(*np.linspace(0.5, 3.0, 50)))
        index.delete("passages", "ar", ids[:25])
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert asked > 10
    assert len(index.ids("passages", "ar")) == 1 + 20 * 25
