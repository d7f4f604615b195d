"""A process to kill: it edits a knowledge folder and syncs, over and over, with the real stores."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import chromadb  # noqa: F401 - loaded before the process is forked
import numpy as np
import tantivy  # noqa: F401

from assistant import index as index_module
from assistant import vectors as vectors_module
from assistant.encoder import Question
from assistant.index import Index
from assistant.text import analyse
from assistant.words import Words, compress

DIMENSION = 64


class HashEncoder:
    """Looks like ``Encoder``: every text has a vector of its own, from a digest of it."""

    dimension = DIMENSION
    fingerprint = "hash"

    def encode_passages(self, texts, progress=lambda done: None):
        for _ in texts:
            progress(1)
        return np.array([_vector(text) for text in texts], dtype=np.float32).reshape(-1, DIMENSION)

    def encode_with_words(self, texts, progress=lambda done: None):
        vectors = self.encode_passages(["".join(parts) for parts in texts], progress)
        return vectors, [Words(compress(vectors[:1]), (1,) + (0,) * (len(parts) - 1)) for parts in texts]

    def encode_question(self, text: str) -> Question:
        terms = tuple(analyse(text))
        return Question(_vector(text), terms, np.array([_vector(term) for term in terms]).reshape(-1, DIMENSION))

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def _vector(text: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def word(number: int, version: int) -> str:
    """Said by one version of one document only."""
    return "w" + hashlib.sha256(f"{number}:{version}".encode()).hexdigest()[:10]


def write(folder: Path, number: int, version: int) -> None:
    """Put a document in the folder in one step, as a careful editor does."""
    unique = word(number, version)
    text = (
        f"المستند رقم {number} يذكر {unique} أولًا. والجملة الثانية من الإصدار {version} عن {number}."
        if number % 2
        else f"Document number {number} mentions {unique} first. Sentence two of version {version} is about {number}."
    )
    fresh = folder.parent / "fresh"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(folder / f"{number}.txt")


def edits(folder: Path, seed: int) -> Iterator[None]:
    """Add, change and remove documents for ever."""
    chance = random.Random(seed)
    for version in count(1):
        for number in chance.sample(range(60), 25):
            if chance.random() < 0.3:
                (folder / f"{number}.txt").unlink(missing_ok=True)
            else:
                write(folder, number, version)
        yield


def small_flushes() -> None:
    """Chroma rewrites its graph after a few records, and syncs are made durable in small batches."""
    vectors_module._SYNC_THRESHOLD = 20
    index_module._BATCH_PASSAGES = 8


def work(data: Path, folder: Path, seed: int) -> None:
    """Edit and sync until killed."""
    small_flushes()
    index = Index(data, HashEncoder())
    for _ in edits(folder, seed):
        index.sync(folder)


def mend(data: Path, rebuild: bool = False) -> None:
    """Open and close, over and over, until killed."""
    small_flushes()
    while True:
        Index(data, HashEncoder(), rebuild).close()
