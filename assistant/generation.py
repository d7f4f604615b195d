"""A language model writes the answer from numbered sentences, and every sentence that it writes is checked.

``Writer.write`` reads from top to bottom: evidence is chosen and neutralised, the model is asked, what it writes is cut
into sentences while it comes, and a sentence is said if it cites what was given, is supported by it, is in the
question's language and holds no link or markup that its sources lack. Whatever goes wrong, the reader gets the
extractive answer with a note. The only module that talks to a language model.
"""

from __future__ import annotations

import gc
import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any, Protocol

from assistant.answering import ANSWER_LANGUAGES, Cited, pieces, without_marks
from assistant.errors import SettingsError
from assistant.schema import Answer, AnswerPiece, Citation
from assistant.text import (
    analyse,
    detect_language,
    detect_question_language,
    fold_digits,
    numbers,
    sentence_spans,
    strip_format,
)

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.followups import History
    from assistant.settings import Settings

MAX_SAID = 6
"""Sentences of a written answer; what the model writes after them is not read."""

_MAX_OUTPUT = 512
"""Tokens that the model may write: six sentences in either language."""
_MAX_WRITTEN = 6_000
"""Characters that are read of it at most."""
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
_RETRIES = 2

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


class ModelFailedError(Exception):
    """The model gave no whole answer; ``kind`` is the key of the note that says so."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


# --- the model ---------------------------------------------------------------------------------------


def open_model(settings: Settings) -> LLM | None:
    """The language model of the settings, any server that speaks OpenAI's protocol; None where none is set.

    Raises:
        SettingsError: only one of address and model is set.
    """
    if settings.llm_base_url is None and settings.llm_model is None:
        return None
    if settings.llm_base_url is None or settings.llm_model is None:
        missing = "llm_base_url" if settings.llm_base_url is None else "llm_model"
        raise SettingsError(
            f"setting '{missing}' is missing: a language model needs both; 'dalil doctor' finds servers"
        )
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(
        model=settings.llm_model,
        api_base=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none",
        is_chat_model=True,
        context_window=settings.llm_context,
        max_tokens=_MAX_OUTPUT,
        temperature=0.0,
        timeout=settings.llm_timeout,
        max_retries=_RETRIES,
    )


def written(llm: LLM, text: str) -> Iterator[str]:
    """What a model writes to one message, without LlamaIndex's own long retries."""
    from llama_index.core.llms import ChatMessage

    for response in llm.stream_chat([ChatMessage(role="user", content=text)]):
        yield response.delta or ""


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

    def write(self, extractive: Answer, evidence: Sequence[Cited]) -> Iterator[AnswerPiece | Answer]:
        """A written answer piece by piece, then as a whole; the extractive one where the model is of no use.

        Args:
            extractive: what is said without a model.
            evidence: what may be cited, the most probable first.
        """
        language, question = extractive.language, extractive.question
        chosen = fitting(evidence, _room(self._llm, language) - _tokens(question, language))
        draft = _Draft(self._checker, question, language, chosen, {_place(c) for c in extractive.citations})
        messages = _messages("answer", language, evidence=numbered(chosen), question=neutral(question))
        problem = None
        try:
            for sentence, marks in units(self._read(messages, self._timeout)):
                piece = draft.take(sentence, marks)
                if piece is not None:
                    yield piece
                if len(draft.said) >= MAX_SAID:
                    break
        except ModelFailedError as failure:
            problem = failure.kind
        if problem is None and draft.said:
            yield draft.answer(extractive)
            return
        problem = problem or ("none" if draft.declined else "nothing" if draft.refused else "empty")
        restart = bool(draft.said)
        for piece in pieces(extractive):
            yield replace(piece, restart=restart)
            restart = False
        yield replace(extractive, note=_NOTES[language][problem])

    def standalone(self, question: str, history: History) -> str | None:
        """The question as it would be asked without the conversation; None where the model is of no use.

        What comes back is believed only if it is one short line in the same language that keeps every number of the
        question and holds no word that neither the question nor the conversation has.
        """
        language = detect_question_language(question)
        if language not in ANSWER_LANGUAGES:
            return None
        conversation = "\n".join(
            f"- {neutral(asked)[:_TURN_CHARACTERS]}\n  {neutral(told)[:_TURN_CHARACTERS]}"
            for asked, told in history[-_TURNS:]
        )
        messages = _messages("rewrite", language, conversation=conversation, question=neutral(question))
        try:
            written = "".join(self._read(messages, self._timeout * _REWRITE_SHARE))
        except ModelFailedError:
            return None
        lines = [line.strip(" \t\"'«»“”") for line in written.splitlines() if line.strip()]
        return lines[0] if len(lines) == 1 and _is_rewritten(lines[0], question, history, language) else None

    def _read(self, messages: Sequence[Any], seconds: float) -> Iterator[str]:
        """What the model writes, as it comes. Closing the iterator stops the model.

        Raises:
            ModelFailedError: it fails, takes longer than ``seconds``, or stops in the middle.
        """
        arrived: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        stopped = threading.Event()

        def read() -> None:
            finish: str | None = None
            responses: Any = None
            try:
                responses = self._llm.stream_chat(list(messages))
                for response in responses:
                    if stopped.is_set():
                        responses.close()
                        break
                    arrived.put(response.delta or "")
                    finish = _finish_of(response.raw, finish)
                arrived.put(ModelFailedError("cut") if finish in ("", "length") else None)
            except Exception as error:  # of any model: each library has its own kinds
                arrived.put(error)
            if stopped.is_set():
                responses = None
                gc.collect()  # a cycle in LlamaIndex's wrapper holds the connection, and the model would write on

        threading.Thread(target=read, daemon=True, name="dalil-model").start()
        end = time.monotonic() + seconds
        length = 0
        try:
            while length < _MAX_WRITTEN:
                try:
                    item = arrived.get(timeout=max(0.0, end - time.monotonic()))
                except queue.Empty:
                    raise ModelFailedError("slow") from None
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise ModelFailedError(_kind(item, begun=length > 0)) from item
                length += len(item)
                yield item
        finally:
            stopped.set()


