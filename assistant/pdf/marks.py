"""Letters and marks within glyphs: ligatures spelt out in reading order, diacritics on their letter.

Arabic is drawn with many glyphs that are not one letter. A lam-alef or the word الله may be one glyph for
several letters, which PDFium hands over reversed; a fatha may be a glyph of its own, anywhere in the file.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from assistant.pdf.bidi import ARABIC, is_mark
from assistant.pdf.glyphs import Glyph
from assistant.pdf.repair import fold_forms

_ALEFS = frozenset("اأإآ")
_LAM = "ل"
_TATWEEL = "\u0640"

# Ligatures with a code point of their own.
_LIGATURES = frozenset(
    unicodedata.normalize("NFKC", chr(code))
    for first, end in ((0xFBEA, 0xFBFC), (0xFC00, 0xFC5E), (0xFC64, 0xFD3E), (0xFD50, 0xFDFC))
    for code in range(first, end)
    if unicodedata.category(chr(code)) == "Lo"
)

# Distances are in ems, the font size of the mark.
_REACH_UP = 1.1  # from a mark's baseline to that of its letter
_REACH_ASIDE = 1.0  # from a mark's middle to any part of its letter
_OUTSIDE = 0.5  # how far a mark may stand beside its letter
_OFF_CENTRE, _OFF_LINE = 0.2, 0.3  # what standing off the middle or another line costs, beside its distance
_NEIGHBOUR = 0.06  # bonus of the letter next to the mark in the file


def are_in_order(texts: Iterable[str]) -> bool:
    """Whether the characters of glyphs come in reading order: so do most of the lam-alefs among them."""
    backward = forward = 0
    for text in texts:
        letters = [char for char in text if not is_mark(char)]
        if len(letters) == 2:
            backward += letters[0] in _ALEFS and letters[1] == _LAM
            forward += letters[0] == _LAM and letters[1] in _ALEFS
    return forward > backward


def restore(text: str, in_order: bool) -> tuple[str, str | None]:
    """Characters of one glyph in reading order, and what had to be mended, if anything.

    Args:
        text: characters of the glyph as PDFium gives them.
        in_order: whether PDFium spells the ligatures of this page out in reading order: it does so for those
            that have a code point of their own, if the file names them by it. All others come reversed.
    """
    if len(text) == 1:
        return text, None
    folded = "".join(fold_forms(char) for char in text)
    letters = [char for char in folded if not is_mark(char)]
    marks = "".join(char for char in folded if is_mark(char))
    if not letters:
        return folded, None
    repair = None
    if len(letters) == 2:
        if letters[0] in _ALEFS and letters[1] == _LAM:
            letters.reverse()
            repair = "lam-alef"
        if letters[0] == _LAM and letters[1] in _ALEFS:
            return _compose(_LAM + marks + letters[1]), repair
        if letters[0] == letters[1] and marks:
            letters.pop()  # a letter and its mark, each said to be both
    spelt_out = in_order and "".join(letters) in _LIGATURES
    if len(letters) > 1 and all(map(ARABIC.match, letters)) and not spelt_out:
        letters.reverse()
        repair = "ligatures"
    return _compose("".join(letters) + marks), repair


def attach(marks: Sequence[Glyph], lines: Sequence[tuple[float, Sequence[Glyph]]], repairs: Counter[str]) -> None:
    """Put every mark on the letter that it stands over or under. Changes the text of the letters.

    Args:
        marks: glyphs of marks alone.
        lines: baseline and other glyphs of every line.
        repairs: counts the marks that the file keeps apart from their letter.
    """
    if not marks:
        return
    shelves = [(baseline, _Shelf(glyphs)) for baseline, glyphs in lines]
    neighbours = _neighbours(marks, [glyph for _, glyphs in lines for glyph in glyphs])
    for mark in marks:
        neighbour = neighbours[mark.index]
        letter = _letter_of(mark, shelves, neighbour)
        if letter is not None:
            _add(letter, mark)
            repairs["misplaced marks"] += letter is not neighbour


class _Shelf:
    """The letters of a line that can carry marks, from left to right by their middle."""

    def __init__(self, glyphs: Sequence[Glyph]) -> None:
        carriers = [glyph for glyph in glyphs if ARABIC.match(glyph.text) or glyph.text[0] == _TATWEEL]
        self.letters = sorted(carriers, key=lambda glyph: glyph.centre)
        self._centres = [glyph.centre for glyph in self.letters]
        self._widest = max((glyph.right - glyph.left for glyph in carriers), default=0.0)

    def near(self, mark: Glyph) -> list[Glyph]:
        reach = _REACH_ASIDE * mark.size + self._widest / 2
        first = bisect_left(self._centres, mark.centre - reach)
        return self.letters[first : bisect_right(self._centres, mark.centre + reach)]


def _letter_of(mark: Glyph, shelves: Sequence[tuple[float, _Shelf]], neighbour: Glyph | None) -> Glyph | None:
    best: tuple[float, Glyph] | None = None
    for baseline, shelf in shelves:
        above = abs(baseline - mark.baseline)
        if above > _REACH_UP * mark.size:
            continue
        for letter in shelf.near(mark):
            aside = _aside(mark, letter)
            if aside >= _OUTSIDE * mark.size:
                continue
            off_centre = abs(letter.centre - mark.centre)
            cost = (aside + _OFF_CENTRE * off_centre + _OFF_LINE * above) / mark.size
            cost -= _NEIGHBOUR * (letter is neighbour)
            if best is None or cost < best[0]:
                best = cost, letter
    return best[1] if best else None


def _aside(mark: Glyph, letter: Glyph) -> float:
    """Points from the middle of a mark to the box of a letter; 0 where it is over or under it."""
    return max(letter.left - mark.centre, mark.centre - letter.right, 0.0)


def _neighbours(marks: Sequence[Glyph], others: Sequence[Glyph]) -> dict[int, Glyph | None]:
    """For every mark, by its index, the letter beside it in the file.

    A file keeps its marks either all before or all after their letters: the side that is nearer on the
    page over all marks is taken.
    """
    letters = sorted((glyph for glyph in others if not glyph.is_space), key=lambda glyph: glyph.index)
    indexes = [glyph.index for glyph in letters]
    before: dict[int, Glyph | None] = {}
    after: dict[int, Glyph | None] = {}
    for mark in marks:
        place = bisect_left(indexes, mark.index)
        before[mark.index] = letters[place - 1] if place else None
        after[mark.index] = letters[place] if place < len(letters) else None
    away = {id(side): sum(_distance(mark, side[mark.index]) for mark in marks) for side in (before, after)}
    return before if away[id(before)] <= away[id(after)] else after


def _distance(mark: Glyph, letter: Glyph | None) -> float:
    """How unlikely it is that a mark belongs to a letter: ems between them, 9 on another line."""
    if letter is None or abs(letter.baseline - mark.baseline) > 1.2 * mark.size:
        return 9.0
    return min(_aside(mark, letter) / mark.size, 2.0)


def _add(letter: Glyph, mark: Glyph) -> None:
    text = letter.text
    lam_alef = len(text) > 1 and text[0] == _LAM and text[-1] in _ALEFS
    known = all(char in text for char in mark.text)
    if lam_alef and mark.centre > letter.centre and not any(char in text for char in mark.text):
        letter.text = _compose(text[:-1] + mark.text + text[-1])  # the lam is the right half
    elif not known or (lam_alef and len(text) > 2):
        letter.text = _compose(text + mark.text)


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)
