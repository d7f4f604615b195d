"""Small real inputs for the tests."""

from __future__ import annotations

from pathlib import Path

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
