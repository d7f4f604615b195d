"""Texts to vectors: a prepared model run by ONNX Runtime, with the language direction taken out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from assistant.errors import ModelError
from assistant.models import PreparedModel
from assistant.text import normalise

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray
    from tokenizers import Tokenizer


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
        from tokenizers import Tokenizer

        self.model = model
        self._session = open_session(model.path / "model.onnx")
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(model.path / "tokenizer.json"))
            self._direction: NDArray[np.float32] = np.load(model.path / "direction.npy")
        except Exception as error:  # tokenizers raises bare Exception
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

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` by itself, without the model's special tokens."""
        return len(self._tokenizer.encode(normalise(text), add_special_tokens=False).ids)

    def _encode(
        self, prompt: str, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch([prompt + normalise(text) for text in texts])
        tokens = [self._truncate(encoding.ids) for encoding in encodings]
        # One text a call: padding costs more than batching gains on a CPU.
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if len(texts) == 1 or self._threads == 1:
            for row, ids in enumerate(tokens):
                vectors[row] = self._run(ids)
                progress(1)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                for row, vector in enumerate(pool.map(self._run, tokens)):
                    vectors[row] = vector
                    progress(1)
        return remove_direction(vectors, self._direction)

    def _truncate(self, ids: list[int]) -> list[int]:
        """At most ``max_tokens``, keeping the special token at the end."""
        limit = self.model.max_tokens
        return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        row = np.asarray([ids], dtype=np.int64)
        feeds = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        output = self._session.run(None, {name: feeds[name] for name in self.model.inputs})[0]
        return cast("NDArray[np.float32]", np.asarray(output)[0])
