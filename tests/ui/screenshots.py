"""Takes the pictures of ``docs/screenshots``: ``python -m tests.ui.screenshots FOLDER``.

The shipped knowledge base is asked for real, in Chromium, in both languages, light and dark, on a desktop and on a
phone. The pictures are reduced to 256 colours where Pillow is there.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from assistant import Assistant, Settings
from assistant.server import create_app
from assistant.settings import shipped_knowledge_dir
from assistant.ui.texts import TEXTS, Language

from .driver import CHROMIUM, DESKTOP, PAGE_MILLISECONDS, PHONE, QUIET, Tab, serving
from .fake import FakeFeedback

KNOWLEDGE_PATH = "knowledge/"

QUESTIONS: dict[Language, tuple[str, ...]] = {
    "ar": (
        "ما هو الممر الأوسط؟",
        "How much will Japan spend on mineral supply chains?",
        "متى بدأ الحوار بين اليابان وآسيا الوسطى؟",
    ),
    "en": (
        "What is the Middle Corridor?",
        "متى بدأ الحوار بين اليابان وآسيا الوسطى؟",
        "How much will Japan spend on mineral supply chains?",
    ),
}
EARLIER: dict[Language, tuple[str, ...]] = {
    "ar": (
        "لماذا انسحبت اليابان من مشروع ستبنوغورسك؟",
        "What is gallium used for?",
        "ما الذي يدفع اليابان إلى آسيا الوسطى؟",
    ),
    "en": (
        "What is gallium used for?",
        "لماذا انسحبت اليابان من مشروع ستبنوغورسك؟",
        "What does Aktau receive from Japan?",
    ),
}
BEYOND: dict[Language, str] = {"ar": "ما هي عاصمة فرنسا؟", "en": "What is the capital of France?"}


class Camera:
    """Writes the pictures of one look (language, theme, device)."""

    def __init__(self, page: Page, folder: Path, look: str) -> None:
        self.page, self.folder, self.look = page, folder, look

    def take(self, what: str, *, still: bool = True) -> None:
        """One picture, once nothing moves any more; ``still`` takes the pointer and the focus away first."""
        if still:
            self.page.mouse.move(0, 0)
            self.page.evaluate("document.activeElement?.blur()")
        self.page.evaluate("document.fonts.ready")
        self.page.wait_for_timeout(400)  # a picture is of a moment: nothing else says that scrolling is over
        file = self.folder / f"{what}-{self.look}.png"
        self.page.screenshot(path=file, animations="disabled")
        compress(file)


def compress(file: Path) -> None:
    """Reduce a picture to 256 colours; as it is where Pillow is missing."""
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def take_all(folder: Path) -> None:
    """Every picture, in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        expect.set_options(timeout=PAGE_MILLISECONDS)
        settings = Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=Path(data))
        with Assistant(settings) as dalil:
            dalil.sync()
            with serving(create_app(dalil, feedback=FakeFeedback())) as address:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                devices = (("desktop", DESKTOP), ("phone", PHONE))
                for language, theme, (device, size) in itertools.product(("ar", "en"), ("light", "dark"), devices):
                    look = f"{language}-{theme}-{device}"
                    with opened(browser, address, language, theme, size) as tab:
                        take_look(tab, Camera(tab.page, folder, look), language, size is PHONE)
                    print(look)
                browser.close()


@contextmanager
def opened(browser: Browser, address: str, language: str, theme: str, size: ViewportSize) -> Iterator[Tab]:
    """The chat in a browser of its own."""
    context = browser.new_context(locale=language, color_scheme=theme, viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]  # of two words
    page = context.new_page()
    page.set_default_timeout(PAGE_MILLISECONDS)
    tab = Tab(page, address)
    tab.open()
    yield tab
    context.close()


def take_look(tab: Tab, camera: Camera, language: Language, phone: bool) -> None:
    """Every picture of one look."""
    texts = TEXTS[language]
    camera.take("welcome")
    for question in EARLIER[language]:
        tab.ask(question)
        tab.press(texts.new_chat)
    for question in QUESTIONS[language][:2]:
        tab.ask(question)
    camera.take("chat")

    reply = tab.replies.first
    reply.locator("a.cite").last.click()
    expect(tab.card()).to_be_in_viewport()
    camera.take("sources")
    tab.card().locator("a.whole").click()
    expect(tab.page.frame_locator("#reader iframe").locator("#quote")).to_be_visible()
    camera.take("document")
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")

    if phone:
        tab.press(texts.conversations)
    tab.page.mouse.move(0, 0)
    tab.page.evaluate("document.activeElement?.blur()")
    tab.conversations.nth(2).hover()
    camera.take("conversations", still=False)
    if phone:
        tab.page.keyboard.press("Escape")

    tab.press(texts.new_chat)
    tab.ask(BEYOND[language])
    camera.take("abstention")
    if phone:
        tab.replies.first.locator(".closest button").first.click()
        camera.take("closest")

    if tab.page.request.get(f"{tab.address}/{KNOWLEDGE_PATH}").ok:
        tab.page.goto(f"{tab.address}/{KNOWLEDGE_PATH}")
        tab.page.wait_for_selector("html.ready #shelf li")
        camera.take("knowledge")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.ui.screenshots FOLDER")
    take_all(Path(sys.argv[1]))
