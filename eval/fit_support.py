"""Fit ``assistant/data/support.json``.

    python -m eval.fit_support [--write] [--cases]

A small model that decides from everything that speaks for and against a sentence. It is fitted on the topics of
``support/cases.jsonl`` whose split is ``fit``, with the words as ``eval.fit_alignment`` aligns them: run that first. Every figure printed
here is cross-validated by topic; ``python -m eval support`` measures the topics that were held out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.preprocessing import StandardScaler

from assistant import Settings
from assistant.encoder import Encoder
from assistant.models import prepare
from assistant.ranking import Features, Logistic, probability
from assistant.support import _DECISIVE, SupportChecker, SupportModel, Verdict
from eval.support_cases import Rate, SupportCase, load_support_cases, rates

DATA = Path(__file__).resolve().parent.parent / "assistant" / "data"
OUTPUT = DATA / "support.json"
REFUSED = 0.05
"""Share of the supported sentences that may be refused, cross-validated, in either language."""
LIKENESS = {"cosine", "cover", "lowest", "second", "run"}
"""Features that can only speak for a sentence; all others but the ``FREE`` ones can only speak against it."""
FREE = {"cross", "log_words"}
DECISIVE = {name for _, names in _DECISIVE for name in names}
STRENGTH = 5.0
"""Inverse of the regularisation: there are few cases for the number of features."""


def fit(rows: Sequence[Features], labels: NDArray[np.bool_]) -> Logistic:
    """A logistic model over the raw features, both outcomes counting the same.

    A weight cannot have the wrong sign: likeness never speaks against a sentence, nor a finding for it.
    """
    names = [name for name in rows[0] if name not in DECISIVE]
    scaler = StandardScaler()
    matrix = scaler.fit_transform(np.array([[row[name] for name in names] for row in rows]))
    weights = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean())) / len(labels)
    signs = np.where(labels, 1.0, -1.0)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (matrix @ values[:-1] + values[-1])
        slope = -signs * weights / (1 + np.exp(margins))
        penalty = values[:-1] / (STRENGTH * len(labels))
        value = float(weights @ np.logaddexp(0, -margins) + penalty @ values[:-1] / 2)
        return value, np.append(matrix.T @ slope + penalty, slope.sum())

    bounds = [_bounds(name) for name in names]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    raw = found.x[:-1] / scaler.scale_
    intercept = float(found.x[-1] - raw @ scaler.mean_)
    return Logistic(round(intercept, 4), {n: round(float(w), 4) for n, w in zip(names, raw, strict=True)})


def _bounds(name: str) -> tuple[float | None, float | None]:
    if name in FREE:
        return None, None
    return (0.0, None) if name.removeprefix("cross_") in LIKENESS else (None, 0.0)


def cross_validated(
    cases: Sequence[SupportCase], rows: Sequence[Features], labels: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probability of each case by a model that saw none of its topic."""
    topics = np.array([case.topic for case in cases])
    result = np.zeros(len(cases))
    for topic in np.unique(topics):
        train, test = np.flatnonzero((topics != topic) & usable), np.flatnonzero(topics == topic)
        model = fit([rows[at] for at in train], labels[train])
        result[test] = probability(model.logits([rows[at] for at in test]))
    return result


def choose_threshold(cases: Sequence[SupportCase], chances: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The highest threshold at which neither language refuses more than ``REFUSED`` of what is supported."""
    limits = []
    for language in ("ar", "en"):
        held = np.array([case.language == language for case in cases]) & labels
        limits.append(np.quantile(chances[held], REFUSED))
    return round(float(min(limits)), 3)


def show(found: Sequence[Rate]) -> None:
    """Print rates, one line a group."""
    for rate in found:
        caught = "    –" if rate.caught is None else f"{rate.caught:5.3f}"
        refused = "    –" if rate.refused is None else f"{rate.refused:5.3f}"
        print(f"{rate.group:15} {rate.cases:4}  caught {caught}  refused {refused}")


def main() -> None:
    """Fit, report and, with ``--write``, replace the shipped numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    parser.add_argument("--cases", action="store_true", help="print the fit cases that are judged wrongly")
    arguments = parser.parse_args()
    settings = Settings()
    encoder = Encoder(prepare(settings.embedding_model, settings.cache_dir))
    blank = SupportModel(Logistic(0.0, {}), 0.5)
    checker = SupportChecker(encoder, blank)
    cases = [case for case in load_support_cases() if case.split == "fit"]
    findings = [checker.findings(case.sentence, case.evidence) for case in cases]
    rows = [found.features for found in findings]
    labels = np.array([case.supported for case in cases])
    # What decides by itself would teach the model that nothing else was wrong.
    usable = np.array([not found.decisive for found in findings])
    chances = np.where(usable, cross_validated(cases, rows, labels, usable), 0.0)
    threshold = choose_threshold(cases, chances, labels & usable)
    verdicts = {
        case.id: Verdict(bool(chance >= threshold), float(chance), one.decisive)
        for case, chance, one in zip(cases, chances, findings, strict=True)
    }
    print(f"threshold {threshold}, cross-validated by topic:")
    show(rates(cases, verdicts))
    if arguments.cases:
        for case, chance, one in zip(cases, chances, findings, strict=True):
            if verdicts[case.id].supported != case.supported:
                what = [quantity.written for quantity in one.missing]
                print(f"\n{chance:.3f} {case.kind} {case.id} {one.decisive}\n  {case.sentence}")
                print(f"  {' '.join(case.evidence)}\n  {what} {list(one.uncovered)}")
    model = fit([row for row, use in zip(rows, usable, strict=True) if use], labels[usable])
    print(json.dumps(dict(model.weights), indent=None))
    if arguments.write:
        values = {
            "fitted": {
                "command": "python -m eval.fit_support --write",
                "date": date.today().isoformat(),
                "cases": len(cases),
            },
            "threshold": threshold,
            "intercept": model.intercept,
            "weights": dict(model.weights),
        }
        OUTPUT.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
