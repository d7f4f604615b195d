"""Reading in child processes, so that a hostile file can hang, exhaust or crash only the child that reads it.

A child is a fresh interpreter that imports nothing but the readers: a program with threads cannot fork
safely, and ``multiprocessing`` would run the program's main module a second time. Requests and replies
are JSON and bytes with their length before them; nothing that a child says is ever executed.

A child ends by itself when its standard input ends, as it does whichever way the parent dies, and an alarm
of the system ends it should it be too stuck to notice.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from assistant.errors import DocumentError
from assistant.readers import is_hazardous, read_source
from assistant.schema import Block, Document, Source

SECONDS = 20.0
"""Work on one file before its size is considered."""
SECONDS_PER_MEGABYTE = 10.0
"""Two hundred pages of text are a megabyte of PDF and take five seconds."""
MAX_SECONDS = 300.0
MEMORY_BYTES = 1_000_000_000
"""Address space of a child."""
_START_SECONDS = 60.0
_ALARM_GRACE = 5
_MAX_REPLY_BYTES = 400_000_000
_LENGTH = struct.Struct(">Q")

Reader = Callable[[str, bytes], Source]

# The package itself would import the whole of Dalil: an empty one with its place takes its place.
_START = """
import sys, types
sys.path[:] = {path!r}
package = types.ModuleType("assistant")
package.__path__ = [{package!r}]
sys.modules["assistant"] = package
from assistant.readers.worker import serve
serve({reader!r}, {memory!r})
"""


class ReaderPool:
    """Child processes that read files; each is started when it is first needed. Thread-safe."""

    def __init__(
        self,
        workers: int = 1,
        seconds: float = SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        reader: Reader = read_source,
    ) -> None:
        """Prepare a pool; nothing is started yet.

        Args:
            workers: how many files are read at the same time.
            seconds: time for one file; large files get more, by their size.
            memory_bytes: address space of a child, where the system can limit it.
            reader: a function at the top of a module that the children can import.
        """
        self._seconds = seconds
        self._memory = memory_bytes
        self._reader = f"{reader.__module__}:{reader.__qualname__}"
        self._slots = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def read(self, document_id: str, data: bytes) -> Source:
        """What ``read_source`` makes of a file, read by a child.

        Raises:
            DocumentError: as ``read_source``, or the child took too long, needed too much memory or crashed.
        """
        seconds = min(self._seconds + SECONDS_PER_MEGABYTE * len(data) / 1_000_000, MAX_SECONDS)
        with self._slots:
            try:
                try:
                    reply = self._ask(document_id, data, seconds)
                except _ChildKilledError:  # it may have been dead before it was asked
                    if self._closed:
                        raise
                    reply = self._ask(document_id, data, seconds)
            except _ChildLostError as error:
                raise DocumentError(f"{document_id}: {error}") from None
        if "source" in reply:
            return _source(reply["source"])
        raise DocumentError(str(reply["error"]))

    def _ask(self, document_id: str, data: bytes, seconds: float) -> dict[str, Any]:
        child = self._take()
        try:
            return child.ask(document_id, data, seconds)
        finally:
            self._give_back(child)

    def close(self) -> None:
        """End every child; a read that still goes on fails."""
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._busy]
            self._idle.clear()
        for child in children:
            child.end()

    def _take(self) -> _Child:
        with self._lock:
            if self._closed:
                raise _ChildLostError("its reader has been closed; sync again")
            while self._idle:
                child = self._idle.pop()
                if child.is_alive():
                    self._busy.add(child)
                    return child
                child.end()
            child = _Child(self._reader, self._memory)
            self._busy.add(child)
            return child

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            if child.usable and not self._closed:
                self._idle.append(child)
                return
        child.end()


def read_safely(pool: ReaderPool, document_id: str, data: bytes) -> Source:
    """What ``read_source`` makes of a file; those that can harm a process are read by a child.

    Raises:
        DocumentError: as ``ReaderPool.read``.
    """
    return pool.read(document_id, data) if is_hazardous(document_id, data) else read_source(document_id, data)


class _ChildLostError(Exception):
    """A child gave no reply; the message says why."""


class _ChildKilledError(_ChildLostError):
    """Somebody else killed it."""


class _Child:
    """One child process and what is said to it. Used by one thread at a time."""

    def __init__(self, reader: str, memory_bytes: int) -> None:
        package = Path(__file__).resolve().parents[1]
        code = _START.format(
            path=[os.path.abspath(entry) for entry in sys.path],  # noqa: PTH100 - "" is the working directory
            package=str(package),
            reader=reader,
            memory=memory_bytes,
        )
        command = [sys.executable, "-P", "-c", code]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603
        except OSError as error:
            raise _ChildLostError(f"its reader cannot be started ({error.strerror}); sync again") from None
        self._memory = memory_bytes
        self._started = False
        self.usable = False
        """Whether it waits for another file."""

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, document_id: str, data: bytes, seconds: float) -> dict[str, Any]:
        """The child's reply for one file.

        Raises:
            _ChildLostError: it took too long, needed too much memory or crashed.
        """
        self.usable = False
        if not self._started:
            try:
                self._within(_START_SECONDS, self._receive)
            except _ChildLostError:
                raise _ChildLostError("its reader does not start; run: dalil doctor") from None
            self._started = True
        header = json.dumps({"id": document_id, "seconds": seconds}).encode()

        def exchange() -> bytes:
            _send(self._stdin, header)
            _send(self._stdin, data)
            return self._receive()

        reply: dict[str, Any] = json.loads(self._within(seconds, exchange))
        if reply.get("memory"):
            raise _ChildLostError(
                f"needs more than {self._memory // 1_000_000:,} MB of memory to be read; split it or remove it"
            )
        self.usable = True
        return reply

    def end(self) -> None:
        """Kill the child and release what belongs to it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._stdin, self._stdout):
            with suppress(OSError):  # what it never took
                stream.close()

    def _within(self, seconds: float, action: Callable[[], bytes]) -> bytes:
        """The result of an exchange; the child is killed when it takes longer."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            return action()
        except (OSError, EOFError, ValueError):
            if late.is_set():
                raise _ChildLostError(f"takes more than {seconds:.0f} s to be read; split it or remove it") from None
            code = self._process.wait()
            if code == -signal.SIGKILL:
                message = "reading it was stopped; sync again, or remove it if it happens again"
                raise _ChildKilledError(message) from None
            raise _ChildLostError(
                f"crashed its reader (exit code {code}); open it in its program and save it again, or remove it"
            ) from None
        finally:
            timer.cancel()

    def _receive(self) -> bytes:
        return _receive(self._stdout, _MAX_REPLY_BYTES)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def _receive(stream: IO[bytes], limit: int | None = None) -> bytes:
    """The next message.

    Raises:
        EOFError: there is none, or it is cut off.
        ValueError: it is longer than ``limit``.
    """
    prefix = stream.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(prefix)
    if limit is not None and length > limit:
        raise ValueError(f"a message of {length} bytes")
    message = stream.read(length)
    if len(message) < length:
        raise EOFError
    return message


def _source(value: dict[str, Any]) -> Source:
    """A source from its JSON form."""
    return Source(
        Document(**value["document"]),
        tuple(Block(**block) for block in value["blocks"]),
        titled=value["titled"],
        repairs=value["repairs"],
        warnings=tuple(value["warnings"]),
    )


# --- in the child ------------------------------------------------------------------------------------


def serve(reader: str, memory_bytes: int) -> None:
    """Read files from standard input until it ends; what a child runs.

    Args:
        reader: module and name of the function that reads a file.
        memory_bytes: address space that it may take.
    """
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not look like a reply
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to act on
    module, _, name = reader.partition(":")
    read: Reader = getattr(import_module(module), name)
    _limit(memory_bytes)
    requests: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_take_requests, args=(requests,), daemon=True).start()
    try:
        _send(replies, b"ready")
        while _answer(read, *requests.get(), replies):
            pass
    finally:
        os._exit(1)  # the thread that waits for input would hold up an orderly end


def _answer(read: Reader, header: dict[str, Any], data: bytes, replies: IO[bytes]) -> bool:
    """Read one file and reply; whether this process is fit to read another."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(header["seconds"]) + _ALARM_GRACE)
    try:
        reply = _reply(read, header["id"], data)
    except MemoryError:
        _send(replies, b'{"memory": true}')
        return False
    _send(replies, reply)
    if hasattr(signal, "alarm"):
        signal.alarm(0)
    return True


def _take_requests(requests: queue.SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """Pass requests on; at the end of input end the process, whatever it is doing."""
    stream = sys.stdin.buffer
    try:
        while True:
            header = json.loads(_receive(stream))
            requests.put((header, _receive(stream)))
    finally:
        os._exit(0)


def _reply(read: Reader, document_id: str, data: bytes) -> bytes:
    try:
        message: dict[str, Any] = {"source": asdict(read(document_id, data))}
    except DocumentError as error:
        message = {"error": str(error)}
    return json.dumps(message, ensure_ascii=False).encode("utf-8", errors="replace")


def _limit(memory_bytes: int) -> None:
    """Bound what this process may take, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return
