"""The chat: Gradio widgets around a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.ui.conversation import Dalil, Turn, pending_turn, take_turn
from assistant.ui.render import brand, messages, sources_panel, welcome
from assistant.ui.texts import ARABIC, ENGLISH, FONT_FAMILY, interface_language, texts_json

STATIC_DIR = Path(__file__).resolve().parent / "static"

QUESTIONS_AT_ONCE = 4
QUESTIONS_WAITING = 64

# Relative addresses: the page names its own base, so it also works below a proxy's path.
_HEAD = """
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="ui/app.css">
<script type="application/json" id="dalil-texts">{texts}</script>
<script src="ui/app.js"></script>
"""

Update = tuple[Any, ...]
"""New values for conversation, sources, turns and question box, in this order."""


def head_html() -> str:
    """What the page needs in its ``<head>`` before Gradio starts."""
    return _HEAD.format(texts=texts_json())


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


def build_chat(dalil: Dalil) -> gr.Blocks:
    """The chat page for one assistant; mount it with ``head_html`` and ``build_theme``.

    Args:
        dalil: Answers the questions; called from several threads at once.
    """

    def answer(question: str, turns: Sequence[Turn], language: str) -> Iterator[Update]:
        """Show the question at once, then what Dalil has to say to it."""
        question = question.strip()
        if not question:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        interface = interface_language(language)
        waiting = [*turns, pending_turn(question, interface)]
        yield messages(waiting), sources_panel(waiting), waiting, ""
        done = [*turns, take_turn(dalil, question, turns, interface)]
        # The box is left alone: the next question may already be in it.
        yield messages(done), sources_panel(done), done, gr.skip()

    def answer_example(turns: Sequence[Turn], language: str, event: gr.SelectData) -> Iterator[Update]:
        yield from answer(event.value["text"], turns, language)

    def start_over() -> Update:
        return [], sources_panel([]), [], ""

    page: gr.Blocks
    with gr.Blocks(title=f"{ENGLISH.name} · {ARABIC.name}", fill_height=True, fill_width=True) as page:
        turns = gr.State([])
        # The browser owns the interface language; a hidden box is the one way to tell the server.
        language = gr.Textbox("en", visible="hidden", elem_id="language")
        with gr.Row(elem_id="bar", equal_height=True):
            gr.HTML(brand(), elem_id="brand")
            new_chat = gr.Button(ENGLISH.new_chat, size="sm", elem_id="new-chat", scale=0)
            switch = gr.Button(ENGLISH.other_language, size="sm", elem_id="switch-language", scale=0)
            theme = gr.Button(ENGLISH.dark, size="sm", elem_id="switch-theme", scale=0)
        with gr.Row(elem_id="main"):
            with gr.Column(elem_id="talk", scale=3):
                conversation = _conversation()
                box = _question_box()
            with gr.Column(elem_id="sources", scale=2, min_width=280):
                sources = gr.HTML(sources_panel([]), elem_id="sources-panel")

        shown = [conversation, sources, turns, box]
        asking: dict[str, Any] = {
            "show_progress": "hidden",  # the pending turn shows it, in the reader's language
            "api_visibility": "private",
        }
        box.submit(answer, [box, turns, language], shown, **asking)
        conversation.example_select(answer_example, [turns, language], shown, **asking)
        new_chat.click(start_over, None, shown, queue=False, **asking)

        # Language and theme change in the browser alone, within one frame.
        localised = [language, new_chat, switch, theme, conversation, box]
        page.load(None, None, localised, js="() => dalil.start()")
        switch.click(None, None, localised, js="() => dalil.switchLanguage()")
        theme.click(None, None, [theme], js="() => dalil.switchTheme()")
    page.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, max_size=QUESTIONS_WAITING)
    return page


def _conversation() -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="conversation",
        label=ENGLISH.conversation,
        show_label=False,
        container=False,
        height="100%",
        layout="bubble",
        buttons=[],  # app.js has a copy button that copies text, where Gradio's copies HTML
        placeholder=welcome(),
        examples=[{"text": example} for example in ENGLISH.examples],
        render_markdown=False,
        latex_delimiters=[],
        group_consecutive_messages=False,
        feedback_options=None,
    )


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