def _finish_of(raw: Any, before: str | None) -> str | None:
    """Why the model stopped, where its protocol says: None where it never does, empty while it has not stopped."""
    choices = getattr(raw, "choices", None)
    if choices is None:
        return before
    reason = choices[0].finish_reason if choices else None
    return reason or before or ""


def _kind(error: BaseException, begun: bool) -> str:
    """The note for an error of a model's library, told by what its kinds have in common."""
    if isinstance(error, ModelFailedError):
        return error.kind
    status = getattr(error, "status_code", None)
    if status is not None:
        return "limited" if status == 429 else "refused"
    names = {kind.__name__ for kind in type(error).__mro__}
    if any("Timeout" in name for name in names):
        return "slow"
    if begun:
        return "cut"
    return "unreachable" if any("Connect" in name for name in names) else "refused"


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


_BRACKETS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "{": "(", "}": ")", "`": "'", "|": "¦", "#": "＃"})
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\U000e0000-\U000e007f]")
_LINK = re.compile(r"(?:https?|ftp|file|data|javascript|mailto)\s*:\s*\S*|\bwww\.\S+", re.IGNORECASE)
_MARKUP = re.compile(r"!\[|\]\s*\(|</?[a-z!][^>]*>|<\||\|>|\[/?inst\]|&#|&[a-z]+;|```|\$\{", re.IGNORECASE)


def neutral(text: str) -> str:
    """Text as one line in which nothing looks like a tag, a token of a chat format, a citation mark or a link."""
    text = _CONTROLS.sub("", strip_format(text))
    return _SPACES.sub(" ", _LINK.sub("…", text).translate(_BRACKETS)).strip()


def _room(llm: LLM, language: str) -> int:
    """Tokens for evidence."""
    return int(llm.metadata.context_window) - _MAX_OUTPUT - _TEMPLATE_TOKENS


def _tokens(text: str, language: str) -> int:
    return int(len(text) / _CHARACTERS_PER_TOKEN.get(language, 1.0)) + 1


@lru_cache(maxsize=4)
def template(task: str) -> Mapping[str, Template]:
    """The parts of a prompt by name (``ar.system``, ``ar.user``, …): one file for each task, with its version."""
    text = resources.files("assistant").joinpath(f"data/prompts/{task}.txt").read_text(encoding="utf-8")
    _, *sections = re.split(r"^=== (\S+)\n", text, flags=re.MULTILINE)
    return {name: Template(body.strip()) for name, body in zip(sections[::2], sections[1::2], strict=True)}


