"""Reading in children: the same results, and only the child dies of a hostile file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.errors import DocumentError
from assistant.readers import is_hazardous, read_source
from assistant.readers.worker import ReaderPool, read_safely
from assistant.schema import Source
from tests.hostile import list_modules, misbehave

ROOT = Path(__file__).parents[1]


def message(pool: ReaderPool, data: str) -> str:
    with pytest.raises(DocumentError) as caught:
        pool.read("مجلد/a.pdf", data.encode())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def child(pool: ReaderPool) -> int:
    return int(pool.read("a.pdf", b"").document.text.split()[0])


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.fixture
def pool():
    with ReaderPool(seconds=10, reader=misbehave) as pool:
        yield pool


def test_a_child_reads_what_this_process_reads():
    page = "<title>ع</title><h1>باب</h1><p>نص &amp; x</p><table><tr><td>a<td>ب</table>".encode()
    with ReaderPool() as pool:
        assert pool.read("a/ب.html", page) == read_source("a/ب.html", page)
        with pytest.raises(DocumentError) as caught:
            pool.read("a.html", b" ")
        assert str(caught.value) == "a.html: holds no text; write some or remove the file"


def test_every_field_comes_through(pool: ReaderPool):
    source = pool.read("a.pdf", b"")
    assert source == Source(source.document, source.blocks, False, {"joined": 2}, ("واحد", "two"))
    assert source.document.metadata == {"date": "2025"}
    assert (source.blocks[0].kind, source.blocks[0].page) == ("paragraph", 3)
    assert source.document.text != f"{os.getpid()} نص"


def test_one_child_reads_many_files(pool: ReaderPool):
    assert len({child(pool) for _ in range(5)}) == 1


def test_what_a_library_prints_is_no_reply(pool: ReaderPool):
    first = child(pool)
    assert int(pool.read("a.pdf", b"print").document.text.split()[0]) == first == child(pool)


@pytest.mark.parametrize("data", ["sleep 60", "spin", "stuck 60"])
def test_a_file_that_takes_too_long(data: str):
    with ReaderPool(seconds=1, reader=misbehave) as pool:
        first = child(pool)
        begun = time.monotonic()
        assert message(pool, data) == "مجلد/a.pdf: takes more than 1 s to be read; split it or remove it"
        assert time.monotonic() - begun < 5
        assert child(pool) != first
        assert not is_running(first)


def test_large_files_have_more_time():
    with ReaderPool(seconds=0.2, reader=misbehave) as pool:
        data = b"sleep 1" + b" " * 3_000_000
        assert pool.read("a.pdf", data).titled is False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_a_file_that_needs_too_much_memory(pool: ReaderPool):
    first = child(pool)
    assert message(pool, "eat") == ("مجلد/a.pdf: needs more than 1,000 MB of memory to be read; split it or remove it")
    assert child(pool) != first


@pytest.mark.parametrize(("data", "code"), [("exit 3", "3"), ("exit 0", "0"), ("crash", "-11"), ("raise", "1")])
def test_a_file_that_crashes_its_reader(pool: ReaderPool, data: str, code: str):
    first = child(pool)
    assert message(pool, data) == (
        f"مجلد/a.pdf: crashed its reader (exit code {code}); open it in its program and save it again, or remove it"
    )
    assert child(pool) != first


def test_a_file_that_is_refused_costs_no_child(pool: ReaderPool):
    first = child(pool)
    assert message(pool, "refuse") == "مجلد/a.pdf: مرفوض"
    assert child(pool) == first


def test_a_child_that_died_while_idle_is_replaced(pool: ReaderPool):
    first = child(pool)
    os.kill(first, signal.SIGKILL)
    assert wait_until_gone(first, 5)
    assert child(pool) != first


def test_threads_share_the_children():
    with ReaderPool(workers=2, reader=misbehave) as pool, ThreadPoolExecutor(6) as threads:
        files = [b"", b"exit 1", b"sleep 0.1"] * 6
        outcomes = list(threads.map(lambda data: _outcome(pool, data), files))
        assert [outcome is None for outcome in outcomes] == [data == b"exit 1" for data in files]
        assert len(pool._idle) <= 2


def _outcome(pool: ReaderPool, data: bytes) -> int | None:
    try:
        return int(pool.read("a.pdf", data).document.text.split()[0])
    except DocumentError:
        return None


def test_closing_ends_the_children():
    pool = ReaderPool(reader=misbehave)
    pids = [child(pool)]
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(message, pool, "sleep 60")
        time.sleep(0.5)
        pool.close()
        assert "stopped" in busy.result(5)
    assert all(wait_until_gone(pid, 5) for pid in pids)
    assert "closed" in message(pool, "")


def test_nothing_is_started_before_it_is_needed(monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with ReaderPool() as pool:
        assert read_safely(pool, "a.md", "نص".encode()).document.text == "نص"
        assert read_safely(pool, "a.csv", b"a,b\n").document.text == "a | b"


def test_a_child_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch):
    with ReaderPool() as pool:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        assert message(pool, "") == ("مجلد/a.pdf: its reader cannot be started (No such file or directory); sync again")
        monkeypatch.setattr(sys, "executable", "/bin/false")
        assert message(pool, "") == "مجلد/a.pdf: its reader does not start; run: dalil doctor"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("work", ["", "sleep 60", "spin"])
def test_children_die_with_their_parent(work: str):
    code = (
        "import sys, threading\n"
        "from assistant.readers.worker import ReaderPool\n"
        "from tests.hostile import misbehave\n"
        "pool = ReaderPool(seconds=120, reader=misbehave)\n"
        "print(pool.read('a.pdf', b'').document.text.split()[0], flush=True)\n"
        f"pool.read('a.pdf', {work!r}.encode())\n"
        "threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.3)
    assert is_running(pid)
    parent.kill()
    parent.wait()
    assert wait_until_gone(pid, 5)
    parent.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_too_stuck_to_notice_ends_by_alarm():
    code = (
        "from assistant.readers.worker import ReaderPool\n"
        "from tests.hostile import misbehave\n"
        "pool = ReaderPool(seconds=1, reader=misbehave)\n"
        "print(pool.read('a.pdf', b'').document.text.split()[0], flush=True)\n"
        "pool.read('a.pdf', b'stuck 600')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    assert wait_until_gone(pid, 15)
    parent.stdout.close()


def test_children_import_the_readers_only():
    # what is slow to import would be paid for each child
    with ReaderPool(reader=list_modules) as pool:
        loaded = pool.read("a.pdf", b"").document.text.split()
    assert "assistant.readers" in loaded
    assert not {"numpy", "pydantic", "assistant.assistant", "assistant.index", "docx", "openpyxl"} & set(loaded)


@pytest.mark.parametrize(
    ("name", "data", "hazardous"),
    [
        ("a.md", b"# x < y", False),
        ("a.md", b"x<br>y", True),  # HTML in it is parsed as such
        ("a.txt", b"x<br>y", False),
        ("a.CSV", b"a,b", False),
        ("a.txt", b"x" * 1_000_001, True),
        ("a.PDF", b"", True),
        ("a.docx", b"", True),
        ("a.htm", b"x", True),
    ],
)
def test_which_files_need_a_child(name: str, data: bytes, hazardous: bool):
    assert is_hazardous(name, data) == hazardous
