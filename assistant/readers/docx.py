"""Word documents: body, tables, text boxes, content controls, footnotes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from assistant.readers.archive import open_archive, refuse_entities
from assistant.readers.layout import CELL_MARK, Layout, join_cells
from assistant.schema import Source

if TYPE_CHECKING:
    from docx.document import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_NOTES = re.compile(r"/word/(?:footnotes|endnotes)\d*\.xml")
_HEADING_NAME = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAX_LEVEL = 9
# What these hold is not read where they stand: what was deleted or moved away, text boxes (read after their
# paragraph), and the old form of a drawing beside the new one.
_SKIPPED = frozenset({f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent", f"{_W}rPrChange", _FALLBACK})


def read_docx(layout: Layout, data: bytes) -> Source:
    """Paragraphs by their styles, items, table rows; notes after the paragraph that refers to them."""
    import docx

    with open_archive(data, ".docx", "word/") as archive:
        refuse_entities(archive)
    document = docx.Document(io.BytesIO(data))
    _Body(layout, document).read(document.element.body)
    return layout.source(title=document.core_properties.title)


class _Body:
    """Puts the parts of a document into blocks."""

    def __init__(self, layout: Layout, document: Document) -> None:
        self._layout = layout
        self._styles = _Styles(document)
        self._notes = _notes(document)

    def read(self, container: Any) -> None:
        """Append the paragraphs and tables of a body, cell, text box or content control, in order."""
        for element in _blocks(container):
            if element.tag == f"{_W}tbl":
                self._read_table(element)
            else:
                self._read_paragraph(element)

    def _read_paragraph(self, paragraph: Any) -> None:
        level, is_item = self._styles.place(paragraph)
        text = _text(paragraph)
        if level:
            self._layout.add(text, "heading", level)
        else:
            self._layout.add(text, "item" if is_item else "paragraph")
        for box in _within(paragraph, f"{_W}txbxContent"):
            self.read(box)
        for reference in _references(paragraph):
            self._layout.add(self._notes.get(reference, ""), "paragraph")

    def _read_table(self, table: Any) -> None:
        """Rows of plain cells; a table that arranges other tables or long text is read as its content."""
        rows = [list(_cells(row)) for row in _rows(table)]
        if any(_arranges(cell) for row in rows for cell in row):
            for row in rows:
                for cell in row:
                    self.read(cell)
            return
        for row in rows:
            text = join_cells([" ".join(_text(p) for p in cell.iter(f"{_W}p")) for cell in row])
            self._layout.add(text, "row" if CELL_MARK in text else "paragraph")
            for cell in row:
                for reference in _references(cell):
                    self._layout.add(self._notes.get(reference, ""), "paragraph")


_MAX_CELL_PARAGRAPHS = 5


def _arranges(cell: Any) -> bool:
    """Whether a cell holds more than a value: a table, or many paragraphs."""
    if next(cell.iter(f"{_W}tbl"), None) is not None:
        return True
    return sum(1 for paragraph in cell.iter(f"{_W}p") if _text(paragraph).strip()) > _MAX_CELL_PARAGRAPHS


def _blocks(container: Any) -> Iterator[Any]:
    """Paragraphs and tables directly in a container; content controls and tracked insertions are looked into."""
    stack = list(reversed(container))
    while stack:
        element = stack.pop()
        if element.tag in {f"{_W}p", f"{_W}tbl"}:
            yield element
        elif element.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins", f"{_W}moveTo"}:
            stack.extend(reversed(element))


def _rows(table: Any) -> Iterator[Any]:
    return (row for row in table.iter(f"{_W}tr") if _owner(row, f"{_W}tbl") is table)


def _cells(row: Any) -> Iterator[Any]:
    """Cells of a row; the lower ones of vertically merged cells are empty in any case."""
    return (cell for cell in row.iter(f"{_W}tc") if _owner(cell, f"{_W}tr") is row)


def _owner(element: Any, tag: str) -> Any:
    return next(element.iterancestors(tag), None)


def _text(paragraph: Any) -> str:
    """Text of a paragraph as it is displayed, without its text boxes and notes."""
    return "".join(_pieces(paragraph))


def _pieces(paragraph: Any) -> Iterator[str]:
    stack = [paragraph]
    while stack:
        element = stack.pop()
        tag = element.tag
        if tag == f"{_W}t":
            yield element.text or ""
        elif tag in {f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}ptab"}:
            yield " "
        elif tag == f"{_W}noBreakHyphen":
            yield "-"
        elif tag not in _SKIPPED and not _is_hidden(element):
            stack.extend(reversed(element))


def _is_hidden(element: Any) -> bool:
    if element.tag != f"{_W}r":
        return element.tag in {f"{_W}pPr", f"{_W}rPr"}
    vanish = element.find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and vanish.get(f"{_W}val", "1") not in {"0", "false", "off"}


def _within(paragraph: Any, tag: str) -> Iterator[Any]:
    """Elements of a kind in a paragraph, not those within one another or in the old form of a drawing."""
    stack = [paragraph]
    while stack:
        element = stack.pop()
        if element.tag == tag:
            yield element
        elif element.tag != _FALLBACK:
            stack.extend(reversed(element))


def _references(element: Any) -> Iterator[tuple[str, str]]:
    for kind in ("footnote", "endnote"):
        for reference in element.iter(f"{_W}{kind}Reference"):
            yield kind, reference.get(f"{_W}id", "")


def _notes(document: Document) -> dict[tuple[str, str], str]:
    """Text of the footnotes and endnotes by kind and id."""
    from docx.oxml import parse_xml

    notes = {}
    for part in document.part.package.iter_parts():
        if _NOTES.fullmatch(str(part.partname)):
            for note in parse_xml(part.blob):
                kind = str(note.tag).removeprefix(_W)
                notes[kind, note.get(f"{_W}id", "")] = " ".join(_text(p) for p in note.iter(f"{_W}p"))
    return notes


class _Styles:
    """What the paragraph styles of a document mean for its layout."""

    def __init__(self, document: Document) -> None:
        self._by_id = {style.get(f"{_W}styleId"): style for style in document.styles.element.iter(f"{_W}style")}
        self._default = next(
            (
                style
                for style in self._by_id.values()
                if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") in {"1", "true"}
            ),
            None,
        )

    def place(self, paragraph: Any) -> tuple[int, bool]:
        """Heading level (0 for none) of a paragraph, and whether it is a list item."""
        level: int | None = None
        numbered: bool | None = None
        for properties, name in self._chain(paragraph):
            if level is None:
                level = _level(properties, name)
            if numbered is None:
                numbered = _numbered(properties, name)
        return level or 0, bool(numbered)

    def _chain(self, paragraph: Any) -> Iterator[tuple[Any, str]]:
        """Paragraph properties, nearest first: its own, its style's, that style's base and so on."""
        own = paragraph.find(f"{_W}pPr")
        yield own, ""
        named = None if own is None else own.find(f"{_W}pStyle")
        style = self._default if named is None else self._by_id.get(named.get(f"{_W}val"), self._default)
        seen: set[int] = set()
        while style is not None and id(style) not in seen:
            seen.add(id(style))
            name = style.find(f"{_W}name")
            yield style.find(f"{_W}pPr"), "" if name is None else name.get(f"{_W}val", "")
            base = style.find(f"{_W}basedOn")
            style = None if base is None else self._by_id.get(base.get(f"{_W}val"))


def _level(properties: Any, name: str) -> int | None:
    if name.lower() == "title":
        return 1
    heading = _HEADING_NAME.fullmatch(name)
    if heading:
        return int(heading.group(1))
    outline = None if properties is None else properties.find(f"{_W}outlineLvl")
    if outline is None:
        return None
    level = int(outline.get(f"{_W}val", "9")) + 1
    return level if level <= _MAX_LEVEL else 0


def _numbered(properties: Any, name: str) -> bool | None:
    number = None if properties is None else properties.find(f"{_W}numPr/{_W}numId")
    if number is not None:
        return str(number.get(f"{_W}val")) != "0"
    return True if name.lower().startswith("list ") and name.lower() != "list continue" else None
