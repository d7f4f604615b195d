"""Small real inputs for the tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

RIVER_AR = """---
title: نهر الأمل
language: ar
date: "2025-01-02"
origin: نص كتب للاختبار
---
# نهر الأمل

ينبع نهر الأمل من جبل الثلج في الشمال. يبلغ طول النهر ٣٢٠ كيلومترًا.

## السد

بُني السد على النهر عام 1998. يولّد السد الكهرباء لثلاث مدن.
"""

HARBOUR_EN = """---
title: Harbour of Salma
language: en
date: "2025-01-03"
---
The harbour of Salma opened in 1964. Its cranes can lift 80 tonnes.

## Trade

Grain and copper leave the harbour every week. The copper comes from the mines of Tarin.
"""

MINES_AR = """---
title: مناجم تارين
language: ar
---
تقع مناجم تارين في الجنوب. يعمل في المناجم ألفا عامل.
"""

NOTES_EN = "Salma has a lighthouse. The lighthouse is painted red.\n"

FACTS = """
- id: river-length
  statement:
    ar: "طول نهر الأمل 320 كيلومترًا."
    en: "The river Amal is 320 kilometres long."
  evidence:
    - document: documents/river.ar.md
      quote: "يبلغ طول النهر ٣٢٠ كيلومترًا."
  tags: [river]
  as_of: "2025-01"
- id: harbour-opening
  statement:
    ar: "افتُتح ميناء سلمى عام 1964."
    en: "Salma's harbour was opened in 1964."
  evidence:
    - document: documents/harbour.en.md
      quote: "The harbour of Salma opened in 1964."
  tags: [harbour]
  as_of: "2025"
- id: mine-workers
  statement:
    ar: "عدد عمال مناجم تارين ألفان."
    en: "Two thousand people work in the Tarin mines."
  evidence:
    - document: documents/mines.ar.md
      quote: "يعمل في المناجم ألفا عامل."
  tags: [mines]
  as_of: "2025-01-05"
"""


def write_knowledge(folder: Path) -> None:
    """Two Arabic and two English documents, and three facts that cite them."""
    documents = folder / "documents"
    documents.mkdir(parents=True)
    (documents / "river.ar.md").write_text(RIVER_AR, encoding="utf-8")
    (documents / "harbour.en.md").write_text(HARBOUR_EN, encoding="utf-8")
    (documents / "mines.ar.md").write_text(MINES_AR, encoding="utf-8")
    (documents / "notes.txt").write_text(NOTES_EN, encoding="utf-8")
    (folder / "facts").mkdir()
    (folder / "facts" / "facts.yaml").write_text(FACTS, encoding="utf-8")


def build_tiny_model(folder: Path, pooling: str = "mean", normalise: bool = True) -> Path:
    """Save a sentence-transformers model with random weights and a word-piece vocabulary of letters."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789.:?؟" + "".join(chr(code) for code in range(0x0621, 0x064B))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: position for position, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=50))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    base = folder.parent / f"{folder.name}-base"
    BertModel(config, add_pooling_layer=False).save_pretrained(base)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=128,
    ).save_pretrained(base)
    transformer = Transformer(str(base))
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling_mode=pooling)]
    if normalise:
        modules.append(Normalize())
    pipeline = SentenceTransformer(modules=modules, device="cpu", prompts={"query": "q: ", "document": "d: "})
    pipeline.save_pretrained(str(folder))
    return folder


def build_tiny_reranker(folder: Path, labels: int = 1, sign: float = 1.0) -> Path:
    """Save a cross-encoder of two layers whose score grows with the share of the question's words in the text.

    No training: each word is a random unit vector w, kept with its negative so that layer normalisation
    only scales. In the first layer a word looks for itself in the other segment and, not finding it, at the
    special tokens: what it finds is written as m. In the second the first token takes the mean of m over the
    words of the question.

    Args:
        folder: where the model goes.
        labels: 1 for a score; 2 for wrong and right; more for something that is no reranker.
        sign: -1 makes it a model that prefers texts without the question's words.
    """
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    from assistant.reranker import calibration_data
    from assistant.text import normalise

    texts = [RIVER_AR, HARBOUR_EN, MINES_AR, NOTES_EN, FACTS]
    for case in calibration_data():
        texts += [case.question, *(passage.text for passage in case.passages)]
    words = {word.lower() for text in texts for word in re.findall(r"\w+", normalise(text))}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {piece: position for position, piece in enumerate([*special, *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )

    word, size = 64, 160
    segment, empty, met, share = (2 * word + 2 * place for place in range(4))  # each with its negative behind it
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=size,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=512,
        num_labels=labels,
    )
    model = BertForSequenceClassification(config)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.fill_((4 / size) ** 0.5)  # every token has the squared length 4
        embeddings = model.bert.embeddings
        vectors = torch.nn.functional.normalize(torch.randn(len(vocabulary), word), dim=1)
        vectors[: len(special)] = 0
        embeddings.word_embeddings.weight[:, :word] = vectors
        embeddings.word_embeddings.weight[:, word : 2 * word] = -vectors
        embeddings.word_embeddings.weight[: len(special), empty] = 1
        embeddings.word_embeddings.weight[: len(special), empty + 1] = -1
        embeddings.token_type_embeddings.weight[:, segment] = torch.tensor([1.0, -1.0])
        embeddings.token_type_embeddings.weight[:, segment + 1] = torch.tensor([-1.0, 1.0])

        scale = size**0.5  # attention divides by it
        first, second = model.bert.encoder.layer
        query, key, value = (getattr(first.attention.self, name) for name in ("query", "key", "value"))
        query.weight[:word, :word] = 40 * scale * torch.eye(word)  # the same word: 40
        query.weight[word, segment] = -40 * scale  # the other segment: 40, this one: -40
        query.bias[word + 1] = 26 * scale  # a special token: 26, less than the word and more than another one
        key.weight[:word, :word] = torch.eye(word)
        key.weight[word, segment] = 1
        key.weight[word + 1, empty] = 1
        value.weight[0, empty], value.bias[0] = -1, 1
        first.attention.output.dense.weight[met, 0], first.attention.output.dense.weight[met + 1, 0] = 0.5, -0.5

        query, key, value = (getattr(second.attention.self, name) for name in ("query", "key", "value"))
        query.bias[0], query.bias[1] = 30 * scale, -30 * scale  # words of the question, all alike
        key.weight[0, segment], key.weight[1, empty] = 1, 1
        value.weight[0, met] = 1
        second.attention.output.dense.weight[share, 0], second.attention.output.dense.weight[share + 1, 0] = 1, -1

        model.bert.pooler.dense.weight[0, share] = 1
        model.classifier.weight[labels - 1, 0] = 8 * sign
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    return folder


def local_client(app: Any, **more: Any) -> TestClient:
    """A client of an application without a network, whose requests come from this machine."""
    from fastapi.testclient import TestClient

    return TestClient(app, **{"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 50000), **more})
