"""The chat in a real browser, against the fake assistant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from assistant.server import create_app
from assistant.ui.texts import ARABIC, ENGLISH

from .driver import PHONE, OpenTab, serving
from .fake import (
    ABSTENTIONS,
    ANSWERS,
    ARABIC_DOCUMENT,
    ARABIC_NAME_QUOTE,
    ARABIC_QUOTE,
    ASK_ACROSS,
    ASK_ARABIC,
    ASK_CRASHING,
    ASK_ENGLISH,
    ENGLISH_QUOTE,
    INJECTION,
    FakeDalil,
)

pytestmark = pytest.mark.browser


SLOW_LOAD_MS = 30_000
"""A page that is loaded again on a busy machine."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the chat of a fake assistant is served while these tests run."""
    with serving(create_app(FakeDalil())) as address:
        yield address


def test_an_arabic_answer_runs_right_to_left_and_opens_its_sources(open_tab: OpenTab) -> None:
    tab = open_tab("en-US")  # the direction is the message's own, whatever the interface's
    reply = tab.ask(ASK_ARABIC)
    for message in (tab.question(0), reply):
        expect(message).to_have_attribute("dir", "rtl")
        expect(message).to_have_attribute("lang", "ar")
    expect(reply.locator("a.cite")).to_have_text(["1", "2"])
    expect(reply.locator(".confidence")).to_have_text(ARABIC.high)

    reply.locator("a.cite").nth(1).click()
    expect(tab.card()).to_have_id("source-0-2")
    expect(tab.card()).to_be_focused()
    expect(tab.card()).to_have_attribute("dir", "rtl")
    expect(tab.card().locator("mark")).to_have_text(ARABIC_NAME_QUOTE)
    expect(tab.card()).to_contain_text(ARABIC_DOCUMENT.title)
    expect(tab.card().locator(".badge")).to_have_text("العربيةArabic")  # one of them is hidden
    expect(tab.card().locator(".badge .label:visible")).to_have_text("Arabic")


def test_an_english_answer_runs_left_to_right_in_an_arabic_interface(open_tab: OpenTab) -> None:
    tab = open_tab("ar-SA")
    reply = tab.ask(ASK_ENGLISH)
    for message in (tab.question(0), reply):
        expect(message).to_have_attribute("dir", "ltr")
        expect(message).to_have_attribute("lang", "en")
    expect(reply.locator(".confidence")).to_have_text(ENGLISH.medium)
    reply.locator("a.cite").click()
    expect(tab.card().locator("mark")).to_have_text(ENGLISH_QUOTE)
    expect(tab.card()).to_contain_text("ص 3")


def test_a_quote_in_the_other_language_keeps_its_own_direction(open_tab: OpenTab) -> None:
    tab = open_tab()
    reply = tab.ask(ASK_ACROSS)
    expect(reply).to_have_attribute("dir", "ltr")
    expect(reply.locator("p").first).to_have_attribute("dir", "ltr")
    expect(reply.locator("bdi")).to_have_text(f"«{ARABIC_QUOTE[:-1]}»")
    reply.locator("a.cite").hover()
    expect(tab.page.get_by_role("tooltip")).to_contain_text(ARABIC_QUOTE)
    expect(tab.page.get_by_role("tooltip")).to_have_attribute("dir", "rtl")


def test_chips_work_from_the_keyboard_and_escape_returns_to_them(open_tab: OpenTab) -> None:
    tab = open_tab()
    chip = tab.ask(ASK_ENGLISH).get_by_role("button", name="Source 1")
    for key in ("Enter", "Space"):
        chip.focus()
        tab.page.keyboard.press(key)
        expect(tab.card()).to_be_focused()
        tab.page.keyboard.press("Escape")
        expect(chip).to_be_focused()
        expect(tab.card()).to_have_count(0)


def test_an_older_chip_opens_the_sources_of_its_own_turn(open_tab: OpenTab) -> None:
    tab = open_tab()
    first = tab.ask(ASK_ENGLISH)
    tab.ask(ASK_ARABIC)
    expect(tab.page.locator("#turn-1")).to_be_visible()
    first.locator("a.cite").click()
    expect(tab.card()).to_have_id("source-0-1")
    expect(tab.page.locator("#turn-1")).to_be_hidden()


def test_the_interface_follows_the_browser_and_switches_in_place(open_tab: OpenTab) -> None:
    tab = open_tab("ar-EG")
    page = tab.page
    root, box = page.locator("html"), page.get_by_role("textbox")
    reply = tab.ask(ASK_ENGLISH)
    box.fill("مسودة")
    for texts, code, way in ((ARABIC, "ar", "rtl"), (ENGLISH, "en", "ltr"), (ARABIC, "ar", "rtl")):
        expect(root).to_have_attribute("lang", code)
        expect(root).to_have_attribute("dir", way)
        expect(page).to_have_title(texts.name)
        expect(box).to_have_attribute("placeholder", texts.placeholder)
        expect(page.locator("h1 .label:visible")).to_have_text(texts.name)
        expect(page.locator("#sources h2 .label:visible")).to_have_text(texts.sources)
        expect(page.get_by_role("button", name=texts.new_chat)).to_be_visible()
        expect(reply.locator("a.cite")).to_have_attribute("aria-label", f"{texts.source} 1")
        expect(box).to_have_value("مسودة")
        expect(reply).to_have_attribute("dir", "ltr")
        page.get_by_role("button", name=texts.other_language).click()
    expect(root).to_have_attribute("lang", "en")
    page.reload()  # the choice outlives the page
    expect(page.get_by_role("button", name=ENGLISH.new_chat)).to_be_visible(timeout=SLOW_LOAD_MS)


