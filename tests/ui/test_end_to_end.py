"""From the shipped files to cited answers in a real browser, nothing faked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from assistant import Assistant, Settings
from assistant.security import Access, hash_password
from assistant.server import create_app

from .driver import PHONE, OpenTab, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(shipped: Assistant) -> Iterator[str]:
    """Where the chat over the shipped knowledge base is served while these tests run."""
    with serving(create_app(shipped)) as address:
        yield address


def test_an_arabic_question_is_answered_from_an_arabic_document(open_tab: OpenTab, shipped: Assistant) -> None:
    tab = open_tab("ar-SA")
    reply = tab.ask("متى بدأ الحوار بين اليابان وآسيا الوسطى؟")
    expect(reply).to_have_attribute("data-state", "answered")
    expect(reply).to_have_attribute("dir", "rtl")
    expect(reply).to_contain_text("2004")
    reply.locator("a.cite").first.click()
    quote = tab.card().locator("mark")
    expect(quote).to_contain_text("2004")
    assert quote.inner_text() in shipped.document("documents/dialogue-since-2004.ar.md").text


def test_an_english_question_is_answered_across_languages(open_tab: OpenTab) -> None:
    tab = open_tab("en-US", PHONE)
    reply = tab.ask("Why did Japan withdraw from the Stepnogorsk project?")
    expect(reply).to_have_attribute("dir", "ltr")
    expect(reply).to_contain_text("technical")
    reply.locator("a.cite").first.click()
    expect(tab.card()).to_have_attribute("dir", "rtl")  # the source is Arabic
    expect(tab.card()).to_contain_text("ستبنوغورسك")


def test_what_is_not_there_is_declined(open_tab: OpenTab) -> None:
    tab = open_tab("en-US")
    expect(tab.ask("What is the capital of France?")).to_have_attribute("data-state", "abstained")
    expect(tab.ask("ما طول نهر النيل؟")).to_have_attribute("data-state", "abstained")


@pytest.mark.parametrize(
    ("locale", "way", "heading"), [("ar-SA", "rtl", "واجهة البرامج"), ("en-US", "ltr", "For programs")]
)
def test_a_user_logs_in_and_is_led_back(
    browser: Browser, shipped: Assistant, locale: str, way: str, heading: str
) -> None:
    access = Access({"مريم": hash_password("كلمة سرّ طويلة")})
    with serving(create_app(shipped, Settings(), access)) as address:
        context = browser.new_context(locale=locale, viewport=PHONE, java_script_enabled=False)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/api/docs")
        expect(page.locator("html")).to_have_attribute("dir", way)
        assert page.url == f"{address}/login?next=api/docs"
        expect(page.locator("input[name=name]")).to_be_focused()
        page.keyboard.type("مريم")
        page.keyboard.press("Tab")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("input[name=password]")).to_be_focused()  # the name is there already
        page.keyboard.type("كلمة سرّ طويلة")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert page.url == f"{address}/api/docs"
        for element in page.locator("html, main, .card").all():
            box = element.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
        assert [url for url in asked if not url.startswith(f"{address}/")] == []
        assert any(url.endswith(".ttf") for url in asked)
        context.close()
