"""The knowledge page in a real browser, over a real assistant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from assistant import Assistant, Settings
from assistant.encoder import Encoder
from assistant.security import Access, hash_password, token_digest
from assistant.server import create_app
from assistant.ui.knowledge_texts import ARABIC, ENGLISH, KNOWLEDGE_TEXTS
from assistant.ui.texts import Language
from tests.helpers import write_knowledge

from .driver import DESKTOP, PAGE_MILLISECONDS, PHONE, Tab, serving
from .fake import INJECTION

pytestmark = pytest.mark.browser

LOCALES: dict[Language, str] = {"ar": "ar-SA", "en": "en-US"}
READY = "html.ready #shelf #rows"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def dalil(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[Assistant]:
    """An assistant over a small knowledge folder that these tests may change, with the default model."""
    place = tmp_path_factory.mktemp("page")
    write_knowledge(place / "knowledge")
    with Assistant(Settings(knowledge_dir=place / "knowledge", data_dir=place / "data")) as dalil:
        dalil.sync()
        yield dalil


@pytest.fixture(scope="module")
def folder(dalil: Assistant) -> Path:
    """Where its documents are."""
    return dalil.settings.knowledge_dir / "documents"


@pytest.fixture(scope="module")
def address(dalil: Assistant) -> Iterator[str]:
    """Where it is served."""
    with serving(create_app(dalil)) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens the page; afterwards it may not have asked another site or complained on its console."""
    asked: list[str] = []
    complaints: list[str] = []
    pages: list[Page] = []

    def open_it(
        language: Language = "ar",
        viewport: ViewportSize = DESKTOP,
        headers: dict[str, str] | None = None,
        at: str = address,
    ) -> Page:
        context = browser.new_context(locale=LOCALES[language], viewport=viewport, extra_http_headers=headers)
        page = context.new_page()
        page.set_default_timeout(PAGE_MILLISECONDS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{at}/knowledge")
        page.wait_for_selector(READY)
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.context.close()
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []
    assert complaints == []


def rows(page: Page) -> list[str]:
    """Titles of the documents that are shown."""
    return page.locator("#shelf .item h2").all_inner_texts()


def no_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("language", "viewport"), [("ar", DESKTOP), ("en", DESKTOP), ("ar", PHONE), ("en", PHONE)])
def test_search_finds_whatever_the_spelling(open_page: OpenPage, language: Language, viewport: ViewportSize) -> None:
    page = open_page(language, viewport)
    texts = KNOWLEDGE_TEXTS[language]
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    box = page.get_by_role("searchbox", name=texts.search)
    for query in ("نَهْرُ الأَمَلِ", "نهر الامل", "نهر ألامل"):
        box.fill("")
        expect(page.locator("#shelf .item")).not_to_have_count(1)
        box.press_sequentially(query)
        expect(page.locator("#shelf .item h2")).to_have_text(["نهر الأمل"])
    row = page.locator("#shelf .item .text")
    expect(row).to_have_attribute("dir", "rtl")
    expect(row).to_have_attribute("lang", "ar")
    date = page.locator("#shelf .item time")
    expect(date).to_have_text("٢ يناير ٢٠٢٥" if language == "ar" else "2 January 2025")

    box.fill("١٩٦٤")
    expect(page.get_by_role("tab", name=texts.facts)).to_contain_text("١" if language == "ar" else "1")
    page.get_by_role("tab", name=texts.documents).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name=texts.facts)).to_be_focused()
    expect(page.get_by_role("tab", name=texts.facts)).to_have_attribute("aria-selected", "true")
    statements = page.locator("#shelf .statement")
    expect(statements).to_have_count(2)
    for code in ("ar", "en"):
        expect(page.locator(f"#shelf .statement[lang={code}]")).to_contain_text("1964")
    expect(page.locator("#shelf blockquote")).to_have_text("The harbour of Salma opened in 1964.")
    expect(page.locator("#shelf figure")).to_have_attribute("dir", "ltr")
    box.fill("لا يوجد شيء كهذا")
    expect(page.get_by_text(texts.nothing_found)).to_be_visible()
    assert no_wider_than_the_screen(page)


