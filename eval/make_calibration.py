"""Write the data that rerankers are calibrated on: ``python -m eval.make_calibration``.

Our own questions without history, asked of the shipped knowledge base through ``Retriever``: of the passages
that a reranker would read a few are kept, from the best to the last, with the logit of the passage model and
whether they answer. Where there is an answer, a right passage is among them. Questions without an answer are
kept as well: only they show what the best passage is worth when nothing answers. Write the file anew after
fitting the ranking, so that the logits are those of today.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant import Assistant, Settings
from assistant.knowledge import parse_facts, scan
from assistant.passages import encoder_texts
from assistant.retrieval import RERANKED, Candidate
from assistant.schema import Fact
from assistant.settings import shipped_knowledge_dir
from eval import metrics
from eval.questions import SHIPPED, Case, load_cases

LOOKED_AT = 8
"""An answerable question is left out unless one of this many best candidates is right."""
KEPT = (0, 1, 3, 7, 15)
"""Ranks of the candidates that are kept, from 0: the best weigh most, but all that a reranker reads count."""
OUTPUT = Path(__file__).resolve().parent.parent / "assistant" / "data" / "calibration.jsonl"


def is_right(case: Case, candidate: Candidate, fact: Fact | None) -> bool:
    """Whether a passage answers: it holds a sentence of the evidence, or states a fact that does.

    A fact does where it rests on the evidence, or rests on an expected document and holds an accepted answer.
    """
    passage = candidate.encoded.passage
    if fact is None:
        return passage.document_id in case.documents and any(quote in passage.text for quote in case.evidence)
    cited = [evidence for evidence in fact.evidence if evidence.document_id in case.documents]
    rests = any(one.quote in quote or quote in one.quote for one in cited for quote in case.evidence)
    return rests or (bool(cited) and metrics.holds(passage.text, case.answers))


def kept(right: Sequence[bool]) -> list[int]:
    """Ranks of the candidates to keep; the last gives way to the first right one where no other is right."""
    ranks = [rank for rank in KEPT if rank < len(right)]
    if any(right) and not any(right[rank] for rank in ranks):
        ranks[-1] = right.index(True)
    return sorted(ranks)


def rows(dalil: Assistant, facts: dict[str, Fact], cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Lines of the file: texts, then questions."""
    texts: dict[str, int] = {}
    questions = []
    for case in cases:
        query = dalil.retriever.query(case.question)
        candidates = dalil.retriever.retrieve(query)[:RERANKED]
        right = [
            case.answerable and is_right(case, candidate, facts.get(candidate.encoded.passage.fact_id or ""))
            for candidate in candidates
        ]
        if case.answerable and not any(right[:LOOKED_AT]):
            continue
        passages = [
            {
                "text": texts.setdefault(encoder_texts(candidates[position].encoded.passage)[0], len(texts)),
                "own": round(candidates[position].logit, 3),
                "cross": candidates[position].evidence.cross,
                "right": right[position],
            }
            for position in kept(right)
        ]
        questions.append({"question": case.question, "passages": passages})
    return [*({"text": text} for text in texts), *questions]


def main() -> None:
    """Write the file."""
    cases = [case for case in load_cases(SHIPPED) if not case.history]
    with tempfile.TemporaryDirectory() as work:
        settings = Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=Path(work), reranker_model=None)
        with Assistant(settings) as dalil:
            dalil.sync()
            files = [file for file in scan(settings.knowledge_dir) if file.kind != "document"]
            facts = {fact.id: fact for file in files for fact in parse_facts(file.id, file.read())[0]}
            lines = rows(dalil, facts, cases)
    OUTPUT.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    asked = [line for line in lines if "question" in line]
    judged = [passage for line in asked for passage in line["passages"]]
    print(
        f"{len(asked)} of {len(cases)} questions, {len(judged)} passages, {sum(p['right'] for p in judged)} right, "
        f"{len(lines) - len(asked)} texts, {OUTPUT.stat().st_size / 1024:.0f} KB in {OUTPUT}"
    )


if __name__ == "__main__":
    main()
