"""From lines to what a reader sees: headings, paragraphs, list items, table rows; without running lines.

Distances are in ems (multiples of the font size) unless they are called points.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal

from assistant.pdf.bidi import count_words
from assistant.pdf.lines import Line

BlockKind = Literal["heading", "paragraph", "item", "row"]


@dataclass(frozen=True, slots=True)
class PdfBlock:
    """A heading, paragraph, list item or table row in reading order."""

    text: str
    kind: BlockKind
    level: int
    """Heading level from 1; 0 for everything else."""
    page: int
    """Page on which it begins, from 1."""


Page = Sequence[Sequence[Line]]
"""The blocks of lines of one page."""

_PITCH_CHANGE = 1.25
"""Lines of a paragraph stand at most this many times the usual pitch of the document apart."""
_INDENT = 0.8  # a first line set in by this much begins a paragraph
_ALIGNED = 0.3  # lines that begin nearer to the edge than this begin at it
_BEGINS = 3.0  # lines that begin this near to one another begin at one edge, but for an indent
_WRAPPED_SHARE = 0.67  # of a block's lines that a word more would not fit, from which its width is its own
_ROOM = 0.4  # blank that a word needs beside its own width to fit at the end of a line
_FULL = 5.0  # a line with less room at its end may go on in the next column: a long word did not fit
_LARGER = 1.12  # times the body's size from which a font is a heading's
_SIZE_CHANGE = 1.0  # points by which the fonts of a paragraph's lines may differ
_HEADING_LENGTH = 200  # characters; nothing longer is a heading
_MOSTLY = 2.5  # times as many Arabic words as others in an Arabic table
_CELL_LINES = 4  # lines of a table cell; taller columns are columns of text
_RUNNING_SHARE = 0.4  # of the pages that repeat a running header or footer (even and odd ones may differ)
_RUNNING_DEPTH = 3  # lines from the top or the bottom of a page among which running lines are looked for
_POSITION_STEP = 4.0  # points within which lines of several pages stand at the same height

_BULLET = re.compile(r"^(?:[•▪▫◦●○■□◆◇►▶‣⁃]\s*|[∙·*\-–]\s+)")
_LONE_BULLET = re.compile(r"^[•▪▫◦●○■□◆◇►▶‣⁃∙·*\-–]$")
_NUMBERING = re.compile(r"^(?:\(?\d{1,3}[.)\-]|\(?[a-zA-Z\u0621-\u064a]\))(?=\s|$|[\u0621-\u064a])")
_ENDS_SENTENCE = re.compile(r"[.!?؟؛:…。][\"'”’»)\]]*$")
_NUMBER = re.compile(r"\d{1,6}")
_HYPHENATED = re.compile(r"[^\W\d_]-$")
_COMPOUND = re.compile(
    r"\b(?:all|cross|ex|far|full|half|hard|high|ill|in|large|long|low|mid|multi|non|one|on|part|post|pre|self|short|"
    r"small|so|three|to|two|up|well|year)-$",
    re.IGNORECASE,
)
"""Words that keep their hyphen where a line ends after it."""
_LOWER = re.compile(r"[a-zß-öø-ÿ]")


def read_layout(pages: Sequence[Page]) -> list[PdfBlock]:
    """The blocks of a document from the lines of its pages, in reading order."""
    pages = without_running_lines(pages)
    body = _Body.of(line for page in pages for block in page for line in block)
    if body.bold:
        pages = [[[replace(line, bold=False) for line in block] for block in page] for page in pages]
    pieces = [piece for number, page in enumerate(pages, 1) for piece in _read_page(page, number, body)]
    pieces = _join_continued(pieces)
    levels = _heading_levels(pieces)
    return [
        PdfBlock(piece.text, piece.kind, levels.get(piece.style, 1) if piece.kind == "heading" else 0, piece.page)
        for piece in pieces
        if piece.text
    ]


# --- running headers and footers ---------------------------------------------------------------------


def without_running_lines(pages: Sequence[Page]) -> list[list[list[Line]]]:
    """Pages without the lines that stand at the edge of many of them, such as a title or page number.

    A line runs if it has the same words at the same height, but for a number that counts the pages, on most
    pages, or on two fifths of at least five pages, where even and odd pages differ.
    """
    edges = [_edge_lines(page) for page in pages]
    keys = [{key for line in lines for key in _running_keys(line, number)} for number, lines in enumerate(edges)]
    seen = Counter(key for of_page in keys for key in of_page)
    running = {
        key
        for key, times in seen.items()
        if times >= 2 and (2 * times > len(pages) or (len(pages) >= 5 and times >= _RUNNING_SHARE * len(pages)))
    }
    kept: list[list[list[Line]]] = []
    for number, (page, lines) in enumerate(zip(pages, edges, strict=True)):
        gone = {id(line) for line in lines if not running.isdisjoint(_running_keys(line, number))}
        blocks = [[line for line in block if id(line) not in gone] for block in page]
        kept.append([block for block in blocks if block])
    return kept


def _edge_lines(page: Page) -> list[Line]:
    """The lines at the top and the bottom of a page; several at one height count once."""
    lines = [line for block in page for line in block]
    heights = sorted({_height(line) for line in lines})
    outer = {*heights[:_RUNNING_DEPTH], *heights[-_RUNNING_DEPTH:]}
    return [line for line in lines if _height(line) in outer]


def _height(line: Line) -> int:
    return round(line.baseline / _POSITION_STEP)


def _running_keys(line: Line, page: int) -> Iterator[tuple[str, int]]:
    """What a line has in common with its like on other pages: its text, or that with a number less the page's."""
    yield line.text, _height(line)
    for number in _NUMBER.finditer(line.text):
        offset = int(number.group()) - page
        yield f"{line.text[: number.start()]}#{offset}{line.text[number.end() :]}", _height(line)


