"""A language model that may fail: opened from the settings, asked within a time, stopped when nobody listens.

The only module that talks to a language model. LlamaIndex is imported when a model is set, not before.
"""

from __future__ import annotations

import gc
import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from assistant.errors import SettingsError

if TYPE_CHECKING:
    from llama_index.core.llms import LLM, ChatMessage

    from assistant.settings import Settings

_BUSY = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""HTTP statuses after which the same request may succeed."""
_TRIES = 3
_PAUSE_SECONDS = 0.5
"""Before the second try, where the server does not say when; twice as long before the third."""


class ModelFailedError(Exception):
    """The model gave no whole answer.

    ``kind`` says why: ``unreachable``, ``slow``, ``limited``, ``refused`` or ``cut``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


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
        temperature=0.0,
        timeout=settings.llm_timeout,
        max_retries=0,  # ``read`` tries again, within the time that is left
    )


@lru_cache(maxsize=4)
def template(task: str) -> Mapping[str, Template]:
    """The parts of a prompt by name (``ar.system``, ``ar.user``, …): one file for each task, with its version."""
    text = resources.files("assistant").joinpath(f"data/prompts/{task}.txt").read_text(encoding="utf-8")
    _, *sections = re.split(r"^=== (\S+)\n", text, flags=re.MULTILINE)
    return {name: Template(body.strip()) for name, body in zip(sections[::2], sections[1::2], strict=True)}


def prompt(task: str, language: str, **values: str) -> list[ChatMessage]:
    """The messages of a task in a language, with these values in their places."""
    from llama_index.core.llms import ChatMessage

    parts = template(task)
    return [
        ChatMessage(role=role, content=parts[f"{language}.{role}"].substitute(values)) for role in ("system", "user")
    ]


def read(llm: LLM, messages: Sequence[ChatMessage], deadline: float) -> Iterator[str]:
    """What the model writes, as it comes. Closing the iterator stops the model.

    A server that is busy is asked again when it wants to be, if that is in time. A model that takes no system
    message gets it in front of the other one.

    Args:
        llm: any LlamaIndex language model.
        messages: what it is asked.
        deadline: by ``time.monotonic``.

    Raises:
        ModelFailedError: it fails, is not done by ``deadline``, or stops in the middle.
    """
    arrived: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(
        target=_listen, args=(llm, list(messages), deadline, arrived, stopped), daemon=True, name="dalil-model"
    ).start()
    begun = False
    try:
        while True:
            try:
                item = arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ModelFailedError("slow") from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise ModelFailedError(_kind(item, begun)) from item
            if item:
                begun = True
                yield item
            elif time.monotonic() > deadline:  # it thinks and thinks
                raise ModelFailedError("slow")
    finally:
        stopped.set()


def _listen(
    llm: LLM,
    messages: list[ChatMessage],
    deadline: float,
    arrived: queue.SimpleQueue[str | Exception | None],
    stopped: threading.Event,
) -> None:
    """Put down what the model writes, then None or what went wrong."""
    for attempt in range(1, _TRIES + 1):
        begun = False
        finish: str | None = None
        responses: Any = None
        try:
            responses = llm.stream_chat(messages)
            for response in responses:
                if stopped.is_set():
                    responses.close()
                    break
                begun = begun or bool(response.delta)
                arrived.put(response.delta or "")
                finish = _finish_of(response.raw, finish)
            arrived.put(ModelFailedError("cut") if finish in ("", "length") else None)
            break
        except Exception as error:  # of any model: each library has its own kinds
            pause = None if begun or attempt == _TRIES else _pause(error, attempt)
            if getattr(error, "status_code", None) == 400 and not begun and len(messages) > 1:
                messages, pause = _joined(messages), 0.0
            if pause is None or time.monotonic() + pause > deadline:
                arrived.put(error)
                break
            if stopped.wait(pause):
                break
    if stopped.is_set():
        del responses
        gc.collect()  # a cycle in LlamaIndex's wrapper holds the connection, and the model would write on


def _joined(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """One message that says what these say."""
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role="user", content="\n\n".join(message.content or "" for message in messages))]


def _pause(error: Exception, attempt: int) -> float | None:
    """Seconds before the model is asked again; None where that is of no use."""
    usual = _PAUSE_SECONDS * 2.0 ** (attempt - 1)
    status = getattr(error, "status_code", None)
    if status is None:
        return usual if _fault(error) in ("unreachable", "cut") else None
    if status not in _BUSY:
        return None
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = _seconds(str(headers.get("retry-after", "")))
    return usual if asked is None else asked


def _seconds(retry_after: str) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait, given in seconds or as a date; None where it is neither."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _finish_of(raw: Any, before: str | None) -> str | None:
    """Why the model stopped, where its protocol says: None where it never does, empty while it has not stopped."""
    choices = getattr(raw, "choices", None)
    if choices is None:
        return before
    reason = choices[0].finish_reason if choices else None
    return reason or before or ""


def _kind(error: Exception, begun: bool) -> str:
    """What to tell a reader of an error of a model's library, by what the kinds of all libraries have in common."""
    if isinstance(error, ModelFailedError):
        return error.kind
    status = getattr(error, "status_code", None)
    if status is not None:
        return "limited" if status == 429 else "refused"
    fault = _fault(error)
    return "cut" if begun and fault != "slow" else fault


def _fault(error: Exception) -> str:
    """What went wrong between us and a server, by the names that libraries give to such errors."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    if "Timeout" in names:
        return "slow"
    if "Connect" in names:
        return "unreachable"
    return "cut" if any(word in names for word in ("ReadError", "Protocol", "Chunked")) else "refused"
