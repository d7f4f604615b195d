"""The knowledge page as the server draws it, and whom it obeys: over HTTP, as anyone could ask."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant import Assistant, Settings
from assistant.schema import DocumentSummary, Evidence, Fact, SyncReport
from assistant.security import Access, hash_password, token_digest
from assistant.server import create_app
from assistant.settings import shipped_knowledge_dir
from assistant.ui.knowledge import View
from assistant.ui.knowledge_render import adding_panel, path, results_list, shelf, state_panel
from assistant.ui.knowledge_texts import ARABIC, ENGLISH, knowledge_texts_json, number
from assistant.ui.library import DocumentRow, FactRow, Page, Result, State, Upload

from .driver import serving
from .fake import INJECTION

# --- drawing -----------------------------------------------------------------------------------------


def page_of(*documents: DocumentRow, facts: tuple[FactRow, ...] = (), total: int | None = None) -> Page:
    count = len(documents) if total is None else total
    return Page(documents, facts, 1, count, len(facts), 0, False)


EVIL = DocumentRow(
    DocumentSummary(f'documents/{INJECTION}".md', INJECTION, '"><script>', INJECTION, '"><b>', 1234, 5),
    (f"facts/{INJECTION}.yaml#x",),
)
EVIL_FACT = FactRow(
    f"{INJECTION}.yaml",
    Fact("x", {"ar": INJECTION, "en": INJECTION}, (Evidence(INJECTION, INJECTION),), (), '"><i>'),
    {},
)


@pytest.mark.parametrize(
    "html",
    [
        shelf(page_of(EVIL), "documents", may_edit=True),
        shelf(page_of(facts=(EVIL_FACT,)), "facts", may_edit=True),
        state_panel(
            State(1, 1, 1, INJECTION, (datetime.now(UTC), SyncReport(failed={INJECTION: INJECTION}))), may_edit=True
        ),
        results_list([Result(Upload(Path(f"/x/{INJECTION}"), INJECTION), "refused", "", 0, INJECTION)]),
        results_list([Result(Upload(Path("/x/y"), f'"{INJECTION}'), "exists", INJECTION)]),
        path(INJECTION),
    ],
)
def test_nothing_from_documents_or_names_is_markup(html: str) -> None:
    assert "&lt;img src=x onerror=" in html
    assert "<img" not in html
    assert "<script" not in html
    assert '"><' not in html.replace('">', '">\n').replace("\n<", "\n <").replace('">\n <', "")


def test_each_row_has_the_language_and_direction_of_its_document() -> None:
    arabic = DocumentRow(DocumentSummary("a.md", "نهر", "ar", "", "2025-01", 1, 1), ())
    english = DocumentRow(DocumentSummary("b.pdf", "River", "en", "", "", 1, 1), ())
    drawn = shelf(page_of(arabic, english), "documents", may_edit=False)
    assert '<div class="text" lang="ar" dir="rtl"><h2 dir="auto">نهر</h2>' in drawn
    assert '<div class="text" lang="en" dir="ltr"><h2 dir="auto">River</h2>' in drawn
    assert '<time datetime="2025-01">' in drawn
    assert ">PDF<" in drawn


@pytest.mark.parametrize(("may_edit", "controls"), [(True, 1), (False, 0)])
def test_controls_are_drawn_for_those_who_may_edit(may_edit: bool, controls: int) -> None:
    row = DocumentRow(DocumentSummary("a.md", "نهر", "ar", "", "", 1, 1), ())
    assert shelf(page_of(row), "documents", may_edit).count('data-action="remove"') == controls
    assert state_panel(State(1, 0, 1, "m", None), may_edit).count('data-action="sync"') == controls
    assert adding_panel(None if may_edit else "user", 1000).count('type="file"') == controls


@pytest.mark.parametrize("obstacle", ["user", "shipped", "read-only"])
def test_why_nothing_can_be_added_is_said_in_both_languages(obstacle: Any) -> None:
    drawn = adding_panel(obstacle, 1000)
    assert ARABIC.obstacles[obstacle] in drawn
    assert ENGLISH.obstacles[obstacle] in drawn


def test_names_read_from_the_right_keep_their_suffix() -> None:
    assert path("documents/a.md").endswith("<bdi>documents</bdi>/<bdi>a.md</bdi></bdi>")
    assert path("تقرير المياه 2025.md").endswith('<bdi dir="rtl">تقرير المياه <bdi dir="ltr">2025.md</bdi></bdi></bdi>')


def test_pages_lead_on_and_back() -> None:
    row = DocumentRow(DocumentSummary("a.md", "نهر", "ar", "", "", 1, 1), ())
    drawn = shelf(page_of(row, total=1234), "documents", may_edit=False)
    assert 'data-number="-1" disabled' in drawn
    assert 'data-number="1">' in drawn
    assert "1–1 of 1,234" in drawn
    assert "١–١ من ١٬٢٣٤" in drawn
    assert "data-number" not in shelf(page_of(row), "documents", may_edit=False)


def test_numbers_are_written_as_their_readers_do() -> None:
    assert (number(12345, "en"), number(12345, "ar")) == ("12,345", "١٢٬٣٤٥")


def test_both_languages_say_everything() -> None:
    texts = json.loads(knowledge_texts_json().replace("\\u003c", "<"))
    assert texts["ar"].keys() == texts["en"].keys()
    for key in ("outcomes", "obstacles"):
        assert texts["ar"][key].keys() == texts["en"][key].keys()


@pytest.mark.parametrize("data", [None, [], "x", {"kind": 3, "query": ["a"], "number": "7"}, {"number": 1.5}])
def test_a_view_of_nonsense_is_the_first_page(data: Any) -> None:
    assert View.of(data) == View()


# --- whom it obeys -----------------------------------------------------------------------------------


def new_assistant(knowledge: Path, data: Path, model: Path, cache: Path) -> Assistant:
    return Assistant(Settings(knowledge_dir=knowledge, data_dir=data, embedding_model=str(model), cache_dir=cache))


@pytest.fixture
def dalil(knowledge: Path, tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path) -> Iterator[Assistant]:
    with new_assistant(knowledge, tmp_path / "data", tiny_model_dir, tiny_cache) as dalil:
        dalil.sync()
        yield dalil


class Caller:
    """Calls the events of the page as a program would, without the page."""

    def __init__(self, address: str, headers: dict[str, str] | None = None) -> None:
        self.http = httpx.Client(base_url=f"{address}/knowledge/", headers=headers, timeout=60)
        self.config = self.http.get("config").raise_for_status().json()

    def upload(self, name: str, content: bytes) -> str:
        reply = self.http.post("gradio_api/upload", files={"files": (name, content)})
        return str(reply.raise_for_status().json()[0])

    def call(self, event: str, **data: Any) -> list[Any] | None:
        """What the event puts out at last; None where it fails."""
        (found,) = [one for one in self.config["dependencies"] if any(target[1] == event for target in one["targets"])]
        session = secrets.token_hex(5)
        body = {"data": [], "event_data": data, "fn_index": found["id"], "session_hash": session}
        self.http.post("gradio_api/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
            for line in lines.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line.removeprefix("data:"))
                    if message["msg"] == "process_completed":
                        return message["output"]["data"] if message["success"] else None
        raise AssertionError("the event did not end")


def test_the_local_user_may_edit(dalil: Assistant, knowledge: Path) -> None:
    with serving(create_app(dalil)) as address:
        caller = Caller(address)
        (drawn,) = caller.call("show", kind="documents", query="نَهر الامل", number=0) or [""]
        assert "river.ar.md" in drawn
        assert "harbour.en.md" not in drawn

        arrived = caller.upload("خبر.md", "# خبر\n\nوصلت السفينة أمس.\n".encode())
        shown = caller.call("upload", files=[{"path": arrived, "name": "../خبر.md"}])
        assert shown is not None
        assert 'data-outcome="added"' in shown[2]
        assert (knowledge / "documents" / "خبر.md").is_file()
        assert dalil.document("documents/خبر.md").text.startswith("خبر")

        assert caller.call("remove", id="documents/خبر.md", title="خبر") is not None
        assert not (knowledge / "documents" / "خبر.md").exists()

        said = (caller.call("remove", id="documents/خبر.md") or ["", "", ""])[2]
        assert "no document" in said
        (knowledge / "documents" / "later.txt").write_text("It came later.")
        assert caller.call("sync") is not None
        assert dalil.document("documents/later.txt")


def test_only_what_was_uploaded_is_taken(dalil: Assistant, knowledge: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Nobody should read this.")
    with serving(create_app(dalil)) as address:
        caller = Caller(address)
        for path in (secret, knowledge / "documents" / "notes.txt"):  # Gradio itself refuses these
            assert caller.call("upload", files=[{"path": str(path), "name": "stolen.txt"}]) is None
        arrived = Path(caller.upload("new.txt", b"Something new."))
        beside = arrived.with_name("beside.txt")  # where Gradio keeps uploads, but not one
        beside.write_text("Of another program.")
        given = [{"path": str(beside), "name": "stolen.txt"}, {"path": 7, "name": "x.txt"}, "nonsense", {}]
        shown = caller.call("upload", files=[*given, {"path": str(arrived), "name": "new.txt"}])
    assert shown is not None
    assert shown[2].count("data-outcome") == 1
    beside.unlink()
    assert secret.is_file()
    assert (knowledge / "documents" / "notes.txt").is_file()
    assert (knowledge / "documents" / "new.txt").is_file()
    assert not list(knowledge.rglob("stolen.txt"))


def test_outsiders_may_read_but_change_nothing(dalil: Assistant, knowledge: Path) -> None:
    access = Access({"سلمى": hash_password("a long password")}, {"script": token_digest("its token")})
    before = {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()}
    with serving(create_app(dalil, access=access)) as address:
        reply = httpx.get(f"{address}/knowledge/", headers={"Accept": "text/html"})
        assert (reply.status_code, reply.headers["location"]) == (303, "../login?next=knowledge/")
        assert httpx.get(f"{address}/knowledge/config").status_code == 401

        program = Caller(address, {"Authorization": "Bearer its token"})
        (drawn,) = program.call("show", kind="documents", query="", number=0) or [""]
        assert "river.ar.md" in drawn
        assert 'data-action="remove"' not in drawn
        arrived = program.upload("new.txt", b"Something new.")
        (knowledge / "documents" / "waiting.txt").write_text("It waits for a sync.")
        for event, data in (
            ("upload", {"files": [{"path": arrived, "name": "new.txt"}]}),
            ("remove", {"id": "documents/notes.txt"}),
            ("sync", {}),
        ):
            assert program.call(event, **data) is None
        assert "documents/waiting.txt" not in [document.id for document in dalil.documents()]
        (knowledge / "documents" / "waiting.txt").unlink()
        after = {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()}
        assert after == before

        cookie = f"{access.cookie}={access.login('سلمى', 'a long password')}"
        shown = Caller(address, {"Cookie": cookie}).call("remove", id="documents/notes.txt", title="Notes")
        assert shown is not None
        assert not (knowledge / "documents" / "notes.txt").exists()


def test_the_shipped_knowledge_is_left_alone(tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path) -> None:
    before = sorted(shipped_knowledge_dir().rglob("*"))
    with (
        new_assistant(shipped_knowledge_dir(), tmp_path / "data", tiny_model_dir, tiny_cache) as dalil,
        serving(create_app(dalil)) as address,
    ):
        caller = Caller(address)
        arrived = caller.upload("new.txt", b"Something new.")
        assert caller.call("upload", files=[{"path": arrived, "name": "new.txt"}]) is None
        assert caller.call("remove", id="documents/gallium.en.md") is None
    assert sorted(shipped_knowledge_dir().rglob("*")) == before


def test_the_address_without_its_slash_leads_there_and_the_chat_stays(dalil: Assistant) -> None:
    with serving(create_app(dalil)) as address:
        reply = httpx.get(f"{address}/knowledge")
        assert (reply.status_code, reply.headers["location"]) == (308, "./knowledge/")
        assert "ui/knowledge.js" in httpx.get(f"{address}/knowledge/").text
        assert "ui/app.js" in httpx.get(f"{address}/").text
