"""Glyphs and lines made by hand, and PDF files made by fpdf2 with a font that Dalil installs anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fontpkg_ibm_plex_sans_arabic
from fpdf import FPDF

from assistant.pdf.glyphs import Glyph, Sheet
from assistant.pdf.lines import Line

FONTS = Path(fontpkg_ibm_plex_sans_arabic.__file__).parent / "files"


def glyph(text: str, left: float, index: int, *, width: float = 6.0, baseline: float = 700.0, size: float = 10.0):
    return Glyph(text, left, left + width, left, baseline, size, index)


def sheet_of(rows: Sequence[tuple[float, float, str]], *, visual: bool = True) -> Sheet:
    """Glyphs six points wide from rows of (left, baseline, text as it is seen); a blank is not drawn.

    Args:
        rows: what to draw.
        visual: whether the file draws from left to right, else each row from right to left.
    """
    sheet = Sheet()
    index = 0
    for left, baseline, text in rows:
        places = [(left + 6 * place, char) for place, char in enumerate(text) if char != " "]
        for place, char in places if visual else reversed(places):
            sheet.glyphs.append(glyph(char, place, index, baseline=baseline))
            index += 1
    return sheet


def line(
    text: str,
    baseline: float,
    left: float = 50.0,
    right: float = 450.0,
    *,
    rtl: bool = False,
    size: float = 10.0,
    bold: bool = False,
    drawn: int = 0,
) -> Line:
    """A line whose first word is five points a letter."""
    return Line(text, rtl, 5.0 * len(text.split()[0]), left, right, baseline, size, bold, drawn)


def document() -> FPDF:
    """An empty PDF with one page, Arabic set from the right with joined letters."""
    pdf = FPDF()
    pdf.add_font("Plex", fname=FONTS / "IBMPlexSansArabic-Regular.ttf")
    pdf.add_font("Plex", style="B", fname=FONTS / "IBMPlexSansArabic-Bold.ttf")
    pdf.set_text_shaping(True)
    pdf.set_font("Plex", size=12)
    pdf.add_page()
    return pdf


def write(pdf: FPDF, text: str, size: float = 12, style: str = "", align: str = "R") -> None:
    pdf.set_font("Plex", style=style, size=size)
    pdf.multi_cell(0, size * 0.6, text, align=align, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def saved(pdf: FPDF) -> bytes:
    return bytes(pdf.output())
