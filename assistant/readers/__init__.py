"""Bytes to ``Source``: one module a format. Each gives plain text as it is quoted, and its blocks.

Markup, format characters and line wrapping do not survive; words, order and headings do. Formats that are
parsed by large libraries are best read through ``worker.ReaderPool``, which a hostile file cannot harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from assistant.errors import DocumentError
from assistant.readers.charset import decode, decode_any
from assistant.readers.docx import read_docx
from assistant.readers.epub import read_epub
from assistant.readers.front_matter import is_date, load_yaml, split_front_matter, yaml_place
from assistant.readers.html import read_html
from assistant.readers.layout import FormatError, Layout, clean
from assistant.readers.markdown import read_markdown
from assistant.readers.pdf import read_pdf
from assistant.readers.plain import read_plain
from assistant.readers.pptx import read_pptx
from assistant.readers.signatures import check_signature
from assistant.readers.tables import read_csv, read_xlsx
from assistant.schema import Source

__all__ = [
    "SUFFIXES",
    "check_size",
    "decode",
    "is_date",
    "is_hazardous",
    "load_yaml",
    "read_source",
    "split_front_matter",
    "yaml_place",
]

MAX_BYTES = 50_000_000
"""Larger text files are refused: no reader needs them and splitting one takes minutes."""

MAX_BINARY_BYTES = 100_000_000
"""The same for formats that may hold pictures."""

_HARMLESS_BYTES = 1_000_000
"""Text up to this size takes a second at worst, however it is made."""

_HTML_TAG = re.compile(rb"<[A-Za-z]")

_TEXT_READERS: dict[str, Callable[[Layout, str], Source]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_plain,
    ".csv": read_csv,
    ".tsv": read_csv,
}
# These take bytes: they hold their encoding in themselves, or are no text at all.
_BINARY_READERS: dict[str, Callable[[Layout, bytes], Source]] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".epub": read_epub,
    ".pdf": read_pdf,
}

SUFFIXES = (*_TEXT_READERS, *_BINARY_READERS)
"""File name endings that ``read_source`` understands."""


def is_hazardous(document_id: str, data: bytes) -> bool:
    """Whether a file can hang, exhaust or crash what reads it: by its format, HTML in it, or its length."""
    suffix = _suffix(document_id)
    if suffix in _BINARY_READERS or len(data) > _HARMLESS_BYTES:
        return True
    return _TEXT_READERS.get(suffix) is read_markdown and _HTML_TAG.search(data) is not None


def check_size(document_id: str, size: int) -> None:
    """Refuse a file by its size alone, before it is loaded.

    Raises:
        DocumentError: it is larger than its format may be.
    """
    limit = MAX_BINARY_BYTES if _suffix(document_id) in _BINARY_READERS else MAX_BYTES
    if size > limit:
        raise DocumentError(f"{document_id}: larger than {limit // 1_000_000} MB; split it into smaller files")


def read_source(document_id: str, data: bytes) -> Source:
    """Read one file of a supported format.

    Args:
        document_id: path below the knowledge folder; its suffix names the format.
        data: content of the file.

    Raises:
        DocumentError: the file cannot be read; the message names it and says what to do.
    """
    suffix = _suffix(document_id)
    if suffix not in SUFFIXES:
        raise DocumentError(f"{document_id}: unknown format; supported: {', '.join(SUFFIXES)}")
    check_size(document_id, len(data))
    layout = Layout(document_id)
    try:
        source = _read(layout, suffix, data) if data else layout.source()
    except FormatError as error:
        raise DocumentError(f"{document_id}: {error}") from None
    except (DocumentError, MemoryError):
        raise
    except Exception as error:  # the libraries raise whatever they stumble over in a damaged file
        raise DocumentError(
            f"{document_id}: is damaged or not a {suffix} file ({type(error).__name__}); "
            "open it in its program and save it again"
        ) from error
    if not source.document.text.strip():
        why = f" ({'; '.join(source.warnings)})" if source.warnings else ""
        raise DocumentError(f"{document_id}: holds no text{why}; write some or remove the file")
    return source


def _read(layout: Layout, suffix: str, data: bytes) -> Source:
    check_signature(suffix, data)
    if suffix in _BINARY_READERS:
        return _BINARY_READERS[suffix](layout, data)
    decoded = decode_any(data)
    layout.note_decoding(decoded.encoding, decoded.lost, decoded.doubtful)
    return _TEXT_READERS[suffix](layout, clean(decoded.text))


def _suffix(document_id: str) -> str:
    return PurePosixPath(document_id).suffix.lower()
