"""Works off what is asked: so many answers at once, and the other questions wait in order."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from assistant.errors import ServerBusyError

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.followups import History
    from assistant.schema import Answer, AnswerPiece

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WAITING = 200
"""Questions that wait; further ones are refused at once, which is kinder than a minute of waiting."""


class Desk:
    """A few threads that do the work of everybody who asks. Close it when done."""

    def __init__(self, at_once: int | None = None, waiting: int = MAX_WAITING) -> None:
        """Open the desk.

        Args:
            at_once: pieces of work at once; one for each usable core by default: more only take turns.
            waiting: how many may wait.
        """
        self.at_once = at_once or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0, 1])
        self._pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="dalil-desk")
        self._room = threading.BoundedSemaphore(self.at_once + waiting)

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Have something done when its turn comes.

        Raises:
            ServerBusyError: too much waits already, or the desk is closed.
        """
        if not self._room.acquire(blocking=False):
            raise ServerBusyError("too many questions wait already; try again in a few seconds")
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            self._room.release()
            raise ServerBusyError("the server is stopping; try again in a few seconds") from None
        future.add_done_callback(lambda _: self._room.release())
        return future

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of ``work``, without holding up the event loop; as ``submit``."""
        return await asyncio.wrap_future(self.submit(work))

    async def stream(
        self, begin: Callable[[], Iterator[Item]], patience: float | None = None
    ) -> AsyncIterator[Item | None]:
        """What an iterator gives, as it comes; closing this one closes that one after its current item.

        Args:
            begin: makes the iterator, in a thread of the desk.
            patience: seconds; None is given whenever nothing has come for so long.

        Raises:
            ServerBusyError: as ``submit``.
        """
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[_Event[Item]] = asyncio.Queue()

        def put(event: _Event[Item]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(arrived.put_nowait, event)

        work = _Work(begin, put)
        future = self.submit(work)
        try:
            while True:
                try:
                    event = await asyncio.wait_for(arrived.get(), patience)
                except TimeoutError:
                    yield None
                    continue
                if event.ended:
                    return
                yield event.item
        finally:
            work.stop()
            future.cancel()

    def each(self, begin: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        """As ``stream``, for threads."""
        arrived: queue.SimpleQueue[_Event[Item]] = queue.SimpleQueue()
        work = _Work(begin, arrived.put)
        future = self.submit(work)
        try:
            while not (event := arrived.get()).ended:
                yield event.item
        finally:
            work.stop()
            future.cancel()

    def close(self) -> None:
        """Do no more work; what is being done is finished by its thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Event(Generic[Item]):
    """An item of an iterator, or how it ended."""

    value: Item | None = None
    over: bool = False
    error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether this is the end.

        Raises:
            BaseException: what ended it, where that was an error.
        """
        if self.error is not None:
            raise self.error
        return self.over

    @property
    def item(self) -> Item:
        return cast("Item", self.value)


class _Work(Generic[Item]):
    """An iterator that is worked off in a thread of the desk."""

    def __init__(self, begin: Callable[[], Iterator[Item]], put: Callable[[_Event[Item]], None]) -> None:
        self._begin, self._put = begin, put
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Nobody waits any more: the iterator is closed before its next item."""
        self._stopped.set()

    def __call__(self) -> None:
        try:
            items = self._begin()
            try:
                for item in items:
                    if self._stopped.is_set():
                        break
                    self._put(_Event(item))
            finally:
                close = getattr(items, "close", None)  # generators have it
                if close is not None:
                    close()
        except Exception as error:
            self._put(_Event(error=error))
        else:
            self._put(_Event(over=True))


class Attended:
    """An assistant whose answers are worked off at a desk, for callers in threads of their own: the chat."""

    def __init__(self, dalil: Assistant, desk: Desk) -> None:
        self._dalil, self._desk = dalil, desk

    def ask(self, question: str, history: History | None = None, language: str | None = None) -> Answer:
        """As ``Assistant.ask``."""
        return self._desk.submit(lambda: self._dalil.ask(question, history, language)).result()

    def stream(
        self, question: str, history: Sequence[tuple[str, str]] | None = None, language: str | None = None
    ) -> Iterator[AnswerPiece | Answer]:
        """As ``Assistant.stream``."""
        yield from self._desk.each(lambda: self._dalil.stream(question, history, language))

    def __getattr__(self, name: str) -> Any:
        """Everything else takes no turn."""
        return getattr(self._dalil, name)
