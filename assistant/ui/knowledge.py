"""The knowledge page: Gradio carries what the browser asks to a ``Library`` and HTML back.

Everything on the page is our own HTML; ``static/knowledge.js`` turns clicks and keys into the events of one
component. Their data comes from the browser and is not to be trusted, nor is it who may send them: every
handler that changes something asks ``may_edit`` itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr

import assistant.ui.knowledge_render as render
from assistant import files
from assistant.errors import DalilError
from assistant.schema import SyncReport
from assistant.ui.knowledge_texts import ARABIC, ENGLISH, KNOWLEDGE_TEXTS, knowledge_texts_json
from assistant.ui.library import MAX_FILES, Library, Upload

logger = logging.getLogger(__name__)

UPDATE_SECONDS = 0.25
"""Progress is shown no more often than this."""

CACHE_SECONDS = 3600
"""Uploads that were neither taken nor replaced anything are deleted after this."""

# The page is below a path of its own, its files beside it.
_HEAD = """
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="../ui/app.css">
<link rel="stylesheet" href="../ui/knowledge.css">
<link rel="icon" href="../ui/icon.svg">
<script type="application/json" id="dalil-texts">{texts}</script>
<script type="module" src="../ui/knowledge.js"></script>
"""

# The names of the events must stand here in quotes: Gradio looks for them.
_CONNECT = """
// 'show', 'look', 'sync', 'remove', 'upload'
window.dalilWire = trigger;
window.dalilKnowledge?.connect(trigger);
"""

Shown = tuple[Any, ...]
"""New HTML for the shelf, the state of the index and what is said of the last action."""


@dataclass(frozen=True, slots=True)
class View:
    """What the browser looks at."""

    kind: Literal["documents", "facts"] = "documents"
    query: str = ""
    number: int = 0

    @classmethod
    def of(cls, data: Any) -> View:
        """The view in the data of an event, whatever that is."""
        given = data if isinstance(data, dict) else {}
        query, number = given.get("query"), given.get("number")
        return cls(
            "facts" if given.get("kind") == "facts" else "documents",
            query if isinstance(query, str) else "",
            number if isinstance(number, int) else 0,
        )


def knowledge_head_html() -> str:
    """What the page needs in its ``<head>`` before Gradio starts."""
    return _HEAD.format(texts=knowledge_texts_json())


def build_knowledge(library: Library, may_edit: Callable[[gr.Request], bool]) -> gr.Blocks:
    """The knowledge page; mount it with ``knowledge_head_html`` and the chat's ``build_theme``.

    Args:
        library: what is shown and changed; used from several threads at once.
        may_edit: whether whoever sent a request may change the knowledge folder.
    """

    def editable(request: gr.Request) -> bool:
        return may_edit(request) and files.obstacle(library.folder) is None

    def refuse_strangers(request: gr.Request) -> None:
        """Let only those pass who may edit.

        Raises:
            gr.Error: whoever sent the request may not, or the folder cannot be changed.
        """
        obstacle = files.obstacle(library.folder) if may_edit(request) else "user"
        if obstacle is not None:
            said = "\n".join(texts.obstacles[obstacle] for texts in KNOWLEDGE_TEXTS.values())
            raise gr.Error(said, print_exception=False)

    def shelf_of(view: View, request: gr.Request) -> str:
        return render.shelf(library.find(view.query, view.kind, view.number), view.kind, editable(request))

    def state_of(request: gr.Request, step: tuple[int, int] | None = None) -> str:
        return render.state_panel(library.state(), editable(request), step)

    def open_page(request: gr.Request) -> Shown:
        obstacle = files.obstacle(library.folder) if may_edit(request) else "user"
        return shelf_of(View(), request), state_of(request), render.adding_panel(obstacle, library.max_bytes)

    def show(event: gr.EventData, request: gr.Request) -> str:
        return shelf_of(View.of(event._data), request)

    def look(request: gr.Request) -> str:
        return state_of(request)

    def sync(event: gr.EventData, request: gr.Request) -> Iterator[Shown]:
        refuse_strangers(request)
        view = View.of(event._data)

        def work() -> Iterator[Shown]:
            yield from follow_sync(request)
            yield shelf_of(view, request), state_of(request), render.notice("done", lambda t: t.synced)

        yield from told(work, request)

    def remove(event: gr.EventData, request: gr.Request) -> Iterator[Shown]:
        refuse_strangers(request)
        data = event._data if isinstance(event._data, dict) else {}
        view, document_id, title = View.of(data), str(data.get("id", "")), str(data.get("title", ""))

        def work() -> Iterator[Shown]:
            library.remove(document_id)
            yield from follow_sync(request)
            said = render.notice("done", lambda t: t.was_removed.format(title=title[:200] or document_id))
            yield shelf_of(view, request), state_of(request), said

        yield from told(work, request)

    def upload(event: gr.EventData, request: gr.Request) -> Iterator[Shown]:
        refuse_strangers(request)
        data = event._data if isinstance(event._data, dict) else {}
        view, uploads = View.of(data), _uploads(data, page)

        def work() -> Iterator[Shown]:
            yield gr.skip(), gr.skip(), render.progress_bar(lambda t: t.reading, (0, 0))
            results = library.add(uploads, replace=data.get("replace") is True)
            if any(result.outcome in ("added", "replaced") for result in results):
                for item in _paced(library.sync()):
                    if isinstance(item, SyncReport):
                        results = library.indexed(results, item)
                    else:
                        yield gr.skip(), gr.skip(), render.progress_bar(lambda t: t.reading, item)
            else:
                results = library.indexed(results, SyncReport())
            yield shelf_of(view, request), state_of(request), render.results_list(results)

        yield from told(work, request)

    def follow_sync(request: gr.Request) -> Iterator[Shown]:
        yield gr.skip(), state_of(request, (0, 0)), ""
        for item in _paced(library.sync()):
            if not isinstance(item, SyncReport):
                yield gr.skip(), state_of(request, item), gr.skip()

    def told(work: Callable[[], Iterator[Shown]], request: gr.Request) -> Iterator[Shown]:
        """Do something, and say what went wrong."""
        try:
            yield from work()
        except DalilError as error:
            reason = str(error)
            yield gr.skip(), state_of(request), render.notice("wrong", lambda t: t.went_wrong.format(reason=reason))
        except Exception:
            logger.exception("the knowledge page could not do what it was asked")
            yield gr.skip(), state_of(request), render.notice("wrong", lambda t: t.broken)

    page: gr.Blocks
    title = f"{ENGLISH.title} · {ARABIC.title}"
    with gr.Blocks(title=title, fill_width=True, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)) as page:
        _html(render.top_bar(), "bar")
        with gr.Row(elem_id="main"):
            with gr.Column(elem_id="library", scale=3):
                _html(render.search_box(), "searching")
                shelf = _html("", "shelf")
            with gr.Column(elem_id="desk", scale=2, min_width=300):
                adding = _html("", "adding")
                said = _html("", "said")
                state = _html("", "state")
        wire = _html("", "wire", js_on_load=_CONNECT)

        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        page.load(open_page, None, [shelf, state, adding], **hidden)
        # The browser sends one at a time: Gradio's own "always_last" sends the data of the first again.
        shown = wire.show(show, None, shelf, trigger_mode="multiple", **hidden)
        shown.success(None, None, None, js="() => window.dalilKnowledge.shown(true)")
        shown.failure(None, None, None, js="() => window.dalilKnowledge.shown(false)")
        wire.look(look, None, state, **hidden)
        for event, handler in ((wire.sync, sync), (wire.remove, remove), (wire.upload, upload)):
            done = event(handler, None, [shelf, state, said], trigger_mode="multiple", **hidden)
            done.success(None, None, None, js="() => window.dalilKnowledge.ended(true)")
            done.failure(None, None, None, js="() => window.dalilKnowledge.ended(false)")
    page.queue(default_concurrency_limit=4, max_size=64)
    return page


def _html(value: str, name: str, **more: Any) -> gr.HTML:
    """Our own HTML without Gradio's styles."""
    return gr.HTML(value, elem_id=name, apply_default_css=False, **more)


def _uploads(data: dict[str, Any], page: gr.Blocks) -> list[Upload]:
    """The files that an event names, of those that were uploaded to this page and to nowhere else."""
    given = data.get("files")
    uploads = []
    for one in given[:MAX_FILES] if isinstance(given, list) else ():
        path, name = (one.get("path"), one.get("name")) if isinstance(one, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(name, str):
            continue
        if path in page.upload_file_set and Path(path).is_file():
            uploads.append(Upload(Path(path), name))
    return uploads


def _paced(items: Iterator[tuple[int, int] | SyncReport]) -> Iterator[tuple[int, int] | SyncReport]:
    """Steps no more often than eyes can follow; the report in any case."""
    last = 0.0
    for item in items:
        now = time.monotonic()
        if isinstance(item, SyncReport) or now - last >= UPDATE_SECONDS:
            last = now
            yield item
