"""One strict object from arguments, variables and ``dalil.toml``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import assistant
from assistant.errors import SettingsError
from assistant.settings import Settings, default_knowledge_dir, shipped_knowledge_dir

NAMES = (
    "answer_threshold answers_at_once api_tokens cache_dir chroma_name chroma_token chroma_url data_dir "
    "embedding_model host knowledge_dir llm_api_key llm_base_url llm_context llm_model llm_timeout max_upload_mb port "
    "rate_limit reranker_model users"
).split()


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DALIL_CACHE_DIR", raising=False)  # tests may run with a cache of their own
    return tmp_path


def test_defaults_serve_the_shipped_knowledge_base():
    settings = Settings()
    assert settings.knowledge_dir == shipped_knowledge_dir()
    assert (settings.host, settings.port, settings.embedding_model) == ("127.0.0.1", 7860, "multilingual-e5-small")
    assert (settings.data_dir, settings.answer_threshold) == (None, 0.3)
    assert settings.cache_dir.is_absolute()


def test_the_shipped_knowledge_base_is_there():
    assert (shipped_knowledge_dir() / "documents").is_dir()
    assert (shipped_knowledge_dir() / "facts").is_dir()


def test_these_are_all_settings():
    assert sorted(Settings.model_fields) == NAMES


def test_a_local_knowledge_folder_comes_first(tmp_path: Path):
    (tmp_path / "knowledge").mkdir()
    assert default_knowledge_dir() == Settings().knowledge_dir == Path("knowledge")


def test_a_local_file_called_knowledge_is_no_folder(tmp_path: Path):
    (tmp_path / "knowledge").write_text("x")
    assert Settings().knowledge_dir == shipped_knowledge_dir()


# --- where a value comes from ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("port", "9000", 9000),
        ("port", "0", 0),  # any free port
        ("port", "65535", 65535),
        ("host", "0.0.0.0", "0.0.0.0"),
        ("answer_threshold", "0", 0.0),
        ("answer_threshold", "1", 1.0),
        ("embedding_model", "some/model", "some/model"),
        ("knowledge_dir", "معرفة", Path("معرفة")),
        ("data_dir", "/tmp/d", Path("/tmp/d")),
        ("cache_dir", "/tmp/c", Path("/tmp/c")),
    ],
)
def test_every_setting_has_a_variable(name: str, variable: str, value: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"DALIL_{name.upper()}", variable)
    assert getattr(Settings(), name) == value


@pytest.mark.parametrize("name", ["knowledge_dir", "data_dir", "cache_dir"])
def test_an_empty_folder_is_as_if_it_were_not_given(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    default = getattr(Settings(), name)
    assert getattr(Settings(**{name: ""}), name) == default
    monkeypatch.setenv(f"DALIL_{name.upper()}", "")
    assert getattr(Settings(), name) == default
    monkeypatch.delenv(f"DALIL_{name.upper()}")
    (tmp_path / "dalil.toml").write_text(f'{name} = ""\n')
    assert getattr(Settings(), name) == default


@pytest.mark.parametrize("name", ["knowledge_dir", "data_dir", "cache_dir"])
def test_the_home_folder_may_be_shortened(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/دليل")
    monkeypatch.setenv(f"DALIL_{name.upper()}", "~/معرفة")
    assert getattr(Settings(), name) == Path("/home/دليل/معرفة")
    assert getattr(Settings(**{name: Path("~/k")}), name) == Path("/home/دليل/k")


def test_a_file_in_the_working_directory(tmp_path: Path):
    (tmp_path / "dalil.toml").write_text('port = 8000\nknowledge_dir = "معرفة"\n', encoding="utf-8")
    settings = Settings()
    assert (settings.port, settings.knowledge_dir, settings.host) == (8000, Path("معرفة"), "127.0.0.1")


def test_a_file_elsewhere_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dalil.toml").write_text("port = 8000\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert Settings().port == 7860


def test_arguments_win_over_variables_and_these_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dalil.toml").write_text('port = 1\nhost = "127.0.0.2"\nanswer_threshold = 0.25\n')
    monkeypatch.setenv("DALIL_PORT", "2")
    monkeypatch.setenv("DALIL_HOST", "127.0.0.3")
    settings = Settings(port=3)
    assert (settings.port, settings.host, settings.answer_threshold) == (3, "127.0.0.3", 0.25)


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DALIL_PORT", "1")
    assert Settings().port == 1
    monkeypatch.setenv("DALIL_PORT", "2")
    assert Settings().port == 2


def test_variables_of_others_are_none_of_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("DALILA_PORT", "1")
    assert Settings().port == 7860


def test_nothing_is_read_at_import(tmp_path: Path):
    # Both would be errors if they were read. Nothing is created either, in a home that is empty.
    (tmp_path / "dalil.toml").write_text("not toml at all")
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DALIL_", "XDG_"))}
    environment = {
        **kept,
        "DALIL_NOTHING": "1",
        "HOME": str(home),
        "PYTHONPATH": str(Path(assistant.__file__).parents[1]),
    }
    code = "import assistant\ntry:\n    assistant.Settings()\nexcept assistant.DalilError as e:\n    print(e)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("unknown variable DALIL_NOTHING; known: ")
    assert list(home.iterdir()) == []


# --- what is refused ---------------------------------------------------------------------------------


def message(**values: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_argument():
    assert message(prot=1).startswith("setting 'prot': ")
    assert message(prot=1).endswith(f"; known settings: {', '.join(NAMES)}")


def test_an_unknown_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DALIL_PROT", "1")
    known = ", ".join(f"DALIL_{name.upper()}" for name in NAMES)
    assert message() == f"unknown variable DALIL_PROT; known: {known}"
    assert message(port=3).startswith("unknown variable DALIL_PROT")  # an argument does not hide it


@pytest.mark.parametrize("name", ["Dalil_Prot", "dalil_prot", "DALIL_prot"])
def test_an_unknown_variable_in_any_case(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, "1")
    assert message().startswith(f"unknown variable {name}; known: ")


def test_a_known_variable_in_any_case(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("Dalil_Port", "8001")
    assert Settings().port == 8001


def test_a_home_that_nobody_has():
    assert message(data_dir="~nobody-of-this-name/x").endswith(
        "the home folder in '~nobody-of-this-name/x' is not known; write the whole path"
    )


@pytest.mark.parametrize(("text", "name"), [("prot = 1\n", "prot"), ("[server]\nport = 1\n", "server")])
def test_an_unknown_key_of_the_file(text: str, name: str, tmp_path: Path):
    (tmp_path / "dalil.toml").write_text(text)
    assert message().startswith(f"setting '{name}': ")
    assert "; known settings: answer_threshold, answers_at_once, api_tokens, cache_dir" in message()


BAD = [
    ("port", 65_536),
    ("port", -1),
    ("port", "many"),
    ("port", ""),
    ("answer_threshold", 1.01),
    ("answer_threshold", -0.01),
    ("answer_threshold", "nan"),
    ("answer_threshold", "half"),
]


@pytest.mark.parametrize(("name", "value"), [*BAD, ("port", None), ("host", 5), ("knowledge_dir", 5)])
def test_bad_arguments_name_the_setting(name: str, value: object):
    assert message(**{name: value}).startswith(f"setting '{name}': Input ")


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_variables_name_the_setting(name: str, value: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"DALIL_{name.upper()}", str(value))
    assert message().startswith(f"setting '{name}': Input should be ")


@pytest.mark.parametrize(("name", "value"), [("port", "70000"), ("port", '"x"'), ("host", "1"), ("data_dir", "[1]")])
def test_bad_values_of_the_file_name_the_setting(name: str, value: str, tmp_path: Path):
    (tmp_path / "dalil.toml").write_text(f"{name} = {value}\n")
    assert message().startswith(f"setting '{name}': Input ")


@pytest.mark.parametrize("data", [b"port = \n", b"port = 1\nport = 2\n", b"\xff = 1\n", b"just words\n"])
def test_a_file_that_is_not_toml(data: bytes, tmp_path: Path):
    (tmp_path / "dalil.toml").write_bytes(data)
    assert message().startswith("dalil.toml: ")


@pytest.mark.parametrize("name", NAMES)
def test_settings_cannot_be_changed(name: str):
    settings = Settings()
    before = getattr(settings, name)
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, name, before)


# --- where the index lives ---------------------------------------------------------------------------


def test_each_knowledge_folder_has_an_index_of_its_own(tmp_path: Path):
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "b" / "a", tmp_path / "معرفة"]
    places = [Settings(knowledge_dir=folder).index_dir for folder in folders]
    assert len(set(places)) == 4  # two of them have the same name
    assert [place.name.rsplit("-", 1)[0] for place in places] == ["a", "b", "a", "معرفة"]
    assert len({place.parent for place in places}) == 1
    assert places == [Settings(knowledge_dir=folder).index_dir for folder in folders]


def test_one_folder_has_one_index_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    places = {
        Settings(knowledge_dir=folder).index_dir
        for folder in (tmp_path / "a", Path("a"), Path("./a/../a"), tmp_path / "link", f"{tmp_path}/a/")
    }
    assert len(places) == 1
    monkeypatch.chdir("/")
    assert Settings(knowledge_dir=tmp_path / "a").index_dir in places


def test_a_data_folder_is_taken_as_it_is(tmp_path: Path):
    for folder in ("a", "b"):
        assert Settings(data_dir=tmp_path / "d", knowledge_dir=folder).index_dir == tmp_path / "d"


def test_asking_where_the_index_lives_creates_nothing(tmp_path: Path):
    assert not Settings(knowledge_dir=tmp_path / "a").index_dir.exists()
    assert not Settings(data_dir=tmp_path / "d").index_dir.exists()
    assert list(tmp_path.iterdir()) == []
