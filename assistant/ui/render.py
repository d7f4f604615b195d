"""Turns as HTML. Pure functions; every word that is not ours goes through ``html.escape``.

Labels are written in both languages, side by side, and the stylesheet shows the one of ``<html lang>``:
switching the language then needs no server and never touches what was said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Literal

from assistant.ui.conversation import CitedSource, Turn
from assistant.ui.texts import LANGUAGES, TEXTS, Texts, direction

HIGH_CONFIDENCE = 0.85
MEDIUM_CONFIDENCE = 0.65

Message = dict[str, str]
"""What Gradio's Chatbot takes: ``role`` and ``content``."""


def messages(turns: Sequence[Turn]) -> list[Message]:
    """The conversation for the Chatbot: a question and a reply per turn, always in this order."""
    said: list[Message] = []
    for turn in turns:
        said.append({"role": "user", "content": literal(turn.question)})
        said.append({"role": "assistant", "content": literal(turn.reply)})
    return said


def literal(text: str) -> str:
    """Text that the Chatbot shows character by character.

    The Chatbot's Markdown is off, yet it still reads its messages as HTML: images named there would be
    fetched. Quotes stay as they are, because attributes cannot occur in escaped text.
    """
    return escape(text, quote=False)


def sources_panel(turns: Sequence[Turn]) -> str:
    """The panel beside the conversation, with one section per turn.

    The sections also tell the browser what it needs for drawing the replies (``data-…``), as the Chatbot
    has no place for it.
    """
    sections = "".join(_section(number, turn) for number, turn in enumerate(turns))
    return (
        f'<div class="panel-head"><h2>{_both(lambda t: t.sources)}</h2>'
        '<button type="button" class="close" data-action="close-sources"></button></div>'
        f'<div class="panel-body">{sections}</div>'
    )


def welcome() -> str:
    """What an empty conversation shows above the examples."""
    return f'<div class="welcome"><h2>{_both(lambda t: t.welcome)}</h2><p>{_both(lambda t: t.promise)}</p></div>'


def brand() -> str:
    """Name and tagline for the top of the page."""
    return f"<h1>{_both(lambda t: t.name)}</h1><p>{_both(lambda t: t.tagline)}</p>"


def confidence_level(confidence: float) -> Literal["high", "medium", "low"]:
    """A probability in a word that has a text in both languages."""
    if confidence >= HIGH_CONFIDENCE:
        return "high"
    return "medium" if confidence >= MEDIUM_CONFIDENCE else "low"


def source_card(turn: int, source: CitedSource) -> str:
    """One citation: where it comes from, and the quote marked inside its surroundings."""
    citation = source.citation
    way, language = direction(citation.language), escape(citation.language)
    language_name = _both(lambda t: t.languages.get(citation.language, citation.language))
    return (
        f'<article class="card" id="source-{turn}-{citation.number}" tabindex="-1" dir="{way}">'
        f'<header><span class="number">{citation.number}</span>'
        f'<div><h3 lang="{language}" dir="auto">{escape(citation.title)}</h3>'
        f"{_origin(source)}</div></header>"
        f'<p class="passage" lang="{language}">'
        f"{escape(source.before)}<mark>{escape(citation.quote)}</mark>{escape(source.after)}</p>"
        f'<footer><span class="badge">{language_name}</span>{_fact_badge(source)}</footer></article>'
    )


def _section(number: int, turn: Turn) -> str:
    cards = "".join(source_card(number, source) for source in turn.sources)
    empty = "" if cards else f'<p class="none">{_both(lambda t: t.no_sources)}</p>'
    return (
        f'<section class="turn" id="turn-{number}" data-state="{turn.state}"'
        f' data-language="{escape(turn.language)}" data-confidence="{confidence_level(turn.confidence)}">'
        f'<p class="about" dir="auto">{escape(turn.question)}</p>{cards}{empty}</section>'
    )


def _origin(source: CitedSource) -> str:
    """Lines for the origin and for file and page; a file that is its own origin is named once."""
    citation = source.citation
    place = f"<bdi>{escape(citation.document_id)}</bdi>"
    if citation.page is not None:
        place += f"<span> · </span>{_both(lambda t: f'{t.page} {citation.page}')}"
    lines = [place]
    if source.origin not in ("", citation.document_id):
        lines.insert(0, f"<bdi>{escape(source.origin)}</bdi>")
    return "".join(f'<p class="origin">{line}</p>' for line in lines)


def _fact_badge(source: CitedSource) -> str:
    if source.citation.kind != "fact":
        return ""
    return f'<span class="badge fact">{_both(lambda t: t.fact)}</span>'


def _both(label: Callable[[Texts], str]) -> str:
    """A label in every interface language; the stylesheet shows one."""
    return "".join(
        f'<span class="label" lang="{language}" dir="{direction(language)}">{escape(label(TEXTS[language]))}</span>'
        for language in LANGUAGES
    )
