"""The users of the load benchmark, against a real server and against one that refuses."""

from __future__ import annotations

import math
import os

from starlette.applications import Starlette

from assistant import Assistant
from assistant.api import programs
from assistant.desk import Desk
from assistant.security import Access, Guard
from benchmarks.load import ask_all
from tests.loops import run
from tests.ui.driver import serving

QUESTIONS = ("كم يبلغ طول نهر الأمل؟", "How much can the cranes of Salma lift?", "أين تقع مناجم تارين؟", "Who?")


def test_users_ask_one_question_after_the_other(tiny_dalil: Assistant):
    desk = Desk(2)
    with serving(Guard(programs(tiny_dalil, desk), Access())) as address:
        seen = run(ask_all(address, os.getpid(), QUESTIONS, users=4, seconds=1.5))
    desk.close()
    assert seen.errors == {}
    assert seen.answers > 8
    assert 0 < seen.p50_ms <= seen.p95_ms <= seen.p99_ms <= seen.slowest_ms
    assert 1.5 <= seen.seconds < 5
    assert seen.per_second == seen.answers / seen.seconds


def test_refusals_are_counted():
    with serving(Starlette()) as address:
        seen = run(ask_all(address, os.getpid(), QUESTIONS, users=2, seconds=0.3))
    assert seen.answers == 0
    assert math.isnan(seen.p95_ms)
    assert sum(seen.errors.values()) >= 2
    assert all("404" in error for error in seen.errors)
