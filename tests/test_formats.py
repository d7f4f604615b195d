"""HTML, Word, Excel, PowerPoint, EPUB, CSV and PDF: what is read of them, and what is refused."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date, datetime, timedelta
from datetime import time as clock

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.util import Inches

from assistant.errors import DocumentError
from assistant.readers import MAX_BINARY_BYTES, check_size, read_source
from assistant.readers.cells import displayed
from assistant.readers.html import nesting
from assistant.readers.worker import ReaderPool
from assistant.schema import Source
from tests.test_readers import blocks


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zipped(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def changed(data: bytes, changes: dict[str, bytes]) -> bytes:
    """An archive with some of its members replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**members, **changes})


def pages(source: Source) -> list[int | None]:
    return [block.page for block in source.blocks]


def refusal(name: str, data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read_source(name, data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- HTML --------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html lang="ar"><head><meta charset="utf-8"><title>نهر الأمل | موقع</title>
<noscript>Enable JS</noscript><style>p {}</style></head><body>
<header><h1>الموقع</h1><nav><a href="/">الرئيسية</a></nav></header>
<div class="cookie-banner">نستخدم ملفات <button>موافق</button></div>
<main><article><header><h1>نهر الأمل</h1></header>
<p>ينبع النهر من <b>جبل</b><br>الثلج.<script>x()</script></p>
<h2>السد</h2><ul><li>بند <i>أول</i></li><li>بند ثانٍ<ul><li>فرع</li></ul></li></ul>
<table><caption>جدول</caption><tr><th>المدينة</th><th>العدد</th></tr><tr><td>سلمى<td>٥</table>
<pre>سطر
  آخر</pre><p hidden>خفي</p><p style="display: none">خفي</p><img src="x" alt="خريطة"></article></main>
<aside>جانب</aside><footer>حقوق</footer></body></html>"""


def test_the_content_of_a_page():
    source = read_source("a.html", PAGE.encode())
    assert blocks(source) == [
        ("heading", 1, "نهر الأمل"),
        ("paragraph", 0, "ينبع النهر من جبل الثلج."),
        ("heading", 2, "السد"),
        ("item", 0, "بند أول"),
        ("item", 0, "بند ثانٍ"),
        ("item", 0, "فرع"),
        ("paragraph", 0, "جدول"),
        ("row", 0, "المدينة | العدد"),
        ("row", 0, "سلمى | ٥"),
        ("paragraph", 0, "سطر"),
        ("paragraph", 0, "آخر"),
        ("paragraph", 0, "خريطة"),
    ]
    assert (source.document.title, source.document.language, source.titled) == ("نهر الأمل", "ar", True)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>one<p>two", ["one", "two"]),
        ("text <div>a</div> b <div>c</div>", ["text", "a", "b", "c"]),
        (
            "<div class='main-menu'><a>Home</a></div><div class='wrap'><p>نص طويل بما يكفي</p></div>",
            ["نص طويل بما يكفي"],
        ),
        ("<div class='with-sidebar'><h1>T</h1><p>x</p></div>", ["T", "x"]),  # named so, but it is the content
        ("<article>a</article><article>b</article>", ["a", "b"]),
        ("<main></main><p>outside of an empty main part</p>", ["outside of an empty main part"]),
        ("<table><tr><td><h2>T</h2><p>a</p><td><ul><li>b</ul></table>", ["T", "a", "b"]),  # arranges the page
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", ["a | b", "c"]),
        ("<table><tr><td>only</table>", ["only"]),
        ("<dl><dt>a</dt><dd>b</dd></dl>", ["a", "b"]),
        ("<h2>a<br>b</h2><h3><div>c</div></h3>", ["a b", "c"]),
        ("a&nbsp;b&#8203;c&rlm;&lt;d&gt;", ["a bc<d>"]),
        ("<svg><text>no</text></svg><textarea>no</textarea>x", ["x"]),
        ("<form><p>in a form</p></form>", ["in a form"]),
        ("<p>a<!-- no --><span aria-hidden=true>no</span></p>", ["a"]),
        ("<section><header><h2>h</h2></header>t</section>", ["h", "t"]),
        ("just text", ["just text"]),
    ],
)
def test_pages(page: str, expected: list[str]):
    assert [text for _, _, text in blocks(read_source("a.htm", page.encode()))] == expected


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1256">', "cp1256"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-6">', "iso8859-6"),
        ("<meta charset=utf-8>", "utf-8"),
        ("<meta charset=windows-1256>", "utf-8"),  # belied by the bytes
        ("<meta charset=utf-8>", "cp1256"),
        ("", "cp1256"),
        ("", "utf-16"),
    ],
)
def test_the_encoding_of_a_page(head: str, encoding: str):
    page = f"<html><head>{head}</head><body><p>ميناء سلمى قديم جدا.</p></body></html>"
    assert read_source("a.html", page.encode(encoding)).document.text == "ميناء سلمى قديم جدا."


@pytest.mark.parametrize(
    ("page", "title", "language"),
    [
        ("<html lang=en><title>عنوان</title><p>نص عربي.", "عنوان", "ar"),  # a template's language
        ("<html lang=fa-IR><p>متن فارسی.", "a", "fa"),
        ("<html lang=fr-FR><title> Le\n titre </title><p>Le texte.", "Le titre", "fr"),
        ("<html lang=ar><p>English.", "a", "en"),
        ("<h1>H</h1><p>x", "H", "en"),
    ],
)
def test_what_a_page_says_of_itself(page: str, title: str, language: str):
    document = read_source("a.html", page.encode()).document
    assert (document.title, document.language) == (title, language)


@pytest.mark.parametrize("opening", ["<div>", "<b>", "<ul><li>", "<div></x>", "<table><tr><td>", "<svg><td>"])
def test_deep_nesting_is_read_without_structure(opening: str):
    begun = time.monotonic()
    source = read_source("a.html", f"<title>t</title>{opening * 200_000}<p>نص <i>مهم</i><script>x</script>".encode())
    assert "نص مهم" in source.document.text
    assert source.warnings == ("is nested more than 2,000 elements deep; its text was taken without its structure",)
    assert time.monotonic() - begun < 10


def test_deep_nesting_in_markdown():
    source = read_source("a.md", ("# باب\n\n" + "<div>" * 200_000 + "\nنص").encode())
    assert "نص" in source.document.text
    assert len(source.warnings) == 1


@pytest.mark.parametrize("data", ["<a" * 300_000, "<" * 500_000, "<" + "a" * 500_000, "<script>" * 100_000])
def test_unclosed_tags_take_no_time(data: str):
    begun = time.monotonic()
    read_source("a.html", f"{'<div>' * 3_000}نص{data}".encode())
    read_source("a.html", f"<p>نص</p>{data}".encode())
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("page", "depth"),
    [("<p>" * 50, 0), ("<div>" * 50, 50), ("<div></div>" * 50, 1), ("<div></b>" * 50, 50), ("<br><img/>" * 9, 0)],
)
def test_nesting(page: str, depth: int):
    assert nesting(page) == depth


# --- CSV ---------------------------------------------------------------------------------------------

ROWS = [["المدينة", "العدد", "الملاحظات"], ["سلمى", "1,250", "ميناء, قديم"], ["تارين", "٣٢٠", "مناجم"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "،", "؛", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv(delimiter: str, encoding: str):
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS)
    assert blocks(read_source("a.csv", text.encode(encoding))) == [
        ("heading", 2, "المدينة | العدد | الملاحظات"),
        ("row", 0, "سلمى | 1,250 | ميناء, قديم"),
        ("row", 0, "تارين | ٣٢٠ | مناجم"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\nc,d", [("row", 0, "a | b"), ("row", 0, "c | d")]),  # nothing tells that the first row is a header
        ("name,1\nx,2", [("row", 0, "name | 1"), ("row", 0, "x | 2")]),
        ("sep=;\na;1\nb;2", [("row", 0, "a | 1"), ("row", 0, "b | 2")]),
        ("a;b;c\nd;;f\n;;\n", [("row", 0, "a | b | c"), ("row", 0, "d | f")]),
        ('"a\nb", "c ""d"""', [("row", 0, 'a b | c "d"')]),
        ("one column\nof text, here", [("row", 0, "one column"), ("row", 0, "of text | here")]),
        ("السعر;3,5\nx;4,5", [("row", 0, "السعر | 3,5"), ("row", 0, "x | 4,5")]),
    ],
)
def test_csv_rows(text: str, expected: list[tuple[str, int, str]]):
    assert blocks(read_source("a.csv", text.encode())) == expected


