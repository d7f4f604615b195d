"""What the chat says and draws, without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from assistant.errors import IndexStateError
from assistant.schema import Answer, AnswerPiece, Citation, Hit
from assistant.ui.chat import build_chat, head_html
from assistant.ui.conversation import (
    CONTEXT_WIDTH,
    MAX_TURNS,
    Answers,
    Asked,
    CitedSource,
    Place,
    Rated,
    Stops,
    Turn,
    cited_source,
    close_place,
    confidence_level,
    parse,
    quote_digest,
    surroundings,
    take_turn,
)
from assistant.ui.texts import ARABIC, ENGLISH, Language, Texts, direction, script_language, texts_json

from .fake import (
    AGAIN_ANSWER,
    ANSWERS,
    ARABIC_DOCUMENT,
    ARABIC_QUOTE,
    ASK_ACROSS,
    ASK_AGAIN,
    ASK_ARABIC,
    ASK_CRASHING,
    ASK_ENGLISH,
    ASK_FACT,
    ASK_FAILING,
    ASK_SLOWLY,
    CLOSEST,
    DIALOGUE_QUOTE,
    DOCUMENTS,
    ENGLISH_DOCUMENT,
    ENGLISH_QUOTE,
    FACT,
    NOTE,
    WITHDRAWN,
    FakeDalil,
    FakeFeedback,
    citation,
)


def asked(
    question: str, history: tuple[tuple[str, str], ...] = (), interface: Language = "en", id: str = "t1"
) -> Asked:
    """What the browser sends for a question."""
    return Asked(id=id, question=question, history=[list(turn) for turn in history], interface=interface)


def turn_of(dalil: FakeDalil, question: str, interface: Language = "en") -> Turn:
    """The finished turn of a question without a conversation before it."""
    return list(take_turn(dalil, asked(question, interface=interface)))[-1]


# ---- texts


@pytest.mark.parametrize("field", [field.name for field in fields(Texts)])
def test_every_text_is_there_in_both_languages(field: str) -> None:
    arabic, english = getattr(ARABIC, field), getattr(ENGLISH, field)
    assert arabic
    assert english
    assert arabic != english
    if isinstance(english, str):
        assert re.findall(r"\{\w+\}", arabic) == re.findall(r"\{\w+\}", english)


def test_both_languages_name_the_same_languages_and_examples() -> None:
    assert ARABIC.languages.keys() == ENGLISH.languages.keys()
    assert set(ARABIC.examples) == set(ENGLISH.examples)


def test_texts_for_the_browser_cannot_end_their_script_element() -> None:
    assert "<" not in texts_json()
    assert json.loads(texts_json())["ar"]["name"] == "دليل"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ما هو الممر الأوسط؟", "ar"),
        ("What is it?", "en"),
        ("ما أصل كلمة Algorithm وما صلتها بالخوارزمي؟", "ar"),
        ("Who wrote «الجبر», the book on algebra?", "en"),
        ("2004؟", "ar"),
    ],
)
def test_the_script_with_most_letters_names_the_language(text: str, language: Language) -> None:
    assert script_language(text, otherwise="ar") == language


def test_other_languages_have_their_direction_too() -> None:
    assert [direction(code) for code in ("ar", "fa", "en", "fr")] == ["rtl", "rtl", "ltr", "ltr"]


# ---- turns


def test_an_answer_grows_piece_by_piece_and_brings_each_source_with_its_mark(dalil: FakeDalil) -> None:
    turns = list(take_turn(dalil, asked(ASK_ARABIC)))
    assert [turn.state for turn in turns] == ["streaming"] * (len(turns) - 1) + ["answered"]
    assert turns[0].reply == f"{ARABIC_QUOTE[:-1]} [1]"
    assert [source.number for source in turns[0].sources] == [1]
    assert turns[-1].reply == ANSWERS[ASK_ARABIC].text
    assert [source.number for source in turns[-1].sources] == [1, 2]
    assert {(turn.id, turn.language) for turn in turns} == {("t1", "ar")}


def test_an_answer_becomes_a_turn_with_its_sources(dalil: FakeDalil) -> None:
    turn = turn_of(dalil, ASK_ACROSS, "ar")
    assert (turn.state, turn.language, turn.confidence, turn.note) == ("answered", "en", "high", "")
    (source,) = turn.sources
    assert source.place.quote == ARABIC_QUOTE
    assert (source.place.origin, source.place.date) == (ARABIC_DOCUMENT.source, "2025-12-28")
    assert source.fact is None


def test_what_is_withdrawn_leaves_nothing_behind(dalil: FakeDalil) -> None:
    turns = list(take_turn(dalil, asked(ASK_AGAIN)))
    assert WITHDRAWN in turns[0].reply
    assert [source.place.quote for source in turns[0].sources] == [ENGLISH_QUOTE]
    assert turns[1].reply == f"{DIALOGUE_QUOTE[:-1]} [1]"
    assert [source.place.quote for source in turns[1].sources] == [DIALOGUE_QUOTE]
    assert (turns[-1].reply, turns[-1].note) == (AGAIN_ANSWER.text, NOTE)


def test_an_abstention_has_no_sources_but_what_comes_closest(dalil: FakeDalil) -> None:
    turn = turn_of(dalil, "Who won the world cup?", "ar")
    assert (turn.state, turn.language, turn.sources) == ("abstained", "en", ())
    assert [place.quote for place in turn.closest] == [hit.text for hit in CLOSEST]
    first = turn.closest[0]
    assert ARABIC_DOCUMENT.text[first.start : first.end] == first.quote


def test_an_answer_never_shows_what_else_was_close(dalil: FakeDalil) -> None:
    hits = (CLOSEST[0],)

    class Close(FakeDalil):
        def stream(self, *arguments: Any, **options: Any) -> Iterator[AnswerPiece | Answer]:
            yield replace(ANSWERS[ASK_ENGLISH], closest=hits)

    assert turn_of(Close(), ASK_ENGLISH).closest == ()


def test_the_conversation_before_reaches_the_assistant(dalil: FakeDalil) -> None:
    list(take_turn(dalil, asked(ASK_ENGLISH, ((ASK_FACT, "2004 [1]."), ("ومتى؟", "لا أدري")))))
    assert dalil.histories == [[(ASK_FACT, "2004 [1]."), ("ومتى؟", "لا أدري")]]


@pytest.mark.parametrize(
    ("question", "interface", "message"),
    [
        (ASK_FAILING, "ar", ENGLISH.failed.format(reason="the model is not there; run 'dalil doctor'")),
        ("word " * 2000, "ar", ENGLISH.question_refused),
        ("كلمة " * 2000, "en", ARABIC.question_refused),
        ("7" * 10_000, "ar", ARABIC.question_refused),
    ],
)
def test_errors_are_told_in_the_language_of_the_question(
    dalil: FakeDalil, question: str, interface: Language, message: str
) -> None:
    turn = turn_of(dalil, question, interface)
    assert (turn.state, turn.reply) == ("failed", message)
    assert "\n" not in turn.reply


def test_an_unexpected_error_keeps_its_secrets(dalil: FakeDalil) -> None:
    turn = turn_of(dalil, ASK_CRASHING)
    assert (turn.state, turn.reply) == ("failed", ENGLISH.broken)


def test_a_stopped_answer_ends_without_another_turn_and_ends_the_work(dalil: FakeDalil) -> None:
    stops = Stops()
    stopped = stops.begin("t1")
    turns = take_turn(dalil, asked(ASK_SLOWLY), stopped.is_set)
    assert next(turns).state == "streaming"
    stops.stop("t1")
    assert list(turns) == []
    assert dalil.closed.is_set()


def test_stopping_concerns_one_turn_that_still_goes_on() -> None:
    stops = Stops()
    first, second = stops.begin("a"), stops.begin("b")
    stops.stop("unknown")
    stops.stop("b")
    assert (first.is_set(), second.is_set()) == (False, True)
    stops.end("b")
    stops.end("b")
    assert not stops.begin("b").is_set()


def test_confidence_in_words() -> None:
    levels = [confidence_level(value) for value in (1.0, 0.85, 0.84, 0.65, 0.64, 0.0)]
    assert levels == ["high", "high", "medium", "medium", "low", "low"]


# ---- what a browser sends


GOOD = {"id": "a-1", "question": "Who?", "history": [["Q", "A"]], "interface": "ar"}


def test_what_a_browser_sends_is_taken_as_it_is_meant() -> None:
    parsed = parse(Asked, GOOD)
    assert (parsed.question, parsed.turns(), parsed.interface) == ("Who?", (("Q", "A"),), "ar")


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        [],
        {},
        GOOD | {"more": 1},
        GOOD | {"id": "<img>"},
        GOOD | {"id": "x" * 65},
        GOOD | {"question": 7},
        GOOD | {"question": "x" * 20_001},
        GOOD | {"history": [["Q"]]},
        GOOD | {"history": [["Q", "A", "B"]]},
        GOOD | {"history": [["Q", {"a": 1}]]},
        GOOD | {"history": [["Q", "A"]] * (MAX_TURNS + 1)},
        GOOD | {"interface": "fr"},
    ],
)
def test_anything_else_from_a_browser_is_refused(data: Any) -> None:
    assert parse(Asked, data) is None


@pytest.mark.parametrize(
    "data", [{"id": "a"}, {"id": "a", "verdict": "maybe"}, {"id": "a", "verdict": "up", "reason": "x" * 2001}]
)
def test_a_verdict_is_one_of_two(data: Any) -> None:
    assert parse(Rated, data) is None


# ---- verdicts


def test_a_verdict_is_kept_with_what_was_really_said_and_can_be_changed(dalil: FakeDalil) -> None:
    answers, feedback = Answers(), FakeFeedback()
    list(take_turn(dalil, asked(ASK_ARABIC, ((ASK_FACT, "2004"),)), answers=answers))
    assert answers.rate(Rated(id="t1", verdict="up"), feedback)
    assert answers.rate(Rated(id="t1", verdict="down", reason="ناقصة"), feedback)
    assert list(feedback.entries.values()) == [(ANSWERS[ASK_ARABIC], "down", "ناقصة", [(ASK_FACT, "2004")])]


def test_answers_that_are_forgotten_cannot_be_rated() -> None:
    answers, feedback = Answers(size=2), FakeFeedback()
    for number in range(3):
        answers.keep(asked("Who?", id=f"t{number}"), ANSWERS[ASK_ENGLISH])
    rated = [answers.rate(Rated(id=f"t{number}", verdict="up"), feedback) for number in range(4)]
    assert rated == [False, True, True, False]


def test_a_verdict_that_cannot_be_kept_says_so() -> None:
    class Full(FakeFeedback):
        def add(self, *arguments: Any, **options: Any) -> str:
            raise IndexStateError("the disk is full")

    answers = Answers()
    answers.keep(asked("Who?"), ANSWERS[ASK_ENGLISH])
    with pytest.raises(IndexStateError):
        answers.rate(Rated(id="t1", verdict="up"), Full())
    assert answers.rate(Rated(id="t1", verdict="up"), FakeFeedback())


# ---- places in documents


def test_surroundings_are_cut_between_words() -> None:
    text = "a" * 50 + " " + "before " * 50 + "QUOTE" + " after" * 50
    start = text.index("QUOTE")
    before, after = surroundings(text, start, start + 5)
    assert before.startswith("… before")
    assert after.endswith("after …")
    assert len(before) <= CONTEXT_WIDTH + 2
    assert len(after) <= CONTEXT_WIDTH + 2
    assert surroundings("One. Two. Three.", 5, 9) == ("One. ", " Three.")
    assert surroundings("One.\n\n \nTwo. Three.", 8, 12) == ("One.\n", " Three.")


def test_a_quote_stands_alone_when_its_document_has_changed(dalil: FakeDalil) -> None:
    moved = replace(citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE), start=3, end=9)
    place = cited_source(dalil, moved, "en").place
    assert (place.start, place.end, place.before, place.after) == (None, None, "", "")
    assert place.origin == ENGLISH_DOCUMENT.source


def test_a_quote_stands_alone_when_its_document_is_gone(dalil: FakeDalil) -> None:
    gone = Citation(1, "gone.txt", "Gone", "document", "en", "It was here.", 0, 12)
    assert cited_source(dalil, gone, "en") == CitedSource(1, Place("gone.txt", "Gone", "en", "It was here."))


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_fact_is_stated_in_the_language_of_the_answer(dalil: FakeDalil, language: str) -> None:
    cited = citation(1, ENGLISH_DOCUMENT, DIALOGUE_QUOTE, kind="fact")
    source = cited_source(dalil, cited, language)
    assert source.fact is not None
    assert (source.fact.statement, source.fact.language) == (FACT.statements[language], language)
    assert source.fact.as_of == "2025-12"
    assert cited_source(dalil, replace(cited, fact_id="gone"), language).fact is None


def test_a_close_passage_that_no_document_holds_has_no_place(dalil: FakeDalil) -> None:
    stated = Hit("p", ENGLISH_DOCUMENT.id, "T", FACT.statements["ar"], "ar", "fact", 0.1)
    place = close_place(dalil, stated)
    assert (place.start, place.quote) == (None, FACT.statements["ar"])
    assert close_place(dalil, replace(stated, document_id="gone")).origin == ""


def test_a_digest_tells_quotes_apart() -> None:
    assert quote_digest(ARABIC_QUOTE) == quote_digest(ARABIC_QUOTE)
    assert quote_digest(ARABIC_QUOTE) != quote_digest(ARABIC_QUOTE[:-1])
    assert re.fullmatch(r"[0-9a-f]{12}", quote_digest("\ud800"))  # half a character, as a browser may send it


def test_the_documents_of_the_fake_hold_what_it_cites(dalil: FakeDalil) -> None:
    for question in (ASK_ARABIC, ASK_ENGLISH, ASK_ACROSS, ASK_FACT):
        for cited in dalil.ask(question).citations:
            assert DOCUMENTS[cited.document_id].text[cited.start : cited.end] == cited.quote


# ---- the page


@pytest.mark.parametrize("rated", [True, False])
def test_thumbs_are_there_where_verdicts_are_kept(dalil: FakeDalil, rated: bool) -> None:
    page = build_chat(dalil, FakeFeedback() if rated else None)
    (log,) = [block.value for block in page.blocks.values() if getattr(block, "elem_id", "") == "conversation"]
    assert f'data-rated="{"yes" if rated else "no"}"' in log


def test_the_head_names_no_other_site_and_every_file_that_it_names_is_there() -> None:
    from assistant.ui.chat import STATIC_DIR

    head = head_html()
    assert "http" not in head.replace("http-equiv", "")
    named = re.findall(r'(?:href|src)="ui/([\w./]+)"', head)
    assert len(named) > 10
    assert all((STATIC_DIR / name).is_file() for name in named if not name.startswith("fonts/"))
    scripts = {path.name for path in STATIC_DIR.glob("*.js")} - {"early.js", "reading.js", "knowledge.js"}
    assert scripts <= set(named)
