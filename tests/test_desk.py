"""So much at once, the rest in order; whoever stops listening stops the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import anyio
import pytest

from assistant import Assistant
from assistant.desk import Attended, Desk
from assistant.errors import QuestionError, ServerBusyError
from assistant.schema import Answer

ARABIC = "كم يبلغ طول نهر الأمل؟"


class Counting:
    """Counts up, slowly, and remembers whether it was stopped."""

    def __init__(self, until: int = 10_000) -> None:
        self.until = until
        self.given = 0
        self.closed = threading.Event()

    def __call__(self) -> Iterator[int]:
        try:
            while self.given < self.until:
                self.given += 1
                yield self.given
                time.sleep(0.002)
        finally:
            self.closed.set()


def test_no_more_than_that_is_done_at_once():
    running, most, guard = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with guard:
            running -= 1

    with closing(Desk(3)) as desk:
        [future.result(10) for future in [desk.submit(work) for _ in range(30)]]
    assert most == 3


def test_by_default_each_core_has_something_to_do():
    with closing(Desk()) as desk:
        assert desk.at_once >= 1


def test_room_is_given_back_by_work_that_fails_or_is_given_up():
    def fail() -> None:
        raise QuestionError("x")

    with closing(Desk(1, waiting=0)) as desk:
        for _ in range(3):
            with pytest.raises(QuestionError):
                desk.submit(fail).result(10)
            counting = Counting()
            for item in desk.each(counting):
                if item == 2:
                    break
            assert counting.closed.wait(5)
            assert counting.given < 1000
            while True:  # its thread is done a moment later
                try:
                    assert desk.submit(lambda: 5).result(10) == 5
                    break
                except ServerBusyError:
                    time.sleep(0.01)


def test_what_waits_and_is_given_up_is_never_begun():
    go_on = threading.Event()
    with closing(Desk(1)) as desk:
        desk.submit(go_on.wait)
        counting = Counting()

        async def listen() -> None:
            with anyio.move_on_after(0.05):
                async for _ in desk.stream(counting):
                    raise AssertionError
            go_on.set()

        anyio.run(listen)
        desk.submit(lambda: None).result(10)
    assert counting.given == 0


def test_a_stream_gives_everything_and_ends():
    async def listen() -> list[int | None]:
        return [item async for item in desk.stream(Counting(5))]

    with closing(Desk(1)) as desk:
        assert anyio.run(listen) == [1, 2, 3, 4, 5]
        assert list(desk.each(Counting(3))) == [1, 2, 3]


def test_what_goes_wrong_comes_to_whoever_listens():
    def breaking() -> Iterator[int]:
        yield 1
        raise QuestionError("the second is missing")

    async def listen() -> None:
        async for item in desk.stream(breaking):
            assert item == 1

    with closing(Desk(1)) as desk:
        with pytest.raises(QuestionError, match="the second is missing"):
            anyio.run(listen)
        with pytest.raises(QuestionError, match="the second is missing"):
            list(desk.each(breaking))


def test_a_closed_desk_refuses():
    desk = Desk(1)
    desk.close()
    with pytest.raises(ServerBusyError, match="the server is stopping"):
        desk.submit(lambda: None)


@pytest.mark.parametrize("question", [ARABIC, "How much can the cranes of Salma lift?"])
def test_the_chat_gets_the_same_answers(tiny_dalil: Assistant, question: str):
    with closing(Desk(1)) as desk:
        attended = Attended(tiny_dalil, desk)
        expected = tiny_dalil.ask(question)
        assert attended.ask(question).text == expected.text
        *pieces, answer = attended.stream(question)
        assert isinstance(answer, Answer)
        assert "".join(piece.text for piece in pieces) == answer.text == expected.text
        assert attended.document(answer.citations[0].document_id) == tiny_dalil.document(
            answer.citations[0].document_id
        )
        with pytest.raises(QuestionError):
            attended.ask("؟")
