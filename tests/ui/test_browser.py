"""The chat in a real browser, against the fake assistant: messages, sources, languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from assistant.server import create_app
from assistant.ui.texts import ARABIC, ENGLISH, TEXTS, Language

from .driver import PHONE, OpenTab, serving
from .fake import (
    ABSTENTIONS,
    ANSWERS,
    ARABIC_DOCUMENT,
    ARABIC_NAME_QUOTE,
    ARABIC_QUOTE,
    ASK_ACROSS,
    ASK_AGAIN,
    ASK_ARABIC,
    ASK_CRASHING,
    ASK_ENGLISH,
    ASK_FACT,
    ASK_LONG,
    DIALOGUE_QUOTE,
    ENGLISH_DOCUMENT,
    ENGLISH_QUOTE,
    FACT,
    INJECTION,
    LAST_SENTENCE,
    NOTE,
    WITHDRAWN,
    FakeDalil,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the chat of a fake assistant is served while these tests run."""
    with serving(create_app(FakeDalil())) as address:
        yield address


# ---- messages


def test_an_arabic_answer_runs_right_to_left_and_opens_its_sources(open_tab: OpenTab) -> None:
    tab = open_tab("en-US")  # the direction is the message's own, whatever the interface's
    reply = tab.ask(ASK_ARABIC)
    for message in (tab.question(0), reply):
        expect(message).to_have_attribute("dir", "rtl")
        expect(message).to_have_attribute("lang", "ar")
    expect(reply.locator("a.cite")).to_have_text(["1", "2"])
    expect(reply.locator(".confidence")).to_have_text(ARABIC.high)

    reply.locator("a.cite").nth(1).click()
    expect(tab.card()).to_be_focused()
    expect(tab.card()).to_have_attribute("dir", "rtl")
    expect(tab.card().locator("mark")).to_have_text(ARABIC_NAME_QUOTE)
    expect(tab.card()).to_contain_text(ARABIC_DOCUMENT.title)
    expect(tab.card()).to_contain_text(ARABIC_DOCUMENT.source)
    expect(tab.card().locator(".about li")).to_have_text(["28 December 2025", "Arabic"])
    expect(tab.card().locator(".passage")).to_contain_text("وقد زادت البضائع")  # what surrounds the quote


def test_an_english_answer_runs_left_to_right_in_an_arabic_interface(open_tab: OpenTab) -> None:
    tab = open_tab("ar-SA")
    reply = tab.ask(ASK_ENGLISH)
    for message in (tab.question(0), reply):
        expect(message).to_have_attribute("dir", "ltr")
        expect(message).to_have_attribute("lang", "en")
    expect(reply.locator(".confidence")).to_have_text(ENGLISH.medium)
    # The numerals are those of the interface; what the document says stays as it is.
    expect(reply.locator("a.cite")).to_have_text("١")
    expect(reply).to_contain_text("3 trillion yen")
    expect(reply.locator(".show-sources .count")).to_have_text("١")
    reply.locator("a.cite").click()
    expect(tab.card().locator(".number")).to_have_text("١")
    expect(tab.card().locator("mark")).to_have_text(ENGLISH_QUOTE)
    expect(tab.card().locator(".about li")).to_have_text(["يونيو ٢٠٢٤", "ص ٣", "الإنجليزية"])


def test_a_quote_in_the_other_language_keeps_its_own_direction(open_tab: OpenTab) -> None:
    tab = open_tab()
    reply = tab.ask(ASK_ACROSS)
    expect(reply).to_have_attribute("dir", "ltr")
    expect(reply.locator(".text p")).to_have_attribute("dir", "ltr")
    expect(reply.locator("bdi")).to_have_text(f"«{ARABIC_QUOTE[:-1]}»")
    reply.locator("a.cite").hover()
    expect(tab.page.get_by_role("tooltip")).to_contain_text(ARABIC_QUOTE)
    expect(tab.page.get_by_role("tooltip")).to_have_attribute("dir", "rtl")


