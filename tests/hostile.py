"""Readers that behave as a hostile file would make one behave. Children of a pool import this module."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

from assistant.errors import DocumentError
from assistant.schema import Block, Document, Source


def misbehave(document_id: str, data: bytes) -> Source:
    """Do what the content of the file says."""
    match data.decode().split():
        case ["sleep", seconds]:
            time.sleep(float(seconds))
        case ["spin"]:
            while True:
                pass
        case ["stuck", seconds]:  # as a library that never lets other threads run
            ctypes.PyDLL(None).sleep(int(seconds))
        case ["eat"]:
            _ = bytearray(4_000_000_000)
        case ["exit", code]:
            os._exit(int(code))
        case ["crash"]:
            os.kill(os.getpid(), signal.SIGSEGV)
        case ["raise"]:
            raise RuntimeError("a fault of the reader")
        case ["refuse"]:
            raise DocumentError(f"{document_id}: مرفوض")
        case ["print"]:
            print("noise " * 100, flush=True)
            os.write(1, b"\xff" * 1000)
    text = f"{os.getpid()} نص"
    document = Document(document_id, "عنوان", "ar", text, "a", {"date": "2025"})
    return Source(document, (Block(0, len(text), "paragraph", 0, 3),), False, {"joined": 2}, ("واحد", "two"))


def list_modules(document_id: str, data: bytes) -> Source:
    """A text of the names of all modules that this process has imported."""
    text = " ".join(sys.modules)
    return Source(Document(document_id, "", "en", text, "a"), (Block(0, len(text), "paragraph"),))