# --- Excel -------------------------------------------------------------------------------------------


def test_a_workbook():
    book = openpyxl.Workbook()
    first = book.active
    first.title = "المدن"
    first.append(["المدينة", "النسبة", "التاريخ", "المبلغ"])
    first.append(["سلمى", 0.725, date(2025, 12, 28), 318400])
    first["B2"].number_format, first["D2"].number_format = "0.0%", '#,##0 "ريال"'
    first["F9"] = True
    second = book.create_sheet("Formulas")
    second["A1"] = "=1+1"  # never calculated
    second["B2"] = "x"
    hidden = book.create_sheet("Hidden")
    hidden["A1"], hidden.sheet_state = "no", "hidden"
    book.properties.title = "كتاب"
    source = read_source("a.xlsx", saved(book))
    assert blocks(source) == [
        ("heading", 1, "المدن"),
        ("heading", 2, "المدينة | النسبة | التاريخ | المبلغ"),
        ("row", 0, "سلمى | 72.5% | 2025-12-28 | 318,400 ريال"),
        ("row", 0, "TRUE"),
        ("heading", 1, "Formulas"),
        ("row", 0, "x"),
    ]


def test_one_sheet_needs_no_heading():
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.properties.title = "كتاب"
    source = read_source("a.xlsx", saved(book))
    assert (blocks(source), source.document.title) == ([("row", 0, "a | b")], "كتاب")


