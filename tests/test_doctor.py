"""What works and what does not, in the order things depend on each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import doctor
from assistant.doctor import diagnose
from assistant.errors import DalilError
from assistant.settings import Settings
from tests import llm_server
from tests.llm_server import model_server


def test_a_healthy_installation(shipped):
    shipped_settings = shipped.settings
    findings = {finding.subject: finding for finding in diagnose(shipped_settings)}
    assert findings["versions"].ok
    assert "chromadb 1.5" in findings["versions"].detail
    assert findings["knowledge"].ok
    assert findings["model"].ok
    # the session's own assistant holds the index
    assert not findings["index"].ok
    assert "is in use by another dalil process" in findings["index"].detail


def test_what_is_missing_names_the_next_command(tmp_path: Path, tiny_model_dir: Path, tiny_cache: Path):
    (tmp_path / "k").mkdir()
    settings = Settings(
        knowledge_dir=tmp_path / "k", data_dir=tmp_path / "d", cache_dir=tiny_cache, embedding_model=str(tiny_model_dir)
    )
    findings = {finding.subject: finding for finding in diagnose(settings)}
    assert findings["knowledge"].detail.endswith("holds no documents; add some, then run: dalil sync")
    assert findings["model"].ok
    assert findings["index"].detail.endswith("is empty; run: dalil sync")


def test_a_model_that_cannot_be_loaded(tmp_path: Path, knowledge: Path):
    settings = Settings(knowledge_dir=knowledge, data_dir=tmp_path / "d", embedding_model="no-such/model")
    findings = {finding.subject: finding for finding in diagnose(settings)}
    assert findings["knowledge"].ok
    assert not findings["model"].ok
    assert "cannot be loaded" in findings["model"].detail


def test_a_language_model_that_runs_here_is_found(monkeypatch: pytest.MonkeyPatch):
    with model_server() as server:
        port = int(server.url.split(":")[2].split("/")[0])
        monkeypatch.setattr(doctor, "_SERVERS", {port: "Ollama"})
        found = doctor._language_model(Settings())
        assert found == (
            f'none set; found Ollama at {server.url}: put llm_base_url = "{server.url}" and llm_model = "test-model" '
            "into dalil.toml"
        )
        assert server.requests == []
    assert doctor._language_model(Settings()).startswith("none set: answers are the sources' own sentences")


def test_the_language_model_that_is_set_is_asked():
    with model_server() as server:
        settings = Settings(llm_base_url=server.url, llm_model="test-model", llm_timeout=5)
        server.behaviour = lambda messages: iter(["yes"])
        assert doctor._language_model(settings).startswith(f"test-model at {server.url} answers in 0.")
        server.behaviour = lambda messages: iter([])
        with pytest.raises(DalilError, match="says nothing; choose another llm_model"):
            doctor._language_model(settings)
        server.behaviour = llm_server.fails(llm_server.StatusError(401))
        with pytest.raises(DalilError, match=r"does not answer: .*; start the server, or correct llm_base_url"):
            doctor._language_model(settings)
