"""Bytes to ``Source``: one reader a format. Each gives plain text as it is quoted, and its blocks.

Markup, format characters and line wrapping do not survive; words, order and headings do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import yaml

from assistant.errors import DocumentError
from assistant.schema import Block, BlockKind, Document, Source
from assistant.text import detect_language, strip_format

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_BYTES = 50_000_000
"""Larger text files are refused: no reader needs them and splitting one takes minutes."""

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–▪◦]|\(?[0-9\u0660-\u0669]{1,3}[.)\-])\s+")


def read_source(document_id: str, data: bytes) -> Source:
    """Read one file of a supported format.

    Args:
        document_id: path below the knowledge folder; its suffix names the format.
        data: content of the file.

    Raises:
        DocumentError: the file cannot be read; the message names it and says what to do.
    """
    reader = _READERS.get(PurePosixPath(document_id).suffix.lower())
    if reader is None:
        raise DocumentError(f"{document_id}: unknown format; supported: {', '.join(SUFFIXES)}")
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{document_id}: larger than {MAX_BYTES // 1_000_000} MB; split it into smaller files")
    source = reader(document_id, decode(document_id, data))
    if not source.document.text.strip():
        raise DocumentError(f"{document_id}: holds no text; write some or remove the file")
    return source


def decode(document_id: str, data: bytes) -> str:
    """UTF-8 bytes as clean text: composed, with ``\\n`` line ends, without format and control characters.

    Raises:
        DocumentError: the bytes are not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{document_id}: not UTF-8 text (byte 0x{data[error.start]:02x} at position {error.start}); "
            "save the file as UTF-8"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", strip_format(unicodedata.normalize("NFC", text)))


# --- front matter ------------------------------------------------------------------------------------


def split_front_matter(document_id: str, text: str) -> tuple[dict[str, str], str]:
    """The YAML between the ``---`` lines at the start of ``text`` as strings, and the rest.

    Raises:
        DocumentError: it is not closed, not YAML, not a mapping of plain values, or has a bad language.
    """
    if not text.startswith("---\n"):
        return {}, text
    end = re.compile(r"^---[ \t]*$", re.MULTILINE).search(text, 4)
    if end is None:
        raise DocumentError(f"{document_id}: front matter is not closed; add a line '---' after it")
    try:
        values = yaml.safe_load(text[4 : end.start()]) or {}
    except yaml.YAMLError as error:
        raise DocumentError(f"{document_id}: front matter is not valid YAML{yaml_place(error, 1)}") from None
    if not isinstance(values, dict) or any(isinstance(value, (dict, list)) for value in values.values()):
        raise DocumentError(f"{document_id}: front matter must be lines of 'key: value'")
    matter = {str(key): str(value) for key, value in values.items() if value is not None}
    language = matter.get("language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise DocumentError(f"{document_id}: language '{language}' is not a two-letter code such as ar or en")
    return matter, text[end.end() :].lstrip("\n")


def yaml_place(error: yaml.YAMLError, offset: int = 0) -> str:
    """`` (line 3: what is wrong)`` for a YAML error, with ``offset`` lines above the parsed text."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    if mark is None:
        return ""
    return f" (line {mark.line + 1 + offset}{f': {problem}' if problem else ''})"


# --- Markdown ----------------------------------------------------------------------------------------


def _read_markdown(document_id: str, text: str) -> Source:
    from markdown_it import MarkdownIt

    matter, body = split_front_matter(document_id, text)
    layout = _Layout()
    item_depth = 0
    heading = 0
    row: list[str] | None = None
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        if token.type in {"list_item_open", "list_item_close"}:
            item_depth += token.nesting
        elif token.type in {"heading_open", "heading_close"}:
            heading = int(token.tag[1]) if token.nesting == 1 else 0
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            layout.add(" | ".join(cell for cell in row if cell), "row")
            row = None
        elif token.type in {"fence", "code_block"}:
            for line in token.content.splitlines():
                layout.add(line.strip(), "paragraph")
        elif token.type == "inline":
            plain = _plain(token.children or [])
            if row is not None:
                row.append(plain)
            elif heading:
                layout.add(plain, "heading", heading)
            else:
                layout.add(plain, "item" if item_depth else "paragraph")
    return layout.source(document_id, matter)


def _plain(tokens: list[Token]) -> str:
    """Inline Markdown as a reader sees it."""
    parts: list[str] = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif token.type == "image":
            parts.append(_plain(token.children or []))
    return " ".join("".join(parts).split())


# --- plain text --------------------------------------------------------------------------------------


def _read_text(document_id: str, text: str) -> Source:
    """Paragraphs are separated by empty lines; the lines within one are joined, list items are kept."""
    matter, body = split_front_matter(document_id, text)
    layout = _Layout()
    for paragraph in re.split(r"\n[ \t]*\n", body):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if _LIST_ITEM.match(line):
                layout.add(" ".join(" ".join(lines).split()), "paragraph")
                lines = []
            lines.append(line)
        layout.add(" ".join(" ".join(lines).split()), "paragraph")
    return layout.source(document_id, matter)


# --- what the readers share --------------------------------------------------------------------------


class _Layout:
    """Collects the blocks of a document in reading order."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(self, text: str, kind: BlockKind, level: int = 0, page: int | None = None) -> None:
        """Append a block; one without text is left out."""
        if not text:
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        self._parts.append(text)
        self._blocks.append(Block(self._length, self._length + len(text), kind, level, page))
        self._length += len(text)

    def source(self, document_id: str, matter: Mapping[str, str]) -> Source:
        """The document; what its front matter lacks is taken from the text and the file's name."""
        text = "".join(self._parts)
        heading = next((text[b.start : b.end] for b in self._blocks if b.kind == "heading" and b.level == 1), None)
        path = PurePosixPath(document_id)
        known = {"title", "language", "origin"}
        title = matter.get("title") or heading
        document = Document(
            id=document_id,
            title=title or path.stem.replace("_", " ").replace("-", " "),
            language=matter.get("language") or detect_language(text),
            text=text,
            source=matter.get("origin") or path.name,
            metadata={key: value for key, value in matter.items() if key not in known},
        )
        return Source(document, tuple(self._blocks), titled=title is not None)


_READERS: dict[str, Callable[[str, str], Source]] = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_text,
}

SUFFIXES = tuple(_READERS)
"""File name endings that ``read_source`` understands."""
