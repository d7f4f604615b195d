"""From glyphs to lines of text in reading order, by where the glyphs stand on the page.

The order in which a file draws its glyphs is trusted for columns and paragraphs, never within a line.
Distances are in ems (multiples of the font size) unless they are called points.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from assistant.pdf.bidi import ARABIC, base_direction, count_words, embedding_levels, is_mark, kind, logical_order
from assistant.pdf.glyphs import Glyph, Sheet
from assistant.pdf.marks import are_in_order, attach, restore
from assistant.pdf.repair import count_forms, fix_brackets, fix_numbers, fold_forms

_SAME_BASELINE = 0.12
_RAISED = 0.62  # how far from its line a superscript or a raised glyph may stand
_CELL_GAP = 1.3  # a wider gap parts columns and cells
_NARROW_CELL_GAP = 0.6  # parts cells where a line nearby has a wide gap in the same place
_NEAR_ROW = 40.0  # points between baselines of lines that may be rows of one table
_SAME_PLACE = 0.3  # part of its width by which the glyph of a mark is over that of its letter
_WORD_GAP = 0.16
_SEEN_GAP = 0.1  # between other letters where PDFium saw a gap
_ARABIC_WORD_GAP = 0.32  # between Arabic letters where PDFium saw no gap: some fonts leave wide joints
_BLOCK_PITCH = 2.2  # lines further apart are not of one block, unless the page is set with wider spacing:
_PITCH_SPREAD = 1.3  # times the usual distance of its lines
_WIDEST_PITCH = 4.0
_SAME_ROW = 0.3  # baselines nearer than this are one row
_CLEAR_MAJORITY = 2.5  # times as many words of one script make a line's direction plain
_OFF_SIDE = 3.0  # a line with this much more room at one side than at the other is set against the other
_SAME_SIZE = 1.0  # points by which the fonts of one block may differ

_DIGIT = re.compile(r"\d")
_LEADING_PUNCTUATION = ".,،:؛;!?؟%٪)»"
_DOT_GAP = 2.5  # a drawn bullet stands at most this far before its line
_SENTENCE_END = ".،؛:!؟?"
_REVERSED_NUMBERING = re.compile(r"^([.)\-])(\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a line without wide gaps, still from left to right as it is seen."""

    clusters: tuple[str, ...]
    """Text of the glyphs, with a blank for every gap between words."""
    glyphs: tuple[Glyph | None, ...]
    """The glyph of each cluster; none for a blank."""
    left: float
    right: float
    baseline: float
    size: float
    """Largest font size in points."""
    index: int
    """Place in the file's order: the middle one of its glyphs."""
    bold: bool

    @property
    def text(self) -> str:
        """The clusters as they are seen."""
        return "".join(self.clusters)


@dataclass(frozen=True, slots=True)
class Line:
    """A segment in reading order."""

    text: str
    rtl: bool
    first_word: float
    """Width of its first word in points."""
    left: float
    right: float
    baseline: float
    size: float
    bold: bool
    drawn: int
    """Place in the order in which the file draws."""


def read_lines(sheet: Sheet, repairs: Counter[str]) -> list[list[Line]]:
    """Blocks of lines in reading order: lines that stand closely under one another form a block.

    Args:
        sheet: glyphs as they were read; they are changed.
        repairs: counts what was mended.
    """
    segments = _segments(sheet, repairs)
    if not segments:
        return []
    page = _Extent(
        base_direction(" ".join(segment.text for segment in segments)) is True,
        min(segment.left for segment in segments),
        max(segment.right for segment in segments),
    )
    blocks = _titles_first(_blocks(segments))
    return [[_with_dot(line, sheet.dots) for line in _read_block(block, page, repairs)] for block in blocks]


# --- glyphs to segments ------------------------------------------------------------------------------


