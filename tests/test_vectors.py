"""The dense index on a real Chroma folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.vectors import VectorIndex


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


def test_languages_and_units_are_apart(index: VectorIndex):
    index.upsert("passages", "ar", ["a"], unit(0.0))
    index.upsert("passages", "en", ["e"], unit(0.0))
    index.upsert("sentences", "ar", ["a:0"], unit(0.0))
    assert index.query("passages", "en", unit(0.0)[0], 10) == ["e"]
    assert index.query("sentences", "en", unit(0.0)[0], 10) == []
    assert index.query("passages", "other", unit(0.0)[0], 10) == []
    assert list(index.languages()) == ["ar", "en"]


def test_upsert_replaces(index: VectorIndex):
    index.upsert("passages", "ar", ["a", "b"], unit(0.0, 1.0))
    index.upsert("passages", "ar", ["a"], unit(1.5))
    assert index.query("passages", "ar", unit(0.0)[0], 2) == ["b", "a"]
    assert index.ids("passages", "ar") == {"a", "b"}


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
    first.upsert("passages", "ar", ["a", "b"], unit(0.0, 1.0))
    first.close()
    second = VectorIndex(tmp_path / "v")
    assert second.query("passages", "ar", unit(0.9)[0], 2) == ["b", "a"]
    second.close()


def test_a_language_is_a_code(index: VectorIndex):
    with pytest.raises(ValueError, match="not a language code: 'Arabic!'"):
        index.upsert("passages", "Arabic!", ["a"], unit(0.0))
