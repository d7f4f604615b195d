"""Many users ask a real server at once: how long they wait, and whether anything fails."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.measure import percentile

START_SECONDS = 300
"""Until the server answers: it prepares the model and indexes the knowledge base first."""

ANSWER_SECONDS = 30
FOLLOW_UPS = 0.2
STREAMS = 0.2

_FOLLOW_UPS = ("ومتى بدأ؟", "وكم بلغت تكلفته؟", "ولماذا؟", "And when did it begin?", "How much did it cost?", "Why?")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the users saw."""

    users: int
    seconds: float
    answers: int
    errors: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float
    server_cpu_seconds: float
    """Processor time that the server took; 0 where the system does not tell."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def load(questions: Sequence[str], users: int, seconds: float) -> Loaded:
    """Serve the shipped knowledge base and have ``users`` ask it, each as soon as the last answer is there."""
    with serving() as (address, process):
        return asyncio.run(ask_all(address, process.pid, questions, users, seconds))


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``dalil serve`` on the shipped knowledge base, with an index of its own: its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", "from assistant.cli import main; main()", "serve", "--port", "0", "--data", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith("Dalil is at ")), None)
            if line is None:
                raise RuntimeError("the server did not start")
            yield line.split()[-1], process
        finally:
            process.terminate()
            process.communicate(timeout=START_SECONDS)


async def ask_all(address: str, pid: int, questions: Sequence[str], users: int, seconds: float) -> Loaded:
    """Have ``users`` ask the server at an address, whose process is ``pid``."""
    times: list[float] = []
    errors: dict[str, int] = {}
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=ANSWER_SECONDS) as client:
        for question in questions[:4]:  # what is loaded when it is first used is loaded
            await client.post("/api/ask", json={"question": question})
        cpu, begun = _cpu_seconds(pid), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(users):
                group.create_task(_user(client, questions, random.Random(number), begun + seconds, times, errors))
        took, cpu = time.perf_counter() - begun, _cpu_seconds(pid) - cpu
    waits = times or [math.nan]
    return Loaded(
        users=users,
        seconds=took,
        answers=len(times),
        errors=errors,
        p50_ms=percentile(waits, 0.5) * 1000,
        p95_ms=percentile(waits, 0.95) * 1000,
        p99_ms=percentile(waits, 0.99) * 1000,
        slowest_ms=max(waits) * 1000,
        server_cpu_seconds=cpu,
    )


async def _user(
    client: httpx.AsyncClient,
    questions: Sequence[str],
    chance: random.Random,
    until: float,
    times: list[float],
    errors: dict[str, int],
) -> None:
    """Ask until the time is over: some questions follow up the last one, some answers are streamed."""
    history: list[list[str]] = []
    while (begun := time.perf_counter()) < until:
        follows = bool(history) and chance.random() < FOLLOW_UPS
        question = chance.choice(_FOLLOW_UPS) if follows else chance.choice(questions)
        body = {"question": question, "history": history if follows else [], "stream": chance.random() < STREAMS}
        try:
            response = await client.post("/api/ask", json=body)
            response.raise_for_status()
            answer = _answer(response.text) if body["stream"] else response.json()
        except (httpx.HTTPError, ValueError, KeyError) as error:
            name = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            errors[name] = errors.get(name, 0) + 1
            await asyncio.sleep(0.1)
            continue
        times.append(time.perf_counter() - begun)
        history = [*(history if follows else []), [question, answer["text"]]][-3:]


def _answer(text: str) -> dict[str, str]:
    """The whole answer at the end of a stream.

    Raises:
        ValueError: the stream has none.
    """
    name, data = text.strip().rpartition("\n\n")[2].split("\n")
    if name != "event: answer":
        raise ValueError(name)
    answer: dict[str, str] = json.loads(data.removeprefix("data: "))
    return answer


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