def _segments(sheet: Sheet, repairs: Counter[str]) -> list[Segment]:
    """All segments of a sheet in the order of the file."""
    glyphs = []
    in_order = are_in_order(glyph.text for glyph in sheet.glyphs)
    for glyph in sheet.glyphs:
        glyph.text, repair = restore(glyph.text, in_order)
        if repair:
            repairs[repair] += 1
        if glyph.text:
            glyphs.append(glyph)
    glyphs = _without_covered_blanks(glyphs)
    marks = [glyph for glyph in glyphs if glyph.is_mark]
    lines = _baselines([glyph for glyph in glyphs if not glyph.is_mark])
    attach(marks, lines, repairs)
    rows = [
        (baseline, _without_repeats(sorted(line, key=lambda glyph: (glyph.origin, glyph.left))))
        for baseline, line in lines
    ]
    gutters = [(baseline, *gap) for baseline, line in rows for gap in _gaps(line, _CELL_GAP)]
    segments = [
        segment
        for baseline, line in rows
        for part in _split_at_gaps(line, [gap[1:] for gap in gutters if abs(gap[0] - baseline) < _NEAR_ROW])
        if (segment := _segment(part, baseline, sheet.breaks))
    ]
    return sorted(segments, key=lambda segment: segment.index)


def _without_covered_blanks(glyphs: list[Glyph]) -> list[Glyph]:
    """Without blanks drawn over letters, such as those that end a line: they part nothing."""
    rows: dict[int, list[Glyph]] = defaultdict(list)
    for glyph in glyphs:
        if not glyph.is_space and not glyph.is_mark:
            rows[round(glyph.baseline)].append(glyph)

    def covered(blank: Glyph) -> bool:
        # The letter before a blank may reach over it, as an f does.
        return any(
            _overlap(other, blank) > (0.9 if abs(other.index - blank.index) == 1 else 0.5)
            for other in rows[round(blank.baseline)]
        )

    return [glyph for glyph in glyphs if not (glyph.is_space and covered(glyph))]


def _baselines(glyphs: list[Glyph]) -> list[tuple[float, list[Glyph]]]:
    """Glyphs by baseline from the top of the page, raised ones with the line that they belong to."""
    rows: list[tuple[float, list[Glyph]]] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph.baseline):
        if rows and abs(rows[-1][0] - glyph.baseline) <= _SAME_BASELINE * glyph.size:
            rows[-1][1].append(glyph)
        else:
            rows.append((glyph.baseline, [glyph]))
    weak = [position for position in range(len(rows)) if _is_weak(rows, position)]
    strong = [(baseline, list(row)) for position, (baseline, row) in enumerate(rows) if position not in set(weak)]
    for position in weak:
        baseline, row = rows[position]
        stray = []
        for glyph in row:
            home = min(strong, key=lambda line: abs(line[0] - glyph.baseline))
            if _beside(glyph, home[1]):
                home[1].append(glyph)
            else:
                stray.append(glyph)
        if stray:
            strong.append((baseline, stray))
    return strong


def _is_weak(rows: Sequence[tuple[float, list[Glyph]]], position: int) -> bool:
    """Whether a row has so few glyphs, so near to a row with many, that they are raised ones of that row."""
    baseline, row = rows[position]
    return any(
        abs(other_baseline - baseline) < _RAISED * max(row[0].size, other[0].size) and len(other) > 2 * len(row)
        for other_baseline, other in rows[max(0, position - 4) : position + 5]
        if other is not row
    )


def _beside(glyph: Glyph, line: Sequence[Glyph]) -> bool:
    reach = _CELL_GAP * glyph.size
    return any(other.left - reach < glyph.right and glyph.left < other.right + reach for other in line)


def _without_repeats(line: Sequence[Glyph]) -> list[Glyph]:
    """A line from left to right, where a letter with its mark said twice is kept once.

    Some producers give both the glyph of the letter and that of the mark the text of both.
    """
    kept: list[Glyph] = []
    for glyph in line:
        twin = next((other for other in kept[-3:] if _says_the_same(other, glyph)), None)
        if twin is None:
            kept.append(glyph)
            continue
        if len(glyph.text) > len(twin.text):
            twin.text = glyph.text
        twin.left, twin.right = min(glyph.left, twin.left), max(glyph.right, twin.right)
    return kept