# --- the usual line ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Body:
    """How the running text of the document is set: the font of most characters."""

    size: float
    bold: bool

    @classmethod
    def of(cls, lines: Iterable[Line]) -> _Body:
        styles: Counter[tuple[float, bool]] = Counter()
        for line in lines:
            styles[_style(line)] += len(line.text)
        size, bold = max(styles, key=lambda style: styles[style], default=(0.0, False))
        return cls(size, bold)


def _style(line: Line) -> tuple[float, bool]:
    """Size to half a point and weight of a line."""
    return round(line.size * 2) / 2, line.bold


# --- pieces of a page --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block in the making, with what is needed to tell whether the next one continues it."""

    text: str
    kind: BlockKind
    page: int
    end: int
    """Page on which it ends."""
    style: tuple[float, bool]
    rtl: bool
    full: bool = False
    """Whether its last line has no room for a further word."""
    indented: bool = False
    """Whether its first line is set in."""
    top: float = 0.0
    """Baseline of its first line in points."""
    bottom: float = 0.0
    """Baseline of its last line in points."""


def _read_page(page: Page, number: int, body: _Body) -> list[_Piece]:
    pieces: list[_Piece] = []
    lines = [line for block in page for line in block]
    for group in _in_direction(_rows(_with_markers([list(block) for block in page]))):
        if len(group) > 1:
            pieces.append(_row(group, number))
        else:
            pieces += _read_block(group[0], lines, number, body)
    return pieces


def _with_markers(blocks: list[list[Line]]) -> list[list[Line]]:
    """Blocks with list markers that stand apart put before the line that they mark."""
    joined: list[list[Line]] = []
    for block in blocks:
        marker = joined[-1][-1] if joined else None
        if marker is not None and _is_marker(marker.text) and _one_row(marker, block[0]):
            joined[-1].pop()
            block = [_marked(marker, block[0]), *block[1:]]
            if not joined[-1]:
                joined.pop()
        elif marker is not None and len(block) == 1 and _is_marker(block[0].text) and _one_row(block[0], marker):
            joined[-1][-1] = _marked(block[0], marker)
            continue
        if joined and _under(joined[-1][-1], block[0]):
            joined[-1] += block
        else:
            joined.append(block)
    return joined


def _is_marker(text: str) -> bool:
    match = _NUMBERING.match(text)
    return bool(_LONE_BULLET.match(text)) or (match is not None and match.end() == len(text))


def _marked(marker: Line, line: Line) -> Line:
    """A line with its list marker; its edges stay, so that the lines under it are aligned with it."""
    return replace(line, text=f"{marker.text} {line.text}")


def _one_row(first: Line, second: Line) -> bool:
    """Whether two lines stand beside each other at one height."""
    apart = min(first.right, second.right) <= max(first.left, second.left)
    return apart and abs(first.baseline - second.baseline) < 0.5 * max(first.size, second.size)


def _under(above: Line, below: Line) -> bool:
    """Whether a line follows another one closely enough to be of one block."""
    pitch = above.baseline - below.baseline
    overlap = min(above.right, below.right) - max(above.left, below.left)
    return overlap > 0 and 0.3 * below.size < pitch < 2.2 * below.size and abs(above.size - below.size) < _SIZE_CHANGE


# --- tables ------------------------------------------------------------------------------------------