def test_a_sparse_sheet_is_quick():
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = "نهاية"
    begun = time.monotonic()
    assert read_source("a.xlsx", saved(book)).document.text == "نهاية"
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (5, "General", "5"),
        (5.0, "General", "5"),
        (0.1 + 0.2, "General", "0.3"),
        (-2.5, None, "-2.5"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, "0", "1235"),
        (0.5, "0%", "50%"),
        (0.0725, "0.0#%", "7.25%"),
        (0.07, "0.0#%", "7.0%"),
        (-1234, "#,##0;(#,##0)", "(1,234)"),
        (-1234, "#,##0;[Red]-#,##0", "-1,234"),
        (0, '0;-0;"صفر"', "0"),
        (1250, '#,##0 "ريال"', "1,250 ريال"),
        (1250, "[$€-407] #,##0", "€ 1,250"),
        (1250, '_-* #,##0\\ "ر.س"_-', "1,250 ر.س"),
        (7, "000", "007"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (1_500_000, "0.00E+00", "1500000"),
        (0.25, "# ?/?", "0.25"),
        (True, "General", "TRUE"),
        ("نص", "@", "نص"),
        (date(2025, 12, 28), "General", "2025-12-28"),
        (datetime(2025, 12, 28), "mm-dd-yy", "2025-12-28"),
        (datetime(2025, 12, 28, 14, 5), "mm-dd-yy", "2025-12-28 14:05"),
        (datetime(2025, 12, 28), "dd/mm/yyyy", "28/12/2025"),
        (datetime(2025, 2, 8), "d mmmm yyyy", "8 February 2025"),
        (datetime(2025, 2, 8), "ddd d-mmm-yy", "Sat 8-Feb-25"),
        (datetime(2025, 2, 8, 14, 5), "[$-401]yyyy/mm/dd hh:mm", "2025/02/08 14:05"),
        (datetime(2025, 2, 8, 14, 5, 9), "h:mm:ss AM/PM", "2:05:09 PM"),
        (clock(9, 30), "hh:mm", "09:30"),
        (timedelta(hours=30, minutes=5), "[h]:mm", "30:05"),
    ],
)
def test_cells_as_they_are_displayed(value: object, form: str | None, text: str):
    assert displayed(value, form) == text