def _says_the_same(first: Glyph, second: Glyph) -> bool:
    """Whether two glyphs stand over one another and the one with marks has the other's letters."""
    if _overlap(first, second) <= _SAME_PLACE:
        return False
    one, other = (Counter(unicodedata.normalize("NFD", glyph.text)) for glyph in (first, second))
    return (one <= other or other <= one) and any(map(is_mark, one & other))


def _overlap(first: Glyph, second: Glyph) -> float:
    """Width that two glyphs share, as a part of the narrower one; that of a mark may be nothing."""
    shared = min(first.right, second.right) - max(first.left, second.left)
    narrower = min(first.right - first.left, second.right - second.left)
    return shared / narrower if narrower > 0 else float(shared >= 0)


def _gaps(line: Sequence[Glyph], least: float) -> list[tuple[float, float]]:
    """Left and right end of the gaps of a line that are wider than ``least``."""
    found = []
    ends: list[float] = []
    for glyph in line:
        if not glyph.is_space:
            if ends and glyph.left - max(ends) > least * glyph.size:
                found.append((max(ends), glyph.left))
            ends = [*ends[-2:], glyph.right]
    return found


def _split_at_gaps(line: Sequence[Glyph], gutters: Sequence[tuple[float, float]]) -> list[list[Glyph]]:
    """The line cut at wide gaps, and at narrower ones that lie in a gutter: a wide gap of a near line."""
    cuts = [
        right
        for left, right in _gaps(line, _NARROW_CELL_GAP)
        if any(min(right, end) - max(left, begin) > 0.5 * (right - left) for begin, end in gutters)
    ]
    parts: list[list[Glyph]] = [[]]
    for glyph in line:
        if cuts and not glyph.is_space and glyph.left >= cuts[0]:
            cuts.pop(0)
            parts.append([])
        parts[-1].append(glyph)
    return parts


