"""Splitting keeps every sentence once, with exact offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.passages import (
    MAX_SENTENCE_TOKENS,
    MAX_TOKENS,
    encoder_texts,
    encoding_key,
    fact_passages,
    passage_terms,
    split_source,
)
from assistant.readers import read_source
from assistant.schema import Evidence, Fact, Passage


def count(text: str) -> int:
    return len(text.split())


def split(text: str, name: str = "a.md") -> list[Passage]:
    return split_source(read_source(name, text.encode()), count)


def sentences(number: int, size: int, word: str = "word") -> str:
    return " ".join(" ".join([f"S{n}", *[word] * (size - 2), "end."]) for n in range(number))


def test_headings_are_context_and_not_text():
    first, second = split("---\ntitle: The corridor\n---\nIntro here.\n\n## Ports\n\n### Aktau\n\nA port. It is big.\n")
    assert (first.context, first.text) == ("The corridor", "Intro here.")
    assert (second.context, second.text) == ("The corridor > Ports > Aktau", "A port. It is big.")
    assert [s.text for s in second.sentences] == ["A port.", "It is big."]


def test_a_heading_that_repeats_the_title_is_named_once():
    (passage,) = split("---\ntitle: Ports\n---\n# Ports\n\nAktau is one.\n")
    assert passage.context == "Ports"


def test_a_file_name_is_no_context():
    (passage,) = split("Aktau is a port.", "notes-0012.txt")
    assert (passage.title, passage.context) == ("notes 0012", "")
    assert encoder_texts(passage) == ["Aktau is a port.", "Aktau is a port."]


def test_encoder_reads_the_context_with_the_whole_but_not_with_sentences():
    (passage,) = split("# Ports\n\nAktau is one. Baku is one.\n")
    assert encoder_texts(passage) == ["Ports\nAktau is one. Baku is one.", "Aktau is one.", "Baku is one."]
    assert passage_terms(passage)[:1] == ["port"]


def test_long_sections_are_cut_into_equal_parts():
    # 21 sentences of 10 tokens are 210: two passages of 11 and 10 sentences, not 20 and 1
    passages = split(sentences(21, 10))
    assert [len(passage.sentences) for passage in passages] == [11, 10]


def test_sections_just_long_enough_stay_whole():
    assert len(split(sentences(20, 10))) == 1


def test_text_without_sentence_ends_is_cut_at_white_space():
    text = " ".join(["كلمة"] * 700)
    passages = split(text)
    pieces = [sentence for passage in passages for sentence in passage.sentences]
    assert len(pieces) == 3  # 700 / 300
    assert all(count(piece.text) <= MAX_SENTENCE_TOKENS for piece in pieces)
    assert " ".join(piece.text for piece in pieces) == text


def test_table_rows_are_quoted_whole():
    (passage,) = split("| a | b |\n|---|---|\n| One. Two | 3 |\n")
    assert [s.text for s in passage.sentences] == ["a | b", "One. Two | 3"]


def test_a_bilingual_document_has_passages_in_both_languages():
    text = "---\nlanguage: ar\ntitle: دليل\n---\n## عربي\n\nهذا نص عربي.\n\n## English\n\nThis is English text.\n"
    assert [passage.language for passage in split(text)] == ["ar", "en"]


def test_a_language_of_the_same_script_is_kept():
    (passage,) = split("---\nlanguage: fr\n---\nLe corridor traverse la mer Caspienne.\n")
    assert passage.language == "fr"


def test_ids_are_of_what_is_said_and_where():
    old = split("# T\n\n## A\n\nOne here.\n\n## B\n\nTwo here.\n")
    new = split("# T\n\n## A\n\nOne here. And more.\n\n## B\n\nTwo here.\n")
    assert old[0].id != new[0].id
    assert old[1].id == new[1].id  # only its offsets changed
    assert old[1].start != new[1].start
    assert split("# T\n\n## A\n\nOne here.\n", "b.md")[0].id != old[0].id


def test_repeated_text_has_ids_of_its_own():
    first, second = split("# T\n\n## A\n\nSame.\n\n## A\n\nSame.\n")
    assert second.id == f"{first.id}-2"
    assert encoding_key(first) == encoding_key(second)


def test_a_fact_is_a_passage_in_each_language():
    fact = Fact("f", {"ar": "بدأ الحوار عام 2004.", "en": "It began in 2004."}, (Evidence("a.md", "q"),), (), "2025")
    arabic, english = fact_passages(fact, "Title")
    assert (arabic.language, arabic.text, arabic.kind, arabic.fact_id) == ("ar", "بدأ الحوار عام 2004.", "fact", "f")
    assert (english.document_id, english.title, english.context) == ("a.md", "Title", "")
    assert arabic.id != english.id


WORDS = st.sampled_from(["كلمة", "word", "2004", "في", "Aktau", "«نص»"])
# A number alone with a full stop would be a list item of Markdown.
SENTENCE = st.lists(WORDS, min_size=1, max_size=30).map(" ".join).map(lambda text: f"نص {text}.")
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=12).map(" ".join)
BLOCK = st.one_of(PARAGRAPH, st.sampled_from(["# One", "## Two", "### ثلاثة", "- item one. two", "| a | b |"]))


@given(st.lists(BLOCK, min_size=1, max_size=12).map("\n\n".join))
def test_every_sentence_is_in_one_passage_with_exact_offsets(text: str):
    if not any(char.isalnum() for char in text):
        return
    source = read_source("a.md", text.encode())
    passages = split_source(source, count)
    document = source.document.text
    spans = []
    for passage in passages:
        assert document[passage.start : passage.end] == passage.text
        assert not any(heading in passage.text for heading in ("# One", "## Two"))
        for sentence in passage.sentences:
            assert document[sentence.start : sentence.end] == sentence.text
            spans.append((sentence.start, sentence.end))
        total = sum(count(sentence.text) for sentence in passage.sentences)
        longest = max(count(sentence.text) for sentence in passage.sentences)
        assert total <= MAX_TOKENS + longest  # a boundary lies within a sentence of the ideal cut
    assert spans == sorted(spans)
    body = "".join(document[b.start : b.end] for b in source.blocks if b.kind != "heading")
    assert "".join("".join(document[a:b] for a, b in spans).split()) == "".join(body.split())
    assert len({passage.id for passage in passages}) == len(passages)


@pytest.mark.parametrize("text", ["# Only a heading", "# A\n\n## B"])
def test_headings_alone_make_no_passages(text: str):
    assert split(text) == []
