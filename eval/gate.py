"""The committed expectations: fails when the shipped knowledge base is answered worse than before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.run import DALIL, Run

EXPECTED = Path(__file__).resolve().parent / "expected.json"
"""What was scored when it was last written, ``python -m eval gate --write``."""

MEASURES = ("answered", "first sentence", "whole answer", "right document", "verbatim", "wrongly answered")
CONVERSATIONS = "conversations"
"""Share of the conversations of ``eval/followups.py`` whose last question was answered rightly."""
LOWER_IS_BETTER = ("wrongly answered", "supported refused")
GAP_MEASURES = ("answered", "first sentence", "whole answer", "right document", CONVERSATIONS)
"""In these Arabic is held against English."""

TOLERANCE = 0.03
"""A score may be worse by this much: three of a hundred questions."""
LARGEST_GAP = 0.08
"""Arabic may fall behind English by this much in each of ``GAP_MEASURES``."""

_ROUNDING = 1e-9

Scores = Mapping[str, Mapping[str, float]]
"""Language to measure to mean, 0..1."""


class ExpectationsError(ValueError):
    """The file of expected scores is not valid."""


class Expected(BaseModel):
    """What is committed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tolerance: float
    largest_gap: float
    scores: dict[Literal["ar", "en"], dict[str, float]]


def scores(run: Run) -> dict[str, dict[str, float]]:
    """The figures of our own questions that are held against expectations."""
    figures = run.figures()
    found: dict[str, dict[str, float]] = {}
    for language in ("ar", "en"):
        own = figures.get(("knowledge", language, DALIL), {})
        held = figures.get(("followups", f"{language} all", DALIL), {})
        values = {measure: own[measure] for measure in MEASURES if measure in own}
        values |= {CONVERSATIONS: held["right"]} if "right" in held else {}
        found[language] = {measure: round(value, 4) for measure, value in values.items()}
    return found


def failures(now: Scores, expected: Expected) -> list[str]:
    """What is worse than expected beyond the tolerance, one line each."""
    lines = []
    for language, wanted in expected.scores.items():
        for measure, value in wanted.items():
            got = now.get(language, {}).get(measure)
            if got is None:
                lines.append(f"{language} {measure}: not measured, expected {value:.3f}")
                continue
            loss = got - value if measure in LOWER_IS_BETTER else value - got
            if loss > expected.tolerance + _ROUNDING:
                lines.append(f"{language} {measure}: {got:.3f}, expected {value:.3f} ± {expected.tolerance}")
    for measure in GAP_MEASURES:
        if all(measure in now.get(language, {}) for language in ("ar", "en")):
            gap = now["en"][measure] - now["ar"][measure]
            if gap > expected.largest_gap + _ROUNDING:
                lines.append(f"Arabic is {gap:.3f} behind English in {measure}; {expected.largest_gap} is allowed")
    return lines


def write(now: Scores, path: Path = EXPECTED) -> None:
    """Make these scores the expected ones."""
    values = {"tolerance": TOLERANCE, "largest_gap": LARGEST_GAP, "scores": now}
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path = EXPECTED) -> Expected:
    """The expected scores.

    Raises:
        ExpectationsError: the file is missing or holds something else; the message says what to do.
    """
    try:
        return Expected.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExpectationsError(f"there is no {path.name}; make it with: python -m eval gate --write") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ExpectationsError(f"{path.name}: {place}: {first['msg']}") from None
