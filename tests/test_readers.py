"""Files to documents: what is kept, what is dropped, and one clear line for what cannot be read."""

from __future__ import annotations

import pytest

from assistant import readers
from assistant.errors import DocumentError
from assistant.readers import read_source
from assistant.schema import Source

MARKDOWN = """---
title: الممر الأوسط
language: ar
date: "2025-12-28"
origin: نص كتب للاختبار
---
# الممر الأوسط

يعبر **الممر** بحر [قزوين](https://example.org) عبر `أكتاو`.
ويتابع السطر نفسه.

## الموانئ

- ميناء أول
- ميناء ثانٍ
  - فرع

| المدينة | العدد |
|---|---|
| أكتاو | ٥ |

```
سطر أول
سطر ثانٍ
```

![خريطة](map.png) <b>نص</b>
"""


def blocks(source: Source) -> list[tuple[str, int, str]]:
    text = source.document.text
    return [(block.kind, block.level, text[block.start : block.end]) for block in source.blocks]


def test_markdown_becomes_the_text_that_a_reader_sees():
    source = read_source("documents/corridor.md", MARKDOWN.encode())
    assert blocks(source) == [
        ("heading", 1, "الممر الأوسط"),
        ("paragraph", 0, "يعبر الممر بحر قزوين عبر أكتاو. ويتابع السطر نفسه."),
        ("heading", 2, "الموانئ"),
        ("item", 0, "ميناء أول"),
        ("item", 0, "ميناء ثانٍ"),
        ("item", 0, "فرع"),
        ("row", 0, "المدينة | العدد"),
        ("row", 0, "أكتاو | ٥"),
        ("paragraph", 0, "سطر أول"),
        ("paragraph", 0, "سطر ثانٍ"),
        ("paragraph", 0, "خريطة نص"),
    ]


def test_front_matter_describes_the_document():
    document = read_source("documents/corridor.md", MARKDOWN.encode()).document
    assert (document.id, document.title, document.language) == ("documents/corridor.md", "الممر الأوسط", "ar")
    assert document.source == "نص كتب للاختبار"
    assert document.metadata == {"date": "2025-12-28"}


def test_title_and_language_without_front_matter():
    source = read_source("reports/ports_of-2025.md", b"# Ports\n\nAktau is a port.")
    assert (source.document.title, source.document.language, source.titled) == ("Ports", "en", True)
    source = read_source("reports/ports_of-2025.txt", "ميناء أكتاو كبير.".encode())
    assert (source.document.title, source.document.language, source.titled) == ("ports of 2025", "ar", False)
    assert source.document.source == "ports_of-2025.txt"


def test_plain_text_joins_wrapped_lines_and_keeps_items_apart():
    text = "First line\nof a paragraph.\n\n\nSecond:\n- one\n  goes on\n٢. two\n"
    assert blocks(read_source("a.txt", text.encode())) == [
        ("paragraph", 0, "First line of a paragraph."),
        ("paragraph", 0, "Second:"),
        ("paragraph", 0, "- one goes on"),
        ("paragraph", 0, "٢. two"),
    ]


def test_format_and_control_characters_do_not_survive():
    data = "\ufeffالممر\u200f ال\u200bأوسط\x00\r\nو\u0627\u0653سيا".encode()
    # byte order mark, direction mark, zero-width space, NUL; alef and madda are composed to آ
    assert read_source("a.txt", data).document.text == "الممر الأوسط وآسيا"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", "مرحبا".encode("cp1256"), "a.txt: not UTF-8 text (byte 0xe3 at position 0); save the file as UTF-8"),
        ("a.md", b"---\ntitle: x\n", "a.md: front matter is not closed; add a line '---' after it"),
        ("a.md", b"---\n- x\n---\ntext", "a.md: front matter must be lines of 'key: value'"),
        ("a.md", b"---\ntitle: [x]\n---\ntext", "a.md: front matter must be lines of 'key: value'"),
        (
            "a.md",
            b"---\nlanguage: Arabic\n---\ntext",
            "a.md: language 'Arabic' is not a two-letter code such as ar or en",
        ),
        ("a.md", b"---\ntitle: x\n---\n \n", "a.md: holds no text; write some or remove the file"),
        ("a.txt", b"", "a.txt: holds no text; write some or remove the file"),
        ("a.odt", b"x", "a.odt: unknown format; supported: .md, .markdown, .txt"),
    ],
)
def test_bad_files_get_one_clear_line(name: str, data: bytes, message: str):
    with pytest.raises(DocumentError) as caught:
        read_source(name, data)
    assert str(caught.value) == message


def test_malformed_yaml_names_the_line():
    # the colon in line 3 of the file opens a second mapping
    with pytest.raises(DocumentError, match=r"a\.md: front matter is not valid YAML \(line 3: "):
        read_source("a.md", b"---\ntitle: fine\nnote: a: b\n---\ntext")


def test_large_files_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "MAX_BYTES", 2_000_000)
    with pytest.raises(DocumentError, match="larger than 2 MB"):
        read_source("a.txt", b"x" * 2_000_001)
