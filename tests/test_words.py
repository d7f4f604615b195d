"""Compressed word vectors and matching, by hand-worked examples and against plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.words import Match, Words, compress, decompress, match

# Eight orthogonal unit vectors of +-1/sqrt(8). All of their numbers are equally far from 0, so all are beyond
# .9816 standard deviations, all get the outer level, and these vectors are stored without loss.
_TWO = np.array([[1.0, 1.0], [1.0, -1.0]])
AXES = (np.kron(_TWO, np.kron(_TWO, _TWO)) / np.sqrt(8)).astype(np.float32)
A, B, C, D = AXES[1:5]
NO_VECTORS = np.zeros((0, 8), dtype=np.float32)


def stored(*parts: Sequence[np.ndarray]) -> Words:
    """The words of a passage: its context, then each sentence."""
    vectors = [vector for part in parts for vector in part]
    return Words(compress(np.array(vectors, dtype=np.float32).reshape(-1, 8)), tuple(map(len, parts)))


def one(question: Sequence[np.ndarray], weights: Sequence[float], words: Words) -> Match:
    (found,) = match(np.array(question, dtype=np.float32).reshape(-1, 8), weights, [words])
    return found


# --- compression -------------------------------------------------------------------------------------


def test_signs_and_levels_by_hand():
    # mean 0, variance (9+1+1+9+4)/8 = 3, standard deviation 1.732: the outer level begins at 1.700
    vectors = np.array([[3, 1, -1, -3, 1, -1, 1, -1]], dtype=np.float32)
    codes = compress(vectors)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[0b11001010, 0b10010000]]
    # two of 1.5104 and six of .4528: length sqrt(2 * 2.28131 + 6 * .20503) = 2.40682
    far, near = 0.62755, 0.18813
    result = decompress(codes, 8)
    assert result.dtype == np.float32
    assert result[0] == pytest.approx([far, near, -near, -far, near, -near, near, -near], abs=1e-5)


def test_a_dimension_that_fills_no_byte():
    # variance (4 + 4 + 10 * .25) / 12 = .875, standard deviation .935: the outer level begins at .918
    vectors = np.array([[2.0, -2.0, *[0.5, -0.5] * 5]], dtype=np.float32)
    codes = compress(vectors)
    assert codes.tolist() == [[0b10101010, 0b10100000, 0b11000000, 0b00000000]]
    # length sqrt(2 * 2.28131 + 10 * .20503) = 2.57156
    assert decompress(codes, 12)[0] == pytest.approx([0.58735, -0.58735, *[0.17608, -0.17608] * 5], abs=1e-5)


@pytest.mark.parametrize("dimension", [1, 4, 8, 12, 31, 384])
def test_each_word_takes_two_bits_a_number(dimension: int):
    vectors = np.random.default_rng(0).normal(size=(3, dimension)).astype(np.float32)
    codes = compress(vectors)
    assert codes.shape == (3, 2 * -(-dimension // 8))
    result = decompress(codes, dimension)
    assert result.shape == (3, dimension)
    assert np.linalg.norm(result, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert np.array_equal(result > 0, vectors > 0)


def test_rows_are_compressed_by_themselves_and_their_length_is_lost():
    # small and large rows together: each has a spread of its own
    vectors = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)
    expected = compress(vectors)
    assert np.array_equal(compress(vectors * np.array([[1e-3], [1.0], [64.0], [1e4]], dtype=np.float32)), expected)
    assert np.array_equal(np.concatenate([compress(row[None, :]) for row in vectors]), expected)


def test_vectors_of_equally_large_numbers_are_kept_exactly():
    assert decompress(compress(AXES), 8) == pytest.approx(AXES, abs=1e-7)
    assert decompress(compress(-AXES), 8) == pytest.approx(-AXES, abs=1e-7)


def test_an_axis_keeps_its_place_only():
    # mean 1/8, standard deviation sqrt(1/8 - 1/64) = .331; two bits have no level for 0, which counts as below
    codes = compress(np.eye(8, dtype=np.float32)[2:3])
    assert codes.tolist() == [[0b00100000, 0b00100000]]
    # length sqrt(2.28131 + 7 * .20503) = 1.92783
    assert decompress(codes, 8)[0] == pytest.approx([-0.23488] * 2 + [0.78347] + [-0.23488] * 5, abs=1e-5)


def test_a_row_of_zeros_is_something_finite():
    codes = compress(np.zeros((2, 8), dtype=np.float32))
    assert codes.tolist() == [[0, 0], [0, 0]]
    assert decompress(codes, 8) == pytest.approx(np.full((2, 8), -1 / np.sqrt(8)), abs=1e-6)


def test_no_rows():
    codes = compress(NO_VECTORS)
    assert (codes.shape, codes.dtype) == ((0, 2), np.uint8)
    assert decompress(codes, 8).shape == (0, 8)


def test_compressed_vectors_stay_near():
    vectors = np.random.default_rng(2).normal(size=(1_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (decompress(compress(vectors), 384) * vectors).sum(axis=1)
    assert cosines.min() >= 0.9
    # Max (1960), table I: the mean squared error of four levels is .1175, the cosine sqrt(1 - .1175)
    assert cosines.mean() == pytest.approx(0.9394, abs=0.003)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40))
def test_any_vector_becomes_a_unit_vector_with_its_signs(values: list[float]):
    vector = np.array([values], dtype=np.float32)
    result = decompress(compress(vector), len(values))
    assert np.linalg.norm(result) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(result > 0, vector > 0)


# --- storage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(0, 3), (1, 0, 2), (3,), (0, 0, 3, 0), (0, 1, 1, 1)])
def test_words_are_read_as_they_were_written(counts: tuple[int, ...]):
    words = Words(compress(AXES[:3]), counts)
    found = Words.from_bytes(words.to_bytes())
    assert found.counts == counts
    assert all(type(count) is int for count in found.counts)
    assert found.codes.dtype == np.uint8
    assert np.array_equal(found.codes, words.codes)


@pytest.mark.parametrize("counts", [(0, 0), (0, 0, 0), (0,), ()])
def test_a_passage_without_words_is_read_as_it_was_written(counts: tuple[int, ...]):
    found = Words.from_bytes(Words(compress(NO_VECTORS), counts).to_bytes())
    assert found.counts == counts
    assert len(found.codes) == 0


def test_a_stored_passage_without_words_is_matched_beside_others():
    nothing = Words.from_bytes(stored([], []).to_bytes())
    assert [found.passage for found in match(AXES[1:2], [1.0], [nothing, stored([], [A])])] == pytest.approx([0, 1])


# --- matching ----------------------------------------------------------------------------------------


def test_each_word_counts_by_its_weight():
    # A is found in the first sentence and B in the second, each at right angles to all else there
    found = one([A, B], [3, 1], stored([], [A, C], [B]))
    assert found.passage == pytest.approx(1.0, abs=1e-6)
    assert found.sentences == pytest.approx([0.75, 0.25], abs=1e-6)


def test_weights_are_shares():
    words = stored([], [A], [C])
    for weights in ([0.3, 0.1], [3, 1], [300.0, 100.0]):
        found = one([A, B], weights, words)
        assert (found.passage, *found.sentences) == pytest.approx((0.75, 0.75, 0.0), abs=1e-6)


def test_a_word_of_no_weight_counts_nothing():
    found = one([A, B], [0, 2], stored([], [A], [B]))
    assert (found.passage, *found.sentences) == pytest.approx((1.0, 0.0, 1.0), abs=1e-6)


def test_the_nearest_word_counts():
    question = 0.6 * A + 0.8 * B  # cosine .6 with A, .8 with B, -.8 with -B and 0 with C
    found = one([question], [1], stored([], [A, C], [C, B, A], [-B], [-B, C]))
    assert found.sentences == pytest.approx([0.6, 0.8, -0.8, 0.0], abs=1e-6)
    assert found.passage == pytest.approx(0.8, abs=1e-6)


def test_each_word_has_its_own_nearest():
    # A: 0 and 1; .6 A + .8 C: .8 and .6
    found = one([A, 0.6 * A + 0.8 * C], [1, 1], stored([], [C], [A]))
    assert found.sentences == pytest.approx([(0 + 0.8) / 2, (1 + 0.6) / 2], abs=1e-6)
    assert found.passage == pytest.approx((1 + 0.8) / 2, abs=1e-6)


def test_the_opposite_is_as_far_as_can_be():
    found = one([A], [1], stored([], [-A]))
    assert (found.passage, *found.sentences) == pytest.approx((-1.0, -1.0), abs=1e-6)


def test_the_context_counts_for_the_passage_and_for_no_sentence():
    found = one([A, B], [1, 1], stored([A], [B], [C]))
    assert found.passage == pytest.approx(1.0, abs=1e-6)
    assert found.sentences == pytest.approx([0.5, 0.0], abs=1e-6)


def test_sentences_without_words_are_worth_nothing_and_hide_nothing():
    # in the middle and at both ends; 0 although all words of the passage are farther
    found = one([A], [1], stored([], [], [-A], [], [-A], []))
    assert found.sentences == pytest.approx([0.0, -1.0, 0.0, -1.0, 0.0], abs=1e-6)
    assert found.passage == pytest.approx(-1.0, abs=1e-6)
    found = one([A], [1], stored([A], [], []))
    assert (found.passage, *found.sentences) == pytest.approx((1.0, 0.0, 0.0), abs=1e-6)


def test_passages_without_words_are_worth_nothing():
    found = one([A], [1], stored([], [], []))
    assert (found.passage, found.sentences.tolist()) == (0.0, [0.0, 0.0])
    several = match(AXES[1:2], [1.0], [stored([], []), stored([], [A]), stored([], [], []), stored([B], [-A])])
    assert [item.passage for item in several] == pytest.approx([0.0, 1.0, 0.0, 0.0], abs=1e-6)
    assert [len(item.sentences) for item in several] == [1, 1, 2, 1]
    assert np.concatenate([item.sentences for item in several]) == pytest.approx([0, 1, 0, 0, -1], abs=1e-6)


def test_a_question_without_words_is_near_nothing():
    first, second = match(NO_VECTORS, [], [stored([A], [B], [C]), stored([], [])])
    assert (first.passage, first.sentences.tolist()) == (0.0, [0.0, 0.0])
    assert (second.passage, second.sentences.tolist()) == (0.0, [0.0])


def test_no_passages():
    assert match(AXES[1:3], [1.0, 2.0], []) == []
    assert match(NO_VECTORS, [], []) == []


def test_a_passage_of_context_alone_has_no_sentences():
    found = one([A], [1], stored([A, B]))
    assert found.passage == pytest.approx(1.0, abs=1e-6)
    assert (found.sentences.shape, found.sentences.dtype) == ((0,), np.float32)


COUNTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), max_size=6)


@settings(deadline=None)
@given(COUNTS, st.lists(st.floats(0.1, 9), max_size=4), st.integers(0, 2**32 - 1))
def test_several_passages_at_once_are_as_one_by_one_and_as_plain_loops(
    counts: list[list[int]], weights: list[float], seed: int
):
    chance = np.random.default_rng(seed)
    question = chance.normal(size=(len(weights), 8)).astype(np.float32)
    question /= np.linalg.norm(question, axis=1, keepdims=True)
    passages = [
        Words(compress(chance.normal(size=(sum(parts), 8)).astype(np.float32)), tuple(parts)) for parts in counts
    ]

    def near(vectors: np.ndarray) -> float:
        if not len(vectors) or not weights:
            return 0.0
        best = [max(float(word @ vector) for vector in vectors) for word in question]
        return sum(weight * value for weight, value in zip(weights, best, strict=True)) / sum(weights)

    together = match(question, weights, passages)
    assert len(together) == len(passages)
    for found, words in zip(together, passages, strict=True):
        (alone,) = match(question, weights, [words])
        assert found.passage == pytest.approx(alone.passage, abs=1e-6)
        assert found.sentences == pytest.approx(alone.sentences, abs=1e-6)
        vectors = decompress(words.codes, 8)
        ends = np.cumsum(words.counts)
        parts = [vectors[end - count : end] for count, end in zip(words.counts, ends, strict=True)]
        assert found.passage == pytest.approx(near(vectors), abs=1e-5)
        assert found.sentences.tolist() == pytest.approx([near(part) for part in parts[1:]], abs=1e-5)