@pytest.mark.parametrize(("locale", "viewport"), [("ar", None), ("en", PHONE)])
def test_a_conversation_that_mixes_both_languages(open_tab: OpenTab, locale: str, viewport: object) -> None:
    tab = open_tab(locale, viewport) if viewport else open_tab(locale)
    for question in (ASK_ARABIC, ASK_ENGLISH, ASK_FACT, ASK_ACROSS):
        tab.ask(question)
    ways = ["rtl", "ltr", "rtl", "ltr"]
    assert tab.replies.evaluate_all("all => all.map((one) => one.dir)") == ways
    assert tab.page.locator(".message.question").evaluate_all("all => all.map((one) => one.dir)") == ways
    # Each chip stands after what it belongs to: to the left of it in Arabic, to the right in English.
    for number, way in ((0, "rtl"), (1, "ltr")):
        chip = tab.replies.nth(number).locator("a.cite").last
        before = chip.evaluate(
            """(chip) => {
                const text = chip.previousSibling.previousSibling ?? chip.previousSibling;
                const range = document.createRange();
                const end = text.textContent.trimEnd().length;
                range.setStart(text, end - 1);
                range.setEnd(text, end);
                return range.getBoundingClientRect().x;
            }"""
        )
        box = chip.bounding_box()
        assert box is not None
        assert (box["x"] < before) is (way == "rtl")
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_was_said_too_early_is_withdrawn_and_a_note_says_why(open_tab: OpenTab) -> None:
    tab = open_tab()
    reply = tab.ask(ASK_AGAIN)
    expect(reply).to_contain_text(DIALOGUE_QUOTE[:-1])
    expect(reply).not_to_contain_text(WITHDRAWN)
    expect(reply.locator("a.cite")).to_have_count(1)
    expect(reply.locator(".note")).to_have_text(NOTE)
    reply.locator("a.cite").click()
    expect(tab.card().locator("mark")).to_have_text(DIALOGUE_QUOTE)


@pytest.mark.parametrize(("locale", "viewport"), [("ar", PHONE), ("en", None)])
def test_an_abstention_shows_what_comes_closest(open_tab: OpenTab, locale: Language, viewport: object) -> None:
    tab = open_tab(locale, viewport) if viewport else open_tab(locale)
    texts = TEXTS[locale]
    reply = tab.ask("من فاز بكأس العالم؟")
    expect(reply).to_have_attribute("data-state", "abstained")
    expect(reply).to_have_attribute("dir", "rtl")
    expect(reply.locator("> .text")).to_have_text(ABSTENTIONS["ar"])
    expect(reply.locator("a.cite, .confidence")).to_have_count(0)
    expect(reply.locator(".closest")).to_contain_text(texts.closest_note)
    expect(tab.page.locator("#sources")).to_be_hidden()  # nothing that looks like the sources of an answer

    passages = reply.locator(".closest button")
    expect(passages.locator(".title")).to_have_text([ARABIC_DOCUMENT.title, ENGLISH_DOCUMENT.title])
    passages.nth(1).click()
    expect(tab.card()).to_be_focused()
    expect(tab.card()).to_contain_text(DIALOGUE_QUOTE)
    expect(tab.page.locator("#sources h2")).to_have_text(texts.closest)
    expect(tab.page.locator("#sources")).to_contain_text(texts.closest_note)
    expect(tab.page.locator("#sources mark")).to_have_count(0)
    tab.page.keyboard.press("Escape")
    expect(passages.nth(1)).to_be_focused()


def test_a_failure_is_told_in_a_message(open_tab: OpenTab) -> None:
    tab = open_tab()
    for question, text in ((ASK_CRASHING, ENGLISH.broken), ("x" * 10_000, ENGLISH.question_refused)):
        reply = tab.ask(question)
        expect(reply).to_have_attribute("data-state", "failed")
        expect(reply).to_contain_text(text)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(tab.ask(ASK_ENGLISH).locator("a.cite")).to_have_count(1)


@pytest.mark.parametrize("frame", ["{}", "سؤال عن {} وما بعده"])
def test_what_a_user_types_is_shown_as_it_is(open_tab: OpenTab, frame: str) -> None:
    tab = open_tab()
    question = frame.format(f"{INJECTION} **bold** <b>b</b> `x` &amp; [1] $$x$$")
    tab.ask(question)
    expect(tab.questions).to_have_text(question)
    expect(tab.conversations.locator(".title")).to_contain_text(INJECTION)
    expect(tab.page.locator("#main :is(img, b, strong, code)")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)


