"""A data directory that another process serves: how the owner is found, and asked.

The owner listens on this machine and leaves ``owner.json`` in the directory, readable by its user alone.
Nothing slow is imported here, so that a question is answered about as quickly as the owner answers it.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from assistant import errors
from assistant.errors import DalilError, IndexBusyError
from assistant.schema import Answer, Citation, Document, FileReport, Hit, SyncReport
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.index import Progress

OWNER_FILE = "owner.json"
INTERNAL = "/internal"
"""Path below which the owner answers other processes."""

_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Who serves a data directory, and what opens its door."""

    host: str
    port: int
    pid: int
    token: str
    knowledge: str
    """The knowledge folder that it keeps in step with."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An indexed document without its text."""

    id: str
    title: str
    language: str
    source: str
    characters: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What is indexed."""

    documents: tuple[Listed, ...]
    facts: int


def listing(dalil: Assistant) -> Listing:
    """What an assistant has indexed."""
    documents = dalil.documents()
    rows = tuple(Listed(one.id, one.title, one.language, one.source, len(one.text)) for one in documents)
    return Listing(rows, dalil.fact_count())


def announce(folder: Path, owner: Owner) -> None:
    """Leave word of who serves ``folder``, for this user alone."""
    withdraw(folder)
    unfinished = folder / f"{OWNER_FILE}.part"
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(asdict(owner), stream)
    unfinished.replace(folder / OWNER_FILE)


def withdraw(folder: Path) -> None:
    """Take the word back, or that of an owner that was killed."""
    (folder / OWNER_FILE).unlink(missing_ok=True)


def find(settings: Settings) -> Remote | None:
    """The process that serves the index of these settings; None where there is none.

    Raises:
        IndexBusyError: it serves another knowledge folder.
    """
    folder = settings.index_dir
    try:
        owner = Owner(**json.loads((folder / OWNER_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if _is_free(folder):
        return None  # it was killed
    if owner.knowledge != str(settings.knowledge_dir.resolve()):
        raise IndexBusyError(
            f"the index in {folder} is in use by another dalil process for the knowledge folder {owner.knowledge}; "
            "use another --data DIR"
        )
    # A question that a language model answers may take all of its time.
    return Remote(folder, owner, settings.llm_timeout if settings.llm_model else 0.0)


def _is_free(folder: Path) -> bool:
    """Whether no living process holds the directory."""
    try:
        with FileLock(folder / "lock", timeout=0):
            return True
    except (Timeout, OSError):
        return False


class Remote:
    """What the command line needs of an ``Assistant``, asked of the process that owns the index."""

    def __init__(self, folder: Path, owner: Owner, longer: float = 0.0) -> None:
        """Hold an owner; an answer may take so many seconds ``longer`` than one without a language model."""
        self._folder = folder
        self._owner = owner
        self._longer = longer

    def ask(
        self, question: str, history: Sequence[tuple[str, str]] | None = None, language: str | None = None
    ) -> Answer:
        """As ``Assistant.ask``."""
        turns = [list(turn) for turn in history or ()]
        value = self._post("ask", {"question": question, "history": turns, "language": language})
        value["citations"] = tuple(Citation(**citation) for citation in value["citations"])
        value["closest"] = tuple(Hit(**hit) for hit in value["closest"])
        return Answer(**value)

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """As ``Assistant.search``."""
        return [Hit(**hit) for hit in self._post("search", {"query": query, "limit": limit})]

    def document(self, document_id: str) -> Document:
        """As ``Assistant.document``."""
        return Document(**self._post("document", {"document_id": document_id}))

    def listing(self) -> Listing:
        """As ``listing`` of an assistant."""
        value = self._post("list", {})
        return Listing(tuple(Listed(**row) for row in value["documents"]), value["facts"])

    def sync(self, progress: Progress | None = None) -> SyncReport:
        """As ``Assistant.sync``."""
        value = self._post("sync", {}, progress, patient=True)
        value.update({name: tuple(value[name]) for name in ("added", "updated", "removed", "unchanged")})
        value["files"] = {name: FileReport(**one) for name, one in value["files"].items()}
        return SyncReport(**value)

    def _post(
        self,
        name: str,
        body: Mapping[str, Any],
        progress: Progress | None = None,
        *,
        patient: bool = False,
    ) -> Any:
        """The value in the last line of the reply; those before it tell how a sync goes on.

        Raises:
            IndexBusyError: the owner does not answer.
            DalilError: what the owner raised.
        """
        owner = self._owner
        connection = http.client.HTTPConnection(owner.host, owner.port, timeout=_CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(None if patient else _ANSWER_SECONDS + self._longer)
            headers = {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}
            connection.request("POST", f"{INTERNAL}/{name}", json.dumps(body).encode(), headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise http.client.HTTPException(response.status)
            reply: dict[str, Any] = {}
            for line in response:
                reply = json.loads(line)
                if "step" in reply and progress is not None:
                    progress(*reply["step"])
            if "value" not in reply and "error" not in reply:
                raise http.client.HTTPException("the reply is cut off")
        except (OSError, http.client.HTTPException, ValueError):
            raise IndexBusyError(
                f"the index in {self._folder} is in use by another dalil process (pid {owner.pid}), which does not "
                "answer; ask there, stop it, or use --data DIR"
            ) from None
        finally:
            with suppress(OSError):
                connection.close()
        if "error" in reply:
            raise _error(reply["error"], reply["message"])
        return reply["value"]


def _error(name: str, message: str) -> DalilError:
    kind = getattr(errors, name, DalilError)
    return kind(message) if isinstance(kind, type) and issubclass(kind, DalilError) else DalilError(message)
