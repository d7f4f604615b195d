"""Conversations in a real browser: answers that come piece by piece, what is kept, exported and thought of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from assistant.security import Access, hash_password
from assistant.server import create_app
from assistant.ui.texts import ARABIC, ENGLISH, TEXTS, Language

from .driver import DESKTOP, PHONE, OpenTab, Tab, serving
from .fake import (
    ANSWERS,
    ARABIC_DOCUMENT,
    ARABIC_NAME_QUOTE,
    ARABIC_QUOTE,
    ASK_ACROSS,
    ASK_ARABIC,
    ASK_ENGLISH,
    ASK_FACT,
    ASK_SLOWLY,
    DIALOGUE_QUOTE,
    ENGLISH_QUOTE,
    INJECTION,
    FakeDalil,
    FakeFeedback,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared_dalil() -> FakeDalil:
    """The assistant that is asked."""
    return FakeDalil()


@pytest.fixture(scope="module")
def shared_feedback() -> FakeFeedback:
    """Where verdicts go."""
    return FakeFeedback()


@pytest.fixture(scope="module")
def address(shared_dalil: FakeDalil, shared_feedback: FakeFeedback) -> Iterator[str]:
    """Where the chat is served while these tests run."""
    with serving(create_app(shared_dalil, feedback=shared_feedback)) as address:
        yield address


@pytest.fixture
def dalil(shared_dalil: FakeDalil) -> Iterator[FakeDalil]:
    """The assistant before it was asked anything; a slow answer that still goes on ends with the test."""
    shared_dalil.go_on.clear()
    shared_dalil.closed.clear()
    shared_dalil.histories.clear()
    yield shared_dalil
    shared_dalil.go_on.set()


@pytest.fixture
def feedback(shared_feedback: FakeFeedback) -> FakeFeedback:
    """What people think, nothing yet."""
    shared_feedback.entries.clear()
    return shared_feedback


# ---- piece by piece


def test_an_answer_comes_piece_by_piece_with_its_sources(open_tab: OpenTab, dalil: FakeDalil) -> None:
    tab = open_tab()
    reply = tab.send(ASK_SLOWLY)
    expect(reply).to_have_attribute("data-state", "streaming")
    expect(reply).to_contain_text(DIALOGUE_QUOTE[:-1])
    chip = reply.locator("a.cite")
    expect(chip).to_have_count(1)
    chip.click()  # its source is there before the answer is
    expect(tab.card().locator("mark")).to_have_text(DIALOGUE_QUOTE)
    tab.page.keyboard.press("Escape")
    expect(chip).to_be_focused()
    # The next question waits in the box.
    tab.box.fill(ASK_ENGLISH)
    tab.page.keyboard.press("Enter")
    expect(tab.box).to_have_value(ASK_ENGLISH)
    expect(tab.replies).to_have_count(1)
    dalil.go_on.set()
    expect(reply).to_have_attribute("data-state", "answered")
    expect(reply.locator("a.cite")).to_have_text(["1", "2"])
    expect(reply).to_contain_text(ENGLISH_QUOTE[:-1])
    expect(tab.box).to_have_value(ASK_ENGLISH)


@pytest.mark.parametrize(("locale", "viewport"), [("ar", PHONE), ("en", DESKTOP)])
def test_an_answer_is_stopped_and_asked_again(
    open_tab: OpenTab, dalil: FakeDalil, locale: Language, viewport: object
) -> None:
    tab = open_tab(locale, viewport)
    texts = TEXTS[locale]
    reply = tab.send(ASK_SLOWLY)
    expect(reply).to_have_attribute("data-state", "streaming")
    expect(tab.page.get_by_role("button", name=texts.send)).to_be_hidden()
    tab.press(texts.stop)
    expect(reply).to_have_attribute("data-state", "stopped")
    expect(reply.locator(".note")).to_have_text(texts.stopped)
    expect(reply).to_contain_text(DIALOGUE_QUOTE[:-1])  # what was said stays
    expect(tab.box).to_be_focused()
    assert dalil.closed.wait(30)  # the work has ended as well

    expect(tab.ask(ASK_ENGLISH)).to_have_attribute("data-state", "answered")
    assert dalil.histories[-1] == []  # half an answer is no history
    dalil.go_on.set()
    tab.reload()
    expect(tab.replies.first).to_have_attribute("data-state", "stopped")
    expect(tab.replies.first.get_by_role("button", name=texts.retry)).to_have_count(0)  # only the last one
    tab.press(texts.retry, tab.replies.last)
    expect(tab.replies).to_have_count(2)
    expect(tab.replies.last).to_have_attribute("data-state", "answered")
    assert len(dalil.histories) == 3


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_the_last_question_is_edited(open_tab: OpenTab, dalil: FakeDalil, locale: Language) -> None:
    tab = open_tab(locale)
    texts = TEXTS[locale]
    tab.ask(ASK_ARABIC)
    tab.ask("Who won the world cup?")
    expect(tab.question(0).get_by_role("button", name=texts.edit)).to_have_count(0)
    tab.question(1).hover()
    tab.press(texts.edit, tab.question(1))
    expect(tab.box).to_have_value("Who won the world cup?")
    expect(tab.box).to_be_focused()
    expect(tab.page.locator(".editing")).to_contain_text(texts.editing)
    tab.page.keyboard.press("Escape")  # thought better of it
    expect(tab.page.locator(".editing")).to_be_hidden()
    expect(tab.box).to_have_value("")
    tab.press(texts.edit, tab.question(1))
    expect(tab.box).to_have_value("Who won the world cup?")
    tab.box.fill(ASK_ENGLISH)
    tab.page.keyboard.press("Enter")
    expect(tab.questions).to_have_text([ASK_ARABIC, ASK_ENGLISH])
    expect(tab.replies.last).to_contain_text(ENGLISH_QUOTE[:-1])
    assert dalil.histories[-1] == [(ASK_ARABIC, ANSWERS[ASK_ARABIC].text)]


def test_a_server_that_is_gone_is_told_in_the_readers_language(open_tab: OpenTab, dalil: FakeDalil) -> None:
    tab = open_tab("ar")
    reply = tab.send(ASK_SLOWLY)
    expect(reply).to_have_attribute("data-state", "streaming")
    tab.page.context.set_offline(True)
    expect(reply).to_have_attribute("data-state", "failed")
    expect(reply).to_contain_text(ARABIC.lost)
    expect(tab.page.locator(".toast-wrap")).to_be_hidden()  # Gradio says it in English
    tab.page.context.set_offline(False)
    tab.complaints.clear()  # that there was no network


# ---- kept in the browser


@pytest.mark.parametrize(("locale", "viewport"), [("ar", DESKTOP), ("en", PHONE)])
def test_conversations_are_kept_and_each_goes_on_by_itself(
    open_tab: OpenTab, dalil: FakeDalil, locale: Language, viewport: object
) -> None:
    tab = open_tab(locale, viewport)
    texts = TEXTS[locale]
    tab.ask(ASK_ARABIC)
    tab.press(texts.new_chat)
    tab.ask(ASK_ENGLISH)
    assert dalil.histories[-1] == []
    tab.reload()
    expect(tab.questions).to_have_text([ASK_ENGLISH])  # the open one, with its sources
    tab.replies.first.locator("a.cite").click()
    expect(tab.card().locator("mark")).to_have_text(ENGLISH_QUOTE)
    tab.page.keyboard.press("Escape")

    if viewport is PHONE:
        tab.press(texts.conversations)
        expect(tab.page.locator("#drawer .new-chat")).to_be_focused()
        for _ in range(12):  # the keyboard stays in the list while it stands over the page
            tab.page.keyboard.press("Tab")
            assert tab.page.evaluate(
                "document.activeElement.closest('#drawer') || document.activeElement === document.body"
            )
    expect(tab.conversations.locator(".title")).to_have_text([ASK_ENGLISH, ASK_ARABIC])
    expect(tab.conversations.locator(".title").nth(1)).to_have_attribute("dir", "rtl")
    expect(tab.conversations.locator("[aria-current=true]")).to_have_text(ASK_ENGLISH)
    tab.conversations.nth(1).locator(".open").click()
    if viewport is PHONE:
        expect(tab.page.locator("#drawer")).to_be_hidden()
    expect(tab.questions).to_have_text([ASK_ARABIC])
    tab.ask(ASK_FACT)
    assert dalil.histories[-1] == [(ASK_ARABIC, ANSWERS[ASK_ARABIC].text)]
    if viewport is PHONE:
        tab.press(texts.conversations)
    expect(tab.conversations.locator(".title")).to_have_text([ASK_ARABIC, ASK_ENGLISH])  # the last one first
    times = tab.conversations.locator("time").all_inner_texts()
    assert all(any("٠" <= letter <= "٩" for letter in time) is (locale == "ar") for time in times)


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_a_conversation_is_renamed_deleted_and_brought_back(open_tab: OpenTab, locale: Language) -> None:
    tab = open_tab(locale)
    texts = TEXTS[locale]
    tab.ask(ASK_ENGLISH)
    row = tab.conversations.first
    tab.press(texts.rename, row)
    name = row.get_by_role("textbox", name=texts.new_name)
    expect(name).to_be_focused()
    name.fill("المعادن و<b>minerals</b>")
    tab.page.keyboard.press("Enter")
    expect(row.locator(".title")).to_have_text("المعادن و<b>minerals</b>")
    tab.ask(ASK_ARABIC)
    tab.reload()
    expect(row.locator(".title")).to_have_text("المعادن و<b>minerals</b>")

    tab.press(texts.delete, row)
    expect(tab.conversations).to_have_count(0)
    expect(tab.replies).to_have_count(0)
    undo = tab.page.get_by_role("button", name=texts.undo)
    expect(undo).to_be_focused()
    expect(tab.page.locator(".undo")).to_contain_text(texts.deleted)
    tab.page.keyboard.press("Enter")
    expect(row.locator(".title")).to_have_text("المعادن و<b>minerals</b>")
    expect(tab.questions).to_have_text([ASK_ENGLISH, ASK_ARABIC])
    tab.press(texts.delete, row)
    expect(tab.conversations).to_have_count(0)
    tab.reload()
    expect(tab.conversations).to_have_count(0)
    expect(tab.page.locator("#drawer .empty")).to_be_visible()


def test_two_tabs_keep_each_others_conversations(open_tab: OpenTab) -> None:
    first = open_tab()
    second = open_tab(context=first.page.context)
    first.ask(ASK_ENGLISH)
    second.ask(ASK_ARABIC)
    for tab in (first, second):
        expect(tab.conversations.locator(".title")).to_have_text([ASK_ARABIC, ASK_ENGLISH])
    # The same conversation in both: what one adds, the other has.
    second.conversations.nth(1).locator(".open").click()
    second.ask(ASK_ACROSS)
    expect(first.questions).to_have_text([ASK_ENGLISH, ASK_ACROSS])
    first.ask(ASK_FACT)
    expect(second.questions).to_have_text([ASK_ENGLISH, ASK_ACROSS, ASK_FACT])
    # Deleted in one, it is gone in both, and does not come back.
    first.press(ENGLISH.delete, first.conversations.first)
    for tab in (first, second):
        expect(tab.conversations.locator(".title")).to_have_text([ASK_ARABIC])
        expect(tab.replies).to_have_count(0)


def test_people_who_share_a_browser_do_not_see_each_others_conversations(browser: Browser, dalil: FakeDalil) -> None:
    access = Access({name: hash_password("كلمة سرّ طويلة") for name in ("مريم", "Omar")})
    with serving(create_app(dalil, access=access)) as address:
        context = browser.new_context(locale="ar", viewport=DESKTOP)
        tab = Tab(context.new_page(), address)

        def log_in(name: str) -> None:
            tab.page.goto(address)
            tab.page.locator("input[name=name]").fill(name)
            tab.page.locator("input[name=password]").fill("كلمة سرّ طويلة")
            tab.page.keyboard.press("Enter")
            tab.wait()
            expect(tab.page.locator("#drawer .user .name")).to_have_text(name)

        log_in("مريم")
        tab.ask(ASK_ARABIC)
        expect(tab.conversations).to_have_count(1)
        tab.replies.first.locator("a.cite").first.click()
        tab.card().locator("a.whole").click()
        expect(tab.page.frame_locator("#reader iframe").locator("#quote")).to_have_text(ARABIC_QUOTE)
        tab.page.keyboard.press("Escape")
        expect(tab.page.locator("#reader")).to_be_hidden()
        tab.press(ARABIC.log_out)
        log_in("Omar")
        expect(tab.conversations).to_have_count(0)
        expect(tab.replies).to_have_count(0)
        tab.press(ARABIC.log_out)
        log_in("مريم")
        expect(tab.conversations.locator(".title")).to_have_text(ASK_ARABIC)
        context.clear_cookies()  # the session has ended meanwhile
        reply = tab.send(ASK_ENGLISH)
        expect(reply).to_have_attribute("data-state", "failed")
        expect(reply).to_contain_text(ARABIC.expired)
        context.close()


def kept(tab: Tab) -> dict[str, str]:
    """What the browser keeps of conversations."""
    return dict(
        tab.page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('dalil-chat-'))"),
    )


def test_what_the_browser_kept_is_not_trusted(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.ask(ASK_FACT)
    ((key, text),) = kept(tab).items()
    good = json.loads(text)
    hostile = json.loads(text)
    hostile |= {"id": "hostile", "title": INJECTION}
    turn = hostile["turns"][0]
    turn |= {"question": INJECTION, "reply": f"{INJECTION} [1]", "note": INJECTION, "language": '"><img src=x>'}
    place = turn["sources"][0]["place"]
    place |= {"title": INJECTION, "document_id": INJECTION, "quote": INJECTION, "before": INJECTION, "date": INJECTION}
    bad = [
        "",
        "{",
        "null",
        "[]",
        json.dumps(good | {"version": 99}),
        json.dumps(good | {"turns": [{"question": 1}]}),
        json.dumps(good | {"turns": "none"}),
        json.dumps(good | {"created": -1, "id": "x"}),
        json.dumps(good | {"id": "<img>"}),
    ]
    entries = {f"dalil-chat-bad-{number}": text for number, text in enumerate(bad)}
    entries["dalil-chat-hostile"] = json.dumps(hostile)
    tab.page.evaluate("(all) => Object.entries(all).forEach(([k, v]) => localStorage.setItem(k, v))", entries)
    tab.reload()
    expect(tab.conversations).to_have_count(2)
    tab.page.locator(".conversation[data-id=hostile] .open").click()
    expect(tab.questions).to_have_text(INJECTION)
    tab.replies.first.locator("a.cite").click()
    expect(tab.card()).to_contain_text(INJECTION)
    expect(tab.page.locator("#main img, #main b")).to_have_count(0)
    expect(tab.page).to_have_title(ENGLISH.name)
    tab.ask(ASK_ENGLISH)
    assert key in kept(tab)


@pytest.mark.parametrize(
    "obstacle",
    [
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }",
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })",
    ],
)
def test_without_storage_conversations_last_as_long_as_the_page(
    open_tab: OpenTab, browser: Browser, obstacle: str
) -> None:
    context = browser.new_context(locale="ar", viewport=DESKTOP)
    context.add_init_script(obstacle)
    tab = open_tab(context=context)
    tab.ask(ASK_ARABIC)
    tab.press(ARABIC.new_chat)
    tab.ask(ASK_ENGLISH)
    expect(tab.conversations).to_have_count(2)
    expect(tab.page.locator("#drawer .not-kept")).to_contain_text(ARABIC.not_kept)
    tab.conversations.nth(1).locator(".open").click()
    expect(tab.questions).to_have_text([ASK_ARABIC])


# ---- taken away


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_a_conversation_is_exported_in_readable_order(open_tab: OpenTab, tmp_path: Path, locale: Language) -> None:
    tab = open_tab(locale)
    texts = TEXTS[locale]
    tab.ask(ASK_ARABIC)
    tab.ask(ASK_ENGLISH)
    tab.ask(ASK_ACROSS)
    tab.ask(f"{INJECTION} # [x](y)")
    with tab.page.expect_download() as waiting:
        tab.press(texts.export, tab.conversations.first)
    assert waiting.value.suggested_filename == "ما-هو-الممر-الأوسط.md"
    file = tmp_path / "conversation.md"
    waiting.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    rtl, ltr = "\u200f", "\u200e"
    one, two = ("١", "٢") if locale == "ar" else ("1", "2")

    assert f"## {rtl}{ASK_ARABIC}" in lines
    (said,) = [line for line in lines if line.startswith(rtl + ARABIC_QUOTE[:20])]
    # A mark is framed by signs of its line's direction, so that it does not stick to the Latin name before it.
    assert f"TITR {rtl}[{two}]{rtl}." in said
    assert f"> {rtl}{ARABIC_NAME_QUOTE}" in lines
    assert f"## {ltr}{ASK_ENGLISH}" in lines
    assert any(line.startswith(f"{ltr}Japan will spend") and f" {ltr}[{one}]{ltr}" in line for line in lines)
    assert f"> {ltr}{ENGLISH_QUOTE.replace('&', chr(92) + '&')}" in lines
    # The other script keeps its own direction, a quote as a whole in a block of its own.
    assert any(f"\u2068«{ARABIC_QUOTE[:-1]}»\u2069" in line for line in lines)
    other, quote = ("ltr", ENGLISH_QUOTE) if locale == "ar" else ("rtl", ARABIC_QUOTE)
    quoted = next(number for number, line in enumerate(lines) if line.startswith("> ") and quote[:20] in line)
    assert lines[quoted - 2].startswith(f'<div dir="{other}"')
    page = rtl if locale == "ar" else ltr
    (source,) = [line for line in lines if line.startswith(f"{page}[{two}]{page} ")]
    assert ARABIC_DOCUMENT.title in source
    assert f"`{ARABIC_DOCUMENT.id}`" in source
    assert ("٢٨ ديسمبر ٢٠٢٥" if locale == "ar" else "28 December 2025") in source
    assert text.count("<div ") == text.count("</div>")
    # What people and documents wrote is neither Markdown nor HTML.
    assert "<img" not in text.replace("\\<img", "")
    assert "![" not in text.replace("\\!\\[", "")
    assert any(texts.closest in line for line in lines)


# ---- what people think


@pytest.mark.parametrize(("locale", "viewport"), [("ar", DESKTOP), ("en", PHONE)])
def test_thumbs_with_a_reason(
    open_tab: OpenTab, dalil: FakeDalil, feedback: FakeFeedback, locale: Language, viewport: object
) -> None:
    tab = open_tab(locale, viewport)
    texts = TEXTS[locale]
    tab.ask(ASK_FACT)
    reply = tab.ask(ASK_ARABIC)
    tab.press(texts.good, reply)
    reason = reply.get_by_role("textbox", name=texts.why_good)
    expect(reason).to_be_focused()
    expect(reply.get_by_role("button", name=texts.good, exact=True)).to_have_attribute("aria-pressed", "true")
    tab.press(texts.bad, reply)  # after all
    expect(reply.get_by_role("button", name=texts.good, exact=True)).to_have_attribute("aria-pressed", "false")
    reply.get_by_role("textbox", name=texts.why).fill(f"ليس هذا {INJECTION}")
    tab.press(texts.send_reason, reply)
    expect(reply.locator(".rated")).to_have_text(texts.thanks)
    tab.ask(ASK_ENGLISH)  # the verdict has gone its way before this question
    ((answer, verdict, why, history),) = feedback.entries.values()
    assert (answer, verdict, why) == (ANSWERS[ASK_ARABIC], "down", f"ليس هذا {INJECTION}")
    assert history == [(ASK_FACT, ANSWERS[ASK_FACT].text)]
    tab.reload()
    bad = tab.replies.nth(1).get_by_role("button", name=texts.bad, exact=True)
    expect(bad).to_have_attribute("aria-pressed", "true")


def test_an_answer_that_the_server_forgot_cannot_be_rated(open_tab: OpenTab, feedback: FakeFeedback) -> None:
    tab = open_tab("ar")
    tab.ask(ASK_ARABIC)
    ((key, text),) = kept(tab).items()
    (turn,) = json.loads(text)["turns"]
    tab.page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, text.replace(turn["id"], "0" * 32)])
    tab.reload()  # as if the server had been started anew
    tab.press(ARABIC.good, tab.replies.first)
    expect(tab.replies.first.locator(".rated")).to_have_text(ARABIC.not_rated)
    assert feedback.entries == {}
