"""Tables: CSV in any encoding and with any delimiter, and Excel workbooks as they are displayed."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from assistant.readers.archive import open_archive, refuse_entities
from assistant.readers.cells import displayed
from assistant.readers.layout import Layout, join_cells, one_line
from assistant.schema import Source

MAX_ROWS = 500_000
"""Rows with content of one workbook."""

_DELIMITERS = ";\t|؛،,"
"""Where several fit alike the first: a comma may be part of numbers and text."""
_SNIFFED_ROWS = 50
_HEADER_ROWS = 20
_MAX_CELL = 10_000_000
_NUMBER = re.compile(r"[-+(]?[^\w\s]?\s*[\d٠-٩۰-۹][\d٠-٩۰-۹.,٫٬/:\s-]*\D{0,8}")


def read_csv(layout: Layout, text: str) -> Source:
    """Every row of a delimited file; its header is a heading, which every passage of the table carries."""
    csv.field_size_limit(_MAX_CELL)
    first, _, rest = text.partition("\n")
    declared = re.fullmatch(r'"?sep=(.)"?\s*', first)  # Excel's own way to name the delimiter
    delimiter = declared.group(1) if declared else _delimiter(text)
    reader = csv.reader(io.StringIO(rest if declared else text, newline=""), delimiter=delimiter, skipinitialspace=True)
    _add_table(layout, reader)
    return layout.source()


def _delimiter(text: str) -> str:
    """The delimiter that gives the first rows the same number of cells, as many as possible."""
    sample = text[:100_000]

    def fit(delimiter: str) -> tuple[float, int]:
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        widths = Counter(len(row) for row, _ in zip(rows, range(_SNIFFED_ROWS), strict=False) if row)
        if not widths:
            return 0.0, 0
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (count / widths.total(), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=fit)


def _add_table(layout: Layout, rows: Iterable[Sequence[str]], level: int = 2) -> None:
    first: list[list[str]] = []
    whole = iter(rows)
    for row in whole:
        if any(cell.strip() for cell in row):
            first.append([one_line(cell) for cell in row])
        if len(first) > _HEADER_ROWS:
            break
    if _has_header(first):
        layout.add(join_cells(first.pop(0)), "heading", level)
    for row in first:
        layout.add(join_cells(row), "row")
    for row in whole:
        layout.add(join_cells(list(row)), "row")


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names columns: words only, all different, above at least one column of numbers."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    names = [cell for cell in rows[0] if cell]
    if len(names) < 2 or len(set(names)) < len(names) or any(_NUMBER.fullmatch(cell) for cell in names):
        return False
    for column in range(len(rows[0])):
        cells = [row[column] for row in rows[1:] if column < len(row) and row[column]]
        if cells and sum(_NUMBER.fullmatch(cell) is not None for cell in cells) > 0.7 * len(cells):
            return True
    return False


# --- Excel -------------------------------------------------------------------------------------------


def read_xlsx(layout: Layout, data: bytes) -> Source:
    """Every visible sheet below its name; values as Excel shows them, formulas by their last result."""
    from openpyxl import load_workbook

    with open_archive(data, ".xlsx", "xl/workbook") as archive:
        refuse_entities(archive)
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    seen = 0
    for sheet in sheets:
        sheet.reset_dimensions()  # what a file says of its size may be wrong
        rows = []
        for row in sheet.iter_rows():
            if all(cell.value is None for cell in row):
                continue
            seen += 1
            if seen > MAX_ROWS:
                layout.warn(f"only the first {MAX_ROWS:,} rows were read; split the file")
                break
            rows.append(["" if cell.value is None else displayed(cell.value, cell.number_format) for cell in row])
        if rows and len(sheets) > 1:
            layout.add(sheet.title, "heading", 1)
        _add_table(layout, rows)
    title = book.properties.title
    book.close()
    return layout.source(title=title)
