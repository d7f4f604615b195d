"""Whole files, made here."""

from __future__ import annotations

import random

import pytest
from fpdf import FPDF
from PIL import Image

from assistant.pdf import PdfError, PdfText, read_pdf
from tests.pdf.build import document, saved, write

PROSE = (
    "في طرف المدينة القديمة يقف بيت من الحجر الأبيض بناه تاجر جاء من بلاد بعيدة عام 1932، وكان يحب الكتب حبا "
    "شديدا فجمع منها أكثر من 4,500 كتاب (وقيل ٥٠٠٠)، ثم أوصى قبل وفاته بأن تبقى أبوابه مفتوحة لكل طالب علم."
)
ENGLISH = (
    "The orchard has twelve trees, each of them planted in 1998; about 15% of the fruit is sold at the market, and "
    "the rest is shared between the families who look after it during the long, dry summer months of the year."
)


def kinds(text: PdfText) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in text.blocks]


def test_arabic_and_english_prose_under_headings():
    pdf = document()
    write(pdf, "حكاية البيت القديم", 20)
    write(pdf, PROSE)
    write(pdf, "The orchard", 15, align="L")
    write(pdf, ENGLISH, align="L")
    text = read_pdf(saved(pdf))
    assert kinds(text) == [
        ("heading", 1, "حكاية البيت القديم"),
        ("paragraph", 0, PROSE),
        ("heading", 2, "The orchard"),
        ("paragraph", 0, ENGLISH),
    ]
    assert text.title == "حكاية البيت القديم"
    assert text.pages == 1
    assert text.warnings == ()


@pytest.mark.parametrize(
    "line",
    [
        "ارتفعت المبيعات بنسبة 19.5% في عام 2025 مقارنة بعام 2024",
        "بلغ السعر ١٢٫٥ ريالا في عام ٢٠٢٥ أي بزيادة ٢٨٪ تقريبا",
        "درجة الحرارة بين -5 و 60 درجة عند الساعة 14:30",
        "قال المهندس Daniel Okoye إن الجهاز يعمل بنظام Windows 11 دائما",
        "راجع الموقع https://murjan.example/docs?lang=ar اليوم",
        "لا إله إلا الله (سورة محمد) «والله أعلم» [صدق]",
        "The word ساقية means an irrigation channel in this book",
        "An office for the first fifty difficult affairs",
    ],
)
def test_lines_come_back_as_they_were_written(line: str):
    pdf = document()
    write(pdf, line, align="L" if line.isascii() or line[0] == "T" else "R")
    assert [block.text for block in read_pdf(saved(pdf)).blocks] == [line]


def test_repairs_are_counted():
    pdf = document()
    write(pdf, PROSE)
    repairs = read_pdf(saved(pdf)).repairs
    assert repairs["lam-alef"] > 0
    assert all(count > 0 for count in repairs.values())


