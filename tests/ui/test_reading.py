"""The page of a whole document, without a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.ui.conversation import quote_digest
from assistant.ui.reading import document_page, reading_routes, text_blocks
from assistant.ui.texts import ARABIC

from .fake import (
    ARABIC_DOCUMENT,
    ARABIC_NAME_QUOTE,
    DIALOGUE_QUOTE,
    ENGLISH_DOCUMENT,
    INJECTION,
    LONG_DOCUMENT,
    FakeDalil,
)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of the page's route alone."""
    app = FastAPI()
    app.include_router(reading_routes(FakeDalil()))
    with TestClient(app) as client:
        yield client


def test_blocks_are_headings_and_paragraphs_with_their_places() -> None:
    text = "عنوان\n\nفقرة أولى.\nسطر ثان.\n \n\nA heading, too\n\nThe end"
    blocks = text_blocks(text)
    assert [(text[block.start : block.end], block.heading) for block in blocks] == [
        ("عنوان", True),
        ("فقرة أولى.\nسطر ثان.", False),
        ("A heading, too", True),
        ("The end", False),  # nothing stands below it
    ]


@pytest.mark.parametrize("line", ["Is it one?", "أهو عنوان؟", "It ends.", "a\tb", "x" * 121, "one\ntwo", "كما يلي:"])
def test_what_is_no_heading(line: str) -> None:
    assert [block.heading for block in text_blocks(f"{line}\n\nbelow")] == [False, False]


def test_white_space_alone_is_no_block() -> None:
    assert text_blocks("") == text_blocks(" \n\n \n") == []


def test_the_quote_is_marked_once_in_its_place() -> None:
    start = ARABIC_DOCUMENT.text.index(ARABIC_NAME_QUOTE)
    end = start + len(ARABIC_NAME_QUOTE)
    page = document_page(ARABIC_DOCUMENT, "ar", start, end, quote_digest(ARABIC_NAME_QUOTE))
    assert page.count("<mark") == 1
    assert f'<mark id="quote" tabindex="-1">{ARABIC_NAME_QUOTE}</mark> وقد زادت' in page
    assert '<html lang="ar" dir="rtl"' in page
    assert '<div class="text" lang="ar" dir="rtl">' in page
    assert '<h2 dir="auto">الممر الأوسط</h2>' in page
    assert "notice" not in page


def test_a_passage_of_several_paragraphs_is_marked_in_each() -> None:
    document = replace(ENGLISH_DOCUMENT, text="One one.\n\nTwo two.\n\nThree three.")
    page = document_page(document, "en", 4, 25)
    assert '<p dir="auto">One <mark id="quote" tabindex="-1">one.</mark></p>' in page
    assert '<p dir="auto"><mark>Two two.</mark></p>' in page
    assert '<p dir="auto"><mark>Three</mark> three.</p>' in page


@pytest.mark.parametrize(("start", "end", "check"), [(0, 5, "0" * 12), (5, 5, ""), (10**9, 10**9 + 5, "0" * 12)])
def test_nothing_is_marked_where_the_document_has_changed(start: int, end: int, check: str) -> None:
    page = document_page(ENGLISH_DOCUMENT, "en", start, end, check)
    assert "<mark" not in page
    assert '<p class="notice" role="status">' in page


def test_nothing_in_a_document_becomes_markup() -> None:
    hostile = replace(
        ENGLISH_DOCUMENT, title=INJECTION, source=INJECTION, metadata={"date": '"><b>'}, language='"><b>', id=INJECTION
    )
    page = document_page(hostile, "en", 0, 20)
    assert "<img" not in page
    assert "<b>" not in page


def test_a_document_is_found_by_its_id(client: TestClient) -> None:
    start = ENGLISH_DOCUMENT.text.index(DIALOGUE_QUOTE)
    asked = {"id": ENGLISH_DOCUMENT.id, "start": start, "end": start + len(DIALOGUE_QUOTE), "ui": "ar"}
    page = client.get("/document", params=asked)
    assert page.status_code == 200
    assert f">{DIALOGUE_QUOTE}</mark>" in page.text
    assert "&lt;img src=x" in page.text
    assert "<img" not in page.text


@pytest.mark.parametrize("document_id", ["../../etc/passwd", "gone.md", "<b>x</b>"])
def test_a_document_that_is_not_there(client: TestClient, document_id: str) -> None:
    page = client.get("/document", params={"id": document_id, "ui": "ar"})
    assert page.status_code == 404
    assert f'<h1><span class="label" lang="ar" dir="rtl">{ARABIC.gone}</span>' in page.text
    assert "<b>" not in page.text


def test_an_address_without_sense_is_refused(client: TestClient) -> None:
    assert client.get("/document").status_code == 422
    assert client.get("/document", params={"id": "x", "start": "one"}).status_code == 422
    assert client.get("/document", params={"id": "x" * 3000}).status_code == 422


def test_a_long_document_is_laid_out_in_a_moment() -> None:
    begun = time.perf_counter()
    page = document_page(LONG_DOCUMENT, "en", len(LONG_DOCUMENT.text) - 10, len(LONG_DOCUMENT.text))
    assert time.perf_counter() - begun < 5  # it takes a tenth of a second
    assert len(page) > 900_000
    assert page.count("<h2") == page.count("<p dir") - 1
    blanks = replace(LONG_DOCUMENT, text="a" + " \n" * 500_000)
    begun = time.perf_counter()
    document_page(blanks, "en")
    assert time.perf_counter() - begun < 5
