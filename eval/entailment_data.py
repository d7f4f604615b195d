"""Facts in both languages with claims about them that they support or only seem to, to train the check of citations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from assistant.text import sentence_spans
from eval.questions import load_lines

FACTS = Path(__file__).resolve().parent / "support" / "facts.jsonl"

SUPPORTED = ("close", "paraphrase", "shortened", "opposite-words", "general", "reordered", "merged", "numerals")
UNSUPPORTED = (
    "antonym", "changed", "entity", "roles", "added", "negation", "overgeneral", "modality", "attribution", "number",
)  # fmt: skip


class TrainingClaim(BaseModel):
    """One sentence about a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    """How it was made from the fact."""
    ok: bool
    """Whether the fact supports it, in whichever language the fact is."""
    lang: Literal["ar", "en"]
    text: str

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> TrainingClaim:
        if self.kind not in (SUPPORTED if self.ok else UNSUPPORTED):
            raise ValueError(f"the kind '{self.kind}' contradicts ok={self.ok}, or is unknown")
        return self


class Fact(BaseModel):
    """One or two sentences in both languages, and claims about them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: str
    """Facts that follow each other may share it."""
    en: str
    ar: str
    claims: tuple[TrainingClaim, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence with what it cites."""

    group: str
    """What must not be on both sides of a split."""
    sentence: str
    evidence: tuple[str, ...]
    supported: bool
    kind: str
    weight: float = 1.0


def load_facts(path: Path = FACTS) -> list[Fact]:
    """Read the facts.

    Raises:
        QuestionsError: a line is not valid; the message names file and line.
    """
    return load_lines(path, Fact)


def examples(facts: Sequence[Fact]) -> Iterator[Example]:
    """Every claim with the fact in either language, and what can be had from facts without new claims.

    A fact supports itself and its own translation. The fact before supports none of the claims, a slip of the number
    that a model cites; beside the right one it changes nothing.
    """
    for at, fact in enumerate(facts):
        wrong = facts[at - 1]
        english, arabic = cited(fact.en), cited(fact.ar)
        for claim in fact.claims:
            for texts in (english, arabic):
                yield Example(fact.topic, claim.text, texts, claim.ok, claim.kind)
        for sentences, translated in ((arabic, english), (english, arabic)):
            for sentence in sentences:
                yield Example(fact.topic, sentence, sentences, True, "verbatim")
                yield Example(fact.topic, sentence, translated, True, "translation")
        # the neighbour's language alternates
        other, same = (cited(wrong.en), arabic) if at % 2 else (cited(wrong.ar), english)
        both = (*other, *same) if at % 4 < 2 else (*same, *other)
        good = next((claim for claim in fact.claims[at % 3 :] if claim.ok), None)
        bad = next((claim for claim in fact.claims[at % 3 :] if not claim.ok), None)
        if good:
            yield Example(fact.topic, good.text, other, False, "elsewhere")
            yield Example(fact.topic, good.text, both, True, good.kind)
        if bad:
            yield Example(fact.topic, bad.text, both, False, bad.kind)


def cited(text: str) -> tuple[str, ...]:
    """The sentences of a fact, each of which a model would cite by a number of its own."""
    return tuple(text[start:end] for start, end in sentence_spans(text))
