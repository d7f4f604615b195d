"""Bytes in every encoding that Arabic and English are kept in."""

from __future__ import annotations

import pytest

from assistant.readers import read_source
from assistant.readers.charset import decode_any
from assistant.readers.layout import FormatError

ARABIC = [
    "مرحبا بكم في المكتبة",
    "يبلغ طول النهر ٣٢٠ كيلومترًا، ويولّد السد الكهرباء لثلاث مدن.",
    "وقّع الوزير الاتفاقية في 12 مارس 2025 في العاصمة",
    "السعر لليلة;180 ريال",
    "اتصل على الرقم (IBAN) أو support@example.org قبل نهاية الأسبوع",
    "كتب الطالب الدرس\nثم ذهب إلى البيت",
]
ENGLISH = ["The café’s “menu” costs £5 – naïve, isn’t it?", "Plain ASCII only."]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [*ARABIC, *ENGLISH, "Привет, мир"])
def test_unicode(text: str, encoding: str):
    assert decode_any(text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["cp1256", "iso8859-6", "mac_arabic", "cp720"])
@pytest.mark.parametrize("text", ARABIC)
def test_arabic_of_one_byte(text: str, encoding: str):
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("has no byte for a character")
    decoded = decode_any(data)
    assert decoded.text.replace("\xa0", " ") == text
    assert not decoded.doubtful
    assert decoded.lost == 0


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH[0], "cp1252"),
        ("Die Größe der Straße überrascht.", "cp1252"),
        ("Déjà vu à l'école, garçon", "iso8859-1"),
        ("Türkiye'de İstanbul güzel şehir", "cp1254"),
        ("Příliš žluťoučký kůň", "cp1250"),
        ("Привет, как дела? Это русский текст.", "cp1251"),
        ("日本語のテキストです。これはテストです。", "shift_jis"),
    ],
)
def test_other_encodings(text: str, encoding: str):
    assert decode_any(text.encode(encoding)).text == text


def test_the_bytes_that_tell_may_come_late():
    text = "Line of plain English.\n" * 5_000 + "ميناء سلمى قديم جدا وفيه منارة"
    assert decode_any(text.encode("cp1256")).text == text


def test_a_declared_encoding_is_believed_when_it_gives_text():
    text = "مرحبا بكم في المكتبة"
    assert decode_any(text.encode("cp1256"), "windows-1256").text == text
    assert decode_any(text.encode("cp1256"), "iso-8859-1").text == text  # it does not
    assert decode_any(text.encode(), "windows-1256").text == text  # nor here
    assert decode_any(text.encode("cp1256"), "no-such-encoding").text == text
    assert decode_any("Größe".encode("cp1250"), "windows-1250").encoding == "cp1250"


def test_damaged_utf8_is_still_utf8():
    data = "يبلغ طول النهر ٣٢٠ كيلومترًا. ".encode() * 5
    decoded = decode_any(data[:-3] + b"\xff" + data)
    assert decoded.encoding == "utf-8"
    assert decoded.lost == 2
    source = read_source("a.txt", data[:-3] + b"\xff" + data)
    assert source.repairs == {"undecodable": 2}
    assert source.warnings == ("2 characters could not be decoded as utf-8; save the file as UTF-8",)


def test_a_poor_guess_is_said():
    source = read_source("a.txt", bytes(range(0x80, 0x100)) + b" word")
    assert len(source.warnings) == 1
    assert "save the file as UTF-8" in source.warnings[0]


def test_text_that_is_read_well_warns_of_nothing():
    source = read_source("a.txt", "مرحبا بكم في المكتبة".encode("cp1256"))
    assert (source.document.text, source.repairs, source.warnings) == ("مرحبا بكم في المكتبة", {}, ())


@pytest.mark.parametrize("data", [bytes(range(256)), b"\x00\x01\x02\x03" * 100, b"\x7fELF" + bytes(100)])
def test_binary_data_is_no_text(data: bytes):
    with pytest.raises(FormatError, match="binary"):
        decode_any(data)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", "نص".encode("utf-8-sig") + b"\xff" * 9])
def test_text_of_no_encoding(data: bytes):
    with pytest.raises(FormatError, match="is text of no known encoding; save the file as UTF-8"):
        decode_any(data)


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.csv", "a.html"])
@pytest.mark.parametrize("encoding", ["cp1256", "utf-16"])
def test_every_text_format_in_any_encoding(name: str, encoding: str):
    assert read_source(name, "ميناء سلمى قديم".encode(encoding)).document.text == "ميناء سلمى قديم"
