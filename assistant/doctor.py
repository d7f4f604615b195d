"""What works on this machine, what does not, and the next command."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import urlsplit

import httpx

from assistant import models
from assistant.assistant import Assistant
from assistant.encoder import Encoder
from assistant.errors import DalilError
from assistant.knowledge import check
from assistant.llm import ModelFailedError, open_model, read
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
        _look("language model", lambda: _language_model(settings)),
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


_SERVERS = {11434: "Ollama", 8080: "llama.cpp", 1234: "LM Studio", 8000: "vLLM"}
"""Ports of this machine where servers of language models usually are."""
_PROBE_SECONDS = 0.5


def _language_model(settings: Settings) -> str:
    """Ask the model that is set for a word, or say how to set one that runs here."""
    model = open_model(settings)
    if model is None:
        found = [server for port, name in _SERVERS.items() if (server := _server(port, name))]
        if not found:
            return (
                "none set: answers are the sources' own sentences (a local server, such as Ollama, would be found here)"
            )
        return "none set; found " + "; ".join(found)
    from llama_index.core.llms import ChatMessage  # takes seconds to import

    begun = time.perf_counter()
    asked = [ChatMessage(role="user", content="Say: yes")]
    try:
        said = next((part for part in read(model, asked, time.monotonic() + settings.llm_timeout) if part.strip()), "")
    except ModelFailedError as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        hint = "" if urlsplit(settings.llm_base_url or "").path.strip("/") else " (most addresses end in /v1)"
        raise DalilError(
            f"{settings.llm_model} at {settings.llm_base_url} does not answer: {models.reason(cause)}; start the "
            f"server, or correct llm_base_url{hint}, llm_model and llm_api_key"
        ) from error
    if not said:
        raise DalilError(f"{settings.llm_model} at {settings.llm_base_url} says nothing; choose another llm_model")
    return f"{settings.llm_model} at {settings.llm_base_url} answers in {time.perf_counter() - begun:.1f} s"


def _server(port: int, name: str) -> str | None:
    """A server on a port of this machine, with the lines that set it; None where nothing of the kind is there."""
    address = f"http://127.0.0.1:{port}/v1"
    try:
        listed = httpx.get(f"{address}/models", timeout=_PROBE_SECONDS, trust_env=False).json()["data"]
        names = [str(model["id"]) for model in listed]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
    if not names:
        return f"{name} at {address} without a model"
    lines = f'llm_base_url = "{address}" and llm_model = "{names[0]}"'
    more = f" (or {', '.join(names[1:6])})" if names[1:] else ""
    return f"{name} at {address}: put {lines} into dalil.toml{more}"
