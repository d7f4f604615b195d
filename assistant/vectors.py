"""The dense index: the only module that knows Chroma.

Chroma's graph is a cache of vectors that the catalogue holds: it can be thrown away at any time. There
is one collection for each language and unit, because a filter that matches everything costs 350 ms at
100,000 records and separate collections cost nothing, and because candidates are wanted from every
language whatever the share of each in the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assistant.errors import IndexStateError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

Unit = Literal["passages", "sentences"]
UNITS: tuple[Unit, ...] = ("passages", "sentences")

_BATCH = 2_000
"""Records in one call: Chroma refuses more than 5,461."""

_EF_SEARCH = 200
"""Candidates that the graph search keeps: recall@10 is .99 with 100 and 1.0 with 200, for 1 ms more."""

_SYNC_THRESHOLD = 1_000
"""Writes after which Chroma rewrites its graph files, its own default."""


class VectorIndex:
    """Vectors by id, for each language and unit."""

    def __init__(self, folder: Path) -> None:
        """Open the index in ``folder``, creating it if missing.

        Raises:
            IndexStateError: Chroma cannot open what is there.
        """
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        try:
            self._client: ClientAPI = chromadb.PersistentClient(
                str(folder), settings=Settings(anonymized_telemetry=False)
            )
            self._collections: dict[str, Collection] = {
                collection.name: self._client.get_collection(collection.name, embedding_function=None)
                for collection in self._client.list_collections()
            }
        except Exception as error:  # Chroma's Rust core raises its own kinds
            # Chroma keeps the system that failed to start and would hand it out again for this folder.
            SharedSystemClient._identifier_to_system.pop(str(folder), None)
            raise IndexStateError(f"{folder} cannot be opened ({error}); run: dalil sync --rebuild") from error

    def close(self) -> None:
        """Release the files. The index is not usable afterwards."""
        self._collections.clear()
        close = getattr(self._client, "close", None)
        if close is not None:
            close()

    def upsert(self, unit: Unit, language: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store unit vectors, shape (len(ids), dimension), replacing those of the same ids."""
        collection = self._collection(unit, language)
        for start in range(0, len(ids), _BATCH):
            stop = start + _BATCH
            with _translated():
                collection.upsert(ids=list(ids[start:stop]), embeddings=vectors[start:stop])

    def delete(self, unit: Unit, language: str, ids: Sequence[str]) -> None:
        """Remove vectors; ids that are not there do not matter."""
        collection = self._collections.get(_name(unit, language))
        if collection is None:
            return
        for start in range(0, len(ids), _BATCH):
            with _translated():
                collection.delete(ids=list(ids[start : start + _BATCH]))

    def query(self, unit: Unit, language: str, vector: NDArray[np.float32], limit: int) -> list[str]:
        """Ids of the nearest vectors in one language, best first."""
        collection = self._collections.get(_name(unit, language))
        if collection is None:
            return []
        with _translated():
            result: Any = collection.query(query_embeddings=vector[None, :], n_results=limit, include=[])
        return [str(key) for key in result["ids"][0]]

    def ids(self, unit: Unit, language: str) -> set[str]:
        """Every id of one collection."""
        collection = self._collections.get(_name(unit, language))
        with _translated():
            return set() if collection is None else set(collection.get(include=[])["ids"])

    def count(self, unit: Unit, language: str) -> int:
        """How many ids one collection has."""
        collection = self._collections.get(_name(unit, language))
        with _translated():
            return 0 if collection is None else collection.count()

    def languages(self) -> Iterable[str]:
        """Languages that have passages."""
        prefix = "passages-"
        return sorted(name.removeprefix(prefix) for name in self._collections if name.startswith(prefix))

    def _collection(self, unit: Unit, language: str) -> Collection:
        name = _name(unit, language)
        if name not in self._collections:
            graph: Any = {
                "space": "cosine",
                "ef_search": _EF_SEARCH,
                "sync_threshold": _SYNC_THRESHOLD,
                "batch_size": min(100, _SYNC_THRESHOLD),
            }
            with _translated():
                self._collections[name] = self._client.create_collection(
                    name, embedding_function=None, configuration={"hnsw": graph}, get_or_create=True
                )
        return self._collections[name]


@contextmanager
def _translated() -> Iterator[None]:
    """Chroma's errors, which share no public base, as one of ours."""
    try:
        yield
    except Exception as error:
        raise IndexStateError(f"the vector index fails ({error}); run: dalil verify --repair") from error


def _name(unit: Unit, language: str) -> str:
    if not re.fullmatch(r"[a-z]{2,5}", language):
        raise ValueError(f"not a language code: {language!r}")
    return f"{unit}-{language}"
