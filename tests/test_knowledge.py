"""The knowledge folder and its facts: what is found, what is refused, and that the shipped one is valid."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from assistant.errors import DocumentError, FactsError, KnowledgeError
from assistant.knowledge import (
    Problem,
    check,
    content_hash,
    duplicate_problems,
    fact_problems,
    parse_facts,
    scan,
)
from assistant.readers import read_source
from assistant.schema import Evidence, Fact
from assistant.settings import shipped_knowledge_dir
from assistant.text import detect_language

GOOD = {
    "id": "a-fact",
    "statement": {"ar": "هذه حقيقة.", "en": "This is a fact."},
    "evidence": [{"document": "documents/river.ar.md", "quote": "يولّد السد الكهرباء لثلاث مدن."}],
    "tags": ["one"],
    "as_of": "2025-12",
}


def ids(folder: Path) -> list[str]:
    return [file.id for file in scan(folder)]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x", encoding="utf-8")


def facts(*entries: object) -> bytes:
    return yaml.safe_dump(list(entries), allow_unicode=True).encode()


def test_scan_finds_documents_and_facts(knowledge: Path):
    (knowledge / ".hidden.md").write_text("x")
    (knowledge / ".git").mkdir()
    (knowledge / ".git" / "a.md").write_text("x")
    (knowledge / "settings.yaml").write_text("a: 1")
    (knowledge / "picture.png").write_bytes(b"x")
    assert [(file.id, file.kind) for file in scan(knowledge)] == [
        ("documents/harbour.en.md", "document"),
        ("documents/mines.ar.md", "document"),
        ("documents/notes.txt", "document"),
        ("documents/river.ar.md", "document"),
        ("facts/facts.yaml", "fact"),
    ]


def test_scan_goes_to_any_depth_in_order_of_id(tmp_path: Path):
    touch(tmp_path, "b.txt", "a/z.md", "a.md", "a/b/c/d.markdown", "B.TXT", "وثائق/تقرير.md", "facts/readme.md")
    # by character: B before a, «.» before «/», Latin before Arabic; a document below facts/ is a document
    expected = ["B.TXT", "a.md", "a/b/c/d.markdown", "a/z.md", "b.txt", "facts/readme.md", "وثائق/تقرير.md"]
    assert [(file.id, file.kind) for file in scan(tmp_path)] == [(name, "document") for name in expected]


def test_scan_takes_yaml_below_facts_only(tmp_path: Path):
    touch(
        tmp_path, "facts/a.yaml", "facts/b.yml", "facts/deep/c.YAML", "top.yaml", "documents/facts/d.yaml", "facts.yml"
    )
    assert [(file.id, file.kind) for file in scan(tmp_path)] == [
        ("facts/a.yaml", "fact"),
        ("facts/b.yml", "fact"),
        ("facts/deep/c.YAML", "fact"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        ".a.md",
        ".git/a.md",
        "deep/.hidden/a.md",
        "facts/.a.yaml",
        ".facts/a.yaml",
        "a.png",
        "~$a.docx",  # Office marks an open file so
        "a.md~",
        "a",
        "a.md.bak",
        "md",
    ],
)
def test_scan_leaves_alone(name: str, tmp_path: Path):
    touch(tmp_path, name, "kept.md")
    assert ids(tmp_path) == ["kept.md"]


def test_scan_of_a_hidden_folder_itself(tmp_path: Path):
    touch(tmp_path / ".mine", "a.md")
    assert ids(tmp_path / ".mine") == ["a.md"]


def test_a_folder_called_like_a_file_is_a_folder(tmp_path: Path):
    touch(tmp_path, "a.md/b.md")
    assert ids(tmp_path) == ["a.md/b.md"]


def test_an_empty_folder_holds_nothing(tmp_path: Path):
    assert scan(tmp_path) == []
    assert check(tmp_path).problems == ()


def test_links_out_of_the_folder_are_left_alone(tmp_path: Path):
    root = tmp_path / "knowledge"
    touch(tmp_path, "secret.md", "outside/a.md", "knowledge-2/a.md")
    touch(root, "a.md")
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    (root / "up.md").symlink_to("../secret.md")
    (root / "neighbour.md").symlink_to(tmp_path / "knowledge-2" / "a.md")  # its name begins alike
    (root / "gone.md").symlink_to(tmp_path / "nothing.md")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "itself.md").symlink_to("itself.md")
    (root / "one.md").symlink_to("other.md")
    (root / "other.md").symlink_to("one.md")
    assert ids(root) == ["a.md"]


def test_pipes_are_left_alone(tmp_path: Path):
    os.mkfifo(tmp_path / "a.md")  # reading it would wait for ever
    assert ids(tmp_path) == []


def test_a_file_too_large_is_not_loaded(tmp_path: Path):
    with (tmp_path / "a.md").open("wb") as file:
        file.truncate(50_000_001)
    assert check(tmp_path).problems == (Problem("a.md", "larger than 50 MB; split it into smaller files"),)


def test_links_within_the_folder_are_files(tmp_path: Path):
    touch(tmp_path, "a.md")
    (tmp_path / "b.md").symlink_to("a.md")
    assert ids(tmp_path) == ["a.md", "b.md"]


def test_the_folder_may_be_a_link(tmp_path: Path):
    touch(tmp_path / "real", "a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ids(tmp_path / "link") == ["a.md"]


def test_ids_do_not_depend_on_how_the_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    touch(tmp_path, "k/a/b.md")
    monkeypatch.chdir(tmp_path)
    assert ids(Path("k")) == ids(tmp_path / "k") == ids(Path("k/../k")) == ["a/b.md"]


def test_what_cannot_be_read_is_a_document_error(tmp_path: Path):
    (tmp_path / "gone.md").symlink_to("nothing.md")  # a broken link within the folder
    (file,) = scan(tmp_path)
    with pytest.raises(DocumentError) as caught:
        file.read()
    assert str(caught.value) == "gone.md: cannot be read (No such file or directory); mend or remove it"
    message = "cannot be read (No such file or directory); mend or remove it"
    assert check(tmp_path).problems == (Problem("gone.md", message),)


def test_a_file_is_read_as_it_is(tmp_path: Path):
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbfx\r\n\xff")
    (file,) = scan(tmp_path)
    assert file.read() == b"\xef\xbb\xbfx\r\n\xff"


def test_a_hash_is_of_the_content():
    assert content_hash("نص".encode()) == hashlib.sha256("نص".encode()).hexdigest()


@pytest.mark.parametrize("name", ["nothing", "file.md"])
def test_a_missing_folder(name: str, tmp_path: Path):
    touch(tmp_path, "file.md")
    for function in (scan, check):
        with pytest.raises(KnowledgeError) as caught:
            function(tmp_path / name)
        assert str(caught.value) == (
            f"there is no knowledge folder {tmp_path / name}; create it or name another with --knowledge"
        )


def test_a_good_fact():
    (fact,), problems = parse_facts("facts/a.yaml", facts(GOOD))
    assert problems == []
    assert (fact.id, fact.statements["ar"], fact.as_of, fact.basis) == ("a-fact", "هذه حقيقة.", "2025-12", None)
    assert fact.evidence[0].quote == "يولّد السد الكهرباء لثلاث مدن."


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"as_of": 2025}, "as_of", "2025"),  # YAML reads an unquoted year as a number
        ({"as_of": "2025-12-31"}, "as_of", "2025-12-31"),
        ({"tags": None}, "tags", ()),
        ({"tags": []}, "tags", ()),
        ({"tags": ["b", "a"]}, "tags", ("b", "a")),  # in the order written
        ({"basis": "معلوم من الجغرافيا."}, "basis", "معلوم من الجغرافيا."),
        ({"id": "g7-summit-2025"}, "id", "g7-summit-2025"),
        (
            {"statement": {"en": " Over\n two  lines. ", "ar": "سطر\nوآخر."}},
            "statements",
            {"ar": "سطر وآخر.", "en": "Over two lines."},
        ),
        (
            {"evidence": [{"document": "a.md", "quote": " One.\n"}, {"document": "b.md", "quote": "Two  three."}]},
            "evidence",
            (Evidence("a.md", "One."), Evidence("b.md", "Two  three.")),  # only the ends are trimmed: it is verbatim
        ),
    ],
)
def test_what_a_fact_may_hold(change: dict[str, object], field: str, value: object):
    (fact,), problems = parse_facts("facts/a.yaml", facts({**GOOD, **change}))
    assert problems == []
    assert getattr(fact, field) == value


def test_an_unquoted_date_is_a_date():
    data = facts(GOOD).replace(b"2025-12", b"2025-12-20").replace(b"'2025-12-20'", b"2025-12-20")
    assert b"as_of: 2025-12-20\n" in data
    (fact,), _ = parse_facts("facts/a.yaml", data)
    assert fact.as_of == "2025-12-20"


@pytest.mark.parametrize("written", ["2025-02-30", "'2025-02-30'", '"2025-02-30"'])
def test_a_day_that_the_calendar_lacks_is_a_problem_of_its_fact(written: str):
    data = facts(GOOD, {**GOOD, "id": "other"}).replace(b"'2025-12'", b"2025-12", 1)
    data = data.replace(b"as_of: 2025-12\n", f"as_of: {written}\n".encode(), 1)
    assert written.encode() in data
    parsed, (problem,) = parse_facts("facts/a.yaml", data)
    assert [fact.id for fact in parsed] == ["other"]
    assert problem.message == "as_of '2025-02-30' must be a date such as 2025, 2025-12 or 2025-12-20"


def test_statements_come_in_arabic_first():
    (fact,), _ = parse_facts("facts/a.yaml", facts({**GOOD, "statement": {"en": "Text.", "ar": "نص."}}))
    assert list(fact.statements) == ["ar", "en"]


def test_a_byte_order_mark_and_windows_line_ends():
    data = b"\xef\xbb\xbf" + facts(GOOD).replace(b"\n", b"\r\n")
    assert parse_facts("facts/a.yaml", data) == parse_facts("facts/a.yaml", facts(GOOD))


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({**GOOD, "id": "good-id", "tags": "x"}, "facts/a.yaml#good-id"),
        ({**GOOD, "id": None}, "facts/a.yaml#2"),  # the second entry of the file
        ({}, "facts/a.yaml#2"),
        ("text", "facts/a.yaml#2"),
        (None, "facts/a.yaml#2"),
        (["x"], "facts/a.yaml#2"),
    ],
)
def test_where_a_bad_fact_is(entry: object, where: str):
    parsed, (problem,) = parse_facts("facts/a.yaml", facts(GOOD, entry, {**GOOD, "id": "last"}))
    assert [fact.id for fact in parsed] == ["a-fact", "last"]
    assert problem.where == where


@pytest.mark.parametrize("entry", ["text", None, ["x"], 5])
def test_a_fact_that_is_no_mapping(entry: object):
    _, (problem,) = parse_facts("facts/a.yaml", facts(entry))
    assert problem.message == "a fact must be a mapping with id, statement, evidence, tags and as_of"


@pytest.mark.parametrize(
    "fact_id", ["", "A", "a_b", "a--b", "-a", "a-", "a b", "حقيقة", "a.b", "a/b", 5, True, ["a"], "é"]
)
def test_what_is_no_id(fact_id: object):
    _, (problem,) = parse_facts("facts/a.yaml", facts({**GOOD, "id": fact_id}))
    assert problem.message == f"id '{fact_id}' must be lower-case words joined by hyphens"


@pytest.mark.parametrize(
    "as_of",
    [
        None,
        "",
        "25",
        "2025-1",
        "2025-00",
        "2025-12-00",
        "2025-12-32",
        "2025-02-30",
        "2025-02-29",
        "2025-13-01",
        "2025-12-1",
        "20251220",
        "٢٠٢٥",
        "2025-12-20x",
        2025.5,
    ],
)
def test_what_is_no_date(as_of: object):
    _, (problem,) = parse_facts("facts/a.yaml", facts({**GOOD, "as_of": as_of}))
    assert problem.message == f"as_of '{as_of}' must be a date such as 2025, 2025-12 or 2025-12-20"


@pytest.mark.parametrize("name", ["id", "statement", "evidence", "as_of"])
def test_what_a_fact_must_hold(name: str):
    entry = {key: value for key, value in GOOD.items() if key != name}
    parsed, (problem,) = parse_facts("facts/a.yaml", facts(entry))
    assert parsed == []
    assert problem.message.startswith(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Not An Id"}, "id 'Not An Id' must be lower-case words joined by hyphens"),
        ({"id": None}, "id 'None' must be lower-case words joined by hyphens"),
        ({"as_of": "last year"}, "as_of 'last year' must be a date such as 2025, 2025-12 or 2025-12-20"),
        ({"as_of": "2025-13"}, "as_of '2025-13' must be a date such as 2025, 2025-12 or 2025-12-20"),
        ({"statement": {"ar": "نص."}}, "statement must have one text for 'ar' and one for 'en'"),
        ({"statement": {"ar": "نص.", "en": " "}}, "statement 'en' is empty"),
        ({"statement": {"ar": "Text.", "en": "Text."}}, "statement 'ar' is not written in that language"),
        ({"evidence": []}, "evidence must be a list with a document and a quote in each entry"),
        (
            {"evidence": [{"document": "a.md"}]},
            "each evidence entry must have 'document' and 'quote' and nothing else",
        ),
        ({"evidence": [{"document": "a.md", "quote": ""}]}, "evidence quote is empty"),
        ({"statement": "نص."}, "statement must have one text for 'ar' and one for 'en'"),
        ({"statement": None}, "statement must have one text for 'ar' and one for 'en'"),
        (
            {"statement": {"ar": "نص.", "en": "Text.", "fr": "Texte."}},
            "statement must have one text for 'ar' and one for 'en'",
        ),
        ({"statement": {"ar": None, "en": "Text."}}, "statement 'ar' is empty"),
        ({"statement": {"ar": 5, "en": "Text."}}, "statement 'ar' is empty"),
        ({"statement": {"ar": "نص.", "en": "نص."}}, "statement 'en' is not written in that language"),
        ({"statement": {"ar": "2025", "en": "2025"}}, "statement 'ar' is not written in that language"),
        ({"evidence": None}, "evidence must be a list with a document and a quote in each entry"),
        (
            {"evidence": {"document": "a.md", "quote": "x"}},
            "evidence must be a list with a document and a quote in each entry",
        ),
        ({"evidence": ["a.md"]}, "each evidence entry must have 'document' and 'quote' and nothing else"),
        (
            {"evidence": [{"document": "a.md", "quote": "x", "page": 3}]},
            "each evidence entry must have 'document' and 'quote' and nothing else",
        ),
        ({"evidence": [{"document": "a.md", "quote": " \n"}]}, "evidence quote is empty"),
        ({"evidence": [{"document": "a.md", "quote": 2004}]}, "evidence quote is empty"),
        (
            {"evidence": [{"document": "a.md", "quote": "x"}, {"document": "b.md", "quote": None}]},
            "evidence quote is empty",  # each entry is looked at
        ),
        ({"tags": "one"}, "tags must be a list of words"),
        ({"tags": ["one", 2]}, "tags must be a list of words"),
        ({"tags": {"one": 1}}, "tags must be a list of words"),
        ({5: "x"}, "unknown key '5'; known: as_of, basis, evidence, id, statement, tags"),
        ({"z": 1, "b": 2}, "unknown key 'b'; known: as_of, basis, evidence, id, statement, tags"),  # the first of them
        ({"basis": ["x"]}, "basis must be a sentence"),
        ({"basis": 3}, "basis must be a sentence"),
        ({"source": "x"}, "unknown key 'source'; known: as_of, basis, evidence, id, statement, tags"),
    ],
)
def test_a_bad_fact_is_a_problem_and_the_others_stay(change: dict[str, object], message: str):
    other = {**GOOD, "id": "other"}
    parsed, (problem,) = parse_facts("facts/a.yaml", facts({**GOOD, **change}, other))
    assert [fact.id for fact in parsed] == ["other"]
    assert problem.message == message
    assert problem.where.startswith("facts/a.yaml#")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1", r"facts/a\.yaml: must be a list of facts"),
        (b"- id: [", r"facts/a\.yaml: not valid YAML \(line 1: "),
        (b"- id: a\n  as_of: 2025\n  tags: b: c\n", r"facts/a\.yaml: not valid YAML \(line 3: mapping values .*; mend"),
        (b"- id: a\r\n\ttags: b\r\n", r"facts/a\.yaml: not valid YAML \(line 2: found character .*; mend"),
        (b"- id: *gone", r"facts/a\.yaml: not valid YAML \(line 1: found undefined alias 'gone'\); mend"),
        (b"- !!python/object:os.x {}", r"facts/a\.yaml: not valid YAML \(line 1: could not determine a constructor"),
        (b"- a\n---\n- b", r"facts/a\.yaml: not valid YAML \(line 2: but found another document\); mend"),
        (b"- id: a\n  x: 0x_\n", r"facts/a\.yaml: not valid YAML \(line 2: invalid literal .*\); mend"),
        (b"- " * 5000, r"facts/a\.yaml: not valid YAML \(nested too deeply\); mend the file$"),
        (b"[" * 5000, r"facts/a\.yaml: not valid YAML \(nested too deeply\); mend the file$"),
        (b"\xef\xbb\xbf- \xff", r"facts/a\.yaml: not UTF-8 text \(byte 0xff at position 5\); save"),
        (b"just text", r"facts/a\.yaml: must be a list of facts, each starting with '- id:'$"),
        (b"5", r"facts/a\.yaml: must be a list of facts"),
        ("- id: مرحبا".encode("cp1256"), r"facts/a\.yaml: not UTF-8 text"),
    ],
)
def test_a_bad_file(data: bytes, message: str):
    with pytest.raises(FactsError, match=message):
        parse_facts("facts/a.yaml", data)


@pytest.mark.parametrize("data", [b"", b"# nothing yet\n", b"[]", b"---\n", b"null"])
def test_an_empty_facts_file_holds_none(data: bytes):
    assert parse_facts("facts/a.yaml", data) == ([], [])


# --- facts and the documents they cite ---------------------------------------------------------------


def fact_of(fact_id: str, *evidence: tuple[str, str]) -> Fact:
    return Fact(fact_id, {"ar": "نص.", "en": "Text."}, tuple(Evidence(*pair) for pair in evidence), (), "2025")


RIVER = "يبلغ طول النهر ٣٢٠ كيلومترًا. إلى البحر."


@pytest.mark.parametrize(
    "quote",
    [
        "يبلغ طول النهر 320 كيلومترًا.",  # digits
        "يبلغ طول النهر ٣٢٠ كيلومترا.",  # diacritics
        "يبلغ طول  النهر",  # white space
        "الى البحر",  # hamza
        "يبلغ طول النهر ٣٢٠ كيلومترًا!",  # punctuation
        "كيلومترًا.\u200f إلى",  # a direction mark
    ],
)
def test_verbatim_means_every_character(quote: str):
    assert fact_problems("f.yaml", [fact_of("a", ("r.md", quote))], {"r.md": RIVER}) == [
        Problem("f.yaml#a", f"quote is not verbatim in r.md: “{quote}”")
    ]


@pytest.mark.parametrize("quote", [RIVER, "يبلغ طول النهر ٣٢٠ كيلومترًا.", "٣٢٠", "كيلومترًا. إلى"])
def test_any_part_of_the_text_is_verbatim(quote: str):
    assert fact_problems("f.yaml", [fact_of("a", ("r.md", quote))], {"r.md": RIVER}) == []


@pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 57 + "…")])
def test_long_quotes_are_shown_shortened(length: int, shown: str):
    (problem,) = fact_problems("f.yaml", [fact_of("a", ("r.md", "x" * length))], {"r.md": RIVER})
    assert problem.message == f"quote is not verbatim in r.md: “{shown}”"


def test_every_piece_of_evidence_is_checked_in_order():
    facts_of_file = [fact_of("a", ("none.md", "x"), ("r.md", "٣٢٠"), ("r.md", "321")), fact_of("b", ("R.md", "٣٢٠"))]
    assert fact_problems("f.yaml", facts_of_file, {"r.md": RIVER}) == [
        Problem("f.yaml#a", "evidence names the document 'none.md', which is not in the knowledge folder"),
        Problem("f.yaml#a", "quote is not verbatim in r.md: “321”"),
        Problem("f.yaml#b", "evidence names the document 'R.md', which is not in the knowledge folder"),
    ]


def test_the_first_of_equal_ids_stands():
    a, b = fact_of("a", ("r.md", "x")), fact_of("b", ("r.md", "x"))
    assert duplicate_problems([("1.yaml", a), ("1.yaml", b)]) == []
    assert duplicate_problems([("1.yaml", a), ("1.yaml", a), ("2.yaml", b), ("3.yaml", a), ("3.yaml", b)]) == [
        Problem("1.yaml#a", "the id 'a' is already used in 1.yaml; give it another"),
        Problem("3.yaml#a", "the id 'a' is already used in 1.yaml; give it another"),
        Problem("3.yaml#b", "the id 'b' is already used in 2.yaml; give it another"),
    ]


def test_check_of_a_good_folder(knowledge: Path):
    report = check(knowledge)
    assert (report.documents, report.facts, report.problems) == (4, 3, ())


def test_check_names_every_problem(knowledge: Path):
    elsewhere = [{"document": "documents/none.md", "quote": "x"}]
    altered = [{"document": "documents/river.ar.md", "quote": "بُني السد عام 1999."}]
    entries = facts(
        {**GOOD, "id": "river-length"}, {**GOOD, "evidence": elsewhere}, {**GOOD, "id": "b", "evidence": altered}
    )
    (knowledge / "facts" / "more.yaml").write_bytes(entries)
    (knowledge / "facts" / "broken.yaml").write_text("- [")
    (knowledge / "documents" / "bad.txt").write_bytes(b"%PDF-1.7\n")
    problems = {problem.where: problem.message for problem in check(knowledge).problems}
    assert problems["documents/bad.txt"] == ("is a PDF file, not text; give it its own suffix or remove it")
    assert problems["facts/broken.yaml"].startswith("not valid YAML")
    assert problems["facts/more.yaml#river-length"] == (
        "the id 'river-length' is already used in facts/facts.yaml; give it another"
    )
    assert problems["facts/more.yaml#a-fact"] == (
        "evidence names the document 'documents/none.md', which is not in the knowledge folder"
    )
    assert problems["facts/more.yaml#b"] == "quote is not verbatim in documents/river.ar.md: “بُني السد عام 1999.”"
    assert len(problems) == 5


def test_a_document_that_cannot_be_read_is_not_there_for_its_facts(knowledge: Path):
    (knowledge / "documents" / "river.ar.md").write_bytes(b"---\ntitle: x\n")
    report = check(knowledge)
    assert (report.documents, report.facts) == (3, 3)
    assert report.problems == (
        Problem("documents/river.ar.md", "front matter is not closed; add a line '---' after it"),
        Problem(
            "facts/facts.yaml#river-length",
            "evidence names the document 'documents/river.ar.md', which is not in the knowledge folder",
        ),
    )


def test_facts_may_come_before_their_documents_in_order(knowledge: Path):
    # «facts» sorts before «zone»: quotes are compared when every document is read
    touch(knowledge, "zone/last.txt")
    evidence = [{"document": "zone/last.txt", "quote": "x"}]
    (knowledge / "facts" / "more.yaml").write_bytes(facts({**GOOD, "evidence": evidence}))
    assert check(knowledge).problems == ()


def test_a_facts_file_is_no_source(knowledge: Path):
    evidence = [{"document": "facts/facts.yaml", "quote": "river"}]
    (knowledge / "facts" / "more.yaml").write_bytes(facts({**GOOD, "evidence": evidence}))
    (problem,) = check(knowledge).problems
    assert problem.message == "evidence names the document 'facts/facts.yaml', which is not in the knowledge folder"


def test_check_changes_nothing(knowledge: Path):
    before = {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()}
    check(knowledge)
    assert {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()} == before


# --- what is shipped ---------------------------------------------------------------------------------


def test_the_shipped_knowledge_base_is_valid():
    report = check(shipped_knowledge_dir())
    assert report.problems == ()
    assert report.documents >= 8
    assert report.facts >= 50


def test_the_shipped_knowledge_base_must_cross_languages():
    languages = defaultdict(set)
    for file in scan(shipped_knowledge_dir()):
        if file.kind == "document":
            document = read_source(file.id, file.read()).document
            topic, language, _ = file.path.name.split(".")
            languages[topic].add(document.language)
            # the name, the front matter and the text say the same
            assert document.language == language == detect_language(document.text)
    assert set.union(*languages.values()) == {"ar", "en"}
    only = {language: [topic for topic, held in languages.items() if held == {language}] for language in ("ar", "en")}
    assert len(only["ar"]) + len(only["en"]) >= 3
    assert only["ar"]  # some answers are only in Arabic
    assert only["en"]  # some only in English


def test_shipped_facts_name_their_topic():
    for file in scan(shipped_knowledge_dir()):
        if file.kind == "fact":
            parsed, _ = parse_facts(file.id, file.read())
            assert all(fact.tags for fact in parsed)
            assert all(fact.statements["ar"] != fact.statements["en"] for fact in parsed)
