"""Large knowledge folders made of real sentences, and an encoder that need not run the network for them.

Sentences of XQuAD and ARCD are drawn at random into new passages. ``PretendEncoder`` gives each text the
vector that its sentence really has, with noise, and the words that it really has, so that a hundred
thousand passages go through ``Index.sync`` in minutes: reading, splitting, catalogue, Chroma and tantivy do all
that they would do, on realistic values.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.encoder import Encoder
from assistant.models import PreparedModel
from assistant.text import sentence_spans
from assistant.words import Words
from eval.squad import Dataset, Paragraph, find, one_line

FILES = [("xquad.ar.json", "xquad", "ar"), ("xquad.en.json", "xquad", "en"), ("arcd-train.json", "arcd", "ar")]

SECTIONS = 10
"""Passages in one made document."""

_TOKENS = 150
"""Of a made passage at most, so that none is split."""

_NOISE = 0.5
"""Length of the noise beside a unit vector: the cosine with the real vector is then .89."""

_HEADING_WORDS = 4


@dataclass(frozen=True, slots=True)
class Pool:
    """Real sentences by language, with what the encoder makes of them."""

    sentences: dict[str, list[str]]
    position: dict[str, int]
    """Of a sentence among the rows of ``vectors`` and ``words``."""
    tokens: list[int]
    vectors: NDArray[np.float32]
    words: list[Words]


def data_sets(folder: Path) -> list[Dataset]:
    """XQuAD and ARCD.

    Raises:
        FileNotFoundError: one of the files is missing.
    """
    return find(folder, FILES)


def make_pool(paragraphs: Sequence[Paragraph], encoder: Encoder) -> Pool:
    """Every sentence of the paragraphs that is no longer than a made passage, encoded."""
    languages: dict[str, str] = {}
    for paragraph in paragraphs:
        text = one_line(paragraph.text)
        for start, end in sentence_spans(text):
            languages.setdefault(text[start:end], paragraph.language)
    texts = [text for text in languages if encoder.count_tokens(text) <= _TOKENS]
    vectors, words = encoder.encode_with_words([["", text] for text in texts])
    return Pool(
        sentences={
            language: [text for text in texts if languages[text] == language]
            for language in sorted(set(languages.values()))
        },
        position={text: row for row, text in enumerate(texts)},
        tokens=[encoder.count_tokens(text) for text in texts],
        vectors=vectors,
        words=words,
    )


def write_made(pool: Pool, folder: Path, passages: int, seed: int = 0) -> None:
    """Write Markdown documents of ``passages`` sections, one passage each, half of them Arabic."""
    choose = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    languages = sorted(pool.sentences)
    for number, start in enumerate(range(0, passages, SECTIONS)):
        language = languages[number % len(languages)]
        lines = [f"# {_heading(choose.choice(pool.sentences[language]))} {number}"]
        for section in range(min(SECTIONS, passages - start)):
            sentences = _draw(pool, language, choose)
            lines += [f"## {_heading(sentences[0])} {section}", " ".join(sentences)]
        (folder / f"{number:06}.{language}.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def _heading(sentence: str) -> str:
    return " ".join(sentence.split()[:_HEADING_WORDS]).strip("#*_`~[]()<>-:.،؛ ")


def _draw(pool: Pool, language: str, choose: random.Random) -> list[str]:
    drawn: list[str] = []
    tokens = 0
    while True:
        sentence = choose.choice(pool.sentences[language])
        tokens += pool.tokens[pool.position[sentence]]
        if drawn and tokens > _TOKENS:
            return drawn
        drawn.append(sentence)


class PretendEncoder(Encoder):
    """Gives made texts the vectors of the sentences that they are made of, with noise; questions are really encoded."""

    def __init__(self, model: PreparedModel, pool: Pool, seed: int = 0) -> None:
        super().__init__(model)
        self._pool = pool
        self._random = np.random.default_rng(seed)

    def encode_passages(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        """Vectors of sentences, shape (len(texts), dimension)."""
        progress(len(texts))
        return self._noisy(self._pool.vectors[[self._row(text) for text in texts]])

    def encode_with_words(
        self, texts: Sequence[Sequence[str]], progress: Callable[[int], None] = lambda done: None
    ) -> tuple[NDArray[np.float32], list[Words]]:
        """Vectors of passages, shape (len(texts), dimension): the mean of their sentences; and their words."""
        progress(len(texts))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        words = []
        for number, (_, *sentences) in enumerate(texts):
            rows = [self._row(sentence.strip()) for sentence in sentences]
            vectors[number] = self._pool.vectors[rows].mean(axis=0)
            held = [self._pool.words[row].codes for row in rows]
            heading = held[0][:_HEADING_WORDS]
            words.append(Words(np.concatenate([heading, *held]), (len(heading), *map(len, held))))
        return self._noisy(vectors), words

    def _row(self, text: str) -> int:
        """The sentence's place in the pool; any place where the splitter made another sentence of it."""
        return self._pool.position.get(text, len(text) % len(self._pool.words))

    def _noisy(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        noise = self._random.standard_normal(vectors.shape, dtype=np.float32) * (_NOISE / np.sqrt(self.dimension))
        result = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12) + noise
        return np.asarray(result / np.linalg.norm(result, axis=1, keepdims=True), dtype=np.float32)
