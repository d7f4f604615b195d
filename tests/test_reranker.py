"""Rerankers: any cross-encoder, calibrated once into Dalil's own probability."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant import Assistant, Settings, reranker, retrieval
from assistant.doctor import diagnose
from assistant.errors import ModelError
from assistant.passages import encoder_texts
from assistant.ranking import Logistic, probability
from assistant.reranker import (
    CalibrationCase,
    CrossModel,
    Judged,
    Reranker,
    calibrate,
    calibration_data,
    calibration_file,
    fit_logistic,
    prepare_reranker,
)
from assistant.text import detect_language
from tests.helpers import build_tiny_model, build_tiny_reranker

QUESTIONS = ["When did the harbour of Salma open?", "كم يبلغ طول نهر الأمل؟"]
TEXTS = [
    "The harbour of Salma opened in 1964.",
    "Grain and copper leave the harbour every week.",
    "يبلغ طول النهر ٣٢٠ كيلومترًا.",
    "The lighthouse is painted red.",
]
PREPARE = """
import sys
from pathlib import Path
from assistant.reranker import prepare_reranker
prepare_reranker(sys.argv[1], Path(sys.argv[2]), lambda line: print(line, flush=True))
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """A tiny model waits longer for a second thread than it computes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_reranker(tmp_path_factory.mktemp("reranker") / "overlap")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reranker-cache")


@pytest.fixture(scope="module")
def model(folder: Path) -> CrossModel:
    return CrossModel(str(folder))


@pytest.fixture(scope="module")
def prepared(folder: Path, cache: Path) -> Reranker:
    return prepare_reranker(str(folder), cache)


def start_preparing(folder: Path, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE, str(folder), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


# --- scores ------------------------------------------------------------------------------------------


def test_scores_are_logits_that_grow_with_what_is_shared(model: CrossModel):
    scores = model.scores(QUESTIONS[0], TEXTS)
    assert scores.dtype == np.float64
    assert scores.argmax() == 0
    assert scores[0] > scores[1] > scores[2]
    assert model.scores(TEXTS[0], TEXTS)[0] > 2, "an activation would keep it below 1"
    assert model.scores(QUESTIONS[1], TEXTS).argmax() == 2
    assert model.scores(QUESTIONS[0], []).shape == (0,)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_score_does_not_depend_on_order_or_company(model: CrossModel, question: str):
    scores = model.scores(question, TEXTS)
    assert model.scores(question, TEXTS).tolist() == scores.tolist()
    assert model.scores(question, TEXTS[::-1]).tolist() == scores.tolist()[::-1]
    assert [model.scores(question, [text])[0] for text in TEXTS] == scores.tolist()


def test_spelling_that_the_encoder_does_not_see(model: CrossModel):
    assert model.scores("كَمْ يَبْلُغُ طُولُ النَّهْرِ؟", TEXTS).tolist() == model.scores("كم يبلغ طول النهر؟", TEXTS).tolist()


def test_several_threads_score_alike(model: CrossModel):
    expected = {question: model.scores(question, TEXTS).tolist() for question in QUESTIONS}
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda number: model.scores(QUESTIONS[number % 2], TEXTS).tolist(), range(16)))
    assert got == [expected[QUESTIONS[number % 2]] for number in range(16)]


def test_long_texts_are_cut(model: CrossModel):
    assert model.scores("harbour " * 300, ["harbour " * 2_000])[0] > 1


def test_two_labels_score_by_their_difference(tmp_path: Path, model: CrossModel):
    # logits (0, s) where the model with one label says s
    two = CrossModel(str(build_tiny_reranker(tmp_path / "two", labels=2)))
    assert two.scores(QUESTIONS[0], TEXTS) == pytest.approx(model.scores(QUESTIONS[0], TEXTS), abs=1e-6)


# --- models that cannot be used ----------------------------------------------------------------------


def refused(name: str | Path) -> str:
    with pytest.raises(ModelError) as caught:
        CrossModel(str(name))
    line = str(caught.value)
    assert line.startswith(f"reranker_model '{name}' ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", ["no-such/model", "لا يوجد", "missing/folder/of/models"])
def test_a_missing_model(name: str):
    line = refused(name)
    assert "cannot be loaded" in line
    assert line.endswith("give a folder with a cross-encoder of sentence-transformers, or leave it out")


@pytest.mark.parametrize("damage", ["empty", "config", "weights"])
def test_a_broken_folder(tmp_path: Path, folder: Path, damage: str):
    broken = tmp_path / "broken"
    broken.mkdir()
    if damage != "empty":
        for file in folder.iterdir():
            (broken / file.name).write_bytes(file.read_bytes())
        file = broken / ("config.json" if damage == "config" else "model.safetensors")
        file.write_bytes(file.read_bytes()[:100])
    assert "cannot be loaded" in refused(broken)


def test_three_labels_are_no_score(tmp_path: Path):
    line = refused(build_tiny_reranker(tmp_path / "three", labels=3))
    assert line.endswith("has 3 labels; choose a cross-encoder with one (a score) or two (wrong, right)")


def test_an_embedding_model_is_no_reranker(tmp_path: Path):
    line = refused(build_tiny_model(tmp_path / "embedding"))
    assert "is no cross-encoder but BertModel: it has no trained score" in line
    assert "choose a model for reranking" in line


def test_scores_that_are_no_numbers(model: CrossModel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model._model, "predict", lambda pairs, **options: np.full(len(pairs), np.nan))
    with pytest.raises(ModelError, match="gives scores that are no numbers; choose another"):
        model.scores("x", ["y"])


# --- fitting -----------------------------------------------------------------------------------------


def test_a_fit_with_a_known_answer():
    # x = 0: 1 of 4 right; x = 1: 3 of 4 right. Two rates, two parameters: the fit has to meet both.
    # log odds are log(1/3) = -1.0986 and log 3 = 1.0986: intercept -1.0986, weight 2.1972
    # (a hundred times, so that the ridge pulls by less than a hundredth)
    rows = [{"x": value} for value in (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0)] * 100
    fitted = fit_logistic(rows, [True, False, False, False, True, True, True, False] * 100)
    assert fitted.intercept == pytest.approx(-np.log(3), abs=0.01)
    assert fitted.weights["x"] == pytest.approx(2 * np.log(3), abs=0.01)


def test_a_fit_does_not_depend_on_the_scale():
    random = np.random.default_rng(0)
    values = random.normal(size=4_000)
    right = (values + random.logistic(size=4_000) > 0).tolist()
    plain = fit_logistic([{"x": value} for value in values], right)
    scaled = fit_logistic([{"x": 1_000 * value + 7} for value in values], right)
    assert 1_000 * scaled.weights["x"] == pytest.approx(plain.weights["x"])
    assert scaled.intercept + 7 * scaled.weights["x"] == pytest.approx(plain.intercept)
    assert plain.weights["x"] == pytest.approx(1.0, abs=0.1)  # what the labels were drawn with


def test_scikit_learn_agrees():
    linear, preprocessing = (pytest.importorskip(f"sklearn.{name}") for name in ("linear_model", "preprocessing"))
    random = np.random.default_rng(1)
    matrix = preprocessing.StandardScaler().fit_transform(random.normal(size=(300, 3)))
    right = matrix @ [1.0, -2.0, 0.0] + random.logistic(size=300) > 0.5
    fitted = fit_logistic([dict(zip("abc", row, strict=True)) for row in matrix.tolist()], right.tolist())
    reference = linear.LogisticRegression(C=10.0, tol=1e-10).fit(matrix, right)
    assert list(fitted.weights.values()) == pytest.approx(reference.coef_[0].tolist(), abs=1e-5)
    assert fitted.intercept == pytest.approx(float(reference.intercept_[0]), abs=1e-5)


@pytest.mark.parametrize("right", [[True, True], [False, False], [False, True]])
def test_a_fit_is_finite_whatever_the_labels(right: list[bool]):
    fitted = fit_logistic([{"x": 0.0, "same": 5.0}, {"x": 1.0, "same": 5.0}], right)
    assert np.isfinite([fitted.intercept, *fitted.weights.values()]).all()
    assert fitted.weights["same"] == 0.0


def constant(model: CrossModel, sign: float = 0.0) -> CrossModel:
    """The same model, saying ``sign`` times what it says."""

    class Other(CrossModel):
        def __init__(self) -> None:
            self.name = "other"

        def scores(self, question, texts):
            return sign * model.scores(question, texts)

    return Other()


def test_a_score_that_says_nothing_weighs_nothing(model: CrossModel):
    cases = calibration_data()[::6]
    assert calibrate(constant(model), cases).weights["score"] == 0.0
    assert calibrate(model, cases).weights["score"] > 0.1


def test_the_sign_of_a_score_is_found(model: CrossModel):
    cases = calibration_data()[::6]
    one, other = calibrate(model, cases), calibrate(constant(model, -1.0), cases)
    assert other.weights["score"] == pytest.approx(-one.weights["score"])
    assert other.weights["own"] == pytest.approx(one.weights["own"])


def test_texts_that_do_not_exist_in_the_model_are_scored(model: CrossModel):
    case = CalibrationCase("?", (Judged("", 0.0, False, True), Judged("中央", 1.0, True, False)))
    lines: list[str] = []
    assert np.isfinite(calibrate(model, [case], lines.append).intercept)
    assert lines == [
        f"Calibrating the reranker {model.name} (once): question 1 of 1",
        "The reranker is ready",
    ]


def test_probabilities_rise_with_an_informative_score(prepared: Reranker):
    assert prepared.calibration.weights["score"] > 0.2
    assert prepared.calibration.weights["own"] > 0.2
    for cross in (False, True):
        logits = prepared.calibrated([0.5] * 5, [-3.0, -1.0, 0.0, 1.0, 3.0], [cross] * 5)
        assert (np.diff(logits) > 0).all()
        assert (np.diff(probability(logits)) > 0).all()


def test_calibrated_by_hand():
    one = Reranker(CrossModel.__new__(CrossModel), Logistic(-1.0, {"own": 0.5, "score": 2.0, "cross": -0.25}))
    # -1 + 0.5·2 + 2·1 - 0 = 2 and -1 + 0.5·(-2) + 2·0 - 0.25 = -2.25
    assert one.calibrated([2.0, -2.0], [1.0, 0.0], [False, True]).tolist() == [2.0, -2.25]


# --- the data ----------------------------------------------------------------------------------------


def test_the_calibration_data():
    lines = [json.loads(line) for line in reranker._shipped_data().splitlines()]
    texts = [line for line in lines if set(line) == {"text"}]
    questions = [line for line in lines if set(line) == {"question", "passages"}]
    assert lines == [*texts, *questions]
    assert len({line["text"] for line in texts}) == len(texts)
    used = set()
    for line in questions:
        assert 2 <= len(line["passages"]) <= 5
        for passage in line["passages"]:
            assert set(passage) == {"text", "own", "cross", "right"}
            assert isinstance(passage["own"], float)
            assert isinstance(passage["cross"], bool)
            assert isinstance(passage["right"], bool)
            used.add(passage["text"])
        own = [passage["own"] for passage in line["passages"]]
        assert own == sorted(own, reverse=True)
    assert used == set(range(len(texts)))


def test_the_calibration_data_hold_both_languages():
    cases = calibration_data()
    for language in ("ar", "en"):
        chosen = [case for case in cases if detect_language(case.question) == language]
        assert len(chosen) > 80
        judged = [passage for case in chosen for passage in case.passages]
        for cross in (False, True):
            right = [passage.right for passage in judged if passage.cross == cross]
            assert 0.2 < np.mean(right) < 0.6
        # some questions have no answer: nothing is right, however near
        answerable = [any(passage.right for passage in case.passages) for case in chosen]
        assert 0.6 < np.mean(answerable) < 0.9


def test_the_calibration_data_are_of_this_ranking(shipped):
    """The logits are those that the passage model gives today."""
    differences = []
    for case in calibration_data()[::12]:
        now = {
            encoder_texts(candidate.encoded.passage)[0]: candidate.logit
            for candidate in shipped.retriever.retrieve(shipped.retriever.query(case.question))
        }
        differences += [abs(now.get(passage.text, np.inf) - passage.own) for passage in case.passages]
    # one machine's 8-bit arithmetic differs a little from another's
    assert np.median(differences) < 0.1, "the ranking or the knowledge has changed: python -m eval.make_calibration"


def test_which_candidates_are_kept():
    kept = pytest.importorskip("eval.make_calibration").kept
    assert kept([False] * 20) == [0, 1, 3, 7, 15]
    assert kept([True] + [False] * 3) == [0, 1, 3]
    assert kept([False] * 4 + [True] + [False] * 15) == [0, 1, 3, 4, 7]  # a right one takes the place of the last
    assert kept([False] * 3 + [True] * 17) == [0, 1, 3, 7, 15]
    assert kept([]) == []


# --- kept --------------------------------------------------------------------------------------------


def test_a_calibration_is_kept(folder: Path, cache: Path, prepared: Reranker, monkeypatch: pytest.MonkeyPatch):
    file = calibration_file(str(folder), cache)
    assert [path for path in file.parent.iterdir() if path.suffix != ".lock"] == [file]
    before = file.stat().st_mtime_ns
    monkeypatch.setattr(reranker, "calibrate", lambda *arguments: pytest.fail("it was kept"))
    lines: list[str] = []
    again = prepare_reranker(str(folder), cache, lines.append)
    assert lines == []
    assert again.calibration == prepared.calibration
    assert file.stat().st_mtime_ns == before


def test_another_state_of_model_or_data_is_calibrated_anew(
    folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = calibration_file(str(folder), cache)
    assert calibration_file(str(tmp_path), cache) != before
    with monkeypatch.context() as patch:
        patch.setattr(reranker, "_shipped_data", lambda: '{"text": "other"}\n')
        assert calibration_file(str(folder), cache) != before
    weights = folder / "model.safetensors"
    status = weights.stat()
    os.utime(weights, ns=(0, 0))
    assert calibration_file(str(folder), cache) != before
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert calibration_file(str(folder), cache) == before


def test_killed_half_way_leaves_nothing_half_written(folder: Path, tmp_path: Path, prepared: Reranker):
    process = start_preparing(folder, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Calibrating the reranker")
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert not list(tmp_path.glob("rerankers/*.json"))
    leftover = calibration_file(str(folder), tmp_path).with_name(f".{calibration_file(str(folder), tmp_path).stem}-x")
    leftover.write_text('{"name"')  # as of a process killed while writing
    again = prepare_reranker(str(folder), tmp_path)  # the lock died with the process
    assert again.calibration == prepared.calibration
    assert sorted(path.suffix for path in (tmp_path / "rerankers").iterdir()) == [".json", ".lock"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"intercept": 1}', '{"intercept": null, "weights": {}}'])
def test_a_damaged_calibration(folder: Path, tmp_path: Path, content: str):
    file = calibration_file(str(folder), tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(ModelError, match=r"is damaged .*: delete it and run again$"):
        prepare_reranker(str(folder), tmp_path)


def test_a_cache_that_cannot_be_written(folder: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=r"^cannot keep the calibration of .*; set DALIL_CACHE_DIR$"):
        prepare_reranker(str(folder), tmp_path / "file")


# --- end to end --------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, knowledge: Path, prepared_model, folder: Path, tmp_path_factory) -> Settings:
    """The small knowledge folder with the default embedding model and the tiny reranker."""
    return Settings(knowledge_dir=knowledge, data_dir=tmp_path / "data", reranker_model=str(folder))


@pytest.fixture
def rerank(settings: Settings, prepared: Reranker, monkeypatch: pytest.MonkeyPatch) -> Reranker:
    """Assistants take the prepared reranker: its calibration is in another cache than the embedding model."""
    monkeypatch.setattr("assistant.assistant.prepare_reranker", lambda name, cache_dir, progress: prepared)
    return prepared


def synced(settings: Settings) -> Assistant:
    dalil = Assistant(settings)
    dalil.sync()
    return dalil


@pytest.mark.parametrize("question", [*QUESTIONS, "Who works in the mines?", "متى افتُتح ميناء سلمى؟"])
def test_candidates_are_ranked_by_the_calibrated_log_odds(settings: Settings, rerank: Reranker, question: str):
    with synced(settings.model_copy(update={"reranker_model": None})) as dalil:
        plain = dalil.retriever.retrieve(dalil.retriever.query(question))
    with synced(settings) as dalil:
        query = dalil.retriever.query(question)
        got = dalil.retriever.retrieve(query)
        hits = dalil.search(question)
        answer = dalil.ask(question)
    assert len(plain) < retrieval.RERANKED
    texts = [encoder_texts(candidate.encoded.passage)[0] for candidate in plain]
    logits = rerank.calibrated(
        [candidate.logit for candidate in plain],
        rerank.scores(question, texts),
        [candidate.evidence.cross for candidate in plain],
    )
    passages = [candidate.encoded.passage for candidate in plain]
    expected = dict(
        zip(
            [passage.id for passage in passages],
            retrieval.share_between_statements(query.language, passages, logits),
            strict=True,
        )
    )
    assert {candidate.encoded.passage.id: candidate.logit for candidate in got} == pytest.approx(expected)
    assert [candidate.logit for candidate in got] == sorted(expected.values(), reverse=True)
    assert all(0.0 <= hit.score <= 1.0 for hit in hits)
    assert [hit.passage_id for hit in hits] == [candidate.encoded.passage.id for candidate in got[:10]]
    assert 0.0 <= answer.confidence <= 1.0
    assert answer.answered
    for citation in answer.citations:
        assert citation.quote


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_order_follows_the_reranker(settings: Settings, rerank: Reranker, monkeypatch, question: str):
    orders = []
    for weight in (5.0, -5.0):
        trusted = replace(rerank, calibration=Logistic(0.0, {"own": 0.0, "score": weight, "cross": 0.0}))
        monkeypatch.setattr("assistant.assistant.prepare_reranker", lambda *_, chosen=trusted: chosen)
        with synced(settings) as dalil:
            found = dalil.retriever.retrieve(dalil.retriever.query(question))
        documents = [item.encoded.passage for item in found if item.encoded.passage.kind == "document"]
        scores = weight * rerank.scores(question, [encoder_texts(passage)[0] for passage in documents])
        assert scores.tolist() == sorted(scores, reverse=True)
        assert scores[0] > scores[-1]
        orders.append([passage.id for passage in documents])
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.parametrize("question", QUESTIONS)
def test_those_behind_keep_their_order(settings: Settings, rerank: Reranker, monkeypatch, question: str):
    monkeypatch.setattr(retrieval, "share_between_statements", lambda language, passages, logits: logits)
    with synced(settings.model_copy(update={"reranker_model": None})) as dalil:
        plain = dalil.retriever.retrieve(dalil.retriever.query(question))
    doubtful = replace(rerank, calibration=Logistic(-9.0, {"own": 0.0, "score": 1.0, "cross": 0.0}))
    monkeypatch.setattr("assistant.assistant.prepare_reranker", lambda *_: doubtful)
    monkeypatch.setattr(retrieval, "RERANKED", 3)
    with synced(settings) as dalil:
        got = dalil.retriever.retrieve(dalil.retriever.query(question))
    ids = [candidate.encoded.passage.id for candidate in plain]
    assert {candidate.encoded.passage.id for candidate in got[:3]} == set(ids[:3])
    assert [candidate.encoded.passage.id for candidate in got[3:]] == ids[3:]
    least = min(candidate.logit for candidate in got[:3])
    assert least < -7
    assert [c.logit for c in got[3:]] == [min(c.logit, least) for c in plain[3:]]


@pytest.mark.parametrize(("question", "language"), [(QUESTIONS[0], "ar"), (QUESTIONS[1], "en")])
def test_statements_of_a_fact_share(settings: Settings, rerank: Reranker, question: str, language: str):
    with synced(settings) as dalil:
        query = dalil.retriever.query(question, (), language)
        logits: dict[str, dict[str, float]] = {}
        for candidate in dalil.retriever.retrieve(query):
            passage = candidate.encoded.passage
            if passage.fact_id:
                logits.setdefault(passage.fact_id, {})[passage.language] = candidate.logit
    assert logits
    for statements in logits.values():
        assert statements[language] == max(statements.values())


def test_nothing_found_is_not_reranked(settings: Settings, rerank: Reranker, tmp_path: Path):
    (tmp_path / "none").mkdir()
    with synced(settings.model_copy(update={"knowledge_dir": tmp_path / "none"})) as dalil:
        assert dalil.search(QUESTIONS[0]) == []


def test_an_assistant_prepares_its_reranker(
    tmp_path: Path, knowledge: Path, tiny_model_dir: Path, tiny_cache: Path, folder: Path, monkeypatch
):
    cases = calibration_data()[::20]
    monkeypatch.setattr(reranker, "calibration_data", lambda: cases)
    settings = Settings(
        knowledge_dir=knowledge,
        data_dir=tmp_path / "data",
        cache_dir=tiny_cache,
        embedding_model=str(tiny_model_dir),
        reranker_model=str(folder),
    )
    found = {finding.subject: finding for finding in diagnose(settings)}
    assert found["reranker"].ok
    assert found["reranker"].detail == f"{folder}, to be calibrated when it is first used"
    lines: list[str] = []
    with Assistant(settings, model_progress=lines.append) as dalil:
        dalil.sync()
        assert dalil.search(QUESTIONS[0])
    assert lines[-1] == "The reranker is ready"
    found = {finding.subject: finding for finding in diagnose(settings)}
    assert "calibrated in" in found["reranker"].detail
    assert found["index"].ok


def test_the_doctor_on_a_reranker_that_cannot_be_used(
    tmp_path: Path, knowledge: Path, tiny_model_dir: Path, tiny_cache: Path
):
    settings = Settings(
        knowledge_dir=knowledge, data_dir=tmp_path / "d", cache_dir=tiny_cache, embedding_model=str(tiny_model_dir)
    )
    assert "reranker" not in {finding.subject for finding in diagnose(settings)}
    settings = settings.model_copy(update={"reranker_model": "no-such/model"})
    found = {finding.subject: finding for finding in diagnose(settings)}
    assert not found["reranker"].ok
    assert "cannot be loaded" in found["reranker"].detail
    with pytest.raises(ModelError, match="reranker_model 'no-such/model' cannot be loaded"):
        Assistant(settings)