def test_copy_copies_the_text_with_its_marks(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.press(ENGLISH.copy, tab.ask(ASK_ENGLISH))
    expect(tab.page.locator(".said-aloud")).to_have_text(ENGLISH.copied)
    assert tab.page.evaluate("navigator.clipboard.readText()") == ANSWERS[ASK_ENGLISH].text


# ---- sources


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
        expect(tab.page.locator("#sources")).to_be_hidden()


def test_an_older_chip_opens_the_sources_of_its_own_turn(open_tab: OpenTab) -> None:
    tab = open_tab()
    first = tab.ask(ASK_ENGLISH)
    tab.ask(ASK_ARABIC)
    expect(tab.page.locator("#sources .asked")).to_have_text(ASK_ARABIC)  # the last answer's are there by themselves
    expect(tab.page.locator("#sources .card")).to_have_count(2)
    first.locator("a.cite").click()
    expect(tab.page.locator("#sources .asked")).to_have_text(ASK_ENGLISH)
    expect(tab.card().locator("mark")).to_have_text(ENGLISH_QUOTE)


def test_a_curated_fact_is_stated_with_its_evidence(open_tab: OpenTab) -> None:
    tab = open_tab("ar")
    tab.ask(ASK_FACT).locator("a.cite").click()
    card = tab.card()
    expect(card.locator(".badge")).to_have_text(ARABIC.fact)
    expect(card.locator(".statement")).to_have_text(FACT.statements["ar"])
    expect(card.locator(".statement")).to_have_attribute("dir", "rtl")
    expect(card).to_contain_text(f"{ARABIC.as_of} ديسمبر ٢٠٢٥")
    expect(card).to_contain_text(ARABIC.evidence)
    expect(card.locator("mark")).to_have_text(DIALOGUE_QUOTE)


def test_what_a_document_holds_is_shown_as_it_is(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.ask(ASK_FACT).locator("a.cite").click()
    expect(tab.card()).to_contain_text(INJECTION)
    expect(tab.page.locator("#sources img")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)
    tab.card().locator("a.whole").click()
    reader = tab.page.frame_locator("#reader iframe")
    expect(reader.locator(".text")).to_contain_text(INJECTION)
    expect(reader.locator("img")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_on_a_phone_the_sources_are_a_sheet(open_tab: OpenTab, locale: Language) -> None:
    tab = open_tab(locale, PHONE)
    chip = tab.ask(ASK_ARABIC).locator("a.cite").first
    expect(tab.page.locator("#sources")).to_be_hidden()
    chip.click()
    expect(tab.card()).to_be_focused()
    expect(tab.card()).to_be_in_viewport()
    expect(chip).to_be_in_viewport()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.press(TEXTS[locale].close)
    expect(tab.page.locator("#sources")).to_be_hidden()
    expect(chip).to_be_focused()


# ---- whole documents


@pytest.mark.parametrize(("locale", "viewport"), [("ar", None), ("en", PHONE)])
def test_a_whole_document_opens_at_the_quote(open_tab: OpenTab, locale: Language, viewport: object) -> None:
    tab = open_tab(locale, viewport) if viewport else open_tab(locale)
    texts = TEXTS[locale]
    tab.ask(ASK_ARABIC).locator("a.cite").nth(1).click()
    link = tab.card().locator("a.whole")
    expect(link).to_have_text(texts.whole)
    link.click()
    reader = tab.page.frame_locator("#reader iframe")
    expect(reader.locator("#quote")).to_have_text(ARABIC_NAME_QUOTE)
    expect(reader.locator("#quote")).to_be_focused()
    expect(reader.locator("h1")).to_have_text(ARABIC_DOCUMENT.title)
    expect(reader.locator(".text h2")).to_have_text("الممر الأوسط")
    expect(reader.locator(".text")).to_have_attribute("dir", "rtl")
    expect(reader.locator("html")).to_have_attribute("lang", locale)
    expect(reader.locator("time")).to_have_text("٢٨ ديسمبر ٢٠٢٥" if locale == "ar" else "28 December 2025")
    tab.page.keyboard.press("Escape")  # inside the document
    expect(tab.page.locator("#reader")).to_be_hidden()
    expect(link).to_be_focused()
    link.click()
    tab.press(texts.close_document)
    expect(tab.page.locator("#reader")).to_be_hidden()


def test_a_document_of_a_million_characters_opens_at_its_end_in_a_tab_of_its_own(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.ask(ASK_LONG).locator("a.cite").click()
    href = tab.card().locator("a.whole").get_attribute("href")
    page = tab.page.context.new_page()
    page.goto(f"{tab.address}/{href}", timeout=60_000)
    quote = page.locator("#quote")
    expect(quote).to_have_text(LAST_SENTENCE)
    expect(quote).to_be_in_viewport()
    page.evaluate("scrollTo(0, 0)")
    expect(quote).not_to_be_in_viewport()
    page.get_by_role("link", name=ENGLISH.to_quote).click()
    expect(quote).to_be_in_viewport()
    page.get_by_role("link", name=ENGLISH.back).click()
    page.wait_for_selector("html.ready #question textarea")


# ---- the interface


def test_the_interface_follows_the_browser_and_switches_in_place(open_tab: OpenTab) -> None:
    tab = open_tab("ar-EG")
    page, root = tab.page, tab.page.locator("html")
    reply = tab.ask(ASK_ENGLISH)
    tab.box.fill("مسودة")
    rounds = ((ARABIC, "ar", "rtl", "١"), (ENGLISH, "en", "ltr", "1"), (ARABIC, "ar", "rtl", "١"))
    for texts, code, way, one in rounds:
        expect(root).to_have_attribute("lang", code)
        expect(root).to_have_attribute("dir", way)
        expect(page).to_have_title(texts.name)
        expect(tab.box).to_have_attribute("placeholder", texts.placeholder)
        expect(page.locator("h1 .label:visible")).to_have_text(texts.name)
        expect(page.locator("#sources h2")).to_have_text(texts.sources)
        expect(page.get_by_role("button", name=texts.new_chat)).to_be_visible()
        expect(page.get_by_role("button", name=texts.send)).to_be_visible()
        expect(page.get_by_role("navigation", name=texts.conversations)).to_be_visible()
        expect(reply.locator("a.cite")).to_have_attribute("aria-label", f"{texts.source} {one}")
        expect(reply.locator("a.cite")).to_have_text(one)
        expect(tab.box).to_have_value("مسودة")
        expect(reply).to_have_attribute("dir", "ltr")
        tab.press(texts.other_language)
    expect(root).to_have_attribute("lang", "en")
    tab.reload()  # the choice outlives the page
    expect(root).to_have_attribute("lang", "en")


def test_the_layout_is_mirrored(open_tab: OpenTab) -> None:
    for locale, sources_first in (("ar", True), ("en", False)):
        page = open_tab(locale).page
        page.get_by_role("button", name=ASK_ACROSS).click()
        expect(page.locator("a.cite")).to_have_count(1)
        expect(page.locator("#sources")).to_be_visible()
        panel, talk, drawer = (page.locator(name).bounding_box() for name in ("#sources", "#talk", "#drawer"))
        assert panel is not None
        assert talk is not None
        assert drawer is not None
        assert (panel["x"] < talk["x"]) is sources_first
        assert (drawer["x"] < talk["x"]) is not sources_first


def test_an_example_is_asked_and_a_new_chat_forgets_it(open_tab: OpenTab) -> None:
    tab = open_tab("ar")
    examples = tab.page.locator(".example")
    expect(examples).to_have_text(list(ARABIC.examples))
    examples.first.click()
    expect(tab.page.locator("a.cite")).to_have_count(2)
    tab.press(ARABIC.new_chat)
    expect(tab.replies).to_have_count(0)
    expect(examples.first).to_be_visible()
    expect(tab.page.locator("#sources")).to_be_hidden()
    expect(tab.ask(ASK_ENGLISH).locator("a.cite")).to_have_count(1)


def test_an_empty_question_does_nothing(open_tab: OpenTab) -> None:
    tab = open_tab()
    before = len(tab.requests)
    tab.box.fill("  ")
    tab.page.keyboard.press("Enter")
    tab.press(ENGLISH.send)
    assert len(tab.requests) == before
    tab.ask(ASK_ENGLISH)
    expect(tab.replies).to_have_count(1)


def test_dark_mode_is_remembered_and_documents_have_it_too(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.press(ENGLISH.dark)
    expect(tab.page.locator("body.dark")).to_have_count(1)
    tab.reload()
    expect(tab.page.get_by_role("button", name=ENGLISH.light)).to_be_visible()
    expect(tab.page.locator("body.dark")).to_have_count(1)
    tab.ask(ASK_ENGLISH).locator("a.cite").click()
    tab.card().locator("a.whole").click()
    expect(tab.page.frame_locator("#reader iframe").locator("html.dark")).to_have_count(1)


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_the_keyboard_alone_is_enough(open_tab: OpenTab, locale: Language) -> None:
    tab = open_tab(locale)
    texts = TEXTS[locale]
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("link", name=texts.skip)).to_be_focused()
    expect(tab.page.get_by_role("link", name=texts.skip)).to_be_in_viewport()
    tab.page.keyboard.press("Enter")
    expect(tab.box).to_be_focused()
    tab.page.keyboard.type(ASK_ARABIC)
    tab.page.keyboard.press("Enter")
    reply = tab.replies.first
    expect(reply).to_have_attribute("data-state", "answered")
    # What is heard: once that it is being looked for, once the answer; not every piece of it.
    expect(tab.page.locator(".said-aloud")).to_contain_text(texts.ready)
    assert reply.evaluate("(reply) => reply.closest('[aria-live], [role=log], [role=status]')") is None
    names = tab.page.locator("button:visible, a[href]:visible, textarea:visible").evaluate_all(
        "all => all.map((one) => (one.ariaLabel || one.labels?.[0]?.textContent || one.textContent).trim())"
    )
    assert all(names)
