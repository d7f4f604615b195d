"""What is said, cited and declined, on the shipped knowledge base and on hand-made sentences."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.answering import MAX_SENTENCES, _choose, _Spoken, pieces, without_marks
from assistant.schema import Answer, Citation, Passage, Sentence
from assistant.text import analyse, fold

TEXT = "Three parts follow: The first is red. The second is green. Nothing else matters here."


def spoken(*chosen: tuple[str, float], text: str = TEXT) -> list[_Spoken]:
    """Sentences of one passage with their probabilities and vectors at right angles."""
    spans = [(text.index(part), part, probability) for part, probability in chosen]
    sentences = tuple(Sentence(part, start, start + len(part)) for start, part, _ in spans)
    passage = Passage("p", "d.md", "T", "", "en", "document", text, 0, len(text), sentences)
    return [
        _Spoken(passage, sentence, np.eye(8, dtype=np.float32)[number], frozenset(analyse(part)), probability)
        for number, (sentence, (_, part, probability)) in enumerate(zip(sentences, spans, strict=True))
    ]


def said(items: list[_Spoken]) -> list[str]:
    return [item.sentence.text for item in items]


def test_one_sentence_is_enough_when_it_surely_answers():
    # .004 x .5 is less than the .001 that each of four words must add
    items = spoken(("The first is red.", 0.996), ("The second is green.", 0.5))
    assert said(_choose(items, "")) == ["The first is red."]


def test_more_is_said_while_the_answer_may_be_missing():
    # .6 leaves .4, with .5 more .2; .2 x .01 is not worth the four words of the last one at .001 each
    items = spoken(("The first is red.", 0.6), ("The second is green.", 0.5), ("Nothing else matters here.", 0.01))
    assert said(_choose(items, "")) == ["The first is red.", "The second is green."]


def test_a_lead_in_brings_its_items():
    items = spoken(("Three parts follow:", 0.6), ("The second is green.", 0.2), ("The first is red.", 0.1))
    assert said(_choose(items, "")) == ["Three parts follow:", "The first is red.", "The second is green."]


def test_a_sentence_that_leans_back_brings_the_one_before():
    text = "Aktau is a port. It lies on the Caspian Sea. Trains end here."
    items = spoken(
        ("It lies on the Caspian Sea.", 0.9), ("Aktau is a port.", 0.01), ("Trains end here.", 0.0), text=text
    )
    assert said(_choose(items, "")) == ["It lies on the Caspian Sea.", "Aktau is a port."]


def test_arabic_leans_back_as_well():
    text = "أكتاو ميناء كبير. وهو على بحر قزوين. تنتهي القطارات هنا."
    items = spoken(("وهو على بحر قزوين.", 0.9), ("تنتهي القطارات هنا.", 0.0), ("أكتاو ميناء كبير.", 0.0), text=text)
    assert said(_choose(items, "")) == ["وهو على بحر قزوين.", "أكتاو ميناء كبير."]


def test_what_was_said_before_gives_way_to_something_new():
    # odds of 9 become 1.8, below the 2.3 of the second
    items = spoken(("The first is red.", 0.9), ("The second is green.", 0.7))
    assert said(_choose(items, ""))[0] == "The first is red."
    assert said(_choose(items, "The first is red. [1]"))[0] == "The second is green."


def test_what_was_said_before_is_said_again_where_it_answers_best():
    # "Why?" after the answer that gave the reason: 1.8 is far above the odds of 0.1
    items = spoken(("The first is red.", 0.9), ("The second is green.", 0.1))
    assert said(_choose(items, "The first is red. [1]"))[0] == "The first is red."


def test_what_was_said_is_better_than_nothing():
    items = spoken(("The first is red.", 0.9))
    assert said(_choose(items, "The first is red. [1]")) == ["The first is red."]


def test_near_duplicates_are_said_once():
    items = spoken(("The first is red.", 0.3), ("The first is red", 0.3), text="The first is red. The first is red")
    assert said(_choose(items, "")) == ["The first is red."]


# --- the shipped knowledge base ----------------------------------------------------------------------

RIGHT = [
    ("متى بدأ الحوار بين اليابان وآسيا الوسطى؟", "2004", "documents/dialogue-since-2004.ar.md"),
    ("When did the dialogue between Japan and Central Asia begin?", "2004", "documents/dialogue-since-2004.ar.md"),
    ("ما هو الممر الأوسط؟", "قزوين", "documents/middle-corridor."),
    ("What is the Middle Corridor?", "Caspian", "documents/middle-corridor."),
    ("كم ستنفق اليابان على سلاسل توريد المعادن؟", "19", "documents/"),
    ("How much will Japan spend on mineral supply chains?", "19", "documents/"),
    ("ما استخدامات الغاليوم؟", "أشباه الموصلات", "documents/gallium.en.md"),
    ("What is gallium used for?", "semiconductors", "documents/gallium.en.md"),
    ("لماذا انسحبت اليابان من مشروع ستبنوغورسك؟", "تقني", "documents/stepnogorsk.ar.md"),
    ("Why did Japan withdraw from the Stepnogorsk project?", "technical", "documents/stepnogorsk.ar.md"),
    ("أين يقع ميناء أكتاو؟", "قزوين", "documents/aktau-ports.en.md"),
    ("Where is the port of Aktau?", "Caspian", "documents/"),
    ("مَتَى عُقِدَتِ القِمَّةُ فِي طُوكْيُو؟", "ديسمبر", "documents/tokyo-summit."),
    ("Which countries took part in the Tokyo summit?", "Kazakhstan", "documents/"),
]


@pytest.mark.parametrize(("question", "gold", "document"), RIGHT)
def test_right_answers_with_the_right_citation(shipped, question: str, gold: str, document: str):
    answer = shipped.ask(question)
    assert answer.answered
    assert fold(gold) in fold(answer.text)
    assert any(citation.document_id.startswith(document) for citation in answer.citations)


@pytest.mark.parametrize(
    "question",
    [
        "ما طول نهر النيل؟",
        "ما طريقة تحضير الكبسة؟",
        "من فاز بدوري أبطال أوروبا العام الماضي؟",
        "كم كلفة إنشاء الممر الأوسط؟",
        "What is the capital of France?",
        "How do I reverse a list in Python?",
        "Who wrote Romeo and Juliet?",
        "How many kilometres long is the Middle Corridor?",
    ],
)
def test_what_it_does_not_know_it_declines(shipped, question: str):
    answer = shipped.ask(question)
    assert not answer.answered
    assert answer.citations == ()
    assert answer.text.startswith("لا أجد" if answer.language == "ar" else "The knowledge base does not hold")
    assert any(f"{title.title}" in answer.text for title in shipped.documents())


@pytest.mark.parametrize(("question", "gold", "document"), RIGHT)
def test_every_sentence_carries_a_verbatim_citation(shipped, question: str, gold: str, document: str):
    answer = shipped.ask(question)
    assert 1 <= len(answer.citations) <= MAX_SENTENCES
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        assert shipped.document(citation.document_id).text[citation.start : citation.end] == citation.quote
        assert f"[{citation.number}]" in answer.text
        if citation.kind == "document":
            assert citation.quote in answer.text


def test_a_fact_answers_in_the_question_language_from_the_other(shipped):
    answer = shipped.ask("When did the dialogue between Japan and Central Asia begin?")
    assert answer.language == "en"
    assert (answer.citations[0].kind, answer.citations[0].language) == ("fact", "ar")
    assert answer.citations[0].fact_id == "dialogue-start-2004"
    assert answer.text.isascii()


def test_the_language_can_be_chosen(shipped):
    answer = shipped.ask("What is the Middle Corridor?", language="ar")
    assert answer.language == "ar"
    assert "الممر الأوسط" in answer.text


def test_evidence_in_the_other_language_is_introduced(tmp_path, prepared_model):
    from assistant import Assistant, Settings

    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "lake.md").write_text("# Lake Varn\n\nLake Varn is 41 metres deep. Trout live in Lake Varn.\n")
    with Assistant(Settings(knowledge_dir=tmp_path / "k", data_dir=tmp_path / "d")) as dalil:
        dalil.sync()
        answer = dalil.ask("كم يبلغ عمق بحيرة Varn؟")
    assert answer.answered
    assert answer.text.startswith("تجيب عن هذا مصادر بالإنجليزية:\n«Lake Varn is 41 metres deep.» [1]")


def test_follow_ups_use_the_conversation(shipped):
    first = shipped.ask("ما هو مشروع ستبنوغورسك؟")
    follow = shipped.ask("ولماذا انسحبت اليابان منه؟", history=[(first.question, first.text)])
    assert follow.answered
    assert any("stepnogorsk" in citation.document_id for citation in follow.citations)


def test_pieces_are_the_text_and_bring_each_citation_once():
    one, two = (
        Citation(number=n, document_id="d", title="T", kind="document", language="ar", quote="ق", start=0, end=1)
        for n in (1, 2)
    )
    text = "بدأ سنة ٢٠٠٤. [1] وقيل في [3] وثيقة. [2] It began. [1]"
    answer = Answer("?", "ar", True, text, 0.9, "extractive", (one, two), 1.0)
    assert [(piece.text, piece.citations) for piece in pieces(answer)] == [
        ("بدأ سنة ٢٠٠٤. [1] ", (one,)),
        ("وقيل في [3] ", ()),
        ("وثيقة. [2] ", (two,)),
        ("It began. [1]", ()),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("افتُتح الميناء عام ١٩٠١ [٧].", "افتُتح الميناء عام ١٩٠١ (٧)."),
        ("It opened in 1901.[1][2, 3]", "It opened in 1901.(1)(2, 3)"),
        ("a [sic] [note 4] list", "a [sic] [note 4] list"),
    ],
)
def test_footnotes_of_a_source_are_not_marks_of_ours(text: str, said: str):
    assert without_marks(text) == said
