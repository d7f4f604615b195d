"""Text to the pieces that a network reads, with the characters that each stands for.

The default model's 250,000 pieces are looked up by SentencePiece: 35 MB where the ``tokenizers`` library takes
270, four times as quick, and a text that spells a control piece (``</s>``) stays text. Other models bring a
``tokenizer.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelError

SENTENCEPIECE_FILE = "sentencepiece.model"
TOKENIZERS_FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as pieces, special ones included."""

    ids: list[int]
    spans: NDArray[np.int64]
    """First character of each piece and the one after its last, shape (len(ids), 2); equal for special pieces."""


class Tokenizer(Protocol):
    """Splits texts into pieces. Safe to use from several threads."""

    def encode(self, text: str) -> Tokens:
        """The pieces of a text between the special ones."""
        ...

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The pieces of each text between the special ones, without their places."""
        ...

    def count(self, text: str) -> int:
        """How many pieces a text has by itself, without special ones."""
        ...


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a prepared model.

    Raises:
        ModelError: its file is missing or damaged.
    """
    file = folder / SENTENCEPIECE_FILE
    try:
        return SentencePieces(file) if file.is_file() else FastTokenizer(folder / TOKENIZERS_FILE)
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{folder} is damaged: delete the folder and run again") from error


class SentencePieces:
    """A SentencePiece model that opens and closes every text with its own special pieces."""

    def __init__(self, file: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        self._processor = SentencePieceProcessor(model_file=str(file))
        self._begin, self._end = self._processor.bos_id(), self._processor.eos_id()

    def encode(self, text: str) -> Tokens:
        """As ``Tokenizer``; a piece that opens a word begins at the white space before it."""
        found = self._processor.encode(text, return_type="offset_mapping")
        spans = [(0, 0), *found["offsets"], (len(text), len(text))]
        return Tokens([self._begin, *found["ids"], self._end], np.asarray(spans, dtype=np.int64))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """As ``Tokenizer``."""
        return [[self._begin, *ids, self._end] for ids in self._processor.encode(list(texts))]

    def count(self, text: str) -> int:
        """As ``Tokenizer``."""
        return len(self._processor.encode(text))


class FastTokenizer:
    """A ``tokenizer.json`` of the ``tokenizers`` library."""

    def __init__(self, file: Path) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(file))

    def encode(self, text: str) -> Tokens:
        """As ``Tokenizer``."""
        encoding = self._tokenizer.encode(text)
        return Tokens(encoding.ids, np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """As ``Tokenizer``."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def count(self, text: str) -> int:
        """As ``Tokenizer``."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def write_sentencepieces(file: Path, pieces: Sequence[tuple[str, float]], special: Sequence[int], unknown: int) -> None:
    """Write a unigram model with the normalisation that multilingual encoders were trained with (``nmt_nfkc``).

    Args:
        file: to write.
        pieces: with their scores, in order of their ids.
        special: ids of the opening, closing, padding and any other control pieces, in this order.
        unknown: id of the piece for what no other piece spells.
    """
    from sentencepiece import SentencePieceNormalizer, sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    kinds = model.SentencePiece
    for number, (piece, score) in enumerate(pieces):
        kind = kinds.CONTROL if number in special else kinds.UNKNOWN if number == unknown else kinds.NORMAL
        model.pieces.add(piece=piece, score=score, type=kind)
    begin, end, padding = special[:3]
    rules = model.trainer_spec
    rules.model_type = rules.UNIGRAM
    rules.vocab_size = len(pieces)
    rules.bos_id, rules.eos_id, rules.pad_id, rules.unk_id = begin, end, padding, unknown
    rules.bos_piece, rules.eos_piece = pieces[begin][0], pieces[end][0]
    rules.pad_piece, rules.unk_piece = pieces[padding][0], pieces[unknown][0]
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = True
    model.normalizer_spec.escape_whitespaces = True
    file.write_bytes(model.SerializeToString())
