"""The chat: Gradio carries questions to Dalil and the turns that it makes of them back, piece by piece.

What is said is drawn, kept and exported by the browser (``static/``); ``wire`` is the one component through
which it asks. Its events bring data that is not to be trusted: every handler parses it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.errors import DalilError
from assistant.ui.conversation import Answers, Asked, Dalil, Feedback, Rated, Stopped, Stops, parse, take_turn
from assistant.ui.render import above_the_box, bar, conversation, drawer, sources
from assistant.ui.texts import ARABIC, ENGLISH, FONT_FAMILY, texts_json

logger = logging.getLogger(__name__)

STATIC_DIR = Path(__file__).resolve().parent / "static"

QUESTIONS_AT_ONCE = 4
QUESTIONS_WAITING = 64

STYLES = ("app.css", "chat.css", "panels.css")
MODULES = ("app", "base", "store", "words", "turns", "sources", "drawer", "export")

# Relative addresses: the page names its own base, so it also works below a proxy's path. The modules are named
# at once, or each would be asked for only when the one before it has come. Gradio puts all this into the page by
# script, shortly before its components: what must be there before them stands in it rather than in a file.
_HEAD = """
<meta name="color-scheme" content="light dark">
<link rel="preload" href="ui/fonts/400.ttf" as="font" type="font/ttf" crossorigin>
{styles}
{preloads}
<script>{early}</script>
<script type="application/json" id="dalil-texts">{texts}</script>
<script type="module" src="ui/app.js"></script>
"""

# The names of the events must stand here in quotes: Gradio looks for them.
_CONNECT = "window.dalil.then((dalil) => dalil.connect(trigger, ['ask', 'stop', 'rate', 'localise']))"
_RECEIVE = "watch('value', () => { const said = props.value; window.dalil.then((dalil) => dalil.receive(said)); })"


def head_html() -> str:
    """What the page needs in its ``<head>`` before Gradio starts."""
    styles = "\n".join(f'<link rel="stylesheet" href="ui/{name}">' for name in STYLES)
    preloads = "\n".join(f'<link rel="modulepreload" href="ui/{name}.js">' for name in MODULES)
    early = (STATIC_DIR / "early.js").read_text(encoding="utf-8")
    return _HEAD.format(styles=styles, preloads=preloads, early=early, texts=texts_json())


def build_theme() -> gr.themes.Base:
    """Colours and font; ``static/app.css`` does the rest."""
    theme = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        radius_size="lg",
        # Plain names: Gradio's GoogleFont would ask Google.
        font=[gr.themes.Font(FONT_FAMILY), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    return theme.set(body_background_fill="#f7f6f2", body_background_fill_dark="#0f1517")


def build_chat(dalil: Dalil, feedback: Feedback | None = None) -> gr.Blocks:
    """The chat page for one assistant; mount it with ``head_html`` and ``build_theme``.

    Args:
        dalil: Answers the questions; called from several threads at once.
        feedback: Keeps what people think of answers; without it they are not asked.
    """
    stops = Stops()
    answers = Answers()

    def ask(event: gr.EventData) -> Iterator[str]:
        asked = parse(Asked, event._data)
        if asked is None:
            return
        stopped = stops.begin(asked.id)
        try:
            for turn in take_turn(dalil, asked, stopped.is_set, answers):
                yield _json(kind="turn", **asdict(turn))
        finally:
            stops.end(asked.id)

    def stop(event: gr.EventData) -> None:
        told = parse(Stopped, event._data)
        if told is not None:
            stops.stop(told.id)

    def rate(event: gr.EventData) -> str:
        rated = parse(Rated, event._data)
        if rated is None or feedback is None:
            return _json(kind="rated", id="", kept=False)
        try:
            kept = answers.rate(rated, feedback)
        except DalilError:
            logger.exception("a verdict could not be kept")
            kept = False
        return _json(kind="rated", id=rated.id, verdict=rated.verdict, kept=kept)

    page: gr.Blocks
    with gr.Blocks(title=f"{ENGLISH.name} · {ARABIC.name}", fill_height=True, fill_width=True) as page:
        _html(bar(), "bar")
        with gr.Row(elem_id="main"):
            _html(drawer(), "drawer")
            with gr.Column(elem_id="talk", scale=3):
                _html(conversation(rated=feedback is not None), "conversation")
                _html(above_the_box(), "above-box")
                box = _question_box()
            _html(sources(), "sources")
        # Their values are read by the browser's half and never become HTML: the template is empty.
        verdict = _html("", "verdict", html_template="", js_on_load=_RECEIVE)
        reply = _html("", "reply", html_template="", js_on_load=_RECEIVE)
        wire = _html("", "wire", js_on_load=_CONNECT)

        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        # Nothing on the page waits for the server: the browser shows a question at once, and empties the box.
        box.submit(None, [box], [box], js="async (question) => (await window.dalil).submit(question)")
        begun = page.load(None, None, [box], js="async () => (await window.dalil).start()")
        # Only then has the box its words: what was typed earlier would be lost.
        begun.then(None, None, None, js="async () => (await window.dalil).begun()")
        wire.localise(None, None, [box], js="async () => (await window.dalil).box()")
        asking = wire.ask(ask, None, reply, trigger_mode="multiple", **hidden)
        asking.failure(None, None, None, js="async () => (await window.dalil).refused()")
        wire.stop(stop, None, None, trigger_mode="multiple", queue=False, **hidden)
        wire.rate(rate, None, verdict, trigger_mode="multiple", **hidden)
    page.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, max_size=QUESTIONS_WAITING)
    return page


def _json(**message: Any) -> str:
    return json.dumps(message, ensure_ascii=False)


def _html(value: str, name: str, **more: Any) -> gr.HTML:
    """Our own HTML without Gradio's styles."""
    return gr.HTML(value, elem_id=name, apply_default_css=False, **more)


def _question_box() -> gr.Textbox:
    return gr.Textbox(
        elem_id="question",
        label=ENGLISH.placeholder,
        placeholder=ENGLISH.placeholder,
        show_label=False,
        container=False,
        lines=1,
        max_lines=6,
        submit_btn=True,
        autofocus=True,
        interactive=True,  # an output would otherwise be read-only
        html_attributes=gr.InputHTMLAttributes(enterkeyhint="send"),
    )
