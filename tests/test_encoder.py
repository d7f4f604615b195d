"""Vectors of the tiny model for the mechanics, of the default model for the meaning."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from assistant.encoder import Encoder, remove_direction
from assistant.errors import ModelError
from assistant.text import content_words, normalise
from assistant.words import Words, compress, match

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


# --- words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("متى بدأ الحوار؟", ("بدا", "حوار")),
        ("مَتَى بَدَأَ الحِوَارُ عامَ ٢٠٠٤؟", ("بدا", "حوار", "عام", "2004")),
        ("إلى أين وصلت إيران؟", ("وصلت", "ايران")),
        ("الى اين وصلت ايران", ("وصلت", "ايران")),
        ("عام ۱۹۹۱", ("عام", "1991")),
        ("What is the Middle Corridor?", ("middl", "corridor")),
        ("ما هو Middle Corridor؟", ("middl", "corridor")),
        ("الممر والممر", ("ممر", "ممر")),  # a word said twice is two words
        ("ما هو؟", ("ما", "هو")),
        ("إلى أين؟", ("الي", "اين")),
        ("Who is who?", ("who", "is", "who")),
        ("؟", ()),
        ("", ()),
    ],
)
def test_the_words_of_a_question(tiny_encoder: Encoder, question: str, terms: tuple[str, ...]):
    found = tiny_encoder.encode_question(question)
    assert found.terms == terms
    assert (found.words.shape, found.words.dtype) == ((len(terms), 32), np.float32)
    assert np.linalg.norm(found.words, axis=1) == pytest.approx(np.ones(len(terms)), abs=1e-5)
    assert found.vector == pytest.approx(tiny_encoder.encode_queries([question])[0], abs=1e-6)


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("متى بدأ الحوار عام 2004؟", "مَتَى بَدَأَ الحِوارُ عام ٢٠٠٤؟"),
        ("متى بدأ الحوار؟", "متى بدأ الحـــوار؟"),
        ("عام 1991", "\u200fعام ۱۹۹۱\u200e"),
    ],
    ids=["diacritics", "tatweel", "persian digits and direction marks"],
)
def test_spelling_that_readers_ignore_changes_no_word(tiny_encoder: Encoder, plain: str, written: str):
    first, second = tiny_encoder.encode_question(plain), tiny_encoder.encode_question(written)
    assert first.terms == second.terms
    assert np.array_equal(first.vector, second.vector)
    assert np.array_equal(first.words, second.words)
    (vectors, words) = tiny_encoder.encode_with_words([["", plain], ["", written]])
    assert np.array_equal(vectors[0], vectors[1])
    assert words[0].counts == words[1].counts
    assert np.array_equal(words[0].codes, words[1].codes)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_word_is_the_mean_of_its_pieces(tiny_encoder: Encoder):
    # the tiny model has a piece for each letter: [CLS] q : x ##y z ؟ و ##ه ##و [SEP]
    ids = tiny_encoder._tokenizer.encode("q: xy z؟ وهو").ids
    assert len(ids) == 11
    pieces = tiny_encoder._session.run(["words"], tiny_encoder._feeds(ids))[0][0]
    expected = np.stack([pieces[3:5].mean(axis=0), pieces[5], pieces[7:10].mean(axis=0)])
    assert tiny_encoder.word_vectors("q: ", "xy z؟ وهو") == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("ممر قزوين", [0]), ("zinc xenon", [1]), ("日 本", [0, 1]), ("ممر 2004 abc", [0])],
    ids=["ar", "en", "other", "mixed"],
)
def test_words_are_centred_by_the_language_of_their_text(tiny_encoder: Encoder, text: str, rows: list[int]):
    # a language that is neither Arabic nor English lies between them
    model = tiny_encoder.model
    questions, passages = np.load(model.path / "centres.npy")
    of_question = tiny_encoder.word_vectors(model.query_prompt, text) - questions[rows].mean(axis=0)
    assert tiny_encoder.encode_question(text).words == pytest.approx(unit(of_question), abs=1e-5)
    of_passage = tiny_encoder.word_vectors(model.passage_prompt, text) - passages[rows].mean(axis=0)
    _, (words,) = tiny_encoder.encode_with_words([["", text]])
    assert np.array_equal(words.codes, compress(unit(of_passage)))


PARTS = [
    ["باب الموانئ\n", "يقع ميناء أكتاو في كازاخستان. ", "It is a port.\n\n", "ما هو؟"],
    ["", "What is the Middle Corridor?"],
    ["", "المَمَرُّ عام ٢٠٠٤. ", "2004."],
]


def test_words_are_counted_by_part(tiny_encoder: Encoder):
    vectors, words = tiny_encoder.encode_with_words(PARTS)
    # without «في», is, a, «ما», «هو», what and the
    assert [held.counts for held in words] == [(2, 4, 2, 0), (0, 2), (0, 3, 1)]
    assert [held.codes.shape for held in words] == [(8, 8), (2, 8), (4, 8)]  # 32 numbers of two bits
    assert (vectors.shape, vectors.dtype) == ((3, tiny_encoder.dimension), np.float32)
    joined = tiny_encoder.encode_passages(["".join(parts) for parts in PARTS])
    assert vectors == pytest.approx(joined, abs=1e-6)


@pytest.mark.parametrize("cut", [["", "zinc xenon. ", "ممر قزوين."], ["zinc ", "xenon. ممر ", "قزوين."]])
def test_where_parts_begin_changes_their_counts_only(tiny_encoder: Encoder, cut: list[str]):
    whole, (expected,) = tiny_encoder.encode_with_words([["zinc xenon. ممر قزوين."]])
    vector, (words,) = tiny_encoder.encode_with_words([cut])
    assert vector == pytest.approx(whole, abs=1e-6)
    assert np.array_equal(words.codes, expected.codes)
    assert expected.counts == (4,)
    assert words.counts == tuple(len(content_words(normalise(part))) for part in cut)


@pytest.mark.parametrize("parts", [["", ""], ["", "؟"], ["", "ما هو؟", " \n"], [""], ["", "\u0640\u064b"]])
def test_a_text_without_words_has_a_vector_and_no_codes(tiny_encoder: Encoder, parts: list[str]):
    vectors, (words,) = tiny_encoder.encode_with_words([parts])
    assert words.counts == (0,) * len(parts)
    assert words.codes.shape == (0, 8)
    assert vectors == pytest.approx(tiny_encoder.encode_passages(["".join(parts)]), abs=1e-6)


def test_nothing_to_encode_with_words(tiny_encoder: Encoder):
    done: list[int] = []
    vectors, words = tiny_encoder.encode_with_words([], done.append)
    assert (vectors.shape, words, done) == ((0, tiny_encoder.dimension), [], [])


@pytest.mark.parametrize("count", [1, 2, 20])
def test_progress_counts_every_text_with_words(tiny_encoder: Encoder, count: int):
    done: list[int] = []
    vectors, words = tiny_encoder.encode_with_words((PARTS * 7)[:count], done.append)
    assert (len(vectors), len(words), done) == (count, count, [1] * count)


def test_words_beyond_reach_are_left_out(tiny_encoder: Encoder):
    # [CLS] d : … [SEP] leaves 124 of the tiny model's 128 tokens
    parts = ["z ", "b " * 200, "c e."]
    vectors, (words,) = tiny_encoder.encode_with_words([parts])
    assert words.counts == (1, 123, 0)
    assert words.codes.shape == (124, 8)
    _, (shorter,) = tiny_encoder.encode_with_words([["z ", "b " * 123]])
    assert np.array_equal(words.codes, shorter.codes)
    assert vectors == pytest.approx(tiny_encoder.encode_passages(["".join(parts)]), abs=1e-6)
    question = tiny_encoder.encode_question("".join(parts))
    assert (len(question.terms), question.words.shape) == (203, (203, 32))


def test_words_within_reach_have_vectors(tiny_encoder: Encoder):
    lengths = np.linalg.norm(tiny_encoder.word_vectors("d: ", "b " * 200), axis=1)
    assert lengths.shape == (124,)
    assert lengths.min() > 0


def test_words_of_long_arabic_are_left_out_beyond_reach(encoder: Encoder):
    sentence = "يربط الممر الأوسط الصين بأوروبا عبر بحر قزوين. "
    vectors, (words,) = encoder.encode_with_words([["", *[sentence] * 100]])
    assert words.counts[:30] == (0, *[8] * 29)
    assert words.counts[-1] == 0
    assert words.codes.shape == (sum(words.counts), 96)
    assert vectors == pytest.approx(encoder.encode_passages([sentence * 100]), abs=1e-6)


def test_a_word_has_the_vector_of_its_sentence(tiny_encoder: Encoder):
    first, second, again = map(tiny_encoder.encode_question, ["ميناء قزوين", "ميناء أكتاو", "ميناء قزوين"])
    assert first.terms[0] == second.terms[0]
    assert not np.allclose(first.words[0], second.words[0], atol=1e-3)
    assert np.array_equal(first.words, again.words)


def test_the_codes_of_a_word_are_those_of_its_sentence(encoder: Encoder):
    # the tiny model's words depend too little on each other to change their codes
    _, (first, second, again) = encoder.encode_with_words(
        [["", "ميناء أكتاو كبير"], ["", "ميناء أكتاو مغلق منذ عام"], ["", "ميناء أكتاو كبير"]]
    )
    assert not np.array_equal(first.codes[0], second.codes[0])
    assert np.array_equal(first.codes, again.codes)


def test_the_words_of_a_text_are_the_same_whatever_is_around_it(tiny_encoder: Encoder):
    vectors, together = tiny_encoder.encode_with_words(PARTS)
    for number, parts in enumerate(PARTS):
        vector, (alone,) = tiny_encoder.encode_with_words([parts])
        assert np.array_equal(alone.codes, together[number].codes)
        assert alone.counts == together[number].counts
        assert vector[0] == pytest.approx(vectors[number], abs=1e-6)


@pytest.mark.parametrize("threads", [1, 8])
def test_threads_get_the_same_words(tiny_encoder: Encoder, threads: int):
    questions = [tiny_encoder.encode_question(text) for text in TEXTS]
    vectors, words = tiny_encoder.encode_with_words(PARTS)
    shared = Encoder(tiny_encoder.model, threads=threads)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(shared.encode_question, text) for _ in range(16) for text in TEXTS]
        stored = [pool.submit(shared.encode_with_words, PARTS) for _ in range(16)]
        for number, future in enumerate(asked):
            expected = questions[number % len(TEXTS)]
            assert future.result().terms == expected.terms
            assert np.array_equal(future.result().vector, expected.vector)
            assert np.array_equal(future.result().words, expected.words)
        for future in stored:
            found, held = future.result()
            assert np.array_equal(found, vectors)
            assert [one.counts for one in held] == [one.counts for one in words]
            assert all(np.array_equal(one.codes, other.codes) for one, other in zip(held, words, strict=True))


@pytest.mark.parametrize(
    ("question", "word", "like"),
    [
        ("أين تقع كازاخستان؟", "كازاخستان", "Kazakhstan"),  # a name in the other script
        ("Where is Kazakhstan?", "Kazakhstan", "كازاخستان"),
        ("من وقّع الاتفاق؟", "وقع", "توقيع"),  # another form of a verb
    ],
)
def test_the_default_model_finds_a_word_in_another_guise(encoder: Encoder, question: str, word: str, like: str):
    sentences = [
        "Kazakhstan exports grain to Italy. ",
        "زارت وفود من كازاخستان مدينة طوكيو. ",
        "جرى توقيع الاتفاق في باكو. ",
    ]
    normal = normalise(question)
    place = [normal[a:b] for a, b in content_words(normal)].index(word)
    vector = encoder.encode_question(question).words[place : place + 1]
    for sentence in sentences:
        said = [sentence[a:b] for a, b in content_words(sentence)]
        if like in said:
            _, (words,) = encoder.encode_with_words([["", sentence]])
            apart = Words(words.codes, (0, *[1] * len(said)))  # each word as if it were a sentence
            (found,) = match(vector, [1.0], [apart])
            assert said[int(found.sentences.argmax())] == like
            assert found.passage == pytest.approx(float(found.sentences.max()), abs=1e-6)


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
    shutil.copy(tiny_encoder.model.path / "direction.npy", tmp_path)
    with pytest.raises(ModelError, match="is damaged: delete the folder and run again"):  # without centres.npy
        Encoder(replace(tiny_encoder.model, path=tmp_path))
    shutil.copy(tiny_encoder.model.path / "centres.npy", tmp_path)
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


@pytest.mark.parametrize("topic", range(len(TOPICS)), ids=["port", "gallium", "pasta"])
@pytest.mark.parametrize("language", [0, 1], ids=["ar", "en"])
def test_words_of_answers_in_both_languages_are_nearer_than_other_topics(encoder: Encoder, topic: int, language: int):
    _, passages = encoder.encode_with_words([["", text] for entry in TOPICS for text in entry[2:]])
    question = encoder.encode_question(TOPICS[topic][language])
    scores = np.array([found.passage for found in match(question.words, [1.0] * len(question.terms), passages)])
    assert set(np.argsort(-scores)[:2].tolist()) == {2 * topic, 2 * topic + 1}


def test_the_language_direction_separates_the_languages_it_is_removed_from(encoder: Encoder):
    direction = np.load(encoder.model.path / "direction.npy")
    assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-5)
    vectors = encoder.encode_passages([text for entry in TOPICS for text in entry])
    assert np.abs(vectors @ direction).max() < 1e-5