def _messages(task: str, language: str, **values: str) -> list[Any]:
    from llama_index.core.llms import ChatMessage

    parts = template(task)
    return [
        ChatMessage(role=role, content=parts[f"{language}.{role}"].substitute(values)) for role in ("system", "user")
    ]


# --- what the model writes ---------------------------------------------------------------------------

_NUMBER = r"\d{1,3}"
_MARKS = rf"\[\s*{_NUMBER}(?:\s*[,،;]\s*{_NUMBER})*\s*\]"
# Marks end a unit once it is clear that no further mark and no full stop follows them.
_UNIT = re.compile(
    rf"(?P<text>.*?)(?P<marks>(?:\s*{_MARKS})+)(?P<end>\s*[.!?؟。]*)(?=\s*[^\s\[.!?؟。]|\s*\Z)", re.DOTALL
)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_DECORATION = re.compile(r"^\s*(?:[-*•–—#>]+\s+|\d{1,2}[.)]\s+)+|\*\*|__")


def units(written: Iterable[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Sentences with the numbers that they cite, as soon as each is complete.

    Sentences that share the marks behind the last of them are given one by one with all of these. What a reasoning
    model thinks aloud is left out. A sentence without marks has none.
    """
    everything = ""
    done = 0
    for part in written:
        everything += fold_marks(part)
        visible = _THOUGHT.sub(lambda match: " " * len(match.group()), everything)
        while (found := _UNIT.match(visible, done)) and found.end() < len(visible.rstrip()):
            yield from _sentences_of(found)
            done = found.end()
    rest = _THOUGHT.sub(lambda match: " " * len(match.group()), everything)[done:]
    while found := _UNIT.match(rest):
        yield from _sentences_of(found)
        rest = rest[found.end() :]
    for start, end in sentence_spans(rest):
        yield rest[start:end], ()


def fold_marks(text: str) -> str:
    """Text in which citation marks have one form: [١] and 【1】 are [1]."""
    text = text.replace("【", "[").replace("】", "]")
    return re.sub(r"[٠-٩۰-۹]+(?=[\s,،;٠-٩۰-۹]*\])", lambda match: fold_digits(match.group()), text)


def _sentences_of(unit: re.Match[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    numbers_cited = tuple(dict.fromkeys(int(number) for number in re.findall(_NUMBER, unit["marks"])))
    text = unit["text"].strip() + unit["end"].strip()
    for start, end in sentence_spans(text):
        yield text[start:end], numbers_cited


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
    declined: bool = False
    """The model said that the evidence holds no answer."""
    _seen: set[str] = field(default_factory=set)

    def take(self, sentence: str, marks: Sequence[int]) -> AnswerPiece | None:
        """The piece that a sentence of the model becomes; None where it is not said."""
        text = _SPACES.sub(" ", _DECORATION.sub("", _CONTROLS.sub("", strip_format(sentence)))).strip()
        if text.strip(" .").upper() == "NONE":
            self.declined = True
            return None
        if not any(letter.isalnum() for letter in text) or text in self._seen:
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
        sources = list(dict.fromkeys(part for item in cited for part in (item.text, item.citation.quote)))
        if any(not any(link in source for source in sources) for link in _LINK.findall(text)):
            return False
        if any(not any(markup in source for source in sources) for markup in _MARKUP.findall(text)):
            return False
        if re.search(_MARKS, text):
            return False
        if detect_language(text) != self.language and any(letter.isalpha() for letter in text):
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
    if len(text) > _MAX_REWRITTEN or detect_language(text) != language or _LINK.search(text) or _MARKUP.search(text):
        return False
    if not numbers(question) <= numbers(text):
        return False
    known = {term for turn in history[-_TURNS:] for said in turn for term in analyse(said)} | set(analyse(question))
    terms = analyse(text)
    made_up = [term for term in terms if term not in known]
    kept = set(analyse(question))
    return bool(terms) and len(made_up) <= max(1, len(terms) // 4) and (not kept or bool(kept & set(terms)))
