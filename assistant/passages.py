"""Documents and facts to passages and sentences with exact offsets. Pure functions."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from assistant.schema import Block, Fact, Passage, Sentence, Source
from assistant.text import analyse, detect_language, sentence_spans

MAX_TOKENS = 200
"""A longer section is split into as few passages as keep to this, about equal; a longer sentence is one by itself."""

MAX_SENTENCE_TOKENS = 300
"""Text without sentence ends (logs, tables, verse) is cut into pieces of at most this many, best at white space."""

CountTokens = Callable[[str], int]


def split_source(source: Source, count_tokens: CountTokens) -> list[Passage]:
    """Passages of a document in reading order; together they hold every sentence exactly once.

    A passage never spans two sections. Title and headings are its context, for the encoder to read;
    its text is ``document.text[start:end]``.
    """
    document = source.document
    passages = []
    for section in _sections(source, count_tokens):
        for group in _balanced(section.sentences, section.tokens):
            start, end = group[0].start, group[-1].end
            text = document.text[start:end]
            passages.append(
                Passage(
                    id="",
                    document_id=document.id,
                    title=document.title,
                    context=" > ".join(section.headings),
                    language=_language(text, document.language),
                    kind="document",
                    text=text,
                    start=start,
                    end=end,
                    sentences=tuple(group),
                )
            )
    return _with_ids(passages)


def fact_passages(fact: Fact, title: str) -> list[Passage]:
    """One passage for each statement of a fact; ``title`` is that of the document it cites first."""
    passages = []
    for language, statement in fact.statements.items():
        spans = sentence_spans(statement)
        passages.append(
            Passage(
                id="",
                document_id=fact.evidence[0].document_id,
                title=title,
                context="",
                language=language,
                kind="fact",
                text=statement,
                start=0,
                end=len(statement),
                sentences=tuple(Sentence(statement[a:b], a, b) for a, b in spans),
                fact_id=fact.id,
            )
        )
    return _with_ids(passages)


def encoder_parts(passage: Passage) -> list[str]:
    """What the encoder reads for a passage as a whole: its context, then each sentence with what follows it."""
    text, start = passage.text, passage.start
    ends = [sentence.start - start for sentence in passage.sentences[1:]] + [len(text)]
    begins = [0, *ends[:-1]]
    context = f"{passage.context}\n" if passage.context else ""
    return [context, *(text[begin:end] for begin, end in zip(begins, ends, strict=True))]


def encoder_texts(passage: Passage) -> list[str]:
    """What the encoder reads for a passage: the whole with its context, then each sentence by itself."""
    return ["".join(encoder_parts(passage)), *(sentence.text for sentence in passage.sentences)]


def passage_terms(passage: Passage) -> list[str]:
    """Terms that a passage is found by: those of its title, headings and text."""
    return analyse(f"{passage.context}\n{passage.text}")


def encoding_key(passage: Passage) -> str:
    """Identifies what the encoder reads for a passage, wherever the passage is."""
    return hashlib.sha256("\x00".join(encoder_texts(passage)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Section:
    headings: tuple[str, ...]
    sentences: list[Sentence]
    tokens: list[int]


def _sections(source: Source, count_tokens: CountTokens) -> Iterator[_Section]:
    """Sentences below each heading, with their token counts."""
    text, title = source.document.text, source.document.title
    top = (title,) if source.titled else ()
    path: dict[int, str] = {}
    section = _Section(top, [], [])
    for block in source.blocks:
        if block.kind == "heading":
            if section.sentences:
                yield section
            heading = text[block.start : block.end]
            path = {level: name for level, name in path.items() if level < block.level}
            path[block.level] = heading
            section = _Section((*top, *(name for _, name in sorted(path.items()) if name != title)), [], [])
        else:
            for sentence, tokens in _sentences(text, block, count_tokens):
                section.sentences.append(sentence)
                section.tokens.append(tokens)
    if section.sentences:
        yield section


def _sentences(text: str, block: Block, count_tokens: CountTokens) -> Iterator[tuple[Sentence, int]]:
    # A table row is quoted whole: its cells mean nothing apart.
    spans = [(block.start, block.end)] if block.kind == "row" else sentence_spans(text, block.start, block.end)
    for start, end in spans:
        for a, b, tokens in _pieces(text, start, end, count_tokens):
            yield Sentence(text[a:b], a, b, block.page), tokens


def _pieces(text: str, start: int, end: int, count_tokens: CountTokens) -> Iterator[tuple[int, int, int]]:
    """Offsets and tokens of a sentence, or of parts of it that keep to ``MAX_SENTENCE_TOKENS``.

    The parts are about equally long. Where tokens lie unevenly, a part with too many is cut again.
    """
    tokens = count_tokens(text[start:end])
    if tokens <= MAX_SENTENCE_TOKENS or end - start < 2:
        yield start, end, tokens
        return
    for left in range(math.ceil(tokens / MAX_SENTENCE_TOKENS), 0, -1):
        cut = _near_space(text, start, end, start + math.ceil((end - start) / left))
        a, b = _trimmed(text, start, cut)
        if a < b:
            yield from _pieces(text, a, b, count_tokens)
        start = cut


def _near_space(text: str, start: int, end: int, target: int) -> int:
    """Where to cut: at the last white space up to ``target``, else at the next one near, else at ``target`` itself."""
    if target >= end:
        return end
    near = chain(range(target, start, -1), range(target, min(end, 2 * target - start)))
    return next((place for place in near if text[place].isspace()), target)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _balanced(sentences: Sequence[Sentence], tokens: Sequence[int]) -> Iterator[list[Sentence]]:
    """As few groups of neighbouring sentences as hold ``MAX_TOKENS`` each, of about as many tokens each.

    Cutting a section of 210 tokens into 110 and 100 rather than 200 and 10 leaves no passage too short
    to mean anything.
    """
    # For each number of sentences: the fewest groups of them, the least sum of squares of their tokens,
    # which is least when they are equal, and where the last group begins.
    best = [(0, 0, 0)]
    for end in range(1, len(sentences) + 1):
        size, options = 0, []
        for begin in range(end - 1, -1, -1):
            size += tokens[begin]
            if size > MAX_TOKENS and begin < end - 1:
                break
            groups, squares, _ = best[begin]
            options.append((groups + 1, squares + size * size, begin))
        best.append(min(options, key=lambda option: option[:2]))
    cuts = [len(sentences)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][2])
    for end, begin in reversed(list(pairwise(cuts))):
        yield list(sentences[begin:end])


def _language(text: str, document_language: str) -> str:
    """Language of a passage: its document's unless it is in the other script."""
    script = detect_language(text)
    expected = {"ar": "ar", "en": "en", "other": "other"}.get(document_language)
    if script == "other" or expected == script or expected is None:
        return document_language
    return script


def _with_ids(passages: Iterable[Passage]) -> list[Passage]:
    """Ids from what a passage says and where: unchanged passages of a changed document keep theirs."""
    seen: Counter[str] = Counter()
    result = []
    for passage in passages:
        parts = (passage.document_id, passage.fact_id or "", passage.language, encoding_key(passage))
        digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:24]
        seen[digest] += 1
        result.append(replace(passage, id=digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"))
    return result
