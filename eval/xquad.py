"""Retrieval on XQuAD through ``Assistant.sync`` and ``Assistant.search``, and the speed of ``sync``.

    python -m eval.xquad [--benchmarks DIR]

Prints nDCG@10 for Arabic, for English and for the mixed store (even articles in Arabic only, odd ones in
English only, everything asked in both languages), then how fast the Arabic and English stores were synced
as a share of the encoder's own speed on the same texts, measured in the same run.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from assistant import Assistant, Settings
from eval.squad import BENCHMARKS, Paragraph, Question, find, mixed, write_folder
from eval.stores import encoder_seconds

DEPTH = 10


def ndcg(documents: Sequence[str], gold: str) -> float:
    """The nDCG@10 of a ranking of passages with one relevant document: each document counts at its best rank."""
    ranking = list(dict.fromkeys(documents))[:DEPTH]
    return 1 / math.log2(2 + ranking.index(gold)) if gold in ranking else 0.0


def run(name: str, paragraphs: Sequence[Paragraph], questions: Sequence[Question], speed: bool) -> None:
    """Index one store, ask all questions and print a line for each language of the answer."""
    with tempfile.TemporaryDirectory() as work:
        knowledge = Path(work) / "knowledge"
        write_folder(paragraphs, knowledge)
        with Assistant(Settings(knowledge_dir=knowledge, data_dir=Path(work) / "data")) as dalil:
            report = dalil.sync()
            scores: dict[str, list[float]] = {}
            for question in questions:
                gold = paragraphs[question.paragraph]
                hits = dalil.search(question.text, limit=3 * DEPTH)  # documents may have several passages
                value = ndcg([hit.document_id for hit in hits], f"{gold.id}.txt")
                scores.setdefault(f"{question.language}→{gold.language}", []).append(value)
            for direction, values in sorted(scores.items()):
                print(f"{name:8} {direction}  nDCG@10 {sum(values) / len(values):.4f}  ({len(values)} questions)")
            if speed:
                share = encoder_seconds(dalil, knowledge) / report.seconds
                print(f"{name:8} sync at {share:.0%} of the encoder's own speed ({report.passages} passages)")


def main() -> None:
    """Run every store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", type=Path, default=BENCHMARKS, help="folder with the SQuAD files")
    files = [("xquad.ar.json", "xquad", "ar"), ("xquad.en.json", "xquad", "en")]
    arabic, english = find(parser.parse_args().benchmarks, files)
    run("arabic", arabic.paragraphs, arabic.questions, speed=True)
    run("english", english.paragraphs, english.questions, speed=True)
    run("mixed", mixed(arabic, english), [*arabic.questions, *english.questions], speed=False)


if __name__ == "__main__":
    main()
