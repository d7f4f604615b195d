"""What Chroma's graph files say about themselves, read without Chroma while nobody writes.

Chroma rewrites its graph files in place. A process that is killed meanwhile leaves files that may open and
answer while some of the vectors are never found again, so the files are compared with each other and with
Chroma's SQLite. The layout is that of hnswlib as Chroma 1.5 writes it: ``header.bin``; ``data_level0.bin``
with one record an element (count of links and deletion mark, links, vector, label); ``length.bin``;
``link_lists.bin`` with the links above the ground level; ``index_metadata.pickle`` with the ids.
"""

from __future__ import annotations

import pickle
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = struct.Struct("<i6QiI3QdQ")
_MAX_LENGTH_ERROR = 0.01
"""Of unit vectors that were stored at half precision."""
_DELETED = 1
_DELETE_OPERATION = 3
_MAX_UNREACHABLE = 0.02
"""Share of elements in use that no path leads to before the graph counts as torn; in sound ones hardly any."""


class _DamageError(Exception):
    """The files contradict each other; the message says how."""


@dataclass(frozen=True, slots=True)
class _Header:
    capacity: int
    count: int
    record_bytes: int
    label_at: int
    vector_at: int
    top_level: int
    entry: int
    links: int
    ground_links: int


def damage(folder: Path, thorough: bool = False) -> str | None:
    """The first thing that is wrong with the closed Chroma directory ``folder``, None if nothing is.

    Args:
        folder: may be missing, as before the first write.
        thorough: read every element and id; otherwise a few headers and sizes, in a millisecond.
    """
    database = folder / "chroma.sqlite3"
    if not database.is_file():
        return f"{folder.name}: {database.name} is missing" if folder.is_dir() and any(folder.iterdir()) else None
    try:
        with closing(sqlite3.connect(database)) as connection:
            if thorough:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise _DamageError(f"chroma.sqlite3: {found}")
            for collection, segment in connection.execute(
                "SELECT collection, id FROM segments WHERE scope = 'VECTOR'"
            ).fetchall():
                _check_segment(connection, folder / segment, collection, thorough)
    except (sqlite3.Error, OSError, _DamageError) as error:
        return f"{folder.name}: {error}"
    return None


def _check_segment(connection: sqlite3.Connection, folder: Path, collection: str, thorough: bool) -> None:
    flushed = _applied(connection, folder.name)
    ids: set[str] = set()
    if flushed:
        header = _read_header(folder)
        _check_sizes(folder, header)
        if thorough:
            ids = _check_elements(folder, header)
    if thorough and _after_log(connection, collection, flushed, ids) != _stored_ids(connection, collection):
        raise _DamageError("the graph does not hold the ids that Chroma's tables name")


def _read_header(folder: Path) -> _Header:
    data = (folder / "header.bin").read_bytes()
    if len(data) != _HEADER.size:
        raise _DamageError(f"header.bin has {len(data)} bytes instead of {_HEADER.size}")
    _, _, capacity, count, size, label_at, vector_at, top, entry, links, ground, _, _, _ = _HEADER.unpack(data)
    if not 4 < vector_at < label_at < size or (count and entry >= count) or vector_at != 4 + 4 * ground:
        raise _DamageError("header.bin contradicts itself")
    return _Header(capacity, count, size, label_at, vector_at, top, entry, links, ground)


def _check_sizes(folder: Path, header: _Header) -> None:
    for name, each in (("data_level0.bin", header.record_bytes), ("length.bin", 4)):
        size = (folder / name).stat().st_size
        if not header.count <= size / each <= header.capacity:
            raise _DamageError(f"{name} has {size:,} bytes for {header.count:,} elements")
    if (folder / "link_lists.bin").stat().st_size < header.count * 4:
        raise _DamageError("link_lists.bin is cut off")
    if not (folder / "index_metadata.pickle").stat().st_size:
        raise _DamageError("index_metadata.pickle is empty")


def _check_elements(folder: Path, header: _Header) -> set[str]:
    """Compare labels, links and vectors; the ids that the graph holds."""
    _check_upper_links((folder / "link_lists.bin").read_bytes(), header)
    id_of = _labels(folder / "index_metadata.pickle", header.count)
    if not header.count:
        return set(id_of.values())
    records = np.memmap(folder / "data_level0.bin", np.uint8, "r", shape=(header.count, header.record_bytes))
    labels = _column(records, header.label_at, np.dtype("<u8"), 1)[:, 0]
    live = records[:, 2] & _DELETED == 0
    if len(np.unique(labels)) != header.count or set(labels[live].tolist()) != set(id_of):
        raise _DamageError("labels in the graph are not those of its ids")
    for start in range(0, header.count, 10_000):
        part = records[start : start + 10_000]
        vectors = _column(part, header.vector_at, np.dtype("<f4"), (header.label_at - header.vector_at) // 4)
        lengths = np.linalg.norm(vectors[live[start : start + 10_000]], axis=1)
        if not (np.abs(lengths - 1) < _MAX_LENGTH_ERROR).all():  # nor are those that are no numbers
            raise _DamageError("data_level0.bin has vectors that are not of unit length")
    counts = _column(records, 0, np.dtype("<u2"), 1)[:, 0]
    links = _column(records, 4, np.dtype("<u4"), header.ground_links)
    used = np.arange(header.ground_links) < counts[:, None]
    if counts.max() > header.ground_links or (links[used] >= header.count).any():
        raise _DamageError("data_level0.bin has links that lead nowhere")
    if (~_reachable(links, used, header.entry) & live).sum() > _MAX_UNREACHABLE * header.count:
        raise _DamageError("parts of the graph cannot be reached")
    return set(id_of.values())


def _check_upper_links(data: bytes, header: _Header) -> None:
    """Walk through the list of each element: its length in bytes, then as many bytes."""
    level_bytes = 4 + 4 * header.links
    position = 0
    for _ in range(header.count):
        if position + 4 > len(data):
            raise _DamageError("link_lists.bin is cut off")
        (length,) = struct.unpack_from("<I", data, position)
        if length % level_bytes or length > level_bytes * header.top_level:
            raise _DamageError("link_lists.bin has lists of an impossible length")
        position += 4 + length
    if position != len(data):
        raise _DamageError("link_lists.bin is not of the length that its lists add up to")


def _labels(path: Path, count: int) -> dict[int, str]:
    """Id of each label that was not deleted."""
    try:
        with path.open("rb") as file:
            values = _PlainUnpickler(file).load()
        ids = {int(label): str(key) for key, label in values["id_to_label"].items()}
        back, total = values["label_to_id"], int(values["total_elements_added"])
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _DamageError(f"{path.name} cannot be read ({error})") from error
    if ids != back or total < count:
        raise _DamageError(f"{path.name} does not agree with header.bin")
    return ids


class _PlainUnpickler(pickle.Unpickler):
    """Refuses everything but plain values."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not expected")


def _column(records: NDArray[np.uint8], start: int, kind: np.dtype[Any], width: int) -> NDArray[Any]:
    """``width`` values of every record from byte ``start`` on."""
    return np.ascontiguousarray(records[:, start : start + kind.itemsize * width]).view(kind)


def _reachable(links: NDArray[np.uint32], used: NDArray[np.bool_], entry: int) -> NDArray[np.bool_]:
    """Which elements a walk from ``entry`` along the links finds."""
    seen = np.zeros(len(links), dtype=np.bool_)
    seen[entry] = True
    front = np.array([entry])
    while len(front):
        found = np.unique(links[front][used[front]])
        front = found[~seen[found]]
        seen[front] = True
    return seen


def _applied(connection: sqlite3.Connection, segment: str) -> int:
    """The last entry of the log that a segment has taken in, 0 if none."""
    row = connection.execute("SELECT seq_id FROM max_seq_id WHERE segment_id = ?", (segment,)).fetchone()
    return 0 if row is None else int(row[0])


def _stored_ids(connection: sqlite3.Connection, collection: str) -> set[str]:
    (segment,) = connection.execute(
        "SELECT id FROM segments WHERE scope = 'METADATA' AND collection = ?", (collection,)
    ).fetchone()
    rows = connection.execute("SELECT embedding_id FROM embeddings WHERE segment_id = ?", (segment,))
    return _after_log(connection, collection, _applied(connection, segment), {row[0] for row in rows})


def _after_log(connection: sqlite3.Connection, collection: str, applied: int, ids: set[str]) -> set[str]:
    """``ids`` after the entries of the log that come after ``applied``."""
    for operation, key in _log(connection, collection, applied):
        if operation == _DELETE_OPERATION:
            ids.discard(key)
        else:
            ids.add(key)
    return ids


def _log(connection: sqlite3.Connection, collection: str, applied: int) -> Iterator[tuple[int, str]]:
    yield from connection.execute(
        "SELECT operation, id FROM embeddings_queue WHERE seq_id > ? AND topic LIKE '%' || ? ORDER BY seq_id",
        (applied, collection),
    )
