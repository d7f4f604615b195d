"""A language model judges answers to our own questions: LlamaIndex's three evaluators, with what they cost.

The judge is configured for evaluation only and is never the model that answers; its name, address and use are saved
with the run. Its instructions are LlamaIndex's own, in English; questions, answers and quotes stay in their language.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eval.progress import watched
from eval.run import DALIL, Record
from eval.suites import Asked

if TYPE_CHECKING:
    from llama_index.core.evaluation import EvaluationResult
    from llama_index.core.llms import LLM

EVALUATORS = ("faithfulness", "relevancy", "correctness")
API_KEY = "DALIL_JUDGE_API_KEY"
"""Environment variable with the key, where it is not given as an option."""
_TIMEOUT = 120.0
_CONTEXT = 8192
"""Tokens the judge may read; the quotes of an answer are far fewer."""
_GRADE = re.compile(r"[1-5](?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Judge:
    """Which model judges."""

    base_url: str
    model: str
    api_key: str = ""


@dataclass(slots=True)
class Usage:
    """What judging took."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class JudgeError(RuntimeError):
    """The judge cannot be asked."""


def not_judged(reason: str) -> dict[str, str]:
    """The evaluators by name, with the reason why none of them ran."""
    return {f"judged {name}": reason for name in EVALUATORS}


def connect(judge: Judge) -> LLM:
    """The judge as a LlamaIndex model: any server that speaks OpenAI's protocol. Nothing is sent yet."""
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(
        model=judge.model,
        api_base=judge.base_url,
        api_key=judge.api_key or "none",
        is_chat_model=True,
        context_window=_CONTEXT,
        temperature=0.0,
        timeout=_TIMEOUT,
        max_retries=1,
    )


def judged(asked: Sequence[Asked], llm: LLM) -> tuple[list[Record], Usage]:
    """Judge every answer that was given; an abstention says nothing that could be judged.

    Raises:
        JudgeError: the judge did not answer; the message says why.
    """
    from llama_index.core.evaluation import CorrectnessEvaluator, FaithfulnessEvaluator, RelevancyEvaluator

    faithfulness, relevancy = FaithfulnessEvaluator(llm=llm), RelevancyEvaluator(llm=llm)
    correctness = CorrectnessEvaluator(llm=llm, parser_function=grade)
    records = []
    answered = [item for item in asked if item.answer.answered]
    with counted() as usage:
        for item in watched(answered, "judged"):
            question, said = item.case.question, item.answer.text
            quotes = list(dict.fromkeys(citation.quote for citation in item.answer.citations))
            scores = {
                "faithfulness": _ask(faithfulness.evaluate, response=said, contexts=quotes),
                "relevancy": _ask(relevancy.evaluate, query=question, response=said, contexts=quotes),
            }
            if item.case.answerable:
                reference = " ".join(item.case.evidence)
                scores["correctness"] = _ask(correctness.evaluate, query=question, response=said, reference=reference)
            records.append(
                Record(
                    "judged",
                    item.case.language,
                    DALIL,
                    item.case.id,
                    {name: score for name, score in scores.items() if score is not None},
                    question=question,
                    expected=" / ".join(item.case.answers),
                    got=said,
                )
            )
    return records, usage


def _ask(evaluate: Callable[..., EvaluationResult], **given: Any) -> float | None:
    try:
        return evaluate(**given).score
    except Exception as error:  # the client, its transport and LlamaIndex share no base
        raise JudgeError(f"the judge does not answer ({type(error).__name__}: {error})") from error


def grade(reply: str) -> tuple[float | None, str]:
    """Grade, 1 to 5, and reasoning of a reply to the evaluator of correctness; None where it gives no grade.

    LlamaIndex asks for the grade on the first line; models also write "Score: 4".
    """
    first, _, rest = reply.strip().partition("\n")
    found = _GRADE.search(first)
    return (float(found.group()) if found else None), rest.strip()


@contextmanager
def counted() -> Iterator[Usage]:
    """Count the calls, tokens and seconds of the language models that are asked within.

    Tokens are those that the server reports; 0 where it reports none.
    """
    from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.instrumentation.events.llm import LLMChatEndEvent

    usage = Usage()

    class Counter(BaseEventHandler):
        @classmethod
        def class_name(cls) -> str:
            return "JudgeUsage"

        def handle(self, event: Any, **kwargs: Any) -> None:
            if isinstance(event, LLMChatEndEvent) and event.response is not None:
                usage.calls += 1
                reported = getattr(event.response.raw, "usage", None)
                usage.prompt_tokens += getattr(reported, "prompt_tokens", 0) or 0
                usage.completion_tokens += getattr(reported, "completion_tokens", 0) or 0

    dispatcher, counter = get_dispatcher(), Counter()
    dispatcher.add_event_handler(counter)
    begun = time.perf_counter()
    try:
        yield usage
    finally:
        usage.seconds = round(time.perf_counter() - begun, 2)
        dispatcher.event_handlers.remove(counter)
