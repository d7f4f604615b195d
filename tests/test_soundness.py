"""The whole engine on odd stores: one language, five passages, a third language, a question that mixes two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant import Assistant, Settings

ARABIC = {
    "port.txt": "ميناء أكتاو مدينة ساحلية في كازاخستان على بحر قزوين. بلغت طاقة الميناء 15 مليون طن في عام 2023.",
    "metal.txt": "يُستخدم الغاليوم في صناعة أشباه الموصلات والخلايا الشمسية. تنتج الصين معظم الغاليوم في العالم.",
    "lake.txt": "انحسر بحر آرال منذ ستينيات القرن الماضي بعد تحويل أنهاره لري القطن.",
}
ENGLISH = {
    "rail.txt": "The Trans-Caspian railway was begun in 1880 by the Russian army. It reached Samarkand in 1888.",
    "apple.txt": "The ancestor of the domestic apple grows wild in the Tian Shan mountains near Almaty.",
}
RUSSIAN = {"ship.txt": "Ледокол «Ангара» построен в 1900 году. Он стоит в Иркутске на вечной стоянке и служит музеем."}

Open = Callable[[dict[str, str]], Assistant]


@pytest.fixture
def opened(tmp_path: Path, prepared_model) -> Iterator[Open]:
    assistants: list[Assistant] = []

    def open_with(texts: dict[str, str]) -> Assistant:
        folder = tmp_path / f"knowledge{len(assistants)}"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        dalil = Assistant(Settings(knowledge_dir=folder, data_dir=tmp_path / f"data{len(assistants)}"))
        assistants.append(dalil)
        assert not dalil.sync().failed
        return dalil

    yield open_with
    for dalil in assistants:
        dalil.close()


def best(dalil: Assistant, question: str) -> str:
    hits = dalil.search(question)
    assert all(0.0 <= hit.score <= 1.0 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    return hits[0].document_id


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("كم بلغت طاقة ميناء أكتاو؟", "port.txt"),
        ("What is gallium used for?", "metal.txt"),
        ("Why did the Aral Sea shrink?", "lake.txt"),
        ("لماذا انحسر بحر آرال؟", "lake.txt"),
    ],
)
def test_arabic_only(opened: Open, question: str, document: str):
    dalil = opened(ARABIC)
    assert best(dalil, question) == document
    assert {citation.document_id for citation in dalil.ask(question).citations} <= {document}


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("When was the Trans-Caspian railway begun?", "rail.txt"),
        ("متى بدأ بناء سكة حديد عبر قزوين؟", "rail.txt"),
        ("أين ينمو سلف التفاح البري؟", "apple.txt"),
    ],
)
def test_english_only(opened: Open, question: str, document: str):
    assert best(opened(ENGLISH), question) == document


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("متى وصلت السكة الحديدية إلى سمرقند؟", "rail.txt"),
        ("When did the railway reach Samarkand?", "rail.txt"),
        ("Which country produces most gallium?", "metal.txt"),
        ("ما طاقة ميناء Aktau في 2023؟", "port.txt"),
        ("What happened to بحر آرال?", "lake.txt"),
        ("أين ينمو أصل apple؟", "apple.txt"),
    ],
)
def test_five_passages_in_two_languages(opened: Open, question: str, document: str):
    assert best(opened(ARABIC | ENGLISH), question) == document


@pytest.mark.parametrize("question", ["Who invented the telephone?", "ما عاصمة البرازيل؟"])
def test_five_passages_do_not_answer_everything(opened: Open, question: str):
    answer = opened(ARABIC | ENGLISH).ask(question)
    assert not answer.answered
    assert answer.citations == ()


@pytest.mark.parametrize(
    ("question", "introduction"),
    [
        ("Where does the icebreaker Angara stand?", "Sources in another language answer this:"),
        ("أين ترسو كاسحة الجليد أنغارا؟", "تجيب عن هذا مصادر بلغة أخرى:"),
    ],
)
def test_a_document_in_a_third_language(opened: Open, question: str, introduction: str):
    dalil = opened(ARABIC | ENGLISH | RUSSIAN)
    assert best(dalil, question) == "ship.txt"
    answer = dalil.ask(question)
    if answer.answered:
        assert answer.text.startswith(introduction)
        assert answer.citations[0].quote in RUSSIAN["ship.txt"]


def test_a_question_in_a_third_language_is_answered_in_english(opened: Open):
    dalil = opened(ENGLISH | RUSSIAN)
    assert best(dalil, "В каком году построен ледокол «Ангара»?") == "ship.txt"
    assert dalil.ask("В каком году построен ледокол «Ангара»?").language == "en"
