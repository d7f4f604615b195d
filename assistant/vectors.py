"""The dense index: the only module that knows Chroma, in this process or as a server.

Chroma's graph is a cache of vectors that the catalogue holds: it can be thrown away at any time. There
is one collection for each language and unit, because a filter that matches everything costs 350 ms at
100,000 records and separate collections cost nothing, and because candidates are wanted from every
language whatever the share of each in the store.

Sentences are five times as many as passages and only lead to their passage, which is then weighed with its
whole vectors. They are kept in fewer dimensions here: a third of the memory, and hardly a passage is lost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

import numpy as np

from assistant.errors import IndexStateError, VectorServerError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

Unit = Literal["passages", "sentences"]
UNITS: tuple[Unit, ...] = ("passages", "sentences")

SENTENCE_DIMENSION = 128
"""Of the vectors of sentences here, projected at random (Johnson and Lindenstrauss 1984).

The right passage is the first of either unit for 88.2 % of the questions of XQuAD and ARCD, with all 384
dimensions for 89.7 %, without sentences for 83.0 %; among the first ten for 98.4, 98.6 and 97.6 %.
"""

_BATCH = 2_000
"""Records in one call: Chroma refuses more than 5,461."""

_EF_SEARCH = 200
"""Candidates that the graph search keeps: recall@10 is .99 with 100 and 1.0 with 200, for 1 ms more."""

_SYNC_THRESHOLD = 1_000
"""Records after which Chroma writes its graph to disk: as many may go into each graph again at the first question."""

_WAITS = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further attempt to reach a server."""

_SAME = 1e-3
"""Cosine distance up to which a vector is the one that was looked up."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class VectorServer:
    """Where a Chroma server is, and which of its collections are ours."""

    url: str
    name: str
    """Begins the names of the collections of one knowledge base: small letters, digits and hyphens."""
    token: str | None = None
    """Sent as ``Authorization: Bearer``, for a proxy in front of the server."""


class VectorIndex:
    """Vectors by id, for each language and unit."""

    def __init__(self, place: Path | VectorServer) -> None:
        """Open the index in a folder, creating it if missing, or on a server.

        Raises:
            VectorServerError: the server cannot be reached.
            IndexStateError: Chroma cannot open what is there.
        """
        self._server = place if isinstance(place, VectorServer) else None
        self._prefix = f"{place.name}-" if isinstance(place, VectorServer) else ""
        try:
            self._client: ClientAPI = self._call(lambda: _client(place))
            self._collections: dict[str, Collection] = self._call(
                lambda: {
                    collection.name: self._client.get_collection(collection.name, embedding_function=None)
                    for collection in self._client.list_collections()
                    if collection.name.startswith(self._prefix)
                }
            )
        except VectorServerError:
            raise
        except IndexStateError as error:
            _forget(place)
            cause = error.__cause__ or error
            raise IndexStateError(f"{place} cannot be opened ({cause}); run: dalil sync --rebuild") from cause

    def close(self) -> None:
        """Release the files. The index is not usable afterwards."""
        self._collections.clear()
        close = getattr(self._client, "close", None)
        if close is not None:
            close()

    def upsert(self, unit: Unit, language: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store unit vectors, shape (len(ids), dimension), replacing those of the same ids."""
        collection = self._collection(unit, language)
        held = _held(unit, vectors)
        for start in range(0, len(ids), _BATCH):
            part = slice(start, start + _BATCH)
            self._call(partial(collection.upsert, ids=list(ids[part]), embeddings=held[part]))

    def delete(self, unit: Unit, language: str, ids: Sequence[str]) -> None:
        """Remove vectors; ids that are not there do not matter."""
        collection = self._collections.get(self._name(unit, language))
        if collection is None:
            return
        for start in range(0, len(ids), _BATCH):
            self._call(partial(collection.delete, ids=list(ids[start : start + _BATCH])))

    def query(self, unit: Unit, language: str, vector: NDArray[np.float32], limit: int) -> list[str]:
        """Ids of the nearest vectors in one language, best first."""
        collection = self._collections.get(self._name(unit, language))
        if collection is None:
            return []
        held = _held(unit, vector[None, :])
        result: Any = self._call(lambda: collection.query(query_embeddings=held, n_results=limit, include=[]))
        return [str(key) for key in result["ids"][0]]

    def ids(self, unit: Unit, language: str) -> set[str]:
        """Every id of one collection."""
        collection = self._collections.get(self._name(unit, language))
        return set() if collection is None else set(self._call(lambda: collection.get(include=[]))["ids"])

    def count(self, unit: Unit, language: str) -> int:
        """How many vectors one collection holds."""
        collection = self._collections.get(self._name(unit, language))
        return 0 if collection is None else int(self._call(collection.count))

    def languages(self) -> Iterable[str]:
        """Languages that have passages."""
        prefix = f"{self._prefix}passages-"
        return sorted(name.removeprefix(prefix) for name in self._collections if name.startswith(prefix))

    def finds(self, unit: Unit, language: str, vectors: NDArray[np.float32]) -> bool:
        """Whether each of these stored vectors is found: a graph that was torn while being written misses many."""
        collection = self._collections.get(self._name(unit, language))
        if collection is None:
            return False
        held = _held(unit, vectors)
        result: Any = self._call(lambda: collection.query(query_embeddings=held, n_results=1, include=["distances"]))
        return all(row and row[0] < _SAME for row in result["distances"])

    def clear(self, unit: Unit, language: str) -> None:
        """Drop one collection with everything in it."""
        name = self._name(unit, language)
        if self._collections.pop(name, None) is not None:
            self._call(lambda: self._client.delete_collection(name))

    def _collection(self, unit: Unit, language: str) -> Collection:
        name = self._name(unit, language)
        if name not in self._collections:
            graph: Any = {
                "space": "cosine",
                "ef_search": _EF_SEARCH,
                "sync_threshold": _SYNC_THRESHOLD,
                "batch_size": min(100, _SYNC_THRESHOLD),
            }
            self._collections[name] = self._call(
                lambda: self._client.create_collection(
                    name, embedding_function=None, configuration={"hnsw": graph}, get_or_create=True
                )
            )
        return self._collections[name]

    def _name(self, unit: Unit, language: str) -> str:
        if not re.fullmatch(r"[a-z]{2,5}", language):
            raise ValueError(f"not a language code: {language!r}")
        return f"{self._prefix}{unit}-{language}"

    def _call(self, call: Callable[[], Result]) -> Result:
        """What ``call`` gives; of a server, after as many attempts as it may take to come back."""
        if self._server is not None:
            return _with_patience(call, self._server.url)
        try:
            return call()
        except Exception as error:  # Chroma's share no public base
            raise IndexStateError(f"the vector index fails ({error}); run: dalil verify --repair") from error


def _client(place: Path | VectorServer) -> ClientAPI:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if isinstance(place, Path):
        return chromadb.PersistentClient(str(place), settings=settings)
    parts = urlsplit(place.url)
    return chromadb.HttpClient(
        host=parts.hostname or "",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        ssl=parts.scheme == "https",
        headers={"Authorization": f"Bearer {place.token}"} if place.token else None,
        settings=settings,
    )


def _forget(place: Path | VectorServer) -> None:
    """Chroma keeps a system that failed to start and would hand it out again for the same folder."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient._identifier_to_system.pop(str(place), None)


def _with_patience(call: Callable[[], Result], url: str) -> Result:
    """What ``call`` gives, trying again while the server cannot be reached.

    Raises:
        VectorServerError: it cannot be reached, or it refuses.
    """
    import httpx

    waits = iter(_WAITS)
    while True:
        try:
            return call()
        except (httpx.TransportError, ConnectionError, ValueError) as error:
            # Chroma says ValueError when it cannot connect; any other is the caller's mistake.
            if isinstance(error, ValueError) and "connect" not in str(error).lower():
                raise
            wait = next(waits, None)
            if wait is None:
                message = f"the Chroma server at {url} does not answer; start it, then try again"
                raise VectorServerError(message) from error
            time.sleep(wait)
        except Exception as error:  # Chroma raises bare Exception for what it has no kind for
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise VectorServerError(
                f"the Chroma server at {url} lacks vectors or refuses ({lines[0][:200]}); start Dalil anew",
                reached=True,
            ) from error


def _held(unit: Unit, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors as a collection holds them."""
    dimension = vectors.shape[1]
    if unit == "passages" or dimension <= SENTENCE_DIMENSION:
        return vectors
    projected: NDArray[np.float32] = vectors @ _projection(dimension)
    return projected


@lru_cache(maxsize=4)
def _projection(dimension: int) -> NDArray[np.float32]:
    """Orthonormal columns drawn at random, always the same, shape (dimension, SENTENCE_DIMENSION)."""
    drawn = np.random.RandomState(0).standard_normal((dimension, SENTENCE_DIMENSION))  # the same in every NumPy
    columns, triangle = np.linalg.qr(drawn)
    return np.asarray(columns * np.sign(np.diag(triangle)), dtype=np.float32)
