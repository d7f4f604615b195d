"""Characters and their positions, as PDFium reads them from a page. Nothing is put in order here.

Positions are in points (1/72 inch) with y upwards, turned so that the text of a ``Sheet`` is upright.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from assistant.pdf.bidi import is_mark

_SAME_GLYPH = 6
"""Characters of one glyph follow one another within this many indexes; further away, it is drawn twice."""
_LEAN = 0.3
"""Tangent of the slope from which text counts as slanted over the page (17°): a watermark, not text."""
_DEPTH = 5
"""Levels of forms within forms in which drawn objects are looked for."""
_DOT = (1.5, 9.0)
"""Least and greatest width of a drawn bullet in points."""
_BOLD_WEIGHT = 600
_BOLD_NAMES = ("bold", "black", "heavy", "demi")
_HYPHENS = {0x02, 0xFFFE}
"""What PDFium puts in place of a hyphen that ends a line."""
_BREAKS = {0x0A, 0x0D}

# Ghostscript misprints lam-alef in its character tables: 0x0644 0x06xx becomes 0x44xx.
_GHOSTSCRIPT = {0x4422: 0x622, 0x4423: 0x623, 0x4425: 0x625, 0x4427: 0x627}
# Bullets of the fonts Symbol and Wingdings, which have no Unicode of their own.
_SYMBOL_BULLETS = dict.fromkeys((0xF06C, 0xF06E, 0xF076, 0xF0A7, 0xF0A8, 0xF0B7, 0xF0D8, 0xF0FC), 0x2022)


@dataclass(slots=True)
class Glyph:
    """One drawn shape with the characters that it stands for, at first in the order PDFium gives them."""

    text: str
    left: float
    right: float
    origin: float
    """Where the pen stood, in x: orders glyphs better than their boxes, which overlap."""
    baseline: float
    size: float
    """Height of the font in points as drawn."""
    index: int
    """Place in PDFium's own order of characters."""
    drawn: int = 0
    """Place in the order in which the file draws its text objects; PDFium's order sorts lines from the left."""
    bold: bool = False

    @property
    def centre(self) -> float:
        """Middle of the box in x."""
        return (self.left + self.right) / 2

    @property
    def is_space(self) -> bool:
        """Whether it is a blank."""
        return self.text.isspace()

    @property
    def is_mark(self) -> bool:
        """Whether it holds nothing but marks that belong to another glyph."""
        return all(is_mark(char) for char in self.text)


@dataclass(slots=True)
class Sheet:
    """The glyphs of a page that run in one direction, turned upright."""

    glyphs: list[Glyph] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    """Ascending indexes at which PDFium made up a space or a line end: a hint that words are apart."""
    dots: list[tuple[float, float]] = field(default_factory=list)
    """Middles, x and y, of small shapes that are drawn, not written: they may be the bullets of a list."""


@dataclass(frozen=True, slots=True)
class PageGlyphs:
    """What is drawn on a page."""

    sheets: tuple[Sheet, ...]
    """The one with most glyphs first. Nearly always there is one only."""
    characters: int
    unreadable: int
    """Characters among them for which the file does not say which letter they are."""
    images: bool


def read_page(page: pdfium.PdfPage) -> PageGlyphs:
    """All glyphs of a page."""
    objects = list(page.get_objects(max_depth=_DEPTH))
    order = {_address(item.raw): place for place, item in enumerate(objects) if item.type == raw.FPDF_PAGEOBJ_TEXT}
    textpage = page.get_textpage()
    try:
        reader = _Reader(textpage.raw, order)
        for index in range(raw.FPDFText_CountChars(textpage.raw)):
            reader.read(index)
    finally:
        textpage.close()
    images = any(item.type == raw.FPDF_PAGEOBJ_IMAGE for item in objects)
    if 0 in reader.sheets:
        reader.sheets[0].dots += _dots(objects)
    sheets = sorted(reader.sheets.values(), key=lambda sheet: -len(sheet.glyphs))
    return PageGlyphs(tuple(sheets), reader.characters, reader.unreadable, images)


def _dots(objects: Sequence[pdfium.PdfObject]) -> Iterator[tuple[float, float]]:
    """Middles of the drawn shapes of the page itself that are as wide as high and as small as a bullet."""
    for item in objects:
        if item.type == raw.FPDF_PAGEOBJ_PATH and item.level == 0:
            left, bottom, right, top = item.get_bounds()
            width, height = right - left, top - bottom
            if _DOT[0] <= width <= _DOT[1] and abs(width - height) < 0.2 * width:
                yield (left + right) / 2, (bottom + top) / 2


