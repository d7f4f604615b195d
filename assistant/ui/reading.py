"""The page that shows a whole document as text, with the quoted sentence marked and scrolled to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from assistant.errors import DalilError
from assistant.schema import Document
from assistant.ui.conversation import Dalil, quote_digest
from assistant.ui.render import both
from assistant.ui.texts import Language, direction, interface_language, texts_json

PATH = "/document"

MAX_HEADING = 120
"""Characters; a longer line is a paragraph."""

_BLANK_LINES = re.compile(r"\n\s*\n")
_ENDS = tuple(".!?؟:؛;،,…»”\"')]")
"""A heading is a line that ends with none of these."""

_PAGE = """<!doctype html>
<html lang="{ui}" dir="{ui_way}" class="reading">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="ui/icon.svg">
<link rel="stylesheet" href="ui/app.css">
<link rel="stylesheet" href="ui/reading.css">
<script type="application/json" id="dalil-texts">{texts}</script>
<script src="ui/early.js"></script>
<script type="module" src="ui/reading.js"></script>
</head>
<body>
<header class="reading-bar">
<a class="pill back" href="./">{back}</a>
{to_quote}
</header>
<main>
{content}
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A heading or a paragraph of a document: ``document.text[start:end]``."""

    start: int
    end: int
    heading: bool


def reading_routes(dalil: Dalil) -> APIRouter:
    """The page of a document, for those who may read the knowledge base."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH, response_class=HTMLResponse)
    def document(
        id: Annotated[str, Query(max_length=2_000)],
        start: int = -1,
        end: int = -1,
        check: Annotated[str, Query(max_length=64)] = "",
        ui: Annotated[str, Query(max_length=8)] = "en",
    ) -> HTMLResponse:
        interface = interface_language(ui)
        try:
            found = dalil.document(id)
        except DalilError:
            return HTMLResponse(missing_page(interface), 404)
        return HTMLResponse(document_page(found, interface, start, end, check), headers={"Cache-Control": "no-cache"})

    return router


def document_page(document: Document, interface: Language, start: int = -1, end: int = -1, check: str = "") -> str:
    """A document as a page.

    Args:
        document: What is shown.
        interface: Language of everything around it, until the browser says otherwise.
        start: Where the quote begins, in characters of the text; negative where nothing is quoted.
        end: Where it ends.
        check: ``quote_digest`` of the quote; where the text there is another by now, nothing is marked.
    """
    asked = start >= 0
    marked = asked and start < end and (not check or quote_digest(document.text[start:end]) == check)
    way, language = direction(document.language), escape(document.language)
    notice = f'<p class="notice" role="status">{both(lambda t: t.changed)}</p>' if asked and not marked else ""
    body = "".join(_blocks(document.text, start if marked else -1, end if marked else -1))
    content = (
        f'{notice}<article><header><h1 lang="{language}" dir="auto">{escape(document.title)}</h1>'
        f"{_about(document)}</header>"
        f'<div class="text" lang="{language}" dir="{way}">{body}</div></article>'
    )
    to_quote = f'<a class="pill to-quote" href="#quote">{both(lambda t: t.to_quote)}</a>' if marked else ""
    return _page(interface, document.title, content, to_quote)


def missing_page(interface: Language) -> str:
    """What is shown where there is no such document."""
    content = f"<article><h1>{both(lambda t: t.gone)}</h1><p>{both(lambda t: t.gone_note)}</p></article>"
    return _page(interface, "404", content)


def text_blocks(text: str) -> list[TextBlock]:
    """Headings and paragraphs in order.

    Documents are kept as plain text. A heading is what looks like one: a short line by itself that does not end
    as a sentence does and has something below it.
    """
    spans = list(_spans(text))
    return [
        TextBlock(start, end, position + 1 < len(spans) and _looks_like_heading(text[start:end]))
        for position, (start, end) in enumerate(spans)
    ]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the texts between blank lines begin and end, without the white space around them."""
    begins = [0, *(match.end() for match in _BLANK_LINES.finditer(text))]
    ends = [*(match.start() for match in _BLANK_LINES.finditer(text)), len(text)]
    for begin, end in zip(begins, ends, strict=True):
        part = text[begin:end]
        if inner := part.strip():
            start = begin + len(part) - len(part.lstrip())
            yield start, start + len(inner)


def _looks_like_heading(line: str) -> bool:
    return len(line) <= MAX_HEADING and "\n" not in line and "\t" not in line and not line.endswith(_ENDS)


def _blocks(text: str, start: int, end: int) -> Iterator[str]:
    first = True
    for block in text_blocks(text):
        tag = "h2" if block.heading else "p"
        mark_start, mark_end = max(start, block.start), min(end, block.end)
        if mark_start < mark_end:
            anchor = ' id="quote" tabindex="-1"' if first else ""
            first = False
            inner = (
                f"{escape(text[block.start : mark_start])}<mark{anchor}>{escape(text[mark_start:mark_end])}</mark>"
                f"{escape(text[mark_end : block.end])}"
            )
        else:
            inner = escape(text[block.start : block.end])
        # Each block finds its own direction: an English document may hold an Arabic paragraph.
        yield f'<{tag} dir="auto">{inner}</{tag}>\n'


def _about(document: Document) -> str:
    """Origin, date, language and file, as far as they are known."""
    parts = []
    if document.source not in ("", document.id):
        parts.append(f"<bdi>{escape(document.source)}</bdi>")
    if date := document.metadata.get("date", ""):
        parts.append(f'<bdi><time datetime="{escape(date)}">{escape(date)}</time></bdi>')
    parts.append(both(lambda t: t.languages.get(document.language, document.language)))
    parts.append(f"<bdi>{escape(document.id)}</bdi>")
    return '<ul class="about">' + "".join(f"<li>{part}</li>" for part in parts) + "</ul>"


def _page(interface: Language, title: str, content: str, to_quote: str = "") -> str:
    values: dict[str, Any] = {
        "ui": interface,
        "ui_way": direction(interface),
        "title": escape(title),
        "texts": texts_json(),
        "back": both(lambda t: t.back),
        "to_quote": to_quote,
        "content": content,
    }
    return _PAGE.format(**values)
