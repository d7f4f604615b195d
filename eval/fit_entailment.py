"""Train ``assistant/data/entailment.npz``, the network that reads a sentence and its evidence together.

    python -m eval.fit_entailment [--keep | --more FACTS] [--write] [--cache FOLDER]

It learns from the facts of ``support/facts.jsonl`` and the fit topics of ``support/cases.jsonl``. The topics whose
split is ``calibrate`` say what its word counts beside that of the rules (``fit_support``, to be run before): both would
seem better on the fit topics than they are. They set the thresholds, too: in each language the same share of what is
supported is refused as is let through of the main kinds of errors. A tenth of the facts is held out to report on;
``python -m eval support`` measures the topics that none of this saw.

The shipped networks were trained on all facts but the last 1,329 and then, with ``--more``, on 636 of these with the
1,600 before them, and on the last 1,993.
"""

from __future__ import annotations

import argparse
import math
import os
import pickle
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

from assistant import Settings
from assistant.encoder import Encoder
from assistant.entailment import BESIDE, FARTHEST, KINDS, LINKS, POSITIONS, Network, Pair, arabic, crosses
from assistant.models import prepare
from assistant.ranking import probability
from assistant.support import Findings, SupportChecker, shipped_support_model
from eval.entailment_data import Example, examples, load_facts
from eval.fit_support import CAUGHT, DATA
from eval.support_cases import MAIN_KINDS, load_support_cases

OUTPUT = DATA / "entailment.npz"
STARTS = 2
"""Networks that are trained from different random numbers."""
EPOCHS, EPOCHS_MORE = 4, 2
BATCH = 64
RATE, RATE_MORE = 6e-4, 2e-4
"""Of training anew, and of going on with the shipped networks."""
DECAY = 0.05
DROPPED = 0.2
DROPPED_INPUTS = 0.1
SIZE, HEADS, LAYERS, INNER = 128, 4, 2, 256
CASE_WEIGHT = 2.0
"""What a case counts beside a claim of a fact: it is nearer to what models write."""
_WARM_UP = 200
_SMOOTHING = 0.02
"""How far a label is from certain: some are wrong."""
_CHUNK = 400
DECIDED = -30.0
"""Log odds of a sentence that is refused whatever else is found."""


# --- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """An example as the check reads it."""

    example: Example
    pair: Pair
    decided: bool
    """Whether a quantity or a sentence that says nothing decides alone."""
    findings: Findings | None
    """Of a case; a claim of a fact needs none."""


@lru_cache(maxsize=1)
def _checker() -> SupportChecker:
    settings = Settings()
    return SupportChecker(Encoder(prepare(settings.embedding_model, settings.cache_dir), threads=1))


def _read(chunk: Sequence[Example]) -> list[Read]:
    checker = _checker()
    reads = []
    for example in chunk:
        found = checker.findings(example.sentence, example.evidence)
        of_case = found if example.weight == CASE_WEIGHT else None
        reads.append(Read(example, found.read, bool(found.decisive), of_case))
    return reads


def read_all(held: Sequence[Example], cache: Path | None) -> list[Read]:
    """Read all examples, a chunk a process at a time; with a folder, what was read before is taken from there."""
    chunks = [held[at : at + _CHUNK] for at in range(0, len(held), _CHUNK)]
    done: list[Read] = []
    started = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = []
        for chunk in chunks:
            file = cache / f"{_digest(chunk)}.pickle" if cache else None
            waiting.append((file, None if file and file.exists() else pool.submit(_read, chunk)))
        for file, future in waiting:
            if future is None:
                assert file
                part = pickle.loads(file.read_bytes())
            else:
                part = future.result()
                if file:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(pickle.dumps(part))
            done += part
            print(f"\rread {len(done)} of {len(held)}, {time.monotonic() - started:.0f} s", end="", flush=True)
    print()
    return done


