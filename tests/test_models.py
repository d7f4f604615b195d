"""Preparing models: any sentence-transformers pipeline, once, whatever happens meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from assistant.encoder import Encoder, remove_direction
from assistant.errors import ModelError
from assistant.models import _prompts, _tensor, estimate_direction, parallel_texts, prepare, save_bert
from assistant.text import detect_language, normalise
from tests.helpers import build_tiny_model

PREPARE = """
import sys
from pathlib import Path
from assistant.models import prepare
prepare(sys.argv[1], Path(sys.argv[2]), lambda line: print(line, flush=True))
"""


def start_preparing(model: Path, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE, str(model), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def agreement(folder: Path, cache: Path) -> float:
    """Least cosine between our vectors and those of sentence-transformers without the language direction."""
    from sentence_transformers import SentenceTransformer

    encoder = Encoder(prepare(str(folder), cache))
    direction = np.load(encoder.model.path / "direction.npy")
    reference = SentenceTransformer(str(folder), device="cpu")
    texts = ["ما هو الممر الأوسط؟", "What is the Middle Corridor?", "a", "2004 و 2005"]
    least = 1.0
    for ours, theirs in (
        (encoder.encode_queries(texts), reference.encode_query([normalise(text) for text in texts])),
        (encoder.encode_passages(texts), reference.encode_document([normalise(text) for text in texts])),
    ):
        unit = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
        least = min(least, float((ours * remove_direction(unit, direction)).sum(axis=1).min()))
    return least


def test_a_model_keeps_its_prompts_and_pooling(tiny_model_dir: Path, tiny_cache: Path):
    model = prepare(str(tiny_model_dir), tiny_cache)
    assert (model.query_prompt, model.passage_prompt, model.dimension) == ("q: ", "d: ", 32)
    assert agreement(tiny_model_dir, tiny_cache) > 0.97


def test_other_pooling_without_normalisation(tmp_path: Path):
    folder = build_tiny_model(tmp_path / "cls", pooling="cls", normalise=False)
    assert agreement(folder, tmp_path / "cache") > 0.97


def test_a_prepared_model_is_not_prepared_again(tiny_model_dir: Path, tiny_cache: Path):
    steps: list[str] = []
    prepare(str(tiny_model_dir), tiny_cache, steps.append)
    first = len(steps)
    model = prepare(str(tiny_model_dir), tiny_cache, steps.append)
    assert len(steps) == first
    assert model == prepare(str(tiny_model_dir), tiny_cache)


def test_a_folder_trained_further_is_another_model(tmp_path: Path):
    folder = build_tiny_model(tmp_path / "model")
    before = prepare(str(folder), tmp_path / "cache").fingerprint
    (folder / "note.txt").write_text("changed")
    assert prepare(str(folder), tmp_path / "cache").fingerprint != before


def test_two_processes_prepare_once(tiny_model_dir: Path, tmp_path: Path):
    processes = [start_preparing(tiny_model_dir, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum("ready" in out for out, _ in outputs) == 1
    Encoder(prepare(str(tiny_model_dir), tmp_path)).encode_queries(["نص"])


def test_a_killed_preparation_leaves_nothing_behind(tiny_model_dir: Path, tmp_path: Path):
    process = start_preparing(tiny_model_dir, tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if "Quantising" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert not list(tmp_path.glob("models/*/model.json"))
    assert list(tmp_path.glob("models/.*")), "it was killed too early to prove anything"
    started = time.monotonic()
    model = prepare(str(tiny_model_dir), tmp_path)
    assert time.monotonic() - started < 120  # the lock died with the process
    assert [path for path in model.path.parent.iterdir() if path.is_dir()] == [model.path]


def test_an_unknown_name_says_what_to_do(tmp_path: Path):
    with pytest.raises(ModelError) as caught:
        prepare("no-such/model", tmp_path)
    assert "embedding_model 'no-such/model' cannot be loaded" in str(caught.value)
    assert "give a folder with a sentence-transformers model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written(tiny_model_dir: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="set DALIL_CACHE_DIR"):
        prepare(str(tiny_model_dir), tmp_path / "file")


def test_a_damaged_description(tiny_model_dir: Path, tmp_path: Path):
    model = prepare(str(tiny_model_dir), tmp_path)
    (model.path / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"is damaged .*: delete the folder and run again"):
        prepare(str(tiny_model_dir), tmp_path)


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("org/multilingual-e5-large", {}, ("query: ", "passage: ")),
        ("org/e5-base", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("org/multilingual-e5-large-instruct", {}, ("", "")),
        ("org/bge-m3", {}, ("", "")),
        ("org/any", {"query": "ask: ", "passage": "text: "}, ("ask: ", "text: ")),
        ("org/any", {"query": "ask: ", "document": "doc: ", "passage": "text: "}, ("ask: ", "doc: ")),
    ],
)
def test_prompts(name: str, own: dict[str, str], expected: tuple[str, str]):
    assert _prompts(name, own) == expected


def test_the_direction_leads_from_english_to_arabic():
    # means (.5, .5) and (.5, -.5): the difference (0, 1) is of unit length
    arabic = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    english = np.array([[1.0, 0.0], [0.0, -1.0]], dtype=np.float32)
    assert estimate_direction(arabic, english).tolist() == [0.0, 1.0]


def test_no_direction_without_a_difference():
    same = np.eye(2, dtype=np.float32)
    assert estimate_direction(same, same).tolist() == [0.0, 0.0]


def test_the_parallel_texts_are_balanced():
    pairs = parallel_texts()
    assert [sum(pair["kind"] == kind for pair in pairs) for kind in ("question", "passage")] == [120, 120]
    assert all((detect_language(pair["ar"]), detect_language(pair["en"])) == ("ar", "en") for pair in pairs)
    assert len({pair["en"] for pair in pairs}) == 240


def test_blocks_of_four_bits():
    # one block: scale 0.5; byte 0 holds weights 0 (low nibble 9) and 16 (high nibble 3); the rest is 8, zero
    block = np.float16(0.5).tobytes() + bytes([0x39]) + bytes([0x88] * 15)
    values = _tensor(block, (1, 32, 0, len(block)), (32,)).tolist()
    assert values[0] == 0.5
    assert values[16] == -2.5
    assert [value for position, value in enumerate(values) if position not in (0, 16)] == [0.0] * 30


def test_another_file_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="unknown layout"):
        save_bert(b"GGUF" + bytes(100), tmp_path)


def test_descriptions_are_readable(prepared_model):
    values = json.loads((prepared_model.path / "model.json").read_text())
    assert (values["name"], values["dimension"]) == ("multilingual-e5-small", 384)
    assert (values["query_prompt"], values["passage_prompt"]) == ("query: ", "passage: ")