def test_the_layout_is_mirrored(open_tab: OpenTab) -> None:
    for locale, sources_first in (("ar", True), ("en", False)):
        page = open_tab(locale).page
        page.get_by_role("button", name=ASK_ACROSS).click()
        expect(page.locator("a.cite")).to_have_count(1)
        panel = page.locator("#sources").bounding_box()
        talk = page.locator("#talk").bounding_box()
        assert panel is not None
        assert talk is not None
        assert (panel["x"] < talk["x"]) is sources_first


def test_an_example_is_asked_and_a_new_chat_forgets_it(open_tab: OpenTab) -> None:
    tab = open_tab("ar")
    examples = tab.page.locator("#conversation .example")
    expect(examples).to_have_text(list(ARABIC.examples))
    examples.first.click()
    expect(tab.page.locator("a.cite")).to_have_count(2)
    tab.page.get_by_role("button", name=ARABIC.new_chat).click()
    expect(examples).to_have_count(4)
    expect(tab.page.locator("#sources .card")).to_have_count(0)
    expect(tab.ask(ASK_ENGLISH).locator("a.cite")).to_have_attribute("href", "#source-0-1")


def test_an_abstention_looks_like_one(open_tab: OpenTab) -> None:
    tab = open_tab()
    reply = tab.ask("من فاز بكأس العالم؟")
    expect(reply).to_have_attribute("data-state", "abstained")
    expect(reply).to_contain_text(ABSTENTIONS["ar"])
    expect(reply).to_have_attribute("dir", "rtl")
    expect(reply.locator("a.cite, .confidence")).to_have_count(0)


def test_a_failure_is_told_in_a_message(open_tab: OpenTab) -> None:
    tab = open_tab()
    for question, text in (
        (ASK_CRASHING, ENGLISH.broken.splitlines()[0]),
        ("x" * 10_000, ENGLISH.question_refused),
    ):
        reply = tab.ask(question)
        expect(reply).to_have_attribute("data-state", "failed")
        expect(reply).to_contain_text(text)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(tab.ask(ASK_ENGLISH).locator("a.cite")).to_have_count(1)


def test_an_empty_question_does_nothing(open_tab: OpenTab) -> None:
    tab = open_tab()
    before = len(tab.requests)
    tab.page.get_by_role("textbox").fill("  ")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name=ENGLISH.send).click()
    assert len(tab.requests) == before
    tab.ask(ASK_ENGLISH)
    expect(tab.page.locator("#conversation .message-content")).to_have_count(2)


@pytest.mark.parametrize("frame", ["{}", "سؤال عن {} وما بعده"])
def test_what_a_user_types_is_shown_as_it_is(open_tab: OpenTab, frame: str) -> None:
    tab = open_tab()
    question = frame.format(f"{INJECTION} **bold** <b>b</b> `x` &amp; [1] $$x$$")
    tab.ask(question)
    expect(tab.question(0)).to_have_text(question)
    expect(tab.page.locator("#conversation :is(img, b, strong, code)")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)


def test_what_a_document_holds_is_shown_as_it_is(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.ask("متى بدأ الحوار بين اليابان وآسيا الوسطى؟").locator("a.cite").click()
    expect(tab.card()).to_contain_text(INJECTION)
    expect(tab.page.locator("#sources img")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)


def test_copy_copies_the_text_with_its_marks(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.ask(ASK_ENGLISH).get_by_role("button", name=ENGLISH.copy).click()
    expect(tab.page.get_by_role("button", name=ENGLISH.copied)).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()") == ANSWERS[ASK_ENGLISH].text


def test_dark_mode_is_remembered(open_tab: OpenTab) -> None:
    page = open_tab().page
    page.get_by_role("button", name=ENGLISH.dark).click()
    expect(page.locator("body.dark")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("button", name=ENGLISH.light)).to_be_visible(timeout=SLOW_LOAD_MS)
    expect(page.locator("body.dark")).to_have_count(1)


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_on_a_phone_the_sources_are_a_sheet(open_tab: OpenTab, locale: str) -> None:
    tab = open_tab(locale, PHONE)
    chip = tab.ask(ASK_ARABIC).locator("a.cite").first
    expect(tab.page.locator("#sources")).to_be_hidden()
    chip.click()
    expect(tab.card()).to_be_in_viewport()
    expect(chip).to_be_in_viewport()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    close = (ARABIC if locale == "ar" else ENGLISH).close
    tab.page.get_by_role("button", name=close).click()
    expect(tab.page.locator("#sources")).to_be_hidden()
    expect(chip).to_be_focused()
