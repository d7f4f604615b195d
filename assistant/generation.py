"""A language model writes the answer from numbered sentences, and every sentence that it writes is checked.

``Writer.write`` reads from top to bottom: evidence is chosen and neutralised, the model is asked, what it writes is cut
into sentences while it comes, and a sentence is said if it cites what was given, is supported by it, is in the
question's language and holds no link or sign that its sources lack. Whatever goes wrong, the reader gets the
extractive answer with a note.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from assistant.answering import ANSWER_LANGUAGES, Cited, pieces, without_marks
from assistant.guards import addresses, adds, neutral, visible
from assistant.llm import ModelFailedError, prompt, read
from assistant.schema import Answer, AnswerPiece, Citation
from assistant.text import (
    analyse,
    content_words,
    detect_language,
    detect_question_language,
    fold_digits,
    normalise,
    numbers,
    sentence_spans,
    stem,
    words,
)

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.followups import History

logger = logging.getLogger(__name__)

MAX_SAID = 6
"""Sentences of a written answer; what the model writes after them is not read."""

_OUTPUT_TOKENS = 512
"""Left for what the model writes: six sentences in either language."""
_MAX_WRITTEN = 6_000
"""Characters that are read of it at most, thoughts not counted."""
_MAX_REPEATED = 2
"""A model that says the same more often has nothing to add, and small ones never end by themselves."""
_TEMPLATE_TOKENS = 500
"""Of the instructions, in the language that takes more."""
_CHARACTERS_PER_TOKEN: Mapping[str, float] = {"ar": 1.5, "en": 3.0}
"""Fewer than tokenizers of today need, so that the evidence fits."""
_TURNS = 3
_TURN_CHARACTERS = 400
"""How much of a conversation a question is rewritten from."""
_REWRITE_SHARE = 0.25
"""Of the time for an answer."""
_MAX_REWRITTEN = 300
_UNMARKED = 2
"""Pieces of evidence that a sentence without a mark is compared with."""

_NOTES = {
    "ar": {
        "left_out": "كُتبت الإجابة بنموذج لغوي، وحُذف منها ما لم تؤيّده المصادر ({count}).",
        "quoted": "كُتبت الإجابة بنموذج لغوي، ووُضع اقتباس من المصدر مكان ما لم تؤيّده المصادر ({count}).",
        "unreachable": "تعذّر الوصول إلى النموذج اللغوي، فهذه جمل المصادر نفسها.",
        "slow": "لم يجب النموذج اللغوي في الوقت المحدد، فهذه جمل المصادر نفسها.",
        "limited": "النموذج اللغوي مشغول الآن، فهذه جمل المصادر نفسها.",
        "refused": "رفض خادم النموذج اللغوي الطلب، فهذه جمل المصادر نفسها.",
        "cut": "توقف النموذج اللغوي في منتصف الإجابة، فهذه جمل المصادر نفسها.",
        "empty": "لم يكتب النموذج اللغوي شيئًا، فهذه جمل المصادر نفسها.",
        "none": "لم يجد النموذج اللغوي الجواب في هذه المصادر، فاقرأها بحذر.",
        "nothing": "لم تؤيّد المصادر شيئًا مما كتبه النموذج اللغوي، فهذه جمل المصادر نفسها.",
    },
    "en": {
        "left_out": "Written by a language model; what the sources do not support was left out ({count}).",
        "quoted": "Written by a language model; what the sources do not support gave way to a quote ({count}).",
        "unreachable": "The language model could not be reached: these are the sources' own sentences.",
        "slow": "The language model did not answer in time: these are the sources' own sentences.",
        "limited": "The language model is busy: these are the sources' own sentences.",
        "refused": "The language model's server refused the request: these are the sources' own sentences.",
        "cut": "The language model stopped in the middle: these are the sources' own sentences.",
        "empty": "The language model wrote nothing: these are the sources' own sentences.",
        "none": "The language model did not find the answer in these sources: read them with care.",
        "nothing": "The sources support nothing that the language model wrote: these are their own sentences.",
    },
}


class Verdict(Protocol):
    """What a checker says of a sentence."""

    @property
    def supported(self) -> bool:
        """Whether the evidence says it."""
        ...


class Checker(Protocol):
    """Tells whether evidence supports a sentence, in whatever languages they are."""

    def check(self, sentence: str, evidence: Sequence[str], question: str = "") -> Verdict:
        """What can be said of ``sentence``, given all of the ``evidence`` that it cites."""
        ...


class Writer:
    """Writes answers and rewrites questions with a language model. Safe to use from several threads."""

    def __init__(self, llm: LLM, checker: Checker, timeout: float) -> None:
        """Hold a model.

        Args:
            llm: any LlamaIndex language model.
            checker: says which sentences are supported.
            timeout: seconds for a whole answer, retries included.
        """
        self._llm = llm
        self._checker = checker
        self._timeout = timeout

    def deadline(self) -> float:
        """When an answer that is asked for now must be there, by ``time.monotonic``."""
        return time.monotonic() + self._timeout

    def write(
        self, extractive: Answer, evidence: Sequence[Cited], asked: str, deadline: float
    ) -> Iterator[AnswerPiece | Answer]:
        """A written answer piece by piece, then as a whole; the extractive one where the model is of no use.

        Args:
            extractive: what is said without a model.
            evidence: what may be cited, the most probable first.
            asked: the question as it stands alone.
            deadline: of ``deadline``.
        """
        language = extractive.language
        chosen = fitting(evidence, _room(self._llm) - _tokens(asked, language))
        messages = prompt("answer", language, evidence=numbered(chosen), question=neutral(asked))
        draft = _Draft(self._checker, asked, language, chosen, {_place(c) for c in extractive.citations})
        shown = False
        problem = None
        try:
            for unit in units(read(self._llm, messages, deadline)):
                if unit is None:  # the model was thinking aloud
                    draft = draft.anew()
                    continue
                piece = draft.take(*unit)
                if piece is not None:
                    # A draft's first piece takes the place of what is on the screen.
                    yield replace(piece, restart=shown and len(draft.said) == 1)
                    shown = True
                if draft.is_done:
                    break
        except ModelFailedError as failure:
            problem = failure.kind
            logger.warning("no answer of the language model: %s", _reason(failure))
        if problem is None and draft.said:
            yield draft.answer(extractive)
            return
        problem = problem or ("none" if draft.declined else "nothing" if draft.refused else "empty")
        for piece in pieces(extractive):
            yield replace(piece, restart=shown)
            shown = False
        yield replace(extractive, note=_NOTES[language][problem])

    def standalone(self, question: str, history: History) -> str | None:
        """The question as it would be asked without the conversation; None where the model is of no use.

        What comes back is believed only if it is one short line in the same language that keeps what the question
        says and adds nothing that the conversation has not.
        """
        language = detect_question_language(question)
        if language not in ANSWER_LANGUAGES:
            return None
        conversation = "\n".join(
            f"- {neutral(asked)[:_TURN_CHARACTERS]}\n  {neutral(told)[:_TURN_CHARACTERS]}"
            for asked, told in history[-_TURNS:]
        )
        messages = prompt("rewrite", language, conversation=conversation, question=neutral(question))
        deadline = time.monotonic() + self._timeout * _REWRITE_SHARE
        written = ""
        try:
            for part in _aloud(read(self._llm, messages, deadline)):
                written = "" if part is None else written + part
                if len(written) > 2 * _MAX_REWRITTEN:
                    return None
        except ModelFailedError as failure:
            logger.warning("a follow-up is not rewritten by the language model: %s", _reason(failure))
            return None
        lines = [line.strip(" \t\"'«»“”") for line in written.splitlines() if line.strip()]
        return lines[0] if len(lines) == 1 and _is_rewritten(lines[0], question, history, language) else None


def _reason(failure: ModelFailedError) -> str:
    """What went wrong, in one line for whoever keeps the server."""
    cause = failure.__cause__
    return " ".join(f"{failure.kind} ({type(cause).__name__}: {cause})".split()) if cause else failure.kind


# --- evidence ----------------------------------------------------------------------------------------


def fitting(evidence: Sequence[Cited], room: int) -> list[Cited]:
    """The most probable sentences that fit into ``room`` tokens, whole, in the order of their documents.

    At least one is given: a model with so little room will say so.
    """
    kept: list[int] = []
    for position, item in enumerate(evidence):
        cost = _tokens(item.text, detect_language(item.text)) + _tokens(item.title, "ar") + 8
        if kept and cost > room:
            continue
        kept.append(position)
        room -= cost
    # Sentences of a document stand together and in its order, the document of the best one first.
    first: dict[str, int] = {}
    for position in kept:
        first.setdefault(evidence[position].citation.document_id, position)
    kept.sort(key=lambda position: (first[evidence[position].citation.document_id], evidence[position].start))
    return [evidence[position] for position in kept]


def numbered(evidence: Sequence[Cited]) -> str:
    """Evidence as the model reads it: a title line for each document, then its sentences with their numbers."""
    lines = []
    title = None
    for number, item in enumerate(evidence, 1):
        if item.title != title:
            title = item.title
            lines.append(f"# {neutral(title)}")
        lines.append(f"[{number}] {neutral(item.text)}")
    return "\n".join(lines)


def _room(llm: LLM) -> int:
    """Tokens for evidence."""
    return int(llm.metadata.context_window) - _OUTPUT_TOKENS - _TEMPLATE_TOKENS


def _tokens(text: str, language: str) -> int:
    return int(len(text) / _CHARACTERS_PER_TOKEN.get(language, 1.0)) + 1


# --- what the model writes ---------------------------------------------------------------------------

_NUMBER = r"\d{1,3}"
_MARKS = rf"\[\s*{_NUMBER}(?:\s*[,،;]\s*{_NUMBER})*\s*\]"
_ROW = rf"(?:[^\S\n]*{_MARKS})+"
# Marks end a unit once it is clear that no further mark and no full stop follows them.
_UNIT = re.compile(
    rf"(?P<text>.*?)(?P<marks>{_ROW})(?P<end>[^\S\n]*[.!?؟。]*)(?=[^\S\n]*(?:\n|[^\s\[.!?؟。])|\s*\Z)", re.DOTALL
)
# A line with its marks in front, as the evidence has them.
_FRONT = re.compile(rf"\s*(?:[-*•]\s+|\d{{1,2}}[.)]\s+)?(?={_MARKS})")
_ENDS_MARKED = re.compile(rf"{_MARKS}[\s.!?؟。]*\Z")
_MARKED_PART = re.compile(rf"(?P<marks>{_ROW})[^\S\n]*[:.)-]?(?P<text>(?:(?!{_MARKS})[^\n])*)")
_TAG = re.compile(r"<(?P<closes>/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_HALF_TAG = re.compile(r"<[/a-z]{0,10}\Z|\Z", re.IGNORECASE)
_DECORATION = re.compile(
    r"^\s*(?:[-*•–—#>]+\s+|\d{1,2}[.)]\s+|(?:\*\*|__)?(?:answer|الجواب|الإجابة|الاجابة)(?:\*\*|__)?\s*:\s*)+|\*+|__",
    re.IGNORECASE,
)

Unit = tuple[str, tuple[int, ...]]
"""A sentence of the model and the numbers that it cites."""


def units(written: Iterable[str]) -> Iterator[Unit | None]:
    """Sentences with the numbers that they cite, as soon as each is complete.

    Sentences that share the marks behind the last of them are given one by one with all of these; where a line has its
    marks in front, they belong to what follows them. A sentence without marks has none. None stands for: what was
    given so far was a thought.

    Raises:
        ModelFailedError: the model writes without end.
    """
    rest = ""
    length = 0
    for part in _aloud(written):
        if part is None:
            rest, length = "", 0
            yield None
            continue
        length += len(part)
        rest += fold_marks(part)
        while (found := _complete(rest, ended=False)) is not None:
            yield from found[0]
            rest = rest[found[1] :]
        if length > _MAX_WRITTEN:
            raise ModelFailedError("cut")
    while (found := _complete(rest, ended=True)) is not None:
        yield from found[0]
        rest = rest[found[1] :]
    for start, end in sentence_spans(rest):
        yield rest[start:end], ()


def _complete(text: str, ended: bool) -> tuple[list[Unit], int] | None:
    """The sentences that ``text`` begins with and where they end; None where that is not known yet."""
    front = _FRONT.match(text)
    if front is not None:
        end = text.find("\n", front.end())
        if end < 0 and not ended:
            return None
        end = len(text) if end < 0 else end
        line = text[front.end() : end]
        if not _ENDS_MARKED.search(line):
            return [unit for match in _MARKED_PART.finditer(line) for unit in _sentences_of(match["text"], match)], end
    found = _UNIT.match(text)
    if found is None or (not ended and found.end() >= len(text.rstrip())):
        return None
    return list(_sentences_of(found["text"].strip() + found["end"].strip(), found)), found.end()


def _aloud(written: Iterable[str]) -> Iterator[str | None]:
    """What a model says, without what a reasoning one thinks; None where all that was given so far was a thought.

    Some begin to think without saying so, and only say that they end.
    """
    held = ""
    thinking = False
    for part in written:
        held += part
        while tag := _TAG.search(held):
            if tag["closes"] and not thinking:
                yield None
            elif not thinking and tag.start():
                yield held[: tag.start()]
            thinking = not tag["closes"]
            held = held[tag.end() :]
        half = _HALF_TAG.search(held)
        cut = half.start() if half else len(held)
        if cut and not thinking:
            yield held[:cut]
        held = held[cut:]
    if held and not thinking:
        yield held


def fold_marks(text: str) -> str:
    """Text in which citation marks have one form: [١] and 【1】 are [1]."""
    text = text.replace("【", "[").replace("】", "]")
    return re.sub(r"[٠-٩۰-۹]+(?=[\s,،;٠-٩۰-۹]*\])", lambda match: fold_digits(match.group()), text)


def _sentences_of(text: str, match: re.Match[str]) -> Iterator[Unit]:
    cited = tuple(dict.fromkeys(int(number) for number in re.findall(_NUMBER, match["marks"])))
    for start, end in sentence_spans(text):
        yield text[start:end], cited


@dataclass
class _Draft:
    """What has been said so far, and what was not."""

    checker: Checker
    question: str
    language: str
    evidence: Sequence[Cited]
    quotable: set[tuple[str, int, int]]
    """Places that the extractive answer cites: these may stand in for a sentence that is not supported."""
    said: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    refused: int = 0
    quoted: int = 0
    repeated: int = 0
    declined: bool = False
    """The model said that the evidence holds no answer."""
    _seen: set[str] = field(default_factory=set)

    @cached_property
    def topic(self) -> str:
        """Words of the question that the documents have as well: a sentence may name what it speaks of."""
        held = {term for item in self.evidence for part in (item.text, item.title) for term in analyse(part)}
        return " ".join(word for word in words(self.question) if stem(word) in held)

    def anew(self) -> _Draft:
        """A draft of the same answer, with nothing in it."""
        return _Draft(self.checker, self.question, self.language, self.evidence, self.quotable)

    @property
    def is_done(self) -> bool:
        """Whether the model need not go on."""
        return len(self.said) >= MAX_SAID or self.repeated > _MAX_REPEATED

    def take(self, sentence: str, marks: Sequence[int]) -> AnswerPiece | None:
        """The piece that a sentence of the model becomes; None where it is not said."""
        text = visible(_DECORATION.sub("", sentence))
        if text.strip(" .").upper() == "NONE":
            self.declined = True
            return None
        if not any(letter.isalnum() for letter in text):
            return None
        if text in self._seen:
            self.repeated += 1
            return None
        self._seen.add(text)
        cited = [self.evidence[number - 1] for number in marks if 1 <= number <= len(self.evidence)]
        if not marks:
            cited = self._nearest(text)
        if cited and self._holds(text, cited):
            return self._say(text, cited)
        self.refused += 1
        instead = next((item for item in cited if _place(item.citation) in self.quotable and marks), None)
        if instead is None or instead.text in self._seen:
            return None
        self._seen.add(instead.text)
        self.quoted += 1
        quote = without_marks(instead.text)
        return self._say(f"«{quote}»" if self.language == "ar" else f"“{quote}”", [instead])

    def answer(self, extractive: Answer) -> Answer:
        """Everything that was said, as an answer."""
        texts = _NOTES[self.language]
        note = None
        if self.quoted:
            note = texts["quoted"].format(count=self.quoted)
        elif self.refused:
            note = texts["left_out"].format(count=self.refused)
        return replace(
            extractive, text="".join(self.said), mode="generated", citations=tuple(self.citations), note=note
        )

    def _nearest(self, text: str) -> list[Cited]:
        """Of evidence, what shares most terms with a sentence that cites nothing, if it supports the sentence."""
        terms = set(analyse(text))
        shared = [(len(terms & set(analyse(item.text))), -place, item) for place, item in enumerate(self.evidence)]
        likely = [item for count, _, item in sorted(shared, key=lambda entry: entry[:2], reverse=True) if count]
        return next(([item] for item in likely[:_UNMARKED] if self._holds(text, [item])), [])

    def _holds(self, text: str, cited: Sequence[Cited]) -> bool:
        """Whether a sentence may be said of what it cites."""
        if detect_language(text) != self.language and any(letter.isalpha() for letter in text):
            return False
        if re.search(_MARKS, text):
            return False
        sources = list(dict.fromkeys(part for item in cited for part in (item.text, item.citation.quote)))
        context = " ".join([self.topic, *(item.title for item in cited)])
        if adds(text, sources, context, self.language):
            return False
        return self.checker.check(text, sources, self.question).supported

    def _say(self, text: str, cited: Sequence[Cited]) -> AnswerPiece:
        fresh: list[Citation] = []
        marks = []
        for item in cited:
            known = next((c for c in self.citations if _whole_place(c) == _whole_place(item.citation)), None)
            if known is None:
                known = replace(item.citation, number=len(self.citations) + 1)
                self.citations.append(known)
                fresh.append(known)
            marks.append(f"[{known.number}]")
        piece = (" " if self.said else "") + f"{text} {''.join(dict.fromkeys(marks))}"
        self.said.append(piece)
        return AnswerPiece(piece, tuple(fresh))


def _place(citation: Citation) -> tuple[str, int, int]:
    return citation.document_id, citation.start, citation.end


def _whole_place(citation: Citation) -> tuple[str, int, int, str | None]:
    return (*_place(citation), citation.fact_id)


def _is_rewritten(text: str, question: str, history: History, language: str) -> bool:
    """Whether a line can be the question made complete: nothing lost, nothing made up."""
    if not text or len(text) > _MAX_REWRITTEN or detect_language(text) != language or addresses(text):
        return False
    if neutral(text) != visible(text):  # it holds what looks like a tag, a mark or markup
        return False
    turns = [said for turn in history[-_TURNS:] for said in turn]
    told = frozenset[str]().union(*map(numbers, turns))
    if not numbers(question) <= numbers(text) <= numbers(question) | told:
        return False
    asked = _content(question)
    terms = _content(text)
    made_up = terms - asked - {term for said in turns for term in analyse(said)}
    # One word may have another form; most of the question's words are in it still.
    return bool(terms) and len(made_up) <= 1 and 2 * len(asked & terms) >= len(asked)


def _content(text: str) -> set[str]:
    """Terms of the words that say something."""
    plain = normalise(text)
    return {term for start, end in content_words(plain) for term in analyse(plain[start:end])}
