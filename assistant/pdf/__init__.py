"""Text of PDF files in Arabic and English, in the order in which it is read.

PDFium gives characters and where they stand (``glyphs``); lines are put together from the positions
(``marks``, ``lines``), read in the right direction (``bidi``), and laid out as headings, paragraphs, list
items and table rows (``layout``). ``repair`` mends text without positions.

A hostile file can make PDFium hang or take all memory: call ``read_pdf`` in a process with limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from assistant.pdf.glyphs import PageGlyphs, read_page
from assistant.pdf.layout import PdfBlock, read_layout
from assistant.pdf.lines import read_lines
from assistant.pdf.repair import repair_text

__all__ = ["PdfBlock", "PdfError", "PdfText", "read_pdf", "repair_text"]

_SCAN_CHARACTERS = 20  # a page with an image and fewer characters is a scan; a stamped page number is no text
_UNREADABLE_SHARE = 0.2  # of a page's characters without a meaning, from which its text is of no use
_TITLE_LENGTH = 200  # characters; a longer title in the file's properties is an accident
_HEADER_WITHIN = 1024  # bytes from the start within which readers look for the header
_PLACEHOLDERS = ("untitled", "microsoft word", "microsoft powerpoint", "بدون عنوان", "document1", "slide 1")
_FILE_SUFFIXES = (".pdf", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".tex", ".dvi", ".htm", ".html", ".indd")


class PdfError(ValueError):
    """A PDF that cannot be read; the message says in one line why and what to do."""


@dataclass(frozen=True, slots=True)
class PdfText:
    """What a PDF says."""

    title: str | None
    """The first heading of the highest level, else the title of the file's properties if it is one."""
    blocks: tuple[PdfBlock, ...]
    pages: int
    repairs: Mapping[str, int]
    """How often text was mended, by kind, for a reader."""
    warnings: tuple[str, ...]
    """What is missing or unusable, and what to do about it."""


def read_pdf(data: bytes, max_pages: int = 2000) -> PdfText:
    """Read a PDF.

    Args:
        data: content of the file.
        max_pages: files with more pages are refused.

    Raises:
        PdfError: it is not a PDF, encrypted, damaged or has too many pages.
    """
    document = _open(data)
    try:
        count = len(document)
        if count == 0:
            raise PdfError("the PDF has no pages; it is damaged or was not saved completely")
        if count > max_pages:
            raise PdfError(f"the PDF has {count} pages, more than {max_pages}; split it into smaller files")
        repairs: Counter[str] = Counter()
        pages = []
        lines = []
        for number in range(count):
            page = _read_page(document, number)
            pages.append(_PageFacts(page.characters, page.unreadable, page.images))
            lines.append([block for sheet in page.sheets for block in read_lines(sheet, repairs)])
        blocks = tuple(read_layout(lines))
        title = _title(blocks) or _sensible(document.get_metadata_value("Title"))
    finally:
        document.close()
    return PdfText(title, blocks, count, dict(sorted((+repairs).items())), _warnings(pages, blocks))


@dataclass(frozen=True, slots=True)
class _PageFacts:
    """What the warnings need of a page; its glyphs are many times as large."""

    characters: int
    unreadable: int
    images: bool


def _open(data: bytes) -> pdfium.PdfDocument:
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        raise PdfError("the file is not a PDF" if data else "the file is empty")
    if b"%%EOF" not in data:
        raise PdfError("the PDF ends too early; it was not saved or copied completely")
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise PdfError("the PDF is encrypted; save a copy without a password") from None
        raise PdfError("the PDF is damaged or was not saved completely; export it again") from None


def _read_page(document: pdfium.PdfDocument, number: int) -> PageGlyphs:
    try:
        page = document[number]
        try:
            return read_page(page)
        finally:
            page.close()
    except pdfium.PdfiumError:
        raise PdfError(f"page {number + 1} of the PDF is damaged; export it again") from None


def _title(blocks: Sequence[PdfBlock]) -> str | None:
    """The first heading of the highest level, if it stands on the first page."""
    return next((block.text for block in blocks if block.level == 1 and block.page == 1), None)


def _sensible(title: str) -> str | None:
    """A title of the file's properties that an author may have written, rather than a program."""
    text = " ".join(title.replace("\0", "").split())
    lower = text.lower()
    if not 3 <= len(text) <= _TITLE_LENGTH or not any(char.isalpha() for char in text):
        return None
    if lower.startswith(_PLACEHOLDERS) or lower.endswith(_FILE_SUFFIXES):
        return None
    return text


def _warnings(pages: Sequence[_PageFacts], blocks: Sequence[PdfBlock]) -> tuple[str, ...]:
    scanned = [n for n, page in enumerate(pages, 1) if page.images and page.characters < _SCAN_CHARACTERS]
    unusable = [n for n, page in enumerate(pages, 1) if page.unreadable > _UNREADABLE_SHARE * page.characters]
    found = []
    if scanned:
        found.append(
            f"{_page_list(scanned, len(pages))}: scanned, without text to search; to add it, run "
            "'ocrmypdf --skip-text -l ara+eng in.pdf out.pdf' and sync again"
        )
    if unusable:
        found.append(
            f"{_page_list(unusable, len(pages))}: text that cannot be used, since the file does not say which "
            "letters its fonts show; export it again, or run 'ocrmypdf --force-ocr -l ara+eng in.pdf out.pdf' "
            "and sync again"
        )
    if not blocks and not found:
        found.append("the PDF holds no text")
    return tuple(found)


def _page_list(pages: Sequence[int], count: int) -> str:
    """``all pages``, ``page 3`` or ``pages 1-3, 7``, out of ``count``."""
    if len(pages) == count > 1:
        return "all pages"
    spans: list[list[int]] = []
    for page in pages:
        if spans and page == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], page]
        else:
            spans.append([page])
    return f"page{'s' * (len(pages) > 1)} " + ", ".join("-".join(map(str, span)) for span in spans)
