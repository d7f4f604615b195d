"""Markdown as a reader sees it rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assistant.readers.front_matter import split_front_matter
from assistant.readers.html import add_html
from assistant.readers.layout import Layout, join_cells
from assistant.schema import Source

if TYPE_CHECKING:
    from markdown_it.token import Token

_PIECE = 1_000_000
"""Characters parsed at once, more or less: the parser takes two hundred times its input."""
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_PLAIN_START = re.compile(r"[^\W\d_]|#{1,6} ")
_LINE_BREAK_TAG = re.compile(r"</?(?:br|p|div|hr|li|tr|td)\b", re.IGNORECASE)


def read_markdown(layout: Layout, text: str) -> Source:
    """Headings, paragraphs, items and table rows; the text of HTML blocks is read too."""
    from markdown_it import MarkdownIt

    matter, body = split_front_matter(layout.document_id, text)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for piece in _pieces(body):
        _add_blocks(layout, parser.parse(piece))
    return layout.source(matter)


def _pieces(text: str) -> Iterator[str]:
    """Long text in parts that end before a heading or paragraph outside of lists and code."""
    if len(text) <= _PIECE:
        yield text
        return
    lines: list[str] = []
    length = 0
    fenced = False
    for line in text.splitlines(keepends=True):
        if length > _PIECE and not fenced and not lines[-1].strip() and _PLAIN_START.match(line):
            yield "".join(lines)
            lines, length = [], 0
        fenced ^= _FENCE.match(line) is not None
        lines.append(line)
        length += len(line)
    yield "".join(lines)


def _add_blocks(layout: Layout, tokens: Sequence[Token]) -> None:
    item_depth = 0
    heading = 0
    row: list[str] | None = None
    for token in tokens:
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