def test_language_and_theme_switch_in_place_and_hold_in_the_chat(open_page: OpenPage, address: str) -> None:
    page = open_page("ar")
    page.get_by_role("searchbox").fill("مسودة")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    expect(page).to_have_title(re.compile(ENGLISH.title))
    expect(page.get_by_role("searchbox", name=ENGLISH.search)).to_have_value("مسودة")
    expect(page.get_by_role("heading", name=ENGLISH.state)).to_be_visible()
    expect(page.get_by_text(ARABIC.state)).to_be_hidden()
    page.get_by_role("button", name=ENGLISH.theme).click()
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    page.get_by_role("link", name=ENGLISH.chat).click()
    page.wait_for_selector("html.ready #question textarea")
    assert page.url == f"{address}/"
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    page.goto(f"{address}/knowledge/")
    page.wait_for_selector(READY)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("body")).to_have_class(re.compile("dark"))


@pytest.mark.parametrize(("language", "viewport"), [("ar", DESKTOP), ("en", PHONE)])
def test_an_uploaded_file_is_asked_about(
    open_page: OpenPage, address: str, folder: Path, tmp_path: Path, language: Language, viewport: ViewportSize
) -> None:
    texts = KNOWLEDGE_TEXTS[language]
    name = f"منارة {language} ٢٠٢٥.md"
    new = tmp_path / name
    colour = {"ar": "بنفسجي", "en": "برتقالي"}[language]
    new.write_text(
        f"# منارة الفجر في {colour}ة\n\nبُنيت منارة الفجر عام ١٩٨٧ على جزيرة {colour}ة. "
        f"لون منارة الفجر {colour} فاتح.\n",
        encoding="utf-8",
    )
    bad = tmp_path / "broken.pdf"
    bad.write_bytes(b"%PDF-1.7 and then nothing")
    tool = tmp_path / "tool.exe"
    tool.write_bytes(b"MZ")
    page = open_page(language, viewport)
    page.locator("#files").set_input_files([new, bad, tool])
    results = page.locator("#said .result")
    expect(results).to_have_count(3)
    for number, outcome in enumerate(("added", "refused", "format")):
        expect(results.nth(number)).to_have_attribute("data-outcome", outcome)
        expect(results.nth(number)).to_contain_text(texts.outcomes[outcome])
    expect(results.nth(0)).to_contain_text("منارة")
    expect(results.nth(1)).to_contain_text("the PDF ")
    expect(page.locator("#said")).to_have_attribute("role", "status")
    assert (folder / name).read_bytes() == new.read_bytes()
    assert not (folder / "broken.pdf").exists()
    page.get_by_role("searchbox").fill(f"مناره {language}")
    expect(page.locator("#shelf .item")).to_have_count(1)

    page.get_by_role("link", name=texts.chat).click()
    page.wait_for_selector("html.ready #question textarea")
    reply = Tab(page, address).ask(f"ما لون منارة الفجر في جزيرة {colour}ة؟")
    expect(reply).to_have_attribute("data-state", "answered")
    expect(reply).to_contain_text(colour)
    (folder / name).unlink()


def test_a_file_that_is_too_large_is_named_and_the_others_are_taken(
    open_page: OpenPage, dalil: Assistant, folder: Path, tmp_path: Path
) -> None:
    large, small = tmp_path / "كبير.txt", tmp_path / "صغير.txt"
    large.write_text("س" * dalil.settings.max_upload_mb * 2**19 + "كبير", encoding="utf-8")
    small.write_text("ملف صغير.", encoding="utf-8")
    page = open_page("ar")
    page.locator("#files").set_input_files([large, small])
    expect(page.locator("#said .result")).to_have_attribute("data-outcome", "added")
    expect(page.locator("#local")).to_contain_text("كبير.txt")
    expect(page.locator("#local")).to_contain_text(ARABIC.too_large)
    assert not (folder / "كبير.txt").exists()
    (folder / "صغير.txt").unlink()
    dalil.sync()


def test_another_file_of_the_name_is_replaced_when_asked_for(
    open_page: OpenPage, dalil: Assistant, folder: Path, tmp_path: Path
) -> None:
    (folder / "لوح.txt").write_text("كان النص قديمًا.", encoding="utf-8")
    dalil.sync()
    new = tmp_path / "لوح.txt"
    new.write_text("صار النص جديدًا.", encoding="utf-8")
    page = open_page("ar")
    page.locator("#files").set_input_files([new])
    result = page.locator("#said .result")
    expect(result).to_have_attribute("data-outcome", "exists")
    assert (folder / "لوح.txt").read_text(encoding="utf-8") == "كان النص قديمًا."
    page.get_by_role("button", name=ARABIC.replace).click()
    expect(result).to_have_attribute("data-outcome", "replaced")
    assert dalil.document("documents/لوح.txt").text == "صار النص جديدًا."
    (folder / "لوح.txt").unlink()
    dalil.sync()


