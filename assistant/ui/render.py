"""The frame of the chat as HTML; what is said is drawn inside it by the browser. Pure functions.

Labels are written in both languages, side by side, and the stylesheet shows the one of ``<html lang>``:
switching the language then needs no server and never touches what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from assistant.ui.texts import LANGUAGES, TEXTS, Texts, direction


def bar() -> str:
    """The top of the page: the way to the question box, name and tagline, and what acts on the whole page."""
    return (
        f'<a class="skip" href="#question" data-action="skip">{both(lambda t: t.skip)}</a>'
        '<header class="bar">'
        f"{_button('drawer', lambda t: t.conversations, icon=True, controls='drawer')}"
        f'<div class="brand"><h1>{both(lambda t: t.name)}</h1><p>{both(lambda t: t.tagline)}</p></div>'
        f"{_knowledge_link()}"
        f"{_button('new-chat', lambda t: t.new_chat)}"
        f"{_button('language', lambda t: t.other_language)}"
        f"{_button('theme', lambda t: t.dark, icon=True)}"
        "</header>"
    )


def drawer() -> str:
    """The list of conversations, filled by the browser."""
    return (
        '<div class="shade" data-action="close-drawer"></div>'
        '<nav class="drawer"><div class="panel-head">'
        f"<h2>{both(lambda t: t.conversations)}</h2>"
        f"{_button('close-drawer', lambda t: t.cancel, icon=True)}</div>"
        f'<div class="panel-body">{_button("new-chat", lambda t: t.new_chat)}<ul class="conversations"></ul>'
        f'<p class="empty">{both(lambda t: t.no_conversations)}</p>'
        f'<p class="not-kept" hidden>{both(lambda t: t.not_kept)}</p></div>'
        f'<div class="panel-foot">{_knowledge_link()}'
        '<form class="user" method="post" action="logout" hidden><bdi class="name"></bdi>'
        f'<button type="submit" class="pill">{both(lambda t: t.log_out)}</button></form></div></nav>'
    )


def conversation(*, rated: bool) -> str:
    """Where the turns of the open conversation go, with what an empty one shows.

    Args:
        rated: Whether answers can be rated.
    """
    return (
        f'<section class="log" tabindex="0" data-rated="{"yes" if rated else "no"}">'
        f'<div class="welcome"><h2>{both(lambda t: t.welcome)}</h2><p>{both(lambda t: t.promise)}</p>'
        '<ul class="examples"></ul></div>'
        '<div class="turns"></div></section>'
        '<div class="said-aloud heard" role="status"></div>'
    )


def above_the_box() -> str:
    """What stands between the conversation and the question box, now and then."""
    return (
        f'<div class="editing" hidden><span>{both(lambda t: t.editing)}</span>'
        f"{_button('cancel-edit', lambda t: t.cancel)}</div>"
        f"{_button('stop', lambda t: t.stop, icon=True)}"
    )


def sources() -> str:
    """The panel beside the conversation, filled by the browser."""
    return (
        '<aside class="sources"><div class="panel-head"><h2></h2>'
        f"{_button('close-sources', lambda t: t.close, icon=True)}</div>"
        '<div class="panel-body"></div></aside>'
    )


def _knowledge_link() -> str:
    return f'<a class="pill knowledge" href="knowledge/">{both(lambda t: t.knowledge)}</a>'


def both(label: Callable[[Texts], str]) -> str:
    """A label in every interface language; the stylesheet shows one."""
    return "".join(
        f'<span class="label" lang="{language}" dir="{direction(language)}">{escape(label(TEXTS[language]))}</span>'
        for language in LANGUAGES
    )


def _button(action: str, label: Callable[[Texts], str], *, icon: bool = False, controls: str = "") -> str:
    """A button whose words are shown, or, with an icon in their place, only heard."""
    kind = "icon" if icon else "pill"
    more = f' aria-controls="{controls}"' if controls else ""
    words = both(label)
    if icon:
        words = f'<span class="heard">{words}</span>'
    return f'<button type="button" class="{kind} {action}" data-action="{action}"{more}>{words}</button>'