def _rows(blocks: Sequence[list[Line]]) -> list[list[list[Line]]]:
    """Groups of blocks: the cells of a table row make one group, every other block one of its own.

    A table's narrow rows stand as close to the paragraphs above and below as lines do: the last line of a
    tall block may be the first cell of a row, and the first line of one the last cell.
    """
    groups: list[list[list[Line]]] = []
    for block in blocks:
        row = groups[-1] if groups else []
        cells = [cell if _is_cell(cell) else cell[-1:] for cell in row]
        whole = _is_cell(block) and _fits(cells, block)
        if not whole and not (len(block) > 1 and _is_cell(row[-1] if row else block) and _fits(cells, block[:1])):
            groups.append([block])
            continue
        if len(row) == 1 and not _is_cell(row[0]):
            groups[-1:] = [[row[0][:-1]], [row[0][-1:]]]
        groups[-1].append(block if whole else block[:1])
        if not whole:
            groups.append([block[1:]])
    return groups


def _fits(cells: Sequence[list[Line]], cell: Sequence[Line]) -> bool:
    """Whether a block may be a further cell of a row."""
    return bool(cells) and all(_beside(other, cell) for other in cells)


def _is_cell(block: Sequence[Line]) -> bool:
    return len(block) <= _CELL_LINES


def _beside(first: Sequence[Line], second: Sequence[Line]) -> bool:
    """Whether two cells share a row: apart from left to right, level at their top, middle or bottom."""
    if min(max(x.right for x in first), max(x.right for x in second)) > max(
        min(x.left for x in first), min(x.left for x in second)
    ):
        return False
    size = max(first[0].size, second[0].size)
    top = first[0].baseline - second[0].baseline
    bottom = first[-1].baseline - second[-1].baseline
    return any(abs(offset) < 0.5 * size for offset in (top, bottom, (top + bottom) / 2))


def _in_direction(groups: Sequence[list[list[Line]]]) -> Iterator[list[list[Line]]]:
    """Groups with the cells of each table from the side at which the table begins.

    That is the right for a table that is drawn from there or is nearly all in Arabic: programs that cannot
    set tables from the right are given their columns in the order seen.
    """
    for is_row, table in groupby(groups, key=lambda group: len(group) > 1):
        rows = list(table)
        if is_row:
            arabic, latin = count_words(" ".join(line.text for row in rows for cell in row for line in cell))
            drawn = _drawn_rtl(rows)
            rtl = drawn or arabic > _MOSTLY * latin or (drawn is None and arabic > latin)
            rows = [sorted(row, key=lambda cell: -cell[0].right if rtl else cell[0].left) for row in rows]
        yield from rows


def _drawn_rtl(rows: Sequence[list[list[Line]]]) -> bool | None:
    """Whether a table's cells are drawn from right to left; None where there is no one direction."""
    directions = {
        first[0].left > second[0].left
        for row in rows
        for first, second in pairwise(sorted(row, key=lambda cell: cell[0].drawn))
        if first[0].drawn != second[0].drawn
    }
    return directions.pop() if len(directions) == 1 else None


def _row(cells: Sequence[list[Line]], page: int) -> _Piece:
    texts = [" ".join(line.text for line in cell) for cell in cells]
    return _Piece(" | ".join(texts), "row", page, page, _style(cells[0][0]), cells[0][0].rtl)


# --- paragraphs --------------------------------------------------------------------------------------


def _read_block(block: Sequence[Line], lines: Sequence[Line], page: int, body: _Body) -> list[_Piece]:
    """Paragraphs of a block, given all lines of its page."""
    column = _column(block, lines)
    paragraphs: list[list[Line]] = [[block[0]]]
    for above, below in pairwise(block):
        if _begins_paragraph(above, below, column):
            paragraphs.append([below])
        else:
            paragraphs[-1].append(below)
    return [_paragraph(paragraph, page, body, column) for paragraph in paragraphs]


@dataclass(frozen=True, slots=True)
class _Column:
    """Edges of a block in points and the usual distance of its lines."""

    left: float
    right: float
    pitch: float
    even: bool
    """Whether most lines begin at one edge, so that an indent means something."""

    def room(self, line: Line) -> float:
        """Points left blank at the end of a line."""
        return line.left - self.left if line.rtl else self.right - line.right

    def indent(self, line: Line) -> float:
        """Points left blank before a line."""
        return self.right - line.right if line.rtl else line.left - self.left


