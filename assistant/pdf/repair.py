"""Repairs that need the text alone: presentation forms, brackets, units, and text stored as it is seen.

``repair_text`` is for text of unknown origin, such as a text file that was copied out of a PDF. Text in
reading order without presentation forms comes back unchanged. What PDFium itself extracts is damaged word
by word rather than line by line; it is never repaired here but rebuilt from positions (``lines``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from assistant.pdf.bidi import ARABIC, base_direction, clusters_of, embedding_levels, is_mark, logical_order

_PRESENTATION = re.compile("[\ufb00-\ufb06\ufb50-\ufdfb\ufe70-\ufefc]")
_MARK_FORM = re.compile("[\ufe70-\ufe7f\ufc5e-\ufc63]")
_BRACKETS = re.compile(r"[()\[\]{}«»]")
_OPENING = "([{«"
_MIRROR = str.maketrans("()[]{}«»<>‹›", ")(][}{»«><›‹")

# Units whose number comes first in every language; in Arabic lines the two are seen swapped.
_UNITS = """B KB MB GB TB kB kg g mg km cm mm m ml L kW MW kWh W V A Hz kHz MHz GHz USD EUR SAR AED EGP °C C""".split()
_SWAPPED_UNIT = re.compile(
    rf"(?<![\w.\-/@])({'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))}) "
    r"(\d+(?:[.,]\d+)*)(?![\w\-/@%])"
)

# Whether a percent sign is seen left or right of its number differs by program; it is read after it.
_LEADING_PERCENT = re.compile(r"(?<![\w%٪])([%٪])(\d+(?:[.,٫٬]\d+)*)(?![\w%٪])")

# --- single lines ------------------------------------------------------------------------------------


def fold_forms(text: str) -> str:
    """Presentation forms and Latin ligatures as ordinary letters: «ﻻ» becomes «لا». All else is kept."""
    return _PRESENTATION.sub(_fold, text)


def _fold(match: re.Match[str]) -> str:
    folded = unicodedata.normalize("NFKC", match.group())
    if _MARK_FORM.match(match.group()):
        # Marks that stand alone are made of a carrier, which is not text, and the mark.
        return folded.replace(" ", "").replace("\u0640", "")
    return folded


def count_forms(text: str) -> int:
    """How many characters ``fold_forms`` would change."""
    return len(_PRESENTATION.findall(text))


def fix_numbers(text: str) -> str:
    """«MB 5» and «%15» of an Arabic text as they are read: «5 MB» and «15%»."""
    return _LEADING_PERCENT.sub(r"\2\1", _SWAPPED_UNIT.sub(r"\2 \1", text))


def fix_brackets(text: str) -> str:
    """Brackets turned the way their neighbours ask for, only where the text does not balance.

    Files disagree on whether a bracket in Arabic is stored as it is read or as it is seen.
    """
    if _balanced(text):
        return text
    chars = list(text)
    for match in _BRACKETS.finditer(text):
        position = match.start()
        before = text[position - 1] if position else " "
        after = text[position + 1] if position + 1 < len(text) else " "
        opens = before.isspace() or before in '([{«"'
        closes = after.isspace() or after in ')]}».,،؛;:!?؟"'
        if opens != closes and opens != (match.group() in _OPENING):
            chars[position] = match.group().translate(_MIRROR)
    return "".join(chars)


def _balanced(text: str) -> bool:
    waiting: list[str] = []
    for bracket in _BRACKETS.findall(text):
        if bracket in _OPENING:
            waiting.append(bracket.translate(_MIRROR))
        elif not waiting or waiting.pop() != bracket:
            return False
    return not waiting


# --- text stored as it is seen -----------------------------------------------------------------------

# Common words whose mirror image is not a word: seen reversed, they give the order away.
_FUNCTION_WORDS = frozenset(
    """
    في من على إلى عن أن هذا هذه التي الذي ما لا كان مع بين كل بعد قد ثم أو إن هو هي ذلك عند غير حتى
    كما وقد وفي
    """.split()
)
_REVERSED_WORDS = frozenset(word[::-1] for word in _FUNCTION_WORDS)
_LOGICAL_ONLY = _FUNCTION_WORDS - _REVERSED_WORDS
_VISUAL_ONLY = _REVERSED_WORDS - _FUNCTION_WORDS
_WORD = re.compile("[\u0621-\u064a]{2,}")
_OPTIONAL = re.compile("[\u064b-\u0652\u0670\u0640]")
_ARTICLE = re.compile("[وفبك]?ال|لل")
_MIRRORED_ARTICLE = re.compile("لا[وفبك]?$|لل$")
_MARK_BEFORE_LETTER = re.compile("([\u064b-\u0652\u0670]+)([\u0620-\u064a\ufb50-\ufdff\ufe80-\ufefc])")

_SURE_LINE = 4  # evidence from which a line may decide for itself
_SURE_ALONE = 8  # evidence from which a line counts as visual in a document that is not
_SURE_DOCUMENT = 6  # evidence of visual order that a document needs, and twice what speaks against it


def repair_text(text: str) -> tuple[str, Counter[str]]:
    """Text in reading order with ordinary letters, and how many repairs of each kind that took.

    Visual order is told from the sequence of joining forms where there are presentation forms, else by
    statistics of letters and words, for the whole text with an override for lines that are sure.
    """
    repairs: Counter[str] = Counter()
    if not ARABIC.search(text):
        return text, repairs
    lines = text.split("\n")
    evidence = [_evidence(line) for line in lines]
    document = _document_is_visual(evidence)
    repaired = []
    for line, (forms, logical, visual) in zip(lines, evidence, strict=True):
        if ARABIC.search(line):
            if _line_is_visual(forms, logical, visual, document):
                line = _reorder(line)
                repairs["right-to-left lines"] += 1
            repairs["presentation forms"] += count_forms(line)
            line = fold_forms(line)
        repaired.append(line)
    return "\n".join(repaired), +repairs


def _evidence(line: str) -> tuple[int, int, int]:
    forms = forms_vote(line)
    logical, visual = (0, 0) if forms else order_vote(fold_forms(line))
    return forms, logical, visual


def _document_is_visual(evidence: Iterable[tuple[int, int, int]]) -> bool:
    forms, logical, visual = map(sum, zip(*evidence, strict=True))
    return forms < 0 if forms else visual >= _SURE_DOCUMENT and visual > 2 * logical


def _line_is_visual(forms: int, logical: int, visual: int, document: bool) -> bool:
    if forms:
        return forms < 0
    strong, weak = max(logical, visual), min(logical, visual)
    if strong >= _SURE_LINE and strong >= 3 * weak:
        return visual > logical and (document or visual >= _SURE_ALONE)
    return document


def forms_vote(text: str) -> int:
    """Evidence from joining forms: positive for reading order, negative for the order seen.

    An initial or medial form joins the letter read after it, a medial or final one the letter before.
    """
    vote = 0
    letters = [_joining(char) for char in text if not is_mark(char) and not _MARK_FORM.match(char)]
    for first, second in pairwise(letters):
        if not first or not second or first == second == "medial":
            continue
        if first in {"initial", "medial"} and second in {"medial", "final"}:
            vote += 1
        elif first in {"medial", "final"} and second in {"initial", "medial"}:
            vote -= 1
    return vote


def _joining(char: str) -> str:
    tag = unicodedata.decomposition(char).partition(" ")[0].strip("<>")
    return tag if tag in {"initial", "medial", "final", "isolated"} else ""


def order_vote(text: str) -> tuple[int, int]:
    """Evidence for reading order and for the order seen, from function words and where letters stand.

    Ta marbuta and alef maqsura end words, hamzas on waw and ya never begin one, the article begins one.
    """
    logical = visual = 0
    for word in _WORD.findall(_OPTIONAL.sub("", text)):
        logical += 2 * (word in _LOGICAL_ONLY)
        visual += 2 * (word in _VISUAL_ONLY)
        if len(word) > 2:
            logical += 2 * (word[-1] in "ةى") + 2 * (word[0] in "أإ")
            visual += 2 * (word[0] in "ةىئؤ") + 2 * (word[-1] in "أإ")
        if len(word) > 3:
            logical += bool(_ARTICLE.match(word))
            visual += bool(_MIRRORED_ARTICLE.search(word))
    return logical, visual


def _reorder(line: str) -> str:
    """A line stored as it is seen, in reading order, with its brackets turned and marks after letters."""
    clusters = clusters_of(_MARK_BEFORE_LETTER.sub(r"\2\1", line))
    levels = embedding_levels(clusters, base_direction(line) is not False)
    turned = [c.translate(_MIRROR) if level == 1 else c for c, level in zip(clusters, levels, strict=True)]
    return fix_numbers("".join(turned[position] for position in logical_order(levels)))
