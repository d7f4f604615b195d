"""Direction: from characters as they stand on the page, left to right, to the order in which they are read.

This is the Unicode bidirectional algorithm run backwards for the cases that documents hold: one base
direction for each line, numbers and Latin words inside Arabic, Arabic words inside Latin. A *cluster* is
a string that belongs together: a letter with its marks, a ligature's letters in reading order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from assistant.text import ARABIC_LETTER

Kind = Literal["right", "left", "digit", "arabic-digit", "separator", "space", "neutral"]

ARABIC = re.compile(f"[{ARABIC_LETTER}]")
_LATIN = re.compile(r"[^\W\d_]")
_MARK = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]")


@lru_cache(maxsize=4096)
def is_mark(char: str) -> bool:
    """Whether a character is drawn over or under another one."""
    return unicodedata.category(char) == "Mn"


@lru_cache(maxsize=4096)
def kind(cluster: str) -> Kind:
    """What a cluster means for direction: its first character that is not a mark decides."""
    char = next((char for char in cluster if not is_mark(char)), "")
    if not char:
        return "neutral"
    if char.isspace():
        return "space"
    bidi = unicodedata.bidirectional(char)
    if bidi in {"R", "AL"}:
        return "right"
    if bidi == "L":
        return "left"
    if bidi == "EN":
        return "digit"
    if bidi == "AN":
        return "arabic-digit" if char.isdigit() else "separator"
    return "separator" if bidi == "CS" else "neutral"


def count_words(text: str) -> tuple[int, int]:
    """Words with Arabic letters and words with other letters only; a URL or a name is one word."""
    arabic = latin = 0
    for word in text.split():
        if ARABIC.search(word):
            arabic += 1
        elif _LATIN.search(word):
            latin += 1
    return arabic, latin


def base_direction(text: str) -> bool | None:
    """True for right to left, by which script has more words; None without letters."""
    arabic, latin = count_words(text)
    return None if arabic + latin == 0 else arabic >= latin


def embedding_levels(clusters: Sequence[str], rtl: bool) -> list[int]:
    """How deep each cluster of a line is embedded: odd levels are read right to left.

    Args:
        clusters: one line, as seen from left to right.
        rtl: base direction of the line.
    """
    return _levels_rtl(clusters) if rtl else _levels_ltr(clusters)


def logical_order(levels: Sequence[int]) -> list[int]:
    """Positions, counted from the left, in the order of reading."""
    order = list(range(len(levels)))
    _reverse(order, levels, 2)
    _reverse(order, levels, 1)
    return order


def to_logical(clusters: Sequence[str], rtl: bool) -> str:
    """The text of ``clusters``, given as seen from left to right, in the order of reading."""
    return "".join(clusters[position] for position in logical_order(embedding_levels(clusters, rtl)))


def _levels_rtl(clusters: Sequence[str]) -> list[int]:
    """Embedding levels in a right-to-left line: 2 for what runs left to right within it, else 1."""
    kinds = [kind(cluster) for cluster in clusters]
    numeric = _numeric(kinds)
    levels = [1] * len(kinds)
    start = 0
    while start < len(kinds):
        if kinds[start] == "left":
            end = _latin_run(clusters, kinds, numeric, start)
            if not {"right", "arabic-digit"} & set(kinds[end:]):
                start = _continued_run(kinds, numeric, start)
            levels[start:end] = [2] * (end - start)
            start = end
            continue
        if numeric[start]:
            levels[start] = 2
        start += 1
    return levels


def _latin_run(clusters: Sequence[str], kinds: Sequence[Kind], numeric: Sequence[bool], start: int) -> int:
    """Where the Latin run from ``start`` ends: after its last letter or number before an Arabic cluster.

    European digits after Latin letters take their direction (rule W7); Arabic digits do not. The
    slashes of ``https://`` stay with it.
    """
    end = start + 1
    for position in range(start, len(kinds)):
        if kinds[position] in {"right", "arabic-digit"}:
            break
        slashes = clusters[position] == "/" and "".join(clusters[max(position - 2, start) : position]) == ":/"
        if kinds[position] == "left" or numeric[position] or slashes:
            end = position + 1
    return end


def _continued_run(kinds: Sequence[Kind], numeric: Sequence[bool], start: int) -> int:
    """Where the Latin run that begins a line really starts, to the left of ``start``.

    A number left of it is read before it: the name that the number follows ended the line above.
    """
    found = position = start
    while position and (numeric[position - 1] or kinds[position - 1] == "space"):
        position -= 1
        if kinds[position] == "digit":
            found = position
    return found


def _levels_ltr(clusters: Sequence[str]) -> list[int]:
    """Embedding levels in a left-to-right line: 1 for Arabic runs, 2 for numbers within them, else 0."""
    kinds = [kind(cluster) for cluster in clusters]
    numeric = _numeric(kinds)
    levels = [0] * len(kinds)
    start = 0
    while start < len(kinds):
        if kinds[start] != "right":
            start += 1
            continue
        end = start + 1
        for position in range(start, len(kinds)):
            if kinds[position] == "left":
                break
            if kinds[position] == "right":
                end = position + 1
        levels[start:end] = [2 if numeric[position] else 1 for position in range(start, end)]
        start = end
    return levels


def _numeric(kinds: Sequence[Kind]) -> list[bool]:
    """Which clusters are parts of numbers: digits, and a single separator between two of them."""
    digit = [kind in {"digit", "arabic-digit"} for kind in kinds]
    return [
        digit[k] or (kinds[k] == "separator" and 0 < k < len(kinds) - 1 and digit[k - 1] and digit[k + 1])
        for k in range(len(kinds))
    ]


def _reverse(order: list[int], levels: Sequence[int], level: int) -> None:
    """Reverse every run of ``order`` whose levels are at least ``level``, in place."""
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and levels[order[end]] >= level:
            end += 1
        order[start:end] = order[start:end][::-1]
        start = max(end, start + 1)


def clusters_of(text: str) -> list[str]:
    """Characters of ``text``, each with the Arabic marks after it."""
    clusters: list[str] = []
    for char in text:
        if clusters and _MARK.match(char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters
