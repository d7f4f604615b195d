"""The lexical index: the only module that knows tantivy.

Terms come from ``text.analyse``; tantivy only stores and scores them. Each language has a field of its
own, so that a word is as rare as it is among the passages of that language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import tantivy

from assistant.errors import IndexStateError
from assistant.passages import passage_terms
from assistant.schema import Passage

LANGUAGES = ("ar", "en", "other")
"""Fields of the index; a language that is neither Arabic nor English shares the last one."""

_HEAP_BYTES = 64_000_000
_FREQUENCIES = 10_000
"""Terms whose frequency is kept in mind until the next update."""


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A passage that shares terms with the question, with its BM25 score within its language."""

    passage_id: str
    score: float


def field_language(language: str) -> str:
    """The field that passages of ``language`` are in."""
    return language if language in LANGUAGES else "other"


class LexicalIndex:
    """Terms of passages by id, for each language."""

    def __init__(self, folder: Path) -> None:
        """Open the index in ``folder``, creating it if missing.

        Raises:
            IndexStateError: tantivy cannot open what is there.
        """
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for language in LANGUAGES:
            builder.add_text_field(language, tokenizer_name="whitespace", index_option="freq")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(builder.build(), path=str(folder))
            self._look_anew()
        except (OSError, ValueError) as error:
            raise IndexStateError(f"{folder} cannot be opened ({error}); run: dalil sync --rebuild") from error

    def update(self, passages: Iterable[Passage], removed: Iterable[str] = ()) -> None:
        """Add passages and remove ids in one commit. Passages replace those of the same id.

        Raises:
            IndexStateError: tantivy cannot write.
        """
        try:
            self._update(passages, removed)
        except (OSError, ValueError) as error:
            raise IndexStateError(f"the word index cannot be written ({error}); run: dalil verify --repair") from error

    def _update(self, passages: Iterable[Passage], removed: Iterable[str]) -> None:
        writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        for passage_id in removed:
            writer.delete_documents_by_term("id", passage_id)
        for passage in passages:
            writer.delete_documents_by_term("id", passage.id)
            document = tantivy.Document()
            document.add_text("id", passage.id)
            document.add_text(field_language(passage.language), " ".join(passage_terms(passage)))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._look_anew()

    def _look_anew(self) -> None:
        """See what was committed last."""
        self._index.reload()
        self._searcher = self._index.searcher()
        self._frequency = lru_cache(maxsize=_FREQUENCIES)(partial(self._count, self._searcher))

    def query(self, language: str, terms: Sequence[str], limit: int) -> list[LexicalHit]:
        """Passages of one language that share terms, best BM25 score first."""
        field = field_language(language)
        schema = self._index.schema
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, field, term, "freq"))
            for term in dict.fromkeys(terms)
        ]
        if not clauses:
            return []
        searcher = self._searcher
        result = searcher.search(tantivy.Query.boolean_query(clauses), limit)
        return [LexicalHit(str(searcher.doc(address)["id"][0]), float(score)) for score, address in result.hits]

    def document_frequency(self, language: str, term: str) -> int:
        """How many passages of a language hold a term."""
        return self._frequency(field_language(language), term)

    def _count(self, searcher: tantivy.Searcher, field: str, term: str) -> int:
        # tantivy's own figure counts passages that were removed until their segment is merged: three of two.
        query = tantivy.Query.term_query(self._index.schema, field, term, "freq")
        return int(searcher.search(query, 1).count)  # type: ignore[attr-defined]  # its stubs leave it out

    def ids(self) -> set[str]:
        """Every passage id."""
        hits = self._searcher.search(tantivy.Query.all_query(), max(self.count(), 1)).hits
        return {str(self._searcher.doc(address)["id"][0]) for _, address in hits}

    def count(self) -> int:
        """How many passages are indexed."""
        return int(self._searcher.num_docs)
