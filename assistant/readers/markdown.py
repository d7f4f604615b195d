"""Markdown as a reader sees it rendered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.readers.front_matter import split_front_matter
from assistant.readers.html import add_html
from assistant.readers.layout import Layout, join_cells
from assistant.schema import Source

if TYPE_CHECKING:
    from markdown_it.token import Token

_LINE_BREAK_TAG = re.compile(r"</?(?:br|p|div|hr|li|tr|td)\b", re.IGNORECASE)


def read_markdown(layout: Layout, text: str) -> Source:
    """Headings, paragraphs, items and table rows; the text of HTML blocks is read too."""
    from markdown_it import MarkdownIt

    matter, body = split_front_matter(layout.document_id, text)
    item_depth = 0
    heading = 0
    row: list[str] | None = None
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        if token.type in {"list_item_open", "list_item_close"}:
            item_depth += token.nesting
        elif token.type in {"heading_open", "heading_close"}:
            heading = int(token.tag[1]) if token.nesting == 1 else 0
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            layout.add(join_cells(row), "row")
            row = None
        elif token.type in {"fence", "code_block"}:
            for line in token.content.splitlines():
                layout.add(line, "paragraph")
        elif token.type == "html_block":
            add_html(layout, token.content)
        elif token.type == "inline":
            plain = _plain(token.children or [])
            if row is not None:
                row.append(plain)
            elif heading:
                layout.add(plain, "heading", heading)
            else:
                layout.add(plain, "item" if item_depth else "paragraph")
    return layout.source(matter)


def _plain(tokens: list[Token]) -> str:
    """Inline Markdown as a reader sees it."""
    parts: list[str] = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif token.type == "html_inline":
            parts.append(" " if _LINE_BREAK_TAG.match(token.content) else "")
        elif token.type == "image":
            parts.append(_plain(token.children or []))
    return "".join(parts)
