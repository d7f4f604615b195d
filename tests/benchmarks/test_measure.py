"""Percentiles, stages, memory."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.ingest import Ingested
from benchmarks.measure import Stages, folder_bytes, percentile, resident_bytes, shares


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([7.0], 0.95, 7.0),
        ([2.0, 1.0], 0.0, 1.0),
        ([2.0, 1.0], 1.0, 2.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float):
    assert percentile(values, share) == expected


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_shares_are_of_the_whole_largest_first():
    assert shares({"a": 1.0, "b": 5.0}, 10.0, "rest") == {"b": 0.5, "rest": 0.4, "a": 0.1}
    assert shares({"a": 2.0}, 2.0, "rest") == {"a": 1.0, "rest": 0.0}


def test_stages_count_while_they_are_timed():
    class Store:
        def read(self, key: str, size: int = 1) -> str:
            time.sleep(0.01)
            return key * size

    store, module, stages = Store(), SimpleNamespace(work=lambda: time.sleep(0.01)), Stages()
    work = module.work
    with (
        stages.timing(store, "read", lambda key, **_: f"read {key}"),
        stages.timing(module, "work", "work"),
    ):
        assert store.read("a", size=2) == "aa"
        assert store.read("b") == "b"
        module.work()
    assert set(stages.seconds) == {"read a", "read b", "work"}
    assert min(stages.seconds.values()) >= 0.01
    assert module.work is work
    assert vars(store) == {}
    store.read("c")
    assert "read c" not in stages.seconds


def test_a_stage_that_fails_is_counted_and_restored():
    def fail() -> None:
        raise KeyError

    module, stages = SimpleNamespace(fail=fail), Stages()
    with stages.timing(module, "fail", "x"), pytest.raises(KeyError):
        module.fail()
    assert list(stages.seconds) == ["x"]
    assert module.fail is fail


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_memory_grows_with_what_is_held():
    before = resident_bytes()
    held = np.ones(50_000_000, dtype=np.uint8)
    assert 45_000_000 < resident_bytes() - before < 80_000_000
    assert held.any()


def test_disk_is_that_of_all_files_below(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 100_000)
    (tmp_path / "c").write_bytes(b"x" * 50_000)
    assert 150_000 <= folder_bytes(tmp_path) < 200_000


def test_ingest_is_told_in_ratios():
    result = Ingested(10, 12, dalil_seconds=4.0, encoder_seconds=3.0, llamaindex_seconds=10.0)
    assert (result.share_of_encoder, result.times_llamaindex) == (0.75, 2.5)
    assert Ingested(10, 12, 4.0, 3.0, None).times_llamaindex is None


@pytest.mark.parametrize(
    ("limit", "expected"), [(3, [0, 3, 6]), (1, [0]), (10, list(range(10))), (99, list(range(10)))]
)
def test_items_are_taken_evenly(limit: int, expected: list[int]):
    assert command._spread(list(range(10)), limit) == expected


def test_json_is_json(capsys):
    command._print_json({"a": 1.5})
    assert json.loads(capsys.readouterr().out) == {"a": 1.5}
