"""PowerPoint presentations: slides as pages, titles as headings, tables and notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from assistant.readers.archive import open_archive, refuse_entities
from assistant.readers.layout import CELL_MARK, Layout, join_cells
from assistant.schema import Source

MAX_SLIDES = 5_000


def read_pptx(layout: Layout, data: bytes) -> Source:
    """Every slide: its title, its text from top to bottom as it is stored, its notes."""
    from pptx import Presentation

    with open_archive(data, ".pptx", "ppt/") as archive:
        refuse_entities(archive)
    presentation = Presentation(io.BytesIO(data))
    for page, slide in enumerate(presentation.slides, 1):
        if page > MAX_SLIDES:
            layout.warn(f"only the first {MAX_SLIDES:,} slides were read; split the file")
            break
        title = slide.shapes.title
        if title is not None:
            layout.add(title.text_frame.text, "heading", 1, page)
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _add_shape(layout, shape, page)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            _add_paragraphs(layout, slide.notes_slide.notes_text_frame, page, listed=False)
    return layout.source(title=presentation.core_properties.title)


def _shapes(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes in order, those of a group in its place."""
    from pptx.shapes.group import GroupShape

    stack = list(shapes)[::-1]
    while stack:
        shape = stack.pop()
        if isinstance(shape, GroupShape):
            stack.extend(list(shape.shapes)[::-1])
        else:
            yield shape


def _add_shape(layout: Layout, shape: Any, page: int) -> None:
    from pptx.enum.shapes import PP_PLACEHOLDER

    if shape.has_text_frame:
        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER}:
            return
        _add_paragraphs(layout, shape.text_frame, page, kind in {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT})
    elif getattr(shape, "has_table", False):
        for row in shape.table.rows:
            text = join_cells([cell.text_frame.text for cell in row.cells])
            layout.add(text, "row" if CELL_MARK in text else "paragraph", page=page)


def _add_paragraphs(layout: Layout, frame: Any, page: int, listed: bool) -> None:
    for paragraph in frame.paragraphs:
        layout.add(paragraph.text, "item" if listed else "paragraph", page=page)
