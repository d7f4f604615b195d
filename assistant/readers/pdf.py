"""PDF: what ``assistant.pdf`` makes of a file, as blocks."""

from __future__ import annotations

from assistant.readers.layout import FormatError, Layout
from assistant.schema import Source

MAX_PAGES = 5_000
"""Files with more pages are refused."""


def read_pdf(layout: Layout, data: bytes) -> Source:
    """Blocks of every page, with its number."""
    from assistant.pdf import PdfError
    from assistant.pdf import read_pdf as read_pages

    try:
        result = read_pages(data, MAX_PAGES)
    except PdfError as error:
        raise FormatError(str(error)) from None
    for block in result.blocks:
        layout.add(block.text, block.kind, block.level, block.page)
    layout.repairs.update(result.repairs)
    for line in result.warnings:
        layout.warn(line)
    return layout.source(title=result.title)
