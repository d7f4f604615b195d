"""Made folders, through a real index with the tiny model."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.encoder import Encoder
from assistant.index import Index
from benchmarks.made import Pool, PretendEncoder, make_pool, write_made
from eval.squad import Paragraph

TEXTS = {
    "en": "Salma has a harbour. It opened in 1964. Its cranes lift 80 tonnes. Grain leaves every week.",
    "ar": "ينبع النهر من جبل الثلج. يبلغ طول النهر ٣٢٠ كيلومترا. بني السد عام 1998. تقع المناجم في الجنوب.",
}


@pytest.fixture(scope="module")
def pool(tiny_encoder: Encoder) -> Pool:
    return make_pool([Paragraph(code, 0, code, text) for code, text in TEXTS.items()], tiny_encoder)


def test_the_pool_has_every_sentence_once(pool: Pool, tiny_encoder: Encoder):
    assert {code: len(texts) for code, texts in pool.sentences.items()} == {"en": 4, "ar": 4}
    assert len(pool.position) == len(pool.words) == len(pool.vectors) == len(pool.tokens) == 8
    row = pool.position["It opened in 1964."]
    assert pool.tokens[row] == tiny_encoder.count_tokens("It opened in 1964.")


def test_a_made_folder_is_indexed_without_the_network(pool: Pool, tiny_encoder: Encoder, tmp_path):
    write_made(pool, tmp_path / "knowledge", 45)
    assert len(list((tmp_path / "knowledge").iterdir())) == 5
    index = Index(tmp_path / "data", PretendEncoder(tiny_encoder.model, pool))
    report = index.sync(tmp_path / "knowledge")
    assert (report.passages, report.failed) == (45, {})
    assert set(index.catalogue.language_counts()) == {"ar", "en"}
    for encoded in index.catalogue.all_encoded():
        assert np.linalg.norm(encoded.vector) == pytest.approx(1, abs=1e-2)
        assert len(encoded.words.counts) == 1 + len(encoded.passage.sentences)
    index.close()


def test_the_same_seed_makes_the_same_folder(pool: Pool, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_made(pool, tmp_path / name, 12, seed)
    a, b, c = ({path.name: path.read_text() for path in (tmp_path / name).iterdir()} for name in "abc")
    assert a == b != c


def test_pretended_vectors_are_near_the_real_ones(pool: Pool, tiny_encoder: Encoder):
    pretend = PretendEncoder(tiny_encoder.model, pool)
    real = pool.vectors[[pool.position["It opened in 1964."]] * 50]
    cosines = (pretend.encode_passages(["It opened in 1964."] * 50) * real).sum(axis=1)
    assert 0.8 < cosines.mean() < 0.97
    assert len(set(cosines.tolist())) == 50
