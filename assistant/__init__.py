"""Dalil (دليل, "guide" and "evidence"): answers in Arabic and English, every sentence with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.errors import DalilError
from assistant.schema import Answer, AnswerPiece, Citation, Document, Hit, SyncReport
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.assistant import Assistant, ask

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AnswerPiece",
    "Assistant",
    "Citation",
    "DalilError",
    "Document",
    "Hit",
    "Settings",
    "SyncReport",
    "ask",
]


def __getattr__(name: str) -> Any:
    """What needs the whole engine, loaded when it is first used: a command served elsewhere never does."""
    if name in ("Assistant", "ask"):
        from assistant import assistant

        return getattr(assistant, name)
    raise AttributeError(f"module 'assistant' has no attribute '{name}'")
