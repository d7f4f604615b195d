"""Sentences written to test the check of citations: supported by their evidence, or subtly not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from assistant import Settings
from assistant.encoder import Encoder
from assistant.models import prepare
from assistant.support import SupportChecker, Verdict
from eval.questions import QuestionsError, load_lines

CASES = Path(__file__).resolve().parent / "support" / "cases.jsonl"

SUPPORTED_KINDS = (
    "verbatim", "translation", "shortened", "close", "reordered", "merged", "numerals", "paraphrase",
)  # fmt: skip
UNSUPPORTED_KINDS = (
    "number", "unit", "date", "entity", "roles", "negation", "antonym", "added", "overgeneral", "modality",
    "attribution",
)  # fmt: skip

MAIN_KINDS = ("number", "unit", "date", "entity", "negation", "added")
"""The unsupported kinds that the check has to see; the others lie in wording that it sees in part."""


class SupportCase(BaseModel):
    """One sentence with what it cites."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    topic: str
    """Cases of one topic share evidence; a topic is wholly in one split."""
    domain: str
    split: Literal["fit", "calibrate", "held-out"]
    """``fit`` is learnt from, ``calibrate`` sets weights and thresholds, ``held-out`` is only measured: nobody who
    works on the check has looked at it, and no fact that a network learnt from is about one of its topics."""
    kind: str
    """How the sentence was made from its evidence."""
    supported: bool
    language: Literal["ar", "en"]
    evidence_language: Literal["ar", "en"]
    sentence: str
    evidence: tuple[str, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> SupportCase:
        if self.kind not in (SUPPORTED_KINDS if self.supported else UNSUPPORTED_KINDS):
            raise ValueError(f"kind '{self.kind}' contradicts 'supported'")
        if not self.evidence:
            raise ValueError("there is no evidence")
        return self


def load_support_cases(path: Path = CASES) -> list[SupportCase]:
    """Read a file of cases.

    Raises:
        QuestionsError: a line is not valid, an id is used twice, or a topic is in two splits.
    """
    cases = load_lines(path, SupportCase)
    splits: dict[str, str] = {}
    for case in cases:
        if splits.setdefault(case.topic, case.split) != case.split:
            raise QuestionsError(f"{path.name}: {case.id}: the topic '{case.topic}' is in two splits")
    return cases


@dataclass(frozen=True, slots=True)
class Rate:
    """How a group of cases was judged."""

    group: str
    caught: float | None
    """Share of the unsupported sentences that were refused; None without any."""
    refused: float | None
    """Share of the supported sentences that were refused; None without any."""
    cases: int


def judge(cases: Sequence[SupportCase], checker: SupportChecker) -> dict[str, Verdict]:
    """Verdict on each case by its id."""
    return {case.id: checker.check(case.sentence, case.evidence) for case in cases}


def new_checker() -> SupportChecker:
    """The shipped check with the configured encoder."""
    settings = Settings()
    return SupportChecker(Encoder(prepare(settings.embedding_model, settings.cache_dir)))


def rates(cases: Sequence[SupportCase], verdicts: Mapping[str, Verdict]) -> list[Rate]:
    """Rates of everything, of the main kinds beside all that is supported, of languages, pairs of them and kinds.

    Args:
        cases: what was judged.
        verdicts: id of each case to what was found.
    """
    main = [case for case in cases if case.supported or case.kind in MAIN_KINDS]
    groups: dict[str, list[SupportCase]] = {"all": list(cases), "main kinds": main}
    for case in main:
        groups.setdefault(f"main kinds, {case.language}", []).append(case)
    for case in cases:
        groups.setdefault(case.language, []).append(case)
    for case in cases:
        groups.setdefault(f"{case.language} citing {case.evidence_language}", []).append(case)
    for kind in (*SUPPORTED_KINDS, *UNSUPPORTED_KINDS):
        held = [case for case in cases if case.kind == kind]
        if held:
            groups[kind] = held
    return [_rate(name, held, verdicts) for name, held in groups.items()]


def _rate(name: str, cases: Sequence[SupportCase], verdicts: Mapping[str, Verdict]) -> Rate:
    bad = [not verdicts[case.id].supported for case in cases if not case.supported]
    good = [not verdicts[case.id].supported for case in cases if case.supported]
    return Rate(name, sum(bad) / len(bad) if bad else None, sum(good) / len(good) if good else None, len(cases))
