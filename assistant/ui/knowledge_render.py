"""The knowledge page as HTML. Pure functions; every word that is not ours goes through ``html.escape``.

As in the chat, labels are written in both languages and the stylesheet shows one. Times are written by the
browser, in its own time zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import Literal

from assistant.readers import SUFFIXES
from assistant.schema import SyncReport
from assistant.text import detect_language
from assistant.ui.knowledge_texts import KNOWLEDGE_TEXTS, KnowledgeTexts, number
from assistant.ui.library import DocumentRow, FactRow, Page, Result, State
from assistant.ui.texts import LANGUAGES, TEXTS, Language, direction

MAX_PROBLEMS = 50
"""Failures and warnings shown of one sync."""

_LATIN_TAIL = re.compile(r"[0-9A-Za-z_.-]+(?:#[a-z0-9-]+)?$")

Kind = Literal["documents", "facts"]
Obstacle = Literal["user", "shipped", "read-only"]


def top_bar() -> str:
    """Name, ways to the other pages, and the switches."""
    brand = "".join(
        f'<span class="label" lang="{code}" dir="{direction(code)}">{escape(TEXTS[code].name)}</span>'
        for code in LANGUAGES
    )
    return (
        f'<div class="brand"><a href="../">{brand}</a><h1>{both(lambda t: t.title)}</h1></div>'
        f'<nav data-name="pages"><a href="../" class="pill">{both(lambda t: t.chat)}</a></nav>'
        '<button type="button" class="pill" id="switch-language" data-action="language"></button>'
        '<button type="button" class="pill" id="switch-theme" data-action="theme"></button>'
    )


def search_box() -> str:
    """The box that searches while one types."""
    return (
        '<form role="search" class="search"><input type="search" id="search" dir="auto" autocomplete="off"'
        ' spellcheck="false" enterkeyhint="search" maxlength="200" aria-controls="shelf"></form>'
    )


def shelf(page: Page, kind: Kind, may_edit: bool) -> str:
    """What the search found, with the choice between documents and facts."""
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{name}" data-action="tab" data-kind="{name}"'
        f' aria-selected="{"true" if name == kind else "false"}" aria-controls="rows"'
        f' tabindex="{0 if name == kind else -1}">{both(label)} <span class="count">{_number(count)}</span></button>'
        for name, label, count in (
            ("documents", lambda t: t.documents, page.document_count),
            ("facts", lambda t: t.facts, page.fact_count),
        )
    )
    if kind == "documents":
        rows = "".join(_document(row, may_edit) for row in page.documents)
        count = page.document_count
    else:
        rows = "".join(_fact(row) for row in page.facts)
        count = page.fact_count
    if rows:
        body = f'<ul class="rows">{rows}</ul>{_paging(page, count, len(page.documents or page.facts))}'
    elif page.searched:
        body = f'<p class="none">{both(lambda t: t.nothing_found)}</p>'
    else:
        body = f'<p class="none">{both(lambda t: t.no_documents if kind == "documents" else t.no_facts)}</p>'
    return (
        f'<div class="tabs" role="tablist">{tabs}</div>'
        f'<div id="rows" role="tabpanel" tabindex="-1" aria-labelledby="tab-{kind}" data-page="{page.number}">'
        f"{body}</div>"
    )


def state_panel(state: State, may_edit: bool, syncing: tuple[int, int] | None = None) -> str:
    """What is indexed, what came of the last sync, and the button for another one.

    Args:
        state: what is indexed.
        may_edit: whether there is the button.
        syncing: how far the sync is that goes on, as (done, total).
    """
    counts = (
        (lambda t: t.documents, state.documents),
        (lambda t: t.facts, state.facts),
        (lambda t: t.passages, state.passages),
    )
    cells = "".join(f"<div><dt>{both(label)}</dt><dd>{_number(value)}</dd></div>" for label, value in counts)
    model = f'<p class="soft">{both(lambda t: t.model)}: <bdi dir="ltr">{escape(state.model)}</bdi></p>'
    if syncing is not None:
        last = progress_bar(lambda t: t.syncing, syncing)
    elif state.last_sync is None:
        last = f'<p class="soft">{both(lambda t: t.never)}</p>'
    else:
        when, report = state.last_sync
        last = (
            f'<p class="soft">{both(lambda t: t.last_sync)}: <time datetime="{when.isoformat()}">'
            f"{when:%Y-%m-%d %H:%M} UTC</time></p>{_counts(report)}"
            + _problems(report.failed, lambda t: t.failures, "failed")
            + _problems(report.warnings, lambda t: t.warnings, "doubtful")
        )
    off = " disabled" if syncing is not None else ""
    button = f'<button type="button" class="wide" data-action="sync"{off}>{both(lambda t: t.sync)}</button>'
    return (
        f'<section class="panel"><h2>{both(lambda t: t.state)}</h2><dl class="counts">{cells}</dl>'
        f"{model}{last}{button if may_edit else ''}</section>"
    )


def adding_panel(obstacle: Obstacle | None, max_bytes: int) -> str:
    """Where files of up to so many bytes are added, or why none can be."""
    if obstacle is not None:
        return f'<section class="panel note" role="note"><p>{both(lambda t: t.obstacles[obstacle])}</p></section>'
    accepted = ",".join((*SUFFIXES, ".yaml", ".yml"))
    formats = " ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
    return (
        f'<section class="panel" id="drop"><h2>{both(lambda t: t.add)}</h2>'
        f'<div class="drop"><p>{both(lambda t: t.drop)}</p>'
        f'<label class="choose"><input type="file" id="files" multiple accept="{accepted}" data-max="{max_bytes}">'
        f"<span>{both(lambda t: t.choose)}</span></label>"
        f'<p class="soft small">{both(lambda t: t.formats)}: <bdi dir="ltr">{formats}</bdi></p></div></section>'
    )


def progress_bar(label: Callable[[KnowledgeTexts], str], step: tuple[int, int]) -> str:
    """How far something is, as (done, total); not known while ``total`` is 0."""
    done, total = step
    value = f' value="{min(done, total)}" max="{total}"' if total else ""
    words = "".join(f"{label(KNOWLEDGE_TEXTS[code])} " for code in LANGUAGES)
    name = escape(words.strip())
    return f'<div class="going"><p>{both(label)}</p><progress{value} aria-label="{name}"></progress></div>'


def results_list(results: Sequence[Result]) -> str:
    """What became of each upload."""
    rows = "".join(_result(result) for result in results)
    return f'<ul class="results">{rows}</ul>'


def notice(state: Literal["done", "wrong"], label: Callable[[KnowledgeTexts], str]) -> str:
    """One line about what has just been done."""
    return f'<p class="notice {state}">{both(label)}</p>'


def both(label: Callable[[KnowledgeTexts], str]) -> str:
    """A label in every interface language; the stylesheet shows one."""
    return _each(lambda code: label(KNOWLEDGE_TEXTS[code]))


def path(document_id: str) -> str:
    """A path from left to right, each of its names by its own letters, with a suffix that stays at its number."""
    return f'<bdi class="path" dir="ltr">{"/".join(map(_name, document_id.split("/")))}</bdi>'


def _name(name: str) -> str:
    tail = _LATIN_TAIL.search(name) if detect_language(name) == "ar" else None
    if tail is None:
        return f"<bdi>{escape(name)}</bdi>"
    return f'<bdi dir="rtl">{escape(name[: tail.start()])}<bdi dir="ltr">{escape(tail.group())}</bdi></bdi>'


def _each(label: Callable[[Language], str]) -> str:
    return "".join(
        f'<span class="label" lang="{code}" dir="{direction(code)}">{escape(label(code))}</span>' for code in LANGUAGES
    )


def _number(value: int) -> str:
    return _each(lambda code: number(value, code))


def _document(row: DocumentRow, may_edit: bool) -> str:
    document = row.document
    remove = (
        f'<button type="button" class="remove" data-action="remove" data-id="{escape(document.id)}"'
        f' data-title="{escape(document.title)}" data-cited="{escape(chr(10).join(row.cited_by))}"'
        f' aria-label="{escape(document.title)}"></button>'
        if may_edit
        else ""
    )
    origin = (
        "" if document.source in ("", document.id) else f'<p class="origin" dir="auto">{escape(document.source)}</p>'
    )
    cited = _labelled(lambda t: t.cited_by, len(row.cited_by)) if row.cited_by else ""
    date = f'<li><time datetime="{escape(document.date)}">{escape(document.date)}</time></li>' if document.date else ""
    return (
        f'<li class="item"><div class="text" lang="{escape(document.language)}" dir="{direction(document.language)}">'
        f'<h2 dir="auto">{escape(document.title)}</h2>{origin}'
        f'<p class="origin">{path(document.id)}</p></div>{remove}'
        f'<ul class="facts-of"><li class="badge">{_language(document.language)}</li>'
        f'<li class="badge" dir="ltr">{_format(document.id)}</li>{date}'
        f"{_labelled(lambda t: t.passages, document.passages)}"
        f"{_labelled(lambda t: t.characters, document.characters)}{cited}</ul></li>"
    )


def _fact(row: FactRow) -> str:
    fact = row.fact
    statements = "".join(
        f'<p class="statement" lang="{escape(code)}" dir="{direction(code)}">{escape(fact.statements[code])}</p>'
        for code in sorted(fact.statements)
    )
    evidence = []
    for one in fact.evidence:
        document = row.documents.get(one.document_id)
        language = document.language if document else detect_language(one.quote)
        title = document.title if document else one.document_id
        evidence.append(
            f'<figure lang="{escape(language)}" dir="{direction(language)}">'
            f"<blockquote>{escape(one.quote)}</blockquote>"
            f'<figcaption><span dir="auto">{escape(title)}</span> '
            f"{path(one.document_id)}</figcaption></figure>"
        )
    return (
        f'<li class="item fact"><div class="statements">{statements}</div>'
        f'<p class="about">{both(lambda t: t.evidence)}</p>{"".join(evidence)}'
        f'<ul class="facts-of"><li>{both(lambda t: t.as_of)}: <time datetime="{escape(fact.as_of)}">'
        f"{escape(fact.as_of)}</time></li><li>{path(f'{row.file}#{fact.id}')}</li></ul></li>"
    )


def _paging(page: Page, total: int, shown: int) -> str:
    if shown == total:
        return ""
    last = page.first + shown - 1
    words = _each(
        lambda code: KNOWLEDGE_TEXTS[code].range.format(
            first=number(page.first, code), last=number(last, code), total=number(total, code)
        )
    )
    return (
        f'<div class="paging"><button type="button" class="pill" data-action="page" data-number="{page.number - 1}"'
        f"{' disabled' if page.number == 0 else ''}>{both(lambda t: t.previous)}</button>"
        f'<span aria-live="polite">{words}</span>'
        f'<button type="button" class="pill" data-action="page" data-number="{page.number + 1}"'
        f"{' disabled' if last == total else ''}>{both(lambda t: t.next)}</button></div>"
    )


def _counts(report: SyncReport) -> str:
    """What a sync did, in as many numbers as are not zero."""
    counts = (
        (lambda t: t.added, len(report.added)),
        (lambda t: t.updated, len(report.updated)),
        (lambda t: t.removed, len(report.removed)),
        (lambda t: t.unchanged, len(report.unchanged)),
        (lambda t: t.failed, len(report.failed)),
    )
    return f'<ul class="facts-of">{"".join(_labelled(label, value) for label, value in counts if value)}</ul>'


def _problems(found: Mapping[str, str], label: Callable[[KnowledgeTexts], str], kind: str) -> str:
    if not found:
        return ""
    rows = "".join(
        f'<li><span class="place">{path(place)}</span> <span lang="en" dir="ltr">{escape(reason)}</span></li>'
        for place, reason in list(found.items())[:MAX_PROBLEMS]
    )
    more = f"<li>+ {_number(len(found) - MAX_PROBLEMS)}</li>" if len(found) > MAX_PROBLEMS else ""
    return f'<div class="problems {kind}"><h3>{both(label)}</h3><ul>{rows}{more}</ul></div>'


def _result(result: Result) -> str:
    outcome = result.outcome
    good = outcome in ("added", "replaced", "present")
    name = PurePosixPath(result.document_id).name if result.document_id else result.upload.name[-120:]
    passages = f" · {both(lambda t: t.passages)}: {_number(result.passages)}" if good else ""
    reason = f' <span class="reason" lang="en" dir="ltr">{escape(result.reason)}</span>' if result.reason else ""
    again = (
        f'<button type="button" class="pill" data-action="replace" data-path="{escape(str(result.upload.path))}"'
        f' data-name="{escape(result.upload.name)}">{both(lambda t: t.replace)}</button>'
        if outcome == "exists"
        else ""
    )
    return (
        f'<li class="result {"good" if good else "bad"}" data-outcome="{outcome}">'
        f'<span class="place">{path(name)}</span>'
        f"<p>{both(lambda t: t.outcomes[outcome])}{passages}{reason}</p>{again}</li>"
    )


def _labelled(label: Callable[[KnowledgeTexts], str], value: int) -> str:
    return f"<li>{both(label)} <b>{_number(value)}</b></li>"


def _language(code: str) -> str:
    return _each(lambda shown: TEXTS[shown].languages.get(code, code))


def _format(document_id: str) -> str:
    return escape(PurePosixPath(document_id).suffix.removeprefix(".").upper())
