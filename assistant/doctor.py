"""What works on this machine, what does not, and the next command."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from assistant import models
from assistant.assistant import Assistant
from assistant.encoder import Encoder
from assistant.errors import DalilError
from assistant.knowledge import check
from assistant.reranker import CrossModel, calibration_file
from assistant.settings import Settings

_PACKAGES = (
    "chromadb",
    "gradio",
    "llama-index-core",
    "mcp",
    "onnxruntime",
    "sentence-transformers",
    "tantivy",
    "torch",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    detail: str


def diagnose(settings: Settings) -> list[Finding]:
    """Look at versions, the knowledge folder, the models and the index, in the order they depend on."""
    name = settings.reranker_model
    return [
        _look("versions", _versions),
        _look("knowledge", lambda: _knowledge(settings)),
        _look("model", lambda: _model(settings)),
        *([_look("reranker", lambda: _reranker(name, settings))] if name else []),
        _look("index", lambda: _index(settings)),
    ]


def _look(subject: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, examine())
    except DalilError as error:
        return Finding(subject, False, str(error))


def _versions() -> str:
    missing = []
    found = [f"dalil {metadata.version('dalil')}", f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise DalilError(f"missing {', '.join(missing)}; run: pip install --force-reinstall dalil")
    return ", ".join(found)


def _knowledge(settings: Settings) -> str:
    report = check(settings.knowledge_dir)
    if report.problems:
        raise DalilError(f"{settings.knowledge_dir}: {len(report.problems)} problems; run: dalil check")
    if not report.documents:
        raise DalilError(f"{settings.knowledge_dir} holds no documents; add some, then run: dalil sync")
    return f"{settings.knowledge_dir}: {report.documents} documents, {report.facts} facts, all valid"


def _model(settings: Settings) -> str:
    model = models.prepare(settings.embedding_model, settings.cache_dir)
    encoder = Encoder(model)
    encoder.encode_queries(["ما الدليل؟"])
    return f"{model.name} ({model.dimension} dimensions) in {model.path}"


def _reranker(name: str, settings: Settings) -> str:
    model = CrossModel(name)
    model.scores("ما الدليل؟", ["الدليل هو المرشد."])
    file = calibration_file(name, settings.cache_dir)
    return f"{name}, " + (f"calibrated in {file}" if file.is_file() else "to be calibrated when it is first used")


def _index(settings: Settings) -> str:
    # Neither the index nor this look at it needs a reranker, whose calibration can take minutes.
    with Assistant(settings.model_copy(update={"reranker_model": None})) as dalil:
        passages = dalil.passage_count()
    if not passages:
        raise DalilError(f"{settings.index_dir} is empty; run: dalil sync")
    return f"{settings.index_dir}: {passages} passages"
