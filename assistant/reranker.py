"""A cross-encoder reads question and passage together; its score becomes part of the same probability.

Scores of two models cannot be compared: some are logits, some lie between 0 and 1, some hardly move. A
small logistic model over the score and the logit of Dalil's own passage model makes log odds of them
that mean what Dalil's own mean. It is fitted once for each reranker, on the questions and passages of
``data/calibration.jsonl`` (written by ``eval/make_calibration.py``), and kept in ``cache_dir/rerankers``.

PyTorch and sentence-transformers are imported only where a reranker is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from assistant.errors import ModelError
from assistant.models import Progress, fingerprint_of, quiet_libraries, reason, silent
from assistant.ranking import Features, Logistic, probability
from assistant.text import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_TOKENS = 512
"""Of a question and a passage together: more than any passage needs, and what most cross-encoders were trained on."""

_RIDGE = 0.1
"""Penalty on half the square of each standardised weight: next to nothing where the data speak.

The same as that of the ranking models, scikit-learn's C = 10."""

_STEPS = 50
_STEPS_OF_CALIBRATION = 4
"""How often a calibration tells how far it is."""


def reranker_features(own: float, score: float, cross: bool) -> Features:
    """Inputs of the calibration.

    Args:
        own: logit of Dalil's passage model.
        score: what the cross-encoder says.
        cross: whether question and passage are in different languages.
    """
    return {"own": own, "score": score, "cross": float(cross)}


class CrossModel:
    """Any sentence-transformers cross-encoder with one or two labels. Safe to use from several threads."""

    def __init__(self, name: str) -> None:
        """Load a model.

        Args:
            name: a folder, or a name that sentence-transformers can load.

        Raises:
            ModelError: it cannot be loaded or does not score pairs.
        """
        self.name = name
        self._guard = threading.Lock()
        try:
            with quiet_libraries():
                self._model = _load(name)
        except ModelError:
            raise
        except ImportError as error:
            raise ModelError(
                f"reranker_model '{name}' needs {error.name or error}: pip install --force-reinstall dalil"
            ) from error
        except Exception as error:  # many kinds, by model type, file format and network
            raise ModelError(
                f"reranker_model '{name}' cannot be loaded ({reason(error)}); "
                "give a folder with a cross-encoder of sentence-transformers, or leave it out"
            ) from error

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers, as the model's own logits: the higher the better, on no common scale.

        One pair a call: padding costs more than batching gains on a CPU, and a score does not depend on
        what else is scored.

        Raises:
            ModelError: the model gives something else than numbers.
        """
        if not texts:
            return np.zeros(0)
        import torch

        asked = normalise(question)
        pairs = [(asked, normalise(text)) for text in texts]
        with self._guard:
            output = self._model.predict(
                pairs, batch_size=1, show_progress_bar=False, activation_fn=torch.nn.Identity()
            )
        logits = np.asarray(output, dtype=np.float64).reshape(len(texts), -1)
        scores: NDArray[np.float64] = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        if not np.isfinite(scores).all():
            raise ModelError(f"reranker_model '{self.name}' gives scores that are no numbers; choose another")
        return scores


def _load(name: str) -> Any:
    from sentence_transformers import CrossEncoder

    # Float32 whatever the file holds: half precision is slow on a CPU.
    model = CrossEncoder(name, device="cpu", model_kwargs={"dtype": "float32"})
    if model.num_labels > 2:
        raise ModelError(
            f"reranker_model '{name}' has {model.num_labels} labels; "
            "choose a cross-encoder with one (a score) or two (wrong, right)"
        )
    kinds = getattr(getattr(model.model, "config", None), "architectures", None) or [""]
    if len(model) == 1 and not kinds[0].endswith("ForSequenceClassification"):
        # transformers would put a random head on it
        raise ModelError(
            f"reranker_model '{name}' is no cross-encoder but {kinds[0] or 'something else'}: it has no trained "
            "score; choose a model for reranking, or give this one as embedding_model"
        )
    model.max_seq_length = min(int(model.max_seq_length or _MAX_TOKENS), _MAX_TOKENS)
    return model


@dataclass(frozen=True, slots=True)
class Reranker:
    """A cross-encoder with its calibration. Safe to use from several threads."""

    model: CrossModel
    calibration: Logistic

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """The model's own scores, shape (len(texts),); ``texts`` are what the encoder reads of passages."""
        return self.model.scores(question, texts)

    def calibrated(
        self, own: Sequence[float], scores: Sequence[float] | NDArray[np.float64], cross: Sequence[bool]
    ) -> NDArray[np.float64]:
        """Log odds that passages answer, from Dalil's own logits, these scores, and whether languages differ."""
        rows = [reranker_features(*row) for row in zip(own, map(float, scores), cross, strict=True)]
        return self.calibration.logits(rows)


def prepare_reranker(name: str, cache_dir: Path, progress: Progress = silent) -> Reranker:
    """The reranker ``name``, calibrating it first where that was not done yet.

    Args:
        name: a folder, or a name that sentence-transformers can load.
        cache_dir: per-user cache; created if missing.
        progress: told about a calibration; silent when it was done before.

    Raises:
        ModelError: the model cannot be used, its kept calibration is damaged, or the cache cannot be written.
    """
    model = CrossModel(name)
    file = calibration_file(name, cache_dir)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file():
            with FileLock(file.with_suffix(".lock")):
                if not file.is_file():
                    _keep(calibrate(model, calibration_data(), progress), name, file)
        return Reranker(model, _read(file))
    except OSError as error:
        raise ModelError(
            f"cannot keep the calibration of '{name}' in {cache_dir}: {error.strerror or error}; set DALIL_CACHE_DIR"
        ) from error


