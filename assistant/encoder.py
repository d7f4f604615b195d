"""Texts and their words to vectors: a prepared model run by ONNX Runtime, with what tells the language taken out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from assistant.errors import ModelError
from assistant.models import PreparedModel
from assistant.text import all_words, analyse, content_words, detect_language, normalise
from assistant.tokenizer import Tokens, load_tokenizer
from assistant.words import Words, compress

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

LANGUAGES = ("ar", "en")
"""Rows of ``centres.npy``; words of any other language are centred between these."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the encoder reads it."""

    vector: NDArray[np.float32]
    """Of the whole, shape (dimension,)."""
    terms: tuple[str, ...]
    """Term of each word that says something, of every word where none does."""
    words: NDArray[np.float32]
    """Unit vectors of these words, shape (len(terms), dimension of the words)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stored text with every word of it, as the encoder reads it."""

    vector: NDArray[np.float32]
    """Of the whole, shape (dimension,)."""
    text: str
    """Normalised, as it was read."""
    spans: tuple[tuple[int, int], ...]
    """Offsets of the words in ``text``."""
    words: NDArray[np.float32]
    """Unit vectors of the words, shape (len(spans), dimension of the words); 0 for a word out of reach."""


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session that uses one thread a call; several calls may run at once.

    One call on each core beats one call spread over all cores by a fifth when encoding many texts, and
    a question is encoded in a few milliseconds either way.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ModelError(f"{path} cannot be loaded: delete its folder and run again") from error


