"""Vectors of the tiny model for the mechanics, of the default model for the meaning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from assistant.encoder import Encoder, remove_direction
from assistant.errors import ModelError

TEXTS = ["ما هو الممر الأوسط؟", "What is the Middle Corridor?", "2004", "a b c"]


def test_remove_direction_by_hand():
    # (.6, .8) without its first coordinate is (0, .8), of unit length (0, 1)
    vectors = np.array([[0.6, 0.8], [0.0, 1.0]], dtype=np.float32)
    result = remove_direction(vectors, np.array([1.0, 0.0], dtype=np.float32))
    assert result.tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_vectors_are_unit_length_and_without_language(tiny_encoder: Encoder):
    direction = np.load(tiny_encoder.model.path / "direction.npy")
    assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-5)
    for vectors in (tiny_encoder.encode_queries(TEXTS), tiny_encoder.encode_passages(TEXTS)):
        assert vectors.shape == (4, tiny_encoder.dimension)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
        assert np.abs(vectors @ direction).max() < 1e-5


def test_questions_and_passages_have_prompts_of_their_own(tiny_encoder: Encoder):
    query, passage = tiny_encoder.encode_queries(["ممر"])[0], tiny_encoder.encode_passages(["ممر"])[0]
    assert not np.allclose(query, passage, atol=1e-3)


def test_diacritics_change_nothing(tiny_encoder: Encoder):
    plain, marked, stretched = tiny_encoder.encode_queries(["الممر ٢٠٠٤", "المَمَرُّ ٢٠٠٤", "الممـــر 2004"])
    assert np.array_equal(plain, marked)
    assert np.array_equal(plain, stretched)


def test_long_texts_are_truncated(tiny_encoder: Encoder):
    text = "ممر " * 2_000
    vectors = tiny_encoder.encode_passages([text, text + "آخر"])
    assert np.array_equal(vectors[0], vectors[1])
    assert tiny_encoder.count_tokens("ab ab") == 4


def test_nothing_to_encode(tiny_encoder: Encoder):
    assert tiny_encoder.encode_passages([]).shape == (0, tiny_encoder.dimension)


def test_progress_counts_every_text(tiny_encoder: Encoder):
    done: list[int] = []
    tiny_encoder.encode_passages(TEXTS * 5, done.append)
    assert sum(done) == 20


def test_threads_get_the_same_vectors(tiny_encoder: Encoder):
    expected = tiny_encoder.encode_queries(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(tiny_encoder.encode_queries, [TEXTS] * 16):
            assert np.array_equal(result, expected)


def test_damaged_files_are_one_clear_line(tiny_encoder: Encoder, tmp_path):
    from dataclasses import replace

    with pytest.raises(ModelError, match="cannot be loaded: delete its folder and run again"):
        Encoder(replace(tiny_encoder.model, path=tmp_path))


@pytest.mark.parametrize("question", ["متى بدأ الحوار بين اليابان وآسيا الوسطى؟", "When did the dialogue begin?"])
def test_the_default_model_finds_answers_in_both_languages(encoder: Encoder, question: str):
    passages = [
        "انطلق الحوار بين اليابان ودول آسيا الوسطى في عام 2004.",
        "The dialogue between Japan and Central Asia began in 2004.",
        "الغاليوم معدن نادر يستخدم في صناعة أشباه الموصلات.",
        "Boil the spaghetti for nine minutes.",
    ]
    scores = encoder.encode_passages(passages) @ encoder.encode_queries([question])[0]
    assert min(scores[:2]) > max(scores[2:])