def calibration_file(name: str, cache_dir: Path) -> Path:
    """Where the calibration of a reranker is kept: one for each state of the model and of the data."""
    digest = hashlib.sha256(_shipped_data().encode()).hexdigest()
    return cache_dir / "rerankers" / f"{fingerprint_of(name, digest)}.json"


# --- the data ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage that Dalil found for a question, and whether it answers."""

    text: str
    """As the encoder reads it."""
    own: float
    """Logit of Dalil's passage model."""
    cross: bool
    right: bool


@dataclass(frozen=True, slots=True)
class CalibrationCase:
    """A question with passages, the most probable first; one at least is right unless nothing answers it."""

    question: str
    passages: tuple[Judged, ...]


@lru_cache(maxsize=1)
def _shipped_data() -> str:
    return resources.files("assistant").joinpath("data/calibration.jsonl").read_text(encoding="utf-8")


def calibration_data() -> list[CalibrationCase]:
    """The questions and passages that ship with Dalil.

    Lines of the file are ``{"text": …}``, numbered from 0 in this order, and after them
    ``{"question": …, "passages": [{"text": number, "own": …, "cross": …, "right": …}, …]}``.
    """
    lines = [json.loads(line) for line in _shipped_data().splitlines()]
    texts = [line["text"] for line in lines if "text" in line]
    return [
        CalibrationCase(
            line["question"], tuple(Judged(**{**row, "text": texts[row["text"]]}) for row in line["passages"])
        )
        for line in lines
        if "question" in line
    ]


# --- fitting -----------------------------------------------------------------------------------------


def calibrate(model: CrossModel, cases: Sequence[CalibrationCase], progress: Progress = silent) -> Logistic:
    """Fit what the scores of a model are worth beside Dalil's own logits."""
    rows: list[Features] = []
    labels: list[bool] = []
    told = 0
    for position, case in enumerate(cases):
        done = position * _STEPS_OF_CALIBRATION // len(cases)
        if position == 0 or done > told:
            told = done
            progress(f"Calibrating the reranker {model.name} (once): question {position + 1} of {len(cases)}")
        scores = model.scores(case.question, [passage.text for passage in case.passages])
        for passage, score in zip(case.passages, scores, strict=True):
            rows.append(reranker_features(passage.own, float(score), passage.cross))
            labels.append(passage.right)
    progress("The reranker is ready")
    return fit_logistic(rows, labels)


def fit_logistic(rows: Sequence[Features], labels: Sequence[bool]) -> Logistic:
    """The most likely logistic model, with a small ridge on the weights of the standardised features.

    Newton's method, which for this likelihood is iteratively reweighted least squares: Hastie, Tibshirani
    and Friedman (2009), "The Elements of Statistical Learning", 4.4.1. A step that does not improve is
    halved. The ridge keeps the weights finite where a feature tells right from wrong without error, and
    gives 0 to one that never changes.
    """
    names = list(rows[0])
    raw = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
    right = np.asarray(labels, dtype=np.float64)
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    matrix = np.column_stack([np.ones(len(raw)), (raw - mean) / spread])
    ridge = np.full(matrix.shape[1], _RIDGE)
    ridge[0] = 1e-9  # the intercept is free; not quite, for data with one answer only

    def loss(weights: NDArray[np.float64]) -> float:
        logits = matrix @ weights
        return float(np.logaddexp(0.0, logits).sum() - right @ logits + 0.5 * ridge @ np.square(weights))

    weights = np.zeros(matrix.shape[1])
    for _ in range(_STEPS):
        chance = probability(matrix @ weights)
        slope = matrix.T @ (right - chance) - ridge * weights
        bend = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        size, before = 1.0, loss(weights)
        while size > 1e-6 and loss(weights + size * step) > before:
            size /= 2
        weights = weights + size * step
        if float(np.abs(size * step).max()) < 1e-9:
            break
    scaled = weights[1:] / spread
    return Logistic(float(weights[0] - scaled @ mean), {n: float(w) for n, w in zip(names, scaled, strict=True)})


# --- keeping -----------------------------------------------------------------------------------------


def _keep(calibration: Logistic, name: str, file: Path) -> None:
    """Write in one step: whoever looks sees the whole file or none."""
    for leftover in file.parent.glob(f".{file.stem}-*"):  # of a killed process: we hold the lock
        leftover.unlink(missing_ok=True)
    values = {"name": name, "intercept": calibration.intercept, "weights": dict(calibration.weights)}
    handle, work = tempfile.mkstemp(prefix=f".{file.stem}-", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(values, stream, ensure_ascii=False, indent=2)
        Path(work).replace(file)
    finally:
        Path(work).unlink(missing_ok=True)


def _read(file: Path) -> Logistic:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        weights = {key: float(values["weights"][key]) for key in reranker_features(0.0, 0.0, False)}
        return Logistic(float(values["intercept"]), weights)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{file} is damaged ({reason(error)}): delete it and run again") from error