def remove_direction(vectors: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Project the unit vector ``direction`` out of each row and make the rows unit length again."""
    projected = vectors - np.outer(vectors @ direction, direction)
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    return cast("NDArray[np.float32]", (projected / np.maximum(lengths, 1e-12)).astype(np.float32))


class Encoder:
    """Turns questions and passages into unit vectors of one space. Safe to use from several threads."""

    def __init__(self, model: PreparedModel, threads: int | None = None) -> None:
        """Load the network and the tokenizer.

        Args:
            model: from ``models.prepare``.
            threads: texts encoded at once; the number of usable cores by default.

        Raises:
            ModelError: the prepared files are damaged.
        """
        self.model = model
        self._session = open_session(model.path / "model.onnx")
        self._tokenizer = load_tokenizer(model.path)
        try:
            self._direction: NDArray[np.float32] = np.load(model.path / "direction.npy")
            self._centres: NDArray[np.float32] = np.load(model.path / "centres.npy")
        except (OSError, ValueError, EOFError) as error:
            raise ModelError(f"{model.path} is damaged: delete the folder and run again") from error
        self._threads = threads or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0, 1])

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self.model.dimension

    @property
    def fingerprint(self) -> str:
        """Identifies the vectors: those of two encoders compare only when this is equal."""
        return self.model.fingerprint

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, shape (len(texts), dimension)."""
        return self._encode(self.model.query_prompt, texts)

    def encode_passages(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        """Vectors of stored texts, shape (len(texts), dimension); ``progress`` gets 1 for each text done."""
        return self._encode(self.model.passage_prompt, texts, progress)

    def encode_question(self, text: str) -> Question:
        """A question with its words."""
        normal = normalise(text)
        spans = content_words(normal) or all_words(normal)
        vector, words, _ = self._read(self.model.query_prompt, normal, spans)
        terms = tuple((analyse(normal[start:end]) or [""])[0] for start, end in spans)
        centred = _unit(words - self._centre(0, normal))
        return Question(remove_direction(vector[None, :], self._direction)[0], terms, centred)

    def encode_with_words(
        self, texts: Sequence[Sequence[str]], progress: Callable[[int], None] = lambda done: None
    ) -> tuple[NDArray[np.float32], list[Words]]:
        """Vectors of stored texts, shape (len(texts), dimension), and their words.

        Args:
            texts: the parts of each text in order; together they are what ``encode_passages`` would get.
            progress: gets 1 for each text done.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        words: list[Words] = []
        for row, (vector, held) in enumerate(self._in_parallel(self._read_parts, texts)):
            vectors[row] = vector
            words.append(held)
            progress(1)
        return remove_direction(vectors, self._direction), words

    def encode_sentence(self, text: str) -> Sentence:
        """A stored text with all of its words, nothing compressed: for comparing two sentences word by word."""
        normal = normalise(text)
        spans = all_words(normal)
        vector, words, read = self._read(self.model.passage_prompt, normal, spans)
        centred = np.where(read[:, None], _unit(words - self._centre(1, normal)), np.float32(0))
        return Sentence(remove_direction(vector[None, :], self._direction)[0], normal, tuple(spans), centred)

    def word_vectors(self, prompt: str, text: str) -> NDArray[np.float32]:
        """Vectors of the words of ``text`` after ``prompt`` as the network gives them, for estimating centres."""
        normal = normalise(text)
        _, words, read = self._read(prompt, normal, all_words(normal))
        return words[read]

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` by itself, without the model's special tokens."""
        return self._tokenizer.count(normalise(text))

    def _encode(
        self, prompt: str, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        tokens = [self._truncate(ids) for ids in self._tokenizer.ids([prompt + normalise(text) for text in texts])]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, vector in enumerate(self._in_parallel(self._run, tokens)):
            vectors[row] = vector
            progress(1)
        return remove_direction(vectors, self._direction)

    def _in_parallel(self, encode: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in order. One text a call: padding costs more than batching gains on a CPU."""
        if len(items) <= 1 or self._threads == 1:
            yield from map(encode, items)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                yield from pool.map(encode, items)

    def _read_parts(self, parts: Sequence[str]) -> tuple[NDArray[np.float32], Words]:
        texts = [normalise(part) for part in parts]
        spans: list[tuple[int, int]] = []
        part_of: list[int] = []
        length = 0
        for part, text in enumerate(texts):
            held = content_words(text)
            spans += [(length + start, length + end) for start, end in held]
            part_of += [part] * len(held)
            length += len(text)
        whole = "".join(texts)
        vector, words, read = self._read(self.model.passage_prompt, whole, spans)
        counts = np.bincount(np.array(part_of, dtype=np.int64)[read], minlength=len(parts))
        codes = compress(_unit(words[read] - self._centre(1, whole)))
        return vector, Words(codes, tuple(map(int, counts)))

    def _read(
        self, prompt: str, text: str, spans: Sequence[tuple[int, int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Vector of a text; of each span of it, the mean of its word pieces; which spans have any within reach."""
        tokens = self._tokenizer.encode(prompt + text)
        ids = self._truncate(tokens.ids)
        outputs = self._session.run(["embedding", "words"], self._feeds(ids))
        vector, pieces = (np.asarray(output)[0] for output in outputs)
        reach = len(ids) - (len(ids) < len(tokens.ids))  # the last of a text cut short is a special token
        shares = _pieces_of(tokens, spans, len(prompt), reach)
        return vector, shares @ pieces[:reach], np.asarray(shares.any(axis=1))

    def _centre(self, kind: int, text: str) -> NDArray[np.float32]:
        """Mean word of the text's language in questions (0) or passages (1)."""
        language = detect_language(text)
        centres = self._centres[kind]
        chosen = centres[LANGUAGES.index(language)] if language in LANGUAGES else centres.mean(axis=0)
        return cast("NDArray[np.float32]", chosen)

    def _truncate(self, ids: list[int]) -> list[int]:
        """At most ``max_tokens``, keeping the special token at the end."""
        limit = self.model.max_tokens
        return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        output = self._session.run(["embedding"], self._feeds(ids))[0]
        return cast("NDArray[np.float32]", np.asarray(output)[0])

    def _feeds(self, ids: list[int]) -> dict[str, NDArray[np.int64]]:
        row = np.asarray([ids], dtype=np.int64)
        feeds = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        return {name: feeds[name] for name in self.model.inputs}


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return cast("NDArray[np.float32]", (vectors / np.maximum(lengths, 1e-12)).astype(np.float32))


def _pieces_of(tokens: Tokens, spans: Sequence[tuple[int, int]], offset: int, pieces: int) -> NDArray[np.float32]:
    """Shares of the word pieces in each span, shape (len(spans), pieces); rows sum to 1, or to 0 without any."""
    places = tokens.spans[:pieces]
    wanted = np.asarray(spans, dtype=np.int64).reshape(len(spans), 2) + offset
    held = (places[:, 0] < wanted[:, 1:]) & (places[:, 1] > wanted[:, :1]) & (places[:, 1] > places[:, 0])
    shares = held.astype(np.float32)
    return cast("NDArray[np.float32]", shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0))
