"""The committed expectations: fails when the shipped knowledge base is answered worse than before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.run import Run

EXPECTED = Path(__file__).resolve().parent / "expected.json"

MEASURES = ("answered", "first sentence", "whole answer", "right document", "verbatim", "wrongly answered")
LOWER_IS_BETTER = ("wrongly answered",)
TOLERANCE = 0.03
"""A score may fall by this much: three of a hundred questions."""
LARGEST_GAP = 0.08
"""Arabic may fall behind English by this much in ``whole answer`` and ``right document``."""


def scores(run: Run) -> dict[str, dict[str, float]]:
    """Language to measure to mean, on our own questions."""
    means = run.means()
    return {
        language: {
            measure: round(means["knowledge", language, "dalil"][measure], 4)
            for measure in MEASURES
            if measure in means["knowledge", language, "dalil"]
        }
        for language in ("ar", "en")
    }


def failures(now: dict[str, dict[str, float]], expected: dict[str, Any]) -> list[str]:
    """What is worse than expected beyond the tolerance, one line each."""
    lines = []
    for language, wanted in expected["scores"].items():
        for measure, value in wanted.items():
            got = now[language][measure]
            loss = got - value if measure in LOWER_IS_BETTER else value - got
            if loss > expected["tolerance"]:
                lines.append(f"{language} {measure}: {got:.3f}, expected {value:.3f} ± {expected['tolerance']}")
    for measure in ("whole answer", "right document"):
        gap = now["en"][measure] - now["ar"][measure]
        if gap > expected["largest_gap"]:
            lines.append(f"Arabic is {gap:.3f} behind English in {measure}; {expected['largest_gap']} is allowed")
    return lines


def write(now: dict[str, dict[str, float]], path: Path = EXPECTED) -> None:
    """Make these scores the expected ones."""
    values = {"tolerance": TOLERANCE, "largest_gap": LARGEST_GAP, "scores": now}
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path = EXPECTED) -> dict[str, Any]:
    """The expected scores."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
