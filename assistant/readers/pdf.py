"""PDF: what ``assistant.pdf`` makes of a file, as blocks."""

from __future__ import annotations

from assistant.readers.layout import FormatError, Layout
from assistant.schema import Source

MAX_PAGES = 5_000


def read_pdf(layout: Layout, data: bytes) -> Source:
    """Blocks of every page, with its number."""
    from assistant import pdf

    try:
        result = pdf.read_pdf(data, MAX_PAGES)
    except pdf.PdfError as error:
        raise FormatError(str(error)) from None
    for block in result.blocks:
        layout.add(block.text, block.kind, block.level, block.page)
    layout.repairs.update(result.repairs)
    if result.pages > MAX_PAGES:
        layout.warn(f"only the first {MAX_PAGES:,} of {result.pages:,} pages were read; split the file")
    for line in result.warnings:
        layout.warn(line)
    return layout.source(title=result.title)
