"""Vectors of the tiny model for the mechanics, of the default model for the meaning."""

from __future__ import annotations

import shutil
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


def test_remove_direction_of_nothing_and_of_everything():
    # without a direction a vector is only made unit length; one that is nothing but direction has nothing left
    none, along = np.zeros(2, dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)
    assert remove_direction(np.array([[3.0, 4.0]], dtype=np.float32), none)[0] == pytest.approx([0.6, 0.8])
    assert remove_direction(np.array([[0.0, 2.0]], dtype=np.float32), along).tolist() == [[0.0, 0.0]]


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


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("الممر ٢٠٠٤", "المَمَرُّ ٢٠٠٤"),
        ("الممر ٢٠٠٤", "الممـــر 2004"),
        ("كتاب", "كِتَــابٌ"),
        ("نص", "\u200fنص\u200e"),
        ("2004", "۲۰۰۴"),
    ],
    ids=["diacritics", "tatweel", "both", "direction marks", "persian digits"],
)
def test_spelling_that_readers_ignore_changes_nothing(tiny_encoder: Encoder, plain: str, written: str):
    for encode in (tiny_encoder.encode_queries, tiny_encoder.encode_passages):
        first, second = encode([plain, written])
        assert np.array_equal(first, second)
    assert tiny_encoder.count_tokens(plain) == tiny_encoder.count_tokens(written)


def test_long_texts_keep_their_last_special_token(tiny_encoder: Encoder):
    # [CLS] d : … [SEP] leaves 124 of the tiny model's 128 tokens
    exact, longer, shorter = tiny_encoder.encode_passages(["a " * 124, "a " * 5_000, "a " * 123])
    assert np.array_equal(exact, longer)
    assert not np.array_equal(exact, shorter)
    assert tiny_encoder._truncate([2, *range(10, 400), 3]) == [2, *range(10, 136), 3]
    assert tiny_encoder._truncate([2, *range(10, 136), 3]) == [2, *range(10, 136), 3]


def test_long_arabic_is_truncated_by_the_default_model(encoder: Encoder):
    text = "يربط الممر الأوسط الصين بأوروبا عبر بحر قزوين. " * 100
    assert encoder.count_tokens(text) > encoder.model.max_tokens == 512
    first, second = encoder.encode_passages([text, text + "خاتمة أخرى."])
    assert np.array_equal(first, second)
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("text", "tokens"), [("ab ab", 4), ("", 0), ("كتاب", 4), ("هو؟", 3), ("2004؟", 5)])
def test_tokens_are_counted_without_the_special_ones(tiny_encoder: Encoder, text: str, tokens: int):
    # the tiny model has a token for each letter, digit and mark
    assert tiny_encoder.count_tokens(text) == tokens


def test_nothing_to_encode(tiny_encoder: Encoder):
    done: list[int] = []
    assert tiny_encoder.encode_queries([]).shape == (0, tiny_encoder.dimension)
    assert tiny_encoder.encode_passages([], done.append).shape == (0, tiny_encoder.dimension)
    assert done == []


@pytest.mark.parametrize("text", ["", " \n", "\u0640\u064b", "🙂"])
def test_texts_without_words_have_a_vector(tiny_encoder: Encoder, text: str):
    vectors = tiny_encoder.encode_passages([text])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_progress_counts_every_text(tiny_encoder: Encoder, count: int):
    done: list[int] = []
    tiny_encoder.encode_passages((TEXTS * 5)[:count], done.append)
    assert done == [1] * count


def test_a_text_has_its_vector_whatever_is_around_it(tiny_encoder: Encoder):
    together = tiny_encoder.encode_passages(TEXTS)
    alone = np.concatenate([tiny_encoder.encode_passages([text]) for text in TEXTS])
    # taking the direction out of several at once may differ in the last bit
    assert np.abs(together - alone).max() < 1e-6
    assert np.abs(tiny_encoder.encode_passages(TEXTS[::-1]) - together[::-1]).max() < 1e-6
    assert len({vector.tobytes() for vector in together}) == len(TEXTS)


@pytest.mark.parametrize("threads", [1, 8])
def test_threads_get_the_same_vectors(tiny_encoder: Encoder, threads: int):
    expected = tiny_encoder.encode_queries(TEXTS)
    shared = Encoder(tiny_encoder.model, threads=threads)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(shared.encode_queries, [TEXTS] * 32):
            assert np.array_equal(result, expected)


def test_damaged_files_are_one_clear_line(tiny_encoder: Encoder, tmp_path):
    from dataclasses import replace

    with pytest.raises(ModelError, match="cannot be loaded: delete its folder and run again"):
        Encoder(replace(tiny_encoder.model, path=tmp_path))
    shutil.copy(tiny_encoder.model.path / "model.onnx", tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="is damaged: delete the folder and run again"):
        Encoder(replace(tiny_encoder.model, path=tmp_path))
    shutil.copy(tiny_encoder.model.path / "tokenizer.json", tmp_path)
    (tmp_path / "direction.npy").write_bytes(b"")
    with pytest.raises(ModelError, match="is damaged: delete the folder and run again"):
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


# Topic by topic: an Arabic and an English question, an Arabic and an English answer.
TOPICS = [
    (
        "أين يقع ميناء أكتاو؟",
        "Where is the port of Aktau?",
        "يقع ميناء أكتاو على الساحل الشرقي لبحر قزوين في كازاخستان.",
        "The port of Aktau lies on the eastern shore of the Caspian Sea in Kazakhstan.",
    ),
    (
        "ما استخدامات الغاليوم؟",
        "What is gallium used for?",
        "يُستخدم الغاليوم في صناعة أشباه الموصلات.",
        "Gallium is used in making semiconductors.",
    ),
    (
        "كم دقيقة تُسلق المعكرونة؟",
        "How many minutes should pasta boil?",
        "تُسلق المعكرونة في ماء مالح تسع دقائق.",
        "Boil the pasta in salted water for nine minutes.",
    ),
]


@pytest.mark.parametrize("topic", range(len(TOPICS)), ids=["port", "gallium", "pasta"])
@pytest.mark.parametrize("language", [0, 1], ids=["ar", "en"])
def test_answers_in_both_languages_are_nearer_than_other_topics(encoder: Encoder, topic: int, language: int):
    passages = [text for entry in TOPICS for text in entry[2:]]
    scores = encoder.encode_passages(passages) @ encoder.encode_queries([TOPICS[topic][language]])[0]
    assert set(np.argsort(-scores)[:2].tolist()) == {2 * topic, 2 * topic + 1}


def test_the_language_direction_separates_the_languages_it_is_removed_from(encoder: Encoder):
    direction = np.load(encoder.model.path / "direction.npy")
    assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-5)
    vectors = encoder.encode_passages([text for entry in TOPICS for text in entry])
    assert np.abs(vectors @ direction).max() < 1e-5
