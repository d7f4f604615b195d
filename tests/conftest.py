"""What the tests share: real models (one of them tiny), real stores, no network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

os.environ["HF_HUB_OFFLINE"] = "1"
for _name in [name for name in os.environ if name.startswith("DALIL_") and name != "DALIL_CACHE_DIR"]:
    del os.environ[_name]

from assistant.encoder import Encoder
from assistant.models import PreparedModel, prepare
from assistant.settings import DEFAULT_EMBEDDING_MODEL, Settings, shipped_knowledge_dir
from tests.helpers import build_tiny_model, write_knowledge


@pytest.fixture(scope="session")
def prepared_model() -> PreparedModel:
    """The default model in the user's real cache: preparing it takes half a minute, once a machine."""
    return prepare(DEFAULT_EMBEDDING_MODEL, Settings().cache_dir)


@pytest.fixture(scope="session")
def encoder(prepared_model: PreparedModel) -> Encoder:
    return Encoder(prepared_model)


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real sentence-transformers model of a few thousand weights."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_encoder(tiny_model_dir: Path, tiny_cache: Path) -> Encoder:
    return Encoder(prepare(str(tiny_model_dir), tiny_cache))


@pytest.fixture(scope="session")
def tiny_dalil(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path, tiny_cache: Path, tiny_encoder: Encoder):
    """A real assistant with a tiny model over the small knowledge folder, which answers whatever it is asked."""
    from assistant import Assistant

    folder = tmp_path_factory.mktemp("tiny-dalil")
    write_knowledge(folder / "knowledge")
    settings = Settings(
        knowledge_dir=folder / "knowledge",
        data_dir=folder / "data",
        cache_dir=tiny_cache,
        embedding_model=str(tiny_model_dir),
        answer_threshold=0,
    )
    with Assistant(settings) as dalil:
        dalil.sync()
        yield dalil


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """A small knowledge folder of the test's own."""
    write_knowledge(tmp_path / "knowledge")
    return tmp_path / "knowledge"


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory, prepared_model: PreparedModel) -> Path:
    """The index of the shipped knowledge base, to be copied; made once, however many processes run the tests."""
    from assistant import Assistant

    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each of xdist's workers has a folder of its own below it
    whole, part = base / "shipped-index", base / "shipped-index.part"
    with FileLock(base / "shipped-index.lock"):
        if not whole.exists():
            with Assistant(Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=part)) as dalil:
                report = dalil.sync()
                assert not report.failed
            part.rename(whole)
    return whole


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory, shipped_index: Path):
    """An assistant over the shipped knowledge base."""
    from assistant import Assistant

    data = shutil.copytree(shipped_index, tmp_path_factory.mktemp("shipped") / "data")
    with Assistant(Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=data)) as dalil:
        yield dalil