def _digest(chunk: Sequence[Example]) -> str:
    """Of what is read and of everything that reads it."""
    return sha256(repr([(one.sentence, one.evidence) for one in chunk]).encode() + _reading()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _reading() -> bytes:
    files = [*sorted(DATA.parent.glob("*.py")), DATA / "lexicon.txt", DATA / "support.json"]
    return sha256(b"".join(file.read_bytes() for file in files)).digest()


Weights = dict[str, NDArray[np.float16]]
"""Of one network, by name."""


# --- the network -------------------------------------------------------------------------------------


class Layer(nn.Module):
    """Attention and a feed-forward layer, each after a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(SIZE, 3 * SIZE), nn.Linear(SIZE, SIZE)
        self.inner = nn.ModuleList([nn.Linear(SIZE, INNER), nn.Linear(INNER, SIZE)])
        self.norm0, self.norm1 = nn.LayerNorm(SIZE), nn.LayerNorm(SIZE)
        self.links, self.distance = nn.Linear(LINKS, HEADS), nn.Embedding(2 * FARTHEST + 1, HEADS)
        self.dropout = nn.Dropout(DROPPED)
        with torch.no_grad():
            # Half of the heads look at like words of the other text from the start, half at their own text.
            self.distance.weight.mul_(0.1)
            self.links.weight.mul_(0.1)
            self.links.bias.zero_()
            half = HEADS // 2
            self.links.weight[:half] += torch.tensor([3.0, 0.0, 1.0, 6.0])
            self.links.weight[half:, 2] -= 3.0

    def forward(self, x: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Words after this layer, shape (pairs, words, ``SIZE``)."""
        count, words, _ = x.shape
        query, key, value = (
            self.qkv(self.norm0(x)).view(count, words, 3, HEADS, SIZE // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(SIZE // HEADS)
        scores = scores + self.links(batch.links).permute(0, 3, 1, 2)
        scores = scores + (self.distance(batch.distance) * (1 - batch.links[..., 2:3])).permute(0, 3, 1, 2)
        scores = scores.masked_fill(~batch.held[:, None, None, :], -1e4).softmax(-1)
        x = x + self.dropout(self.out((scores @ value).transpose(1, 2).reshape(count, words, SIZE)))
        inner = self.dropout(functional.gelu(self.inner[0](self.norm1(x)), approximate="tanh"))
        moved: torch.Tensor = x + self.dropout(self.inner[1](inner))
        return moved


class Trainable(nn.Module):
    """``entailment.Network`` with gradients; the names are the same."""

    def __init__(self, dimension: int, findings: int) -> None:
        super().__init__()
        self.words, self.kinds = nn.Linear(dimension, SIZE), nn.Linear(len(KINDS), SIZE)
        self.beside, self.places = nn.Linear(len(BESIDE), SIZE), nn.Embedding(POSITIONS, SIZE)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(SIZE)
        self.cost, self.price = nn.Linear(SIZE, 1), nn.Linear(len(BESIDE), 1)
        last = nn.Linear(SIZE, 1)
        self.whole = nn.ModuleList([nn.Linear(2 * SIZE, SIZE), last])
        self.findings = nn.Linear(findings, 1)
        self.dropout, self.input_dropout = nn.Dropout(DROPPED), nn.Dropout(DROPPED_INPUTS)
        with torch.no_grad():
            self.places.weight.mul_(0.1)
            self.price.bias.fill_(-2.0)
            for weight in (self.cost.weight, last.weight):
                weight.zero_()

    def forward(self, batch: Batch) -> torch.Tensor:
        """Log odds of each pair."""
        priced = batch.content.float()[..., None]
        x = self.words(self.input_dropout(batch.vectors)) + self.kinds(batch.kinds) + self.places(batch.places)
        x = x + self.beside(batch.beside) * priced
        for layer in self.layers:
            x = layer(x, batch)
        x = self.norm(x)
        costs = functional.softplus(self.price(batch.beside) + self.cost(self.dropout(x))) * priced
        mean = (x * priced).sum(1) / priced.sum(1).clamp(min=1)
        largest = x.masked_fill(priced == 0, -1e4).amax(1)
        largest = largest.masked_fill(largest == -1e4, 0)  # a sentence that says nothing
        pooled = self.dropout(torch.cat([mean, largest], 1))
        whole = self.whole[1](self.dropout(functional.gelu(self.whole[0](pooled), approximate="tanh")))
        logits: torch.Tensor = (whole + self.findings(batch.findings))[:, 0] - costs.sum((1, 2))
        return logits


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pairs, filled up to the longest."""

    vectors: torch.Tensor
    kinds: torch.Tensor
    beside: torch.Tensor
    content: torch.Tensor
    held: torch.Tensor
    """Where there is a word."""
    links: torch.Tensor
    distance: torch.Tensor
    places: torch.Tensor
    findings: torch.Tensor


@dataclass(frozen=True, slots=True)
class Scales:
    """Means and deviations of the features, which the weights take in when training is over."""

    beside: tuple[NDArray[np.float32], NDArray[np.float32]]
    findings: tuple[NDArray[np.float32], NDArray[np.float32]]


def scales(pairs: Sequence[Pair]) -> Scales:
    """Over the words that say something, and the sentences."""

    def of(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)

    return Scales(
        of(np.concatenate([pair.beside[pair.content] for pair in pairs])),
        of(np.array([pair.findings for pair in pairs])),
    )


def batch_of(pairs: Sequence[Pair], of: Scales) -> Batch:
    """Pairs as tensors."""
    count, words = len(pairs), max(len(pair.kinds) for pair in pairs)
    dimension = pairs[0].said.shape[1]
    vectors = np.zeros((count, words, dimension), dtype=np.float32)
    kinds = np.zeros((count, words, len(KINDS)), dtype=np.float32)
    beside = np.zeros((count, words, len(BESIDE)), dtype=np.float32)
    content = np.zeros((count, words), dtype=np.bool_)
    held = np.zeros((count, words), dtype=np.bool_)
    links = np.zeros((count, words, words, LINKS), dtype=np.float32)
    places = np.zeros((count, words), dtype=np.int64)
    for at, pair in enumerate(pairs):
        here, both = len(pair.said), len(pair.kinds)
        vectors[at, :here], vectors[at, here:both] = pair.said, pair.held
        kinds[at, :both], places[at, :both], held[at, :both] = pair.kinds, pair.places, True
        beside[at, :here] = (pair.beside - of.beside[0]) / of.beside[1]
        content[at, :here] = pair.content
        for link, values in enumerate((pair.equal, pair.opposed, np.ones_like(pair.equal))):
            links[at, :here, here:both, link] = values
            links[at, here:both, :here, link] = np.transpose(values)
    known = torch.from_numpy(vectors)
    linked = torch.from_numpy(links)
    linked[..., 3] = (known @ known.transpose(1, 2)) * linked[..., 2]
    distance = np.clip(places[:, :, None] - places[:, None, :], -FARTHEST, FARTHEST) + FARTHEST
    findings = (np.array([pair.findings for pair in pairs]) - of.findings[0]) / of.findings[1]
    return Batch(
        known * math.sqrt(dimension),
        torch.from_numpy(kinds),
        torch.from_numpy(beside),
        torch.from_numpy(content),
        torch.from_numpy(held),
        linked,
        torch.from_numpy(distance),
        torch.from_numpy(np.minimum(places, POSITIONS - 1)),
        torch.from_numpy(findings),
    )


def train(reads: Sequence[Read], of: Scales, seed: int, begun: Weights | None = None) -> Trainable:
    """A network trained on ``reads``; both outcomes count the same.

    Args:
        reads: the examples.
        of: means and deviations of the features.
        seed: of all that is random.
        begun: weights to go on from.
    """
    torch.manual_seed(seed)
    order = random.Random(seed)
    first = reads[0].pair
    model = Trainable(first.said.shape[1], len(first.findings))
    rate, epochs = RATE, EPOCHS
    if begun:
        rate, epochs = RATE_MORE, EPOCHS_MORE
        model.load_state_dict(begun_with(begun, of))
    labels = np.array([read.example.supported for read in reads], dtype=np.float32)
    share = labels.mean()
    weights = np.array([read.example.weight for read in reads], dtype=np.float32)
    weights *= np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
    matrices = [value for value in model.parameters() if value.ndim > 1]
    others = [value for value in model.parameters() if value.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}])
    steps, step = epochs * math.ceil(len(reads) / BATCH), 0
    started = time.monotonic()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in _batches([len(read.pair.kinds) for read in reads], order):
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / _WARM_UP) * max(0.02, 1 - step / steps)
            wanted = torch.from_numpy(labels[rows] * (1 - 2 * _SMOOTHING) + _SMOOTHING)
            logits = model(batch_of([reads[row].pair for row in rows], of))
            loss = functional.binary_cross_entropy_with_logits(logits, wanted, torch.from_numpy(weights[rows]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            total += float(loss.detach()) * len(rows)
        seconds = time.monotonic() - started
        print(f"start {seed}, epoch {epoch + 1}: loss {total / len(reads):.4f}, {seconds:.0f} s", flush=True)
    return model.eval()


def _batches(lengths: Sequence[int], order: random.Random) -> Iterator[NDArray[np.int_]]:
    """Rows of like length together, in random order."""
    rows = list(range(len(lengths)))
    order.shuffle(rows)
    found = []
    for at in range(0, len(rows), BATCH * 16):
        near = sorted(rows[at : at + BATCH * 16], key=lengths.__getitem__)
        found += [np.array(near[start : start + BATCH]) for start in range(0, len(near), BATCH)]
    order.shuffle(found)
    yield from found


def begun_with(weights: Weights, of: Scales) -> dict[str, torch.Tensor]:
    """The state of a network over scaled features from weights over features as they are."""
    found = {name: value.astype(np.float64) for name, value in weights.items()}
    for name, (mean, deviation) in (("beside", of.beside), ("price", of.beside), ("findings", of.findings)):
        found[f"{name}.bias"] += found[f"{name}.weight"] @ mean
        found[f"{name}.weight"] *= deviation
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in found.items()}


def weights_of(model: Trainable, of: Scales) -> Weights:
    """Weights by name, over features as they are."""
    found = {name: value.detach().numpy().astype(np.float64) for name, value in model.state_dict().items()}
    for name, (mean, deviation) in (("beside", of.beside), ("price", of.beside), ("findings", of.findings)):
        found[f"{name}.weight"] /= deviation
        found[f"{name}.bias"] -= found[f"{name}.weight"] @ mean
    return {name: value.astype(np.float16) for name, value in found.items()}


def train_starts(reads: Sequence[Read], of: Scales, begun: Sequence[Weights | None]) -> list[Weights]:
    """Weights of networks, each trained by a process of its own that shares the memory of ``reads``.

    Args:
        reads: the examples.
        of: means and deviations of the features.
        begun: what each network goes on from; None for a new one.
    """

    def one(seed: int, pipe: Connection) -> None:
        torch.set_num_threads(1)
        pipe.send(weights_of(train(reads, of, seed, begun[seed]), of))

    context = get_context("fork")
    pipes = []
    for seed in range(len(begun)):
        here, there = context.Pipe(duplex=False)
        context.Process(target=one, args=(seed, there), daemon=True).start()
        there.close()  # so that an end without weights is seen
        pipes.append(here)
    return [pipe.recv() for pipe in pipes]


def shipped_weights() -> list[Weights]:
    """Weights of the networks that ship with Dalil."""
    with np.load(OUTPUT) as held:
        starts = sorted({name.partition(".")[0] for name in held.files if name[0].isdigit()})
        return [
            {name.partition(".")[2]: held[name] for name in held.files if name.startswith(f"{start}.")}
            for start in starts
        ]


# --- the whole ---------------------------------------------------------------------------------------


def cases(split: str) -> list[Example]:
    """The cases of a split."""
    return [
        Example(case.topic, case.sentence, tuple(case.evidence), case.supported, case.kind, CASE_WEIGHT)
        for case in load_support_cases()
        if case.split == split
    ]


def every(groups: Sequence[str], nth: int) -> set[str]:
    """Every ``nth`` of the groups by name."""
    return set(sorted(set(groups))[::nth])


def trained_networks(cache: Path | None, more: int) -> list[Weights]:
    """Train, and report on the facts that were held out.

    Args:
        cache: where what is read is kept.
        more: go on with the shipped networks on so many facts, the last ones; 0 to train new ones on all.
    """
    of_cases = read_all(cases("fit"), cache)
    measured = {case.topic for case in load_support_cases() if case.split != "fit"}
    facts = list(examples(load_facts()[-more:]))
    of_facts = [read for read in read_all(facts, cache) if read.example.group not in measured]
    reporting = every([read.example.group for read in of_facts], 10)
    # What a quantity decides needs no network, and would teach it that nothing else was wrong.
    training = [read for read in (*of_cases, *of_facts) if read.example.group not in reporting and not read.decided]
    of = scales([read.pair for read in training])
    print(f"{len(training)} examples")
    trained = train_starts(training, of, shipped_weights() if more else [None] * STARTS)
    networks = [Network(weights) for weights in trained]
    held_out = [read for read in of_facts if read.example.group in reporting]
    labels, logits, decided = judged(held_out, networks)
    show("facts held out", labels, np.where(decided, DECIDED, logits))
    return trained


def judged(
    held: Sequence[Read], networks: Sequence[Network]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
    """Labels, mean log odds, and what is decided without a network."""
    labels = np.array([read.example.supported for read in held])
    logits = np.array([np.mean([network.logit(read.pair) for network in networks]) for read in held])
    return labels, logits, np.array([read.decided for read in held])


def mixed(
    inputs: NDArray[np.float64],
    across: NDArray[np.bool_],
    labels: NDArray[np.bool_],
    decided: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``EntailmentModel.mix``, and the log odds of each case with it; ``inputs`` are what it counts, a row a case."""
    mix = np.zeros((2, inputs.shape[1] + 1))
    for pair in (False, True):
        rows = ~decided & (across == pair)
        model = LogisticRegression(C=10.0, class_weight="balanced").fit(inputs[rows], labels[rows])
        mix[int(pair)] = [*model.coef_[0], model.intercept_[0]]
    both = (np.column_stack([inputs, np.ones(len(inputs))]) * mix[across.astype(int)]).sum(axis=1)
    return mix, np.where(decided, DECIDED, both)


def balanced_threshold(good: NDArray[np.float64], bad: NDArray[np.float64]) -> float:
    """The threshold, to four places, that refuses the same share of ``good`` as it lets through of ``bad``.

    Where no place gives the same, the one that comes nearest, of several the lowest.
    """
    places = np.unique(np.floor(np.concatenate([good, bad]) * 1e4) / 1e4)
    refused = np.searchsorted(np.sort(good), places) / len(good)
    passed = 1 - np.searchsorted(np.sort(bad), places) / len(bad)
    return float(places[np.abs(refused - passed).argmin()])


def show(name: str, labels: NDArray[np.bool_], logits: NDArray[np.float64]) -> None:
    """Area under the curve, and what is refused where nine tenths are caught."""
    threshold = np.quantile(logits[~labels], CAUGHT)
    refused = (logits[labels] < threshold).mean()
    print(f"{name:32} {len(labels):6}  area {roc_auc_score(labels, logits):.3f}  refused {refused:.3f} at {CAUGHT:.0%}")


def main() -> None:
    """Train, report and, with ``--write``, replace the shipped network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--keep", action="store_true", help="keep the shipped networks, set weights and thresholds only")
    how.add_argument(
        "--more",
        type=int,
        default=0,
        metavar="FACTS",
        help="go on with the shipped networks on so many facts, the last ones, instead of training new ones on all",
    )
    parser.add_argument("--cache", type=Path, help="keep what was read of the examples in this folder")
    arguments = parser.parse_args()
    trained = shipped_weights() if arguments.keep else trained_networks(arguments.cache, arguments.more)
    networks = [Network(weights) for weights in trained]
    calibrating = read_all(cases("calibrate"), arguments.cache)
    labels, logits, decided = judged(calibrating, networks)
    odds = np.array([shipped_support_model().logit(read.findings) for read in calibrating if read.findings])
    signs = np.array([read.findings.signs for read in calibrating if read.findings])
    across = np.array([crosses(read.pair) for read in calibrating])
    mix, both = mixed(np.column_stack([logits, odds, signs]), across, labels, decided)
    show("calibrating cases, rules", labels, np.where(decided, DECIDED, odds))
    show("calibrating cases, network", labels, np.where(decided, DECIDED, logits))
    show("calibrating cases, both", labels, both)
    for pair, weights in zip(("same language", "other language"), mix, strict=True):
        print(f"{pair}: network {weights[0]:.3f}, rules {weights[1]:.3f}, signs", *weights[2:-1].round(3))
    # The rarer kinds are seen too badly to have a say: to catch them, what is supported would have to be refused.
    main_kinds = np.array([read.example.kind in MAIN_KINDS for read in calibrating])
    in_arabic = np.array([arabic(read.pair) for read in calibrating])
    thresholds = []
    for language, rows in (("English", ~in_arabic), ("Arabic", in_arabic)):
        good, bad = probability(both[rows & labels]), probability(both[rows & main_kinds])
        thresholds.append(balanced_threshold(good, bad))
        refused, passed = (good < thresholds[-1]).mean(), (bad >= thresholds[-1]).mean()
        print(f"{language}: threshold {thresholds[-1]}, refused {refused:.3f}, let through {passed:.3f}")
    if arguments.write:
        values = {f"{start}.{name}": value for start, weights in enumerate(trained) for name, value in weights.items()}
        np.savez_compressed(
            OUTPUT,
            **cast("dict[str, Any]", values),
            mix=mix,
            thresholds=np.array(thresholds),
            encoder=shipped_support_model().encoder,
        )


if __name__ == "__main__":
    main()
