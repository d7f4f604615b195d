"""Splitting keeps every sentence once, with exact offsets."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.passages import (
    MAX_SENTENCE_TOKENS,
    MAX_TOKENS,
    encoder_parts,
    encoder_texts,
    encoding_key,
    fact_passages,
    passage_terms,
    split_source,
)
from assistant.readers import read_source
from assistant.schema import Block, Document, Evidence, Fact, Passage, Source


def count(text: str) -> int:
    return len(text.split())


def split(text: str, name: str = "a.md") -> list[Passage]:
    return split_source(read_source(name, text.encode()), count)


def sentences(number: int, size: int, word: str = "word") -> str:
    return " ".join(" ".join([f"S{n}", *[word] * (size - 2), "end."]) for n in range(number))


def of_sizes(*sizes: int) -> str:
    """A paragraph of sentences with these numbers of tokens, at least two."""
    return " ".join(" ".join([f"S{n}", *["word"] * (size - 2), "end."]) for n, size in enumerate(sizes))


def sizes_of(passages: list[Passage]) -> list[list[int]]:
    return [[count(sentence.text) for sentence in passage.sentences] for passage in passages]


def within_bound(sizes: list[int]) -> bool:
    return len(sizes) == 1 or sum(sizes) <= MAX_TOKENS


def fewest(sizes: list[int]) -> int:
    """Groups that are each filled as far as they go: no other way needs fewer."""
    groups, held = 0, MAX_TOKENS
    for size in sizes:
        if held + size > MAX_TOKENS:
            groups, held = groups + 1, 0
        held += size
    return groups


def test_headings_are_context_and_not_text():
    first, second = split("---\ntitle: The corridor\n---\nIntro here.\n\n## Ports\n\n### Aktau\n\nA port. It is big.\n")
    assert (first.context, first.text) == ("The corridor", "Intro here.")
    assert (second.context, second.text) == ("The corridor > Ports > Aktau", "A port. It is big.")
    assert [s.text for s in second.sentences] == ["A port.", "It is big."]


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("x\n\n## A\n\nx\n\n## B\n\nx", ["", "A", "B"]),  # a sibling takes its place
        ("# T\n\nx\n\n## A\n\n### B\n\nx\n\n## C\n\nx", ["T", "T > A > B", "T > C"]),  # B ends with A
        ("# T\n\n#### D\n\nx\n\n## A\n\nx", ["T > D", "T > A"]),  # levels may be left out
        ("# T\n\n## A\n\nx\n\n# U\n\nx", ["T > A", "T > U"]),  # a second top heading is below the title
        ("# T\n\n## A\n\n## B\n\nx", ["T > B"]),  # a section without text
        ("---\ntitle: F\n---\n# T\n\nx", ["F > T"]),
        ("---\ntitle: F\n---\nx\n\n## F\n\nx", ["F", "F"]),  # named once at every level
        ("# **T** `c`\n\nx", ["T c"]),
        ("# دليل\n\n## الموانئ\n\nx", ["دليل > الموانئ"]),
    ],
)
def test_the_context_is_the_path_of_headings(text: str, contexts: list[str]):
    passages = split(text)
    assert [passage.context for passage in passages] == contexts
    assert {passage.text for passage in passages} == {"x"}


def test_a_file_name_never_stands_before_a_heading():
    passages = split("## Ports\n\nAktau is one.", "middle-corridor.md")
    assert [(passage.title, passage.context) for passage in passages] == [("middle corridor", "Ports")]
    assert "corridor" not in passage_terms(passages[0])


def test_offsets_of_a_small_document():
    first, second = split("# باب\n\nنص أول. نص ثانٍ.\n\n- بند\n\n## فرع\n\nنص.\n")
    # text: «باب» 0-3, «نص أول. نص ثانٍ.» 5-21, «بند» 23-26, «فرع» 28-31, «نص.» 33-36
    assert [(s.text, s.start, s.end) for s in first.sentences] == [
        ("نص أول.", 5, 12),
        ("نص ثانٍ.", 13, 21),
        ("بند", 23, 26),
    ]
    assert (first.text, first.start, first.end) == ("نص أول. نص ثانٍ.\n\nبند", 5, 26)
    assert [(s.text, s.start, s.end) for s in second.sentences] == [("نص.", 33, 36)]
    assert (second.kind, second.fact_id, second.document_id) == ("document", None, "a.md")


def test_a_sentence_keeps_the_page_of_its_block():
    text = "One. Two.\n\nThree."
    document = Document("a.pdf", "a", "en", text, "a.pdf")
    source = Source(document, (Block(0, 9, "paragraph", page=1), Block(11, 17, "paragraph", page=2)), titled=False)
    (passage,) = split_source(source, count)
    assert [(s.text, s.page) for s in passage.sentences] == [("One.", 1), ("Two.", 1), ("Three.", 2)]


def test_blocks_end_sentences():
    # none of them has a full stop
    (passage,) = split("intro\n\n- first\n- second\n\n```\nx = 1\ny = 2\n```\n")
    assert [s.text for s in passage.sentences] == ["intro", "first", "second", "x = 1", "y = 2"]


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


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([200], [[200]]),
        ([201], [[201]]),  # one sentence is never cut below MAX_SENTENCE_TOKENS
        ([300, 300], [[300], [300]]),
        ([150, 60], [[150], [60]]),
        ([60, 150], [[60], [150]]),
        ([10, 300, 10], [[10], [300], [10]]),  # a sentence that is too long for a passage stands alone
        ([2, 199, 2], [[2], [199], [2]]),
        ([10, 190, 10], [[10, 190], [10]]),  # [10] and [190, 10] are as equal: the longer comes first
        ([90, 90, 90, 90], [[90, 90], [90, 90]]),
        ([80, 80, 80, 80, 80], [[80, 80], [80, 80], [80]]),  # 400, but no two passages of 200
        ([100, 100, 100, 100], [[100, 100], [100, 100]]),
        ([50, 100, 50, 100, 100], [[50, 100, 50], [100, 100]]),
        ([2] * 300, [[2] * 100] * 3),  # 600: three times 200
    ],
)
def test_where_a_section_is_cut(sizes: list[int], groups: list[list[int]]):
    assert sizes_of(split(of_sizes(*sizes))) == groups


@settings(deadline=None)
@given(st.lists(st.integers(2, MAX_SENTENCE_TOKENS), min_size=1, max_size=25))
def test_no_passage_is_longer_than_it_must_be(sizes: list[int]):
    groups = sizes_of(split(of_sizes(*sizes)))
    assert [size for group in groups for size in group] == sizes
    assert all(within_bound(group) for group in groups)
    assert len(groups) == fewest(sizes)


@settings(deadline=None)
@given(st.lists(st.integers(2, 20), min_size=1, max_size=80))
def test_passages_of_short_sentences_are_about_equal(sizes: list[int]):
    totals = [sum(group) for group in sizes_of(split(of_sizes(*sizes)))]
    assert len(totals) == fewest(sizes)
    # neighbours differ by a sentence at most, else moving one between them would make them more equal
    assert all(abs(one - other) <= 20 for one, other in pairwise(totals))


def test_sections_are_never_joined():
    passages = split("\n\n".join(f"## H{n}\n\nShort." for n in range(5)))
    assert [passage.text for passage in passages] == ["Short."] * 5


@pytest.mark.parametrize(
    ("size", "pieces"), [(300, [300]), (301, [150, 151]), (600, [300, 300]), (601, [200, 200, 201])]
)
def test_one_sentence_is_cut_only_above_its_limit(size: int, pieces: list[int]):
    # words of one length: pieces of equal length hold equal numbers of them, and the last one the remainder
    found = [s for passage in split(" ".join(["كلمة"] * size)) for s in passage.sentences]
    assert [count(s.text) for s in found] == pieces
    assert " ".join(s.text for s in found) == " ".join(["كلمة"] * size)


def test_text_without_spaces_is_cut_anywhere():
    text = "ا" * 700
    passages = split_source(read_source("a.txt", text.encode()), len)  # a token a letter
    found = [s for passage in passages for s in passage.sentences]
    assert [(s.start, s.end) for s in found] == [(0, 234), (234, 467), (467, 700)]  # ceil(700/3), ceil(466/2), 233
    assert "".join(s.text for s in found) == text


WORDLIKE = st.text(alphabet="abcابتé日", min_size=1, max_size=400)


@settings(deadline=None)
@given(st.lists(WORDLIKE, min_size=1, max_size=40), st.sampled_from([" ", "\u00a0", "\t", "   "]))
def test_pieces_of_a_long_sentence_keep_to_the_limit_and_lose_nothing(tokens: list[str], space: str):
    def uneven(text: str) -> int:
        """A token for a letter of some scripts, a token for four of others, as tokenizers have it."""
        dense = sum(char in "日ابت" for char in text)
        return dense + math.ceil((len(text) - dense) / 4)

    text = space.join(tokens)
    document = Document("a.txt", "a", "en", text, "a.txt")
    source = Source(document, (Block(0, len(text), "row"),), titled=False)
    found = [s for passage in split_source(source, uneven) for s in passage.sentences]
    assert all(0 < uneven(s.text) <= MAX_SENTENCE_TOKENS for s in found)
    assert all(text[s.start : s.end] == s.text == s.text.strip() for s in found)
    assert "".join("".join(s.text for s in found).split()) == "".join(text.split())


def test_pieces_are_measured_in_tokens():
    # 600 letters of a token each, then 600 in words of four letters a token: equal lengths are unequal in tokens
    text = " ".join(["日" * 20] * 30 + ["word"] * 150)

    def tokens(part: str) -> int:
        return part.count("日") + part.count("word")

    document = Document("a.txt", "a", "en", text, "a.txt")
    source = Source(document, (Block(0, len(text), "row"),), titled=False)
    found = [s for passage in split_source(source, tokens) for s in passage.sentences]
    assert all(tokens(s.text) <= MAX_SENTENCE_TOKENS for s in found)
    assert " ".join(s.text for s in found) == text  # cut at white space alone


@pytest.mark.parametrize("space", ["\n", "\t", "\u00a0", "  "])
def test_any_white_space_is_a_place_to_cut(space: str):
    text = space.join(["كلمة"] * 301)
    document = Document("a.txt", "a", "ar", text, "a.txt")
    source = Source(document, (Block(0, len(text), "row"),), titled=False)
    found = [s for passage in split_source(source, count) for s in passage.sentences]
    assert [count(s.text) for s in found] == [150, 151]
    assert {word for s in found for word in s.text.split()} == {"كلمة"}


@pytest.mark.parametrize(("cells", "pieces"), [(100, 1), (101, 2)])
def test_a_table_row_is_cut_only_above_the_limit_of_a_sentence(cells: int, pieces: int):
    row = " | ".join(["A word."] * cells)  # two tokens a cell and a bar between: 299, and 302
    text = f"|{'h|' * cells}\n|{'-|' * cells}\n|{row}|\n"
    _header, *found = [s.text for passage in split(text) for s in passage.sentences]
    assert len(found) == pieces
    assert " ".join(found) == row


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


def test_a_bilingual_section_has_the_language_of_most_of_it():
    text = "---\nlanguage: en\n---\nهذا نص عربي طويل يذكر اسمًا واحدًا. Aktau.\n"
    (passage,) = split(text)
    assert passage.language == "ar"


@pytest.mark.parametrize(
    ("said", "text", "language"),
    [
        ("ar", "نص عربي.", "ar"),
        ("ar", "English text.", "en"),
        ("en", "نص عربي.", "ar"),
        ("ar", "2025: 300 %.", "ar"),  # no letters: the document's
        ("ar", "日本語。", "ar"),  # a script of neither: the document's
        ("fr", "Le corridor traverse la mer Caspienne.", "fr"),  # not English, though in Latin letters
        ("fr", "نص عربي.", "fr"),
        ("ckb", "دەق.", "ckb"),
        ("ja", "English text.", "ja"),
    ],
)
def test_the_language_of_a_passage(said: str, text: str, language: str):
    (passage,) = split(f"---\nlanguage: {said}\n---\n{text}\n")
    assert passage.language == language


def test_ids_are_of_what_is_said_and_where():
    old = split("# T\n\n## A\n\nOne here.\n\n## B\n\nTwo here.\n")
    new = split("# T\n\n## A\n\nOne here. And more.\n\n## B\n\nTwo here.\n")
    assert old[0].id != new[0].id
    assert old[1].id == new[1].id  # only its offsets changed
    assert old[1].start != new[1].start
    assert split("# T\n\n## A\n\nOne here.\n", "b.md")[0].id != old[0].id
    assert split("# T\n\n## A2\n\nOne here.\n")[0].id != old[0].id  # the encoder reads the heading
    assert split("# T2\n\n## A\n\nOne here.\n")[0].id != old[0].id
    assert split("# T\n\n## A\n\nOne here.\n")[0].id == old[0].id


SECTION = st.lists(st.sampled_from(["بدأ الحوار.", "It began.", "ثم تطوّر؟", "Aktau!"]), min_size=1, max_size=4).map(
    " ".join
)


@settings(deadline=None)
@given(st.lists(SECTION, min_size=1, max_size=6), SECTION, st.data())
def test_unchanged_sections_keep_their_ids(sections: list[str], other: str, data: st.DataObject):
    changed = data.draw(st.integers(0, len(sections) - 1))
    assume(sections[changed] != other)

    def markdown(parts: list[str]) -> str:
        return "\n\n".join(f"## باب {n}\n\n{part}" for n, part in enumerate(parts))

    old = split(markdown(sections))
    new = split(markdown([*sections[:changed], other, *sections[changed + 1 :]]))
    assert split(markdown(sections)) == old
    assert [a.id == b.id for a, b in zip(old, new, strict=True)] == [n != changed for n in range(len(sections))]
    assert len({passage.id for passage in old + new}) == len(old) + 1


@settings(deadline=None)
@given(st.lists(SECTION, min_size=1, max_size=8))
def test_equal_passages_have_ids_of_their_own(sections: list[str]):
    passages = split("\n\n".join(f"## A\n\n{section}" for section in sections))
    assert len({passage.id for passage in passages}) == len(passages) == len(sections)
    assert len({encoding_key(passage) for passage in passages}) == len(set(sections))


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


def test_sentences_of_a_fact_have_offsets_in_its_statement():
    fact = Fact("f", {"ar": "بدأ. ثم انتهى.", "en": "One. Two."}, (Evidence("a.md", "q"),), (), "2025")
    arabic, english = fact_passages(fact, "Title")
    assert [(s.text, s.start, s.end) for s in arabic.sentences] == [("بدأ.", 0, 4), ("ثم انتهى.", 5, 14)]
    assert [(s.text, s.start, s.end) for s in english.sentences] == [("One.", 0, 4), ("Two.", 5, 9)]
    assert (arabic.start, arabic.end, english.start, english.end) == (0, 14, 0, 9)
    assert encoder_texts(english) == ["One. Two.", "One.", "Two."]  # no context


def test_a_fact_belongs_to_the_document_it_cites_first():
    def fact(fact_id: str, *documents: str) -> Fact:
        evidence = tuple(Evidence(document, "q") for document in documents)
        return Fact(fact_id, {"ar": "نص.", "en": "Text."}, evidence, (), "2025")

    passages = fact_passages(fact("f", "b.md", "a.md"), "T")
    assert [passage.document_id for passage in passages] == ["b.md", "b.md"]
    assert fact_passages(fact("f", "b.md"), "Other title") != passages
    assert [p.id for p in fact_passages(fact("f", "b.md"), "Other title")] == [p.id for p in passages]
    # another fact that says the same is another passage, which the encoder need not read again
    others = fact_passages(fact("g", "b.md"), "T")
    assert {p.id for p in others}.isdisjoint(p.id for p in passages)
    assert [encoding_key(p) for p in others] == [encoding_key(p) for p in passages]


def test_a_fact_and_a_document_that_say_the_same_have_two_ids():
    (of_document,) = split("Text.")
    fact = Fact("f", {"ar": "نص.", "en": "Text."}, (Evidence("a.md", "Text."),), (), "2025")
    assert of_document.id not in {passage.id for passage in fact_passages(fact, "a")}


def test_what_the_encoder_reads_is_what_the_key_names():
    one, two = split("# T\n\n## A\n\nSame.\n\n## B\n\nSame.\n")
    assert encoding_key(one) != encoding_key(two)
    (elsewhere,) = split("# T\n\nMoved.\n\n## A\n\nSame.\n", "other/place.md")[1:]
    assert encoding_key(elsewhere) == encoding_key(one)


def test_the_parts_of_a_passage_are_its_context_and_its_sentences():
    (passage,) = split("# باب\n\n## Ports\n\nنص أول. نص ثانٍ؟ Third.\n")
    assert encoder_parts(passage) == ["باب > Ports\n", "نص أول. ", "نص ثانٍ؟ ", "Third."]
    assert encoder_texts(passage) == ["باب > Ports\nنص أول. نص ثانٍ؟ Third.", "نص أول.", "نص ثانٍ؟", "Third."]


def test_white_space_belongs_to_the_sentence_before_it():
    (passage,) = split("One. Two.\n\nفقرة أخرى. نص.\n\nItem four\n")
    # untitled, so without context
    assert encoder_parts(passage) == ["", "One. ", "Two.\n\n", "فقرة أخرى. ", "نص.\n\n", "Item four"]
    assert "".join(encoder_parts(passage)) == passage.text == encoder_texts(passage)[0]


def test_parts_are_counted_from_where_the_passage_begins():
    text = f"# T\n\n{sentences(30, 10)}\n\n{sentences(10, 20, 'كلمة')}"
    passages = split(text)
    assert len(passages) == 3  # 500 tokens
    assert passages[0].start == 3
    for passage in passages:
        assert encoder_parts(passage)[0] == "T\n"
        assert "".join(encoder_parts(passage)) == encoder_texts(passage)[0] == f"T\n{passage.text}"
        assert [part.strip() for part in encoder_parts(passage)[1:]] == [s.text for s in passage.sentences]


def test_the_parts_of_a_fact():
    fact = Fact("f", {"ar": "بدأ. ثم انتهى.", "en": "It began in 2004."}, (Evidence("a.md", "q"),), (), "2025")
    arabic, english = fact_passages(fact, "Title")
    assert encoder_parts(arabic) == ["", "بدأ. ", "ثم انتهى."]
    assert encoder_parts(english) == ["", "It began in 2004."]
    assert ["".join(encoder_parts(p)) for p in (arabic, english)] == [encoder_texts(p)[0] for p in (arabic, english)]


def test_terms_are_those_of_title_headings_and_text():
    (passage,) = split("# الممر الأوسط\n\n## Ports\n\nيضم الموانئ.\n")
    assert passage_terms(passage) == ["ممر", "اوسط", "port", "يضم", "موان"]  # stems


WORDS = st.sampled_from(["كلمة", "word", "2004", "في", "Aktau", "«نص»"])
# A number alone with a full stop would be a list item of Markdown.
SENTENCE = st.lists(WORDS, min_size=1, max_size=30).map(" ".join).map(lambda text: f"نص {text}.")
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=12).map(" ".join)
BLOCK = st.one_of(PARAGRAPH, st.sampled_from(["# One", "## Two", "### ثلاثة", "- item one. two", "| a | b |"]))


@settings(deadline=None)
@given(st.lists(BLOCK, min_size=1, max_size=12).map("\n\n".join))
def test_every_sentence_is_in_one_passage_with_exact_offsets(text: str):
    source = read_source("a.md", text.encode())
    passages = split_source(source, count)
    document = source.document.text
    spans = []
    for passage in passages:
        assert document[passage.start : passage.end] == passage.text
        assert not any(heading in passage.text for heading in ("One", "Two", "ثلاثة"))  # the blocks of text have none
        for sentence in passage.sentences:
            assert document[sentence.start : sentence.end] == sentence.text
            spans.append((sentence.start, sentence.end))
        assert (passage.start, passage.end) == (passage.sentences[0].start, passage.sentences[-1].end)
        assert within_bound([count(sentence.text) for sentence in passage.sentences])
        assert passage.document_id == "a.md"
        context, *parts = encoder_parts(passage)
        assert f"{context}{''.join(parts)}" == encoder_texts(passage)[0]
        assert [part.rstrip() for part in parts] == [sentence.text for sentence in passage.sentences]
    assert spans == sorted(spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert split_source(source, count) == passages
    body = "".join(document[b.start : b.end] for b in source.blocks if b.kind != "heading")
    assert "".join("".join(document[a:b] for a, b in spans).split()) == "".join(body.split())
    assert len({passage.id for passage in passages}) == len(passages)


@pytest.mark.parametrize("text", ["# Only a heading", "# A\n\n## B"])
def test_headings_alone_make_no_passages(text: str):
    assert split(text) == []