@pytest.mark.parametrize(("language", "viewport"), [("ar", PHONE), ("en", DESKTOP)])
def test_a_document_is_removed_after_a_question(
    open_page: OpenPage, dalil: Assistant, folder: Path, language: Language, viewport: ViewportSize
) -> None:
    texts = KNOWLEDGE_TEXTS[language]
    title = f"سجل {INJECTION}"
    (folder / "log.md").write_text(f"---\ntitle: {json.dumps(title)}\n---\nسجل قديم لا حاجة إليه.\n", "utf-8")
    dalil.sync()
    page = open_page(language, viewport)
    remove = page.get_by_role("button", name=f"{texts.remove}: {title}")
    remove.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=texts.confirm_title)
    expect(dialog).to_contain_text(title)
    expect(dialog.get_by_role("button", name=texts.cancel)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(remove).to_be_focused()
    assert (folder / "log.md").exists()

    remove.click()
    dialog.get_by_role("button", name=texts.remove).click()
    expect(page.locator("#said")).to_contain_text(texts.was_removed.format(title=title))
    expect(remove).to_have_count(0)
    expect(page.locator("#rows")).to_be_focused()
    assert not (folder / "log.md").exists()
    assert page.title() != "owned"
    assert no_wider_than_the_screen(page)


def test_facts_that_rest_on_a_document_are_named_before_it_goes(open_page: OpenPage, folder: Path) -> None:
    page = open_page("ar")
    page.get_by_role("button", name=f"{ARABIC.remove}: نهر الأمل").click()
    dialog = page.get_by_role("dialog", name=ARABIC.confirm_title)
    expect(dialog).to_contain_text(ARABIC.confirm_cited)
    expect(dialog).to_contain_text("river-length")
    dialog.get_by_role("button", name=ARABIC.cancel).click()
    assert (folder / "river.ar.md").exists()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_sync_shows_what_failed(open_page: OpenPage, dalil: Assistant, folder: Path, language: Language) -> None:
    texts = KNOWLEDGE_TEXTS[language]
    page = open_page(language)
    (folder / "تالف.pdf").write_bytes(b"not a pdf")
    (folder / "سليم.txt").write_text("نص سليم.", encoding="utf-8")
    page.get_by_role("button", name=texts.sync).click()
    expect(page.locator("#said")).to_contain_text(texts.synced)
    problems = page.locator("#state .problems.failed")
    expect(problems).to_contain_text(texts.failures)
    expect(problems).to_contain_text("تالف")
    expect(page.locator("#state")).to_contain_text(
        f"{texts.added} {'١' if language == 'ar' else '1'}", use_inner_text=True
    )
    expect(page.get_by_role("button", name=texts.sync)).to_be_enabled()
    for name in ("تالف.pdf", "سليم.txt"):
        (folder / name).unlink()
    dalil.sync()


def test_an_outsider_reads_only(open_page: OpenPage, dalil: Assistant) -> None:
    access = Access({"سلمى": hash_password("a long password")}, {"script": token_digest("its token")})
    with serving(create_app(dalil, access=access)) as address:
        page = open_page("ar", DESKTOP, {"Authorization": "Bearer its token"}, address)
        expect(page.get_by_text(ARABIC.obstacles["user"])).to_be_visible()
        assert "نهر الأمل" in rows(page)
        expect(page.get_by_role("button", name=ARABIC.remove)).to_have_count(0)
        expect(page.get_by_role("button", name=ARABIC.sync)).to_have_count(0)
        expect(page.locator("#files")).to_have_count(0)
        page.context.close()


def test_who_logs_in_may_edit(browser: Browser, dalil: Assistant) -> None:
    access = Access({"سلمى": hash_password("كلمة مرور طويلة")})
    with serving(create_app(dalil, access=access)) as address:
        page = browser.new_context(locale="ar-SA").new_page()
        page.set_default_timeout(PAGE_MILLISECONDS)
        page.goto(f"{address}/knowledge/")
        page.locator("#name").fill("سلمى")
        page.locator("#password").fill("كلمة مرور طويلة")
        page.keyboard.press("Enter")
        page.wait_for_selector(READY)
        assert page.url == f"{address}/knowledge/"
        expect(page.get_by_role("button", name=ARABIC.sync)).to_be_visible()
        expect(page.locator("#files")).to_have_count(1)
        page.context.close()
