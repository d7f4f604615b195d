"""A data directory that another process serves: how the owner is found, and asked.

The owner listens on this machine and leaves ``owner.json`` in the directory, readable by its user alone.
Nothing slow is imported here, so that a question is answered about as quickly as the owner answers it.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from assistant import errors
from assistant.errors import DalilError, IndexBusyError, QuestionError
from assistant.schema import Answer, AnswerPiece, Citation, Document, FileReport, Hit, SyncReport
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.index import Progress

OWNER_FILE = "owner.json"
INTERNAL = "/internal"
"""Path below which the owner answers other processes."""
EVENT_STREAM = "text/event-stream"
"""What an answer is that comes piece by piece."""

Made = TypeVar("Made")

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
        return _answer(self._post("ask", _question(question, history, language)))

    def stream(
        self, question: str, history: Sequence[tuple[str, str]] | None = None, language: str | None = None
    ) -> Iterator[AnswerPiece | Answer]:
        """As ``Assistant.stream``: closing the iterator stops the work there.

        An owner of a version that did not stream yet gives the whole answer as the only item.

        Raises:
            IndexBusyError: the owner does not answer, or ends before its answer does.
            DalilError: what the owner raised.
        """
        body = {**_question(question, history, language), "stream": True}
        begun = False
        try:
            with closing(self._connection()) as connection:
                response = self._response(connection, "ask", body)
                if response.headers.get_content_type() != EVENT_STREAM:
                    yield _answer(_value(response))
                    return
                for item in _items(response):
                    begun = True
                    yield item
        except DalilError:
            raise
        except _BROKEN:
            raise self._unfinished() if begun else self._silent() from None

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """As ``Assistant.search``."""
        return [_made(Hit, hit) for hit in self._post("search", {"query": query, "limit": limit})]

    def document(self, document_id: str) -> Document:
        """As ``Assistant.document``."""
        return _made(Document, self._post("document", {"document_id": document_id}))

    def listing(self) -> Listing:
        """As ``listing`` of an assistant."""
        value = self._post("list", {})
        return Listing(tuple(_made(Listed, row) for row in value["documents"]), value["facts"])

    def sync(self, progress: Progress | None = None) -> SyncReport:
        """As ``Assistant.sync``."""
        value = self._post("sync", {}, progress, patient=True)
        value.update({name: tuple(value[name]) for name in ("added", "updated", "removed", "unchanged")})
        value["files"] = {name: _made(FileReport, one) for name, one in value["files"].items()}
        return _made(SyncReport, value)

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
        try:
            with closing(self._connection()) as connection:
                return _value(self._response(connection, name, body, patient=patient), progress)
        except DalilError:
            raise
        except _BROKEN:
            raise self._silent() from None

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._owner.host, self._owner.port, timeout=_CONNECT_SECONDS)

    def _response(
        self, connection: http.client.HTTPConnection, name: str, body: Mapping[str, Any], *, patient: bool = False
    ) -> http.client.HTTPResponse:
        """What the owner sends, from its first line on."""
        connection.connect()
        connection.sock.settimeout(None if patient else _ANSWER_SECONDS + self._longer)
        headers = {"Authorization": f"Bearer {self._owner.token}", "Content-Type": "application/json"}
        connection.request("POST", f"{INTERNAL}/{name}", json.dumps(body).encode(), headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise http.client.HTTPException(response.status)
        return response

    def _silent(self) -> IndexBusyError:
        return IndexBusyError(
            f"the index in {self._folder} is in use by another dalil process (pid {self._owner.pid}), which does not "
            "answer; ask there, stop it, or use --data DIR"
        )

    def _unfinished(self) -> IndexBusyError:
        return IndexBusyError(
            f"the dalil process that answered (pid {self._owner.pid}) ended before its answer did; ask again"
        )


_BROKEN = (OSError, http.client.HTTPException, ValueError)
"""What is raised where a reply is missing or cut off."""


def _question(question: str, history: Sequence[tuple[str, str]] | None, language: str | None) -> dict[str, Any]:
    return {"question": question, "history": [list(turn) for turn in history or ()], "language": language}


def _value(lines: Iterable[bytes], progress: Progress | None = None) -> Any:
    """The value in the last line of a reply.

    Raises:
        DalilError: what the owner raised.
    """
    reply: dict[str, Any] = {}
    for line in lines:
        reply = json.loads(line)
        if "step" in reply and progress is not None:
            progress(*reply["step"])
    if "error" in reply:
        raise _error(reply["error"], reply["message"])
    if "value" not in reply:
        raise http.client.HTTPException("the reply is cut off")
    return reply["value"]


def _items(lines: Iterable[bytes]) -> Iterator[AnswerPiece | Answer]:
    """What the server-sent events of ``/api/ask`` hold.

    Raises:
        DalilError: the last one says what went wrong.
    """
    name = ""
    for line in lines:
        field, _, text = line.decode().rstrip("\r\n").partition(": ")
        if field == "event":
            name = text
        elif field == "data":
            value = json.loads(text)
            if name == "error":
                told = value["error"]
                kind = QuestionError if told["code"] == "invalid_question" else DalilError
                raise kind(told["message"])
            if name == "answer":
                yield _answer(value)
                return
            yield _made(AnswerPiece, {**value, "citations": _citations(value)})
    raise http.client.HTTPException("the answer is cut off")


def _answer(value: Mapping[str, Any]) -> Answer:
    closest = tuple(_made(Hit, hit) for hit in value.get("closest", ()))
    return _made(Answer, {**value, "citations": _citations(value), "closest": closest})


def _citations(value: Mapping[str, Any]) -> tuple[Citation, ...]:
    return tuple(_made(Citation, citation) for citation in value.get("citations", ()))


def _made(kind: type[Made], value: Mapping[str, Any]) -> Made:
    """One of our types, which may have other fields where the owner comes from."""
    try:
        return kind(**value)
    except TypeError:
        raise IndexBusyError(
            "the dalil process that serves this index is of another version; stop it and start it again"
        ) from None


def _error(name: str, message: str) -> DalilError:
    kind = getattr(errors, name, DalilError)
    return kind(message) if isinstance(kind, type) and issubclass(kind, DalilError) else DalilError(message)
