"""The public types are a contract."""

from __future__ import annotations

import dataclasses
import json
import typing

import pytest

import assistant
from assistant import schema
from assistant.schema import (
    Answer,
    AnswerPiece,
    Block,
    Citation,
    Document,
    DocumentSummary,
    Evidence,
    Fact,
    FileReport,
    Hit,
    Passage,
    Sentence,
    Source,
    SyncReport,
    to_json,
)

CITATION = Citation(1, "a.md", "عنوان", "document", "ar", "نص.", 0, 3)
FACT_CITATION = Citation(2, "b.md", "Title", "fact", "en", "Text.", 5, 10, page=3, fact_id="a-fact")
ANSWER = Answer("س؟", "ar", True, "نص. [1]", 0.9, "extractive", (CITATION, FACT_CITATION), 1.5)
HIT = Hit("p1", "a.md", "عنوان", "نص.", "ar", "document", 0.75)
DOCUMENT = Document("a.md", "عنوان", "ar", "نص.", "a.md", {"date": "2025"})
REPORT = SyncReport(("a.md",), ("b.md",), (), ("c.md",), {"d.md": "holds no text"}, 4, 0.5)
SENTENCE = Sentence("نص.", 0, 3)
BLOCK = Block(0, 3, "paragraph")
EVIDENCE = Evidence("a.md", "نص.")
INSTANCES = [
    CITATION,
    ANSWER,
    AnswerPiece("نص. [1]", (CITATION,)),
    HIT,
    DOCUMENT,
    DocumentSummary("a.md", "عنوان", "ar", "a.md", "2025-12", 3, 1),
    REPORT,
    FileReport(3, 2, {"line": 1}),
    SENTENCE,
    BLOCK,
    EVIDENCE,
    Source(DOCUMENT, (BLOCK,)),
    Fact("a-fact", {"ar": "نص.", "en": "Text."}, (EVIDENCE,), (), "2025"),
    Passage("p1", "a.md", "عنوان", "", "ar", "document", "نص.", 0, 3, (SENTENCE,)),
]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SyncReport, "added updated removed unchanged failed passages seconds warnings files"),
        (Document, "id title language text source metadata"),
        (Hit, "passage_id document_id title text language kind score"),
        (Answer, "question language answered text confidence mode citations elapsed_ms closest note"),
        (Citation, "number document_id title kind language quote start end page fact_id"),
    ],
)
def test_fields_are_those_of_the_design(kind: type, fields: str):
    assert [field.name for field in dataclasses.fields(kind)] == fields.split()


def test_kinds_and_modes_are_those_of_the_design():
    assert typing.get_args(schema.Kind) == ("document", "fact")
    assert typing.get_args(schema.Mode) == ("extractive", "generated")


def test_every_type_is_listed_here():
    types = {value for value in vars(schema).values() if dataclasses.is_dataclass(value)}
    assert {type(instance) for instance in INSTANCES} == types


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda value: type(value).__name__)
def test_values_are_frozen_and_have_no_other_attributes(instance: object):
    for field in dataclasses.fields(instance):  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(instance, field.name, None)
    assert not hasattr(instance, "__dict__")  # slots: a misspelt attribute cannot be stored


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda value: type(value).__name__)
def test_equal_fields_are_equal_values(instance: object):
    first = dataclasses.fields(instance)[0].name  # type: ignore[arg-type]
    assert dataclasses.replace(instance) == instance  # type: ignore[type-var]
    assert dataclasses.replace(instance, **{first: "another"}) != instance  # type: ignore[type-var]


def test_a_report_of_nothing():
    assert SyncReport() == SyncReport((), (), (), (), {}, 0, 0.0)
    assert SyncReport().failed is not SyncReport().failed  # two reports never share one mapping


def test_json_is_the_types():
    value = json.loads(json.dumps(to_json(ANSWER)))
    assert value["citations"][0] == {
        "number": 1,
        "document_id": "a.md",
        "title": "عنوان",
        "kind": "document",
        "language": "ar",
        "quote": "نص.",
        "start": 0,
        "end": 3,
        "page": None,
        "fact_id": None,
    }
    assert {name: item for name, item in value.items() if name != "citations"} == {
        "question": "س؟",
        "language": "ar",
        "answered": True,
        "text": "نص. [1]",
        "confidence": 0.9,
        "mode": "extractive",
        "elapsed_ms": 1.5,
        "closest": [],
        "note": None,
    }


def test_an_answer_comes_back_from_json():
    value = json.loads(json.dumps(to_json(ANSWER), ensure_ascii=False))
    value["citations"] = tuple(Citation(**citation) for citation in value["citations"])
    value["closest"] = tuple(Hit(**hit) for hit in value["closest"])
    assert Answer(**value) == ANSWER


@pytest.mark.parametrize("instance", [HIT, DOCUMENT, CITATION], ids=lambda value: type(value).__name__)
def test_flat_types_come_back_from_json(instance: object):
    assert type(instance)(**json.loads(json.dumps(to_json(instance)))) == instance


def test_a_report_comes_back_from_json():
    value = json.loads(json.dumps(to_json(REPORT)))
    assert value["failed"] == {"d.md": "holds no text"}
    assert SyncReport(**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}) == REPORT


@pytest.mark.parametrize("sequence", [[HIT, CITATION], (HIT, CITATION)])
def test_json_of_a_sequence_keeps_its_order(sequence: object):
    assert to_json(sequence) == [to_json(HIT), to_json(CITATION)]


def test_json_of_nothing():
    assert to_json([]) == to_json(()) == []


def test_changing_the_json_does_not_change_the_value():
    to_json(DOCUMENT)["metadata"]["date"] = "1999"
    assert DOCUMENT.metadata == {"date": "2025"}


def test_the_package_exports_what_it_names():
    assert assistant.__all__ == sorted(assistant.__all__)
    assert set(assistant.__all__) == {
        *(
            "Answer",
            "AnswerPiece",
            "Assistant",
            "Citation",
            "DalilError",
            "Document",
            "Hit",
            "Settings",
            "SyncReport",
            "ask",
        )
    }
    assert all(hasattr(assistant, name) for name in assistant.__all__)
    names: dict[str, object] = {}
    exec("from assistant import *", names)
    assert set(assistant.__all__) <= set(names)


def test_the_exports_are_the_types_themselves():
    assert (assistant.Answer, assistant.Citation, assistant.Document) == (Answer, Citation, Document)
    assert (assistant.Hit, assistant.SyncReport) == (Hit, SyncReport)