# --- Word --------------------------------------------------------------------------------------------


def test_a_word_document():
    document = docx.Document()
    document.add_heading("نهر الأمل", 0)
    document.add_paragraph("ينبع النهر من الشمال.")
    document.add_heading("السد", 2)
    document.add_paragraph("بند", style="List Bullet")
    document.add_paragraph("first", style="List Number")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["المدينة", "العدد", "سلمى", "٥"], strict=True):
        cell.text = text
    last = document.add_paragraph("سطر")
    last.add_run().add_break()
    last.add_run("آخر\u200f")
    source = read_source("a.docx", saved(document))
    assert blocks(source) == [
        ("heading", 1, "نهر الأمل"),
        ("paragraph", 0, "ينبع النهر من الشمال."),
        ("heading", 2, "السد"),
        ("item", 0, "بند"),
        ("item", 0, "first"),
        ("row", 0, "المدينة | العدد"),
        ("row", 0, "سلمى | ٥"),
        ("paragraph", 0, "سطر آخر"),
    ]
    assert (source.document.title, source.document.language) == ("نهر الأمل", "ar")


def with_body(xml: str) -> bytes:
    document = docx.Document()
    body = parse_xml(
        f"<w:body {nsdecls('w')} xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>{xml}</w:body>"
    )
    for element in reversed(body):
        document.element.body.insert(0, element)
    return saved(document)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>في إطار</w:t></w:r></w:p></w:sdtContent></w:sdt>", ["في إطار"]),
        (
            "<w:p><w:ins><w:r><w:t>جديد</w:t></w:r></w:ins><w:del><w:r><w:delText>قديم</w:delText></w:r></w:del></w:p>",
            ["جديد"],
        ),
        ("<w:p><w:hyperlink><w:r><w:t>a</w:t></w:r></w:hyperlink><w:r><w:tab/><w:t>b</w:t></w:r></w:p>", ["a b"]),
        ("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>no</w:t></w:r><w:r><w:t>yes</w:t></w:r></w:p>", ["yes"]),
        ("<w:p><w:r><w:fldChar w:fldCharType='begin'/><w:instrText>PAGE</w:instrText><w:t>7</w:t></w:r></w:p>", ["7"]),
        (
            "<w:p><w:r><w:t>قبل</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
            "<w:p><w:r><w:t>مربع</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
            "<w:p><w:r><w:t>مربع</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            ["قبل", "مربع"],
        ),
        (
            "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p>"
            "</w:tc><w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p/></w:tc></w:tr></w:tbl>",
            ["a", "b | c"],
        ),
        ("<w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr><w:r><w:t>H</w:t></w:r></w:p>", ["H"]),
    ],
)
def test_parts_of_a_word_document(xml: str, expected: list[str]):
    assert [text for _, _, text in blocks(read_source("a.docx", with_body(xml)))] == expected


