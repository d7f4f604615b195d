"""What every reader shares: clean text, and blocks collected in reading order."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from assistant.errors import DocumentError
from assistant.schema import Block, BlockKind, Document, Source
from assistant.text import detect_language, strip_format

MAX_CHARACTERS = 20_000_000
"""Text that one file may give: some ten thousand pages. Small files that unfold into more are refused."""

_SAMPLE = 200_000
"""Characters that the language of a text is told by."""

CELL_MARK = " | "
"""Stands between the cells of a table row."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls of both blocks, the Mongolian separator, interlinear and object marks, tag characters: none of
# them is seen by a reader.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u180e\ufff9-\ufffc\U000e0000-\U000e007f]")
_ARABIC_SCRIPT = frozenset("ar fa ur ps ku ckb sd ug az uz ks pa ms".split())
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")


class FormatError(Exception):
    """A file is not what its format promises; the message says what is wrong and what to do, without its name."""


def clean(text: str) -> str:
    """Composed text with ``\\n`` line ends, without the characters that only format or control."""
    text = _LINE_ENDS.sub("\n", text)
    return unicodedata.normalize("NFC", _UNSEEN.sub("", strip_format(text)))


def one_line(text: str) -> str:
    """Clean text with each run of white space as one space."""
    return " ".join(clean(text).split())


def join_cells(cells: list[str]) -> str:
    """A table row as it is quoted; empty cells are left out."""
    return CELL_MARK.join(cell for cell in map(one_line, cells) if cell)


def declared_language(declared: str | None, text: str) -> str | None:
    """ISO code of what a file says of its language (``fr``, ``ar-SA``), unless its script belies it.

    Pages written in Arabic say ``lang="en"`` often enough, because their template does.
    """
    match = _LANGUAGE_TAG.fullmatch((declared or "").strip())
    if match is None:
        return None
    language = match.group(1).lower()
    script = detect_language(text)
    if script == "other":
        return language
    return language if (language in _ARABIC_SCRIPT) == (script == "ar") else None


class Layout:
    """Collects the blocks of a document in reading order, and what was mended or is doubtful."""

    def __init__(self, document_id: str) -> None:
        self.document_id = document_id
        self.repairs: Counter[str] = Counter()
        self.warnings: list[str] = []
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(self, text: str, kind: BlockKind, level: int = 0, page: int | None = None) -> None:
        """Append a block, cleaned and on one line; one without text is left out.

        Raises:
            DocumentError: the document has grown too long.
        """
        text = one_line(text)
        if not text:
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        self._parts.append(text)
        self._blocks.append(Block(self._length, self._length + len(text), kind, level, page))
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise DocumentError(
                f"{self.document_id}: holds more than {MAX_CHARACTERS // 1_000_000} million characters of text; "
                "split it into smaller files"
            )

    def warn(self, line: str) -> None:
        """Note, once, that text may not be usable."""
        if line not in self.warnings:
            self.warnings.append(line)

    def note_decoding(self, encoding: str, lost: int, doubtful: bool) -> None:
        """Say what was lost when bytes became text."""
        if lost:
            self.repairs["undecodable"] += lost
            what = "1 character" if lost == 1 else f"{lost:,} characters"
            self.warn(f"{what} could not be decoded as {encoding}; save the file as UTF-8")
        elif doubtful:
            self.warn(f"the encoding was guessed as {encoding}; if the text is garbled, save the file as UTF-8")

    def source(
        self, matter: Mapping[str, str] | None = None, title: str | None = None, language: str | None = None
    ) -> Source:
        """The document; what its front matter lacks is taken from the text and the file's name.

        Args:
            matter: front matter, which always holds.
            title: what the file calls itself, for a document without a heading of level 1.
            language: what the file says of its language.
        """
        matter = matter or {}
        text = "".join(self._parts)
        sample = text[:: 1 + len(text) // _SAMPLE]  # letters from all over it tell its script
        heading = next((text[b.start : b.end] for b in self._blocks if b.kind == "heading" and b.level == 1), None)
        path = PurePosixPath(self.document_id)
        known = {"title", "language", "origin"}
        found = matter.get("title") or heading or one_line(title or "") or None
        document = Document(
            id=self.document_id,
            title=found or path.stem.replace("_", " ").replace("-", " "),
            language=matter.get("language") or declared_language(language, sample) or detect_language(sample),
            text=text,
            source=matter.get("origin") or path.name,
            metadata={key: value for key, value in matter.items() if key not in known},
        )
        return Source(
            document,
            tuple(self._blocks),
            titled=found is not None,
            repairs=dict(self.repairs),
            warnings=tuple(self.warnings),
        )
