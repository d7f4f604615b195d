"""HTML: the content of a page without what surrounds it."""

from __future__ import annotations

import html as html_text
import re
from collections import Counter
from typing import TYPE_CHECKING

from assistant.readers.charset import decode_any
from assistant.readers.layout import CELL_MARK, Layout, join_cells
from assistant.schema import BlockKind, Source

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_DEPTH = 2_000
"""Parsers take quadratic time over deeper nesting; the text of such a page is taken without its structure."""

_UNREAD = frozenset(
    """
    head script style noscript template svg math iframe object embed canvas audio video map
    button select datalist dialog input textarea meter progress menu
    """.split()
)
"""Never text that a reader of the page reads."""
_SURROUNDINGS = frozenset("nav header footer aside".split())
_SURROUNDING_ROLES = frozenset("navigation banner contentinfo complementary search menu menubar dialog".split())
_SECTIONS = frozenset("article main section".split())
# Names that authors give to what surrounds the content where they use plain <div>s: a whole word of the name.
_SURROUNDING_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|cookies?|consent|gdpr|banner|advert(?:isement)?s?|"
    r"ads?|social|share|sharing|related|recommended|newsletter|subscribe|popup|modal|skip|pagination|pager|toolbar|"
    r"footer|masthead|comments|sr-only|visually-hidden)(?:$|[\s_-])",
    re.IGNORECASE,
)
_NAMED = frozenset("div section ul ol p a span table".split())
_SURROUNDING_SHARE = 0.3
"""An element with more of the page's text than this is content, whatever its name."""
_BLOCKS = frozenset(
    """
    address article blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr html legend li main ol optgroup option p pre section summary table tbody td tfoot th
    thead tr ul
    """.split()
)
_HEADING = re.compile("h[1-6]")
_ARRANGED = "table, ul, ol, article, section, h1, h2, h3, h4, h5, h6"
"""A table that holds any of these arranges a page."""
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAIN_SHARE = 0.2
"""A main part with less of the page's text than this is not what the page is about."""

# Possessive, and without a "<" inside: unclosed tags would take quadratic time.
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]*+)[^<>]*+>")
_NOT_NESTING = frozenset(
    """
    area base br col embed hr img input link meta param source track wbr p li dd dt td th tr thead tbody tfoot option
    optgroup colgroup rp rt
    """.split()
)
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))}|br)\b[^<>]*+>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*+>")
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_PROLOGUE_BYTES = 2_048


def read_html(layout: Layout, data: bytes) -> Source:
    """The article of a page: headings, paragraphs, items and table rows."""
    # What is shown without scripts would be moved from the head into the text.
    text = _without(decode_html(layout, data), "<noscript", "</noscript")
    if nesting(text) > MAX_DEPTH:
        _add_stripped(layout, text)
        return layout.source()
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(text)
    title = page.css_first("head > title")
    html = page.css_first("html")
    if page.body is not None:
        _Walk(layout, surroundings=False).read(_content(page.body))
    return layout.source(title=title.text() if title else None, language=html.attributes.get("lang") if html else None)


def decode_html(layout: Layout, data: bytes) -> str:
    """Text of a page in the encoding that it declares, if that is plausible."""
    declared = _CHARSET.search(data[:_PROLOGUE_BYTES])
    decoded = decode_any(data, declared.group(1).decode("ascii") if declared else None)
    layout.note_decoding(decoded.encoding, decoded.lost, decoded.doubtful)
    return decoded.text


def add_html(layout: Layout, text: str) -> None:
    """Append the content of a page, or of a part of one, to a document of another format."""
    if nesting(text) > MAX_DEPTH:
        _add_stripped(layout, text)
        return
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(text).body
    if body is not None:
        _Walk(layout, surroundings=True).read(body)


