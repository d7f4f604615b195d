"""One strict object from arguments, variables and ``dalil.toml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings, default_knowledge_dir, shipped_knowledge_dir


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_serve_the_shipped_knowledge_base():
    settings = Settings()
    assert settings.knowledge_dir == shipped_knowledge_dir()
    assert (shipped_knowledge_dir() / "documents").is_dir()
    assert (settings.host, settings.port, settings.embedding_model) == ("127.0.0.1", 7860, "multilingual-e5-small")


def test_a_local_knowledge_folder_comes_first(tmp_path: Path):
    (tmp_path / "knowledge").mkdir()
    assert default_knowledge_dir() == Path("knowledge")


def test_arguments_win_over_variables_and_these_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dalil.toml").write_text('port = 1\nhost = "127.0.0.2"\nanswer_threshold = 0.25\n')
    monkeypatch.setenv("DALIL_PORT", "2")
    monkeypatch.setenv("DALIL_HOST", "127.0.0.3")
    settings = Settings(port=3)
    assert (settings.port, settings.host, settings.answer_threshold) == (3, "127.0.0.3", 0.25)


def test_unknown_names_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SettingsError, match=r"setting 'prot': .*; known settings: answer_threshold, "):
        Settings(prot=1)
    monkeypatch.setenv("DALIL_PROT", "1")
    with pytest.raises(SettingsError, match="unknown variable DALIL_PROT; known: DALIL_ANSWER_THRESHOLD, "):
        Settings()
    monkeypatch.delenv("DALIL_PROT")
    (tmp_path / "dalil.toml").write_text("prot = 1\n")
    with pytest.raises(SettingsError, match="setting 'prot'"):
        Settings()


@pytest.mark.parametrize(("name", "value"), [("port", 70_000), ("port", "many"), ("answer_threshold", 1.5)])
def test_bad_values_name_the_setting(name: str, value: object):
    with pytest.raises(SettingsError, match=f"setting '{name}'"):
        Settings(**{name: value})


def test_a_file_that_is_not_toml(tmp_path: Path):
    (tmp_path / "dalil.toml").write_text("port = \n")
    with pytest.raises(SettingsError, match=r"^dalil\.toml: "):
        Settings()


def test_each_knowledge_folder_has_an_index_of_its_own(tmp_path: Path):
    one, other = Settings(knowledge_dir=tmp_path / "a"), Settings(knowledge_dir=tmp_path / "b")
    assert one.index_dir != other.index_dir
    assert one.index_dir == Settings(knowledge_dir=tmp_path / "a").index_dir
    assert Settings(data_dir=tmp_path / "d").index_dir == tmp_path / "d"


def test_settings_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        Settings().port = 1  # type: ignore[misc]
