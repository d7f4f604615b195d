"""A question to ranked passages, over the small knowledge folder with the default model."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.retrieval import share_between_statements
from assistant.schema import Passage

# --- statements of a fact ----------------------------------------------------------------------------


def passage(language: str, fact_id: str | None) -> Passage:
    return Passage(f"{language}{fact_id}", "d.md", "T", "", language, "document", "t", 0, 1, (), fact_id)


def test_statements_of_a_fact_share_what_speaks_for_them():
    passages = [passage("ar", "f"), passage("en", "f"), passage("ar", "g"), passage("ar", None)]
    shared = share_between_statements("ar", passages, np.array([-1.0, 2.0, 0.5, 0.25]))
    # the Arabic statement of f is worth its English one; everything else is as it was
    assert shared.tolist() == [2.0, 2.0, 0.5, 0.25]


# --- the shipped knowledge base ----------------------------------------------------------------------


def test_scores_are_probabilities_in_falling_order(shipped):
    hits = shipped.search("Middle Corridor", limit=50)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert len({hit.passage_id for hit in hits}) == len(hits)


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("متى بدأ الحوار بين اليابان وآسيا الوسطى؟", "documents/dialogue-since-2004.ar.md"),
        ("When did the dialogue between Japan and Central Asia begin?", "documents/dialogue-since-2004.ar.md"),
        ("ما استخدامات الغاليوم؟", "documents/gallium.en.md"),
        ("What is gallium used for?", "documents/gallium.en.md"),
        ("مِنْ أَيْنَ الغَاليُوم؟", "documents/gallium.en.md"),
        ("لماذا انسحبت اليابان من ستبنوغورسك", "documents/stepnogorsk.ar.md"),
        ("Why did Japan withdraw from Stepnogorsk?", "documents/stepnogorsk.ar.md"),
    ],
)
def test_both_languages_find_documents_in_either(shipped, question: str, document: str):
    assert document in [hit.document_id for hit in shipped.search(question, limit=3)]


@pytest.mark.parametrize(
    "variant",
    [
        "متى بدا الحوار بين اليابان واسيا الوسطي",
        "مَتَى بَدَأَ الحِوَارُ بَيْنَ اليَابَانِ وَآسْيَا الوُسْطَى؟",
        "متـــى بدأ الحوار بين اليابان وآسيا الوسطى؟",
    ],
)
def test_spelling_does_not_change_the_best_document(shipped, variant: str):
    plain = shipped.search("متى بدأ الحوار بين اليابان وآسيا الوسطى؟", limit=1)[0]
    assert shipped.search(variant, limit=1)[0].document_id == plain.document_id