def _segment(glyphs: Sequence[Glyph], baseline: float, breaks: Sequence[int]) -> Segment | None:
    drawn = [glyph for glyph in glyphs if not glyph.is_space]
    if not drawn:
        return None
    clusters: list[str] = []
    owners: list[Glyph | None] = []
    tracking = _tracking(drawn)
    last: Glyph | None = None
    edge = 0.0
    blank = False
    for glyph in glyphs:
        if glyph.is_space:
            blank = last is not None
            continue
        if last is not None and (blank or glyph.left - edge > _word_gap(last, glyph, breaks) * glyph.size + tracking):
            clusters.append(" ")
            owners.append(None)
        clusters.append(glyph.text)
        owners.append(glyph)
        # A glyph may reach over the next one, but not by more than its size.
        edge = max(edge, glyph.right) if last is not None and edge - glyph.right < glyph.size else glyph.right
        last, blank = glyph, False
    indexes = sorted(glyph.index for glyph in drawn)
    return Segment(
        clusters=tuple(clusters),
        glyphs=tuple(owners),
        left=drawn[0].left,
        right=max(glyph.right for glyph in drawn),
        baseline=baseline,
        size=max(glyph.size for glyph in drawn),
        index=indexes[len(indexes) // 2],
        bold=all(glyph.bold for glyph in drawn),
    )


def _tracking(glyphs: Sequence[Glyph]) -> float:
    """Points that the letters of a spaced-out line stand apart; 0 for ordinary lines."""
    gaps = [after.left - before.right for before, after in pairwise(glyphs)]
    return max(0.0, median(gaps)) if len(gaps) > 3 else 0.0


def _word_gap(before: Glyph, after: Glyph, breaks: Sequence[int]) -> float:
    """Width in ems from which a gap between two glyphs parts words.

    Args:
        before: glyph to the left.
        after: glyph to the right.
        breaks: indexes at which PDFium saw a gap.
    """
    first, last = sorted((before.index, after.index))
    seen = bisect_left(breaks, first) < bisect_left(breaks, last)
    kinds = {kind(before.text), kind(after.text)}
    if kinds == {"right"}:
        return _WORD_GAP if seen else _ARABIC_WORD_GAP
    return _SEEN_GAP if seen and "right" not in kinds else _WORD_GAP


# --- segments to blocks ------------------------------------------------------------------------------


def _blocks(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments that follow one another in the file and stand closely under one another on the page."""
    widest = max(_BLOCK_PITCH, _PITCH_SPREAD * _usual_pitch(segments))
    blocks: list[list[Segment]] = []
    for segment in segments:
        if blocks and _continues(blocks[-1][-1], segment, widest):
            blocks[-1].append(segment)
        else:
            blocks.append([segment])
    return blocks


def _usual_pitch(segments: Sequence[Segment]) -> float:
    """Ems between lines of text that are wide enough not to be cells of a table; 0 without such lines."""
    wide = 0.5 * (max(segment.right for segment in segments) - min(segment.left for segment in segments))
    pitches = [
        (above.baseline - below.baseline) / below.size
        for above, below in pairwise(segments)
        if min(above.right - above.left, below.right - below.left) > wide and _continues(above, below, _WIDEST_PITCH)
    ]
    return median(pitches) if pitches else 0.0


def _continues(above: Segment, below: Segment, widest: float) -> bool:
    """Whether a segment stands under another one, at most ``widest`` ems below."""
    pitch = above.baseline - below.baseline
    return (
        _SAME_ROW * below.size < pitch < widest * below.size
        and min(above.right, below.right) > max(above.left, below.left)
        and abs(above.size - below.size) < _SAME_SIZE
    )


def _titles_first(blocks: list[list[Segment]]) -> list[list[Segment]]:
    """Blocks with those drawn late, though they stand above all the ones before, at the front."""
    ordered: list[list[Segment]] = []
    top = float("-inf")
    for block in blocks:
        if ordered and block[-1].baseline > top:
            ordered.insert(0, block)
        else:
            ordered.append(block)
        top = max(top, block[0].baseline + 0.8 * block[0].size)
    return ordered


# --- reading order -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Extent:
    """What the direction of a line is judged by: the page's own, and where its text begins and ends."""

    rtl: bool
    left: float
    right: float


def _read_block(block: Sequence[Segment], page: _Extent, repairs: Counter[str]) -> list[Line]:
    directions = _directions(block, page)
    orders = [
        logical_order(embedding_levels(segment.clusters, rtl)) for segment, rtl in zip(block, directions, strict=True)
    ]
    raw = ["".join(segment.clusters[k] for k in order) for segment, order in zip(block, orders, strict=True)]
    texts = [_mend(text, page.rtl, repairs) for text in raw]
    joined = "\n".join(texts)
    if page.rtl or ARABIC.search(joined):
        turned = fix_brackets(joined)
        repairs["brackets"] += sum(old != new for old, new in zip(joined, turned, strict=True))
        texts = turned.split("\n")
    lines = []
    for segment, order, text, rtl in zip(block, orders, texts, directions, strict=True):
        _count_order(segment, order, repairs)
        lines.append(
            Line(
                text=text,
                rtl=rtl,
                first_word=_first_word(segment, order),
                left=segment.left,
                right=segment.right,
                baseline=segment.baseline,
                size=segment.size,
                bold=segment.bold,
                drawn=min(glyph.drawn for glyph in segment.glyphs if glyph),
            )
        )
    return lines


def _with_dot(line: Line, dots: Sequence[tuple[float, float]]) -> Line:
    """A line with the bullet that is drawn before it."""
    for x, y in dots:
        before = x - line.right if line.rtl else line.left - x
        if 0 < before < _DOT_GAP * line.size and 0 < y - line.baseline < line.size:
            return replace(line, text=f"• {line.text}")
    return line


def _mend(text: str, rtl_page: bool, repairs: Counter[str]) -> str:
    repairs["presentation forms"] += count_forms(text)
    mended = fix_numbers(text) if rtl_page or ARABIC.search(text) else text
    if rtl_page:
        mended = _REVERSED_NUMBERING.sub(r"\2\1", mended)  # «.1» before an item is «1.»
    repairs["numbers"] += mended != text
    return fold_forms(mended)


def _directions(block: Sequence[Segment], page: _Extent) -> list[bool]:
    """Whether each line of a block reads right to left: by its words, else by its neighbours and edges."""
    plain = [_plain_direction(segment.text, page.rtl) for segment in block]
    directions: list[bool] = []
    for position, segment in enumerate(block):
        known = plain[position]
        if known is None:
            around = [*directions[-1:], *plain[position + 1 : position + 2]]
            known = _unclear_direction(segment, [other for other in around if other is not None], page)
        directions.append(known)
    return directions


def _plain_direction(text: str, rtl_page: bool) -> bool | None:
    """Direction of a line that shows where it ends, or that has words of one script mostly."""
    arabic, latin = count_words(text)
    ending = _ending_side(text)
    if ending is not None and (arabic or rtl_page):
        return not ending
    if arabic + latin >= 3 and (arabic >= _CLEAR_MAJORITY * latin or latin >= _CLEAR_MAJORITY * arabic):
        return arabic > latin
    return None


def _unclear_direction(segment: Segment, around: Sequence[bool], page: _Extent) -> bool:
    """Direction of a line with few words or with both scripts."""
    arabic, latin = count_words(segment.text)
    if arabic + latin == 0:
        # A number alone reads left to right; several follow the page.
        numbers = sum(bool(_DIGIT.search(word)) for word in segment.text.split())
        return page.rtl and (numbers > 1 or segment.text[0] in _LEADING_PUNCTUATION)
    side = _side(segment, page)
    if side is not None and arabic != latin and (arabic > latin) == side:
        return side
    if around and len(set(around)) == 1 and (len(around) == 2 or side is None or around[0] == side):
        return around[0]
    if side is not None and max(arabic, latin) < _CLEAR_MAJORITY * min(arabic, latin):
        return side
    return arabic > latin if arabic != latin else page.rtl


def _ending_side(text: str) -> bool | None:
    """True where the mark that ends a sentence is seen at the right of a line, False where at the left.

    It stands by a letter: a full stop by a number belongs to a list.
    """
    at_left = text[0] in _SENTENCE_END and text[1:2].isalpha()
    at_right = text[-1] in _SENTENCE_END and text[-2:-1].isalpha()
    return at_right if at_left != at_right else None


def _side(segment: Segment, page: _Extent) -> bool | None:
    """True for a line set against the right of the page, False against the left, None for neither."""
    at_left, at_right = segment.left - page.left, page.right - segment.right
    if abs(at_left - at_right) < _OFF_SIDE * segment.size:
        return None
    return at_right < at_left


def _first_word(segment: Segment, order: Sequence[int]) -> float:
    """Width in points of the first word in reading order."""
    word: list[Glyph] = []
    for position in order:
        glyph = segment.glyphs[position]
        if glyph is None:
            break
        word.append(glyph)
    return max((glyph.right for glyph in word), default=0.0) - min((glyph.left for glyph in word), default=0.0)


def _count_order(segment: Segment, order: Sequence[int], repairs: Counter[str]) -> None:
    """Count a line that the file keeps in the order seen, or the words of a line that are reversed in it."""
    ordered = [segment.glyphs[position] for position in order]
    backward = forward = words = 0
    reversed_word = False
    for first, second in pairwise([*ordered, None]):
        if first is None or second is None:
            words += reversed_word
            reversed_word = False
        elif kind(first.text) == kind(second.text) == "right":
            reversed_word |= second.index < first.index
            backward += second.index < first.index
            forward += second.index > first.index
    if backward > forward:
        repairs["right-to-left lines"] += 1
    else:
        repairs["reversed words"] += words