def _column(block: Sequence[Line], lines: Sequence[Line]) -> _Column:
    """The column that a block was set in.

    Where many lines end before the block does, as in a list of short lines, other lines of the page that
    begin at the same edge tell how far they could have run.
    """
    left, right = min(line.left for line in block), max(line.right for line in block)
    rtl = block[0].rtl
    begin = [abs(right - line.right if rtl else line.left - left) < _ALIGNED * line.size for line in block]
    column = _Column(left, right, _usual_pitch(block), even=2 * sum(begin) >= len(block))
    wrapped = sum(column.room(above) <= below.first_word + _ROOM * above.size for above, below in pairwise(block))
    if wrapped > 1 and wrapped > _WRAPPED_SHARE * (len(block) - 1):
        return column
    aligned = [line for line in lines if abs(line.right - right if rtl else line.left - left) < _BEGINS * block[0].size]
    if rtl:
        left = min([left, *(line.left for line in aligned)])
    else:
        right = max([right, *(line.right for line in aligned)])
    beside = (column.left, left) if rtl else (column.right, right)
    top, bottom = block[0].baseline, block[-1].baseline
    blocked = any(
        bottom - 1 < line.baseline < top + 1 and line.left < max(beside) - 1 and line.right > min(beside) + 1
        for line in lines
    )
    return column if blocked else replace(column, left=left, right=right)


def _usual_pitch(block: Sequence[Line]) -> float:
    """Distance of lines in points, a small one of those that occur: paragraphs are set further apart."""
    pitches = sorted(above.baseline - below.baseline for above, below in pairwise(block))
    return pitches[(len(pitches) - 1) // 4] if pitches else 0.0


def _begins_paragraph(above: Line, below: Line, column: _Column) -> bool:
    if above.baseline - below.baseline > _PITCH_CHANGE * column.pitch:
        return True
    if _style(above) != _style(below) and (above.bold != below.bold or abs(above.size - below.size) > 0.5):
        return True
    if _BULLET.match(below.text) or _NUMBERING.match(below.text):
        return True
    further_in = column.indent(below) - column.indent(above) > _INDENT * below.size
    if column.even and further_in and not _is_item(above.text):
        return True
    return column.room(above) > below.first_word + _ROOM * above.size


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERING.match(text))


def _paragraph(lines: Sequence[Line], page: int, body: _Body, column: _Column) -> _Piece:
    text = join_lines([line.text for line in lines])
    kind: BlockKind = "paragraph"
    if _is_heading(lines, text, body):
        kind = "heading"
    elif _is_item(text):
        kind, text = "item", _NUMBERING.sub(r"\g<0> ", _BULLET.sub("", text)).replace("  ", " ")
    return _Piece(
        text=text,
        kind=kind,
        page=page,
        end=page,
        style=_style(lines[0]),
        rtl=lines[0].rtl,
        full=column.room(lines[-1]) < _FULL * lines[-1].size,
        indented=column.indent(lines[0]) > _INDENT * lines[0].size,
        top=lines[0].baseline,
        bottom=lines[-1].baseline,
    )


def join_lines(lines: Sequence[str]) -> str:
    """Lines of a paragraph as one; a word that was hyphenated at a line end is put together."""
    text = ""
    for line in lines:
        if text.endswith("\u00ad"):
            text = text[:-1] + line
        elif _HYPHENATED.search(text) and _LOWER.match(line):
            text = text if _COMPOUND.search(text) else text[:-1]
            text += line
        else:
            text = f"{text} {line}" if text else line
    return text.replace("\u00ad", "")


# --- headings ----------------------------------------------------------------------------------------


def _is_heading(lines: Sequence[Line], text: str, body: _Body) -> bool:
    """Set larger than the body, or in bold where the body is not, and no sentence or long text."""
    if len(text) > _HEADING_LENGTH or not any(char.isalpha() for char in text):
        return False
    if min(line.size for line in lines) >= _LARGER * body.size:
        return True
    bold = all(line.bold for line in lines) and not body.bold and lines[0].size >= 0.95 * body.size
    return bold and not _ENDS_SENTENCE.search(text.rstrip(":"))


def _heading_levels(pieces: Iterable[_Piece]) -> dict[tuple[float, bool], int]:
    """Level of each style of heading: the larger, the higher; at most six."""
    styles = {piece.style for piece in pieces if piece.kind == "heading"}
    return {style: min(rank, 6) for rank, style in enumerate(sorted(styles, reverse=True), 1)}


# --- across columns and pages ------------------------------------------------------------------------


def _join_continued(pieces: Iterable[_Piece]) -> list[_Piece]:
    """Pieces with paragraphs put together that go on in the next column or on the next page."""
    joined: list[_Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and _goes_on(last, piece):
            text = join_lines([last.text, piece.text])
            joined[-1] = replace(last, text=text, full=piece.full, bottom=piece.bottom, end=piece.page)
        else:
            joined.append(piece)
    return joined


def _goes_on(last: _Piece, piece: _Piece) -> bool:
    """Whether a paragraph fills its column or page to the end, in the middle of a sentence."""
    return (
        (piece.page > last.end or piece.top > last.bottom)
        and last.kind in {"paragraph", "item"}
        and piece.kind == "paragraph"
        and last.style == piece.style
        and last.rtl == piece.rtl
        and last.full
        and not piece.indented
        and not _ENDS_SENTENCE.search(last.text)
    )
