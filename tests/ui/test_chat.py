"""What the chat says and draws, without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace

import pytest

from assistant.schema import Citation
from assistant.ui.conversation import (
    CONTEXT_WIDTH,
    CitedSource,
    Turn,
    cited_source,
    history_of,
    pending_turn,
    surroundings,
    take_turn,
)
from assistant.ui.render import confidence_level, literal, messages, source_card, sources_panel
from assistant.ui.texts import ARABIC, ENGLISH, Language, Texts, direction, script_language, texts_json

from .fake import (
    ARABIC_DOCUMENT,
    ARABIC_QUOTE,
    ASK_ACROSS,
    ASK_ARABIC,
    ASK_CRASHING,
    ASK_ENGLISH,
    ASK_FACT,
    ASK_FAILING,
    DIALOGUE_QUOTE,
    DOCUMENTS,
    ENGLISH_DOCUMENT,
    ENGLISH_QUOTE,
    INJECTION,
    FakeDalil,
    citation,
)


def only_card(dalil: FakeDalil, question: str) -> str:
    """The card of an answer with one citation."""
    (source,) = take_turn(dalil, question, [], "en").sources
    return source_card(0, source)


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


def test_an_answer_becomes_a_turn_with_its_sources(dalil: FakeDalil) -> None:
    turn = take_turn(dalil, ASK_ACROSS, [], "ar")
    assert (turn.state, turn.language) == ("answered", "en")
    assert [source.citation.quote for source in turn.sources] == [ARABIC_QUOTE]
    assert turn.sources[0].origin == ARABIC_DOCUMENT.source


def test_an_abstention_has_no_sources(dalil: FakeDalil) -> None:
    turn = take_turn(dalil, "Who won the world cup?", [], "ar")
    assert (turn.state, turn.language, turn.sources) == ("abstained", "en", ())


def test_earlier_turns_reach_the_assistant_without_those_that_failed(dalil: FakeDalil) -> None:
    turns = [take_turn(dalil, question, [], "en") for question in (ASK_FACT, ASK_FAILING, "Who?")]
    take_turn(dalil, ASK_ENGLISH, turns, "en")
    assert dalil.histories[-1] == [(ASK_FACT, turns[0].reply), ("Who?", turns[2].reply)]


def test_a_pending_turn_is_not_history() -> None:
    assert history_of([pending_turn("Who?", "en")]) == []


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
    turn = take_turn(dalil, question, [], interface)
    assert (turn.state, turn.reply) == ("failed", message)
    assert "\n" not in turn.reply


def test_a_crash_is_logged_and_told_in_both_languages(dalil: FakeDalil, caplog: pytest.LogCaptureFixture) -> None:
    turn = take_turn(dalil, ASK_CRASHING, [], "en")
    assert turn.state == "failed"
    assert "secret" not in turn.reply
    assert set(turn.reply.splitlines()) == set(ARABIC.broken.splitlines())
    assert "a secret that no user should read" in caplog.text


# ---- surroundings of a quote


def test_surroundings_are_whole_where_they_are_short() -> None:
    assert surroundings("One two three.", 4, 7) == ("One ", " three.")


def test_surroundings_are_cut_between_words() -> None:
    # Ten characters before the quote: "ree four " and its last space; the half word "ree" goes.
    text = "one two three four QUOTE five six seven eight"
    start = text.index("QUOTE")
    assert surroundings(text, start, start + 5, width=9) == ("… four ", " five …")


def test_surroundings_join_paragraphs_with_one_line_break() -> None:
    assert surroundings("Title\n\n\nQUOTE\n\nrest", 8, 13) == ("Title\n", "\nrest")


def test_surroundings_stay_near_the_width() -> None:
    text = "كلمة " * 300
    before, after = surroundings(text, 700, 704)
    assert before.startswith("… ")
    assert after.endswith(" …")
    assert CONTEXT_WIDTH - 10 <= len(before) <= CONTEXT_WIDTH + 2
    assert CONTEXT_WIDTH - 10 <= len(after) <= CONTEXT_WIDTH + 2


def test_a_quote_stands_alone_when_its_document_has_changed(dalil: FakeDalil) -> None:
    moved = replace(citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE), start=3, end=9)
    source = cited_source(dalil, moved)
    assert (source.before, source.after, source.origin) == ("", "", ENGLISH_DOCUMENT.source)


def test_a_quote_stands_alone_when_its_document_is_gone(dalil: FakeDalil) -> None:
    gone = replace(citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE), document_id="gone.txt")
    assert cited_source(dalil, gone) == CitedSource(gone, "", "", "")


# ---- HTML


def test_a_card_marks_the_quote_in_its_language_and_direction(dalil: FakeDalil) -> None:
    card = only_card(dalil, ASK_ACROSS)
    assert f"<mark>{ARABIC_QUOTE}</mark>" in card
    assert '<article class="card" id="source-0-1" tabindex="-1" dir="rtl">' in card
    assert '<p class="passage" lang="ar">' in card
    assert ARABIC_DOCUMENT.title in card
    assert ARABIC_DOCUMENT.id in card
    assert ">العربية</span>" in card
    assert ">Arabic</span>" in card


def test_a_card_of_a_fact_says_so_and_names_the_page(dalil: FakeDalil) -> None:
    card = only_card(dalil, ASK_FACT)
    assert f"<mark>{DIALOGUE_QUOTE}</mark>" in card
    assert ENGLISH.fact in card
    assert ARABIC.fact in card
    assert "p. 2" in card
    assert "ص 2" in card
    assert ENGLISH.fact not in only_card(dalil, ASK_ENGLISH)


def test_an_origin_that_is_the_file_is_named_once() -> None:
    source = CitedSource(citation(1, ENGLISH_DOCUMENT, ENGLISH_QUOTE), ENGLISH_DOCUMENT.id, "", "")
    assert source_card(0, source).count(ENGLISH_DOCUMENT.id) == 1


def test_nothing_that_others_wrote_becomes_html() -> None:
    hostile = Citation(1, INJECTION, INJECTION, "document", '"><b>', INJECTION, 0, 9)
    turn = Turn(
        INJECTION,
        INJECTION,
        "answered",
        '"><b>',
        0.5,
        (CitedSource(hostile, f"by {INJECTION}", INJECTION, ""),),
    )
    said = "".join(message["content"] for message in messages([turn]))
    assert "<" not in said
    drawn = sources_panel([turn])
    assert "<img" not in drawn
    assert "<b>" not in drawn
    assert drawn.count("&lt;img") == 6  # question, title, origin, file, before and quote


def test_messages_alternate_and_keep_marks_as_text(dalil: FakeDalil) -> None:
    turns = [take_turn(dalil, question, [], "en") for question in (ASK_ARABIC, ASK_ENGLISH)]
    said = messages(turns)
    assert [message["role"] for message in said] == ["user", "assistant"] * 2
    assert said[1]["content"].count("[1]") == 1
    assert said[3]["content"] == literal(turns[1].reply)


def test_the_panel_tells_the_browser_about_each_reply(dalil: FakeDalil) -> None:
    turns = [take_turn(dalil, question, [], "en") for question in (ASK_ARABIC, "من فاز بكأس العالم؟")]
    panel = sources_panel(turns)
    assert 'id="turn-0" data-state="answered" data-language="ar" data-confidence="high"' in panel
    assert 'id="turn-1" data-state="abstained" data-language="ar" data-confidence="low"' in panel
    assert [ENGLISH.no_sources in part for part in panel.split("<section")[1:]] == [False, True]


def test_confidence_in_words() -> None:
    assert [confidence_level(value) for value in (1.0, 0.85, 0.84, 0.65, 0.64, 0.0)] == [
        "high",
        "high",
        "medium",
        "medium",
        "low",
        "low",
    ]


def test_the_documents_of_the_fake_hold_what_it_cites(dalil: FakeDalil) -> None:
    for question in (ASK_ARABIC, ASK_ENGLISH, ASK_ACROSS, ASK_FACT):
        for cited in dalil.ask(question).citations:
            assert DOCUMENTS[cited.document_id].text[cited.start : cited.end] == cited.quote