class _Reader:
    """Collects the glyphs of one text page, character by character."""

    def __init__(self, textpage: raw.FPDF_TEXTPAGE, order: Mapping[int, int]) -> None:
        self.sheets: dict[int, Sheet] = {}
        self.characters = 0
        self.unreadable = 0
        self._textpage = textpage
        self._order = order
        self._drawn: dict[tuple[int, float, float, float], Glyph] = {}
        self._bold_fonts: dict[int, bool] = {}
        self._quarter = 0
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._box, self._matrix = raw.FS_RECTF(), raw.FS_MATRIX()

    def read(self, index: int) -> None:
        """Add the character at ``index``, if it is drawn and upright or turned by a quarter."""
        code = raw.FPDFText_GetUnicode(self._textpage, index)
        if code in _BREAKS or raw.FPDFText_IsGenerated(self._textpage, index) == 1:
            self._break(index)
            return
        self.characters += 1
        # PDFium makes a letter out of the glyph's number where the file does not say which one it is.
        char = None if raw.FPDFText_HasUnicodeMapError(self._textpage, index) == 1 else _char(code)
        if char is None:
            self.unreadable += 1
            self._break(index)
        elif char:
            self._place(index, char)

    def _break(self, index: int) -> None:
        self.sheets.setdefault(self._quarter, Sheet()).breaks.append(index)

    def _place(self, index: int, char: str) -> None:
        raw.FPDFText_GetMatrix(self._textpage, index, self._matrix)
        quarter = _quarter(self._matrix)
        if quarter is None:
            return
        self._quarter = quarter
        raw.FPDFText_GetLooseCharBox(self._textpage, index, self._box)
        raw.FPDFText_GetCharOrigin(self._textpage, index, self._x, self._y)
        left, right, x, y = self._upright()
        if char == " " and right - left < 0.01:
            self._break(index)  # made up by PDFium, though it does not say so
            return
        scale = (self._matrix.c**2 + self._matrix.d**2) ** 0.5 or 1.0
        size = raw.FPDFText_GetFontSize(self._textpage, index) * scale
        key = (quarter, round(x, 1), round(y, 1), round(size, 1))
        drawn = self._drawn.get(key)
        if drawn is not None and not char.isspace() and not drawn.is_space:
            if index - drawn.index <= _SAME_GLYPH:
                _extend(drawn, char, left, right)
                return
            if char in drawn.text:
                return  # drawn twice, to look bold
        item = raw.FPDFText_GetTextObject(self._textpage, index)
        glyph = Glyph(char, left, right, x, y, size, index, self._order.get(_address(item), 0), self._bold(item))
        self._drawn[key] = glyph
        self.sheets.setdefault(quarter, Sheet()).glyphs.append(glyph)

    def _upright(self) -> tuple[float, float, float, float]:
        """Left, right, x and y of the current character in the coordinates of its sheet."""
        box, x, y = self._box, self._x.value, self._y.value
        if self._quarter == 1:
            return box.bottom, box.top, y, -x
        if self._quarter == 2:
            return -box.right, -box.left, -x, -y
        if self._quarter == 3:
            return -box.top, -box.bottom, -y, x
        return box.left, box.right, x, y

    def _bold(self, item: raw.FPDF_PAGEOBJECT) -> bool:
        if not item:
            return False
        if raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_FILL_STROKE:
            return True
        font = raw.FPDFTextObj_GetFont(item)
        address = _address(font)
        if address not in self._bold_fonts:
            self._bold_fonts[address] = bool(font) and _is_bold(font)
        return self._bold_fonts[address]


def _address(handle: Any) -> int:
    """What tells one handle of PDFium from another."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _extend(glyph: Glyph, char: str, left: float, right: float) -> None:
    """Add a further character of a glyph that stands for several."""
    touching = min(abs(left - glyph.right), abs(right - glyph.left)) < 0.02 * glyph.size
    if touching or not is_mark(char):
        # PDFium cuts one box in parts for text that the file spells out; they are put together again.
        wide = touching or not is_mark(glyph.text[0])
        glyph.left = min(glyph.left, left) if wide else left
        glyph.right = max(glyph.right, right) if wide else right
    glyph.text += char


def _char(code: int) -> str | None:
    """The character of a code; empty for one that is not drawn, None for one that cannot be read."""
    if code in _HYPHENS:
        return "-"
    code = _SYMBOL_BULLETS.get(code, _GHOSTSCRIPT.get(code, code))
    if code in {0, 0xFFFD, 0xFFFF} or code > 0x10FFFF:
        return None
    char = chr(code)
    if char == "\u00ad":
        return char
    category = unicodedata.category(char)
    if category in {"Co", "Cn"}:
        return None
    if category in {"Cf", "Cc", "Cs"}:
        return ""
    return " " if char.isspace() else char


def _quarter(matrix: raw.FS_MATRIX) -> int | None:
    """Quarter turns, counter-clockwise, of text with this matrix; None where it is slanted."""
    across, up = abs(matrix.a), abs(matrix.b)
    if min(across, up) > _LEAN * max(across, up):
        return None
    if up > across:
        return 1 if matrix.b > 0 else 3
    return 2 if matrix.a < 0 and matrix.d < 0 else 0


def _is_bold(font: raw.FPDF_FONT) -> bool:
    buffer = ctypes.create_string_buffer(128)
    raw.FPDFFont_GetBaseFontName(font, buffer, len(buffer))
    name = buffer.value.decode("latin-1").lower()
    return any(word in name for word in _BOLD_NAMES) or raw.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT
