"""Follow-up questions: which lean on the conversation, what is put into them, and whole conversations."""

from __future__ import annotations

import pytest

from assistant import Assistant
from assistant.followups import MAX_CARRIED, MAX_TURNS, Leaning, leaning, rewrites, standalone
from assistant.ranking import shipped_model
from assistant.retrieval import Retriever

# A library and a bridge: nothing that the shipped knowledge base speaks of.
LIBRARY = [("Who designed the Alexandria library?", "A Norwegian office designed the library. [1]")]
BRIDGE = [("متى بُني جسر الملك فهد؟", "بُني الجسر عام 1986. [1]")]


# --- whether a question stands alone -----------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "And when did it open?",
        "How many books does it hold?",
        "What are its collections?",
        "Who visits them?",
        "Does this building have a museum?",
        "Why?",
        "And then?",
        "Opened when?",
        "What about the museum?",
        "How about Cairo?",
        "And the roof?",
        "Who works there?",
        "Did that change?",
    ],
)
def test_english_that_leans(question: str):
    assert leaning(question, LIBRARY) is not Leaning.STANDS


@pytest.mark.parametrize(
    "question",
    [
        "ومتى افتُتح؟",
        "كم عرضه؟",
        "كم طوله؟",
        "ما تكلفته؟",
        "وما اسمه الرسمي؟",
        "من صممه؟",
        "ما أهميتها؟",
        "كم المسافة بينهما؟",
        "وهل مرّوا عليه؟",
        "ما هدف هذا المشروع؟",
        "وماذا حدث بعدها؟",
        "لماذا؟",
        "ليش؟",
        "وماذا عن النفق؟",
        "طيب وماذا عن السكك الحديدية؟",
        "ومن زارهم؟",
        "مَا تَكْلِفَتُهُ؟",
        "وهل هو أطول جسر؟",
        "ما هو؟",
    ],
)
def test_arabic_that_leans(question: str):
    assert leaning(question, BRIDGE) is not Leaning.STANDS


@pytest.mark.parametrize(
    "question",
    [
        "What is photosynthesis?",
        "And what is photosynthesis?",
        "What is the capital of Australia?",
        "Is there a railway between Cairo and Luxor?",
        "Which of the ports that Egypt owns lies on the Red Sea?",
        "How much did Norway export to Germany last year?",
        "ما هي عاصمة أستراليا؟",
        "وما هو التمثيل الضوئي؟",
        "من هو ابن خلدون؟",
        "ما الفرق بين الطاقة الشمسية وطاقة الرياح في الصحراء؟",
        "ما أهم مصادر المياه في الأردن حسب مذكرة التفاهم؟",
        "كم دوله شاركت في مؤتمر باريس للمناخ؟",
    ],
)
def test_what_stands_alone(question: str):
    assert leaning(question, LIBRARY) is Leaning.STANDS
    assert leaning(question, BRIDGE) is Leaning.STANDS
    assert rewrites(question, BRIDGE)[0].text == question


def test_a_word_of_the_turn_before_may_refer_back():
    # «the library» may be that of the turn before; the stores decide
    assert leaning("How many rare books are in the library?", LIBRARY) is Leaning.MAY_LEAN
    assert leaning("How many rare books are in the library?", BRIDGE) is Leaning.STANDS
    assert [one.text for one in rewrites("How many rare books are in the library?", LIBRARY)] == [
        "How many rare books are in the library? designed the Alexandria library",
        "How many rare books are in the library?",
    ]


def test_a_pronoun_may_stand_for_what_the_question_names():
    assert leaning("Does the Cairo museum lend paintings from its Coptic wing?", LIBRARY) is Leaning.MAY_LEAN


def test_a_final_ha_may_be_a_ta_marbuta():
    # «تكلفه المشروع» is «تكلفة المشروع» or «it costs», «تكلفته» can only be its cost
    assert leaning("كيف تموله الحكومة المصرية في الوقت الراهن؟", BRIDGE) is not Leaning.STANDS
    assert leaning("ما تكلفة المشروع الجديد في القاهرة؟", BRIDGE) is Leaning.STANDS
    assert leaning("ما تكلفته؟", BRIDGE) is Leaning.LEANS


def test_nothing_before():
    assert leaning("Why?", ()) is Leaning.STANDS
    assert standalone("ومتى بدأ؟", ()) == "ومتى بدأ؟"


# --- what is carried ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        # in the place of the pronoun; «designed» is not known to be a verb and comes along
        ("When did it open?", "When did designed the Alexandria library open?"),
        # behind a question that is a piece of a sentence
        ("Why?", "Why? designed the Alexandria library"),
    ],
)
def test_english_gets_the_topic(question: str, meant: str):
    assert standalone(question, LIBRARY) == meant


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("كم طوله؟", "كم طوله بني جسر الملك فهد؟"),
        ("ما تكلفته بالدولار؟", "ما تكلفته بني جسر الملك فهد بالدولار؟"),
        ("هل هو أطول جسر؟", "هل بني جسر الملك فهد أطول جسر؟"),
        ("لماذا؟", "لماذا؟ بني جسر الملك فهد"),
    ],
)
def test_arabic_gets_the_topic(question: str, meant: str):
    assert standalone(question, BRIDGE) == meant


def test_languages_may_cross():
    assert standalone("How long is it?", BRIDGE) == "How long is بني جسر الملك فهد?"
    assert standalone("كم كتابا فيها؟", LIBRARY) == "كم كتابا فيها designed the Alexandria library؟"


def test_what_is_asked_is_left_behind_and_what_it_is_asked_of_stays():
    history = [("When did the Nile conference begin?", "In 1999. [1]")]
    assert standalone("Who led it?", history) == "Who led Nile conference?"
    assert standalone("ومن قاده؟", [("متى بدأ مؤتمر النيل؟", "عام ١٩٩٩. [1]")]) == "من قاده مؤتمر النيل؟"


def test_what_about_another_keeps_what_was_asked():
    history = [("When did the Nile conference begin?", "In 1999. [1]")]
    assert standalone("And what about the Jordan conference?", history) == (
        "what about the Jordan conference? When begin"
    )
    history = [("متى بدأ مؤتمر النيل؟", "عام ١٩٩٩. [1]")]
    assert standalone("وماذا عن مؤتمر الأردن؟", history) == "ماذا عن مؤتمر الأردن؟ متى بدأ"


def test_a_chain_keeps_the_topic_of_its_first_turn():
    history = [("What is basalt?", "A rock. [1]"), ("How old is it?", "Old. [1]"), ("Why?", "Nobody knows. [1]")]
    assert "basalt" in standalone("Where is it found?", history)
    history = [("ما البازلت؟", "صخر. [1]"), ("كم عمره؟", "قديم. [1]"), ("ولماذا؟", "لا أحد يعلم. [1]")]
    assert "البازلت" in standalone("وأين يوجد؟", history)


def test_a_topic_goes_on_where_the_answer_still_speaks_of_it():
    turns = ["ما البازلت؟", "هل تتحمل الصخور النار؟"]
    kept = [(turns[0], "صخر. [1]"), (turns[1], "يتحمل البازلت النار. [1]")]
    gone = [(turns[0], "صخر. [1]"), (turns[1], "تتحمل الصخور النار. [1]")]
    assert "البازلت" in standalone("ولماذا؟", kept)
    assert "البازلت" not in standalone("ولماذا؟", gone)


def test_a_new_topic_replaces_the_old_one():
    history = [("What is basalt?", "A rock. [1]"), ("Who designed the Alexandria library?", "An office. [1]")]
    assert "basalt" not in standalone("When did it open?", history)


def test_what_is_lent_is_known_apart():
    (meant,) = rewrites("Who led it?", [("When did the Nile conference begin?", "In 1999. [1]")])
    assert meant.carried == {"nile", "confer"}