def nesting(text: str) -> int:
    """Upper bound, in linear time, of how deep the elements of ``text`` can be nested.

    An end tag counts only against its own start tag, since parsers ignore stray ones.
    """
    implied = _NOT_NESTING if "<svg" not in text.lower() and "<math" not in text.lower() else frozenset()
    opened: Counter[str] = Counter()
    depth = deepest = 0
    for match in _TAG.finditer(text):
        name = match.group(2).lower()
        if name in implied:
            continue
        if not match.group(1):
            opened[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return deepest


def _add_stripped(layout: Layout, text: str) -> None:
    layout.warn(f"is nested more than {MAX_DEPTH:,} elements deep; its text was taken without its structure")
    for start, end in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<head", "</head")):
        text = _without(text, start, end)
    for line in html_text.unescape(_ANY_TAG.sub("", _BLOCK_TAG.sub("\n", text))).splitlines():
        layout.add(line, "paragraph")


def _without(text: str, start: str, end: str) -> str:
    """``text`` without what stands between two marks, in linear time; an unclosed mark closes nothing."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow when they are lowered
        lower = text
    parts = []
    done = 0
    while (begin := lower.find(start, done)) >= 0 and (stop := lower.find(end, begin)) >= 0:
        parts.append(text[done:begin])
        done = stop + len(end)
        if not end.endswith(">"):
            done = lower.find(">", stop) + 1 or len(text)
    return "".join([*parts, text[done:]])


def _content(body: LexborNode) -> LexborNode:
    """The part of a page that it is about: its main element, or its only article, else all of it."""
    for selector in ("main, [role=main]", "article"):
        found = body.css(selector)
        if len(found) == 1 and len(found[0].text()) >= _MAIN_SHARE * _text_length(body):
            return found[0]
    return body


def _text_length(body: LexborNode) -> int:
    hidden = sum(len(node.text()) for node in body.css("script, style, noscript, template"))
    return len(body.text()) - hidden


def _is_grid(table: LexborNode) -> bool:
    """Whether a table holds values in rows."""
    return all(node.mem_id == table.mem_id for node in table.css(_ARRANGED))


class _Walk:
    """Goes through the elements of a page, without recursion, and puts their text into blocks."""

    def __init__(self, layout: Layout, surroundings: bool) -> None:
        """``surroundings``: whether navigation, side bars and the like are read too."""
        self._layout = layout
        self._surroundings = surroundings
        self._text: list[str] = []
        self._row: list[str] | None = None
        self._heading = 0
        self._items = 0
        self._sections = 0
        self._preformatted = 0
        self._grids: list[bool] = []
        self._length = 0

    def read(self, root: LexborNode) -> None:
        """Append the text of ``root``."""
        self._length = _text_length(root)
        stack = [(root, True)]
        while stack:
            node, starts = stack.pop()
            if not starts:
                self._end(node.tag or "")
            elif node.is_text_node:
                self._text.append(node.text_content or "")
            elif node.is_element_node and not self._is_dropped(node):
                self._start(node, node.tag or "")
                stack.append((node, False))
                stack.extend((child, True) for child in reversed(list(node.iter(include_text=True))))
        self._flush()

    def _is_dropped(self, node: LexborNode) -> bool:
        tag = node.tag or ""
        if tag in _UNREAD:
            return True
        attributes = node.attributes
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        if _HIDDEN_STYLE.search(attributes.get("style") or ""):
            return True
        if self._surroundings:
            return False
        if tag in _SURROUNDINGS:
            # The header of an article is its own.
            return tag != "header" or not self._sections
        if attributes.get("role") in _SURROUNDING_ROLES:
            return True
        name = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if tag not in _NAMED or not _SURROUNDING_NAME.search(name):
            return False
        return len(node.text()) < _SURROUNDING_SHARE * self._length and node.css_first("h1, main, article") is None

    def _start(self, node: LexborNode, tag: str) -> None:
        if tag == "br":
            self._text.append("\n" if self._preformatted else " ")
        elif tag == "img":
            self._text.append(f" {node.attributes.get('alt') or ''} ")
        elif tag in _BLOCKS:
            self._flush()
            if tag == "table":
                self._grids.append(_is_grid(node))
            elif tag == "tr" and self._grids and self._grids[-1]:
                self._row = []
            self._count(tag, 1)
            if _HEADING.fullmatch(tag):
                self._heading = int(tag[1])

    def _end(self, tag: str) -> None:
        if tag not in _BLOCKS:
            return
        if self._row is not None and tag in {"td", "th"}:
            self._row.append("".join(self._text))
            self._text.clear()
        elif self._row is not None and tag == "tr":
            cells, self._row = self._row, None
            row = join_cells(cells)
            self._layout.add(row, "row" if CELL_MARK in row else self._kind())
        else:
            self._flush()
        self._count(tag, -1)
        if tag == "table":
            self._grids.pop()
        elif _HEADING.fullmatch(tag):
            self._heading = 0

    def _count(self, tag: str, step: int) -> None:
        self._items += step * (tag == "li")
        self._sections += step * (tag in _SECTIONS)
        self._preformatted += step * (tag == "pre")

    def _kind(self) -> BlockKind:
        if self._heading:
            return "heading"
        return "item" if self._items else "paragraph"

    def _flush(self) -> None:
        """End a block; within a cell there are none, only white space."""
        if self._row is not None:
            self._text.append(" ")
            return
        text = "".join(self._text)
        self._text.clear()
        for line in text.splitlines() if self._preformatted else [text]:
            self._layout.add(line, self._kind(), self._heading)