def test_footnotes_follow_their_paragraph():
    w = nsdecls("w")
    notes = f"<w:footnotes {w}><w:footnote w:id='2'><w:p><w:r><w:t>حاشية</w:t></w:r></w:p></w:footnote></w:footnotes>"
    data = with_body(
        "<w:p><w:r><w:t>نص</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
        "<w:p><w:r><w:t>آخر</w:t></w:r></w:p>"
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        relations = archive.read("word/_rels/document.xml.rels").decode()
        types = archive.read("[Content_Types].xml").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    relations = relations.replace(
        "</Relationships>", f'<Relationship Id="rIdN" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    )
    content = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    types = types.replace("</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{content}"/></Types>')
    data = changed(
        data,
        {
            "word/footnotes.xml": notes.encode(),
            "word/_rels/document.xml.rels": relations.encode(),
            "[Content_Types].xml": types.encode(),
        },
    )
    assert [text for _, _, text in blocks(read_source("a.docx", data))] == ["نص", "حاشية", "آخر"]


# --- PowerPoint --------------------------------------------------------------------------------------


def test_a_presentation():
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "نهر الأمل"
    first.placeholders[1].text = "بند أول\nsecond"
    first.notes_slide.notes_text_frame.text = "ملاحظة المتحدث"
    second = presentation.slides.add_slide(presentation.slide_layouts[5])
    second.shapes.title.text = "جدول"
    table = second.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(2)).table
    for position, text in enumerate(["المدينة", "العدد", "سلمى", "٥"]):
        table.cell(position // 2, position % 2).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "في مجموعة"
    source = read_source("a.pptx", saved(presentation))
    assert blocks(source) == [
        ("heading", 1, "نهر الأمل"),
        ("item", 0, "بند أول"),
        ("item", 0, "second"),
        ("paragraph", 0, "ملاحظة المتحدث"),
        ("heading", 1, "جدول"),
        ("row", 0, "المدينة | العدد"),
        ("row", 0, "سلمى | ٥"),
        ("paragraph", 0, "في مجموعة"),
    ]
    assert pages(source) == [1, 1, 1, 1, 2, 2, 2, 2]


# --- EPUB --------------------------------------------------------------------------------------------

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
PACKAGE = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>كتاب</dc:title><dc:language>ar</dc:language></metadata>
<manifest><item id="b" href="text/2.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/one%20page.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
<item id="c" href="c.css" media-type="text/css"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OPS/book.opf": PACKAGE,
    "OPS/nav.xhtml": "<html><body><nav><ol><li>باب</li></ol></nav></body></html>",
    "OPS/text/one page.xhtml": "<?xml version='1.0'?>"
    "<html><body><header><h2>باب أول</h2></header><p>نص.</p></body></html>",
    "OPS/text/2.xhtml": "<html><body><h2>باب ثانٍ</h2><aside><p>حاشية</p></aside></body></html>",
}


def test_a_book():
    source = read_source("a.epub", zipped(BOOK))
    assert blocks(source) == [
        ("heading", 2, "باب أول"),
        ("paragraph", 0, "نص."),
        ("heading", 2, "باب ثانٍ"),
        ("paragraph", 0, "حاشية"),
    ]
    assert (source.document.title, source.document.language) == ("كتاب", "ar")


def test_a_book_with_a_missing_page():
    source = read_source("a.epub", zipped({name: data for name, data in BOOK.items() if "2.x" not in name}))
    assert source.warnings == ("the part OPS/text/2.xhtml is missing",)


def test_a_protected_book():
    lock = "<encryption><CipherReference URI='OPS/text/2.xhtml'/></encryption>"
    message = refusal("a.epub", zipped({**BOOK, "META-INF/encryption.xml": lock}))
    assert message == "a.epub: is protected against copying; use a copy without protection"
    fonts = "<encryption><CipherReference URI='OPS/font.otf'/></encryption>"
    assert read_source("a.epub", zipped({**BOOK, "META-INF/encryption.xml": fonts})).document.title == "كتاب"


# --- files that are refused --------------------------------------------------------------------------

OFFICE = [".docx", ".xlsx", ".pptx", ".epub"]


def example(suffix: str) -> bytes:
    if suffix == ".docx":
        document = docx.Document()
        document.add_paragraph("نص")
        return saved(document)
    if suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.active.append(["نص"])
        return saved(book)
    if suffix == ".pptx":
        presentation = pptx.Presentation()
        presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "نص"
        return saved(presentation)
    return zipped(BOOK)


@pytest.mark.parametrize("suffix", OFFICE)
def test_an_archive_cut_off(suffix: str):
    data = example(suffix)
    for end in (30, len(data) // 2, len(data) - 10):
        assert refusal(f"a{suffix}", data[:end]) == f"a{suffix}: is cut off or damaged; copy it again or save it anew"


@pytest.mark.parametrize("suffix", OFFICE)
def test_damage_within_an_archive(suffix: str):
    part = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml", ".pptx": "ppt/presentation.xml"}
    data = changed(example(suffix), {part.get(suffix, "OPS/book.opf"): b"<broken"})
    assert refusal(f"a{suffix}", data).endswith("; open it in its program and save it again")


@pytest.mark.parametrize("suffix", [*OFFICE, ".pdf", ".html"])
def test_an_empty_file(suffix: str):
    assert refusal(f"a{suffix}", b"") == f"a{suffix}: holds no text; write some or remove the file"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.docx", b"%PDF-1.7\n%", "is a PDF file; save it again as .docx or give it its own suffix"),
        ("a.docx", zipped(BOOK), "is a zip archive but not a .docx file; give it its own suffix or remove it"),
        ("a.xlsx", b"a,b\n1,2", "is not a .xlsx file, or damaged; save it again as .xlsx or give it its own suffix"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "is an Office file of before 2007; save it again as .docx or give it its own suffix",
        ),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "is protected by a password; save it without one",
        ),
        ("a.pdf", zipped(BOOK), "is a zip archive; give it its own suffix or remove it"),
        ("a.pdf", b"text", "is not a PDF file; give it its own suffix or remove it"),
        ("a.html", b"%PDF-1.7\n%", "is a PDF file, not text; give it its own suffix or remove it"),
        ("a.html", bytes(range(256)) * 9, "holds binary data, not text; remove it or save it as text"),
    ],
)
def test_a_file_under_a_wrong_name(name: str, data: bytes, message: str):
    assert refusal(name, data) == f"{name}: {message}"


