"""What the tests of the interface share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from .driver import CHROMIUM, DESKTOP, PAGE_MILLISECONDS, QUIET, OpenTab, Tab
from .fake import FakeDalil


@pytest.fixture
def dalil() -> FakeDalil:
    """An assistant that has not been asked anything."""
    return FakeDalil()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; a failure in CI where there is none, a skipped test elsewhere.

    One for each file of tests: its event loop runs in our thread, and tests of other files have their own.
    """
    if CHROMIUM is None:
        reason = "the chat's browser tests need Chromium (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        expect.set_options(timeout=PAGE_MILLISECONDS)  # a busy machine may take its time over anything
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(browser: Browser, address: str) -> Iterator[OpenTab]:
    """Opens the chat; afterwards no tab may have asked another site or complained on its console."""
    tabs: list[Tab] = []

    def open_it(locale: str = "en-US", viewport: ViewportSize = DESKTOP, context: BrowserContext | None = None) -> Tab:
        """A tab in a browser of its own, or a further one in that of ``context``."""
        context = context or browser.new_context(
            locale=locale, viewport=viewport, permissions=["clipboard-read", "clipboard-write"]
        )
        tab = Tab(context.new_page(), address)
        tab.page.set_default_timeout(PAGE_MILLISECONDS)
        tab.page.on("request", lambda request: tab.requests.append(request.url))
        tab.page.on("websocket", lambda websocket: tab.requests.append(websocket.url))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on(
            "console",
            lambda message: tab.complaints.append(message.text) if message.type == "error" else None,
        )
        tab.open()
        tabs.append(tab)
        return tab

    yield open_it
    for tab in tabs:
        elsewhere = [url for url in tab.requests if not url.startswith((f"{address}/", "data:", "blob:"))]
        assert elsewhere == []
        assert tab.complaints == []
        assert len(tab.requests) > 10
    for context in {tab.page.context for tab in tabs}:
        context.close()
