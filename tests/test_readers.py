"""Files to documents: what is kept, what is dropped, and one clear line for what cannot be read."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import readers
from assistant.errors import DocumentError
from assistant.readers import SUFFIXES, decode, layout, markdown, read_source, split_front_matter
from assistant.schema import Source

SUPPORTED = "supported: .md, .markdown, .txt, .csv, .tsv, .html, .htm, .xhtml, .docx, .pptx, .xlsx, .epub, .pdf"

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


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# A `b` *c*\n\n###### Deep", [("heading", 1, "A b c"), ("heading", 6, "Deep")]),
        (
            "العنوان\n===\n\nالباب\n---\n\nنص",
            [("heading", 1, "العنوان"), ("heading", 2, "الباب"), ("paragraph", 0, "نص")],
        ),
        ("#وسم ليس عنوانًا", [("paragraph", 0, "#وسم ليس عنوانًا")]),  # no space after the sign
        ("x\n\n#\n\ny", [("paragraph", 0, "x"), ("paragraph", 0, "y")]),  # an empty heading
        ("- أ\n  - ب\n    - ج\n- د", [("item", 0, letter) for letter in "أبجد"]),
        ("3. ثالث\n4. رابع", [("item", 0, "ثالث"), ("item", 0, "رابع")]),
        ("- one\n\n  more of it\n\nafter", [("item", 0, "one"), ("item", 0, "more of it"), ("paragraph", 0, "after")]),
        ("- # Head\n- item", [("heading", 1, "Head"), ("item", 0, "item")]),
        ("> اقتباس\n> متصل", [("paragraph", 0, "اقتباس متصل")]),
        (
            "| a | b |\n|--:|:--|\n| **x** | [y](z) |\n| | only |",
            [("row", 0, "a | b"), ("row", 0, "x | y"), ("row", 0, "only")],
        ),
        ("| a | b |\n|---|---|\n| x \\| y | ![خريطة](z) |", [("row", 0, "a | b"), ("row", 0, "x | y | خريطة")]),
        ("```python\nx = 1\n\n    y = 2\n```", [("paragraph", 0, "x = 1"), ("paragraph", 0, "y = 2")]),
        ("نص\n\n    # code\n    - code", [("paragraph", 0, line) for line in ("نص", "# code", "- code")]),
        ("![**الممر** الأوسط](a.png)", [("paragraph", 0, "الممر الأوسط")]),
        ("x ![](a.png) y", [("paragraph", 0, "x y")]),  # an image without words
        ('[الممر](https://a.b "عنوان") و<https://a.b>', [("paragraph", 0, "الممر وhttps://a.b")]),
        ("[الممر][1]\n\n[1]: https://a.b", [("paragraph", 0, "الممر")]),
        ("***غامق** مائل* ~~محذوف~~ `رمز`", [("paragraph", 0, "غامق مائل محذوف رمز")]),
        (r"5 \* 3 \# \[x\]", [("paragraph", 0, "5 * 3 # [x]")]),  # escaped marks are text
        ("snake_case_name and 2*3*4", [("paragraph", 0, "snake_case_name and 234")]),  # _ within words is no mark
        ("a &amp; b &lt;c&gt; &copy;", [("paragraph", 0, "a & b <c> ©")]),
        ("سطر  \nآخر\\\nثالث", [("paragraph", 0, "سطر آخر ثالث")]),  # hard line breaks
        ("<!-- hidden -->\n\nx <b>y</b> z", [("paragraph", 0, "x y z")]),
        ("<style>\np { color: red }\n</style>\n\nx", [("paragraph", 0, "x")]),
        ("x\n\n***\n\ny", [("paragraph", 0, "x"), ("paragraph", 0, "y")]),  # a thematic break
        ("a \t b\u00a0 c", [("paragraph", 0, "a b c")]),  # runs of white space
    ],
)
def test_markdown(markdown: str, expected: list[tuple[str, int, str]]):
    assert blocks(read_source("a.md", markdown.encode())) == expected


@pytest.mark.parametrize("name", ["a.md", "a.MD", "a.markdown"])
def test_markdown_by_its_suffix(name: str):
    assert blocks(read_source(name, b"# T\n\n- x")) == [("heading", 1, "T"), ("item", 0, "x")]


def test_plain_text_has_no_markup():
    assert blocks(read_source("a.txt", b"# T\n\n**x** [y](z) <b>")) == [
        ("paragraph", 0, "# T"),
        ("paragraph", 0, "**x** [y](z) <b>"),
    ]


def test_block_offsets_are_exact():
    source = read_source("a.md", "# باب\n\nنص أول.\n\n- بند\n".encode())
    # an empty line between blocks: «باب» 3, then 2, «نص أول.» 7, then 2, «بند» 3
    assert source.document.text == "باب\n\nنص أول.\n\nبند"
    assert [(block.start, block.end) for block in source.blocks] == [(0, 3), (5, 12), (14, 17)]
    assert [block.page for block in source.blocks] == [None, None, None]


MARKDOWN_LINES = [
    "# باب",
    "## Part",
    "نص **مهم**.",
    "- بند",
    "  - فرع",
    "1. one",
    "| a | b |",
    "|---|---|",
    "```",
    "<p>",
    "",
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*MARKDOWN_LINES, "> x", "![خ](y)", "    code", "\u200f", "a<br>b", "---"]), max_size=15),
    st.sampled_from(["a.md", "a.txt"]),
)
def test_blocks_are_the_whole_text_in_order(lines: list[str], name: str):
    try:
        source = read_source(name, "\n".join(["x", *lines]).encode())
    except DocumentError:
        raise AssertionError("there is text") from None
    text = source.document.text
    assert "\n\n".join(text[block.start : block.end] for block in source.blocks) == text
    assert all(part == " ".join(part.split()) != "" for _, _, part in blocks(source))


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


@pytest.mark.parametrize(
    ("name", "text", "title", "titled"),
    [
        ("a.md", "---\ntitle: من المقدمة\n---\n# من النص\n\nx", "من المقدمة", True),
        ("a.md", "---\ntitle: ''\n---\n# من النص\n\nx", "من النص", True),
        ("a.md", "x\n\n## ثانٍ\n\n# أول\n\n# آخر", "أول", True),  # the first of level 1, wherever it is
        ("deep/er/middle-corridor_v2.md", "## only level 2\n\nx", "middle corridor v2", False),
        ("a/تقرير.ar.txt", "# نص", "تقرير.ar", False),  # plain text has no headings
        ("a.txt", "---\ntitle: T\n---\nx", "T", True),
        ("a.md", "---\ntitle: 2025\n---\nx", "2025", True),  # a number in YAML
    ],
)
def test_where_the_title_comes_from(name: str, text: str, title: str, titled: bool):
    source = read_source(name, text.encode())
    assert (source.document.title, source.titled) == (title, titled)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("نص عربي.", "ar"),
        ("English text.", "en"),
        ("日本語。", "other"),
        ("---\nlanguage: fr\n---\nLe texte.", "fr"),
        ("---\nlanguage: en\n---\nنص عربي.", "en"),  # what is said stands
        ("---\nlanguage: ckb\n---\nنص.", "ckb"),
        ("---\nlanguage:\n---\nنص.", "ar"),  # nothing said
    ],
)
def test_where_the_language_comes_from(text: str, language: str):
    assert read_source("a.txt", text.encode()).document.language == language


@pytest.mark.parametrize(
    ("text", "matter", "rest"),
    [
        ("---\ntitle: A\n---\nx", {"title": "A"}, "x"),
        ("---\ntitle: A\n--- \t\n\n\nx\n", {"title": "A"}, "x\n"),
        ("---\n---\nx", {}, "x"),
        ("---\n# only a comment\n---\nx", {}, "x"),
        ("---\ntitle: A\n---", {"title": "A"}, ""),
        ("x\n---\ntitle: A\n---\n", {}, "x\n---\ntitle: A\n---\n"),  # not at the start
        ("----\ntitle: A\n----\n", {}, "----\ntitle: A\n----\n"),  # four dashes
        ("---\nnote: a---b\n---\nx\n---\ny", {"note": "a---b"}, "x\n---\ny"),
        (
            "---\nyear: 2025\ndate: 2025-12-28\nnone:\nok: true\n---\n",
            {"year": "2025", "date": "2025-12-28", "ok": "true"},
            "",
        ),
    ],
)
def test_front_matter_and_the_rest(text: str, matter: dict[str, str], rest: str):
    assert split_front_matter("a.md", text) == (matter, rest)


def test_only_what_is_not_a_field_is_metadata():
    data = b"---\ntitle: T\nlanguage: en\norigin: O\nauthor: A\n---\nx"
    assert read_source("a.md", data).document.metadata == {"author": "A"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("أول\nسطر\n\nثانٍ", ["أول سطر", "ثانٍ"]),
        ("a\n \t \nb\n\n\n\nc\n", ["a", "b", "c"]),  # lines of white space are empty
        ("  a   b\t\n c", ["a b c"]),
        ("- أ\n* ب\n• ج\n– د", ["- أ", "* ب", "• ج", "– د"]),
        ("1. a\n2) b\n(3) c\n٤- d\n٥. e", ["1. a", "2) b", "(3) c", "٤- d", "٥. e"]),
        ("intro:\n  - a\n    goes on\n  - b", ["intro:", "- a goes on", "- b"]),
        ("rose to\n3.5 per cent, then\n-2 and\n2004 in all", ["rose to 3.5 per cent, then -2 and 2004 in all"]),
    ],
)
def test_plain_text(text: str, expected: list[str]):
    assert blocks(read_source("a.txt", text.encode())) == [("paragraph", 0, part) for part in expected]


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


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(ending: str, mark: str, name: str):
    text = "---\ntitle: عنوان\n---\nفقرة\nواحدة\n\nأخرى\n"
    source = read_source(name, (mark + text.replace("\n", ending)).encode())
    assert source == read_source(name, text.encode())
    assert (source.document.title, source.document.text) == ("عنوان", "فقرة واحدة\n\nأخرى")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (
            "a\u200d\u0301\u0627\u200d\u0653",
            "a\u0301\u0622".replace("a\u0301", "á"),
        ),  # composed once nothing is between
        ("a\x80\x84\x9fb", "ab"),  # C1 controls
        ("ا\u180eب\ufff9ج\ufffaد\ufffb", "ابجد"),
        ("a\U000e0041\U000e007fb", "ab"),  # tags, which hide text
        ("a\x0cb\x0bc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),  # every line end
        ("ا\u0653سيا", "آسيا"),
        ("مسو\u0654ول", "مسؤول"),
        ("cafe\u0301", "café"),
        ("عددًا", "عددًا"),  # diacritics are quoted as they are
        ("كتـــاب", "كتـــاب"),  # so is tatweel
        ("ﻻ ﬁ ２", "ﻻ ﬁ ２"),  # and presentation forms: composed, not folded
        ("٢٠٢٥ ۱۴۰۴", "٢٠٢٥ ۱۴۰۴"),
        ("ا\u200bل\u200cم\u200dم\u200eر\u200f", "الممر"),
        ("\u202aa\u202b\u202c\u202d\u202eb", "ab"),
        ("\u2066a\u2067\u2068\u2069b\u2060", "ab"),
        ("\u061ca\ufeffb\u00adc", "abc"),
        ("a\x00\x08\x0e\x1f\x7fb", "ab"),
        ("a\tb\nc", "a\tb\nc"),  # tab and line end stay
        ("a\r\rb\r\n", "a\n\nb\n"),
    ],
)
def test_decode(written: str, text: str):
    assert decode("a.txt", written.encode()) == text


@settings(deadline=None)
@given(st.text(alphabet="ابآأ\u0653\u0654\u064b\u0651eé\u0301\x00\n\r\t A٣", max_size=40))
def test_decoded_text_is_composed(text: str):
    clean = decode("a.txt", text.encode())
    assert "\r" not in clean
    assert "\x00" not in clean
    assert unicodedata.is_normalized("NFC", clean)
    assert decode("a.txt", clean.encode()) == clean


@pytest.mark.parametrize(
    ("data", "byte", "position"),
    [
        (b"\xff", "ff", 0),
        (b"ab\xe9", "e9", 2),
        ("مرحبا".encode() + b"\x80", "80", 10),  # two bytes a letter
        ("مرحبا".encode()[:-1], "d8", 8),  # cut within the last letter
        ("text".encode("utf-16"), "ff", 0),
        (b"\xef\xbb\xbfab\xe9", "e9", 5),  # counted in the file, mark and all
        (b"\xef\xbb\xbf\xff", "ff", 3),
        (b"a\xc0\x80", "c0", 1),  # an overlong NUL
    ],
)
def test_what_is_not_utf8_is_located(data: bytes, byte: str, position: int):
    with pytest.raises(DocumentError, match=rf"^a\.txt: not UTF-8 text \(byte 0x{byte} at position {position}\); save"):
        decode("a.txt", data)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.md", b"---\ndate: 2025-02-30\n---\nx", "a.md: the date '2025-02-30' is not in the calendar; correct it"),
        ("a.md", b"---\ndate: '2025-13'\n---\nx", "a.md: the date '2025-13' is not in the calendar; correct it"),
        (
            "a.md",
            b"---\na: !!int x\n---\nx",
            "a.md: front matter is not valid YAML (line 2: invalid literal for int() with base 10: 'x')",
        ),
        (
            "a.md",
            b"---\na: " + b"[" * 5000 + b"\n---\nx",
            "a.md: front matter is not valid YAML (nested too deeply)",
        ),
        ("a.txt", bytes(range(256)) * 4, "a.txt: holds binary data, not text; remove it or save it as text"),
        ("a.txt", b"PK\x03\x04" + b"x" * 50, "a.txt: is a zip archive, not text; give it its own suffix or remove it"),
        ("a.md", b"%PDF-1.4 x", "a.md: is a PDF file, not text; give it its own suffix or remove it"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "a.csv: is a picture, not text; give it its own suffix or remove it"),
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
        ("a.odt", b"x", f"a.odt: unknown format; {SUPPORTED}"),
        ("a", b"x", f"a: unknown format; {SUPPORTED}"),
        (".md", b"x", f".md: unknown format; {SUPPORTED}"),
        ("a.txt", "\u200f \n\ufeff\x00".encode(), "a.txt: holds no text; write some or remove the file"),
        ("a.md", b"<!-- only a comment -->", "a.md: holds no text; write some or remove the file"),
        ("a.md", b"---\njust words\n---\nx", "a.md: front matter must be lines of 'key: value'"),
        ("a.md", b"---\ntitle: {a: b}\n---\nx", "a.md: front matter must be lines of 'key: value'"),
        ("a.txt", b"---\n\ntext", "a.txt: front matter is not closed; add a line '---' after it"),
        ("a.md", b"---\ntitle: x\n ---\ntext", "a.md: front matter is not closed; add a line '---' after it"),
        ("a.md", b"---\nlanguage: EN\n---\nx", "a.md: language 'EN' is not a two-letter code such as ar or en"),
        ("a.md", b"---\nlanguage: ar-SA\n---\nx", "a.md: language 'ar-SA' is not a two-letter code such as ar or en"),
        (
            "مجلد/ملف.md",
            "---\nlanguage: عربي\n---\nx".encode(),
            "مجلد/ملف.md: language 'عربي' is not a two-letter code such as ar or en",
        ),
    ],
)
def test_bad_files_get_one_clear_line(name: str, data: bytes, message: str):
    with pytest.raises(DocumentError) as caught:
        read_source(name, data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("matter", "line", "problem"),
    [
        ("title: fine\nnote: a: b", 3, "mapping values are not allowed here"),  # a second mapping opens
        ("note: a: b", 2, "mapping values are not allowed here"),
        ("title: fine\n\n\nx: @y", 5, "found character '@' that cannot start any token"),
        ("title: x\n\ty: z", 3, r"found character '\t' that cannot start any token"),
        ("a: *nowhere", 2, "found undefined alias 'nowhere'"),
        ("a: !!python/object:os.x {}", 2, "could not determine a constructor for the tag "),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_malformed_yaml_names_the_line(matter: str, line: int, problem: str, ending: str):
    text = f"---\n{matter}\n---\ntext".replace("\n", ending)
    start = f"a.md: front matter is not valid YAML (line {line}: {problem}"
    with pytest.raises(DocumentError, match=f"^{re.escape(start)}"):
        read_source("a.md", text.encode())


def test_large_files_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "MAX_BYTES", 2_000_000)
    with pytest.raises(DocumentError) as caught:
        read_source("a.txt", b"x" * 2_000_001)
    assert str(caught.value) == "a.txt: larger than 2 MB; split it into smaller files"
    assert len(read_source("a.txt", b"x" * 2_000_000).document.text) == 2_000_000  # just small enough


def test_the_formats():
    assert f"supported: {', '.join(SUFFIXES)}" == SUPPORTED


@pytest.mark.parametrize(
    ("matter", "field", "value"),
    [
        ("language: no", "language", "no"),  # Norwegian, not False
        ("title: yes", "title", "yes"),
        ("title: نعم", "title", "نعم"),
        ("title: 1.10", "title", "1.10"),
        ("title: 0x_", "title", "0x_"),
        ("title: 010", "title", "010"),
        ("title: 2025-02-30", "title", "2025-02-30"),
    ],
)
def test_front_matter_is_read_as_it_is_written(matter: str, field: str, value: str):
    assert getattr(read_source("a.txt", f"---\n{matter}\n---\nx".encode()).document, field) == value


@pytest.mark.parametrize("opening", ["--- ", "---\t", "---  \t "])
def test_space_after_the_opening_line_is_no_text(opening: str):
    assert split_front_matter("a.md", f"{opening}\ntitle: عنوان\n---\nنص") == ({"title": "عنوان"}, "نص")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("سطر<br>آخر", [("paragraph", 0, "سطر آخر")]),
        ("one<br/>two<BR />three", [("paragraph", 0, "one two three")]),
        ("<div>نص <b>مهم</b></div>", [("paragraph", 0, "نص مهم")]),
        ("<h2>باب</h2>\n\nx", [("heading", 2, "باب"), ("paragraph", 0, "x")]),
        (
            "<table><tr><td>a</td><td>ب</td></tr></table>\n\n<ul><li>one</li></ul>",
            [("row", 0, "a | ب"), ("item", 0, "one")],
        ),
        ("<details>\n<summary>عنوان</summary>\n\n**نص**\n\n</details>", [("paragraph", 0, t) for t in ("عنوان", "نص")]),
        ("<script>\nalert(1)\n</script>\n\nx", [("paragraph", 0, "x")]),
        ("ال&#8203;ممر&rlm; &zwnj;الأو&shy;سط", [("paragraph", 0, "الممر الأوسط")]),
        ("a&#x200b;b &#8207;c `d\u200fe`", [("paragraph", 0, "ab c de")]),
        ("<p>ال&#8203;ممر&rlm;</p>", [("paragraph", 0, "الممر")]),
    ],
)
def test_html_and_character_references_in_markdown(markdown: str, expected: list[tuple[str, int, str]]):
    assert blocks(read_source("a.md", markdown.encode())) == expected


def test_long_markdown_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch):
    text = "# باب\n\nنص **مهم**.\n\n- بند\n\n  فرع\n\n```\n\nرمز\n\n```\n\n| a | b |\n|---|---|\n| c | d |\n\n" * 20
    whole = read_source("a.md", text.encode())
    for size in (1, 10, 25, 100):
        monkeypatch.setattr(markdown, "_PIECE", size)
        assert read_source("a.md", text.encode()) == whole


def test_persian_numerals_mark_items():
    source = read_source("a.txt", "مقدمه:\n۱. یک\n۲. دو\n۱۰) ده".encode())
    assert [text for _, _, text in blocks(source)] == ["مقدمه:", "۱. یک", "۲. دو", "۱۰) ده"]


def test_a_document_that_unfolds_into_too_much_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout, "MAX_CHARACTERS", 2_000_000)
    with pytest.raises(DocumentError) as caught:
        read_source("a.txt", b"x" * 2_000_001)
    assert str(caught.value) == "a.txt: holds more than 2 million characters of text; split it into smaller files"