def test_sizes_are_refused_before_a_file_is_loaded():
    check_size("a.pdf", MAX_BINARY_BYTES)
    with pytest.raises(DocumentError) as caught:
        check_size("a.pdf", MAX_BINARY_BYTES + 1)
    assert str(caught.value) == "a.pdf: larger than 100 MB; split it into smaller files"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({f"word/{n}": b"" for n in range(5_001)}, "holds more than 5,000 parts; split it into smaller files"),
        (
            {"word/a.xml": bytes(20_000_000)},
            "holds a part that unpacks to more than 100 times its size; do not trust it",
        ),
        ({"word/../../a": b"x"}, "holds a part with an unsafe name; do not trust it"),
        ({"/etc/x": b"x"}, "holds a part with an unsafe name; do not trust it"),
        ({"word\\..\\x": b"x"}, "holds a part with an unsafe name; do not trust it"),
    ],
)
def test_a_bomb_is_not_opened(members: dict[str, bytes], message: str):
    assert refusal("a.docx", zipped(members)) == f"a.docx: {message}"


def test_what_unpacks_to_too_much_is_not_opened(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assistant.readers.archive.MAX_TOTAL_BYTES", 1_000_000)
    data = zipped({f"word/{n}": bytes(300_000) for n in range(4)})
    assert refusal("a.docx", data) == "a.docx: unpacks to more than 1 MB; split it into smaller files"


def test_an_encrypted_archive():
    data = bytearray(zipped({"word/document.xml": b"x"}))
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1  # the flag of encryption in the directory
    assert refusal("a.docx", bytes(data)) == "a.docx: is protected by a password; save it without one"


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY {after} "{f"&{before};" * 10}">'.encode() for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("declaration", [BOMB + b"]>", b'<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>'])
@pytest.mark.parametrize("suffix", OFFICE[:3])
def test_entities_are_refused(suffix: str, declaration: bytes):
    part = {".docx": "word/document.xml", ".xlsx": "xl/sharedStrings.xml", ".pptx": "ppt/presentation.xml"}
    data = changed(example(suffix), {part[suffix]: declaration + b"<x>&i;</x>"})
    assert refusal(f"a{suffix}", data) == (
        f"a{suffix}: declares XML entities, which no Office program writes; do not trust it"
    )


def test_entities_of_a_book_are_not_resolved():
    # a book may have a document type
    package = PACKAGE.partition("?>")[2].replace("كتاب", "كتاب&i;").encode()
    outside = b'<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>' + package
    assert read_source("a.epub", zipped({**BOOK, "OPS/book.opf": outside})).document.title == "كتاب&i;"
    bomb = zipped({**BOOK, "OPS/book.opf": BOMB + b"]>" + package})
    assert refusal("a.epub", bomb).startswith("a.epub: is damaged or not a .epub file")


# --- PDF ---------------------------------------------------------------------------------------------


def test_pages_of_a_pdf(monkeypatch: pytest.MonkeyPatch):
    pdf = pytest.importorskip("assistant.pdf")
    result = pdf.PdfText(
        "عنوان",
        (pdf.PdfBlock("باب", "heading", 2, 1), pdf.PdfBlock("نص", "paragraph", 0, 2)),
        2,
        {"reversed": 3},
        ("page 3 holds no text",),
    )
    monkeypatch.setattr(pdf, "read_pdf", lambda data, max_pages: result)
    source = read_source("a.pdf", b"%PDF-1.7")
    assert blocks(source) == [("heading", 2, "باب"), ("paragraph", 0, "نص")]
    assert pages(source) == [1, 2]
    assert (source.document.title, source.repairs) == ("عنوان", {"reversed": 3})
    assert source.warnings == ("page 3 holds no text",)


def test_why_a_pdf_holds_no_text(monkeypatch: pytest.MonkeyPatch):
    pdf = pytest.importorskip("assistant.pdf")
    monkeypatch.setattr(pdf, "read_pdf", lambda data, max_pages: pdf.PdfText(None, (), 1, {}, ("page 1 is a picture",)))
    message = "a.pdf: holds no text (page 1 is a picture); write some or remove the file"
    assert refusal("a.pdf", b"%PDF-1.7") == message


def test_a_pdf_that_is_refused(monkeypatch: pytest.MonkeyPatch):
    pdf = pytest.importorskip("assistant.pdf")

    def refuse(data: bytes, max_pages: int) -> None:
        raise pdf.PdfError("is protected by a password; save it without one")

    monkeypatch.setattr(pdf, "read_pdf", refuse)
    assert refusal("a.pdf", b"%PDF-1.7") == "a.pdf: is protected by a password; save it without one"


SELF_REFERRING = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</XObject<</F 4 0 R>>>>/Contents 5 0 R>> endobj
4 0 obj <</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</F 4 0 R>>>>/Length 30>> stream
/F Do /F Do /F Do /F Do /F Do
endstream endobj
5 0 obj <</Length 5>> stream
/F Do
endstream endobj
trailer <</Root 1 0 R>>
%%EOF
"""


@pytest.mark.parametrize("data", [SELF_REFERRING, b"%PDF-1.7\n", b"%PDF-1.7\n" + bytes(5000)])
def test_a_hostile_pdf_is_refused_in_time(data: bytes):
    pytest.importorskip("assistant.pdf")
    begun = time.monotonic()
    with ReaderPool(seconds=5) as pool, pytest.raises(DocumentError, match=r"^a\.pdf: "):
        pool.read("a.pdf", data)
    assert time.monotonic() - begun < 15


# --- through the child -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*OFFICE, ".html"])
def test_every_format_in_a_child(suffix: str):
    data = "<p>نص".encode() if suffix == ".html" else example(suffix)
    with ReaderPool() as pool:
        assert pool.read(f"a{suffix}", data) == read_source(f"a{suffix}", data)
