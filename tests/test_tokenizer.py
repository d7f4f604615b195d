"""Texts to pieces and back to their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models import PreparedModel
from assistant.tokenizer import FastTokenizer, SentencePieces, load_tokenizer, write_sentencepieces

PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [
    (piece, -1.0 - number / 10) for number, piece in enumerate("▁ ▁دليل ▁a ab 2004 s < > / ▁ر صى b ق".split())
]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> SentencePieces:
    file = tmp_path_factory.mktemp("pieces") / "sentencepiece.model"
    write_sentencepieces(file, PIECES, (0, 2, 1), 3)
    return SentencePieces(file)


def spelled(tokenizer: SentencePieces, text: str) -> list[tuple[str, str]]:
    """Pieces with the characters that they stand for."""
    tokens = tokenizer.encode(text)
    return [(PIECES[key][0], text[start:end]) for key, (start, end) in zip(tokens.ids, tokens.spans, strict=True)]


def test_pieces_stand_between_special_ones_and_know_their_characters(pieces: SentencePieces):
    assert spelled(pieces, "دليل a2004") == [
        ("<s>", ""),
        ("▁دليل", "دليل"),
        ("▁a", " a"),
        ("2004", "2004"),
        ("</s>", ""),
    ]


def test_places_are_of_the_text_as_it_was_written(pieces: SentencePieces):
    # a long s and digits in circles are read as plain ones, and two blanks as one
    assert spelled(pieces, "aſ  ②⓪⓪④") == [
        ("<s>", ""),
        ("▁a", "a"),
        ("s", "ſ"),
        ("▁", "  "),
        ("2004", "②⓪⓪④"),
        ("</s>", ""),
    ]


def test_text_never_becomes_a_special_piece(pieces: SentencePieces):
    assert [piece for piece, _ in spelled(pieces, "</s>")[1:-1]] == ["▁", "<", "/", "s", ">"]


def test_what_no_piece_spells_is_unknown(pieces: SentencePieces):
    assert spelled(pieces, "日本") == [("<s>", ""), ("▁", ""), ("<unk>", "日本"), ("</s>", "")]


def test_an_empty_text_has_special_pieces_alone(pieces: SentencePieces):
    assert pieces.encode("").ids == [0, 2]
    assert pieces.encode("").spans.tolist() == [[0, 0], [0, 0]]
    assert pieces.count("") == 0


def test_many_texts_at_once_are_as_one_by_one(pieces: SentencePieces):
    texts = ["دليل", "", "a دليل 2004", "日"]
    assert pieces.ids(texts) == [pieces.encode(text).ids for text in texts]
    assert [pieces.count(text) for text in texts] == [len(pieces.encode(text).ids) - 2 for text in texts]


def test_both_kinds_of_file_are_found(tiny_model_dir: Path, tmp_path: Path):
    (tmp_path / "tokenizer.json").write_bytes((tiny_model_dir / "tokenizer.json").read_bytes())
    assert isinstance(load_tokenizer(tmp_path), FastTokenizer)
    write_sentencepieces(tmp_path / "sentencepiece.model", PIECES, (0, 2, 1), 3)
    assert isinstance(load_tokenizer(tmp_path), SentencePieces)
    (tmp_path / "sentencepiece.model").write_bytes(b"?")
    with pytest.raises(ModelError, match="is damaged: delete the folder and run again"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("query: ما هو الممر الأوسط؟", [41, 1294, 12, 877, 1638, 906, 8238, 120465, 1245]),
        (
            "passage: Japan opened its dialogue in 2004, at 12.5%.",
            [46692, 12, 15758, 142096, 6863, 144483, 23, 86097, 99, 5035, 13465, 5],
        ),
        (
            "ﷺ ½ ① ２００４  مرحبا\u00a0بكم ー日本語 🙂🙂",
            [16509, 1423, 4472, 8756, 78660, 106, 4821, 665, 193478, 258, 195496, 6, 4725, 98449, 3143, 207254],
        ),
    ],
)
def test_the_default_model_reads_as_it_was_trained(prepared_model: PreparedModel, text: str, ids: list[int]):
    # what the ``tokenizers`` library makes of the same pieces; of 3,784 texts of XQuAD and ARCD one differs, by a tie
    assert load_tokenizer(prepared_model.path).encode(text).ids == [0, *ids, 2]
