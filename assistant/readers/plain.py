"""Plain text: paragraphs between empty lines."""

from __future__ import annotations

import re

from assistant.readers.front_matter import split_front_matter
from assistant.readers.layout import Layout
from assistant.schema import Source

_LIST_ITEM = re.compile(r"\s*(?:[-*•–▪◦]|\(?[0-9\u0660-\u0669\u06f0-\u06f9]{1,3}[.)\-])\s+")


def read_plain(layout: Layout, text: str) -> Source:
    """Paragraphs are separated by empty lines; the lines within one are joined, list items are kept."""
    matter, body = split_front_matter(layout.document_id, text)
    for paragraph in re.split(r"\n[ \t]*\n", body):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if _LIST_ITEM.match(line):
                layout.add(" ".join(lines), "paragraph")
                lines = []
            lines.append(line)
        layout.add(" ".join(lines), "paragraph")
    return layout.source(matter)
