"""Dalil (دليل, "guide" and "evidence"): answers in Arabic and English, every sentence with its source."""

from __future__ import annotations

from assistant.assistant import Assistant, ask
from assistant.errors import DalilError
from assistant.schema import Answer, Citation, Document, Hit, SyncReport
from assistant.settings import Settings

__version__ = "0.1.0"

__all__ = ["Answer", "Assistant", "Citation", "DalilError", "Document", "Hit", "Settings", "SyncReport", "ask"]