def test_lists_and_tables():
    pdf = document()
    write(pdf, ENGLISH, align="L")
    for item in ("• Check the roof first.", "• Leave some free space."):
        write(pdf, item, align="L")
    pdf.set_font("Plex", size=12)
    with pdf.table(text_align="LEFT", first_row_as_headings=False) as table:
        for cells in (("Variety", "Yield", "Harvest"), ("Cox", "38.5", "September")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    assert kinds(read_pdf(saved(pdf)))[1:] == [
        ("item", 0, "Check the roof first."),
        ("item", 0, "Leave some free space."),
        ("row", 0, "Variety | Yield | Harvest"),
        ("row", 0, "Cox | 38.5 | September"),
    ]


def test_two_columns():
    pdf = document()
    with pdf.text_columns(ncols=2, gutter=12, text_align="L") as columns:
        columns.write(ENGLISH)
        columns.new_column()
        columns.write("Second column. " + ENGLISH)
    assert [block.text for block in read_pdf(saved(pdf)).blocks] == [ENGLISH, "Second column. " + ENGLISH]


class _Running(FPDF):
    def header(self) -> None:
        self.set_font("helvetica", size=8)
        self.cell(0, 6, "Internal report", align="C", new_x="LMARGIN", new_y="NEXT")
        self.ln(6)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("helvetica", size=8)
        self.cell(0, 6, f"Page {self.page_no()} of 3", align="C")


def test_pages_without_their_running_lines_and_with_paragraphs_across():
    pdf = _Running()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    words = [f"word{number}" for number in range(900)]
    pdf.multi_cell(0, 7, " ".join(words) + ".")
    text = read_pdf(bytes(pdf.output()))
    assert text.pages == 3
    assert kinds(text) == [("paragraph", 0, " ".join(words) + ".")]
    assert text.blocks[0].page == 1


def test_text_turned_by_a_quarter():
    pdf = document()
    with pdf.rotation(90, x=100, y=150):
        write(pdf, "في المدينة")
        write(pdf, "The second line", align="L")
    assert sorted(block.text for block in read_pdf(saved(pdf)).blocks) == ["The second line", "في المدينة"]


def test_a_title_from_the_properties_of_the_file():
    pdf = document()
    write(pdf, PROSE)
    pdf.set_title("تقرير البيت")
    assert read_pdf(saved(pdf)).title == "تقرير البيت"
    pdf = document()
    write(pdf, PROSE)
    pdf.set_title("Microsoft Word - report.docx")
    assert read_pdf(saved(pdf)).title is None


# --- warnings ----------------------------------------------------------------------------------------


def scan(pdf: FPDF) -> None:
    pdf.image(Image.new("L", (40, 40), 200), x=20, y=20, w=100)


def test_a_scan_says_how_to_get_text():
    pdf = document()
    scan(pdf)
    text = read_pdf(saved(pdf))
    assert text.blocks == ()
    assert text.warnings == (
        "page 1: scanned, without text to search; to add it, run "
        "'ocrmypdf --skip-text -l ara+eng in.pdf out.pdf' and sync again",
    )


def test_scanned_pages_are_named():
    pdf = document()
    write(pdf, PROSE)
    for _ in range(3):
        pdf.add_page()
        scan(pdf)
    (warning,) = read_pdf(saved(pdf)).warnings
    assert warning.startswith("pages 2-4: scanned")


def test_letters_that_the_file_does_not_name():
    pdf = document()
    pdf.compress = False
    write(pdf, PROSE)
    text = read_pdf(saved(pdf).replace(b"/ToUnicode", b"/NoUnicode"))
    assert len(text.warnings) == 1
    assert text.warnings[0].startswith("page 1: text that cannot be used")


def test_an_empty_page():
    assert read_pdf(saved(document())).warnings == ("the PDF holds no text",)


# --- files that cannot be read -----------------------------------------------------------------------


def written() -> FPDF:
    pdf = document()
    write(pdf, PROSE)
    return pdf


def test_an_encrypted_file():
    pdf = written()
    pdf.set_encryption(owner_password="owner", user_password="user")
    with pytest.raises(PdfError, match="encrypted"):
        read_pdf(saved(pdf))


def test_a_file_that_only_its_owner_may_change():
    pdf = written()
    pdf.set_encryption(owner_password="owner")
    assert read_pdf(saved(pdf)).blocks[0].text == PROSE


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"just some text", "not a PDF"),
        (random.Random(7).randbytes(5000), "not a PDF"),
        (b"%PDF-1.7\nnothing more", "too early"),
        (b"%PDF-1.7\nnothing of use\n%%EOF\n", "damaged"),
    ],
)
def test_what_is_no_pdf(data: bytes, message: str):
    with pytest.raises(PdfError, match=message) as caught:
        read_pdf(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_truncated_file(share: float):
    data = saved(written())
    with pytest.raises(PdfError):
        read_pdf(data[: int(len(data) * share)])


def test_too_many_pages():
    pdf = written()
    pdf.add_page()
    with pytest.raises(PdfError, match="2 pages, more than 1"):
        read_pdf(saved(pdf), max_pages=1)