def test_long_conversations_and_long_questions_are_bounded():
    history = [(f"What is mineral{number} made of?", "x " * 50_000) for number in range(200)]
    history[-1] = (" ".join(f"word{number}" for number in range(5_000)), "No.")
    text = standalone("Why?", history)
    assert len(text.split()) <= MAX_CARRIED + 1
    first = [("What is basalt?", ""), *[("Why?", "")] * MAX_TURNS]
    assert "basalt" not in standalone("Why?", first)


@pytest.mark.parametrize("before", [("", ""), ("???", "!"), ("Why?", ""), ("هو", "هي"), ("42", "١٣")])
def test_a_conversation_about_nothing(before: tuple[str, str]):
    assert standalone("And why did it?", [before]).removeprefix("And ").startswith("why did")


@pytest.mark.parametrize(
    ("question", "untied"),
    [
        ("And where is it from?", "where is basalt from?"),
        ("OK, so where is it from?", "where is basalt from?"),
        ("وَأين يوجد؟", "أين يوجد؟ البازلت"),
        ("طيب، ومن أين يأتي؟", "من أين يأتي؟ البازلت"),
    ],
)
def test_what_only_ties_a_question_to_the_one_before_is_left_out(question: str, untied: str):
    before = "What is basalt?" if question.isascii() else "ما هو البازلت؟"
    assert standalone(question, [(before, "")]) == untied


# --- the shipped knowledge base ----------------------------------------------------------------------


def held(dalil: Assistant, *questions: str) -> list:
    """A conversation with the assistant's own answers."""
    history: list[tuple[str, str]] = []
    answers = []
    for question in questions:
        answers.append(dalil.ask(question, history))
        history.append((question, answers[-1].text))
    return answers


@pytest.mark.parametrize(
    ("questions", "language", "wanted"),
    [
        (("What is gallium?", "And who dominates its production?"), "en", "China"),
        (("ما هو الغاليوم؟", "ومن يهيمن على إنتاجه؟"), "ar", "الصين"),
        (("متى انعقدت قمة طوكيو؟", "How many presidents attended it?"), "en", "five"),
        (("What is gallium used for?", "ومن يهيمن على إنتاجه؟"), "ar", "الصين"),
        (("Did Japan leave the Stepnogorsk project?", "Why?"), "en", "technical"),
    ],
)
def test_conversations(shipped: Assistant, questions: tuple[str, ...], language: str, wanted: str):
    last = held(shipped, *questions)[-1]
    assert last.answered
    assert last.language == language
    assert wanted in last.text


def test_another_topic_is_asked_as_if_nothing_came_before(shipped: Assistant):
    question = "When was the summit in Tokyo held?"
    after = held(shipped, "What is gallium used for?", question)[-1]
    assert after.text == shipped.ask(question).text
    history = [("ما استخدامات الغاليوم؟", "أشباه الموصلات. [1]")]
    assert shipped.retriever.query("ما هو الممر الأوسط؟", history).text == "ما هو الممر الأوسط؟"


def test_the_query_says_what_was_understood(shipped: Assistant):
    history = [("What is gallium?", "A rare metal. [1]")]
    query = shipped.retriever.query("When did Japan buy it?", history)
    assert query.text == "When did Japan buy gallium?"
    assert query.carried == {"gallium"}
    assert query.asks == {"date"}
    assert query.language == "en"


def test_the_conversation_lends_no_wish_for_a_date(shipped: Assistant):
    query = shipped.retriever.query("Who hosted it?", [("When was the Tokyo summit held?", "In December. [1]")])
    assert query.asks == frozenset()


def test_a_rewriter_comes_first_and_may_leave_it(shipped: Assistant):
    seen = []

    def rewriter(question: str, history) -> str | None:
        seen.append(list(history))
        return "Who hosted the Tokyo summit?" if question == "Who?" else None

    retriever = Retriever(shipped.index, shipped_model(), rewriter=rewriter)
    history = [("What is gallium?", "A rare metal. [1]")]
    assert retriever.query("Who?", history).text == "Who hosted the Tokyo summit?"
    assert retriever.query("Who buys it?", history).text == "Who buys gallium?"
    assert retriever.query("Who?").text == "Who?"  # nothing to rewrite from
    assert seen == [history, history]
