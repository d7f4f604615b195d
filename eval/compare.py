"""Two runs against each other, question by question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from eval import metrics
from eval.run import Key, Record, Run


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the second run is from the first in one measure, on the questions that both asked."""

    suite: str
    setting: str
    system: str
    measure: str
    questions: int
    before: float
    difference: float
    """Second run minus first."""
    low: float
    """Lower end of the paired bootstrap 95 % interval of ``difference``."""
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def compare(one: Run, other: Run) -> list[Difference]:
    """Every measure that both runs have on the same questions, ``other`` minus ``one``."""
    before, after = one.groups(), other.groups()
    return [row for key in before if key in after for row in _group(key, before[key], after[key])]


def _group(key: Key, before: Sequence[Record], after: Sequence[Record]) -> Iterator[Difference]:
    known = {record.question_id: record for record in after}
    pairs = [(record, known[record.question_id]) for record in before if record.question_id in known]
    for measure in dict.fromkeys(name for record, _ in pairs for name in record.scores):
        values = [
            (x.scores[measure], y.scores[measure]) for x, y in pairs if measure in x.scores and measure in y.scores
        ]
        if values:
            differences = [y - x for x, y in values]
            low, high = metrics.bootstrap_interval(differences)
            mean = sum(x for x, _ in values) / len(values)
            yield Difference(*key, measure, len(values), mean, sum(differences) / len(values), low, high)
    sides = [x.observed for x, _ in pairs], [y.observed for _, y in pairs]
    values_before, values_after = map(metrics.set_measures, sides)
    for measure in values_before.keys() & values_after.keys():
        low, high = metrics.bootstrap_set_interval(*sides, metrics.SET_MEASURES[measure])
        value = values_before[measure]
        yield Difference(*key, measure, len(pairs), value, values_after[measure] - value, low, high)


def table(rows: Sequence[Difference]) -> Table:
    """Differences for the terminal; a star marks those whose interval leaves out 0."""
    result = Table("suite", "setting", "system", "measure", "questions", "before", "difference", "95 %", "")
    for row in rows:
        result.add_row(
            *(row.suite, row.setting, row.system, row.measure, str(row.questions), f"{row.before:.4f}"),
            *(f"{row.difference:+.4f}", f"{row.low:+.4f} to {row.high:+.4f}", "*" if row.certain else ""),
        )
    return result
