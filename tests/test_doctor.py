"""What works and what does not, in the order things depend on each other."""

from __future__ import annotations

from pathlib import Path

from assistant.doctor import diagnose
from assistant.settings import Settings


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
