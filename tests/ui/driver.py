"""Drives the chat in a real browser."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Locator, Page, ViewportSize, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Chromium itself calls home unless told not to, which would hide calls of the page.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP: ViewportSize = {"width": 1360, "height": 850}
PHONE: ViewportSize = {"width": 390, "height": 844}
PAGE_MILLISECONDS = 60_000
"""What a page may take on a busy machine; tests wait for states, never for a time."""

LEFT = re.compile("AbortError|Connection errored out")
FINISHED = re.compile("answered|abstained|failed")


@dataclass
class Tab:
    """A page, and all that it asked for and complained about."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Go to the chat and wait until it can be used."""
        self.page.goto(self.address)
        self.wait()

    def reload(self) -> None:
        """Load the page again and wait until it can be used."""
        self.page.reload(wait_until="domcontentloaded")
        self.wait()
        # Gradio complains of its own stream when the page is left just before the server has closed it.
        self.complaints = [one for one in self.complaints if not LEFT.search(one)]

    def wait(self) -> None:
        """Wait until the page can be used."""
        self.page.wait_for_selector("html.ready #question textarea")

    @property
    def box(self) -> Locator:
        """Where questions are typed."""
        return self.page.locator("#question textarea")

    @property
    def replies(self) -> Locator:
        """Every reply of the open conversation."""
        return self.page.locator(".message.reply")

    @property
    def questions(self) -> Locator:
        """Every question of the open conversation."""
        return self.page.locator(".message.question > .text")

    def send(self, question: str) -> Locator:
        """Send a question; returns its reply, which may still be on its way."""
        before = self.replies.count()
        self.box.fill(question)
        self.page.keyboard.press("Enter")
        expect(self.replies).to_have_count(before + 1)
        return self.replies.nth(before)

    def ask(self, question: str) -> Locator:
        """Send a question and wait for its reply, which is returned."""
        reply = self.send(question)
        expect(reply).to_have_attribute("data-state", FINISHED)
        return reply

    def question(self, number: int) -> Locator:
        """A question of the conversation, counted from 0."""
        return self.page.locator(".message.question").nth(number)

    def card(self) -> Locator:
        """The card that is open."""
        return self.page.locator("#sources .card.open")

    @property
    def conversations(self) -> Locator:
        """Every conversation in the list, the last one first."""
        return self.page.locator("#drawer .conversation")

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press the button of this name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()


OpenTab = Callable[..., Tab]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application in a thread on a free port; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
