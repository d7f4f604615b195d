"""The public types are a contract."""

from __future__ import annotations

import dataclasses
import json

import pytest

import assistant
from assistant.schema import Answer, Citation, Document, Hit, SyncReport, to_json


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (SyncReport, "added updated removed unchanged failed passages seconds"),
        (Document, "id title language text source metadata"),
        (Hit, "passage_id document_id title text language kind score"),
        (Answer, "question language answered text confidence mode citations elapsed_ms"),
        (Citation, "number document_id title kind language quote start end page fact_id"),
    ],
)
def test_fields_are_those_of_the_design(kind: type, fields: str):
    assert [field.name for field in dataclasses.fields(kind)] == fields.split()


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SyncReport().passages = 1  # type: ignore[misc]


def test_json_is_the_types():
    citation = Citation(1, "a.md", "عنوان", "document", "ar", "نص.", 0, 3)
    answer = Answer("س؟", "ar", True, "نص. [1]", 0.9, "extractive", (citation,), 1.5)
    value = json.loads(json.dumps(to_json(answer)))
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
    assert to_json([citation]) == [to_json(citation)]


def test_the_package_exports_what_it_names():
    assert assistant.__all__ == sorted(assistant.__all__)
    assert all(hasattr(assistant, name) for name in assistant.__all__)
